"""Learners whose cells draw noise can be asked without being taught."""

from __future__ import annotations

import jax
import pytest
from core.small import plain
from learners.easy import Easy

from metaplast.bench import bench
from metaplast.circuits import layered
from metaplast.learners.standardized import Standardized
from metaplast.lifetime import live
from metaplast.lifetime import test_accuracy as held_out_accuracy
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate, StochasticBinary
from metaplast.rules import Delta


def test_cells_that_draw_noise_can_be_asked():
    """Of held-out examples, by the bench too: what is noisy gets a key, and only that."""
    neurons = {"input": Rate("linear"), "hidden": StochasticBinary(), "output": Output()}
    genome = Genome(neurons, {"readout": Delta(0.1)})
    network = PlasticNetwork(layered(6, (64,), 3), genome)
    assert network.noisy and Standardized(network, 6).noisy
    assert not PlasticNetwork(layered(6, (4,), 3), plain()).noisy
    task = Easy(moments=100)
    episode, key = task.sample(jax.random.key(0)), jax.random.key(1)
    state = live(network, task, episode, key)[1]
    assert float(held_out_accuracy(network, state, episode, key)) > 0.5
    with pytest.raises(ValueError, match="noisy neuron; pass a key"):
        held_out_accuracy(network, state, episode)
    result = bench([("noisy", network)], task, lives=2, hidden=(4,), only=True)
    entry = next(e for e in result["learners"] if e["name"] == "noisy")
    assert entry["test_accuracy"] > 0.5
