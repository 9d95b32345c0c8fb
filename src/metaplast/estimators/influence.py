"""Influence balancing: a known gradient, which is another one through short horizons."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metaplast.meta.stretches import divisors


class Influence(NamedTuple):
    r"""A chain of cells that one number drives, the near ones upward and the far ones downward.

    $s_{t+1} = A s_t + \theta d$ with $A_{ii} = A_{i,i+1} = 1/2$, $d_i = 1$ for the first
    `upward` cells and $-1$ for the others; the loss of a moment is $(s_1 - 1)^2 / 2$. What is far
    arrives late and weighs more, so the derivative through a few moments has the wrong sign. The
    loss is quadratic in theta: blurring it moves no gradient.

    As `meta.Lives`: theta is `{"theta": []}`, a life is `[cells]`.

    References: Tallec & Ollivier (2017) arXiv:1702.05043; Vicol, Metz & Sohl-Dickstein (2021)
    arXiv:2112.13835, section 5.
    """

    horizon: int = 100
    cells: int = 23
    upward: int = 10

    @property
    def stretches(self) -> list[int]:
        return divisors(self.horizon)

    @property
    def plain(self) -> Influence:
        return self

    def __call__(self, theta, key):
        loss, report, _ = self.advance(theta, self.begin(theta, key), self.horizon)
        return loss, report

    def begin(self, theta, key) -> Float[Array, " cells"]:
        """Every life begins at rest."""
        del key
        return jnp.zeros(self.cells, theta["theta"].dtype)

    def advance(self, theta, life, moments: int):
        drive = theta["theta"] * jnp.asarray(
            np.where(np.arange(self.cells) < self.upward, 1.0, -1.0), life.dtype
        )

        def moment(state, _):
            state = (state + jnp.append(state[1:], 0.0)) / 2 + drive
            return state, (state[0] - 1) ** 2 / 2

        life, losses = jax.lax.scan(moment, life, None, moments)
        loss = jnp.mean(losses)
        return loss, (loss,), life
