"""Learners whose cells draw noise can be asked without being taught."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from core.small import plain
from learners.easy import Easy
from tasks import small_files

from metaplast.bench import answers, bench, forgetting
from metaplast.bench.detect import cut
from metaplast.bench.living import Arena
from metaplast.bench.scores import scores
from metaplast.circuits import layered
from metaplast.learners.standardized import Standardized
from metaplast.lifetime import asked, live
from metaplast.lifetime import test_accuracy as held_out_accuracy
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate, StochasticBinary
from metaplast.rules import Delta
from metaplast.tasks import ClassIncremental


def noisy(task, hidden=64, rate=0.1):
    neurons = {"input": Rate("linear"), "hidden": StochasticBinary(), "output": Output()}
    genome = Genome(neurons, {"readout": Delta(rate)})
    return PlasticNetwork(layered(task.inputs, (hidden,), task.classes), genome)


def test_noisy_learners_are_scored_beyond_accuracy_with_the_noise_of_held_out_examples():
    task = ClassIncremental(Easy(moments=40), 2)
    learner, arena = noisy(task, rate=0.01), Arena(task, 0)
    found = scores(learner, arena, 2)
    episode, key = arena.life(1)
    life, state = live(learner, task, episode, key)
    noise = jax.random.fold_in(key, task.moments)
    wanted = [
        forgetting(life, episode, asked(learner, state, episode.test_stimuli, k), 2).kept
        for k in (noise, *jax.random.split(key, 9))
    ]
    assert found["kept"][1] == pytest.approx(wanted[0]) and wanted[0] > 0
    assert len(set(wanted)) > 1  # the control: other noise, other answers


def test_noisy_learners_look_through_whole_pictures():
    task = small_files.detection(20, 7)
    learner, arena = noisy(task, 8), Arena(task, 0)
    assert np.isfinite(scores(learner, arena, 1)["average_precision"]).all()
    state, patches = learner.born(jax.random.key(0)), cut(task)[0]
    one, other = (answers(learner, state, jax.random.key(k)) for k in (0, 0))
    first, second = one(patches), one(patches)
    np.testing.assert_array_equal(first, other(patches))
    assert not np.array_equal(first, second)  # each picture has noise of its own
    with pytest.raises(ValueError, match="noisy neuron; pass a key"):
        answers(learner, state)(patches)


def test_cells_that_draw_noise_can_be_asked():
    """Of held-out examples, by the bench too: what is noisy gets a key, and only that."""
    task = Easy(moments=100)
    network = noisy(task)
    assert network.noisy and Standardized(network, 6).noisy
    assert not PlasticNetwork(layered(6, (4,), 3), plain()).noisy
    episode, key = task.sample(jax.random.key(0)), jax.random.key(1)
    state = live(network, task, episode, key)[1]
    assert float(held_out_accuracy(network, state, episode, key)) > 0.5
    with pytest.raises(ValueError, match="noisy neuron; pass a key"):
        held_out_accuracy(network, state, episode)
    result = bench([("noisy", network)], task, lives=2, hidden=(4,), only=True)
    entry = next(e for e in result["learners"] if e["name"] == "noisy")
    assert entry["test_accuracy"] > 0.5
