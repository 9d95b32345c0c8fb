"""A scan in segments: what a backward pass keeps lies between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def in_segments(
    through: Callable[[Any, Any], tuple[Any, Any]], begin: Any, experience: Any, segment: int
) -> tuple[Any, Any]:
    """Go through the experience segment by segment.

    Args:
        through: `(carry, part) -> (carry, out)` over a part of any length.
        begin: the first carry.
        experience: leaves `[moments, ...]`.
        segment: moments in a segment. A horizon that is no multiple of it ends with a shorter one.

    Returns:
        The last carry, and `out` with leaves `[moments, ...]`.
    """
    length = jax.tree.leaves(experience)[0].shape[0]
    whole = length // segment * segment
    head = jax.tree.map(lambda a: a[:whole].reshape(-1, segment, *a.shape[1:]), experience)
    carry, out = jax.lax.scan(through, begin, head)
    out = jax.tree.map(lambda a: a.reshape(whole, *a.shape[2:]), out)
    if whole < length:
        carry, rest = through(carry, jax.tree.map(lambda a: a[whole:], experience))
        out = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), out, rest)
    return carry, out
