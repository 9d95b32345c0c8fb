"""Rate cells that pass an error on without knowing their own slope."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.rate import fired, known_nonlinearity
from metaplast.positive import Positive, positive
from metaplast.source import OWN, Source


class Slopeless(AbstractNeuron):
    r"""A cell that takes what it hears from above for its error, unless it is too loud to listen.

    Up, $y = \phi(v + b)$ with $v$ the basal drive and $b$ its excitability, 0 at birth. Down, the
    message is the apical input $a$ while $|y| < c$ and nothing beyond, where `Rate` sends
    $\phi'(v)\,a$. The excitability follows the message at `rate`, as a synapse from a cell that
    always says 1 would.

    Without the ceiling $c$ nothing stops a cell that is driven into saturation from being driven
    further, and deep networks of such cells fail. It takes a comparison of the cell's own rate
    with a number; how the rate depends on the drive, the cell does not know.

    Args:
        nonlinearity: $\phi$.
        rate: of the excitability.
        ceiling: $c$, in units of the rate; by default there is none.

    References: Hubara et al. (2016) arXiv:1602.02830, whose straight-through estimator is closed
    beyond a bound in the same way.
    """

    source: ClassVar[Source] = OWN
    nonlinearity: Literal["linear", "tanh", "relu", "softplus"] = eqx.field(
        default="tanh", static=True
    )
    rate: Positive = eqx.field(default=0.0, converter=positive)
    ceiling: float = eqx.field(default=math.inf, static=True)

    def __check_init__(self) -> None:
        known_nonlinearity(self.nonlinearity)
        if not self.ceiling > 0:
            raise ValueError(f"ceiling = {self.ceiling}: expected a positive number; give 0.8")

    def init(self, position, spacing):
        return 0.0 * position

    def fire(self, state, drive, key):
        return state, fired(drive + state, self.nonlinearity)

    def reply(self, state, cell, apical, pool, modulator):
        message = jnp.where(jnp.abs(cell.activity) < self.ceiling, apical, 0.0)
        cell = eqx.tree_at(
            lambda c: (c.message, c.post, c.pre),
            cell,
            (message, message[None], cell.activity[None]),
        )
        return state + self.rate.value * message, cell
