"""A reservoir whose readout is least squares at every moment, though its output feeds back."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.circuits import reservoir
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Association, Echo, Output, Rate, Reservoir
from metaplast.rules import FORCE, Decorrelation, Delta
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Teaching

CELLS, PERIOD, PRIOR, BIRTHS = 100, 80, 100.0, 4
LEARN, ALONE = 20 * PERIOD, 4 * PERIOD


class Wave(AbstractTask):
    """A sine that the readout is to follow; the target of a moment is its number."""

    inputs: int = 1
    classes: int = 1
    moments: int = LEARN

    def sample(self, key):
        raise NotImplementedError

    def teach(self, readout, target):
        return Teaching(wave(target)[None], jnp.zeros(1))


def wave(t):
    return jnp.sin(2 * jnp.pi * t / PERIOD)


def network(readout, echo: bool = True) -> PlasticNetwork:
    said = Output("linear")
    neurons = {"input": Rate("linear"), "hidden": Reservoir(), "association": Association(),
               "output": Echo(said) if echo else said}  # fmt: skip
    rules = {"readout": readout, "lateral": Decorrelation(1.0)} if readout else {}
    gains = {"recurrent": jnp.log(jnp.asarray(1.5))}
    return PlasticNetwork(reservoir(1, (CELLS,), 1, PRIOR), Genome(neurons, rules, gains))


def moments(net, state, first: int, count: int):
    """Last state, readouts and rates of the reservoir."""

    def moment(state, t):
        state, readout = net.moment(state, jnp.zeros(1), t, Wave())
        return state, (readout[0], jnp.tanh(state.cells["reservoir"].membrane))

    return jax.lax.scan(moment, state, first + jnp.arange(count))


def taught_and_alone(readout, echo: bool = True):
    """Of several births: errors while learning, then without plasticity; rates, last weights."""

    @jax.jit
    @jax.vmap
    def run(key):
        net = network(readout, echo)
        state, (said, rates) = moments(net, net.born(key), 0, LEARN)
        _, (free, _) = moments(network(None, echo), state, LEARN, ALONE)
        errors = jnp.concatenate([said, free]) - wave(jnp.arange(LEARN + ALONE))
        # A weight onto an association cell is in units of its relay.
        weights = PRIOR**0.5 * state.weights["association->output"][0]
        return errors[:LEARN], errors[LEARN:], rates, weights

    with jax.enable_x64(True):
        lives = run(jax.random.split(jax.random.key(2), BIRTHS))
        return [np.asarray(a) for a in lives]


@pytest.fixture(scope="module")
def force():
    return taught_and_alone(FORCE())


def ridge(rates):
    target = np.sin(2 * np.pi * np.arange(LEARN) / PERIOD)
    return np.linalg.solve(rates.T @ rates + np.eye(CELLS) / PRIOR, rates.T @ target)


def size(errors):
    """Root mean square of each life."""
    return np.sqrt(np.mean(errors**2, axis=1))


def test_the_readout_is_ridge_regression_on_what_the_reservoir_did(force):
    _, _, rates, weights = force
    expected = [ridge(each) for each in rates]
    assert np.abs(expected).max(1).min() > 0.1 and rates.std() > 0.1
    np.testing.assert_allclose(weights, expected, atol=1e-8)


def test_the_error_is_small_at_once_and_the_wave_goes_on_alone(force):
    taught, alone, _, _ = force
    assert np.abs(taught[:, :3]).max() > 0.05, "it does not know the wave at first"
    assert size(taught[:, PERIOD:]).max() < 0.02
    assert size(alone).max() < 0.03


def test_without_feedback_of_the_output_the_wave_is_lost(force):
    _, alone, _, _ = taught_and_alone(FORCE(), echo=False)
    assert size(alone).mean() > 5 * size(force[1]).mean() > 0


def test_the_delta_rule_is_no_least_squares():
    _, _, rates, weights = taught_and_alone(Delta(1e-4))
    assert np.abs(weights[0] - ridge(rates[0])).max() > 0.1
