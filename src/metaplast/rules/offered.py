"""A synapse without numbers of its own: the product of what its two cells offer."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class Offered(AbstractSeparable):
    r"""What the cell above tells its incoming synapses times what the one below offers: all rates
    are the cells'.

    $\Delta w_{ij} = s_i\, o_j$, with $s$ the signal `signal` that a cell offers the synapses onto
    it, and $o$ the first one that a cell offers those that it projects over. `back` is for a way
    back: its synapse ends at the lower of the two cells, and changes as the forward synapse
    between the same two does, $\Delta b_{ji} = o_j\, s_i$ (Kolen & Pollack). Cells that offer too
    few signals leave their synapses as they are.

    Where we deviate from Kolen & Pollack: nothing leaks, and what is multiplied is what cells say
    it is.

    Args:
        signal: which one of those that the upper cell offers its incoming synapses.
        back: whether the synapse leads from the upper cell to the lower one.

    References: Kolen & Pollack (1994) doi:10.1109/ICNN.1994.374486.
    """

    source: ClassVar[Source] = Source(
        "Kolen & Pollack", 1994, "Backpropagation without weight transport",
        "10.1109/ICNN.1994.374486",
    )  # fmt: skip
    signal: int = eqx.field(default=0, static=True)
    back: bool = eqx.field(default=False, static=True)

    def __check_init__(self) -> None:
        if not self.signal >= 0:
            raise ValueError(f"signal = {self.signal}: expected 0 or more; give 0 for the first")

    def post(self, cell, modulator):
        return cell.pre[:1] if self.back else self._told(cell)

    def pre(self, cell):
        return self._told(cell) if self.back else cell.pre[:1]

    def _told(self, cell):
        return cell.post[self.signal : self.signal + 1]
