"""Learners by name: what each row of a comparison is, and which numbers it may tune.

Importing this file loads no JAX; `build` does.
"""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from metaplast.learners.candidate import Candidate, Grid, Variant, fixed
from metaplast.own_source import reference


class Shape(NamedTuple):
    """What a learner is built for."""

    inputs: int
    hidden: tuple[int, ...]
    classes: int
    moments: int


NONLINEARITIES = ("tanh", "relu")
STIMULI = ("raw", "standardized")
"""Every rival may meet its stimuli either way, for found rules may normalize on their own."""
RATES = {
    "sgd": Grid("rate", 2.0**-9, 4.0, 5),
    "momentum": Grid("rate", 2.0**-12, 4.0, 5),
    "adam": Grid("rate", 2.0**-12, 4.0, 5),
    "delta": Grid("rate", 2.0**-9, 4.0, 5),
    "noisy": Grid("rate", 2.0**-13, 4.0, 5),
}


def build(name: str, inputs: int, hidden, classes: int, moments: int) -> list[Candidate]:
    """The rows that a name stands for.

    Args:
        name: one of `NAMES`; or a found rule: a name that starts with `zoo/`, a run
            folder, or the file of a rule; or one of the user's own, `FILE.py:Name` (`own`).
        inputs, hidden, classes: sizes of the networks.
        moments: length of the life, for learners that must know it.

    Raises:
        ValueError: for an unknown name, with near misses; for a learner of the user's that
            cannot be used.
    """
    shape = Shape(inputs, tuple(hidden), classes, moments)
    if name in ROWS:
        return [ROWS[name](shape)]
    if name in EXPANDED:
        return [ROWS[row](shape) for row in EXPANDED[name]]
    if in_file(name):
        from metaplast import store

        found = store.load(name)
        if shape.hidden and not found.spec.hidden:
            raise ValueError(
                f"learner = {name!r}: a rule of a network without hidden layers, and hidden = "
                f"{list(shape.hidden)}; compare it without any (--hidden '')"
            )
        learner = found.learner(inputs, shape.hidden, classes)
        return [fixed(found.name, learner, found=found.searched)]
    if reference(name):
        from metaplast.learners import own

        return [own.candidate(name, shape)]
    raise ValueError(unknown(name))


def in_file(name: str) -> bool:
    """Whether a name is that of a found rule: one that ships, a run folder, or the file of one."""
    return name not in NAMES and (name.startswith("zoo/") or Path(name).exists())


def unknown(name: str) -> str:
    """One line for a name that is neither a learner nor a path."""
    near = difflib.get_close_matches(name, NAMES, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(NAMES)}"
    return (
        f"learner = {name!r}: no learner and no file or folder of that name; {hint} "
        '(one of your own is "FILE.py:Name")'
    )


def _backprop(optimizer: str, shortcut: bool = False) -> Callable[[Shape], Candidate]:
    def row(shape: Shape) -> Candidate:
        name = "backprop_shortcut" if shortcut else f"backprop_{optimizer}"
        return Candidate(name, _backprop_variants(shape, optimizer, shortcut))

    return row


def _backprop_variants(shape: Shape, optimizer: str, shortcut: bool) -> tuple[Variant, ...]:
    from metaplast.learners.backprop import Backprop

    sizes = (shape.inputs, *shape.hidden, shape.classes)
    return tuple(
        Variant(
            {"optimizer": optimizer, "nonlinearity": phi, "stimuli": stimuli},
            lambda rate, phi=phi, stimuli=stimuli: _meeting(
                stimuli, shape, Backprop(sizes, optimizer, rate, phi, shortcut)
            ),
            RATES[optimizer],
        )
        for phi in NONLINEARITIES
        for stimuli in STIMULI
    )


def _meeting(stimuli: str, shape: Shape, learner):
    """A learner that meets raw or standardized stimuli; both have the same structure."""
    from metaplast.learners.standardized import Standardized

    return Standardized(learner, shape.inputs, float(stimuli == "standardized"))


def _shortcut(shape: Shape) -> Candidate:
    variants = (_backprop_variants(shape, optimizer, True) for optimizer in ("sgd", "adam"))
    return Candidate("backprop_shortcut", tuple(v for group in variants for v in group))


def _plastic(name: str) -> Callable[[Shape], Candidate]:
    def row(shape: Shape) -> Candidate:
        from metaplast.learners import feedback_alignment as networks

        network = getattr(networks, name)
        return Candidate(name, tuple(
            Variant(
                {"nonlinearity": phi, "stimuli": stimuli},
                lambda rate, phi=phi, stimuli=stimuli: _meeting(
                    stimuli, shape, network(shape.inputs, shape.hidden, shape.classes, rate, phi)
                ),
                RATES["delta"],
            )
            for phi in NONLINEARITIES
            for stimuli in STIMULI
        ))  # fmt: skip

    return row


def _taught(
    name: str,
    options: tuple[dict[str, Any], ...] = ({},),
    nonlinearities: tuple[str, ...] = NONLINEARITIES,
    grid: Grid = RATES["delta"],
    file: str | None = None,
) -> Callable[[Shape], Candidate]:
    """The class or function `name`, which teaches a perceptron, with each of the options; from the
    file of that name, where none is given."""

    def row(shape: Shape) -> Candidate:
        from metaplast.learners.perceptron import Perceptron

        home = importlib.import_module(f"metaplast.learners.{file or name}")
        class_name = "".join(word.capitalize() for word in name.split("_"))
        learner = getattr(home, class_name, None) or getattr(home, name)
        sizes = (shape.inputs, *shape.hidden, shape.classes)

        def build(rate: float, phi: str, stimuli: str, option: dict[str, Any]):
            return _meeting(stimuli, shape, learner(Perceptron(sizes, phi), rate, **option))

        return Candidate(name, tuple(
            Variant(
                {"nonlinearity": phi, **{k: str(v) for k, v in option.items()}, "stimuli": stimuli},
                functools.partial(build, phi=phi, stimuli=stimuli, option=option),
                grid,
            )
            for phi in nonlinearities
            for option in options
            for stimuli in STIMULI
        ))  # fmt: skip

    return row


def _forward_forward(shape: Shape) -> Candidate:
    from metaplast.learners.forward_forward import ForwardForward

    def learner(rate: float, loudness: float) -> ForwardForward:
        return ForwardForward(shape.inputs, shape.hidden, shape.classes, rate, loudness)

    variants = (
        _either_way(
            shape,
            functools.partial(learner, loudness=loudness),
            RATES["noisy"],
            {"loudness": str(loudness)},
        )
        for loudness in (1.0, 4.0)
    )
    return Candidate("forward_forward", tuple(v for group in variants for v in group))


def _spiking_eprop(shape: Shape) -> Candidate:
    import jax.numpy as jnp

    from metaplast.learners.spiking import spiking

    def learner(rate: float, encoding):
        leaf = jnp.asarray(rate)  # so that all rates run under one compilation
        return spiking(shape.inputs, shape.hidden, shape.classes, leaf, leaf, encoding=encoding)

    variants = (
        Variant(
            {"encoding": encoding}, functools.partial(learner, encoding=encoding), RATES["noisy"]
        )
        for encoding in ("current", "rate")
    )
    return Candidate("spiking_eprop", tuple(variants))


def _frozen(shape: Shape) -> Candidate:
    from metaplast.learners.backprop import Backprop
    from metaplast.learners.frozen import Frozen

    return fixed("frozen", Frozen(Backprop((shape.inputs, *shape.hidden, shape.classes))))


def _nearest_class_mean(shape: Shape) -> Candidate:
    from metaplast.learners.nearest_class_mean import NearestClassMean

    learner = NearestClassMean(shape.inputs, shape.classes)
    return Candidate("nearest_class_mean", _either_way(shape, lambda _: learner))


def _nearest_neighbor(shape: Shape) -> Candidate:
    from metaplast.learners.nearest_neighbor import NearestNeighbor

    learner = NearestNeighbor(shape.inputs, shape.classes, shape.moments)
    return Candidate("nearest_neighbor", _either_way(shape, lambda _: learner))


def _recursive_least_squares(shape: Shape) -> Candidate:
    from metaplast.learners.recursive_least_squares import RecursiveLeastSquares

    def learner(ridge: float, bias: float = 1.0) -> RecursiveLeastSquares:
        return RecursiveLeastSquares(shape.inputs, shape.classes, ridge, bias)

    ridges = Grid("ridge", 1e-3 * shape.inputs, 10.0, 5)
    with_bias = _either_way(shape, learner, ridges, {"bias": "1"})
    # What is not centered needs its bias.
    without = _either_way(shape, lambda r: learner(r, 0.0), ridges, {"bias": "0"}, STIMULI[1:])
    return Candidate("recursive_least_squares", with_bias + without)


def _either_way(
    shape: Shape,
    learner: Callable,
    grid: Grid | None = None,
    settings: dict[str, str] | None = None,
    choices: tuple[str, ...] = STIMULI,
) -> tuple[Variant, ...]:
    """One variant for each way to meet the stimuli."""
    return tuple(
        Variant(
            {**(settings or {}), "stimuli": stimuli},
            lambda value, stimuli=stimuli: _meeting(stimuli, shape, learner(value)),
            grid,
        )
        for stimuli in choices
    )


ROWS: dict[str, Callable[[Shape], Candidate]] = {
    "backprop_sgd": _backprop("sgd"),
    "backprop_momentum": _backprop("momentum"),
    "backprop_adam": _backprop("adam"),
    "backprop_shortcut": _shortcut,
    "feedback_alignment": _plastic("feedback_alignment"),
    "direct_feedback_alignment": _plastic("direct_feedback_alignment"),
    "readout_only": _plastic("readout_only"),
    "sign_symmetric": _taught(
        "sign_symmetric", ({"magnitudes": "uniform"}, {"magnitudes": "batch_random"})
    ),
    "kolen_pollack": _taught("kolen_pollack", ({"decay": 0.001}, {"decay": 0.01})),
    "weight_mirror": _taught("weight_mirror"),
    "predictive_coding": _taught("predictive_coding"),
    "equilibrium_propagation": _taught(
        "equilibrium_propagation", ({"hard": False}, {"hard": True}), ("tanh",)
    ),
    "difference_target_propagation": _taught("difference_target_propagation"),
    "simplified_target_propagation": _taught(
        "simplified_target_propagation", file="difference_target_propagation"
    ),
    "node_perturbation": _taught("node_perturbation", grid=RATES["noisy"]),
    "weight_perturbation": _taught("weight_perturbation", grid=RATES["noisy"]),
    "reinforce": _taught("reinforce"),
    "forward_forward": _forward_forward,
    "pepita": _taught("pepita", ({"strength": 0.05}, {"strength": 0.5})),
    "dendritic_microcircuit": _taught(
        "dendritic_microcircuit",
        ({"pull": 1.0, "undo": 0.0}, {"pull": 3.0, "undo": 0.5}, {"pull": 3.0, "undo": 1.0}),
    ),
    "burst_dependent_plasticity": _taught(
        "burst_dependent_plasticity", nonlinearities=("softplus", "sigmoid")
    ),
    "spiking_eprop": _spiking_eprop,
    "frozen": _frozen,
    "nearest_class_mean": _nearest_class_mean,
    "recursive_least_squares": _recursive_least_squares,
    "nearest_neighbor": _nearest_neighbor,
}
EXPANDED = {"backprop": ("backprop_sgd", "backprop_momentum", "backprop_adam")}
TRIVIAL = ("nearest_class_mean", "recursive_least_squares", "nearest_neighbor")
"""Who always sits at the table: a rule that they beat is no result."""
NAMES = (*EXPANDED, *ROWS)
