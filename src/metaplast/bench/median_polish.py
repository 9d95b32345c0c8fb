"""What entries will take, from what others took: medians over learners and over settings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

FIXED = 2.0**32
"""Updates of synapses that take about as long as what every entry pays, such as compiling. Half
or twice as many forecast the entries that we have as well."""
SWEEPS = 5
"""Of the medians over learners, then settings."""


class Taken(NamedTuple):
    """An entry that was lived."""

    learner: str
    setting: str
    updates: int
    """Of synapses, at all moments of all its lives."""
    seconds: float


class Ahead(NamedTuple):
    """An entry that is still to be lived."""

    learner: str
    setting: str
    updates: int


class Effects(NamedTuple):
    """Logarithms (base 2) of how many times longer than its updates say an entry takes."""

    learners: dict[str, float]
    settings: dict[str, float]
    usual: float
    """Of a learner that nobody knows."""


def foreseen(
    past: Sequence[Taken], ahead: Iterable[Ahead], now: Collection[str] = ()
) -> list[float]:
    """Seconds of every entry ahead.

    Seconds are taken for a product: updates (and `FIXED`), what is the learner's, what is the
    setting's. Medians find both, so one entry on a busy machine moves no other.

    Args:
        past: entries that were lived, one or more.
        ahead: entries to come.
        now: settings lived just now. Where most of them take longer than others did, the machine
            is slower than it was, so settings that nobody has lived will take longer too.
    """
    learners, settings, usual = polished(past)
    # A setting may have ways of its own, so two more vote for the machine being as it was.
    pace = _middle([settings[setting] for setting in set(now)], 0.0, 0.0)
    return [
        2.0 ** (_size(e.updates) + learners.get(e.learner, usual) + settings.get(e.setting, pace))
        for e in ahead
    ]


def polished(past: Sequence[Taken]) -> Effects:
    """Effects of learners and settings, by median polish in logarithms.

    Every median has one more vote, for what is usual: a learner that lived once, or a setting that
    one learner lived, is believed by half.

    References: Tukey (1977), Exploratory Data Analysis, chapter 11.
    """
    cells = [(e.learner, e.setting, np.log2(e.seconds) - _size(e.updates)) for e in past]
    usual = _middle([excess for *_, excess in cells])
    learners, settings = {}, dict.fromkeys((setting for _, setting, _ in cells), 0.0)
    for _ in range(SWEEPS):
        rows = _grouped((who, excess - settings[where]) for who, where, excess in cells)
        learners = {who: _middle(values, usual) for who, values in rows.items()}
        usual = _middle(list(learners.values()))
        columns = _grouped((where, excess - learners[who]) for who, where, excess in cells)
        settings = {where: _middle(values, 0.0) for where, values in columns.items()}
    return Effects(learners, settings, usual)


def _size(updates: int) -> float:
    return float(np.log2(updates + FIXED))


def _grouped(pairs: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    groups = defaultdict(list)
    for name, value in pairs:
        groups[name].append(value)
    return groups


def _middle(values: Sequence[float], *votes: float) -> float:
    return float(np.median([*values, *votes]))
