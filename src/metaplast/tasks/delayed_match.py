"""Delayed match to sample: what was seen must be kept in mind until it is asked for."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from metaplast.source import Source
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.check import at_least
from metaplast.types import Episode, Key

MATCH, OTHER, WAIT = 0, 1, 2


class DelayedMatch(AbstractTask):
    """Trials of one sample, `delay` moments of silence, and one probe: is it the same pattern?

    Patterns are random signs, new in every trial, so nothing but what the cells carry
    from moment to moment tells a match (class 0) from another pattern (class 1); half of the
    probes match. At sample and silence the right answer is to wait (class 2). One more input,
    the last, is 1 at the probe, so a learner without memory can know when to answer; it reaches
    one half at the probes. Of all moments a fraction of (delay + 1) / (delay + 2) is waiting:
    read `life.correct[..., task.answered]` instead of the mean over a life.

    A life ends with a sample and its delay. The held-out examples are probes of this last
    sample, so that answering them without learning takes the memory of it.

    References: Skinner (1950) doi:10.1037/h0054367; Miller et al. (1996)
    doi:10.1523/JNEUROSCI.16-16-05154.1996.
    """

    source: ClassVar[Source] = Source(
        "Miller, Erickson & Desimone", 1996,
        "Neural mechanisms of visual working memory in prefrontal cortex of the macaque",
        "10.1523/JNEUROSCI.16-16-05154.1996",
    )  # fmt: skip
    size: int = eqx.field(default=16, static=True)
    """Inputs that carry the pattern."""
    delay: int = eqx.field(default=1, static=True)
    """Silent moments between sample and probe."""
    trials: int = eqx.field(default=100, static=True)
    held_out: int = eqx.field(default=50, static=True)
    name: str = eqx.field(default="delayed match", static=True)

    def __check_init__(self) -> None:
        for argument in ("size", "trials", "held_out"):
            at_least(argument, getattr(self, argument), 1, "give a larger one")
        at_least("delay", self.delay, 0, "give the number of silent moments")

    @property
    def inputs(self) -> int:
        return self.size + 1

    @property
    def classes(self) -> int:
        return 3

    @property
    def moments(self) -> int:
        """All trials, then a sample and its delay."""
        return (self.trials + 1) * (self.delay + 2) - 1

    @property
    def ordered(self) -> bool:
        return True

    @property
    def answered(self) -> Bool[np.ndarray, " moments"]:
        """Which moments are probes."""
        return np.arange(self.moments) % (self.delay + 2) == self.delay + 1

    def sample(self, key: Key) -> Episode:
        sample_key, other_key, which_key, test_key = jax.random.split(key, 4)
        samples = self._patterns(sample_key, self.trials + 1)
        probes = jnp.concatenate([samples[:-1], jnp.tile(samples[-1], (self.held_out, 1))])
        which = jnp.concatenate([
            jax.random.randint(which_key, (self.trials,), MATCH, WAIT),
            # As even as can be, so that chance is one half in every episode.
            jax.random.permutation(test_key, jnp.arange(self.held_out) % 2),
        ])  # fmt: skip
        others = self._others(other_key, probes)
        probes = jnp.where(which[:, None] == MATCH, probes, others)
        probes = jnp.pad(probes, ((0, 0), (0, 1)), constant_values=1.0)
        trials = jnp.zeros((self.trials + 1, self.delay + 2, self.inputs))
        trials = trials.at[:, 0, :-1].set(samples).at[:-1, -1].set(probes[: self.trials])
        targets = jnp.full((self.trials + 1, self.delay + 2), WAIT)
        targets = targets.at[:-1, -1].set(which[: self.trials])
        return Episode(
            trials.reshape(-1, self.inputs)[: self.moments],
            targets.reshape(-1)[: self.moments],
            probes[self.trials :],
            which[self.trials :],
        )

    def _others(self, key: Key, samples: Float[Array, "count size"]) -> Float[Array, "count size"]:
        """Another pattern than each sample: where the same was drawn, one element is flipped."""
        others = self._patterns(key, len(samples))
        where = jax.random.randint(jax.random.fold_in(key, 1), (len(samples),), 0, self.size)
        flipped = others * (1.0 - 2.0 * jax.nn.one_hot(where, self.size))
        same = jnp.all(others == samples, axis=1, keepdims=True)
        return jnp.where(same, flipped, others)

    def _patterns(self, key: Key, count: int) -> Float[Array, "count size"]:
        return jax.random.rademacher(key, (count, self.size), jnp.float32)
