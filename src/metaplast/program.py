"""A program that one process traces, and later ones read: tracing is slow Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax import export

from metaplast import memory
from metaplast.shelf import Shelf
from metaplast.spread import on_every_device

BRIEFLY: dict[str, Any] = {"xla_backend_optimization_level": 1}
"""Options with which a CPU's compiler takes a tenth to a half less time. Programs of small
operations are not slower for it (`docs/lab-notes.md`)."""


class Compiled(NamedTuple):
    """A program that can be called with the arguments that it was traced for."""

    run: jax.stages.Compiled
    returns: Any
    """Structure of what the function returns."""
    bytes: int
    """Working memory, on all devices."""

    def __call__(self, *arguments):
        return jax.tree.unflatten(self.returns, self.run(*jax.tree.leaves(arguments)))


class Program(NamedTuple):
    """A traced program, to be compiled in whichever thread has time for it."""

    lowered: jax.stages.Lowered
    returns: Any
    """Structure of what the function returns."""

    def compiled(self) -> Compiled:
        """The function, compiled for arguments of the very shapes that it was traced for.

        XLA needs no Python while it compiles, so another thread may trace or compile at the same
        time.
        """
        on_cpu = jax.default_backend() == "cpu"
        run = self.lowered.compile(compiler_options=BRIEFLY if on_cpu else None)
        done = Compiled(run, self.returns, memory.used(run))
        memory.fits(
            "the compiled program", done.bytes,
            "give fewer lives at once (meta.width), a smaller population or a shorter horizon",
        )  # fmt: skip
        return done


def traced(
    function: Callable[..., Any],
    arguments: tuple,
    returns: Any,
    shelf: Shelf | None = None,
    about: tuple = (),
) -> Program:
    """Trace a function, or read what an earlier process traced.

    What is read is what was written, operation by operation, so it computes the same bits.

    Args:
        function: of arrays only; what else it depends on is in `about`.
        arguments: what it is called with; only their structure, shapes and types matter.
        returns: any tree of the structure that the function returns.
        shelf: where traced programs are kept; none are kept without.
        about: everything that the function closes over.
    """
    leaves, tree = jax.tree.flatten(arguments)
    # Only their forms, for arrays would bring the devices that they are on into what is traced.
    forms = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
    on_all = on_every_device()

    def flat(*leaves):
        return tuple(jax.tree.leaves(function(*jax.tree.unflatten(tree, leaves))))

    def jitted(function):
        return jax.jit(function, in_shardings=on_all, out_shardings=on_all)

    kept = _kept(jitted(flat), forms, str(tree), shelf, (function.__qualname__, *about))
    whole = jitted(flat if kept is None else kept.call)
    return Program(whole.lower(*forms), jax.tree.structure(returns))


def _kept(flat, forms, tree: str, shelf: Shelf | None, about: tuple) -> export.Exported | None:
    """The portable form of a program; None where it has none, or nobody keeps it."""
    if shelf is None:
        return None
    name = shelf.name("program", tree, [repr(form) for form in forms], jax.device_count(), about)
    if name is None:
        return None
    content = shelf.read(name)
    try:
        if content is not None:
            return export.deserialize(bytearray(content))
        made = export.export(flat)(*forms)
        shelf.write(name, bytes(made.serialize()))
        return made
    except (ValueError, NotImplementedError):
        return None  # callbacks into Python, for one, have no portable form
