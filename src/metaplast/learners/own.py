"""A learner of the user's own in a comparison: `metaplast bench my_parts.py:MyLearner`."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from metaplast import own_code, own_source
from metaplast.learners.candidate import Candidate, Variant, fixed

if TYPE_CHECKING:
    from metaplast.learners.registry import Shape

METHODS = ("born", "moment", "predict")
SIZES = ("inputs", "hidden", "classes", "moments")


def candidate(name: str, shape: Shape) -> Candidate:
    """The row of a class or function of the user's.

    It is called with whichever of `inputs`, `hidden`, `classes` and `moments` it takes, and makes
    a learner, which lives as it is; or a `Candidate`, whose grids are tuned as those of rivals are.

    Args:
        name: `FILE.py:Name` or `module:Name`.
        shape: what it is built for.

    Raises:
        ValueError: no such thing, one that fails, or one that makes something else; one line.
    """
    where = f"learner = {name!r}"
    try:
        maker = own_code.load(name)
    except own_code.CodeError as fault:
        raise ValueError(f"{where}: {fault}") from fault
    made = maker if isinstance(maker, Candidate) else _made(maker, where, shape)
    row = own_source.short(name)
    if isinstance(made, Candidate):
        for variant in made.variants:
            _check_lives(_started(variant, where), where, shape)
        return dataclasses.replace(made, name=row)
    if not all(callable(getattr(made, method, None)) for method in METHODS):
        raise ValueError(
            f"{where}: makes a {type(made).__name__}, expected a learner, which has "
            f"{', '.join(METHODS)}, or a Candidate (metaplast.learners.candidate)"
        )
    _check_lives(made, where, shape)
    return fixed(row, made)


def _started(variant: Variant, where: str) -> Any:
    """The learner of a variant, at the first point of its grid."""
    try:
        return variant.build(variant.grid.start if variant.grid else 0.0)
    except Exception as fault:
        raise ValueError(f"{where}: {own_code.told(fault)}{own_code.line(fault)}") from fault


def _check_lives(learner: Any, where: str, shape: Shape) -> None:
    """Trace a birth, a moment and an answer, before others are tuned for it.

    Raises:
        ValueError: they cannot be traced, or do not give what a life takes; one line.
    """
    import jax
    import jax.numpy as jnp

    from metaplast.tasks import Teacher

    task = Teacher(shape.inputs, shape.classes, shape.moments, held_out=1)

    def lived(key):
        stimulus, target = jnp.zeros(shape.inputs), jnp.zeros((), int)
        state = learner.born(key)
        after, readout = learner.moment(state, stimulus, target, task, key)
        return state, after, readout, learner.predict(after, stimulus)

    try:
        state, after, readout, answer = jax.eval_shape(lived, jax.random.key(0))
    except Exception as fault:
        raise ValueError(f"{where}: {own_code.told(fault)}{own_code.line(fault)}") from fault
    if (now := own_code.form(after)) != (was := own_code.form(state)):
        raise ValueError(
            f"{where}: its state is {now} after a moment, expected what it is at birth, {was}; "
            "keep shapes and types"
        )
    for method, found in (("moment", readout), ("predict", answer)):
        if getattr(found, "shape", None) != (shape.classes,):
            raise ValueError(
                f"{where}: its readout of {method} has shape {getattr(found, 'shape', None)}, "
                f"expected {(shape.classes,)}, a number for each class"
            )


def _made(maker: Any, where: str, shape: Shape) -> Any:
    wanted = f"expected a class or function of any of {', '.join(SIZES)}"
    if not callable(maker):
        raise ValueError(f"{where}: of type {type(maker).__name__}, {wanted}")
    parameters = inspect.signature(maker).parameters.values()
    asked = {p.name: getattr(shape, p.name) for p in parameters if p.name in SIZES}
    many = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    others = [p for p in parameters if p.name not in SIZES and p.kind not in many]
    missing = [p.name for p in others if p.default is p.empty]
    if missing:
        raise ValueError(f"{where}: needs {', '.join(missing)}, {wanted}; give others a default")
    try:
        return maker(**asked)
    except Exception as fault:
        raise ValueError(f"{where}: {own_code.told(fault)}{own_code.line(fault)}") from fault
