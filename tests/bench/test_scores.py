"""What a comparison says beyond accuracy: of pictures, of earlier classes, of parts of a life."""

from __future__ import annotations

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy
from tasks import small_files

from metaplast.answers import accuracy, counted
from metaplast.bench import bench, detection_score, forgetting
from metaplast.bench.entry import entry
from metaplast.bench.footprint import footprint
from metaplast.bench.living import Arena, Stopwatch, held_out
from metaplast.bench.scored import exchanged, half_of, scored
from metaplast.bench.scores import check_lives, scores
from metaplast.bench.trials import trials
from metaplast.learner_loss import LearnerLoss
from metaplast.learners import (
    Bidirectional,
    LearnedFeedback,
    MessagePassing,
    SurrogateBackprop,
)
from metaplast.learners.backprop import Backprop
from metaplast.learners.candidate import fixed
from metaplast.learners.feedback_alignment import feedback_alignment
from metaplast.learners.nearest_class_mean import NearestClassMean
from metaplast.learners.nearest_neighbor import NearestNeighbor
from metaplast.learners.spiking import spiking
from metaplast.lifetime import live
from metaplast.lifetime import test_accuracy as held_out_accuracy
from metaplast.tasks import (
    ClassIncremental,
    DelayedMatch,
    DelayedReward,
    Detection,
    Drifting,
    FewShot,
    InSteps,
    LabelPermutation,
    Mixture,
    Padding,
    PixelNoise,
    RateCode,
    Reinforced,
    arrays,
    digits,
)
from metaplast.tasks.checksum import checksums
from metaplast.tasks.wrapper import AbstractWrapper, answered_of


def test_detection_is_scored_on_whole_pictures():
    task = small_files.detection(20, 7)
    learner = NearestNeighbor(task.inputs, task.classes, 20)
    arena = Arena(task, 0)
    found = scores(learner, arena, 2)["average_precision"]
    episode, key = arena.life(1)
    _, state = live(learner, task, episode, key)
    assert found.shape == (2,) and found[1] > 0
    assert found[1] == pytest.approx(detection_score(learner, state, task).mean)


def test_forgetting_is_scored_where_classes_come_in_stages():
    task = ClassIncremental(Easy(moments=40), 3)
    learner = NearestClassMean(task.inputs, task.classes)
    arena = Arena(task, 0)
    found = scores(learner, arena, 3)
    episode, key = arena.life(2)
    life, state = live(learner, task, episode, key)
    readouts = jax.vmap(lambda x: learner.predict(state, x))(episode.test_stimuli)
    wanted = forgetting(life, episode, readouts, 3)
    assert found["kept"][2] == pytest.approx(wanted.kept) and wanted.kept > 0.2
    assert found["lost"][2] == pytest.approx(wanted.lost)
    assert scores(learner, Arena(Easy(moments=40), 0), 3) == {}  # nothing to add elsewhere


def test_lives_whose_stages_cannot_be_told_are_refused_before_anybody_lives():
    short, long = (Arena(ClassIncremental(Easy(moments=m), 3), 0) for m in (3, 40))
    with pytest.raises(ValueError, match=r"data: life \d has [12] of 3 classes.*longer lives"):
        check_lives(short, 8)
    check_lives(long, 8)
    check_lives(Arena(Easy(moments=3), 0), 8)  # not in stages


def test_forgetting_is_scored_where_the_world_turns():
    """Between the middle and the end, this world turns by half a circle: all signs change."""
    task = Drifting(Easy(moments=60), 2 * math.pi)
    learner = Backprop((task.inputs, task.classes), "sgd", 1.0)
    found = scores(learner, Arena(task, 0), 6)
    still = scores(learner, Arena(Drifting(Easy(moments=60), 0.0), 0), 6)
    assert found["learned"].mean() > 0.6
    assert found["lost"].mean() > 0.3 > still["lost"].mean()
    np.testing.assert_allclose(found["lost"], found["learned"] - found["kept"])


def test_the_middle_of_a_life_is_the_end_of_its_first_half():
    """What was learned by then is what one who lives no longer answers at the end."""
    task = Drifting(Easy(moments=40, inputs=6), math.pi)
    learner = NearestClassMean(task.inputs, task.classes)
    arena = Arena(task, 0)
    found = scores(learner, arena, 2)["learned"][1]
    episode, key = arena.life(1)
    then, _ = arena.beside(dataclasses.replace(task, tested=19 / 39)).life(1)
    np.testing.assert_array_equal(then.stimuli, episode.stimuli)
    assert np.abs(then.test_stimuli - episode.test_stimuli).max() > 0.1
    _, young = live(learner, task, jax.tree.map(lambda part: part[:20], then), key)
    assert found == pytest.approx(held_out_accuracy(learner, young, then)) and found > 0.2


class Comparing(eqx.Module):
    """Keeps the sample of a `DelayedMatch` in mind, and compares the probe: always right."""

    size: int = eqx.field(default=8, static=True)

    def born(self, key):
        return jnp.zeros(self.size)

    def predict(self, state, stimulus):
        alike = 1.0 * (jnp.vdot(state, stimulus[:-1]) > self.size - 0.5)
        due = stimulus[-1] > 0.5
        return jnp.where(due, jnp.array([alike, 1.0 - alike, -1.0]), jnp.array([0.0, 0.0, 1.0]))

    def moment(self, state, stimulus, target, task, key=None):
        sample = jnp.any(jnp.abs(stimulus[:-1]) > 0.5) & (stimulus[-1] < 0.5)
        return jnp.where(sample, stimulus[:-1], state), self.predict(state, stimulus)


def test_held_out_examples_that_hang_on_the_last_moments_are_not_asked_for_half_way():
    """Held-out probes are of the last sample: one that never forgets would seem to gain half."""
    task = Drifting(DelayedMatch(size=8, delay=1, trials=20, held_out=20), 0.0)
    arena = Arena(task, 0)
    assert arena.live([Comparing()], [0]).test == 1.0
    assert scores(Comparing(), arena, 1) == {}
    assert "hang on the last moments" in scored(task).why
    assert scored(task.task) == (None, "")  # nobody would look for a score there


def test_half_of_a_life_is_of_whole_examples():
    task = Drifting(InSteps(Easy(moments=5), 3))
    assert (task.moments, half_of(task), half_of(task.task.task)) == (15, 6, 2)
    learner = NearestClassMean(task.inputs, task.classes)
    arena = Arena(task, 0)
    found = scores(learner, arena, 1)["learned"][0]
    then, key = arena.beside(dataclasses.replace(task, tested=5 / 14)).life(0)
    _, young = live(learner, task, jax.tree.map(lambda part: part[:6], then), key)
    assert found == pytest.approx(float(held_out(learner, young, task, then, key)))


@pytest.mark.parametrize(
    ("wrap", "inner"),
    [
        (Reinforced, ClassIncremental(Easy(moments=40), 3)),
        (lambda task: LabelPermutation(Reinforced(task)), ClassIncremental(Easy(moments=40), 3)),
        (Reinforced, Drifting(Easy(moments=40), math.pi)),
        (Reinforced, small_files.detection(20, 7)),
    ],
    ids=["stages", "stages under other names", "turning", "pictures"],
)
def test_scores_are_taken_through_wrappers_that_leave_them_true(wrap, inner):
    task = wrap(inner)
    assert scored(task).part is inner or scored(task).part == inner
    learner = NearestNeighbor(task.inputs, task.classes, task.moments)
    found = scores(learner, Arena(task, 0), 1)
    assert found.keys() == scores(learner, Arena(inner, 0), 1).keys() != set()
    assert max(values[0] for values in found.values()) > 0


def test_a_wrapped_drift_is_tested_as_it_was_half_way():
    """On lives of the wrapper; a whole turn leads back to where the half-way world was not."""
    inner = Drifting(Easy(moments=60), 2 * math.pi)
    task = Reinforced(inner)
    then = exchanged(task, inner, dataclasses.replace(inner, tested=0.5))
    key = jax.random.key(0)
    now, half = task.sample(key), then.sample(key)
    np.testing.assert_array_equal(now.stimuli, half.stimuli)
    assert np.abs(now.test_stimuli - half.test_stimuli).max() > 0.1
    learner = Backprop((task.inputs, task.classes), "sgd", 1.0)
    assert scores(learner, Arena(task, 0), 6)["lost"].mean() > 0.3


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (
            InSteps(RateCode(ClassIncremental(Easy(moments=40), 3), steps=2), steps=2),
            "no learned, kept and lost of InSteps(RateCode(ClassIncremental))",
        ),
        (PixelNoise(small_files.detection(20, 7), 0.1), "of PixelNoise(Detection): what it shows"),
        (Mixture((Drifting(Easy(moments=40)),)), "of Mixture(Drifting)"),
    ],
    ids=["steps", "noise", "mixture"],
)
def test_a_score_that_a_wrapper_takes_away_is_missed_aloud(task, says):
    found = scored(task)
    assert found.part is None and says in found.why and "compare it unwrapped" in found.why
    assert "\n" not in found.why
    learner = NearestClassMean(task.inputs, task.classes)
    assert scores(learner, Arena(task, 0), 1) == {}


def test_a_comparison_says_which_scores_it_does_not_take():
    learner = NearestClassMean(6, 3)
    for task in (Drifting(Easy(moments=8)), Mixture((Drifting(Easy(moments=8)),))):
        result = bench([("it", learner)], task, lives=1, hidden=(2,), only=True)
        there = bool(result["learners"][0]["scores"])
        assert there == isinstance(task, Drifting) != bool(result["unscored"])


def test_steps_are_answered_in_the_last_and_held_out_ones_lived_in_order():
    task = InSteps(Easy(moments=12), 3)
    learner = NearestClassMean(task.inputs, task.classes)
    arena = Arena(task, 0)
    outcome = arena.live([learner], [0, 1])
    episode, key = arena.life(1)
    life, state = live(learner, task, episode, key)
    assert outcome.correct.shape == (1, 2, 12) and task.moments == 36
    np.testing.assert_array_equal(outcome.correct[0, 1], np.asarray(life.correct)[2::3])
    asked = trials(learner, state, task, episode, key)
    right = np.mean(np.argmax(asked, 1) == episode.test_targets[2::3])
    assert outcome.test[0, 1] == pytest.approx(right)
    assert right != held_out_accuracy(learner, state, episode)  # that of parts on their own


class Waiting(eqx.Module):
    """Says the last class at every moment, whatever it sees."""

    classes: int = eqx.field(static=True)

    def born(self, key):
        return jnp.zeros(0)

    def predict(self, state, stimulus):
        return jax.nn.one_hot(self.classes - 1, self.classes)

    def moment(self, state, stimulus, target, task, key=None):
        task.teach(answer := self.predict(state, stimulus), target)
        return state, answer


class Zero(Waiting):
    """Names class 0."""

    def predict(self, state, stimulus):
        return jax.nn.one_hot(0, self.classes)


class Broken(Waiting):
    """Answers with no number, of which `argmax` makes class 0."""

    def predict(self, state, stimulus):
        return jnp.full(self.classes, jnp.nan)


def test_an_answer_that_is_no_number_is_wrong_whoever_counts():
    task = InSteps(Easy(moments=4, held_out=6, classes=1), 3)  # class 0 is all there is to name
    episode, key = task.sample(jax.random.key(0)), jax.random.key(1)
    sound = [float(held_out(Zero(2), jnp.zeros(0), task, episode, key)),
             float(LearnerLoss(task)(Zero(2), key)[1].accuracy)]  # fmt: skip
    assert sound == [1.0, 1.0]
    assert float(held_out(Broken(2), jnp.zeros(0), task, episode, key)) == 0.0
    loss, score = LearnerLoss(task)(Broken(2), key)
    assert float(score.accuracy) == 0.0 != float(score.exploded)
    # One that exploded answers with a flat readout after its life as well as in it.
    flat = float(LearnerLoss(task, "life")(Broken(2), key)[0])
    np.testing.assert_allclose([loss, flat], np.log(2), rtol=1e-6)
    with pytest.raises(ValueError, match="segment = -3: expected 1 or more moments"):
        LearnerLoss(task, segment=-3)
    assert float(held_out_accuracy(Broken(2), jnp.zeros(0), episode)) == 0.0


STEPS = InSteps(Easy(moments=5, held_out=6), 3)


@pytest.mark.parametrize(
    "task",
    [
        STEPS, Reinforced(STEPS), DelayedReward(STEPS, 2), Drifting(STEPS), PixelNoise(STEPS, 0.1),
        Padding(Reinforced(STEPS), 4), Mixture((STEPS, PixelNoise(STEPS, 0.1))),
        Reinforced(DelayedMatch(4, trials=5, held_out=4)),
    ],
    ids=lambda task: task.name,
)  # fmt: skip
def test_who_waits_for_ever_has_answered_nothing_however_the_task_is_wrapped(task):
    learner = Waiting(task.classes)
    outcome = Arena(task, 0).live([learner], [0, 1])
    assert outcome.correct.shape == (1, 2, 5)
    assert not outcome.correct.any() and not outcome.test.any()
    life, _ = live(learner, task, task.sample(jax.random.key(0)), jax.random.key(1))
    assert float(life.accuracy) > 0.6 and float(accuracy(life, task)) == 0.0
    assert scores(learner, Arena(task, 0), 1).get("kept", np.zeros(1)) == 0.0


def test_a_wrapped_life_is_scored_as_the_bare_one():
    """Wrappers that change nothing: who learns has the same answers, and no fewer of them."""
    learner = NearestClassMean(STEPS.inputs, STEPS.classes)
    bare, wrapped = (held_out_and_online(learner, task) for task in (STEPS, Reinforced(STEPS)))
    np.testing.assert_array_equal(bare[0], wrapped[0])
    assert bare[1] == wrapped[1] and bare[0].any()


def held_out_and_online(learner, task):
    episode = STEPS.sample(jax.random.key(3))
    life, state = live(learner, task, episode, jax.random.key(1))
    kept = float(held_out(learner, state, task, episode, jax.random.key(1)))
    return np.asarray(counted(life.correct, task)), kept


def test_a_task_that_counts_moments_it_has_not_is_refused():
    class Shorter(AbstractWrapper):
        """Leaves out the last example, and forgets to say so of its moments."""

        @property
        def moments(self):
            return self.task.moments - 3

        @property
        def change_name(self):
            return "shorter"

        def change(self, episode, key):
            return episode._replace(stimuli=episode.stimuli[:-3], targets=episode.targets[:-3])

    with pytest.raises(ValueError, match=r"Shorter has answered of shape \(15,\), expected \(12,"):
        answered_of(Shorter(STEPS))
    assert answered_of(Shorter(Easy(moments=5))) is None
    with pytest.raises(ValueError, match="asks for answers at other moments than"):
        Mixture((STEPS, Easy(inputs=3, classes=4, moments=15, held_out=18)))


def test_what_is_stored_is_counted():
    sizes = (6, 5, 3)
    for optimizer, each in (("sgd", 1), ("momentum", 2), ("adam", 3)):
        found = footprint(Backprop(sizes, optimizer), 6, 3)
        assert found.updates == 45 and found.per_synapse == each
    network = footprint(feedback_alignment(6, (5,), 3), 6, 3)
    assert network.updates == 45 and network.per_synapse == 1.0
    assert footprint(NearestNeighbor(6, 3, 40), 6, 3).per_synapse == 40  # grows with the life
    # Of learners that keep more than a weight: what changes, and numbers for each synapse.
    shown, key = spiking(6, (5,), 3, steps=4), jax.random.key(0)
    for learner, updates, each in (
        (SurrogateBackprop(shown.learner), 45, 150 / 45),  # among the 150 a feedback of 15, unused
        (SurrogateBackprop(shown.learner, "sgd"), 45, 60 / 45),
        (MessagePassing(sizes), 53, 3.0), (MessagePassing(sizes, states=4), 53, 5.0),
        (Bidirectional(sizes, 3), 53 + 15, 3.0), (Bidirectional(sizes, symmetric=True), 53, 1.0),
        (LearnedFeedback(sizes, key), 45, 60 / 45),
        (LearnedFeedback(sizes, key, plastic=True), 60, 1.0),
    ):  # fmt: skip
        found = footprint(learner, 6, 3)
        assert (found.updates, found.per_synapse) == (updates, pytest.approx(each))
    taught = footprint(SurrogateBackprop(shown.learner, "sgd"), 6, 3)
    shown = footprint(shown, 6, 3)
    assert shown.updates == 4 * 45 and shown.per_cell > network.per_cell > 0
    assert taught.per_cell == pytest.approx((taught.values - 60) / 14)  # with 5 hidden cells


def test_updates_are_counted_alike_in_a_life_and_in_a_second():
    """Of a stimulus that lasts for several steps, each of them."""

    class Timed(Arena):
        def reset(self):
            super().reset()
            return Stopwatch(living=2.0, lives=6)

    for learner, each in ((spiking(6, (5,), 3, steps=4, pause=0), 180), (Backprop((6, 5, 3)), 45)):
        row = entry(fixed("it", learner), Timed(Easy(moments=3), 0), 2).entry
        assert row["synapse_updates"] == 3 * each
        assert row["synapse_updates_per_second"] == 6 * 3 * each / 2.0


def test_checksums_pass_through_wrappers(tmp_path):
    data = small_files.omniglot(tmp_path)
    from metaplast.tasks import omniglot

    inner = omniglot(20, 7, "all", data)
    assert len(inner.checksum) == 64
    for task in (inner, Drifting(inner), FewShot(inner, 2, 1, 1, "all")):
        assert list(checksums(task).values()) == [inner.checksum]
    boxed = small_files.boxed(tmp_path)
    from metaplast.tasks import boxed_arrays

    found = boxed_arrays(boxed, 2, 4, 12, 7)
    assert isinstance(found, Detection) and len(*checksums(found).values()) == 64
    assert checksums(digits(20)) == {} and jnp.size(digits(20).x_train) > 0


def test_two_files_of_one_name_keep_both_checksums(tmp_path):
    rng, tasks = np.random.default_rng(0), []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        x, y = rng.random((40, 4)).astype(np.float32), np.arange(40) % 2
        np.savez(tmp_path / folder / "x.npz", x_train=x, y_train=y, x_test=x, y_test=y)
        tasks.append(arrays(tmp_path / folder / "x.npz", 10))
    found = checksums(Mixture(tuple(tasks)))
    one, other = (task.checksum for task in tasks)
    name = tasks[0].name
    assert found == {name: one, f"{name}, {other[:8]}": other} and one != other
    assert checksums(Mixture((tasks[0], tasks[0]))) == {name: one}  # the same file twice
