"""From tables to objects: the namespace is the registry, the constructor is the schema.

A `type` is an export of the namespace, or a part of the user's own: `FILE.py:Name`, `module:Name`.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp

from metaplast import own_code
from metaplast.circuits import Circuit
from metaplast.learners.presented import Presentation
from metaplast.meta import AbstractMetaOptimizer, Restarts
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import AbstractNeuron
from metaplast.objective import Objective
from metaplast.options import checked
from metaplast.own_source import reference
from metaplast.rules import AbstractRule
from metaplast.spec import Spec, SpecError, near, variants
from metaplast.tasks.abstract import AbstractTask
from metaplast.varied import Varied, varied

CONTRACTS: dict[str, type] = {
    "neurons": AbstractNeuron,
    "rules": AbstractRule,
    "tasks": AbstractTask,
    "meta": AbstractMetaOptimizer,
    "circuits": Circuit,
}
"""What a part of the user's own has to be: a subclass of this, or a function that returns one; for
a circuit, a function."""


class Experiment(NamedTuple):
    """A spec, built."""

    name: str
    seed: int
    objective: Objective | Varied
    """Holds the task and the circuit."""
    genome: Genome
    """Where the search begins."""
    meta: AbstractMetaOptimizer
    steps: int
    """Meta-steps in all."""


def build(spec: Spec) -> Experiment:
    """Build everything that a spec describes.

    Raises:
        SpecError: an unknown type or option (with near misses), or whatever a
            constructor refused, with its place in the file.
    """
    objective, genome = _build_lives(spec)
    meta: AbstractMetaOptimizer = construct("meta", spec["meta"], "meta")
    if spec["variants"]:
        where, single = loops(meta)[-1]
        for option in ("stretch", "first"):
            if (value := getattr(single, option, None)) is not None:
                raise SpecError(
                    f"{where}.{option} = {value}: lives in several settings are lived whole; leave "
                    f"out {option}, or the variants"
                )
        objective = _build_varied(spec, objective, genome)
    return Experiment(spec.name, spec.seed, objective, genome, meta, _steps_of(meta))


def _steps_of(meta: AbstractMetaOptimizer) -> int:
    """How many meta-steps an outer loop makes; one of the user's may not say."""
    steps = getattr(meta, "steps", None)
    if isinstance(steps, int) and not isinstance(steps, bool) and steps > 0:
        return steps
    raise SpecError(
        f"meta: steps = {steps!r} of {type(meta.inner).__name__}: expected a whole number of 1 or "
        "more, how many meta-steps there are; give it a field steps: int"
    )


def _build_lives(spec: Spec) -> tuple[Objective, Genome]:
    """Who lives, and what: all of a spec but its outer loop."""
    genome = build_genome(spec["genome"])
    task: AbstractTask = construct("tasks", spec["task"], "task")
    circuit = build_circuit(spec["anatomy"], task.inputs, spec.hidden, task.classes)
    check_fit(genome, circuit)
    built = {"task": task, "circuit": circuit, "presentation": build_presentation(spec)}
    options = checked(Objective, spec["objective"], "objective", hide=tuple(built))
    return _call(Objective, {**built, **options}, "objective"), genome


def _build_varied(spec: Spec, objective: Objective, genome: Genome) -> Varied:
    others = []
    for place, other in enumerate(variants(spec)):
        try:
            others.append(_build_lives(other))
        except SpecError as fault:
            raise SpecError(f"variants.{place}: {fault}") from None
    try:
        return varied(objective, genome, others)
    except ValueError as fault:
        raise SpecError(str(fault)) from None


def build_genome(tables: dict[str, Any]) -> Genome:
    """The genome of a `[genome]` table: `neurons` and `rules` by kind, `gains` as numbers."""
    for name in tables:
        if name not in ("neurons", "rules", "gains"):
            raise SpecError(
                f"genome: unknown entry {name!r}; {near(name, ('neurons', 'rules', 'gains'))}"
            )
    built: dict[str, dict[str, Any]] = {}
    for part in ("neurons", "rules"):
        kinds = _as_table(tables.get(part, {}), f"genome.{part}")
        built[part] = {k: construct(part, t, f"genome.{part}.{k}") for k, t in kinds.items()}
    gains = _as_table(tables.get("gains", {}), "genome.gains")
    log_gains = {kind: _log_gain(kind, gain) for kind, gain in gains.items()}
    return Genome(built["neurons"], built["rules"], log_gains)


def build_circuit(
    anatomy: dict[str, Any], inputs: int, hidden: tuple[int, ...], classes: int
) -> Circuit:
    """The circuit of an `[anatomy]` table: the function named `type`, called with the sizes."""
    options = dict(anatomy)
    wiring = _named("circuits", options.pop("type", None), "anatomy")
    given = set(list(inspect.signature(wiring).parameters)[:3])
    options = checked(wiring, options, "anatomy", hide=given)
    name = anatomy.get("type")
    made = _call(wiring, options, "anatomy", reference(name), inputs, hidden, classes)
    return _fulfilled(made, "circuits", name, "anatomy")


def build_presentation(spec: Spec) -> Presentation | None:
    """What the `[presentation]` table says, for cells of which one moment of a life takes many."""
    if not spec["presentation"]:
        return None
    options = checked(Presentation, spec["presentation"], "presentation")
    return _call(Presentation, options, "presentation")


def check_fit(genome: Genome, circuit: Circuit) -> None:
    """Refuse a genome that names kinds which the circuit does not have, or lacks one it has, or
    whose parts do not agree on how long a moment is.

    Raises:
        SpecError: with the kinds that there are, or with both lengths.
    """
    cells = {p.kind for p in circuit.populations}
    wires = {q.kind for q in circuit.projections}
    for part, kinds in (("neurons", cells), ("rules", wires), ("log_gains", wires)):
        for kind in getattr(genome, part):
            if kind not in kinds:
                shown = part.replace("log_", "")
                raise SpecError(
                    f"genome.{shown}.{kind}: the anatomy has no such kind; {near(kind, kinds)}"
                )
    try:
        PlasticNetwork(circuit, genome)
    except ValueError as fault:
        raise SpecError(f"genome: {fault}") from None
    _check_steps(genome)


def _check_steps(genome: Genome) -> None:
    """A moment of a network has one length: all `dt` of our cells and rules must agree. (What a
    part of the user's own calls so, may be in other units.)"""
    parts = [*within(genome.neurons, "neurons"), *within(genome.rules, "rules")]
    lengths = [
        (path, part.dt)
        for path, part in parts
        if hasattr(part, "dt") and type(part).__module__.startswith("metaplast.")
    ]
    for path, dt in lengths[1:]:
        where, first = lengths[0]
        if dt != first:
            raise SpecError(
                f"genome.{path}: dt = {dt}, but {first} at genome.{where}; a moment has one length "
                "in ms, and every cell and rule with a dt must have the same"
            )


def within(part: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every cell or rule within a part of a genome, the outermost first, and where it stands."""
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from within(inner, f"{path}.{name}")
    elif isinstance(part, (tuple, list)):
        for place, inner in enumerate(part):
            yield from within(inner, f"{path}[{place}]")
    elif dataclasses.is_dataclass(part) and not isinstance(part, type):
        yield path, part
        for field in dataclasses.fields(part):
            yield from within(getattr(part, field.name), f"{path}.{field.name}")


def loops(meta: AbstractMetaOptimizer) -> list[tuple[str, AbstractMetaOptimizer]]:
    """An outer loop and those within it, the outermost first, and where the table of each stands:
    `meta`, and `meta.of` of what `Restarts` repeats."""
    found = [("meta", meta)]
    while isinstance(meta, Restarts):
        meta = meta.of
        found.append((f"{found[-1][0]}.of", meta))
    return found


def construct(namespace: str, table: Any, path: str) -> Any:
    """The object of a table `{type = "Oja", rate = 0.01}`, nested tables and lists included.

    Args:
        namespace: `neurons`, `rules`, `tasks` or `meta`; nested tables are looked up there too.
        table: the table.
        path: where it stands in the file, for messages.
    """
    options = dict(_as_table(table, path))
    name = options.pop("type", None)
    maker = _named(namespace, name, path)
    options = checked(maker, options, path, others=exported(namespace))
    built = {k: _value(namespace, v, f"{path}.{k}") for k, v in options.items()}
    return _fulfilled(_call(maker, built, path, reference(name)), namespace, name, path)


def exported(namespace: str) -> dict[str, Callable[..., Any]]:
    """What a spec may name in a namespace: its exports, without the contracts."""
    module = importlib.import_module(f"metaplast.{namespace}")
    public = {name: getattr(module, name) for name in module.__all__}
    if namespace == "circuits":  # functions; the records that they return are no names of a spec
        return {n: f for n, f in public.items() if inspect.isfunction(f)}
    return {n: f for n, f in public.items() if callable(f) and not n.startswith("Abstract")}


def _value(namespace: str, item: Any, path: str) -> Any:
    if isinstance(item, dict):
        return construct(namespace, item, path)
    if isinstance(item, list):  # a static field has to be hashable, so a tuple
        return tuple(_value(namespace, v, f"{path}[{i}]") for i, v in enumerate(item))
    return item


def _named(namespace: str, name: Any, path: str) -> Callable[..., Any]:
    known = exported(namespace)
    if name is None:
        raise SpecError(f"{path}: no type given; {near('', known)}")
    if reference(name):
        return _own(namespace, name, f"{path}.type")
    if not (isinstance(name, str) and name in known):
        raise SpecError(
            f"{path}.type = {name!r}: unknown; {near(str(name), known)}; one of your own is "
            f"{own_code.FORMS}"
        )
    return known[name]


def _own(namespace: str, name: str, path: str) -> Callable[..., Any]:
    """The class or function of the user's that a reference names."""
    try:
        found = own_code.load(name)
    except own_code.CodeError as fault:
        raise SpecError(f"{path} = {name!r}: {fault}") from fault
    contract = CONTRACTS[namespace]
    circuit = contract is Circuit
    suits = not circuit and issubclass(found, contract) if inspect.isclass(found) else (
        callable(found)
    )  # fmt: skip
    if not suits:
        what = "a class" if inspect.isclass(found) else f"of type {type(found).__name__}"
        wanted = (
            "a function (inputs, hidden, classes) that returns a Circuit" if circuit
            else f"a subclass of {contract.__name__} (metaplast.{namespace})"
        )  # fmt: skip
        raise SpecError(f"{path} = {name!r}: {what}, expected {wanted}")
    return found


def _fulfilled(made: Any, namespace: str, name: Any, path: str) -> Any:
    """What a maker has made, if it is what the namespace is about; ours always is."""
    contract = CONTRACTS[namespace]
    if reference(name) and not isinstance(made, contract):
        raise SpecError(
            f"{path}.type = {name!r}: returns something of type {type(made).__name__}, "
            f"expected {'a Circuit' if contract is Circuit else f'an {contract.__name__}'}"
        )
    return made


def _call(maker, options: dict[str, Any], path: str, own: Any = None, *sizes: Any) -> Any:
    """What a maker makes, or in one line why it does not; where it is the user's `own`, with the
    line of the user's file, whatever it raises."""
    try:
        return maker(*sizes, **options)
    except SpecError:
        raise
    except (ValueError, TypeError, OSError) as fault:
        lines = str(fault).strip().splitlines() or [type(fault).__name__]
        where = own_code.line(fault) if own else ""
        raise SpecError(f"{path}: {lines[0]}{where}") from fault
    except Exception as fault:
        if not own:
            raise
        raise SpecError(f"{path}: {own_code.told(fault)}{own_code.line(fault)}") from fault


def _as_table(item: Any, path: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise SpecError(f'{path} = {item!r}: expected a table such as {{type = "..."}}')
    return item


def _log_gain(kind: str, gain: Any):
    number = isinstance(gain, (int, float)) and not isinstance(gain, bool)
    if not (number and math.isfinite(gain) and gain > 0):
        raise SpecError(f"genome.gains.{kind} = {gain!r}: expected a finite positive number")
    return jnp.asarray(math.log(gain))
