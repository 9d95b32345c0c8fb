"""A program that one process traces, and later ones read: tracing is slow Python."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax import export

from metaplast import memory
from metaplast.shelf import Shelf
from metaplast.spread import on_every_device

Build = Callable[[], jax.stages.Compiled]
"""Compiles a program, or waits until it is compiled."""
Given = Callable[[str | None], Build | None]
"""What is being compiled already, by the name that it has on a shelf."""
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

    build: Build
    returns: Any
    """Structure of what the function returns."""

    def compiled(self) -> Compiled:
        """The function, compiled for arguments of the very shapes that it was traced for.

        XLA needs no Python while it compiles, so another thread may trace or compile at the same
        time.
        """
        run = self.build()
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
    given: Given | None = None,
) -> Program:
    """Trace a function, or read what an earlier process traced.

    What is read is what was written, operation by operation, so it computes the same bits.

    Args:
        function: of arrays only; what else it depends on is in `about`.
        arguments: what it is called with; only their structure, shapes and types matter.
        returns: any tree of the structure that the function returns.
        shelf: where traced programs are kept; none are kept without.
        about: everything that the function closes over.
        given: what is being compiled already, in case it is this.
    """
    leaves, tree = jax.tree.flatten(arguments)
    # Only their forms, for arrays would bring the devices that they are on into what is traced.
    forms = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]

    def flat(*leaves):
        return tuple(jax.tree.leaves(function(*jax.tree.unflatten(tree, leaves))))

    name = None
    if shelf:
        shapes = [repr(form) for form in forms]
        about = (function.__qualname__, *about)
        name = shelf.name("program", str(tree), shapes, jax.device_count(), about)
    build = given(name) if given else None
    if build is None:
        kept = _kept(flat, forms, shelf, name)
        build = functools.partial(_compiled, _lowered(flat if kept is None else kept.call, forms))
    return Program(build, jax.tree.structure(returns))


def recalled(content: bytes) -> jax.stages.Compiled:
    """Compile what `traced` has kept on a shelf."""
    kept = export.deserialize(bytearray(content))
    forms = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in kept.in_avals]
    return _compiled(_lowered(kept.call, forms))


def _kept(flat, forms, shelf: Shelf | None, name: str | None) -> export.Exported | None:
    """The portable form of a program; None where it has none, or nobody keeps it."""
    if shelf is None or name is None:
        return None
    content = shelf.read(name)
    try:
        if content is not None:
            return export.deserialize(bytearray(content))
        made = export.export(_jitted(flat))(*forms)
        shelf.write(name, bytes(made.serialize()))
        return made
    except (ValueError, NotImplementedError):
        return None  # callbacks into Python, for one, have no portable form


def _jitted(function):
    on_all = on_every_device()
    return jax.jit(function, in_shardings=on_all, out_shardings=on_all)


def _lowered(function, forms) -> jax.stages.Lowered:
    return _jitted(function).lower(*forms)


def _compiled(lowered: jax.stages.Lowered) -> jax.stages.Compiled:
    on_cpu = jax.default_backend() == "cpu"
    return lowered.compile(compiler_options=BRIEFLY if on_cpu else None)
