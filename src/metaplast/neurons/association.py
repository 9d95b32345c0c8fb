"""Association cells: they settle with their neighbors, and so decorrelate what they relay."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.source import Source
from metaplast.types import Cell


class AssociationState(NamedTuple):
    share: Float[Array, ""]


class Association(AbstractNeuron):
    r"""A cell that settles with its neighbors; with the right plasticity, least squares.

    A cell that relays $x$, settles at $u$ and is divided by its interneuron:
    $g = 1 + \sum_j x_j u_j$. What arrives at its lateral site is $u = P_0 x + \Delta P x$: where
    its relay settled without anything learned (the prior), and what its plastic lateral
    synapses, zero at birth, have learned of it.

    It offers $u / g$ to its outgoing synapses and $u / \sqrt g$ to its lateral ones. With
    `Decorrelation` on the lateral synapses and the delta rule on the outgoing ones this
    *is* recursive least squares with the prior covariance $P_0$, in terms that each cell and
    synapse can know. $x$ is in units of the stimulus, $u$ in those of $P_0 x$; $g$ has none.

    References: Plackett (1950) doi:10.1093/biomet/37.1-2.149 for the recursion.
    """

    source: ClassVar[Source] = Source(
        "Plackett", 1950, "Some theorems in least squares", "10.1093/biomet/37.1-2.149"
    )

    def init(self, position, spacing):
        return AssociationState(spacing)

    def fire(self, state, drive, key):
        return state, eqx.tree_at(lambda c: c.activity, silent(drive), drive)

    def settle(self, state, cell, lateral):
        return state, pooling(cell, lateral)

    def reply(self, state, cell, apical, pool, modulator):
        return state, divided(cell, pool, state.share)


def pooling(cell: Cell, settled: Float[Array, ""]) -> Cell:
    """A cell that has settled, and gives the interneuron what it says times where it settled."""
    pooled = cell.pooled.at[0].set(cell.activity * settled)
    return eqx.tree_at(lambda c: (c.settled, c.pooled), cell, (settled, pooled))


def divided(cell: Cell, pool: Float[Array, " pool"], share: Float[Array, ""]) -> Cell:
    """A cell that offers its synapses where it settled, divided by what the interneuron knows.

    Args:
        cell: one that has been through `pooling`.
        pool: means over the population.
        share: 1 / population size.
    """
    # Rounding can leave the lateral matrix slightly indefinite in very long lives.
    gain = 1.0 + jnp.maximum(pool[0] / share, 0.0)
    offered = (cell.settled / gain)[None]
    return eqx.tree_at(
        lambda c: (c.pre, c.settled), cell, (offered, cell.settled * jax.lax.rsqrt(gain))
    )
