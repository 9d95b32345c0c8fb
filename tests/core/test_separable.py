"""Rules that tell what their two ends multiply do what they do synapse by synapse."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core.test_contract import RULES, rule
from metaplast import rules
from metaplast.delivery import changed
from metaplast.mapped import over_cells, over_synapses
from metaplast.types import Cell

POST, PRE = 4, 3
WHOLE = [name for name in RULES if rule(name).separated() is None]


def cells(count: int, seed: int) -> Cell:
    rng = np.random.default_rng(seed)

    def drawn(*shape):
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    two = (count, 2)
    return Cell(drawn(count), drawn(count), drawn(count, 3), drawn(count), drawn(count),
                drawn(*two), drawn(*two))  # fmt: skip


def both_ways(plasticity):
    """Change of weights by cells and by synapses."""
    pre, post, modulator = cells(PRE, 0), cells(POST, 1), jnp.ones(1)
    weight = jnp.asarray(np.random.default_rng(2).normal(size=(POST, PRE)), jnp.float32)
    parts = plasticity.separated()
    by_cells = changed(weight, over_cells(parts, pre, post, modulator)) - weight
    mapped = over_synapses(plasticity)
    memory = jax.tree.map(lambda m: jnp.broadcast_to(m, (POST, PRE)), plasticity.init())
    return by_cells, mapped(weight, memory, pre, post, modulator)[0]


@pytest.mark.parametrize("name", sorted(set(RULES) - set(WHOLE)))
def test_by_cells_and_by_synapses_are_the_same(name):
    by_cells, by_synapses = both_ways(rule(name))
    assert float(jnp.abs(by_synapses).max()) > 1e-4
    np.testing.assert_allclose(by_cells, by_synapses, atol=2e-6)


def test_another_rate_is_another_change():
    """Negative control of the comparison."""
    one, other = both_ways(rules.Oja(0.1))[0], both_ways(rules.Oja(0.2))[1]
    assert float(jnp.abs(one - other).max()) > 1e-2


def test_channels_that_one_end_does_not_offer_are_silent():
    three, two = (both_ways(rules.Factored(c, 0.1)) for c in ((0.5, 0.3, 9.0), (0.5, 0.3)))
    np.testing.assert_array_equal(three[0], two[0])
    np.testing.assert_allclose(three[1], two[1], atol=1e-6)


def test_what_remembers_every_synapse_is_not_taken_apart():
    traced = rules.Factored(traced=True)
    assert traced.separated() is None
    assert rules.Total((rules.Delta(), traced)).separated() is None
    total = rules.Total((rules.Delta(), rules.Decay()))
    assert total.separated() == total.rules
    assert "SynapticMLP" in WHOLE and "Delta" not in WHOLE
