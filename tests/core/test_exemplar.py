"""Exemplar cells are recruited one after the other, layer after layer."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast.circuits import associative
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Association, Exemplar, Innovation, Output, Sensory
from metaplast.rules import Decorrelation, Factored

SIZES = (3, 3)
MOMENTS = 10


def recruitment(**options):
    """Maturity of every cell of both layers after each moment: `[moments, cells]` each."""
    store = Factored((0.0, 1.0), 0.0)
    genome = Genome(
        {
            "input": Sensory(),
            "hidden": Exemplar(**options),
            "innovation": Innovation(),
            "association": Association(),
            "output": Output("linear"),
        },
        {"forward": store, "skip": store, "lateral": Decorrelation(), "readout": Factored((1.0,))},
    )
    network = PlasticNetwork(associative(5, SIZES, 3), genome)
    task = Easy(inputs=5, moments=MOMENTS)
    episode = task.sample(jax.random.key(1))

    def moment(state, seen):
        state, _ = network.moment(state, *seen, task)
        return state, [state.cells[f"hidden{k}"].maturity for k in (1, 2)]

    birth = network.born(jax.random.key(0))
    state, mature = jax.lax.scan(moment, birth, (episode.stimuli, episode.targets))
    return [np.asarray(m) for m in mature], state


@pytest.fixture(scope="module")
def eager():
    return recruitment(eagerness=20.0)


def test_one_cell_a_moment_in_order(eager):
    (first, second), _ = eager
    count = np.concatenate([first, second], axis=1).sum(axis=1)
    np.testing.assert_allclose(np.diff(count, prepend=0.0)[: sum(SIZES)], 1.0, atol=1e-3)
    for layer in (first, second):
        assert (np.diff(layer, axis=1) <= 1e-3).all(), "no cell before the one below it"


def test_the_second_layer_comes_after_the_first(eager):
    (first, second), _ = eager
    for moment in range(MOMENTS):
        if second[moment].max() > 1e-3:
            assert first[moment].min() > 0.99
    assert first[SIZES[0] - 1].min() > 0.99 and second[SIZES[0] - 1].max() < 1e-3
    assert second[-1].min() > 0.99


def test_a_recruited_cell_stores_its_stimulus(eager):
    _, state = eager
    stored = np.asarray(state.weights["input->hidden1"])
    assert (np.abs(stored).max(axis=1) > 0.1).all()
    assert len({tuple(np.round(row, 4)) for row in stored}) == SIZES[0]


def test_nothing_new_recruits_nobody():
    """Negative control: cells without eagerness stay immature, and store nothing."""
    (first, second), state = recruitment(eagerness=-20.0)
    assert first.max() < 1e-3 and second.max() < 1e-3
    assert float(jnp.abs(state.weights["input->hidden1"]).max()) < 1e-3
