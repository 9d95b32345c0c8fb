"""The program that the last run of an experiment needed, compiled while the rest is loaded."""

from __future__ import annotations

import dataclasses
from concurrent.futures import Future

import jax

from metaplast import program
from metaplast.aside import aside
from metaplast.program import Build
from metaplast.shelf import Shelf
from metaplast.spec import Spec


@dataclasses.dataclass(frozen=True)
class Foreseen:
    """A guess which program an experiment will need, and what is compiled on its strength.

    It is never more than a guess: whoever needs a program says its name, which holds all that the
    program depends on (`Shelf.name`), and is given only what was kept under that name.
    """

    shelf: Shelf
    note: str | None
    """Where it is written down which program the experiment needs."""
    name: str | None = None
    """The program that is foreseen."""
    compiling: Future[jax.stages.Compiled] | None = None

    def given(self, name: str | None) -> Build | None:
        """What waits for the program of that name, if it was foreseen; if not, it will be."""
        if name is None:
            return None
        if self.compiling and name == self.name:
            return self.compiling.result
        self.shelf.write(self.note, name.encode())
        return None


def foresee(spec: Spec, shelf: Shelf | None) -> Foreseen | None:
    """Begin to compile what this very experiment needed last time, in another thread.

    The compiler, which by now has it in its own cache, needs no Python, so that modules can be
    loaded and the experiment be built meanwhile. To be called as soon as it is settled what is a
    device.
    """
    if shelf is None:
        return None
    note = shelf.name("foreseen", spec.tables)
    name = (shelf.read(note) or b"").decode() or None
    content = shelf.read(name)
    if content is None:
        return Foreseen(shelf, note)
    return Foreseen(shelf, note, name, aside(program.recalled, content))
