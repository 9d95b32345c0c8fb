"""Outer loops that breed: what a generation of candidates lives."""

from __future__ import annotations

from metaplast.meta.abstract import AbstractMetaOptimizer, Dealt


class AbstractGenerations(AbstractMetaOptimizer):
    """An outer loop whose meta-step is a generation of `population` candidates, each of which
    lives `lives` lives. Whoever inherits has these two options, in the order that it likes."""

    @property
    def dealt(self) -> Dealt:
        return Dealt("population", self.population, self.lives)  # pyright: ignore
