"""Paired associates: arbitrary cues, arbitrary answers, and a memory that can be filled."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.source import Source
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.check import at_least
from metaplast.tasks.dataset import in_passes
from metaplast.types import Episode, Key


class PairedAssociates(AbstractTask):
    """`pairs` random cues of +1 and -1, each with a random answer, new in every life; studied
    list after list, each list in another order, and recalled from the cues at the end.

    Nothing but memory helps: cues of one answer have nothing in common. A linear readout can
    hold about two pairs for each input (Cover 1965), so the load is `pairs / inputs`.
    `flips` of a cue's elements change sign at every presentation, at the end too.

    References: Calkins (1896), Association; Cover (1965) doi:10.1109/PGEC.1965.264137.
    """

    source: ClassVar[Source] = Source(
        "Calkins", 1896, "Association: an essay analytic and experimental"
    )  # fmt: skip
    inputs: int = eqx.field(default=64, static=True)
    classes: int = eqx.field(default=10, static=True)
    """Different answers."""
    moments: int = eqx.field(default=200, static=True)
    pairs: int = eqx.field(default=50, static=True)
    held_out: int = eqx.field(default=50, static=True)
    """Cues asked at the end, all different where they are not more than `pairs`."""
    flips: float = eqx.field(default=0.0, static=True)
    """Chance of each element of a presented cue to have the wrong sign."""
    name: str = eqx.field(default="paired associates", static=True)

    def __check_init__(self) -> None:
        for argument in ("inputs", "classes", "moments", "pairs", "held_out"):
            at_least(argument, getattr(self, argument), 1, "give a larger one")
        if not 0 <= self.flips <= 0.5:
            raise ValueError(
                f"flips = {self.flips}: expected 0 to 0.5, at which a cue says nothing; give less"
            )

    def sample(self, key: Key) -> Episode:
        cue_key, answer_key, life_key, test_key, flip_key = jax.random.split(key, 5)
        cues = jax.random.rademacher(cue_key, (self.pairs, self.inputs), jnp.float32)
        answers = jax.random.randint(answer_key, (self.pairs,), 0, self.classes)
        life = in_passes(self.pairs, self.moments, life_key)
        asked = in_passes(self.pairs, self.held_out, test_key)
        shown = jnp.concatenate([life, asked])
        flipped = jax.random.bernoulli(flip_key, self.flips, (len(shown), self.inputs))
        stimuli = jnp.where(flipped, -cues[shown], cues[shown])
        here = self.moments
        return Episode(stimuli[:here], answers[life], stimuli[here:], answers[asked])
