"""Labels from a random network: a function that a deep learner can represent, new every life."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.source import Source
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.check import at_least
from metaplast.types import Episode, Key


class Teacher(AbstractTask):
    r"""$y = \arg\max_c z_c$ with $z = \mathrm{standardize}(W_2 \tanh(g\, W_1 x))$,
    $x$ Gaussian and, on request, sparse.

    The teacher is born with its episode. Its logits are standardized over the episode's
    own examples, so that no class swallows the others.

    References: Gardner & Derrida (1989) doi:10.1088/0305-4470/22/12/004.
    """

    source: ClassVar[Source] = Source(
        "Gardner and Derrida", 1989,
        "Three unfinished works on the optimal storage capacity of networks",
        "10.1088/0305-4470/22/12/004",
    )  # fmt: skip
    inputs: int = eqx.field(default=64, static=True)
    classes: int = eqx.field(default=10, static=True)
    moments: int = eqx.field(default=300, static=True)
    held_out: int = eqx.field(default=200, static=True)
    hidden: int = eqx.field(default=32, static=True)
    """Cells of the teacher's hidden layer."""
    gain: float = eqx.field(default=1.0, static=True)
    """Standard deviation of a hidden cell's drive: near 0 the teacher is linear."""
    density: float = eqx.field(default=1.0, static=True)
    """Fraction of inputs that are not zero; their variance is 1 / density."""
    name: str = eqx.field(default="teacher", static=True)

    def __check_init__(self) -> None:
        for argument in ("inputs", "classes", "moments", "held_out", "hidden"):
            at_least(argument, getattr(self, argument), 1, "give a larger one")
        if not 0 < self.density <= 1:
            raise ValueError(
                f"density = {self.density}: expected more than 0 and at most 1; give a fraction"
            )
        if not 0 < self.gain < float("inf"):
            raise ValueError(f"gain = {self.gain}: expected a finite positive number; give one")

    def sample(self, key: Key) -> Episode:
        weight_key, stimulus_key, mask_key = jax.random.split(key, 3)
        count = self.moments + self.held_out
        stimuli = jax.random.normal(stimulus_key, (count, self.inputs))
        if self.density < 1:
            active = jax.random.bernoulli(mask_key, self.density, stimuli.shape)
            stimuli = stimuli * active / jnp.sqrt(self.density)
        weights = jax.random.normal(weight_key, (self.hidden, self.inputs + self.classes))
        first = weights[:, : self.inputs] / jnp.sqrt(self.inputs)
        second = weights[:, self.inputs :]
        logits = jnp.tanh(self.gain * stimuli @ first.T) @ second
        # One example alone has no spread: it is left as it is.
        deviation = jnp.std(logits, axis=0)
        logits = (logits - jnp.mean(logits, axis=0)) / jnp.where(deviation > 0, deviation, 1.0)
        targets = jnp.argmax(logits, axis=-1)
        here = self.moments
        return Episode(stimuli[:here], targets[:here], stimuli[here:], targets[here:])
