"""Intensities as cells that prefer light, and cells that prefer dark."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key


class OnOff(AbstractWrapper):
    r"""Every intensity $x$ twice: as $\mathrm{peak}\,x$, and behind all of these as
    $\mathrm{peak}\,(1 - x)$.

    What lies outside of 0 to 1 is clipped. Nothing is negative, and the sum over inputs is the same
    for all stimuli; so synapses that can only excite prefer whatever signed ones would.

    References: Kuffler (1953) doi:10.1152/jn.1953.16.1.37.
    """

    peak: float = eqx.field(default=1.0, static=True)
    """What becomes of an intensity of 1; for cells that integrate and fire, spikes per moment."""

    def __check_init__(self) -> None:
        if not 0 < self.peak < float("inf"):
            raise ValueError(f"peak = {self.peak}: expected a finite positive number; give 1.0")

    @property
    def inputs(self) -> int:
        return 2 * self.task.inputs

    @property
    def change_name(self) -> str:
        return "on and off"

    def change(self, episode: Episode, key: Key) -> Episode:
        del key
        return episode._replace(
            stimuli=self._both(episode.stimuli), test_stimuli=self._both(episode.test_stimuli)
        )

    def _both(self, stimuli: Float[Array, "moments inputs"]) -> Float[Array, "moments twice"]:
        on = jnp.clip(stimuli, 0.0, 1.0)
        return self.peak * jnp.concatenate([on, 1.0 - on], axis=-1)
