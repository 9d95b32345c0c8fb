"""Intensities as spike times: the stronger an input, the earlier its one spike."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.tasks.check import at_least
from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key


class LatencyCode(AbstractWrapper):
    r"""One spike an input: an intensity of $x$ fires in bin
    $\mathrm{round}((1 - x)(\mathrm{steps} - 1))$, and at `silence` or below not at all.

    What lies above 1 fires in the first bin. A stimulus is still one moment: the bins follow
    each other in it, all inputs of the first bin first. `InSteps` makes consecutive
    moments of them, for networks whose cells remember.

    References: Thorpe et al. (2001) doi:10.1016/S0893-6080(01)00083-1.
    """

    steps: int = eqx.field(default=8, static=True)
    """Bins of a stimulus."""
    silence: float = eqx.field(default=0.0, static=True)
    """Intensities up to this one do not fire."""

    def __check_init__(self) -> None:
        at_least("steps", self.steps, 1, "give the number of bins")
        if not 0 <= self.silence < 1:
            raise ValueError(
                f"silence = {self.silence}: expected 0 or more and less than 1; give the intensity "
                "that is too weak to fire"
            )

    @property
    def inputs(self) -> int:
        return self.task.inputs * self.steps

    @property
    def change_name(self) -> str:
        return f"latency code of {self.steps} bins"

    def change(self, episode: Episode, key: Key) -> Episode:
        del key
        return episode._replace(
            stimuli=self._spikes(episode.stimuli), test_stimuli=self._spikes(episode.test_stimuli)
        )

    def _spikes(self, stimuli: Float[Array, "moments inputs"]) -> Float[Array, "moments bins"]:
        first = jnp.round((1.0 - jnp.clip(stimuli, 0.0, 1.0)) * (self.steps - 1))
        now = first[:, None, :] == jnp.arange(self.steps)[:, None]
        spikes = now & (stimuli > self.silence)[:, None, :]
        return spikes.astype(jnp.float32).reshape(-1, self.inputs)
