"""What any cell remembers of its own activity: the traces that spike-timing rules read."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.rate import Rate
from metaplast.positive import Positive, kept, known_step, positive_as
from metaplast.signals import offered
from metaplast.source import Source
from metaplast.types import Cell, State

STANDARD = 3
"""Signals that the cell itself offers its incoming synapses: error, slope, what was heard."""


class TracedState(NamedTuple):
    """Traces that count this moment's activity."""

    filtered: Float[Array, ""]
    pre_fast: Float[Array, ""]
    pre_slow: Float[Array, ""]
    post_fast: Float[Array, ""]
    post_slow: Float[Array, ""]
    inner: State


class Traced(AbstractAround):
    r"""Another cell that remembers its activity in traces, and offers them to its synapses.

    Each trace is $r \leftarrow e^{-dt/\tau}\, r + y$, with $y$ the activity (a spike or a rate)
    of the cell `base`. Its signals are those of `metaplast.signals`, and with them pair and
    triplet rules and online e-prop are products of what two cells know (`AbstractSeparable`).

    Within a moment a stimulus passes from the first population to the last, so a pre-synaptic
    spike comes before a post-synaptic one of the same moment. Hence what a cell offers its
    outgoing synapses, $\bar x$ and $r_1$, counts this moment's spike; what it offers its
    incoming ones, $o_1$ and $o_2$, and the slow $r_2$, do not. For a base cell that offers fewer
    than three signals the slope is 1, and what it heard is its error.

    Args:
        base: the cell that fires and replies.
        tau: of $\bar x$ in ms; for e-prop, the post-synaptic membrane's.
        tau_plus: of $r_1$ in ms, the window of potentiation.
        tau_minus: of $o_1$ in ms, the window of depression.
        tau_x: of $r_2$ in ms.
        tau_y: of $o_2$ in ms.
        dt: length of a moment in ms.

    References: Pfister & Gerstner (2006) doi:10.1523/JNEUROSCI.1425-06.2006 (traces and time
    constants, visual cortex); Morrison, Diesmann & Gerstner (2008) doi:10.1007/s00422-008-0233-1.
    """

    source: ClassVar[Source] = Source(
        "Morrison, Diesmann & Gerstner", 2008,
        "Phenomenological models of synaptic plasticity based on spike timing",
        "10.1007/s00422-008-0233-1",
    )  # fmt: skip
    base: AbstractNeuron = eqx.field(default_factory=Rate)
    tau: Positive = eqx.field(default=20.0, converter=positive_as("tau"))
    tau_plus: Positive = eqx.field(default=16.8, converter=positive_as("tau_plus"))
    tau_minus: Positive = eqx.field(default=33.7, converter=positive_as("tau_minus"))
    tau_x: Positive = eqx.field(default=101.0, converter=positive_as("tau_x"))
    tau_y: Positive = eqx.field(default=114.0, converter=positive_as("tau_y"))
    dt: float = eqx.field(default=1.0, static=True)

    def __check_init__(self) -> None:
        known_step(self.dt)

    def init(self, position, spacing):
        zero = jnp.zeros(())
        return TracedState(zero, zero, zero, zero, zero, self.base.init(position, spacing))

    def rebalance(self, state, cell, pool):
        state, cell = super().rebalance(state, cell, pool)

        def seen(trace, tau):
            return kept(tau, self.dt) * trace + cell.activity

        traced = state._replace(
            filtered=seen(state.filtered, self.tau),
            pre_fast=seen(state.pre_fast, self.tau_plus),
            pre_slow=seen(state.pre_slow, self.tau_x),
            post_fast=seen(state.post_fast, self.tau_minus),
            post_slow=seen(state.post_slow, self.tau_y),
        )
        # What was counted is offered to outgoing synapses until the reply, which takes it out
        # again: a cell around this one may have changed the activity by then.
        return traced, eqx.tree_at(lambda c: c.pre, cell, cell.pre.at[0].set(cell.activity))

    def reply(self, state, cell, apical, pool, modulator):
        counted = cell.pre[0]
        state, cell = super().reply(state, cell, apical, pool, modulator)
        y = cell.activity
        fast, slow = state.post_fast - counted, state.post_slow - counted
        pre_slow = state.pre_slow - counted
        post = offered(*_standard(cell), y, fast, y * slow, fast)
        pre = offered(*(3 * [state.filtered]), state.pre_fast, y, state.pre_fast, y * pre_slow)
        cell = eqx.tree_at(lambda c: (c.post, c.pre), cell, (post, pre))
        return state, cell


def _standard(cell: Cell):
    """Error, slope and what was heard, as the cell offers them or as they are without a slope."""
    if cell.post.shape[0] >= STANDARD:
        return cell.post[:STANDARD]
    return cell.post[0], jnp.ones_like(cell.activity), cell.post[0]
