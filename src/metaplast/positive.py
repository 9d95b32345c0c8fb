"""Numbers that must stay positive while a search moves them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float


class Positive(eqx.Module):
    """A rate, kept as its logarithm, so that a step of a search changes it by a factor."""

    log: Float[Array, ""]

    @property
    def value(self) -> Float[Array, ""]:
        return jnp.exp(self.log)


def positive(value: Any, name: str = "rate") -> Positive:
    """Converter for fields of type `Positive`. Zero is allowed and stays zero.

    Args:
        value: the number, of Python, NumPy or JAX, or a `Positive`. What is traced cannot be
            looked at, and is NaN where it turns out negative.
        name: of the argument, for the message.

    Raises:
        ValueError: where the number is negative or not finite, or is none.
    """
    if isinstance(value, Positive):
        return value
    if not isinstance(value, (int, float, np.generic, np.ndarray, jax.Array)) or np.ndim(value):
        raise ValueError(f"{name} = {value!r}: expected one number of 0 or more")
    if isinstance(value, Tracer):
        return Positive(jnp.log(value))
    value = float(value)
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} = {value}: expected a number of 0 or more; give a positive one")
    return Positive(jnp.asarray(-jnp.inf if value == 0 else math.log(value)))


def positive_as(name: str) -> Callable[[Any], Positive]:
    """`positive` for a field that is not called `rate`: a converter is not told whose it is."""

    def convert(value: Any) -> Positive:
        return positive(value, name)

    return convert


def kept(tau: Positive, dt: float = 1.0) -> Float[Array, ""]:
    """The share of a fading value that the time constant `tau` leaves after `dt`; 0 at tau = 0."""
    # At 0 the derivative of the exponential is no number, though its limit is 0.
    return jnp.exp(-dt / jnp.maximum(tau.value, 1e-3 * dt))


def known_step(dt: float) -> None:
    """Refuse a step that is no time.

    Raises:
        ValueError: `dt` is not a positive number.
    """
    if not 0 < dt < math.inf:
        raise ValueError(f"dt = {dt}: expected a finite positive number of ms; give 1.0")
