"""Spike codes keep what they should of an intensity, and steps show it in order."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.bench import trials
from metaplast.lifetime import live
from metaplast.tasks import Clusters, Dataset, InSteps, LatencyCode, RateCode
from metaplast.tasks.events import frames

X = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)


def inner(moments: int = 3) -> Dataset:
    return Dataset(X, np.arange(3), X, np.arange(3), moments=moments, held_out=3)


def by_class(episode, inputs):
    """Stimuli of life `[moments, bins, inputs]` and their targets."""
    stimuli = np.asarray(episode.stimuli)
    return stimuli.reshape(len(stimuli), -1, inputs), np.asarray(episode.targets)


def test_a_rate_code_fires_as_often_as_the_intensity_says():
    task = RateCode(inner(), steps=2000, peak=0.5)
    spikes, y = by_class(task.sample(jax.random.key(0)), 4)
    assert set(np.unique(spikes)) == {0.0, 1.0}
    np.testing.assert_allclose(spikes.mean(axis=1), 0.5 * X[y], atol=0.05)
    # Bins are independent: nothing is left of one in the next.
    a, b = spikes[:, :-1], spikes[:, 1:]
    together = (a * b).mean(axis=1)
    np.testing.assert_allclose(together, (0.5 * X[y]) ** 2, atol=0.05)
    outside = Dataset(4 * X - 2, np.arange(3), X, np.arange(3), moments=3, held_out=3)
    spikes, y = by_class(RateCode(outside, 400).sample(jax.random.key(0)), 4)
    np.testing.assert_allclose(spikes.mean(axis=1), np.clip(4 * X - 2, 0, 1)[y], atol=0.1)


def test_a_latency_code_fires_once_and_can_be_read_back():
    task = LatencyCode(inner(), steps=41)
    spikes, y = by_class(task.sample(jax.random.key(0)), 4)
    count = spikes.sum(axis=1)
    np.testing.assert_array_equal(count, (X[y] > 0) * 1.0)  # silence where there is nothing
    read = 1 - np.argmax(spikes, axis=1) / 40
    np.testing.assert_allclose(read[X[y] > 0], X[y][X[y] > 0], atol=0.5 / 40 + 1e-6)
    assert spikes[y == 2][0, 0, 3] == 1.0  # the brightest comes first
    dim = LatencyCode(inner(), steps=41, silence=0.5)
    spikes, y = by_class(dim.sample(jax.random.key(0)), 4)
    np.testing.assert_array_equal(spikes.sum(axis=1), (X[y] > 0.5) * 1.0)


def test_steps_cut_a_stimulus_in_the_order_of_its_bins():
    wide = Dataset(X, np.arange(3), X, np.arange(3), moments=3, held_out=3)
    whole = wide.sample(jax.random.split(jax.random.key(5))[0])
    cut = InSteps(wide, 2).sample(jax.random.key(5))
    np.testing.assert_array_equal(np.asarray(cut.stimuli)[:, :2].reshape(3, 4), whole.stimuli)
    np.testing.assert_array_equal(cut.stimuli[:, 2], [0, 1] * 3)  # when the answer is due
    np.testing.assert_array_equal(cut.targets[1::2], whole.targets)
    np.testing.assert_array_equal(cut.targets[::2], 3)
    np.testing.assert_array_equal(InSteps(wide, 2).answered, [False, True] * 3)
    np.testing.assert_array_equal(cut.test_targets[1::2], whole.test_targets)
    every = InSteps(wide, 2, "every")
    assert (every.inputs, every.classes, every.moments, every.held_out) == (2, 3, 6, 6)
    np.testing.assert_array_equal(
        every.sample(jax.random.key(5)).targets, np.repeat(whole.targets, 2)
    )


class Repeating(eqx.Module):
    """Answers what it was told last, without looking."""

    classes: int = eqx.field(static=True)

    def born(self, key):
        return jnp.zeros(self.classes)

    def predict(self, state, stimulus):
        return state

    def moment(self, state, stimulus, target, task, key=None):
        return task.teach(state, target).signal, state


def test_asked_in_the_last_step_repeating_is_worth_nothing():
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    task = Dataset(x, np.arange(60) % 3, x, np.arange(60) % 3, moments=60, held_out=3)
    for asked, least, most in (("every", 0.7, 0.9), ("last", 0.0, 0.0)):
        steps = InSteps(task, 4, asked)
        learner = Repeating(steps.classes)
        life, _ = live(learner, steps, steps.sample(jax.random.key(0)), jax.random.key(1))
        assert least <= life.correct[steps.answered].mean() <= most, asked


class Summing(eqx.Module):
    """Adds up what it sees of an example, and names the largest sum: a cell that remembers."""

    forgets: bool = eqx.field(static=True)

    def born(self, key):
        return jnp.zeros(3)

    def predict(self, state, stimulus):
        return state + stimulus[:3]

    def moment(self, state, stimulus, target, task, key=None):
        summed = self.predict(state, stimulus)
        over = (stimulus[-1] > 0) | self.forgets
        answer = jnp.append(summed, jnp.where(stimulus[-1] > 0, -1.0, 1e3))
        return jnp.where(over, 0.0, summed), answer


def test_held_out_examples_are_lived_in_order():
    x = np.random.default_rng(0).uniform(size=(40, 3)).astype(np.float32)
    y = x.argmax(axis=1)
    task = InSteps(RateCode(Dataset(x, y, x, y, moments=5, held_out=40, classes=3), 64), 64)
    episode = task.sample(jax.random.key(0))

    def accuracy(forgets):
        learner = Summing(forgets)
        found = trials(learner, learner.born(None), task, episode, jax.random.key(0))
        return np.mean(np.argmax(found, axis=1) == episode.test_targets[task.steps - 1 :: 64])

    assert accuracy(forgets=False) > 0.75
    assert accuracy(forgets=True) < 0.65  # the control sees the last bin alone
    with pytest.raises(ValueError, match="asked = 'every' tells the class"):
        trials(Summing(False), None, InSteps(task.task, 64, "every"), episode, jax.random.key(0))


def test_events_are_counted_where_and_when_they_were():
    x, y, t, p = np.array([0, 1, 1, 1]), np.array([0, 2, 2, 0]), [5.0, 5.5, 7.5, 9.0], [1, 0, 0, -1]
    found = frames(x, y, np.array(t), np.array(p), (3, 2), 2)
    assert found.shape == (2, 2, 3, 2) and found.sum() == 4
    assert found[0, 1, 0, 0] == found[0, 0, 2, 1] == found[1, 0, 2, 1] == found[1, 0, 0, 1] == 1
    np.testing.assert_array_equal(
        frames(x, y, np.array(t), np.array(p), (3, 2), 1)[0], found.sum(0)
    )
    assert frames(x[:0], y[:0], x[:0], x[:0], (3, 2), 2).sum() == 0
    with pytest.raises(ValueError, match="expected 0 to less than 1 and 3"):
        frames(x, y, np.array(t), np.array(p), (3, 1), 2)
    with pytest.raises(ValueError, match="4, 4, 3, 4 events"):
        frames(x, y, np.array(t[:3]), np.array(p), (3, 2), 2)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: RateCode(inner(), 0), "steps = 0"),
        (lambda: RateCode(inner(), 2, 0.0), "peak = 0.0"),
        (lambda: LatencyCode(inner(), 2, 1.0), "silence = 1.0"),
        (lambda: InSteps(Clusters(inputs=20), 3), "steps = 3: clusters has 20 inputs"),
    ],
)
def test_impossible_codes_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
