"""What is inherited is a rule, not a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import jax
import numpy as np

from metaplast.audit.anatomy import Anatomy
from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.evidence import BIRTHS, MOMENTS
from metaplast.audit.living import is_number
from metaplast.audit.places import Kind, Leaf
from metaplast.audit.subject import NOMINAL
from metaplast.audit.verdict import Grade, upheld, violated
from metaplast.source import Source

LARGEST = 0.01
"""Largest share of numbers in synapses."""
UNLIKELY = 7.0
"""Standard errors at which the mean of a synapse over births differs from that of its siblings;
by chance, in one of 10^11 synapses."""
QUARTERS = 4
"""Parts of the births in each of which its mean is half as far off at least, the same way. Of
weights with heavy tails a single one moves the mean of its synapse far, but not in every part."""
SAME = 1e-3
"""Largest difference, in units of the largest value of a field, that rounding makes."""


class GenomeBottleneck(AbstractConstraint):
    """Weights are drawn anew at every birth, and cells of a population are born alike.

    *Births.* Over `BIRTHS` births, and in every quarter of them, no synapse has a mean of its own.
    Weights that never vary are allowed if they are the same for all synapses of a bundle, or tell
    only whether both ends have the same number (identity); state of cells that never varies, if
    it is the same for all or a gradient along the population: two numbers, from which the values,
    or their logarithms, go along it in a straight line.

    *Permutation.* Two cells of a hidden population change places in a state from the middle of a
    life, with all their synapses and whoever is wired to them one to one. After a moment, all is
    as if they had changed places then. So no number that the step holds is meant for one cell.

    *Size.* The numbers that a search found are fewer than 1 % of the synapses of a network of
    64-64-64-10 cells, where the learner has a size of its choice.

    What it can miss: learned variances or correlations of the initial weights, means smaller than
    a standard deviation of the weights, and permutation where cells draw noise or where
    wiring (such as local receptive fields) fixes who is who. Numbers that the subject does not
    declare, such as constants in the code, count only where they single out cells.
    """

    name: ClassVar[str] = "genome_bottleneck"
    claim: ClassVar[str] = (
        "random weights at every birth; few numbers beside the synapses; cells of a kind are equal"
    )
    source: ClassVar[Source] = Source(
        "Zador", 2019,
        "A critique of pure learning and what artificial neural networks can learn from animal "
        "brains",
        "10.1038/s41467-019-11786-6",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.TEST,)

    def check(self, evidence):
        value, share = _size(evidence)
        made, births = evidence.reads.places.made, jax.tree.leaves(evidence.births)
        for leaf, values in zip(made, births, strict=True):
            if is_number(values.dtype):
                fault = _inherited(leaf, values.astype(float).reshape(BIRTHS, *leaf.shape))
                if fault:
                    return violated(Grade.TEST, fault, value)
        if share > LARGEST:
            return violated(Grade.TEST, f"{value}, expected at most {100 * LARGEST:.0f} %", value)
        tried, fault = _permuted(evidence)
        if fault:
            return violated(Grade.TEST, fault, value)
        return upheld(Grade.TEST, f"{value}; {tried}")


def _size(evidence) -> tuple[str, float]:
    """Numbers and synapses at the nominal size in words, and their ratio."""
    subject = evidence.subject
    if subject.resized is not None:
        subject = subject.resized(NOMINAL)
    numbers = sum(int(np.size(leaf)) for leaf in jax.tree.leaves(subject.numbers))
    synapses = sum(int(b.mask.sum()) for b in subject.anatomy.bundles if b.weighted)
    share = numbers / max(synapses, 1)
    value = f"{numbers} numbers / {synapses} synapses = {100 * share:.3g} %"
    # A network of one size is as small as it is; there is no network to compare with.
    return value, share if evidence.subject.resized is not None else 0.0


def _inherited(leaf: Leaf, values: np.ndarray) -> str:
    """What is born with a value of its own, over births `[births, *shape]`; or nothing."""
    if leaf.kind not in (Kind.CELL, Kind.SYNAPSE):
        return ""
    axes = 2 if leaf.kind is Kind.SYNAPSE else 1
    values = values.reshape(*values.shape[: 1 + axes], -1)
    for field in np.moveaxis(values, -1, 0):
        seen = np.isfinite(field)
        known, births = seen.any(0), np.maximum(seen.sum(0), 1)
        if not known.any():
            continue
        field = np.where(seen, field, 0.0)
        mean = field.sum(0) / births
        spread = np.sqrt(((field - mean) ** 2 * seen).sum(0)[known].sum() / seen.sum())
        largest = np.abs(mean[known]).max()
        expected = _alike(mean, known)
        # Rounding in the mean of equal numbers is no spread.
        if spread <= 1e-6 * largest:
            off = np.abs(mean - expected) > 1e-4 * largest
            if leaf.kind is Kind.CELL:
                graded = (np.abs(mean - g) <= 1e-4 * largest for g in _gradients(mean, known))
                off &= not any(fits[known].all() for fits in graded)
            how = "at every birth"
        else:
            least = UNLIKELY * spread / np.sqrt(births)
            off = np.abs(mean - expected) > least
            parts = (np.array_split(m, QUARTERS) for m in (field, seen))
            for some, there in zip(*parts, strict=True):
                apart = some.sum(0) / np.maximum(there.sum(0), 1) - expected
                off &= (apart * np.sign(mean - expected) > least / 2) | ~there.any(0)
            how = f"on average over {BIRTHS} births"
        off &= known
        if off.any():
            found = tuple(int(i) for i in np.argwhere(off)[0])
            what = "synapse" if leaf.kind is Kind.SYNAPSE else "cell"
            return (
                f"{leaf.field} of {what} {leaf.owner}{list(found)} is {mean[found]:.3g} {how}, "
                f"its siblings {np.broadcast_to(expected, mean.shape)[found]:.3g}"
            )
    return ""


def _alike(mean: np.ndarray, known: np.ndarray) -> np.ndarray:
    """What every sibling's value would be if all that are known were alike: the mean of all, or
    of those on and off the diagonal."""
    if mean.ndim < 2:
        return np.full_like(mean, mean[known].mean())
    diagonal = np.eye(*mean.shape, dtype=bool)
    on, off = (
        mean[some & known].mean() if (some & known).any() else 0.0
        for some in (diagonal, ~diagonal)
    )  # fmt: skip
    return np.where(diagonal, on, off)


def _gradients(mean: np.ndarray, known: np.ndarray) -> Iterator[np.ndarray]:
    """The straight lines along the population that come closest to the values and, where all of
    these have one sign, to their logarithms."""
    place = np.arange(len(mean))

    def line(values):
        return np.polyval(np.polyfit(place[known], values[known], min(1, known.sum() - 1)), place)

    yield line(mean)
    signs = np.sign(mean[known])
    if (signs == signs[0]).all() and signs[0]:
        yield signs[0] * np.exp(line(np.log(np.abs(np.where(known, mean, 1.0)))))


def _permuted(evidence) -> tuple[str, str]:
    """Which populations were permuted, in words; and what was not as if they had changed places
    afterwards, or nothing."""
    reads, subject = evidence.reads, evidence.subject
    if reads.matrix[:, reads.places.where(kind=Kind.KEY)].any():
        return "cells draw noise, so that permutation was not tried", ""
    half = MOMENTS // 2
    states = jax.tree.map(lambda leaf: leaf[:, half - 1], evidence.lives)
    worlds = jax.tree.map(lambda leaf: leaf[:, half], evidence.experiences)
    sane = evidence.sane(half - 1)
    if not sane.any():
        return "all lives exploded, so that permutation was not tried", ""
    structure, made = jax.tree.structure(states), reads.places.made
    before = jax.tree.leaves(states)
    after = jax.tree.leaves(evidence.stepped(states, worlds))
    tried = []
    for group in subject.anatomy.groups:
        ends = (subject.anatomy.input.name, subject.output[0])
        if group.name in ends or group.interneuron_of or group.size < 2:
            continue
        order = _exchange(subject.anatomy, group.name, ends)
        if order is None:
            continue
        given = [
            _reordered(subject.anatomy, leaf, values, order)
            for leaf, values in zip(made, before, strict=True)
        ]
        moved = any(
            not np.array_equal(a, b)
            for a, b in zip(given, before, strict=True) if is_number(b.dtype)
        )  # fmt: skip
        if not moved:
            continue
        tried.append(group.name)
        found = jax.tree.leaves(evidence.stepped(jax.tree.unflatten(structure, given), worlds))
        for leaf, one, other in zip(made, found, after, strict=True):
            if not is_number(one.dtype):
                continue
            expected = _reordered(subject.anatomy, leaf, other, order)
            one, expected = (np.asarray(v, float)[sane] for v in (one, expected))
            with np.errstate(all="ignore"):
                gap = np.where(_same(one, expected), 0.0, np.abs(one - expected))
            scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
            if gap.size and not gap.max() <= SAME * scale + 1e-6:
                return "", (
                    f"{leaf.field} of {leaf.owner} is another one when cells 0 and 1 of "
                    f"{group.name} have changed places (by {gap.max():.2g}, it is up to "
                    f"{scale:.2g})"
                )
    return f"permuted {', '.join(tried) if tried else 'nobody'}", ""


def _same(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where two values are one, be it infinite or no number."""
    return (one == other) | (np.isnan(one) & np.isnan(other))


def _exchange(anatomy: Anatomy, name: str, ends: tuple[str, str]) -> dict[str, np.ndarray] | None:
    """By population, the order of its cells when cells 0 and 1 of one population change places
    and take along who is wired to them one to one; None where that cannot be done."""
    order = {name: _swapped(anatomy.group(name).size, 0, 1)}
    pending = [(name, 0, 1)]
    while pending:
        group, one, other = pending.pop()
        for bundle in anatomy.bundles:
            for end, far, mask in (
                (bundle.pre, bundle.post, bundle.mask), (bundle.post, bundle.pre, bundle.mask.T)
            ):  # fmt: skip
                if end != group or np.array_equal(mask[:, one], mask[:, other]):
                    continue
                partners = [np.flatnonzero(mask[:, cell]) for cell in (one, other)]
                if far in ends or [len(p) for p in partners] != [1, 1]:
                    return None
                mine = _swapped(anatomy.group(far).size, *(int(p[0]) for p in partners))
                if far not in order:
                    order[far] = mine
                    pending.append((far, int(partners[0][0]), int(partners[1][0])))
                elif not np.array_equal(order[far], mine):
                    return None
    return order


def _swapped(size: int, one: int, other: int) -> np.ndarray:
    order = np.arange(size)
    order[[one, other]] = other, one
    return order


def _reordered(anatomy: Anatomy, leaf: Leaf, values, order: dict[str, np.ndarray]):
    """A leaf `[lives, ...]` with the cells of some populations in another order."""
    if leaf.kind is Kind.CELL and leaf.owner in order:
        return values[:, order[leaf.owner]]
    if leaf.kind is Kind.SYNAPSE:
        bundle = anatomy.bundle(leaf.owner)
        if bundle.post in order:
            values = values[:, order[bundle.post]]
        if bundle.pre in order:
            values = values[:, :, order[bundle.pre]]
    return values
