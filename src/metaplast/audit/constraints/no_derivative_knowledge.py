"""No cell knows the slope of its own response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.audit.anatomy import Group
from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.evidence import MOMENTS, Evidence
from metaplast.audit.living import is_number, repeated
from metaplast.audit.places import Kind
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source

FOLLOWS = 0.95
"""Correlation of gain and slope from which on the gain follows the slope."""
VARIES = 2.0
"""Factor by which the slope has to vary, or else the cell counts as linear."""
POINTS = 33
REACHES = (1.0, 4.0, 16.0, 64.0)
"""Largest sizes of the incoming weights that are tried, until the slope varies."""
SMALL = 2
"""How many of them are tried for a bend where the cell is heard: they leave listeners linear."""
CELLS, FADED = 2, 0.05
"""Cells that are tried in each population, and what is left of their outgoing weights."""


class Probe(NamedTuple):
    """One cell, driven from low to high, and taught two different things."""

    population: str
    cell: int
    correlation: float
    """The largest one between a gain and the slope."""
    what: str
    """The field with that gain."""


class NoDerivativeKnowledge(AbstractConstraint):
    """What a hidden cell makes of the teaching does not follow the slope of its response.

    A hidden cell is driven from low to high: its incoming weights are set to a random direction
    times a number that goes from minus to plus. At each drive the moment is lived twice, with two
    different targets. The difference between the two, in everything that the cell holds or sends
    and in the change of its incoming synapses, is the *gain* of the teaching. The slope is that
    of what the cell sends forward, or, where that is a straight line, of what becomes of it at the
    cells that hear it. Where the slope varies by a factor of two and more, and the
    gain goes with it (correlation above .95, and a variation to match), the cell or its synapses
    know the slope, however it was found: by `jax.grad`, a formula, or a finite difference.

    Input cells count if anything but the stimulus makes what they send; where no bundle drives a
    population, its lateral weights are set. Its outgoing weights are made small, so that the drive
    changes little above. States are taken from the middle of sampled lives. Populations without
    teaching, or with a constant slope, have nothing to know.

    What it can miss: a slope that only part of the gain follows (such as `1 + 0.1 * slope`), a
    slope that is used a moment later, a surrogate slope, of a cell whose response is a step, and
    a network with slopes of its own inside an output cell.
    It can accuse a cell whose gain follows its activity, if its slope does so too (exponential
    cells). Slopes of the dynamics of a cell in time are not tried.
    """

    name: ClassVar[str] = "no_derivative_knowledge"
    claim: ClassVar[str] = "neither rule nor feedback evaluates the slope of the forward dynamics"
    source: ClassVar[Source] = Source(
        "Bengio, Lee, Bornschein, Mesnard & Lin", 2015,
        "Towards biologically plausible deep learning",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.TEST,)

    def check(self, evidence):
        anatomy = evidence.subject.anatomy
        probes: list[Probe] = []
        for group in anatomy.groups:
            if _is_hidden(evidence, group):
                for cell in range(min(CELLS, group.size)):
                    probes += _probes(evidence, group.name, cell)
        if not probes:
            return not_applicable(
                "no hidden cell has both a slope that varies and something from above", Grade.TEST
            )
        worst = max(probes, key=lambda probe: probe.correlation)
        value = f"correlation of gain and slope {worst.correlation:.2f}"
        for name in dict.fromkeys(probe.population for probe in probes):
            mine = [probe for probe in probes if probe.population == name]
            following = [probe for probe in mine if probe.correlation > FOLLOWS]
            if 2 * len(following) > len(mine):
                probe = max(following, key=lambda probe: probe.correlation)
                return violated(
                    Grade.TEST,
                    f"{probe.what} of cell {name}[{probe.cell}] answers to teaching with a gain "
                    "that follows the slope of its activity",
                    value,
                )
        return upheld(Grade.TEST, value)


def _is_hidden(evidence: Evidence, group: Group) -> bool:
    """Whether cells answer to others: no output cells, no interneurons, and no input cells that
    send on what they are shown."""
    if group.name == evidence.subject.anatomy.input.name:
        made = evidence.reads.places.made
        sent = [p for p in evidence.messages() if made[p].owner == group.name]
        return not all(evidence.shown(p) for p in sent)
    return group.name != evidence.subject.output[0] and not group.interneuron_of


def _probes(evidence: Evidence, population: str, cell: int) -> list[Probe]:
    """Probes of one cell in two lives; none where it is linear, or hears nothing from above."""
    found = []
    for life in (0, 1):
        state, world = _middle(evidence, life)
        tried = []
        for reach in REACHES:
            grid = np.linspace(-reach, reach, POINTS)
            twice = _driven(evidence, state, world, population, cell, grid)
            slopes = _slopes(_said(evidence, population, cell, twice[0]), grid)
            tried.append((grid, twice))
            if slopes:
                break
        # What is sent as it is may be bent where it is heard.
        for grid, twice in [] if slopes else tried[:SMALL]:
            slopes = _slopes(_heard(evidence, population, twice[0]), grid)
            if slopes:
                break
        if slopes:
            gains = _gains(evidence, population, cell, *twice)
            found += _followed(population, cell, slopes, gains)
    return found


def _middle(evidence: Evidence, life: int) -> tuple[Any, Any]:
    """A state in the middle of a sampled life, and what comes next; at birth if it exploded."""
    half = MOMENTS // 2
    world = jax.tree.map(lambda leaf: leaf[life, half], evidence.experiences)
    state = jax.tree.map(lambda leaf: leaf[life, half - 1], evidence.lives)
    if evidence.sane(half - 1)[life]:
        return state, world
    return jax.tree.map(lambda leaf: leaf[life], evidence.births), world


def _driven(evidence: Evidence, state, world, population: str, cell: int, grid: np.ndarray):
    """The states after a moment under one target, and under another one, over the grid."""
    anatomy, efficacies = evidence.subject.anatomy, evidence.reads.efficacies
    many = [repeated(leaf[None], len(grid)) for leaf in jax.tree.leaves(state)]
    rng = np.random.default_rng(cell)
    onto = {b.way for b in anatomy.bundles if b.post == population and b.name in efficacies}
    way = "driving" if "driving" in onto else "lateral"
    for name, position in efficacies.items():
        bundle = anatomy.bundle(name)
        if bundle.way == "feedback":
            continue
        if bundle.pre == population:
            outgoing = many[position][:, :, cell]
            many[position][:, :, cell] = _like(FADED * outgoing.astype(float), outgoing.dtype)
        if bundle.post == population and bundle.way == way:
            incoming = many[position][:, cell]
            direction = rng.standard_normal(many[position].shape[2]) * bundle.mask[cell]
            drive = grid[:, None] * direction * _unit(incoming)
            drive = drive.reshape(*drive.shape, *[1] * (incoming.ndim - 2))
            many[position][:, cell] = _like(drive, incoming.dtype)
    states = jax.tree.unflatten(jax.tree.structure(state), many)
    both = []
    for target in (0, 1):
        worlds = jax.tree.map(lambda leaf: np.repeat(leaf[None], len(grid), 0), world)
        worlds["target"] = np.full_like(worlds["target"], target)
        both.append(jax.tree.leaves(evidence.stepped(states, worlds)))
    return both


def _slopes(courses: Iterator[np.ndarray], grid: np.ndarray) -> list[np.ndarray]:
    """Slopes over the grid, where they vary enough."""
    found = []
    for course in courses:
        for slope in np.asarray(np.gradient(course, grid, axis=0)).T:
            size = np.abs(slope)
            varies = VARIES * size.min() < size.max() and size.max() > 1e-6
            if np.isfinite(slope).all() and varies:
                found.append(slope)
    return found


def _said(evidence: Evidence, population: str, cell: int, after: list) -> Iterator[np.ndarray]:
    """What a cell sends forward, `[points, values]`."""
    for position in _sent(evidence, population, ("driving", "lateral")):
        yield np.asarray(after[position][:, cell], float).reshape(len(after[position]), -1)


def _heard(evidence: Evidence, population: str, after: list) -> Iterator[np.ndarray]:
    """What those who hear it make of it, before they make anything else of that."""
    reads = evidence.reads
    p, anatomy = reads.places, evidence.subject.anatomy
    listening = {b.post for b in anatomy.bundles if b.pre == population and b.way == "driving"}
    sent = np.zeros(p.count, bool)
    for position in _sent(evidence, population, ("driving",)):
        sent[p.made[position].numbers] = True
    synapses = (reads.listeners >= 0) & (p.kind[reads.rows] == Kind.SYNAPSE)
    while True:  # what a synapse makes of it for its cell
        more = sent[reads.rows] | (synapses & reads.matrix[:, sent].any(1))
        if (more == sent[reads.rows]).all():
            break
        sent[reads.rows] = more
    for position, leaf in enumerate(p.made):
        rows = slice(leaf.first - reads.first, leaf.first - reads.first + leaf.size)
        if leaf.kind is Kind.CELL and leaf.owner in listening and reads.matrix[rows][:, sent].any():
            yield np.asarray(after[position], float).reshape(len(after[position]), -1)


def _sent(evidence: Evidence, population: str, ways: tuple[str, ...]) -> list[int]:
    """Fields of a population that cells read at the other end of its projections, or their synapses
    for them."""
    reads = evidence.reads
    p, groups = reads.places, [g.name for g in reads.places.anatomy.groups]
    posts = [
        groups.index(b.post) for b in p.anatomy.bundles if b.pre == population and b.way in ways
    ]
    readers = np.isin(reads.listeners, posts) & (reads.listeners != groups.index(population))
    heard = np.asarray(reads.matrix[readers].any(0))
    return [
        n for n, leaf in enumerate(p.made)
        if leaf.kind is Kind.CELL and leaf.owner == population and heard[leaf.numbers].any()
    ]  # fmt: skip


def _gains(evidence: Evidence, population: str, cell: int, one: list, other: list):
    """By field: how what a cell sends back, and the synapses onto it, differ between two targets,
    over the grid `[points]`; only what differs by more than rounding."""
    made, anatomy = evidence.reads.places.made, evidence.subject.anatomy
    back = _sent(evidence, population, ("feedback",))
    gains: dict[str, list[np.ndarray]] = {}
    for position, leaf in enumerate(made):
        own = position in back
        onto = leaf.kind is Kind.SYNAPSE and anatomy.bundle(leaf.owner).post == population
        if not (own or onto) or not is_number(one[position].dtype):
            continue
        first, second = (
            np.asarray(v[position][:, cell], float).reshape(len(v[position]), -1)
            for v in (one, other)
        )
        for a, b in zip(first.T, second.T, strict=True):
            rounding = 30 * np.finfo(np.float32).eps * np.abs([a, b]).max()
            if np.isfinite(b - a).all() and np.abs(b - a).max() > max(rounding, 1e-12):
                name = leaf.field if own else f"{leaf.field} of {leaf.owner}"
                gains.setdefault(name, []).append(b - a)
    return gains


def _followed(population, cell, slopes, gains) -> list[Probe]:
    """The field whose gain follows a slope most closely; none where there is no gain."""
    best = [
        Probe(population, cell, _follows(gain, slope), field)
        for field, all_of_it in gains.items() for gain in all_of_it for slope in slopes
    ]  # fmt: skip
    return [max(best, key=lambda probe: probe.correlation)] if best else []


def _follows(gain: np.ndarray, slope: np.ndarray) -> float:
    """Their correlation, or zero where the gain varies little in comparison. Both may have any
    sign; a gain that falls where the slope rises counts as negative."""
    ranges = [np.ptp(v) / np.abs(v).max() for v in (gain, slope)]
    if ranges[0] < 0.3 * ranges[1]:
        return 0.0
    return float(np.corrcoef(gain, slope)[0, 1] * np.sign(gain @ slope))


def _like(values: np.ndarray, dtype) -> np.ndarray:
    """Values in the type of a field; whole numbers are rounded."""
    return (values if jnp.issubdtype(dtype, jnp.inexact) else np.rint(values)).astype(dtype)


def _unit(weights: np.ndarray) -> float:
    """The size of a weight of one: where weights are whole numbers, that of those that are there,
    for what a whole number stands for is not known."""
    if jnp.issubdtype(weights.dtype, jnp.inexact):
        return 1.0
    return float(np.sqrt(np.mean(weights.astype(float) ** 2))) or 1.0
