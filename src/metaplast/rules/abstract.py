"""The contract of a plasticity rule: the chemistry of ONE synapse."""

from __future__ import annotations

import abc
from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from metaplast.source import Source
from metaplast.types import State, Synapse


class AbstractRule(eqx.Module):
    """What one synapse does, from what that synapse can sense.

    The network maps the rule over `[post, pre]`; what a rule is not given it cannot
    read, so synaptic locality holds by construction.
    """

    source: ClassVar[Source]

    def init(self) -> State:
        """Memory of a newborn synapse: a PyTree of scalars or short vectors."""
        return ()

    @abc.abstractmethod
    def __call__(self, synapse: Synapse, memory: State) -> tuple[Float[Array, ""], State]:
        """Return the change of weight at this moment, and the new memory."""
