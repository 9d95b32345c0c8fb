"""What two cells offer at one moment, inscribed at once."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class OneShot(AbstractSeparable):
    r"""Hebbian, and complete after one moment: the product of what both cells offer.

    $\Delta w_{ij} = \eta\, s_i s_j$, with $s$ the first signal of either cell.

    $\eta$ is fixed by hand, for what the cells offer is already of the right size
    (`Innovation`).

    References: Hebb (1949) The organization of behavior; Kohonen (1972)
    doi:10.1109/TC.1972.5008975 (correlation matrix memories).
    """

    source: ClassVar[Source] = Source(
        "Kohonen", 1972, "Correlation matrix memories", "10.1109/TC.1972.5008975"
    )
    rate: float = eqx.field(static=True, default=1.0)

    def __check_init__(self) -> None:
        if not 0 <= self.rate < float("inf"):
            raise ValueError(f"rate = {self.rate}: expected a number of 0 or more; give one")

    def post(self, cell, modulator):
        return self.rate * cell.post[:1]

    def pre(self, cell):
        return cell.pre[:1]
