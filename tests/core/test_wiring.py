"""Who hears whom: sparse, local and shared synapses, and those of one sign."""

from __future__ import annotations

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast import circuits, synapses
from metaplast.circuits import Circuit, Projection, convolutional, layered, local, sparse
from metaplast.lifetime import live, unroll
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.rules import Decay, Delta, Factored, Hebb, Polynomial
from metaplast.search import searchable

CELLS = {"input": Rate("relu"), "inhibitory": Rate("linear"), "hidden": Rate(), "output": Output()}
KINDS = ("forward", "readout", "inhibiting", "recruiting")
TASK = Easy(moments=12)


def network(circuit: Circuit, rule=None, **others) -> PlasticNetwork:
    """One rule at every synapse that the circuit has of the usual kinds, except feedback."""
    kinds = {q.kind for q in circuit.projections}
    rules = {kind: Delta(0.5) if rule is None else rule for kind in KINDS if kind in kinds}
    cells = {p.kind: CELLS[p.kind] for p in circuit.populations}
    return PlasticNetwork(circuit, Genome(cells, {**rules, **others}))


def lived(net: PlasticNetwork, key: int = 0, task: Easy = TASK):
    """Weights at birth and at the end of a short life."""

    @jax.jit
    def run(key):
        birth = net.born(jax.random.split(key)[0])
        return birth.weights, live(net, task, task.sample(key), key)[1].weights

    return run(jax.random.key(key))


def as_matrix(circuit: Circuit, q: Projection, weight) -> np.ndarray:
    """The same synapses as a matrix `[post, pre]`, one by one, with zeros where there are none."""
    whole = np.zeros((circuit.size(q.post), circuit.size(q.pre)), np.asarray(weight).dtype)
    for post, senders in enumerate(circuit.senders(q)):
        for number, pre in enumerate(senders):
            whole[post, pre] = weight[post % len(weight), number]
    return whole


# -- sparse ----------------------------------------------------------------------------------


def test_every_cell_hears_a_share_of_its_senders_and_the_seed_says_whom():
    circuit = sparse(10, (8, 6), 4, density=0.3)
    for q in circuit.projections:
        senders = circuit.senders(q)
        assert senders.shape == (circuit.size(q.post), round(0.3 * circuit.size(q.pre)))
        assert all(len(set(row)) == len(row) for row in senders)
    first = circuit.projections[0]
    same, other = (sparse(10, (8, 6), 4, density=0.3, seed=s) for s in (0, 1))
    np.testing.assert_array_equal(circuit.senders(first), same.senders(first))
    assert np.any(circuit.senders(first) != other.senders(other.projections[0]))
    assert len(np.unique(circuit.senders(first))) > 3, "not everybody hears the same ones"


def test_synapses_that_are_absent_deliver_nothing_and_the_others_change_as_in_a_matrix():
    """A moment, against the same moment of a dense network whose absent synapses are zero: one
    projection learns from what its cells know, the other from traces of its synapses."""
    rules = {"forward": Factored((0.5, 0.1), 0.1, traced=True)}
    circuit = sparse(6, (5,), 3, 0.4, "direct")
    net = network(circuit, **rules)
    dense = network(layered(6, (5,), 3, "direct"), **rules)
    by_name = {q.name: q for q in circuit.projections}
    before, whole = (eqx.filter_jit(n.born)(jax.random.key(0)) for n in (net, dense))
    weights = {n: as_matrix(circuit, q, before.weights[n]) for n, q in by_name.items()}
    experience = (jnp.linspace(0.1, 1.0, 6), jnp.asarray(1))
    after, readout = jax.jit(lambda s: net.moment(s, *experience, TASK))(before)
    true, answer = jax.jit(lambda s: dense.moment(s, *experience, TASK))(
        whole._replace(weights={n: jnp.asarray(w) for n, w in weights.items()})
    )
    assert np.abs(answer).max() > 1e-2
    np.testing.assert_allclose(readout, answer, atol=1e-6)
    for name in ("input->hidden1", "hidden1->output"):
        there = as_matrix(circuit, by_name[name], np.ones(circuit.synapses(by_name[name]))) > 0
        found = as_matrix(circuit, by_name[name], after.weights[name])
        assert np.abs(found - weights[name]).max() > 1e-3
        np.testing.assert_allclose(found[there], true.weights[name][there], atol=1e-6)
        assert there.mean() == pytest.approx(0.4, abs=0.08)
        assert np.abs(true.weights[name][~there]).max() > 1e-3, "dense ones would have grown"


# -- local and shared ------------------------------------------------------------------------


def convolved(kernel, picture, patch: int):
    """`lax.conv` of a picture `[rows, columns, cells]` with weights `[cells, fan_in]`."""
    cells = picture.shape[2]
    window = kernel.reshape(-1, patch, patch, cells)
    return jax.lax.conv_general_dilated(
        picture[None], window, (1, 1), "VALID", dimension_numbers=("NHWC", "OHWI", "NHWC")
    )[0]


@pytest.mark.parametrize("feedback", ["direct", "backward"])
def test_a_shared_weight_leaks_once_and_not_once_for_every_place(feedback):
    circuit = convolutional(20, (2, 3), 3, patch=2, feedback=feedback)
    kinds = {q.kind for q in circuit.weighted}
    cells = {p.kind: CELLS[p.kind] for p in circuit.populations}
    net = PlasticNetwork(circuit, Genome(cells, dict.fromkeys(kinds, Decay(0.1))))
    before, after = lived(net, task=Easy(inputs=20, moments=12))
    assert any(q.wiring == "shared" for q in circuit.weighted)
    assert feedback == "direct" or any(q.wiring == "backward" for q in circuit.weighted)
    for q in circuit.weighted:
        assert np.abs(before[q.name]).max() > 0.1
        left = 0.9**12 * before[q.name]
        np.testing.assert_allclose(after[q.name], left, rtol=1e-4, atol=1e-7)


@pytest.fixture(scope="module")
def pictures():
    """A convolutional and a local network on 4 x 5 places, both born with one kernel, in float64:
    drives of both hidden layers, and weights after a moment."""
    with jax.enable_x64(True):
        found = {}
        for make in (convolutional, local):
            net = network(make(20, (2, 3), 3, patch=2), Delta(0.1))
            state, shared = eqx.filter_jit(net.born)(jax.random.key(0)), found.get("convolutional")
            circuit, kernels = (shared[0], shared[2]) if shared else (net.circuit, state.weights)
            for q in circuit.projections:
                own = q.wiring == "shared" and make is local
                weight = kernels[q.name]
                state.weights[q.name] = synapses.each(circuit, q, weight) if own else weight
            stimulus = jax.random.uniform(jax.random.key(1), (20,))

            @jax.jit
            def moment(state, net=net, stimulus=stimulus):
                deliver = synapses.Delivering(net.circuit, state.weights)
                heard = net.hear(state.cells, stimulus, jnp.asarray(1), TASK, None, deliver)
                after, _ = net.moment(state, stimulus, jnp.asarray(1), TASK)
                return heard.cells, after.weights

            found[make.__name__] = (net.circuit, stimulus, state.weights, *moment(state))
        return found


def test_shared_weights_are_a_convolution(pictures):
    with jax.enable_x64(True):
        circuit, stimulus, weights, cells, _ = pictures["convolutional"]
        picture = stimulus.reshape(4, 5, 1)
        for layer in ("hidden1", "hidden2"):
            below = "input" if layer == "hidden1" else "hidden1"
            drive = convolved(weights[f"{below}->{layer}"], picture, 2)
            assert np.abs(drive).max() > 0.1
            assert circuit[layer].grid == drive.shape
            np.testing.assert_allclose(cells[layer].drive, drive.ravel(), atol=1e-14)
            wrong = convolved(weights[f"{below}->{layer}"][:, ::-1], picture, 2)
            assert np.abs(cells[layer].drive - wrong.ravel()).max() > 1e-2
            picture = jnp.tanh(drive)


def test_shared_weights_change_by_the_gradient_of_the_convolution(pictures):
    with jax.enable_x64(True):
        _, stimulus, weights, cells, after = pictures["convolutional"]
        name, message = "input->hidden1", cells["hidden1"].message

        def sent(kernel):
            return jnp.sum(convolved(kernel, stimulus.reshape(4, 5, 1), 2).ravel() * message)

        slope = 0.1 * jax.grad(sent)(weights[name])
        assert np.abs(slope).max() > 1e-4
        np.testing.assert_allclose(after[name] - weights[name], slope, atol=1e-14)


def test_local_cells_hear_the_same_and_learn_apart(pictures):
    shared, own = pictures["convolutional"], pictures["local"]
    np.testing.assert_allclose(own[3]["hidden2"].drive, shared[3]["hidden2"].drive, atol=1e-14)
    name = "input->hidden1"
    asked = np.asarray(own[4][name] - own[2][name]).reshape(12, 2, 4)
    assert np.ptp(asked, axis=0).max() > 1e-3, "places ask for different changes"
    np.testing.assert_allclose(asked.sum(0), shared[4][name] - shared[2][name], atol=1e-14)


def test_pictures_are_as_square_as_can_be():
    sizes = {64: (8, 8), 784: (28, 28), 6: (2, 3), 7: (1, 7), 1: (1, 1)}
    for inputs, square in sizes.items():
        assert local(inputs, (2,), 3)["input"].grid == (*square, 1)
    circuit = local(64, (4, 6), 10, patch=3, stride=2)
    assert circuit["hidden1"].grid == (3, 3, 4) and circuit["hidden2"].grid == (1, 1, 6)
    assert circuit.synapses(circuit.projections[1]) == (6, 9 * 4)


# -- signs -----------------------------------------------------------------------------------


def signs(circuit: Circuit, weights) -> list[float]:
    """By signed projection, the weight that goes farthest to the wrong side, as a share."""
    return [
        float(np.max(-q.sign * np.asarray(weights[q.name])) / np.abs(weights[q.name]).max())
        for q in circuit.weighted if q.sign
    ]  # fmt: skip


def test_weights_keep_their_sign_under_rules_that_would_not():
    """One that is mapped over cells and one that is mapped over synapses."""
    circuit = circuits.excitatory_inhibitory(6, (), 3, share=1.0)
    rules = {"readout": Polynomial(3.0), "recruiting": Hebb(0.5)}
    born, after = lived(network(circuit, Delta(3.0), **rules))
    free = tuple(dataclasses.replace(q, sign=0) for q in circuit.projections)
    unbound = lived(network(Circuit(circuit.populations, free), Delta(3.0), **rules))[1]
    for weights in (born, after):
        assert max(signs(circuit, weights)) <= 0.0
    for kind in ("inhibiting", "readout"):
        stopped = [
            q.name for q in circuit.weighted if q.kind == kind and np.any(after[q.name] == 0)
        ]
        assert stopped and all(np.any(after[name] != 0) for name in stopped)
    assert max(signs(circuit, unbound)) > 0.1


def test_inhibition_equals_excitation_at_birth_on_average():
    circuit = circuits.excitatory_inhibitory(30, (), 40, share=0.25)
    net, crowd = network(circuit), Easy(classes=40)

    @jax.jit
    def drive(key):
        state = net.born(key)
        deliver = synapses.Delivering(circuit, state.weights)
        heard = net.hear(state.cells, jnp.ones(30), jnp.asarray(0), crowd, None, deliver)
        excited = deliver("input->output", jnp.ones(30))
        return jnp.mean(heard.cells["output"].drive), jnp.mean(excited)

    balance, excitation = jax.vmap(drive)(jax.random.split(jax.random.key(0), 64))
    assert excitation.min() > 2.0
    assert abs(float(jnp.mean(balance / excitation))) < 0.02


# -- derivatives of lives --------------------------------------------------------------------


def mixed() -> Circuit:
    """All that cannot be undone, in a few cells: shared, sparse and signed synapses; late ones."""
    base = convolutional(6, (2,), 3, patch=2)
    forward, readout, feedback = base.projections
    more = (
        dataclasses.replace(forward, sign=1),
        Projection("more", "recruiting", "input", "hidden1", "basal", "sparse", density=0.5),
        Projection("late", "inhibiting", "hidden1", "hidden1", "basal", "others", delay=1),
        dataclasses.replace(readout, sign=-1),
        feedback,
    )
    return Circuit(base.populations, more)


SEARCHED = {"mixed": mixed(), "recurrent": circuits.recurrent(6, (4,), 3)}


@pytest.mark.parametrize("name", SEARCHED)
def test_gradient_in_segments_equals_the_plain_one(name):
    """Late synapses alone can be undone; what is mixed is lived again."""
    with jax.enable_x64(True):
        rule = Factored((0.3,), 1e-3)
        net = network(SEARCHED[name], rule, **({"recurrent": rule} if name == "recurrent" else {}))
        assert net.separable == (name == "recurrent")
        searched, fixed = eqx.partition(net, searchable)
        # Born and sampled outside: what is compiled four times should be small.
        key = jax.random.key(3)
        episode, state = TASK.sample(key), eqx.filter_jit(net.born)(key)
        begin = (state, jnp.asarray(True), jnp.asarray(0))

        @functools.partial(jax.jit, static_argnums=2)
        def gradient(searched, begin, segment):
            def loss(searched):
                whole, seen = eqx.combine(searched, fixed), (episode.stimuli, episode.targets)
                return jnp.mean(unroll(whole, TASK, begin, seen, key, segment)[1][1])

            return jax.grad(loss)(searched).genome.rules

        plain, ours = (gradient(searched, begin, s) for s in (None, 4))
    for kind, one in plain.items():
        assert abs(float(one.coefficients[0])) > 1e-4, kind
        np.testing.assert_allclose(ours[kind].coefficients, one.coefficients, rtol=1e-8)
        np.testing.assert_allclose(ours[kind].decay.log, one.decay.log, rtol=1e-7, atol=1e-15)
