"""The floor: a learner that never learns."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.lifetime import Learner
from metaplast.source import OWN, Source


class Frozen(eqx.Module):
    """Another learner as it was born: it answers, and nothing that happens changes it."""

    source: ClassVar[Source] = OWN
    learner: Learner

    @property
    def synapses(self) -> int:
        """None that change."""
        return 0

    def born(self, key):
        return self.learner.born(key)

    @property
    def noisy(self) -> bool:
        """As the learner inside."""
        return getattr(self.learner, "noisy", False)

    def predict(self, state, stimulus, key=None):
        noise = (key,) if self.noisy else ()
        return self.learner.predict(state, stimulus, *noise)

    def moment(self, state, stimulus, target, task, key=None):
        return state, self.predict(state, stimulus, key)
