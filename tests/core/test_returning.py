"""Feedback that runs back along local and shared synapses: borrowed, by sign, or of its own."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast import synapses
from metaplast.circuits import (
    Circuit,
    Population,
    Projection,
    convolutional,
    layered,
    local,
    sparse,
    wiring,
)
from metaplast.delivery import Change
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.rules import Delta, Polynomial

RATE = 0.5
TASK = Easy(inputs=126)
CELLS = {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output("softmax")}
MAKERS = {"local": local, "convolutional": convolutional}
STRIDES = (1, 2)


def network(name: str, feedback: str, stride: int = 1) -> PlasticNetwork:
    """Two colors at 7 x 9 places; the delta rule everywhere but on the way back."""
    circuit = MAKERS[name](126, (3, 4), 3, 3, stride, feedback, channels=2)
    return PlasticNetwork(circuit, Genome(CELLS, {k: Delta(RATE) for k in ("forward", "readout")}))


def step(name: str, feedback: str, stride: int = 1):
    """Weights at birth, the stimulus, and what a moment made of them, per rate."""
    net = network(name, feedback, stride)
    state = eqx.filter_jit(net.born)(jax.random.key(0))
    stimulus = jax.random.normal(jax.random.key(1), (126,))
    after, _ = jax.jit(lambda s: net.moment(s, stimulus, jnp.asarray(1), TASK))(state)
    grown = {q.name: (after.weights[q.name] - state.weights[q.name]) / RATE
             for q in net.circuit.weighted}  # fmt: skip
    return net.circuit, state.weights, stimulus, grown


def reference(circuit: Circuit, weights, stimulus, stride: int):
    """Cross-entropy of the same network, written with `lax.conv` or as dense layers that are zero
    where no synapse is."""
    said = stimulus
    for q in circuit.projections[:3]:
        weight = weights[q.name]
        if q.wiring == "shared":
            picture = said.reshape(1, *circuit[q.pre].grid)
            kernel = weight.reshape(-1, 3, 3, picture.shape[-1])
            drive = jax.lax.conv_general_dilated(
                picture, kernel, (stride, stride), "VALID",
                dimension_numbers=("NHWC", "OHWI", "NHWC"),
            ).ravel()  # fmt: skip
        elif q.wiring == "local":
            senders = circuit.senders(q)
            dense = jnp.zeros((len(senders), said.size))
            drive = dense.at[np.arange(len(senders))[:, None], senders].set(weight) @ said
        else:
            drive = weight @ said
        said = jnp.tanh(drive)
    return jax.nn.logsumexp(drive) - drive[1]


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("name", MAKERS)
def test_symmetric_feedback_is_the_gradient(name, stride):
    """And feedback of the same wiring with other weights is not."""
    with jax.enable_x64(True):
        circuit, weights, stimulus, grown = step(name, "symmetric", stride)
        assert circuit["input"].grid == (7, 9, 2)
        slope = jax.grad(reference, 1)(circuit, weights, stimulus, stride)
        others = {f: step(name, f, stride) for f in ("signs", "backward", "random")}
        for q in circuit.projections[:3]:
            assert np.abs(slope[q.name]).max() > 1e-3
            np.testing.assert_allclose(grown[q.name], -slope[q.name], atol=1e-12)
        for _, born, _, other in others.values():
            # Births differ in nothing but what is fed back, if the forward weights are drawn first.
            np.testing.assert_array_equal(born["input->hidden1"], weights["input->hidden1"])
            assert np.abs(other["input->hidden1"] + slope["input->hidden1"]).max() > 1e-3
            np.testing.assert_allclose(
                other["hidden2->output"], -slope["hidden2->output"], atol=1e-12
            )


@pytest.mark.parametrize("name", MAKERS)
def test_signs_are_those_of_the_forward_weights_and_nothing_else(name):
    """A network whose forward weights all have one size cannot tell signs from weights."""
    with jax.enable_x64(True):
        nets = {f: network(name, f) for f in ("symmetric", "signs")}
        born = eqx.filter_jit(nets["signs"].born)(jax.random.key(0))
        even = {n: jnp.sign(w) / w.shape[1] ** 0.5 for n, w in born.weights.items()}
        stimulus = jax.random.normal(jax.random.key(1), (126,))

        def told(feedback: str, weights):
            net = nets[feedback]
            deliver = synapses.Delivering(net.circuit, weights)
            heard = net.hear(born.cells, stimulus, jnp.asarray(1), TASK, None, deliver)
            return np.asarray(heard.cells["hidden1"].message)

        assert np.abs(told("signs", even)).max() > 1e-3
        np.testing.assert_allclose(told("signs", even), told("symmetric", even), atol=1e-14)
        apart = told("signs", born.weights) - told("symmetric", born.weights)
        assert np.abs(apart).max() > 1e-3


@pytest.mark.parametrize("name", MAKERS)
def test_weights_of_its_own_run_back_along_the_same_synapses(name):
    """If they are copied from the forward ones, they deliver what these do; born, they differ."""
    with jax.enable_x64(True):
        circuit = network(name, "backward").circuit
        weights = dict(step(name, "backward")[1])
        back = circuit.projections[3:]
        assert [q.of for q in back] == ["hidden1->hidden2", "hidden2->output"]
        assert all(q in circuit.weighted for q in back)
        message = jax.random.normal(jax.random.key(2), (circuit.size("hidden2"),))

        def delivered(weights):
            deliver = synapses.Delivering(circuit, weights)
            return [deliver(n, message, transposed=True) for n in (back[0].name, back[0].of)]

        own, other = delivered(weights)
        assert np.abs(other).max() > 0.1 and np.abs(own - other).max() > 0.1
        own, other = delivered({**weights, back[0].name: weights[back[0].of]})
        np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize("circuit", [local(20, (2, 3), 3, 2, feedback="backward"),
                                     convolutional(20, (2, 3), 3, 2, feedback="backward")],
                         ids=["local", "convolutional"])  # fmt: skip
def test_they_change_as_those_of_a_matrix_do(circuit):
    """By what the cells below make of it and those above said; shared ones by the sum, and
    by the mean of what leaks."""
    with jax.enable_x64(True):
        for q in circuit.projections[3:]:
            along = circuit.along(q)
            weight = jax.random.normal(jax.random.key(0), circuit.shape(q))
            below, above = circuit.size(q.post), circuit.size(q.pre)
            change = Change(
                jnp.linspace(0.5, 1.0, below), jax.random.normal(jax.random.key(1), (2, below)),
                jax.random.normal(jax.random.key(2), (2, above)),
            )  # fmt: skip
            after = np.asarray(synapses.changed(circuit, q, weight, change))
            each = np.asarray(synapses.each(circuit, along, weight))
            senders = (
                circuit.senders(along) if along.tabled else np.tile(np.arange(below), (above, 1))
            )
            asked = 0.0 * each
            for post, pre in zip(np.asarray(change.post), np.asarray(change.pre), strict=True):
                asked += np.outer(pre, post)[np.arange(above)[:, None], senders]
            leak = ((np.asarray(change.keep) - 1)[senders] * each).reshape(-1, *weight.shape)
            true = weight + asked.reshape(-1, *weight.shape).sum(0) + leak.mean(0)
            assert np.abs(after - weight).max() > 0.1
            np.testing.assert_allclose(after, true, atol=1e-12)


def test_sparse_synapses_run_back_as_their_matrix():
    base = sparse(12, (7,), 3, 0.3)
    forward = base.projections[0]
    circuit = Circuit(
        (base.populations[0], Population("hidden1", 7, "hidden"), base.populations[-1]),
        (*base.projections, Projection("back", "back", "hidden1", "input", "apical", "transpose",
                                       of=forward.name)),
    )  # fmt: skip
    weight = jax.random.normal(jax.random.key(0), circuit.shape(forward))
    signal = jax.random.normal(jax.random.key(1), (7,))
    whole = np.zeros((7, 12))
    whole[np.arange(7)[:, None], circuit.senders(forward)] = weight
    deliver = synapses.Delivering(circuit, {forward.name: weight})
    found = deliver(forward.name, signal, transposed=True)
    assert np.abs(found).max() > 0.1 and (whole == 0).any()
    np.testing.assert_allclose(found, whole.T @ signal, atol=1e-6)


def test_a_turned_table_lists_every_synapse_once():
    senders = np.asarray([[0, 2], [2, 3], [2, 0]])
    turned = wiring.turned(senders, 5)
    assert turned.tolist() == [[0, 5, 6], [6, 6, 6], [1, 2, 4], [3, 6, 6], [6, 6, 6]]


def test_rules_that_need_the_synapses_laid_out_are_refused_on_the_way_back():
    rules = {"forward": Delta(RATE), "feedback": Polynomial(0.1)}
    with pytest.raises(ValueError, match="wired backward"):
        PlasticNetwork(network("local", "backward").circuit, Genome(CELLS, rules))
    PlasticNetwork(network("local", "random").circuit, Genome(CELLS, rules))


def test_signs_cannot_be_undone():
    """What a life's derivative rebuilds is made of products with the weights themselves."""
    base = layered(4, (3,), 2, "symmetric")
    *rest, back = base.projections
    back = Projection(back.name, back.kind, back.pre, back.post, back.site, "signs", of=back.of)
    for circuit, undone in ((base, True), (Circuit(base.populations, (*rest, back)), False)):
        net = PlasticNetwork(circuit, Genome(CELLS, {"forward": Delta(RATE)}))
        assert net.separable == undone


def test_a_compiled_batch_of_answers_is_what_they_are_one_by_one():
    """At this size XLA on a CPU has made wrong numbers of two local layers, written as sums
    of products, from the twentieth answer on (JAX 0.10.2)."""
    circuit = local(3072, (8, 16), 10, 5, 2, "none", channels=3)
    layers = circuit.projections[:2]
    net = PlasticNetwork(circuit, Genome(CELLS, {}))
    state = eqx.filter_jit(net.born)(jax.random.key(0))
    stimuli = np.asarray(jax.random.normal(jax.random.key(1), (24, 3072)))
    said = stimuli
    for q in layers:
        heard = said[:, circuit.senders(q)]
        said = np.tanh(np.einsum("nif,if->ni", heard, np.asarray(state.weights[q.name])))
    true = said @ np.asarray(state.weights["hidden2->output"]).T
    found = jax.jit(jax.vmap(lambda x: net.predict(state, x)))(stimuli)
    assert np.abs(true).max() > 0.5
    np.testing.assert_allclose(found, true, atol=1e-5)
