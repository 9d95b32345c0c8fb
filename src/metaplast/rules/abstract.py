"""The contract of a plasticity rule: the chemistry of ONE synapse."""

from __future__ import annotations

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.source import Source
from metaplast.types import Cell, State, Synapse


class AbstractRule(eqx.Module):
    """What one synapse does, from what that synapse can sense.

    The network maps the rule over `[post, pre]`; what a rule is not given it cannot
    read, so synaptic locality holds by construction.
    """

    source: ClassVar[Source]

    def init(self) -> State:
        """Memory of a newborn synapse: a PyTree of scalars or short vectors."""
        return ()

    @abc.abstractmethod
    def __call__(self, synapse: Synapse, memory: State) -> tuple[Float[Array, ""], State]:
        """Return the change of weight at this moment, and the new memory."""

    def separated(self) -> tuple[AbstractSeparable, ...] | None:
        """Separable rules of which this one is the sum, where there are such."""
        return None

    def traced_products(self) -> tuple[AbstractSeparable, Float[Array, ""]] | None:
        """The separable rule whose products enter a trace of the synapse, by which, and by a leak,
        its weight changes; and the share of a trace that stays. Where there is such: `__call__`
        has to say the same of every synapse."""
        return None


class AbstractSeparable(AbstractRule):
    r"""A rule whose synapses only multiply what their two ends know, and leak.

    $\Delta w_{ij} = \sum_k a_{ik} b_{jk} - \lambda_i w_{ij}$, with $a$ and $\lambda$ decided by
    the post-synaptic cell and $b$ by the pre-synaptic one.

    Such a rule is mapped over cells, not over synapses: the n² synapses are left with products of
    vectors, forward and backward (`fast_weights`). It keeps no memory.
    """

    @abc.abstractmethod
    def post(self, cell: Cell, modulator: Float[Array, " modulators"]) -> Float[Array, " channels"]:
        """What the post-synaptic cell has to say: $a_i$."""

    @abc.abstractmethod
    def pre(self, cell: Cell) -> Float[Array, " channels"]:
        """What the pre-synaptic cell has to say: $b_j$. Channels that only one end offers are
        silent."""

    def leak(self, cell: Cell) -> Float[Array, ""]:
        r"""Share of the weight that is lost: $\lambda_i$; `cell` is post-synaptic.

        Best well below 1. Where the cell's activity decides (Oja's and Sanger's rules, SoftHebb),
        it may come near 1; the derivative of a life, which divides by what stays, is NaN then, and
        a search that loses all its lives to it says what helps.
        """
        return jnp.zeros_like(cell.drive)

    def __call__(self, synapse, memory):
        post = self.post(synapse.post, synapse.modulator)
        products = [a * b for a, b in zip(post, self.pre(synapse.pre), strict=False)]
        return sum(products) - self.leak(synapse.post) * synapse.weight, memory

    def separated(self) -> tuple[AbstractSeparable, ...] | None:
        return (self,)
