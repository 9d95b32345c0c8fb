"""Intensities as spike counts: each input fires at random, more often where it is stronger."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.tasks.check import at_least
from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key


class RateCode(AbstractWrapper):
    """Spikes in {0, 1}, independent in each of `steps` bins, with the intensity for a chance.

    An intensity of 1 fires with the chance `peak` in each bin; what lies outside of 0 to 1 is
    clipped, so scale the inner task to it. A stimulus is still one moment: the bins
    follow each other in it, all inputs of the first bin first. `InSteps` makes consecutive
    moments of them, for networks whose cells remember.

    References: Adrian & Zotterman (1926) doi:10.1113/jphysiol.1926.sp002281.
    """

    steps: int = eqx.field(default=8, static=True)
    """Bins of a stimulus."""
    peak: float = eqx.field(default=1.0, static=True)
    """Chance of a spike in one bin at an intensity of 1."""

    def __check_init__(self) -> None:
        at_least("steps", self.steps, 1, "give the number of bins")
        if not 0 < self.peak <= 1:
            raise ValueError(
                f"peak = {self.peak}: expected more than 0 and at most 1; give the chance of a "
                "spike in a bin at full intensity"
            )

    @property
    def inputs(self) -> int:
        return self.task.inputs * self.steps

    @property
    def change_name(self) -> str:
        return f"rate code of {self.steps} bins"

    def change(self, episode: Episode, key: Key) -> Episode:
        stimuli = jnp.concatenate([episode.stimuli, episode.test_stimuli])
        chance = self.peak * jnp.clip(stimuli, 0.0, 1.0)[:, None, :]
        shape = (stimuli.shape[0], self.steps, self.task.inputs)
        spikes = jax.random.bernoulli(key, chance, shape).astype(jnp.float32)
        spikes = spikes.reshape(-1, self.inputs)
        return episode._replace(stimuli=spikes[: self.moments], test_stimuli=spikes[self.moments :])
