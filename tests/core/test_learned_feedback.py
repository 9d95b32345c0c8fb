"""Feedback synapses that become the transposed forward ones, and interneurons that foresee."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast.audit.alignment import angle
from metaplast.circuits import dendritic, reciprocal
from metaplast.delivery import Delivering
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Interneuron, Noisy, Nudged, Output, Pyramidal, Rate
from metaplast.rules import Decay, Delta, Factored, Mirror, Reciprocal, Total

PAIRS = {"hidden1->hidden2": "hidden2~>hidden1", "hidden2->output": "output~>hidden2"}
BACK = ("feedback", "feedback_readout")


@eqx.filter_jit
def lived(net: PlasticNetwork, moments: int):
    """Weights at birth and at the end of a life."""
    task, key = Easy(moments=moments), jax.random.key(1)
    birth = net.born(jax.random.split(key)[0])
    return birth.weights, live(net, task, task.sample(key), key)[1].weights


def angles(weights) -> list[float]:
    found = {name: np.asarray(weight) for name, weight in weights.items()}
    return [angle(found[back], found[forth].T) for forth, back in PAIRS.items()]


# -- Kolen and Pollack -----------------------------------------------------------------------


def mutual(decay: float, back_rate: float = 0.1) -> PlasticNetwork:
    forth, back = Total((Delta(0.1), Decay(decay))), Reciprocal(back_rate, decay)
    cells = {"input": Rate("linear"), "hidden": Rate(), "output": Output()}
    rules = {"forward": forth, "readout": forth, **dict.fromkeys(BACK, back)}
    return PlasticNetwork(reciprocal(6, (5, 4), 3), Genome(cells, rules))


def test_the_difference_of_both_ways_fades_whatever_is_learned():
    moments, decay = 100, 0.05
    with jax.enable_x64(True):
        net = mutual(decay)
        assert net.separable
        lives = lived(net, moments), lived(mutual(decay, 0.05), moments)
        (born, after), (_, unequal) = jax.tree.map(np.asarray, lives)
    for forth, back in PAIRS.items():
        first = born[back] - born[forth].T
        left = (1 - decay) ** moments * first
        assert np.abs(left).max() > 1e-2
        assert np.abs(after[forth] - (1 - decay) ** moments * born[forth]).max() > 0.1, "it learned"
        np.testing.assert_allclose(after[back] - after[forth].T, left, atol=1e-12)
        assert np.abs(unequal[back] - unequal[forth].T - left).max() > 1e-2
    assert min(angles(born)) > 45 and max(angles(after)) < 10


# -- the weight mirror -----------------------------------------------------------------------


def test_noise_teaches_the_way_back():
    """Forward synapses rest; without noise the way back learns nothing of them."""

    def mirroring(size: float) -> PlasticNetwork:
        cells = {"input": Rate("linear"), "hidden": Noisy(Rate(), size), "output": Output()}
        rules = dict.fromkeys(BACK, Mirror(0.002, 0.25))
        return PlasticNetwork(reciprocal(6, (5, 4), 3), Genome(cells, rules))

    born, after = lived(mirroring(0.5), 4000)
    silent = lived(mirroring(1e-6), 4000)[1]
    assert min(angles(born)) > 45
    assert max(angles(after)) < 20
    for forth, back in PAIRS.items():
        np.testing.assert_array_equal(after[forth], born[forth])
        ratio = np.linalg.norm(after[back]) / np.linalg.norm(after[forth])
        assert ratio == pytest.approx(1.0, abs=0.15)
        assert np.linalg.norm(silent[back]) < 0.01


# -- the dendritic microcircuit --------------------------------------------------------------

PULL, GAIN = 1e-5, 0.4


def microcircuit(birth, pull: float, hidden: tuple[int, ...] = (5, 4)) -> PlasticNetwork:
    cells = {
        "input": Rate("linear"), "hidden": Pyramidal("tanh", GAIN),
        "interneuron": Interneuron(), "interneuron_output": Interneuron("linear"),
        "output": Nudged(Output(), pull),
    }  # fmt: skip
    rules = {"predicting": Factored((0.3,), 0.0), "cancelling": Factored((0.0, -0.05), 0.0)}
    return PlasticNetwork(dendritic(6, hidden, 3, birth), Genome(cells, rules))


@eqx.filter_jit
def first_moment(net: PlasticNetwork, cancelling=1.0):
    """Weights and cells, the synapses of interneurons at some share of their strength."""
    state = net.born(jax.random.key(0))
    for q in net.circuit.projections:
        if q.kind == "cancelling":
            state.weights[q.name] = cancelling * state.weights[q.name]
    stimulus, target = jnp.linspace(-1.0, 1.0, 6), jnp.asarray(1)
    through = Delivering(state.weights)
    return state.weights, net.hear(state.cells, stimulus, target, Easy(), None, through).cells


def test_foreseeing_interneurons_leave_the_error_alone():
    """Apical dendrites are silent without a teacher; a small pull arrives as the error that
    feedback alignment sends, layer by layer, less what interneurons were pulled along."""
    with jax.enable_x64(True):
        one, none = jnp.ones(()), jnp.zeros(())
        weights, free = first_moment(microcircuit("foreseeing", 0.0), one)
        _, taught = first_moment(microcircuit("foreseeing", PULL), one)
        _, naive = first_moment(microcircuit("foreseeing", 0.0), none)
        weights, free, taught, naive = jax.tree.map(np.asarray, (weights, free, taught, naive))
    error, left = PULL * taught["output"].post[:, 0], 1 - 0.8 / 1.9
    for layer, above in (("hidden2", "output"), ("hidden1", "hidden2")):
        assert np.abs(free[above].message).max() > 0.1
        np.testing.assert_allclose(free[layer].post[:, 1], 0.0, atol=1e-15)
        assert np.abs(naive[layer].post[:, 1]).max() > 0.1
        slope = 1 - np.tanh(taught[layer].drive) ** 2
        sent = slope * GAIN * left * (weights[f"{above}~>{layer}"] @ error)
        assert np.abs(sent).max() > 1e-8
        np.testing.assert_allclose(taught[layer].post[:, 0], sent, rtol=1e-4, atol=1e-12)
        error = sent


def test_interneurons_learn_to_foresee():
    """From random synapses, without a teacher: apical dendrites fall silent."""
    net = microcircuit("random", 0.0, (5,))
    born, after = lived(net, 600)

    @eqx.filter_jit
    def heard(weights):
        """Mean square of the apical potentials over stimuli."""
        task = Easy()
        stimuli = task.sample(jax.random.split(jax.random.key(1))[0]).stimuli

        def one(stimulus):
            cells = net.born(jax.random.key(0)).cells
            told = (stimulus, jnp.asarray(0), task, None, Delivering(weights))
            cells = net.hear(cells, *told).cells
            return jnp.mean(cells["hidden1"].post[:, 1] ** 2)

        return jnp.mean(jax.vmap(one)(stimuli))

    before, now = float(heard(born)), float(heard(after))
    assert before > 0.05
    assert now < 0.2 * before
