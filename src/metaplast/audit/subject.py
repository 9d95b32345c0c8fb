"""What is audited: a state whose parts have names, and the function that lives one moment of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from metaplast.audit.anatomy import Anatomy, AnatomyError, parsed

SECTIONS = ("populations", "projections", "broadcast")
EXAMPLES = {
    "populations": "{'input': {'activity': ...}}",
    "projections": "{'input->output': {'weight': ...}}",
    "broadcast": "{'modulator': ...}",
}
ACTIVITY = "activity"
"""The field of the output population whose largest value is the learner's answer."""

TOLD = "told which class was wanted"
"""How the world teaches, where nothing else is said."""

State = dict[str, dict[str, Any]]
"""`{"populations": {name: {field: [cells, ...]}}, "projections": {name: {field: [post, pre, ...]}},
"broadcast": {name: [values]}}`; the last one may be missing."""
Experience = dict[str, Array]
"""`{"stimulus": [inputs], "target": scalar}`, one moment of it."""
Step = Callable[[State, Experience, PRNGKeyArray], State]


@dataclasses.dataclass(frozen=True)
class Scale:
    """Sizes of an instance. All layers differ, so that no two are mistaken for each other."""

    inputs: int = 6
    hidden: tuple[int, ...] = (5, 4)
    outputs: int = 3
    horizon: int = 40
    """Moments that a life is going to have, for learners that ask."""


SMALL = Scale()
LARGE = Scale(9, (8, 7), 4, 80)
DEEP = Scale(6, (5, 4, 7, 8), 3, 40)
LONG = Scale(horizon=80)
"""Nothing but the horizon differs from `SMALL`."""
NOMINAL = Scale(64, (64, 64), 10)
"""The size at which numbers are compared with synapses."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """A learner under audit.

    Attributes:
        name: what the certificate calls it.
        anatomy: who may hear whom.
        born: the state of a newborn, from a key.
        step: one moment: `(state, experience, key) -> state`, of the same structure.
        resized: the same learner at another scale; None where only this size exists.
        output: population and field of the answer.
        numbers: parameters that were found by a search, a PyTree; None where there are none.
        spec: how they were found, as an experiment; None where nobody searched.
        taught: how the sampled lives teach it, in words.
        note: what a reader of its verdicts has to know of what was audited; empty if nothing.
        life: for a learner that gets a whole life at once, `(state, experiences, key) -> states`
            with time as the leading axis; None for one that lives moment by moment.
    """

    name: str
    anatomy: Anatomy
    born: Callable[[PRNGKeyArray], State]
    step: Step
    resized: Callable[[Scale], Subject] | None = None
    output: tuple[str, str] = ("output", ACTIVITY)
    numbers: Any = None
    spec: dict[str, Any] | None = None
    taught: str = TOLD
    note: str = ""
    life: Callable[[State, Experience, PRNGKeyArray], State] | None = None

    @property
    def classes(self) -> int:
        return self.anatomy.group(self.output[0]).size


def from_function(
    name: str,
    step: Step,
    born: Callable[..., State],
    resized: Callable[[Scale], Subject] | None = None,
    **about: Any,
) -> Subject:
    """The subject of a user's own function.

    Args:
        name: of the learner.
        step: `(state, experience, key) -> state`.
        born: `key -> state`; the names in the state make the anatomy (`anatomy.parsed`). The
            population `input`, or else the first one, is the input; `output`, or else the last
            one, is the output, and its `activity` answers.
        resized: the same learner at another scale.
        about: further attributes of `Subject`.

    Raises:
        AnatomyError: a state without names, or whose names and shapes do not fit.
    """
    state = _as_written(born)
    anatomy = anatomy_of(state)
    output = (anatomy.output.name, ACTIVITY)
    if ACTIVITY not in state["populations"][output[0]]:
        raise AnatomyError(
            f"population {output[0]!r} has no field {ACTIVITY!r}: the last population answers "
            f"with it; it has {sorted(state['populations'][output[0]])}"
        )
    return Subject(name, anatomy, born, step, resized, output, **about)


def anatomy_of(state: Any) -> Anatomy:
    """The anatomy that a state names.

    Raises:
        AnatomyError: what is missing or does not fit, and what was expected.
    """
    if not isinstance(state, dict) or "populations" not in state:
        shown = sorted(state) if isinstance(state, dict) else type(state).__name__
        raise AnatomyError(
            f"state = {shown}: expected a dictionary with 'populations' and 'projections', "
            "so that everything in it has a name"
        )
    for section in state:
        if section not in SECTIONS:
            raise AnatomyError(
                f"state[{section!r}]: expected one of {SECTIONS}; put it under the population, "
                "projection or broadcast that it belongs to"
            )
    _check_names(state)
    sizes = {name: _size(name, fields) for name, fields in state["populations"].items()}
    projections = state.get("projections", {})
    anatomy = parsed(sizes, {name: bool(_leaves(f)) for name, f in projections.items()})
    for name, fields in projections.items():
        bundle = anatomy.bundle(name)
        for path, leaf in _leaves(fields):
            if tuple(leaf.shape[:2]) != bundle.mask.shape:
                raise AnatomyError(
                    f"projection {name!r}: {path} has shape {tuple(leaf.shape)}, expected "
                    f"[post, pre, ...] = {list(bundle.mask.shape)}"
                )
    return anatomy


def _check_names(state: dict[str, Any]) -> None:
    """Every part of a state must be a dictionary: of names, and populations and projections of
    named fields.

    Raises:
        AnatomyError: one that is none.
    """
    for section, parts in state.items():
        if not isinstance(parts, dict):
            raise AnatomyError(
                f"state[{section!r}] is of type {_kind(parts)}, expected a dictionary of "
                f"names, such as {EXAMPLES[section]}"
            )
        for name, fields in parts.items():
            if not isinstance(name, str):
                raise AnatomyError(f"state[{section!r}] has {name!r}: expected a name, a string")
            if section != "broadcast" and not isinstance(fields, dict):
                example = "activity" if section == "populations" else "weight"
                raise AnatomyError(
                    f"state[{section!r}][{name!r}] is of type {_kind(fields)}, expected a "
                    f"dictionary of fields, such as {{{example!r}: ...}}"
                )
            for path, leaf in _leaves(fields):
                if section == "projections" and len(leaf.shape) < 2:
                    raise AnatomyError(
                        f"projection {name!r}: {path} has shape {tuple(leaf.shape)}, "
                        "expected [post, pre, ...]"
                    )


def _kind(part: Any) -> str:
    """The type of a part of a state, of which the arrays are seen as shapes."""
    return "Array" if isinstance(part, jax.ShapeDtypeStruct) else type(part).__name__


def _as_written(born: Callable[..., State]) -> Any:
    """Shapes of a newborn, with its populations in the order in which they were written: JAX
    sorts the names in whatever passes through it."""
    order: list[str] = []

    def noted(key):
        state = born(key)
        if isinstance(state, dict) and isinstance(state.get("populations"), dict):
            order.extend(state["populations"])
        return state

    state = jax.eval_shape(noted, jax.random.key(0))
    if order:
        order.sort(key=lambda name: (name == "output") - (name == "input"))  # a stable sort
        state = {**state, "populations": {name: state["populations"][name] for name in order}}
    return state


def _size(name: str, fields: Any) -> int:
    leaves = _leaves(fields)
    if not leaves:
        raise AnatomyError(f"population {name!r} has no field; give one, such as 'activity'")
    for path, leaf in leaves:
        if not leaf.shape or leaf.shape[0] != leaves[0][1].shape[0]:
            raise AnatomyError(
                f"population {name!r}: {path} has shape {tuple(leaf.shape)}, expected the cells "
                f"as its first axis, as {leaves[0][0]} has"
            )
    return leaves[0][1].shape[0]


def _leaves(fields: Any) -> list[tuple[str, Any]]:
    return [(path_name(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(fields)]


def path_name(path: tuple) -> str:
    """Keys of a PyTree path, joined by dots."""
    return ".".join(str(getattr(k, "key", getattr(k, "name", getattr(k, "idx", k)))) for k in path)


def world(subject: Subject, moments: int, key: PRNGKeyArray) -> Experience:
    """A small task for any subject: Gaussian classes, `[moments, ...]`."""
    prototype_key, target_key, noise_key = jax.random.split(key, 3)
    inputs, classes = subject.anatomy.input.size, subject.classes
    prototypes = jax.random.normal(prototype_key, (classes, inputs))
    targets: Int[Array, " moments"] = jax.random.randint(target_key, (moments,), 0, classes)
    noise = 0.5 * jax.random.normal(noise_key, (moments, inputs))
    return {"stimulus": prototypes[targets] + noise, "target": targets}


def answers(subject: Subject, states: State) -> np.ndarray:
    """The class named at each moment, from states with time as the leading axis; -1 where the
    readout is not finite and names none."""
    population, name = subject.output
    readouts = np.asarray(states["populations"][population][name])
    return np.where(np.isfinite(readouts).all(-1), readouts.argmax(-1), -1)
