"""Families of learners that a search moves hold gradient descent as a point."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.easy import Easy
from metaplast.learner_loss import LearnerLoss
from metaplast.learners import Backprop, Bidirectional, LearnedFeedback, MessagePassing
from metaplast.learners.bidirectional import BidirectionalState
from metaplast.lifetime import live

TASK = Easy(moments=10)
RATE, ONE, DEEP = 0.1, (6, 3), (6, 5, 4, 3)


class Content(Easy):
    """Wants what was answered."""

    def teach(self, readout, target):
        return super().teach(readout, target)._replace(signal=jax.nn.softmax(readout))


@eqx.filter_jit
def answers(learner, born=None):
    """Readouts of a life, and the last state, from `born` where given."""
    episode = TASK.sample(jax.random.key(1))

    def moment(state, seen):
        return learner.moment(state, *seen, TASK, None)

    state = learner.born(jax.random.key(2)) if born is None else born
    state, said = jax.lax.scan(moment, state, (episode.stimuli, episode.targets))
    return said, state


def as_born(sizes, sets: int = 1):
    """The birth of `Backprop`, with its biases as synapses from a cell that says 1."""
    born = Backprop(sizes, "sgd", RATE, "tanh").born(jax.random.key(2))
    forward = [jnp.pad(w, ((0, 0), (0, 1)))[None].repeat(sets, 0) for w in born.weights]
    return BidirectionalState(forward, [])


def test_one_layer_is_gradient_descent():
    known, _ = answers(Backprop(ONE, "sgd", RATE))
    found, state = answers(Bidirectional.delta(ONE, RATE), as_born(ONE, sets=2))
    assert float(jnp.abs(known).max()) > 0.1
    np.testing.assert_allclose(found, known, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(state.forward[0][0], state.forward[0][1], atol=1e-6)
    # The same program with other numbers: another genome is another rule.
    other, _ = answers(Bidirectional(ONE, 2, RATE), as_born(ONE, sets=2))
    assert float(jnp.abs(other - known).max()) > 0.1


@pytest.mark.parametrize(("told", "unlearned"), [("error", False), ("wanted", True)])
def test_without_an_error_no_synapse_changes_at_the_point_of_descent(told, unlearned):
    """But where hidden cells take what was wanted of others for their own error, they do."""
    learner = Bidirectional.delta(DEEP, RATE, told=told)

    def changes(task):
        state, stimulus = learner.born(jax.random.key(0)), jnp.linspace(-1, 1, DEEP[0])
        after, _ = learner.moment(state, stimulus, jnp.asarray(0), task)
        pairs = zip(after.forward, state.forward, strict=True)
        return [float(jnp.abs(new - old).max()) for new, old in pairs]

    *hidden, last = changes(Content())
    assert (max(hidden) > 1e-3) is unlearned and last < 1e-6
    assert min(changes(Easy())) > 1e-3, "the control: taught, all layers change"


def test_shared_weights_and_slopes_are_backprop_in_any_depth():
    known, _ = answers(Backprop(DEEP, "sgd", RATE, "tanh"))
    learner = Bidirectional.backprop(DEEP, RATE)
    found, _ = answers(learner, as_born(DEEP))
    assert float(jnp.abs(known).max()) > 0.1
    np.testing.assert_allclose(found, known, rtol=1e-3, atol=1e-5)
    silent = eqx.tree_at(lambda b: b.down, learner, jnp.zeros((2, 2)))
    other, _ = answers(silent, as_born(DEEP))
    assert float(jnp.abs(other - known).max()) > 1e-3, "hidden layers learn from what comes back"


def test_synapses_that_remember_nothing_are_backprop():
    """In any depth: the weight alone passes both ways, and channels above the first are silent."""
    known, _ = answers(Backprop(DEEP, "sgd", RATE, "tanh"))
    learner = MessagePassing(DEEP, channels=2, states=2, rate=RATE)
    found, state = answers(learner)
    assert float(jnp.abs(known).max()) > 0.1
    np.testing.assert_allclose(found, known, rtol=1e-3, atol=1e-5)
    assert min(float(jnp.abs(h).max()) for layer in state for h in layer.memory) > 0.01
    # Negative control: every way by which memory could be heard is a way of its own.
    for name in ("up", "down", "out", "cell_out"):
        zero = getattr(learner, name)
        moved = eqx.tree_at(lambda m, n=name: getattr(m, n), learner, zero + 0.1)
        assert float(jnp.abs(answers(moved)[0] - known).max()) > 1e-3, name


def test_what_synapses_remember_is_a_gated_unit_of_both_ends():
    """One synapse by hand, one moment."""
    learner = MessagePassing((1, 2), channels=1, states=1, rate=RATE)
    state = learner.born(jax.random.key(2))
    stimulus = jnp.array([0.7])
    task = Easy(moments=1, classes=2)
    after, readout = learner.moment(state, stimulus, jnp.asarray(1), task, None)
    error = (jnp.arange(2) == 1) - jax.nn.softmax(readout)
    weight = state[0].weight[:, 0]
    soft = lambda v: v / (1 + jnp.abs(v))  # noqa: E731
    heard = [soft(jnp.stack([e, stimulus[0], w])) for e, w in zip(error, weight, strict=True)]
    update, _, candidate = (learner.inputs[part, 0] for part in range(3))
    known = [(1 + soft(update @ f)) / 2 * soft(candidate @ f) for f in heard]
    assert min(abs(float(k)) for k in known) > 1e-3
    np.testing.assert_allclose(after[0].memory[0][:, 0], jnp.stack(known), rtol=1e-4)


def fed_back(nonlinearity: str, plastic: bool = False, transposed: bool = True):
    learner = LearnedFeedback((6, 5, 3), jax.random.key(4), RATE, nonlinearity, plastic)
    if not transposed:
        return learner
    return eqx.tree_at(lambda f: f.feedback[0], learner, learner.birth.weights[-1].T)


def test_linear_cells_that_hear_transposed_weights_descend_the_gradient():
    """With plastic feedback they stay transposed, so for a whole life."""
    learner = fed_back("linear", plastic=True)
    rival = Backprop((6, 5, 3), "sgd", RATE, "linear")
    born = rival.born(jax.random.key(0))
    born = born._replace(weights=learner.birth.weights, biases=learner.birth.biases)
    known, _ = answers(rival, born)
    found, state = answers(learner)
    assert float(jnp.abs(known).max()) > 0.1
    np.testing.assert_allclose(found, known, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(state.feedback[0], state.layers.weights[1].T, atol=1e-5)
    for other in (fed_back("linear", False), fed_back("linear", True, transposed=False)):
        assert float(jnp.abs(answers(other)[0] - known).max()) > 1e-3


def test_a_search_reaches_every_number():
    """Also those of a life's begin, where the loss is that of its end."""
    learner = LearnedFeedback((6, 5, 3), jax.random.key(4), RATE, "tanh", True)
    run = eqx.filter_jit(eqx.filter_value_and_grad(LearnerLoss(TASK, "end"), has_aux=True))
    (loss, score), gradient = run(learner, jax.random.key(3))
    sizes = [float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(gradient)]
    assert min(sizes) > 1e-6, sizes
    assert float(loss) > 0.01 and 0 <= float(score.accuracy) <= 1


def test_the_loss_of_a_life_is_that_of_its_answers():
    learner, key = fed_back("linear", plastic=True), jax.random.key(3)
    task_key, life_key = jax.random.split(key)
    loss, score = eqx.filter_jit(LearnerLoss(TASK, "life"))(learner, key)
    life, _ = live(learner, TASK, TASK.sample(task_key), life_key)
    assert float(loss) > 0.01
    np.testing.assert_allclose(loss, float(jnp.mean(life.loss)), rtol=1e-5)
    np.testing.assert_allclose(score.accuracy, float(life.accuracy), rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Bidirectional(ONE, states=1), "states = 1"),
        (lambda: Bidirectional((3,)), "sizes"),
        (lambda: MessagePassing(ONE, channels=0), "channels = 0"),
        (lambda: MessagePassing(ONE, states=0), "states = 0"),
        (lambda: MessagePassing((3,)), "sizes"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
