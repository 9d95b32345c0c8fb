"""What every exported rule and neuron must do; a new one is tested by being exported."""

from __future__ import annotations

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast import neurons, rules
from metaplast.circuits import layered
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons.abstract import CHANNELS, POOL
from metaplast.source import Source
from metaplast.types import Cell

RULES = [name for name in rules.__all__ if not name.startswith("Abstract")]
NEURONS = [name for name in neurons.__all__ if not name.startswith("Abstract")]
SPEEDS = ("rate", "eta", "coefficients", "decay")
"""Parameters that switch a rule off where all of them are zero."""
TASK = Easy(moments=10)


def rule(name: str):
    """The rule with its defaults; one made of others gets two of them."""
    maker = getattr(rules, name)
    if "rules" in inspect.signature(maker).parameters:
        return maker(rules=(rules.Delta(), rules.Decay()))
    return maker()


def switched_off(name: str):
    """The rule with every speed at zero."""
    maker = getattr(rules, name)
    parameters = inspect.signature(maker).parameters
    if "rules" in parameters:
        return maker(rules=(rules.Delta(0.0), rules.Decay(0.0)))
    if name == "Taylor":  # has coefficients only, all in one array
        return maker(theta=jnp.zeros((2, 2, 2, 1)))
    if name == "Offered":  # has no numbers: it is off where cells do not offer what it multiplies
        return maker(signal=9)
    zero = {p: (0.0, 0.0) if p == "coefficients" else 0.0 for p in SPEEDS if p in parameters}
    assert zero, f"{name} has no parameter of the names {SPEEDS}: nothing switches it off"
    return maker(**zero)


def neuron(name: str):
    """The neuron with its defaults; one that corrects another gets a rate cell."""
    maker = getattr(neurons, name)
    if "base" in inspect.signature(maker).parameters:
        return maker(neurons.Rate())
    return maker()


def small(hidden, plasticity) -> PlasticNetwork:
    """One hidden layer of the given cells, with the given rule on every forward synapse."""
    genome = Genome(
        {"input": neurons.Rate("linear"), "hidden": hidden, "output": neurons.Output()},
        {"forward": plasticity, "readout": plasticity},
    )
    return PlasticNetwork(layered(6, (4,), 3), genome)


def ten_moments(hidden, plasticity):
    """Life, birth weights and last state of a small network, as one compiled call."""
    network = small(hidden, plasticity)

    @functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
    def run(key):
        birth = network.born(jax.random.split(key)[0])
        life, state = live(network, TASK, TASK.sample(key), key)
        return life, birth.weights, state

    return run(jax.random.key(0))


def change(before, after) -> float:
    return max(float(jnp.abs(after[name] - before[name]).max()) for name in before)


@pytest.mark.parametrize("name", [*RULES, *NEURONS])
def test_it_says_what_it_is_and_where_it_comes_from(name):
    maker = getattr(rules, name, None) or getattr(neurons, name)
    assert isinstance(maker.source, Source) and maker.source.year > 1900
    assert len(inspect.getdoc(maker) or "") > 30
    assert "source" in vars(maker), "a source of its own, not an inherited one"


@pytest.mark.parametrize("name", RULES)
def test_a_rule_lives_ten_moments_and_changes_weights(name):
    life, before, state = ten_moments(neurons.Rate(), rule(name))
    assert not bool(life.exploded)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((life, state)))
    assert change(before, state.weights) > 1e-5
    fixed = "output~>hidden1"
    np.testing.assert_array_equal(before[fixed], state.weights[fixed])


@pytest.mark.parametrize("name", RULES)
def test_a_rule_at_zero_rate_changes_nothing(name):
    network = small(neurons.Rate(), switched_off(name))
    before = network.born(jax.random.key(0))
    after, _ = network.moment(before, jnp.linspace(-1.0, 1.0, 6), jnp.asarray(1), TASK)
    for projection, weights in before.weights.items():
        assert float(jnp.abs(weights).max()) > 0
        np.testing.assert_array_equal(weights, after.weights[projection])


@pytest.mark.parametrize("name", NEURONS)
def test_a_neuron_lives_ten_moments(name):
    life, before, state = ten_moments(neuron(name), rules.Factored((0.01, 0.01)))
    assert not bool(life.exploded)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((life, state)))
    assert float(jnp.ptp(life.loss)) > 0
    assert change(before, state.weights) > 1e-6


@pytest.mark.parametrize("name", NEURONS)
def test_a_neuron_keeps_its_shapes(name):
    """One cell, five phases: scalars stay scalars, the state keeps its structure."""
    cell_type = neuron(name)
    drive, pool = jnp.asarray(0.3), jnp.full(POOL, 0.5)
    born = cell_type.init(jnp.asarray(0.25), jnp.asarray(0.25))
    state, cell = cell_type.fire(born, drive, jax.random.key(0))
    assert cell.pooled.shape == (CHANNELS,)
    state, cell = cell_type.inhibit(state, cell, pool)
    state, cell = cell_type.settle(state, cell, drive)
    state, cell = cell_type.rebalance(state, cell, pool)
    state, cell = cell_type.reply(state, cell, drive, pool, jnp.ones(1))
    assert isinstance(cell, Cell)
    assert jax.tree.structure(state) == jax.tree.structure(born)
    for field in ("drive", "activity", "settled", "message"):
        assert jnp.shape(getattr(cell, field)) == (), field
    assert cell.post.ndim == cell.pre.ndim == 1
