"""Of what spiking cells offer, only what a rule reads is computed; and it is what was computed."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.circuits import Circuit, Population, Projection
from metaplast.mapped import over_cells
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import LIF, AdaptiveLIF, Rate, Traced, TwoCompartment
from metaplast.neurons.abstract import silent
from metaplast.rules import Decay, Factored, PairSTDP
from metaplast.signals import offered
from metaplast.types import Teaching

PRE, POST, STEPS = 5, 3, 60
RATE, RATIO = 0.02, 0.6
CIRCUIT = Circuit(
    (Population("pre", PRE, "pre"), Population("post", POST, "post")),
    (Projection("pre->post", "forward", "pre", "post", "basal"),),
)
PAIR = PairSTDP(RATE, RATIO)
ALL = Factored((0.0, 0.0, 0.0, RATE, -RATE * RATIO, 0.0, 0.0), 0.0)
"""The same as a rule that reads every signal."""


class Untaught:
    def teach(self, readout, target):
        return Teaching(jnp.zeros_like(readout), jnp.zeros(1))


def weights(rule, neuron=None):
    """A function of the state at birth and of spikes `[steps, pre]`, and these."""
    neurons = {"pre": Traced(Rate("linear")), "post": Traced(neuron or LIF(20.0))}
    network = PlasticNetwork(CIRCUIT, Genome(neurons, {"forward": rule}))

    def life(state, spikes):
        def step(state, seen):
            return network.moment(state, seen, jnp.asarray(0), Untaught())[0], None

        return jax.lax.scan(step, state, spikes)[0].weights["pre->post"]

    rng = np.random.default_rng(0)
    state = network.born(jax.random.key(0))
    state = state._replace(weights={"pre->post": jnp.asarray(rng.random((POST, PRE)), jnp.float32)})
    return life, state, jnp.asarray(rng.random((STEPS, PRE)) < 0.2, jnp.float32)


def by_hand(state, spikes):
    weight = np.asarray(state.weights["pre->post"], float)
    v, before, after = np.zeros(POST), np.zeros(PRE), np.zeros(POST)
    for x in np.asarray(spikes):
        v = np.exp(-1 / 20.0) * v + weight @ x
        z = (v >= 1).astype(float)
        v = v - z
        before, after = np.exp(-1 / 16.8) * before + x, np.exp(-1 / 33.7) * after
        weight = weight + RATE * (np.outer(z, before) - RATIO * np.outer(after, x))
        after = after + z
    return weight


@pytest.mark.parametrize("rule", [PAIR, ALL], ids=["pair", "all"])
def test_a_network_changes_as_a_loop_by_hand(rule):
    life, *begin = weights(rule)
    expected = by_hand(*begin)
    assert np.abs(expected - begin[0].weights["pre->post"]).min() > 1e-2
    np.testing.assert_allclose(jax.jit(life)(*begin), expected, rtol=1e-4)


def test_what_no_rule_reads_is_not_computed():
    def program(rule) -> str:
        life, *begin = weights(rule)
        return str(jax.jit(life).lower(*begin).compile().as_text())

    pair, everything = program(PAIR), program(ALL)
    assert "concatenate(" not in pair, "no vector of signals is put together"
    # Through the loop go the membrane, one trace at either end, weights, input and time.
    assert carried(pair) == 6
    assert carried(everything) > 6


def carried(program: str) -> int:
    """Arrays that the loop over moments carries."""
    loop = next(line for line in program.splitlines() if " while(" in line)
    return loop.split(" while(")[0].count("[")


@pytest.mark.parametrize("make", [LIF, AdaptiveLIF, TwoCompartment])
def test_a_cell_that_never_waits_watches_no_time(make):
    """Less than half a step is no time to wait either, but is counted."""
    never, hardly, long = (weights(PAIR, make(20.0, refractory=time)) for time in (0.0, 1e-3, 20.0))
    found = jax.jit(never[0])(*never[1:])
    np.testing.assert_allclose(found, jax.jit(hardly[0])(*hardly[1:]), rtol=1e-5)
    assert np.abs(found - jax.jit(long[0])(*long[1:])).max() > 1e-2


def test_offered_is_a_vector_of_every_cell():
    rows = jnp.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(jax.vmap(offered)(*rows), rows.T)
    np.testing.assert_array_equal(jax.vmap(jax.vmap(offered))(rows, -rows)[..., 1], -rows)


def test_a_rule_without_channels_only_leaks():
    pre, post = (jax.vmap(silent)(jnp.ones(size)) for size in (PRE, POST))
    change = over_cells((Decay(0.25),), pre, post, jnp.zeros(1))
    assert change.post.shape == (0, POST) and change.pre.shape == (0, PRE)
    np.testing.assert_allclose(change.keep, np.full(POST, 0.75), rtol=1e-6)
