"""A spike that is 0 or 1, and the slope that a derivative sees in its place."""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

DAMPING = 0.3
"""Height of the triangle: larger ones let derivatives through many steps explode."""

SURROGATES = {
    "fast_sigmoid": lambda v, width: 1.0 / (1.0 + jnp.abs(v) / width) ** 2,
    "triangle": lambda v, width: DAMPING * jnp.maximum(0.0, 1.0 - jnp.abs(v) / width),
    "arctan": lambda v, width: 1.0 / (math.pi * width * (1.0 + (v / width) ** 2)),
}
"""Slopes by name, functions of the distance `v` to the threshold and of a width in its units.

`fast_sigmoid`: Zenke & Ganguli (2018) doi:10.1162/neco_a_01086, of height 1.
`triangle`: Bellec et al. (2018) NeurIPS, arXiv:1803.09574, of height 0.3; 0 beyond the width.
`arctan`: Fang et al. (2021) doi:10.1109/ICCV48922.2021.00266, of area 1.
"""


def known_surrogate(name: str, width: float) -> None:
    """Refuse a name or a width that there is not.

    Raises:
        ValueError: an unknown name, or a width that is not positive.
    """
    if name not in SURROGATES:
        raise ValueError(f"surrogate = {name!r}, expected one of {sorted(SURROGATES)}")
    if not 0 < width < math.inf:
        raise ValueError(
            f"width = {width}: expected a finite positive number of thresholds; give 0.5"
        )


def slope(v: Float[Array, ""], surrogate: str, width: float) -> Float[Array, ""]:
    """The slope that a derivative sees at a distance `v` above the threshold."""
    return SURROGATES[surrogate](v, width)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def spike(v, surrogate: str, width: float):
    """1 where `v`, the distance to the threshold, is 0 or more, else 0; its derivative is `slope`.

    References: Neftci, Mostafa & Zenke (2019) doi:10.1109/MSP.2019.2931595.
    """
    return (v >= 0).astype(v.dtype)


@spike.defjvp
def _seen(surrogate, width, primals, tangents):
    (v,), (change,) = primals, tangents
    return spike(v, surrogate, width), slope(v, surrogate, width) * change
