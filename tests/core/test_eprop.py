"""E-prop is the gradient through time, where theory says so."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.circuits import layered
from metaplast.delivery import Delivering, changed
from metaplast.mapped import over_cells, over_synapses
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import LIF, AdaptiveLIF, Leaky, Output, Rate, Traced
from metaplast.rules import EProp, Factored
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Teaching

SIZES = (4, 5, 3)
STEPS, TAU, TAU_OUT, TAU_SLOW, BETA = 40, 12.0, 15.0, 60.0, 0.4
HIDDEN, READOUT = "input->hidden1", "hidden1->output"
CELLS = {
    "lif": lambda: LIF(TAU, 3.0),
    "adaptive": lambda: AdaptiveLIF(TAU, TAU_SLOW, BETA),
}
"""Made where numbers are float64."""
STRENGTH = {"lif": 0.0, "adaptive": BETA}


class Tracking(AbstractTask):
    """A signal that the readout is to follow; the target of a moment is its number."""

    signal: jax.Array
    inputs: int = SIZES[0]
    classes: int = SIZES[-1]
    moments: int = STEPS

    def sample(self, key):
        raise NotImplementedError

    def teach(self, readout, target):
        return Teaching(self.signal[target], jnp.zeros(1))


def network(cell: str) -> PlasticNetwork:
    """Symmetric feedback, so that there is a gradient to be equal to."""
    neurons = {
        "input": Rate("linear"),
        "hidden": Traced(CELLS[cell](), tau=TAU_OUT),
        "output": Leaky(Output("linear"), TAU_OUT),
    }
    return PlasticNetwork(layered(SIZES[0], SIZES[1:-1], SIZES[-1], "symmetric"),
                          Genome(neurons, {}))  # fmt: skip


def experience():
    rng = np.random.default_rng(3)
    spikes = (rng.random((STEPS, SIZES[0])) < 0.4).astype(float)
    return jnp.asarray(spikes), jnp.asarray(np.cumsum(rng.normal(size=(STEPS, 3)), 0) / 4)


def lived(net: PlasticNetwork, weights, born):
    """Cells of all moments at fixed weights, and half the squared error summed over time."""
    stimuli, signal = experience()
    task = Tracking(signal)

    def moment(states, now):
        stimulus, at = now
        heard = net.hear(states, stimulus, at, task, None, Delivering(weights))
        error = signal[at] - heard.readout
        return heard.states, (heard.cells, 0.5 * jnp.sum(error**2))

    _, (cells, losses) = jax.lax.scan(moment, born, (stimuli, jnp.arange(STEPS)))
    return jnp.sum(losses), cells


def summed(rule, cells, shape):
    """What a rule makes of all moments, at weights that stay."""
    pre, post = cells["input"], cells["hidden1"]

    def moment(carry, now):
        total, memory = carry
        change, memory = over_synapses(rule)(jnp.zeros(shape), memory, *now, jnp.zeros(1))
        return (total + change, memory), None

    memory = jax.tree.map(lambda m: jnp.broadcast_to(m, shape), rule.init())
    return jax.lax.scan(moment, (jnp.zeros(shape), memory), (pre, post))[0][0]


@pytest.fixture(scope="module", params=list(CELLS))
def case(request):
    """Name of the cell, its gradients through time, and its cells at all moments, in float64."""
    with jax.enable_x64(True):
        net = network(request.param)
        state = net.born(jax.random.key(1))
        weights = {n: (3.0 if n == HIDDEN else 1.0) * w for n, w in state.weights.items()}
        run = jax.jit(jax.value_and_grad(
            lambda w: lived(net, w, state.cells), has_aux=True
        ))  # fmt: skip
        (_, cells), gradient = run(weights)
        yield request.param, {n: np.asarray(g) for n, g in gradient.items()}, cells


def test_it_is_the_negative_gradient_through_time(case):
    name, gradient, cells = case
    spikes = np.asarray(cells["hidden1"].activity)
    assert set(np.unique(spikes)) == {0.0, 1.0} and 0.02 < spikes.mean() < 0.5
    assert gradient[HIDDEN].dtype == np.float64 and np.abs(gradient[HIDDEN]).max() > 1e-2
    # The leaky readout takes in this share of what arrives.
    share = 1 - np.exp(-1 / TAU_OUT)
    rule = EProp(1.0, TAU, TAU_OUT, STRENGTH[name], TAU_SLOW)
    found = share * np.asarray(summed(rule, cells, gradient[HIDDEN].shape))
    np.testing.assert_allclose(found, -gradient[HIDDEN], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("wrong", ["no readout", "other membrane", "other adaptation"])
def test_with_other_time_constants_it_is_not(case, wrong):
    name, gradient, cells = case
    beta = STRENGTH[name]
    rules = {
        "no readout": EProp(1.0, TAU, 0.0, beta, TAU_SLOW),
        "other membrane": EProp(1.0, 2 * TAU, TAU_OUT, beta, TAU_SLOW),
        "other adaptation": EProp(1.0, TAU, TAU_OUT, 0.0 if beta else BETA, TAU_SLOW),
    }
    share = 1 - np.exp(-1 / TAU_OUT)
    found = share * np.asarray(summed(rules[wrong], cells, gradient[HIDDEN].shape))
    size = np.abs(gradient[HIDDEN]).max()
    assert np.abs(found + gradient[HIDDEN]).max() > 1e-2 * size


def test_the_readout_needs_no_more_than_a_trace(case):
    """Error times filtered spikes is the gradient at synapses onto a leaky readout."""
    _, gradient, cells = case
    share = 1 - np.exp(-1 / TAU_OUT)
    parts = Factored((1.0,), 0.0).separated()

    def moment(total, now):
        pre, post = now
        return changed(total, over_cells(parts, pre, post, jnp.zeros(1))), None

    with jax.enable_x64(True):
        begin = jnp.zeros(gradient[READOUT].shape)
        total, _ = jax.lax.scan(moment, begin, (cells["hidden1"], cells["output"]))
    # The transposed feedback lets nothing of the loss pass: it only teaches.
    assert np.abs(gradient[READOUT]).max() > 1e-2
    np.testing.assert_allclose(share * np.asarray(total), -gradient[READOUT], rtol=1e-9)
