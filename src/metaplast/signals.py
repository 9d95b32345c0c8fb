"""The order in which cells offer signals to their synapses, and what stands in for what they lack.

Signal k of the post-synaptic cell (`Cell.post`) meets signal k of the pre-synaptic one
(`Cell.pre`), so a rule that weighs the products (`Factored`) holds the classic rules as points:

| k | post-synaptic | pre-synaptic | product |
|---|---|---|---|
| 0 `ERROR` | learning signal x slope | filtered activity | e-prop, the delta rule |
| 1 `SLOPE` | slope of the cell's firing | filtered activity | eligibility |
| 2 `HEARD` | learning signal, as it arrived | filtered activity | delta rule without the slope |
| 3 `SPIKE` | activity | fast trace | pair potentiation |
| 4 `TRACE` | fast trace | activity | pair depression |
| 5 `TRIPLET` | activity x slow trace | fast trace | triplet potentiation |
| 6 `TRIPLET_DOWN` | fast trace | activity x slow trace | triplet depression |

Spiking cells offer the first three to their incoming synapses; `neurons.Traced` adds the rest.
Cells with fewer signals are cells without memory: their trace is what they do now.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.types import Cell

ERROR, SLOPE, HEARD, SPIKE, TRACE, TRIPLET, TRIPLET_DOWN = range(7)
COUNT = 7

Signal = Float[Array, "*cells"]


def offered(*signals: Float[Array, ""]) -> Float[Array, " signals"]:
    """Signals of one cell as a vector, of which those that no rule reads cost nothing.

    Mapped over cells, `jnp.stack` makes `[signals, cells]` and transposes it. XLA does not look
    through a transpose, and computes all signals where one is read, and the traces behind them.
    This is `[cells, signals]` at once.
    """
    return jnp.concatenate([jnp.reshape(signal, (1,)) for signal in signals])


def from_post(cell: Cell, signal: int) -> Signal:
    """One signal that a post-synaptic cell offers its incoming synapses."""
    offered = cell.post.shape[-1]
    if signal == ERROR or offered >= COUNT or (signal < SPIKE <= offered):
        return cell.post[..., signal]
    if signal == SLOPE:
        return jnp.ones_like(cell.activity)
    if signal == HEARD:
        return cell.message
    return cell.activity**2 if signal == TRIPLET else cell.activity


def from_pre(cell: Cell, signal: int) -> Signal:
    """One signal that a pre-synaptic cell offers its outgoing synapses."""
    if cell.pre.shape[-1] >= COUNT:
        return cell.pre[..., signal]
    if signal < SPIKE:
        return cell.pre[..., ERROR]
    return cell.activity**2 if signal == TRIPLET_DOWN else cell.activity
