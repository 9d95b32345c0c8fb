"""The best setting of a candidate, chosen in hindsight on the very lives of the comparison.

That favors whoever is tuned, which is the intention: rivals are tuned, found rules are
not. First every grid point lives the first few lives, and the grid grows outward while
its best point lies on an edge; then the points half a step beside the best one; then
the best few points live all lives, and the grid grows once more where the winner of those lies on
an edge.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np

from metaplast.bench.living import Arena, Outcome
from metaplast.learners.candidate import Candidate, Grid, Variant
from metaplast.lifetime import Learner

FIRST = 4
"""Lives on which the whole grid is tried."""
FINALISTS = 3
"""Grid points that live all lives."""
EXTENSIONS = 4
"""How often a grid may grow beyond its edges on the first lives, and as often on all of them."""
GROWTH = 3
"""Points that an extension adds."""


Judged = Literal["online", "held_out"]


class Trial(NamedTuple):
    """One grid point, and how it did on the first lives."""

    variant: Variant
    value: float
    outcome: Outcome
    """Of this point alone: leading axis 1."""
    judged: Judged = "online"

    @property
    def score(self) -> float:
        outcome = self.outcome
        return float((outcome.accuracy if self.judged == "online" else outcome.test).mean())

    def describe(self) -> dict[str, Any]:
        number = {} if self.variant.grid is None else {self.variant.grid.name: _short(self.value)}
        return {**self.variant.settings, **number}


class Tuned(NamedTuple):
    """The winner of a candidate."""

    learner: Learner
    outcome: Outcome
    """On all lives; leading axis 1."""
    report: dict[str, Any]
    """What was tuned, to what, and the grid that was tried; empty where nothing was."""


def tune(candidate: Candidate, arena: Arena, lives: int, judged: Judged = "online") -> Tuned:
    """Choose the best setting, and let it live all lives.

    Args:
        candidate: what there is to choose from.
        arena: whose lives they are.
        lives: how many the winner lives.
        judged: by mean accuracy over the life (`online`), or by that on held-out examples at
            its end, for tasks whose lives are too short or too easy to be judged online.
    """
    if all(variant.grid is None for variant in candidate.variants):
        return _choose(candidate, arena, lives, judged)
    first = range(min(FIRST, lives))
    arena.prepare([variant.build(_grid(variant).start) for variant in candidate.variants])
    trials = [t for variant in candidate.variants for t in _explore(variant, arena, first, judged)]
    finalists = sorted(trials, key=lambda t: -t.score)[:FINALISTS]
    rest = range(len(first), lives)
    if rest:
        finalists = _live_on(finalists, arena, rest)
    winner = max(finalists, key=lambda t: t.score)
    for _ in range(EXTENSIONS):
        beyond = _beyond_winner(winner, trials)
        if not (rest and beyond):
            break
        more = _try(winner.variant, beyond, arena, first, judged)
        trials += more
        winner = max(winner, *_live_on(more, arena, rest), key=lambda t: t.score)
    return Tuned(
        winner.variant.build(winner.value), winner.outcome, _report(winner, trials, len(first))
    )


def _choose(candidate: Candidate, arena: Arena, lives: int, judged: Judged) -> Tuned:
    """Nothing but choices: every variant lives every life."""
    trials = [
        t
        for variant in candidate.variants
        for t in _tried(
            variant, [math.nan], arena.live([variant.build(math.nan)], range(lives)), judged
        )
    ]
    winner = max(trials, key=lambda t: t.score)
    report = _report(winner, trials, lives) if len(trials) > 1 else {}
    return Tuned(winner.variant.build(winner.value), winner.outcome, report)


def _explore(variant: Variant, arena: Arena, lives: range, judged: Judged) -> list[Trial]:
    """Coarse grid, extensions beyond its edges, half steps around the best."""
    grid = _grid(variant)
    trials = _try(variant, list(grid.coarse), arena, lives, judged)
    for _ in range(EXTENSIONS):
        beyond = _beyond(trials, grid)
        if not beyond:
            break
        trials = sorted(trials + _try(variant, beyond, arena, lives, judged), key=lambda t: t.value)
    middle = best(trials).value
    step = math.sqrt(grid.factor)
    beside = _try(variant, [middle / step, middle * step], arena, lives, judged)
    return sorted(trials + beside, key=lambda t: t.value)


def _grid(variant: Variant) -> Grid:
    if variant.grid is None:
        raise ValueError(f"variant {dict(variant.settings)}: expected a grid, as the others have")
    return variant.grid


def _try(
    variant: Variant, values: list[float], arena: Arena, lives: range, judged: Judged
) -> list[Trial]:
    learners = [variant.build(value) for value in values]
    return _tried(variant, values, arena.live(learners, lives, tuning=True), judged)


def _tried(variant: Variant, values: list[float], outcome: Outcome, judged: Judged) -> list[Trial]:
    return [
        Trial(variant, value, Outcome(*(part[i : i + 1] for part in outcome)), judged)
        for i, value in enumerate(values)
    ]


def best(trials: list[Trial]) -> Trial:
    """The trial with the highest score; of equals, the one nearest to the middle."""
    middle = (len(trials) - 1) / 2
    top = max(t.score for t in trials)
    equals = [i for i, t in enumerate(trials) if t.score == top]
    return trials[min(equals, key=lambda i: abs(i - middle))]


def _beyond(trials: list[Trial], grid: Grid) -> list[float]:
    """Points outside the edge on which the best one lies; none where it lies inside."""
    return _outside(best(trials).value, [t.value for t in trials], grid)


def _beyond_winner(winner: Trial, trials: list[Trial]) -> list[float]:
    """The same for the winner on all lives, which need not be the best one on the first."""
    tried = sorted(t.value for t in trials if t.variant is winner.variant)
    return _outside(winner.value, tried, _grid(winner.variant))


def _outside(at: float, values: list[float], grid: Grid) -> list[float]:
    steps = [grid.factor**k for k in range(1, GROWTH + 1)]
    if at == values[-1]:
        return [at * step for step in steps]
    if at == values[0]:
        return [at / step for step in reversed(steps)]
    return []


def _live_on(finalists: list[Trial], arena: Arena, lives: range) -> list[Trial]:
    """The finalists live the lives that they have not lived yet."""
    grown = []
    for variant in {id(t.variant): t.variant for t in finalists}.values():
        same = [t for t in finalists if t.variant is variant]
        rest = _try(variant, [t.value for t in same], arena, lives, same[0].judged)
        for early, late in zip(same, rest, strict=True):
            parts = zip(early.outcome, late.outcome, strict=True)
            whole = Outcome(*(np.concatenate(pair, axis=1) for pair in parts))
            grown.append(early._replace(outcome=whole))
    return grown


def _report(winner: Trial, trials: list[Trial], lives: int) -> dict[str, Any]:
    score = f"{winner.judged}_accuracy"
    tried = [{**t.describe(), score: round(t.score, 4)} for t in trials]
    grid = {
        name: list(dict.fromkeys(t[name] for t in tried if name in t))
        for name in dict.fromkeys(name for t in tried for name in t if name != score)
    }
    edge = _on_edge(winner, trials)
    return {
        **winner.describe(),
        "grid": {name: _ordered(values) for name, values in grid.items()},
        "tried": tried,
        "tried_on_lives": lives,
        "on_edge": edge,
    }


def _on_edge(winner: Trial, trials: list[Trial]) -> bool:
    values = [t.value for t in trials if t.variant is winner.variant]
    return winner.variant.grid is not None and winner.value in (min(values), max(values))


def _ordered(values: list) -> list:
    return sorted(values) if all(isinstance(v, float) for v in values) else values


def _short(value: float) -> float:
    return float(f"{value:.4g}")
