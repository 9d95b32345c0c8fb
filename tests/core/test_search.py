"""A search that is interrupted goes on to the same bits."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from core.small import parts, plain
from metaplast import checkpoint, search
from metaplast.circuits import layered
from metaplast.estimators.compare import stretch_of
from metaplast.lifetime import unroll
from metaplast.lives import SearchedLives
from metaplast.meta import PES, Backprop, Evolution, LearnedSelection
from metaplast.network import Genome
from metaplast.neurons import Output, Rate
from metaplast.objective import Objective
from metaplast.rulefile import StoreError
from metaplast.rules import PolicyTrace
from metaplast.tasks import DelayedReward

STEPS = 7
OBJECTIVE = Objective(Easy(moments=6), layered(6, (4,), 3))
METAS = {
    "backprop": Backprop(rate=0.1, steps=STEPS, lives=2),
    "evolution": Evolution("SNES", population=4, lives=2),
    "learned selection": LearnedSelection(population=4, lives=1),
    "half-lived": PES(rate=0.1, steps=STEPS, lives=2, stretch=2),
}

LATE = DelayedReward(Easy(moments=6), 2, wrong=-1.0, hears="answer")
PAID = Genome(
    {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output()},
    {"forward": PolicyTrace(rate=0.5), "readout": PolicyTrace(rate=0.5)},
)


def run(meta, position, steps, **options):
    """Positions after each dispatch, and every meta-loss on the way."""
    places, losses = [], []
    for progress in search.search(OBJECTIVE, plain(), meta, position, steps, **options):
        places.append(progress.position)
        losses.extend(progress.loss)
    return places, np.asarray(losses)


def bits(position) -> list[bytes]:
    return [leaf.tobytes() for leaf in checkpoint.flatten(position)[0].values()]


@pytest.mark.parametrize("name", METAS)
def test_interrupted_and_whole_searches_agree_bit_for_bit(name):
    meta = METAS[name]
    begin = search.begin(OBJECTIVE, plain(), meta, jax.random.key(1))
    whole, losses = run(meta, begin, STEPS, patience=1e-9)
    part, first = run(meta, begin, 3, patience=100.0)
    rest, second = run(meta, part[-1], STEPS, patience=100.0)
    assert int(whole[-1].step) == int(rest[-1].step) == STEPS
    assert bits(whole[-1]) == bits(rest[-1])
    np.testing.assert_array_equal(losses, np.concatenate([first, second]))
    assert np.ptp(losses) > 0
    assert bits(whole[-1]) != bits(begin)
    elsewhere = search.begin(OBJECTIVE, plain(), meta, jax.random.key(2))
    other, _ = run(meta, elsewhere, STEPS, patience=100.0)
    assert bits(other[-1]) != bits(whole[-1]), "negative control: another seed, other bits"


def test_a_half_lived_search_goes_on_from_its_checkpoint(tmp_path):
    """Half-lived lives are a part of the state: newborns in their place give other bits."""
    meta = METAS["half-lived"]
    begin = search.begin(OBJECTIVE, plain(), meta, jax.random.key(1))
    whole, _ = run(meta, begin, STEPS, patience=100.0)
    part, _ = run(meta, begin, 2, patience=100.0)
    checkpoint.save_checkpoint(tmp_path, part[-1], {"step": 2})
    loaded, _ = checkpoint.load_checkpoint(tmp_path, begin)
    rest, _ = run(meta, loaded, STEPS, patience=100.0)
    assert bits(rest[-1]) == bits(whole[-1])
    newborn = loaded._replace(outer=loaded.outer._replace(held=begin.outer.held))
    other, _ = run(meta, newborn, STEPS, patience=100.0)
    assert bits(other[-1]) != bits(whole[-1])


def test_a_checkpoint_without_what_the_world_owes_is_refused(tmp_path):
    objective = dataclasses.replace(OBJECTIVE, task=LATE)
    begin = search.begin(objective, PAID, METAS["half-lived"], jax.random.key(1))
    tensors, _ = checkpoint.flatten(begin)
    owed = [name for name in tensors if name.endswith(".memory")]
    assert [tensors[name].shape for name in owed] == [(2, 2, 2)]  # lives, twins, delay
    older = {name: tensor for name, tensor in tensors.items() if name not in owed}
    with pytest.raises(StoreError, match=r"lacks .*memory; it belongs to another spec or version"):
        checkpoint.restore(begin, older, "step-1.safetensors")
    assert bits(checkpoint.restore(begin, tensors, "step-1.safetensors")) == bits(begin)


@pytest.mark.parametrize(("stretch", "episodes"), [(1, 1), (3, 2), (12, 2)])
@pytest.mark.parametrize("remembers", [False, True])
def test_to_live_in_stretches_is_to_live_whole(stretch, episodes, remembers):
    """Also where the world owes rewards from stretch to stretch; an episode begins without."""
    theta, fixed = parts(PAID if remembers else plain(0.3))
    task = LATE if remembers else OBJECTIVE.task
    lives = SearchedLives(dataclasses.replace(OBJECTIVE, task=task, episodes=episodes), fixed)
    loss, score = lives(theta, jax.random.key(5))
    life, heard = lives.begin(theta, jax.random.key(5)), []
    for _ in range(lives.horizon // stretch):
        mean, part, life = lives.advance(theta, life, stretch)
        heard.append((float(mean), float(part.accuracy)))
    np.testing.assert_allclose(np.mean(heard, 0), [loss, score.accuracy], rtol=1e-5)
    assert float(loss) > 0.1 and len(heard) == 6 * episodes // stretch
    other, _ = lives(theta, jax.random.key(6))
    assert abs(float(other) - float(loss)) > 1e-3, "negative control: another life, another loss"


@pytest.mark.parametrize("episodes", [1, 3, 4])
def test_lives_say_into_which_stretches_they_can_be_cut(episodes):
    """Of all numbers that divide a life, those that `advance` takes."""
    theta, fixed = parts(plain(0.3))
    lives = SearchedLives(dataclasses.replace(OBJECTIVE, episodes=episodes), fixed)

    def lived(stretch):
        def whole(life):
            return lives.advance(theta, life, stretch)[2]

        life = jax.eval_shape(lambda: lives.begin(theta, jax.random.key(0)))
        jax.eval_shape(whole, life)

    dividing = [n for n in range(1, lives.horizon + 1) if lives.horizon % n == 0]
    assert lives.stretches == [n for n in dividing if (n <= 6 and 6 % n == 0) or n % 6 == 0]
    for stretch in lives.stretches:
        lived(stretch)
    uneven = sorted(set(dividing) - set(lives.stretches))
    assert uneven == {1: [], 3: [9], 4: [4, 8]}[episodes]  # the control: one episode has none
    for stretch in uneven:
        with pytest.raises(ValueError, match=f"stretch = {stretch}: neither divides the 6 moments"):
            lived(stretch)


@pytest.mark.parametrize(("moments", "episodes", "stretch"), [(20, 3, 5), (20, 1, 2), (6, 60, 36)])
def test_measured_lives_are_cut_by_default_into_about_ten_stretches(moments, episodes, stretch):
    """Of three episodes of 20 moments a tenth would be 6, which cuts through episodes."""
    objective = dataclasses.replace(OBJECTIVE, task=Easy(moments=moments), episodes=episodes)
    lives = SearchedLives(objective, parts(plain(0.3))[1])
    assert stretch_of(lives) == stretch in lives.stretches
    assert (6 in lives.stretches) == (moments == 6)


def test_there_is_one_way_to_live_in_stretches():
    """An objective lives whole lives; its pieces are those of `SearchedLives`, births and all."""
    assert not hasattr(OBJECTIVE, "begin") and not hasattr(OBJECTIVE, "advance")
    theta, fixed = parts(plain(0.3))
    key = jax.random.key(5)
    born = SearchedLives(OBJECTIVE, fixed).begin(theta, key).state
    wanted = OBJECTIVE.learner(plain(0.3)).born(jax.random.split(jax.random.split(key)[1])[0])
    for mine, other in zip(*map(jax.tree.leaves, (born, wanted)), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_metered_lives_can_be_lived_in_stretches():
    """What meters a life is part of the newborn."""
    theta, fixed = parts(plain(0.3))
    heard = {}
    for metered in (False, True):
        lives = SearchedLives(dataclasses.replace(OBJECTIVE, metered=metered), fixed)
        life = lives.begin(theta, jax.random.key(5))
        heard[metered] = float(lives.advance(theta, life, 6)[0])
    assert heard[True] == heard[False] > 0.1


def test_a_life_goes_on_from_episode_to_episode():
    """A second episode of the same blobs would be easier; here they are new ones."""
    theta, fixed = parts(plain(0.3))
    lives = SearchedLives(dataclasses.replace(OBJECTIVE, episodes=2), fixed)
    life = lives.begin(theta, jax.random.key(5))
    assert life.memory is None, "of a task that never remembers a checkpoint holds nothing more"
    first, _, grown = lives.advance(theta, life, 6)
    second, _, _ = lives.advance(theta, grown, 6)
    task_key, life_key = jax.random.split(life.key)
    learner, noise_key = OBJECTIVE.learner(plain(0.3)), jax.random.split(life_key)[1]

    def alone(state, number):
        """The mean loss of an episode of that number, lived from a state."""
        episode = lives.objective.episode(task_key, jnp.asarray(number))
        begin = state, jnp.asarray(True), jnp.asarray(0)
        seen = episode.stimuli, episode.targets
        return float(jnp.mean(unroll(learner, OBJECTIVE.task, begin, seen, noise_key)[1][1]))

    assert alone(life.state, 0) == pytest.approx(float(first), rel=1e-5)
    assert alone(grown.state, 1) == pytest.approx(float(second), rel=1e-5)
    for state, number in ((life.state, 1), (grown.state, 0)):
        assert abs(alone(state, number) - float(second)) > 0.01, "both learner and episode matter"
    with pytest.raises(ValueError, match="stretch = 4: neither divides the 6 moments"):
        lives.advance(theta, life, 4)


def test_what_is_switched_off_stays_off():
    meta = METAS["backprop"]
    genome = plain(0.0)
    begin = search.begin(OBJECTIVE, genome, meta, jax.random.key(1))
    assert jax.tree.leaves(begin.theta) == []
    begin = search.begin(OBJECTIVE, plain(), meta, jax.random.key(1))
    assert len(jax.tree.leaves(begin.theta)) == 2


def test_found_puts_the_searched_leaves_back():
    meta = METAS["backprop"]
    begin = search.begin(OBJECTIVE, plain(), meta, jax.random.key(1))
    places, _ = run(meta, begin, 2)
    rate = search.found(plain(), places[-1]).rules["forward"].rate.log
    assert float(rate) != float(plain().rules["forward"].rate.log)
    assert float(search.found(plain(), begin).rules["forward"].rate.log) == float(
        plain().rules["forward"].rate.log
    )


def test_a_search_stops_when_asked():
    begin = search.begin(OBJECTIVE, plain(), METAS["backprop"], jax.random.key(1))
    places, _ = run(METAS["backprop"], begin, STEPS, should_stop=lambda: True)
    assert places == []
