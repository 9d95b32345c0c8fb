"""Output cells: they compare what they did with what was wanted of them."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.positive import Positive, positive
from metaplast.source import Source


class OutputState(NamedTuple):
    excitability: Float[Array, ""]
    share: Float[Array, ""]
    """1 / population size, fixed at birth: it turns the interneuron's mean into a sum."""


class Output(AbstractNeuron):
    r"""A cell whose message is the error *wanted − given*.

    `softmax`: $y_i = e^{v_i} / \sum_j e^{v_j}$, the sum computed by the population's
    interneuron, and the error is the negative gradient of cross-entropy; exponents are clipped to
    ±40, beyond which cells share alike (the drive itself, which is the answer, is not).
    `linear`: $y_i = v_i$, the error is that of least squares. In both, the excitability
    (a bias that is part of $v$) follows the cell's own error at `rate`, from 0 at birth.

    Where synapses follow another error than the cell's own (a learned cell's corrected one), both
    rest at different places, and excitability and synapses move apart for as long as the cell
    lives, unless excitability leaks.

    Args:
        error: which one.
        rate: of the excitability.
        leak: share of the excitability that is lost in a moment.

    References: Widrow & Hoff (1960); Bridle (1990) doi:10.1007/978-3-642-76153-9_28.
    """

    source: ClassVar[Source] = Source(
        "Bridle", 1990,
        "Probabilistic interpretation of feedforward classification network outputs",
        "10.1007/978-3-642-76153-9_28",
    )  # fmt: skip
    error: Literal["softmax", "linear"] = eqx.field(default="softmax", static=True)
    rate: Positive = eqx.field(default=0.0, converter=positive)
    leak: float = eqx.field(default=0.0, static=True)

    def __check_init__(self) -> None:
        if self.error not in ("softmax", "linear"):
            raise ValueError(f"error = {self.error!r}, expected 'softmax' or 'linear'")
        if not 0 <= self.leak < 1:
            raise ValueError(f"leak = {self.leak}: expected a share below 1; give 0.0 for none")

    def init(self, position, spacing):
        return OutputState(jnp.zeros(()), spacing)

    def fire(self, state, drive, key):
        drive = drive + state.excitability
        cell = silent(drive)
        if self.error == "linear":
            return state, eqx.tree_at(lambda c: c.activity, cell, drive)
        power = jnp.exp(jnp.clip(drive, -40.0, 40.0))
        pooled = cell.pooled.at[0].set(power)
        return state, eqx.tree_at(lambda c: (c.activity, c.pooled), cell, (power, pooled))

    def inhibit(self, state, cell, pool):
        if self.error == "linear":
            return state, cell
        total = pool[0] / state.share
        return state, eqx.tree_at(lambda c: c.activity, cell, cell.activity / total)

    def reply(self, state, cell, apical, pool, modulator):
        error = apical - cell.activity
        cell = eqx.tree_at(
            lambda c: (c.message, c.post, c.pre), cell, (error, error[None], cell.activity[None])
        )
        changed = (1.0 - self.leak) * state.excitability + self.rate.value * error
        return state._replace(excitability=changed), cell
