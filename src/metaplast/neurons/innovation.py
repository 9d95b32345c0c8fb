"""Innovation cells: each says of a stimulus only what the cells before it have not said."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.positive import Positive, positive_as
from metaplast.source import Source


class InnovationState(NamedTuple):
    awake: Float[Array, ""]
    """0 until the cell is driven for the first time, then 1."""
    waking: Float[Array, ""]
    """How much it woke at this very moment."""
    share: Float[Array, ""]


class Innovation(AbstractNeuron):
    r"""A relay cell that settles with its neighbors, who cancel what they say already.

    The cells relay rates $k$ of a growing basis of radial cells and settle at
    $u = H k$ over their lateral synapses. At the moment at which a cell wakes (its radial
    cell was recruited), every cell knows its share of the *innovation*
    $v = \rho - u$, with $\rho$ one for the cell that wakes and zero for the others, and
    the interneuron knows what is new: $s = 1 + \epsilon - \sum_j k_j u_j$.

    The cells offer $v / \sqrt s$ to their synapses, at moments of waking only. With
    `OneShot` lateral synapses ($\Delta H_{ij} = v_i v_j / s$) that makes $H$, from
    zero, the inverse of the kernel matrix of all stored stimuli, cell by cell; so $k \cdot u$
    is what a Nyström approximation takes for the similarity of a stimulus with itself.
    $\epsilon$ keeps copies of a stored stimulus from counting as new. What is new is
    inhibited away where the interneuron hears more than one stimulus can be worth.

    Args:
        floor: $\epsilon$; without units, as rates and what is new are.

    References: Csató & Opper (2002) doi:10.1162/089976602317250933 (the growing inverse);
    Williams & Seeger (2001) NeurIPS (Nyström).
    """

    source: ClassVar[Source] = Source(
        "Csato & Opper", 2002, "Sparse on-line Gaussian processes", "10.1162/089976602317250933"
    )
    floor: Positive = eqx.field(default=0.05, converter=positive_as("floor"))

    def init(self, position, spacing):
        return InnovationState(jnp.zeros(()), jnp.zeros(()), spacing)

    def fire(self, state, drive, key):
        # Waking is all or nothing: a cell that wakes by halves would break the recursion.
        waking = (drive > 0.5) * (1.0 - state.awake)
        state = state._replace(awake=state.awake + waking, waking=waking)
        return state, eqx.tree_at(lambda c: c.activity, silent(drive), drive)

    def settle(self, state, cell, lateral):
        shares = (cell.activity * lateral, state.waking, state.waking * cell.activity)
        pooled = jnp.stack(shares)
        return state, eqx.tree_at(lambda c: (c.settled, c.pooled), cell, (lateral, pooled))

    def rebalance(self, state, cell, pool):
        known = jnp.maximum(pool[0] / state.share, 0.0)
        woken = pool[1] / state.share
        innovation = (state.waking - cell.settled) * woken * (known < 1.0)
        size = 1.0 + self.floor.value - jnp.minimum(known, 1.0)
        # The cells settle at once as they will settle once their synapses have changed. Exactly
        # so, or the association area, which relies on it, would count the stimulus twice.
        unknown = pool[2] / state.share - known
        settled = cell.settled + innovation * unknown / size
        damped = jax.lax.rsqrt(jnp.maximum(known, 1.0))
        offered = (innovation * jax.lax.rsqrt(size))[None]
        return state, eqx.tree_at(
            lambda c: (c.activity, c.settled, c.post, c.pre),
            cell,
            (cell.activity * damped, settled * damped, offered, offered),
        )

    def reply(self, state, cell, apical, pool, modulator):
        return state, cell
