"""The nonlinearity of small networks that live in every synapse: n² of them pay for it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.custom_jvp
def squash(v: Float[Array, "*cells"]) -> Float[Array, "*cells"]:
    """Softsign, $v / (1 + |v|)$."""
    return v / (1 + jnp.abs(v))


@squash.defjvp
def _(given, nudges):
    # By the chain rule it would go through the sign of v, and take twice as long.
    ((v,), (nudge,)) = given, nudges
    share = 1 / (1 + jnp.abs(v))
    return v * share, share * share * nudge
