"""A rule for each kind of synapses: a truncated Taylor series in what spikes leave behind."""

from __future__ import annotations

import itertools
import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metaplast.rules.abstract import AbstractSeparable
from metaplast.signals import SPIKE, TRACE, from_post, from_pre
from metaplast.source import Source
from metaplast.types import Cell

ORDER = 3
NAMES = ("x", "X", "y", "Y", "r")
"""Pre-synaptic spike and its trace, the same post-synaptic, and the error of predicted reward."""
DT = 5.0
"""Length of a moment in ms."""
TAU = 40.0
"""Of the traces in ms."""
BUSY = 0.2
"""Spikes in a moment at which a trace settles at 1: 40 Hz."""
SHARE = (1.0 - math.exp(-DT / TAU)) / BUSY
"""What a spike adds to a trace."""
USUAL = (0.05, 0.3, 0.1, 0.5, 0.5)
"""About the mean size of each of the five, the last one when it is told."""


def _terms() -> list[tuple[int, ...]]:
    """Powers of the five, the constant first. A spike is 0 or 1, and so are its powers."""
    highest = (1, ORDER, 1, ORDER, ORDER)
    every = itertools.product(*(range(most + 1) for most in highest))
    return sorted((p for p in every if sum(p) <= ORDER), key=lambda p: (sum(p), p))


TERMS = _terms()
PRE = sorted({p[:2] for p in TERMS})
POST = sorted({p[2:] for p in TERMS})
PLACES = np.asarray([PRE.index(p[:2]) * len(POST) + POST.index(p[2:]) for p in TERMS])
"""Where each coefficient stands in a matrix `[pre, post]` of products."""


class SpikeSeries(AbstractSeparable):
    r"""All products of spikes, their traces and the error of reward, up to the third order.

    $\Delta w = \eta \sum_k \theta_k u_k\, x^a \bar x^b y^c \bar y^d r^e$ over all powers whose sum
    is at most `ORDER`: 44 terms, for $x$ and $y$ are 0 or 1. Traces are those before this moment's
    spikes. $u_k$ is one over what a term usually amounts to during one image, so a coefficient of 1
    moves a weight by about $\eta$ in that time, whichever term it is.

    Args:
        theta: coefficients, in the order of `TERMS`.
        step: $\eta$, in units of the weight.
        moments: from one image to the next.
    """

    source: ClassVar[Source] = Source(
        "Ye, Huang, Wu, Chen & Wu", 2026, "Discovering heterogeneous synaptic plasticity rules via "
        "large-scale neural evolution",
    )  # fmt: skip
    theta: Float[Array, " terms"]
    step: float = eqx.field(static=True, default=0.1)
    moments: int = eqx.field(static=True, default=20)

    def post(self, cell: Cell, modulator):
        spike, trace = from_post(cell, SPIKE), from_post(cell, TRACE) * SHARE
        each = (_powers(spike), _powers(trace), _powers(modulator[0]))
        known = jnp.stack([each[0][c] * each[1][d] * each[2][e] for c, d, e in POST])
        weighed = self.step * units(self.moments) * self.theta
        matrix = jnp.zeros(len(PRE) * len(POST)).at[PLACES].set(weighed)
        return matrix.reshape(len(PRE), len(POST)) @ known

    def pre(self, cell: Cell):
        # The trace before this moment's spike, as at the other end.
        spike = from_pre(cell, TRACE)
        trace = (from_pre(cell, SPIKE) - spike) * SHARE
        each = (_powers(spike), _powers(trace))
        return jnp.stack([each[0][a] * each[1][b] for a, b in PRE])


def units(moments: int) -> np.ndarray:
    """One over what each term usually amounts to in so many moments, in one of which a reward is
    told."""
    usual = np.prod(np.asarray(USUAL) ** np.asarray(TERMS), axis=1)
    told = np.asarray(TERMS)[:, -1] > 0
    return 1.0 / (usual * np.where(told, 1, moments))


def coefficients(**named: float) -> Float[Array, " terms"]:
    """Coefficients by the names of their terms, such as `xY` (`one` is the constant); others 0.

    Raises:
        ValueError: a name of no term.
    """
    theta = np.zeros(len(TERMS))
    for name, value in named.items():
        powers = (0,) * 5 if name == "one" else tuple(name.count(n) for n in NAMES)
        if powers not in TERMS or (name != "one" and set(name) - set(NAMES)):
            raise ValueError(f"{name}: expected a product of {NAMES} up to order {ORDER}, or 'one'")
        theta[TERMS.index(powers)] = value
    return jnp.asarray(theta)


def named(powers: tuple[int, ...]) -> str:
    """The name of a term, such as `xY`."""
    return "".join(n * p for n, p in zip(NAMES, powers, strict=True)) or "1"


def _powers(value: Float[Array, ""]) -> list[Float[Array, ""]]:
    found = [jnp.ones_like(value)]
    for _ in range(ORDER):
        found.append(found[-1] * value)
    return found
