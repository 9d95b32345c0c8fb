"""Any function of theta and a key as lives of one moment each."""

from __future__ import annotations

from typing import NamedTuple

from metaplast.meta.abstract import Evaluate, Lives


class whole_lives(NamedTuple):
    """Lives that cannot be cut: each of them is one moment long.

    With it an estimator that holds lives half-lived also works on an objective that only knows
    whole ones.
    """

    evaluate: Evaluate

    @property
    def horizon(self) -> int:
        return 1

    @property
    def stretches(self) -> list[int]:
        return [1]

    @property
    def plain(self) -> whole_lives:
        return self

    def __call__(self, theta, key):
        return self.evaluate(theta, key)

    def begin(self, theta, key):
        del theta
        return key

    def advance(self, theta, life, moments: int):
        del moments
        loss, report = self.evaluate(theta, life)
        return loss, report, life


def as_lives(evaluate: Evaluate | Lives) -> Lives:
    """The objective, as lives that can be held half-lived."""
    return evaluate if isinstance(evaluate, Lives) else whole_lives(evaluate)
