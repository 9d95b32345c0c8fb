"""Nobody looks at a clock."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.places import Kind
from metaplast.audit.reads import Found, Reads
from metaplast.audit.verdict import Grade, upheld, violated
from metaplast.source import Source

ALIKE = 1e-3
"""Largest difference between lives, in units of the change over time, of a clock in disguise."""
REGULAR = 0.05
"""Largest part of the changes of a clock that its own value does not tell."""
LINEAR = 0.99
"""Part of the steps of a leak, proven to depend on itself alone, that the way left tells."""
TICKS = 3
"""Changes over a life that make a clock; a single switch soon after birth is none."""


class OnePhase(AbstractConstraint):
    """No phase and no counter of moments is read, so plasticity is the same at every moment.

    A *clock* is carried state whose next value depends on nothing but itself, other clocks and
    constants, and which changes over a life. Whoever else reads one knows what time it is: that
    is shown on the traced program. So is a cell that knows its age, such as a running mean over
    an exact count, and learning that happens in every second moment. A weight that only decays
    from what it was drawn as is no clock; a leaky count that begins at the same number in every
    life is one.

    A clock in disguise (`count += 1 + 0 * activity`) is looked for on the sampled lives: a value
    that changes, is read by others, and is the same in lives with different experiences; or that
    started anywhere, and whose changes are told by what it was before (a twentieth of them may
    depend on experience), over all moments of all lives.

    What it can miss: a clock whose speed depends on experience by more than that, that ticks
    less than three times in a life, or whose course jumps about so that the same value hardly
    comes back (a generator of random numbers); one that is spread over several values, none of
    which tells its own next; a timer that runs out, like a leak. Phases *within* a moment (a
    sweep forward, a sweep back) do not count, and moments without a stimulus are not tried: the
    silent steps of a `[presentation]`, and those at which it asks for an answer, change no synapse
    (a certificate says so).
    """

    name: ClassVar[str] = "one_phase"
    claim: ClassVar[str] = "no phase or step counter is read; plasticity is on at every moment"
    source: ClassVar[Source] = Source(
        "Bengio, Lee, Bornschein, Mesnard & Lin", 2015,
        "Towards biologically plausible deep learning",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF, Grade.TEST)

    def check(self, evidence):
        reads, course = evidence.reads, _courses(evidence)
        ticking = _ticks(course)
        autonomous = _autonomous(reads)
        with np.errstate(all="ignore"):  # a life may explode
            spread = np.max(course.max(0) - course.min(0), 0)
            extent = np.max(course.max(1) - course.min(1), 0)
        alike = spread <= ALIKE * extent
        clocks = autonomous & ticking
        # What starts anywhere and leaks away tells nobody the time.
        free = clocks & ~alike & _finite(course)
        clocks[free] = ~_leaks(course[:, :, free], LINEAR)
        found = _reader(reads, clocks, autonomous)
        if found:
            return violated(Grade.PROOF, f"a clock: {reads.witness(found)}", _names(reads, clocks))
        disguised = ticking & ~autonomous & alike & _finite(course)
        found = _reader(reads, disguised, disguised | autonomous)
        if found:
            return violated(
                Grade.TEST,
                f"a clock in disguise, the same in all lives: {reads.witness(found)}",
                _names(reads, disguised),
            )
        kept = reads.matrix[np.arange(len(reads.rows)), np.arange(len(reads.rows))]
        regular = kept & ticking & ~autonomous & _finite(course)
        regular[regular] = _own_course(course[:, :, regular])
        found = _reader(reads, regular, regular | autonomous)
        if found:
            return violated(
                Grade.TEST,
                f"a clock in disguise, whose next value follows from its own: "
                f"{reads.witness(found)}",
                _names(reads, regular),
            )
        return upheld(Grade.TEST)


def _autonomous(reads: Reads) -> np.ndarray:
    """By element of the state: whether it depends only on itself and others like it.

    The largest such set: everything, less what reads the world, noise, or something that is
    not in the set, until nothing goes any more.
    """
    count, places = len(reads.rows), reads.places
    before, now = reads.matrix[:, :count], reads.matrix[:, reads.first :]
    outside = (places.kind == Kind.WORLD) | (places.kind == Kind.KEY)
    alone = ~np.asarray(reads.matrix[:, outside].any(1))
    for leaf, aval in zip(places.made, reads.program.out_avals, strict=True):
        if jnp.issubdtype(aval.dtype, jax.dtypes.prng_key):  # carried noise is no clock
            alone[leaf.first - reads.first : leaf.first - reads.first + leaf.size] = False
    while True:
        left = alone & ~np.asarray(before[:, ~alone].any(1) | now[:, ~alone].any(1))
        if (left == alone).all():
            return alone
        alone = left


def _own_course(course: np.ndarray) -> np.ndarray:
    """Which elements change by what their value before the change tells, `[elements]`.

    All changes of all lives are put in the order of the values that they started from. Where the
    value tells the change, neighbors change alike; where it does not, they differ as any two.
    What leaks towards a value of its own, and forgets where it started, is no clock.
    """
    count = course.shape[2]
    if not count:
        return np.zeros(0, bool)
    before = course[:, :-1].reshape(-1, count)
    change = np.diff(course, axis=1).reshape(-1, count)
    order = np.argsort(before, axis=0, kind="stable")
    change = np.take_along_axis(change, order, 0)
    differ = np.abs(np.diff(change, axis=0)).mean(0)
    return np.asarray((differ <= REGULAR * np.abs(change).mean(0)) & ~_leaks(course, 0.5))


def _leaks(course: np.ndarray, told: float) -> np.ndarray:
    """Which elements `[elements]` move towards a value of their own, in steps of which more than
    a part is proportional to the way that is left."""
    count = course.shape[2]
    if not count:
        return np.zeros(0, bool)
    x = course[:, :-1].reshape(-1, count)
    y = np.diff(course, axis=1).reshape(-1, count)
    x, y = x - x.mean(0), y - y.mean(0)
    with np.errstate(all="ignore"):
        slope = (x * y).sum(0) / (x**2).sum(0)
        part = (x * y).sum(0) ** 2 / ((x**2).sum(0) * (y**2).sum(0))
    return np.asarray((slope > -1.0) & (slope < 0.0) & (part > told))


def _reader(reads: Reads, clocks: np.ndarray, others: np.ndarray) -> Found | None:
    """Somebody who reads a clock and is none of `others`."""
    count = len(reads.rows)
    for first in (0, reads.first):  # as it was before, and as it is now
        seen = reads.matrix[:, first : first + count] & clocks & ~others[:, None]
        if seen.any():
            reader, clock = np.argwhere(seen)[0]
            return Found(int(reader) + reads.first, int(clock) + first)
    return None


def _courses(evidence) -> np.ndarray:
    """Every element of the state over the sampled lives, `[lives, moments, elements]`. Infinities
    that are left again are numbers like others: larger than all that the element ever is."""
    flat = jax.tree.leaves(evidence.lives)
    shown = [
        np.zeros(leaf.shape)
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        else np.asarray(leaf, float)
        for leaf in flat
    ]
    course = np.concatenate([leaf.reshape(*leaf.shape[:2], -1) for leaf in shown], 2)
    infinite = np.isinf(course)
    left = infinite[:, :-1] & (course[:, 1:] != course[:, :-1]) & ~np.isnan(course[:, 1:])
    some = np.flatnonzero(left.sum(1).max(0) >= TICKS)
    if some.size:
        values = course[:, :, some]
        most = np.abs(np.where(np.isfinite(values), values, 0.0)).max((0, 1))
        beyond = np.sign(values) * (2 * most + 1)
        course[:, :, some] = np.where(infinite[:, :, some], beyond, values)
    return course


def _ticks(course: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        changes = np.diff(course, axis=1)
    return ((changes != 0) & np.isfinite(changes)).sum(1).max(0) >= TICKS


def _finite(course: np.ndarray) -> np.ndarray:
    return np.asarray(np.isfinite(course).all((0, 1)))


def _names(reads: Reads, clocks: np.ndarray) -> str:
    """The fields that hold clocks."""
    numbers = sorted({int(n) for n in reads.places.leaf[reads.rows[clocks]]})
    leaves = [reads.places.leaves[n] for n in numbers]
    named = [f"{leaf.field} of {leaf.owner}" if leaf.field else leaf.owner for leaf in leaves]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return f"clocks: {', '.join(named[:3])}{more}"
