"""Every registered learner lives, in the right shapes, and learns what is easy."""

from __future__ import annotations

import inspect

import equinox as eqx
import jax
import numpy as np
import pytest

from learners.easy import Easy
from metaplast import learners
from metaplast.learners import NAMES, build
from metaplast.learners.registry import EXPANDED, ROWS
from metaplast.learners.standardized import Standardized
from metaplast.lifetime import live
from metaplast.lifetime import test_accuracy as held_out_accuracy
from metaplast.source import Source

GOOD = {"rate": 0.06, "ridge": 0.1}
RATES = {
    "equilibrium_propagation": 0.2,
    "node_perturbation": 0.02,
    "weight_perturbation": 0.01,
    "reinforce": 0.5,
    "burst_dependent_plasticity": 1.0,
}
"""Where 0.06 is far from good."""
FEW = {"spiking_eprop": 1}
"""Its other variant takes stimuli as rates of firing, which those of the easy task are not."""


def at_a_good_value(name: str, task: Easy) -> list:
    rows = build(name, task.inputs, (8,), task.classes, task.moments)
    return [
        variant.build(
            RATES.get(row.name, GOOD[variant.grid.name]) if variant.grid else float("nan")
        )
        for row in rows
        for variant in row.variants[: FEW.get(row.name, 2)]
    ]


@eqx.filter_jit
def live_all(learner, task, episodes, keys):
    def one(episode, key):
        life, state = live(learner, task, episode, key)
        readout = learner.predict(state, episode.test_stimuli[0])
        return life, readout, held_out_accuracy(learner, state, episode)

    return jax.vmap(one)(episodes, keys)


@pytest.mark.parametrize("name", EXPANDED)
def test_expanded_names_are_rows_that_live_below(name):
    rows = build(name, 4, (3,), 2, 10)
    assert [row.name for row in rows] == list(EXPANDED[name]) and len(rows) > 1
    assert set(EXPANDED[name]) <= set(ROWS) <= set(NAMES)


@pytest.mark.parametrize("name", ROWS)
def test_lives_twenty_moments(name):
    task = Easy()
    assert task.moments == 20
    for learner in at_a_good_value(name, task):
        episodes = jax.vmap(task.sample)(jax.random.split(jax.random.key(0), 8))

        keys = jax.random.split(jax.random.key(1), 8)
        life, readout, test = live_all(learner, task, episodes, keys)
        assert life.correct.shape == life.loss.shape == (8, 20)
        assert readout.shape == (8, task.classes)
        assert np.all(np.isfinite(readout)) and np.all(np.isfinite(life.loss))
        assert not np.any(life.exploded)
        chance = 1 / task.classes
        late = float(np.asarray(life.correct)[:, 5:].mean())
        if name == "frozen":
            assert abs(float(test.mean()) - chance) < 0.25
        else:
            assert late > chance + 0.2, f"{name}: {late:.2f} after five examples"


@pytest.mark.parametrize("name", NAMES)
def test_has_a_source(name):
    from metaplast.learners.feedback_alignment import SOURCES

    learner = at_a_good_value(name, Easy())[0]
    learner = learner.learner if isinstance(learner, Standardized) else learner
    source = SOURCES[name] if name in SOURCES else type(learner).source
    assert isinstance(source, Source) and source.authors and source.year > 1900


def test_learners_without_a_row_have_a_source_as_well():
    exported = (getattr(learners, name) for name in learners.__all__)
    lives = [one for one in exported if inspect.isclass(one) and hasattr(one, "moment")]
    assert {learners.MessagePassing, learners.SurrogateBackprop} <= set(lives) and len(lives) > 20
    assert [one.__name__ for one in lives if not isinstance(one.source, Source)] == []


def test_frozen_never_changes():
    task = Easy()
    episode = task.sample(jax.random.key(0))
    (frozen,) = at_a_good_value("frozen", task)
    born = frozen.born(jax.random.key(1))
    _, last = live(frozen, task, episode, jax.random.key(2))
    first = frozen.born(jax.random.split(jax.random.key(2))[0])
    assert jax.tree.all(jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), first, last))
    changed, _ = frozen.learner.moment(
        born, episode.stimuli[0], episode.targets[0], task, jax.random.key(3)
    )
    assert not jax.tree.all(jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), born, changed))


@pytest.mark.parametrize(
    ("typed", "meant"), [("feedback_alignement", "feedback_alignment"), ("backprob", "backprop")]
)
def test_unknown_name_lists_near_misses(typed, meant):
    with pytest.raises(ValueError, match=f"{typed}.*did you mean .*{meant}"):
        build(typed, 4, (3,), 2, 10)
    assert build(meant, 4, (3,), 2, 10)


def test_name_without_near_miss_lists_what_there_is():
    with pytest.raises(ValueError, match=r"there are .*nearest_class_mean"):
        build("xyzzy", 4, (3,), 2, 10)
