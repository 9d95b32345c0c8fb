"""Rate cells that pass an error on without knowing their own slope."""

from __future__ import annotations

from typing import ClassVar, Literal

import equinox as eqx

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.rate import fired, known_nonlinearity
from metaplast.positive import Positive, positive
from metaplast.source import OWN, Source


class Slopeless(AbstractNeuron):
    r"""A cell that takes what it hears from above for its error, as it arrives.

    Up, $y = \phi(v + b)$ with $v$ the basal drive and $b$ its excitability, 0 at birth. Down, the
    message is the apical input $a$, where `Rate` sends $\phi'(v)\,a$. The excitability follows the
    message at `rate`, as a synapse from a cell that always says 1 would.

    Args:
        nonlinearity: $\phi$.
        rate: of the excitability.
    """

    source: ClassVar[Source] = OWN
    nonlinearity: Literal["linear", "tanh", "relu", "softplus"] = eqx.field(
        default="tanh", static=True
    )
    rate: Positive = eqx.field(default=0.0, converter=positive)

    def __check_init__(self) -> None:
        known_nonlinearity(self.nonlinearity)

    def init(self, position, spacing):
        return 0.0 * position

    def fire(self, state, drive, key):
        return state, fired(drive + state, self.nonlinearity)

    def reply(self, state, cell, apical, pool, modulator):
        cell = eqx.tree_at(
            lambda c: (c.message, c.post, c.pre),
            cell,
            (apical, apical[None], cell.activity[None]),
        )
        return state + self.rate.value * apical, cell
