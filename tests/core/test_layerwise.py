"""Layers that decorrelate what they offer: least squares, layer by layer, and no slope."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast.audit import audit
from metaplast.audit.networks import from_network
from metaplast.circuits import layerwise
from metaplast.delivery import Delivering
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Decorrelated, Learned, Output, Rate, Slopeless
from metaplast.rules import Decorrelation, Factored

PRIOR = 3.0


def genome(hidden=None, gain: float = 1.0, plastic: bool = True) -> Genome:
    """Layers that learn by least squares; `gain` is that of lateral plasticity."""
    step = Factored((1.0,), 0.0)
    lateral = {"lateral_input": Decorrelation(gain), "lateral": Decorrelation(gain)}
    cells = {
        "input": Decorrelated(Rate("linear"), PRIOR),
        "hidden": hidden or Decorrelated(Slopeless(), PRIOR),
        "output": Output("linear"),
    }
    return Genome(cells, {"forward": step, "readout": step, **(lateral if plastic else {})})


def readout(plastic: bool):
    """Readout weights after a life without hidden layers, and what was seen."""
    task = Easy(moments=30)
    with jax.enable_x64(True):
        episode = task.sample(jax.random.key(0))
        network = PlasticNetwork(layerwise(6, (), 3), genome(plastic=plastic))
        state = live(network, task, episode, jax.random.key(1))[1]
        found = np.asarray(state.weights["input->output"])
    return found, np.asarray(episode.stimuli), np.eye(3)[np.asarray(episode.targets)]


def test_without_hidden_layers_it_is_ridge_regression():
    found, x, y = readout(plastic=True)
    reference = np.linalg.solve(x.T @ x + 6 / PRIOR * np.eye(6), x.T @ y).T
    assert found.dtype == np.float64 and np.abs(reference).max() > 0.1
    np.testing.assert_allclose(found, reference, atol=1e-10)


def test_without_lateral_plasticity_it_is_not():
    """Negative control."""
    found, x, y = readout(plastic=False)
    reference = np.linalg.solve(x.T @ x + 6 / PRIOR * np.eye(6), x.T @ y).T
    assert np.abs(found - reference).max() > 1e-2


def test_a_hidden_layer_takes_the_step_of_least_squares_towards_what_it_hears():
    task = Easy()
    network = PlasticNetwork(layerwise(6, (5, 4), 3), genome())
    episode = task.sample(jax.random.key(0))
    before = live(network, task, episode, jax.random.key(1))[1]
    stimulus, target = episode.test_stimuli[0], episode.test_targets[0]
    after, _ = network.moment(before, stimulus, target, task)
    through = Delivering(before.weights)
    cells = network.hear(before.cells, stimulus, target, task, None, through).cells
    said = np.asarray(cells["hidden1"].activity)
    inverse = PRIOR / 5 * np.eye(5) + np.asarray(before.weights["hidden1->hidden1"])
    settled = inverse @ said
    step = settled / (1 + said @ settled)
    heard = np.asarray(before.weights["output~>hidden2"] @ cells["output"].message)
    name = "hidden1->hidden2"
    change = np.asarray(after.weights[name] - before.weights[name])
    assert np.abs(change).max() > 1e-4
    np.testing.assert_allclose(change, np.outer(heard, step), atol=1e-6)


@pytest.mark.parametrize(
    ("order", "positive"),
    [
        (lambda decisive: Decorrelated(decisive(Slopeless()), PRIOR), True),
        (lambda decisive: decisive(Decorrelated(Slopeless(), PRIOR)), False),
    ],
    ids=["decisions inside", "decisions outside"],
)
def test_decisions_inside_leave_the_inverse_positive(order, positive):
    """Outside they scale what settled, and its matrix is no inverse any more: the control."""

    def decisive(base):
        cell = Learned(base, start=3.0, seed=3)
        return eqx.tree_at(lambda c: c.backward.offset, cell, cell.backward.offset.at[2].set(9.0))

    task = Easy(moments=60)
    network = PlasticNetwork(layerwise(6, (5,), 3), genome(order(decisive)))
    state = live(network, task, task.sample(jax.random.key(0)), jax.random.key(1))[1]
    inverse = PRIOR / 5 * np.eye(5) + np.asarray(state.weights["hidden1->hidden1"], float)
    assert np.isfinite(inverse).all() == positive, "without bounds, what is not positive explodes"
    if positive:
        smallest, *_, largest = np.linalg.eigvalsh((inverse + inverse.T) / 2)
        assert 0 < smallest < 0.1 * PRIOR / 5, "it has learned"
        assert largest <= 1.001 * PRIOR / 5


@pytest.mark.parametrize(("base", "status"), [(Slopeless(), "upheld"), (Rate(), "violated")])
def test_the_audit_tells_a_cell_without_a_slope_from_one_with(base, status):
    """The second one is the negative control."""
    rules = genome(Decorrelated(base, PRIOR))
    subject = from_network("layers", rules, lambda i, h, o: layerwise(i, h, o, "direct"))
    (verdict,) = audit(subject, ["no_derivative_knowledge"]).verdicts
    assert verdict.status.value == status


def test_excitability_follows_the_message():
    cell = Slopeless(rate=0.5)
    state, fired = cell.fire(jnp.asarray(0.25), jnp.asarray(0.5), None)
    assert fired.activity == jnp.tanh(0.75)
    state, said = cell.reply(state, fired, jnp.asarray(2.0), jnp.zeros(4), jnp.zeros(1))
    assert state == 1.25 and said.message == 2.0 and said.post == 2.0


def test_a_loud_cell_is_deaf():
    cell = Slopeless(ceiling=0.8)
    for drive, heard in ((0.5, 2.0), (-0.5, 2.0), (1.5, 0.0), (-1.5, 0.0)):
        state, fired = cell.fire(jnp.asarray(0.0), jnp.asarray(drive), None)
        said = cell.reply(state, fired, jnp.asarray(2.0), jnp.zeros(4), jnp.zeros(1))[1]
        assert said.message == heard and said.post == heard


def test_a_ceiling_that_is_no_rate_is_refused():
    with pytest.raises(ValueError, match=r"ceiling = 0\.0: expected a positive number"):
        Slopeless(ceiling=0.0)
