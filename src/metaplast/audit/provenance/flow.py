"""What is known of one value: where each element came from, and the value if it is constant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from metaplast.audit.provenance.bits import nothing


class Known:
    """A value that no input can change, computed when somebody asks for it.

    Most constants of a program (zeros to add to, limits to clip at) are never asked for, and
    computing them would cost more than the analysis. The chain of constants behind a loop counter
    can be long, so it is worked off on a list and not by recursion.
    """

    def __init__(self, function: Callable[..., Any], *parents: Known):
        self._function = function
        self._parents = parents
        self._result: Any = None
        self._done = False

    @classmethod
    def of(cls, value: Any) -> Known:
        """A value that is already there."""
        return cls(lambda: value)

    def array(self) -> Any:
        """The value: a NumPy array (or a JAX array of random keys)."""
        pending: list[Known] = [self]
        while pending:
            node = pending[-1]
            waiting = [parent for parent in node._parents if not parent._done]
            if waiting:
                pending.extend(waiting)
                continue
            if not node._done:
                node._result = node._function(*(parent._result for parent in node._parents))
                node._done, node._parents = True, ()
            pending.pop()
        return self._result


class Flow(NamedTuple):
    """One value on its way through a program.

    A value that is known has no places: no input can change it. The converse does not hold.
    """

    bits: np.ndarray
    """Where each element came from, uint64 `[*shape, words]`."""
    value: Known | None = None
    """The value, if it is the same for all inputs."""
    columns: tuple[Flow, ...] = ()
    """What this value was put together from along its last axis, where it was. Lets an index that
    was built from a known and an unknown coordinate be exact in the known one."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.bits.shape[:-1]

    @classmethod
    def constant(cls, value: Any, words: int) -> Flow:
        """A value that came from nowhere."""
        return cls(nothing(np.shape(value), words), Known.of(value))
