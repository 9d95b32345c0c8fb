"""Apical dendrites are silent until somebody teaches; then they carry the error of backprop."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners import plain
from metaplast.learners.dendritic_microcircuit import LEFT, DendriticMicrocircuit
from metaplast.learners.perceptron import Perceptron
from metaplast.lifetime import live

NETWORK = Perceptron((6, 5, 4, 3))


def learner(**options):
    return DendriticMicrocircuit(
        NETWORK, 1.0, **{"symmetric": True, "steps": 100, "undo": 1.0, **options}
    )


def born(**options):
    """A self-predicting newborn whose biases are not zero."""
    state = learner(**options).born(jax.random.key(0))
    layers = plain.biased(state.layers)
    return state._replace(
        layers=layers, predicting=state.predicting._replace(biases=layers.biases[1:])
    )


@pytest.mark.parametrize("symmetric", [True, False])
def test_apical_dendrites_are_silent_when_nobody_teaches(symmetric):
    with jax.enable_x64(True):
        state, x = born(symmetric=symmetric), plain.stimulus()
        settled = jax.jit(lambda *given: learner().settled(*given))
        free = settled(state, x)
        assert max(float(np.abs(v).max()) for v in free.apical) < 1e-12
        sweep = NETWORK.sweep(state.layers, x)
        plain.assert_equal(free.somatic, [*sweep.drives, sweep.readout], 1e-12)
        taught = settled(state, x, jax.nn.one_hot(plain.TARGET, 3, dtype=float))
        assert all(float(np.abs(v).max()) > 1e-4 for v in taught.apical)
        doubting = state._replace(inhibition=[0.5 * w for w in state.inhibition])
        assert all(float(np.abs(v).max()) > 1e-2 for v in settled(doubting, x).apical)


def test_with_a_small_pull_it_becomes_the_negative_gradient():
    with jax.enable_x64(True):
        reference = plain.gradient(born().layers, plain.stimulus(), plain.TARGET, "tanh")

        def step_of(symmetric=True, **options):
            options = {"symmetric": symmetric, **options}
            return plain.moved(learner(**options), born(symmetric=symmetric))[1]

        off = [plain.distance(step_of(pull=pull), reference, -1.0) for pull in (1e-3, 1e-4)]
        assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(reference)) > 0.1
        assert off[1] < 1e-3 and off[0] / off[1] == pytest.approx(10.0, rel=0.2)
        step = step_of(pull=0.1)
        for found, gradient in zip(step.weights, reference.weights, strict=True):
            assert plain.cosine(found, -gradient) > 0.98
        assert plain.distance(step_of(False, pull=1e-4), reference, -1.0) > 1e-2
        same_rate = step_of(undo=0.0, pull=1e-4)  # what is left of the error, layer by layer
        for layer, left in enumerate((LEFT**2, LEFT, 1.0)):
            sizes = [np.abs(of.weights[layer]).max() for of in (same_rate, reference)]
            assert sizes[0] / sizes[1] == pytest.approx(left, rel=1e-3)


def test_circuit_stays_self_predicting_while_it_learns():
    circuit = DendriticMicrocircuit(NETWORK, 0.05)
    episode = plain.TASK.sample(jax.random.key(0))
    first = circuit.born(jax.random.split(jax.random.key(1))[0])
    _, last = jax.jit(lambda e: live(circuit, plain.TASK, e, jax.random.key(1)))(episode)
    for layer in (0, 1):
        moved = last.layers.weights[layer + 1] - first.layers.weights[layer + 1]
        left = last.predicting.weights[layer] - last.layers.weights[layer + 1]
        assert np.abs(moved).max() > 0.01
        assert np.linalg.norm(left) < 0.2 * np.linalg.norm(moved)


def test_inhibition_learns_to_silence_the_apical_dendrite():
    circuit = DendriticMicrocircuit(NETWORK, 0.2, steps=30)
    state, x = circuit.born(jax.random.key(0)), plain.stimulus()
    state = state._replace(inhibition=[0.0 * w for w in state.inhibition])
    taught = jnp.asarray(plain.TARGET)
    step = jax.jit(lambda s: circuit.moment(s, x, taught, plain.Gentle(), None)[0].inhibition)
    settled = jax.jit(lambda *given: circuit.settled(*given))
    before = [float(np.abs(v).max()) for v in settled(state, x).apical]
    for _ in range(100):
        state = state._replace(inhibition=step(state))
    after = [float(np.abs(v).max()) for v in settled(state, x).apical]
    assert min(before) > 0.1 and max(after) < 0.05 * min(before)


def test_steps_must_be_positive():
    with pytest.raises(ValueError, match="steps = 0"):
        learner(steps=0)
