"""Burst-dependent plasticity: events drive the cells above, bursts teach the cells below."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.perceptron import Matrices, Perceptron, Vectors, learned, transposed
from metaplast.learners.reciprocal import ReciprocalState, newborn
from metaplast.source import Source

RESTING = 0.5
"""Burst probability of output cells that nobody teaches."""
FLOOR = 1e-6
"""Least event rate by which anything is divided."""


class BurstDependentPlasticity(eqx.Module):
    r"""Cells multiplex: events say what they heard from below, bursts what they hear from above.

    Event rates go forward, $e_l = \phi(W_l e_{l-1} + b_l)$. A share $p_l$ of the events are
    bursts: $p_l = \sigma(\beta\, u_l)$, $u_l = h(e_l) \circ Y_l (p_{l+1} e_{l+1})$ with
    $h(e_l) = \phi'_l / e_l$; at the output $p_L = \bar p + h(e_L) \circ (\text{wanted} - e_L)$,
    kept between 0 and 1, and $\bar p$ without a teacher. Bars are of the phase without a
    teacher. Synapses strengthen where a teacher makes bursts more frequent,
    $\Delta W_l = \eta\,[(p_l - \bar p_l) \circ e_l]\, e_{l-1}^\top$. To first order in $\beta$
    that is the gradient of the squared error, times $(\beta / 4)$ for every layer below the
    output, if $Y$ is the transposed way forward.

    Deviations: rates only, no spikes; no recurrent synapses that keep apical dendrites in their
    linear range; feedback is fixed and random; plain steps, one example each, without momentum.
    The readout is the drive of the output cells, whose rate is its sigmoid.

    Args:
        network: who is taught; its nonlinearity must be positive: `sigmoid` or `softplus`.
        rate: learning rate $\eta$. An array leaf.
        steepness: $\beta$ of the apical dendrites.
        symmetric: whether bursts travel over the transposed way forward, the control that cheats.

    References: Payeur, Guerguiev, Zenke, Richards & Naud (2021) doi:10.1038/s41593-021-00857-x.
    """

    source: ClassVar[Source] = Source(
        "Payeur, Guerguiev, Zenke, Richards & Naud", 2021,
        "Burst-dependent synaptic plasticity can coordinate learning in hierarchical circuits",
        "10.1038/s41593-021-00857-x",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.05, converter=lambda r: jnp.asarray(r, float))
    steepness: float = eqx.field(static=True, default=4.0)
    symmetric: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if self.network.nonlinearity not in ("sigmoid", "softplus"):
            raise ValueError(
                f"network.nonlinearity = {self.network.nonlinearity!r}: expected 'sigmoid' or "
                "'softplus', for a rate of events is positive"
            )

    @property
    def synapses(self) -> int:
        """Forward weights; feedback is fixed."""
        return self.network.synapses

    def born(self, key):
        return newborn(self.network, key)

    def predict(self, state, stimulus):
        return self.network.sweep(state.layers, stimulus).readout

    def moment(self, state, stimulus, target, task, key=None):
        sweep = self.network.sweep(state.layers, stimulus)
        events = [*sweep.heard[1:], jax.nn.sigmoid(sweep.readout)]
        gains = [
            self.network.slope(drive) / jnp.maximum(event, FLOOR)
            for drive, event in zip(sweep.drives, events, strict=False)
        ]
        feedback = transposed(state.layers) if self.symmetric else state.feedback
        wanted = task.teach(sweep.readout, target).signal
        resting = jnp.full_like(wanted, RESTING)
        told = jnp.clip(resting + (1.0 - events[-1]) * (wanted - events[-1]), 0.0, 1.0)
        alone = self.bursts(events, gains, feedback, resting)
        taught = self.bursts(events, gains, feedback, told)
        errors = [(p - q) * e for p, q, e in zip(taught, alone, events, strict=True)]
        layers = learned(state.layers, sweep.heard, errors, self.rate)
        return ReciprocalState(layers, state.feedback), sweep.readout

    def bursts(
        self,
        events: Vectors,
        gains: Vectors,
        feedback: Matrices,
        output: Float[Array, " classes"],
    ) -> Vectors:
        """Burst probabilities of all layers, from those of the output."""
        found = [output]
        for gain, back, above in zip(
            reversed(gains), reversed(feedback), reversed(events[1:]), strict=True
        ):
            apical = gain * (back @ (found[-1] * above))
            found.append(jax.nn.sigmoid(self.steepness * apical))
        return found[::-1]
