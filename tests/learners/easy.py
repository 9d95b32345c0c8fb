"""A small problem that every learner but a frozen one can solve."""

from __future__ import annotations

import equinox as eqx
import jax

from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Episode


class Easy(AbstractTask):
    """Well separated Gaussian blobs, new ones in every life."""

    inputs: int = eqx.field(default=6, static=True)
    classes: int = eqx.field(default=3, static=True)
    moments: int = eqx.field(default=20, static=True)
    noise: float = eqx.field(default=0.3, static=True)
    held_out: int = eqx.field(default=12, static=True)
    name: str = eqx.field(default="easy", static=True)

    def sample(self, key):
        center_key, label_key, noise_key = jax.random.split(key, 3)
        centers = jax.random.normal(center_key, (self.classes, self.inputs))
        count = self.moments + self.held_out
        targets = jax.random.randint(label_key, (count,), 0, self.classes)
        stimuli = centers[targets] + self.noise * jax.random.normal(noise_key, (count, self.inputs))
        m = self.moments
        return Episode(stimuli[:m], targets[:m], stimuli[m:], targets[m:])
