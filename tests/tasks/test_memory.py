"""Memory tasks: learners with the memory that a task asks for reach all of it, others nothing."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.learners.nearest_class_mean import NearestClassMean
from metaplast.learners.nearest_neighbor import NearestNeighbor
from metaplast.tasks import DelayedMatch, PairedAssociates
from tasks.lives import lived, many


def scores(task, learner):
    """Right answers of 10 lives `[lives, moments]`, and mean accuracy on held-out examples."""
    found = lived(task, learner, 10)
    return found.correct, found.test


# -- paired associates -----------------------------------------------------------------


def test_each_cue_has_one_answer_in_a_life_and_another_in_the_next():
    lives = many(PairedAssociates(inputs=24, classes=5, moments=60, pairs=12, held_out=12), 40)
    assert set(np.unique(lives.stimuli)) == {-1.0, 1.0}
    for life in range(40):
        pairs = {(x.tobytes(), int(y)) for x, y in zip(lives.stimuli[life], lives.targets[life], strict=True)}  # fmt: skip  # noqa: E501
        assert len(pairs) == 12 == len({x for x, _ in pairs})
        asked = zip(lives.test_stimuli[life], lives.test_targets[life], strict=True)
        assert {(x.tobytes(), int(y)) for x, y in asked} == pairs
        # List after list: each of them holds every cue once.
        for studied in np.split(lives.stimuli[life], 5):
            assert len({x.tobytes() for x in studied}) == 12
    # Nothing about the cue tells the answer beforehand.
    assert abs(np.corrcoef(lives.stimuli[:, 0, 0], lives.targets[:, 0])[0, 1]) < 0.5
    np.testing.assert_allclose(np.bincount(lives.targets.ravel()) / 2400, 0.2, atol=0.08)


def test_flips_are_as_frequent_as_asked_in_study_and_recall():
    lives = many(PairedAssociates(inputs=50, moments=80, pairs=2, held_out=20, flips=0.1), 20)
    for seen in (lives.stimuli, lives.test_stimuli):
        per_life = [len(np.unique(x, axis=0)) for x in seen]
        assert min(per_life) > 10  # two cues, many versions
    chance = PairedAssociates(inputs=50, moments=80, pairs=1, held_out=20, flips=0.2)
    mean = np.abs(many(chance, 20).stimuli.mean(axis=1))
    assert mean.mean() == pytest.approx(0.6, abs=0.03)  # 1 - 2 flips


def test_a_store_recalls_all_pairs_and_a_mean_no_more_than_it_can():
    task = PairedAssociates(inputs=32, classes=4, moments=80, pairs=40, held_out=40)
    correct, test = scores(task, NearestNeighbor(32, 4, 80))
    assert test == 1.0
    assert correct[:, 40:].mean() == 1.0  # the second list
    assert correct[:, :40].mean() == pytest.approx(0.25, abs=0.09)  # the first: pure chance
    _, mean = scores(task, NearestClassMean(32, 4))
    assert 0.3 < mean < 0.9


# -- delayed match ---------------------------------------------------------------------


class Comparing(eqx.Module):
    """Keeps the last pattern that was not a probe, and compares: the solution by hand."""

    keeps: bool = eqx.field(static=True)

    def born(self, key):
        return jnp.zeros(8)

    def predict(self, state, stimulus):
        alike = jnp.vdot(state, stimulus[:-1]) > 7.5
        due = stimulus[-1] > 0
        return jnp.where(due, jnp.array([1.0 * alike, 1.0 - alike, -1.0]), jnp.array([0, 0, 1.0]))

    def moment(self, state, stimulus, target, task, key=None):
        sample = jnp.any(stimulus[:-1] != 0) & (stimulus[-1] == 0) & self.keeps
        return jnp.where(sample, stimulus[:-1], state), self.predict(state, stimulus)


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_trials_are_sample_silence_and_probe(delay):
    task = DelayedMatch(size=8, delay=delay, trials=20, held_out=10)
    lives = many(task)
    assert task.answered.sum() == 20 and lives.targets.shape[1] == task.moments
    whole = 20 * (delay + 2)
    trials = lives.stimuli[:, :whole].reshape(-1, delay + 2, 9)
    wanted = lives.targets[:, :whole].reshape(-1, delay + 2)
    np.testing.assert_array_equal(wanted[:, :-1], 2)
    np.testing.assert_array_equal(trials[:, 1:-1], 0.0)
    np.testing.assert_array_equal(trials[..., -1], np.eye(delay + 2)[-1] + 0 * trials[..., -1])
    same = (trials[:, 0, :-1] == trials[:, -1, :-1]).all(axis=1)
    np.testing.assert_array_equal(same[wanted[:, -1] == 0], True)
    assert not same[wanted[:, -1] == 1].any()  # one in 256 would be, by chance
    assert (wanted[:, -1] == 0).mean() == pytest.approx(0.5, abs=0.1)
    np.testing.assert_array_equal((lives.test_targets == 0).sum(axis=1), 5)
    assert len(np.unique(trials[:, 0], axis=0)) > 200  # new patterns in every trial


@pytest.mark.parametrize("size", [1, 2])
def test_another_pattern_is_another_one_however_few_there_are(size):
    task = DelayedMatch(size=size, delay=0, trials=20, held_out=10)
    lives = many(task)
    trials = lives.stimuli[:, :40].reshape(-1, 2, size + 1)[..., :-1]
    same = (trials[:, 0] == trials[:, 1]).all(axis=1)
    np.testing.assert_array_equal(same, lives.targets[:, :40].reshape(-1, 2)[:, 1] == 0)
    last = lives.stimuli[:, -1, None, :-1]
    same = (last == lives.test_stimuli[..., :-1]).all(axis=-1)
    np.testing.assert_array_equal(same, lives.test_targets == 0)
    probes = trials[:, 1][lives.targets[:, :40].reshape(-1, 2)[:, 1] == 1]
    assert np.abs(probes.mean(axis=0)).max() < 0.2 and set(np.unique(probes)) == {-1.0, 1.0}


def test_memory_solves_it_and_nothing_else():
    task = DelayedMatch(size=8, delay=2, trials=30, held_out=20)
    with_memory, test = scores(task, Comparing(True))
    assert with_memory.mean() > 0.99 and test > 0.97
    without, blind = scores(task, Comparing(False))  # the control knows when, and not what
    assert without[:, task.answered].mean() == pytest.approx(0.5, abs=0.1)
    assert without[:, ~task.answered].mean() == 1.0 and blind == pytest.approx(0.5, abs=0.1)
    stored, _ = scores(task, NearestNeighbor(9, 3, task.moments))
    # What is most like a matching probe is the sample itself, at which it was right to wait.
    assert stored[:, task.answered].mean() < 0.5


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: PairedAssociates(pairs=0), "pairs = 0"),
        (lambda: PairedAssociates(flips=0.6), "flips = 0.6: expected 0 to 0.5"),
        (lambda: DelayedMatch(delay=-1), "delay = -1"),
        (lambda: DelayedMatch(trials=0), "trials = 0"),
    ],
)
def test_impossible_tasks_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
