"""A small network that one cell asks what to do, and a derivative of it for all cells of a kind.

The derivative of a network that many cells share is, for each of its matrices, a sum of outer
products over cells. JAX makes each of them as many tiny products as there are lives, and carries
derivatives back with features where vector units want to run along cells. So all cells of a
population are differentiated together: features by cells all the way, and every sum over cells in
one product. What that is worth is in `docs/lab-notes.md` (what a third of a meta-gradient went to).
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap
from jax.lax import optimization_barrier as as_it_lies
from jaxtyping import Array, Float

from metaplast.reverse import only_backward

Parameters = tuple[
    Float[Array, "width features"],
    Float[Array, " width"],
    Float[Array, "decisions width"],
    Float[Array, " decisions"],
]


class Decision(eqx.Module):
    """A two-layer network that one cell asks what to do; all cells of a kind share it.

    Inputs are squashed to [-1, 1]. The last layer starts small, so that a search starts
    at the undecided cell.
    """

    hidden: Float[Array, "width features"]
    bias: Float[Array, " width"]
    out: Float[Array, "decisions width"]
    offset: Float[Array, " decisions"]

    def __init__(self, features: int, decisions: int, width: int, start: float, seed: int):
        # NumPy, for JAX would compile a program for every shape there is.
        draw = np.random.default_rng(seed).standard_normal
        self.hidden = jnp.asarray(draw((width, features)) / np.sqrt(features), float)
        self.bias = jnp.zeros(width)
        self.out = jnp.asarray(start * draw((decisions, width)), float)
        self.offset = jnp.zeros(decisions)

    def __call__(self, features: Float[Array, " features"]) -> Float[Array, " decisions"]:
        parameters = (self.hidden, self.bias, self.out, self.offset)
        return (decided_together if only_backward() else decided)(parameters, features)


def decided(
    parameters: Parameters, features: Float[Array, " features"]
) -> Float[Array, " decisions"]:
    """What one cell decides."""
    hidden, bias, out, offset = parameters
    squashed = features * jax.lax.rsqrt(1.0 + features**2)
    return out @ jnp.tanh(hidden @ squashed + bias) + offset


decided_together = custom_vmap(decided)
"""The same; and where it is mapped over cells, with a derivative of its own."""


@decided_together.def_vmap
def _mapped(cells: int, mapped, parameters, features):
    shared = not any(jax.tree.leaves(mapped[0]))
    if shared and mapped[1]:
        return _all_cells(parameters, features), True
    axes = (jax.tree.map(lambda m: 0 if m else None, mapped[0]), 0 if mapped[1] else None)
    return jax.vmap(decided, axes, axis_size=cells)(parameters, features), True


@jax.custom_vjp
def _all_cells(
    parameters: Parameters, features: Float[Array, "cells features"]
) -> Float[Array, "cells decisions"]:
    return _forward(parameters, features)[0]


def _forward(parameters: Parameters, features):
    hidden, bias, out, offset = parameters
    features = features.T
    scale = jax.lax.rsqrt(1.0 + features**2)
    squashed = features * scale
    activity = jnp.tanh(hidden @ squashed + bias[:, None])
    return (out @ activity + offset[:, None]).T, (hidden, out, scale, squashed, activity)


def _backward(kept, decisions_bar):
    hidden, out, scale, squashed, activity = kept
    # A product of a transposed matrix would lie cells by features again, hence `as_it_lies`.
    decisions_bar = as_it_lies(decisions_bar.T)
    drive_bar = (as_it_lies(out.T) @ decisions_bar) * (1.0 - activity**2)
    squashed_bar = as_it_lies(hidden.T) @ drive_bar
    # Two of the four blocks of this product are nobody's derivative; two products took longer.
    told = as_it_lies(jnp.concatenate([drive_bar, decisions_bar]))
    heard = jnp.concatenate([squashed, activity, jnp.ones_like(activity[:1])])
    sums = told @ heard.T
    width, features = hidden.shape
    parameters_bar = (
        sums[:width, :features], sums[:width, -1], sums[width:, features:-1], sums[width:, -1]
    )  # fmt: skip
    return parameters_bar, (squashed_bar * scale**3).T


_all_cells.defvjp(_forward, _backward)
