"""The learned rule that is cheap: synapses combine what their two ends offer."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.positive import Positive, positive_as
from metaplast.rules.abstract import AbstractSeparable
from metaplast.signals import offered
from metaplast.source import OWN, Source


def _coefficients(given) -> Float[Array, " channels"]:
    """Numbers of a spec as an array; arrays, also traced ones, as they are."""
    if not isinstance(given, (list, tuple)):
        if isinstance(given, (bool, int, float, str)):
            raise ValueError(
                f"coefficients = {given!r}: expected a list, one for each channel; give [0.01, 0.0]"
            )
        return jnp.asarray(given, float)
    if not given:
        raise ValueError("coefficients = []: expected one for each channel; give [0.01, 0.0]")
    for each in given:
        number = isinstance(each, (int, float)) and not isinstance(each, bool)
        if not (number and math.isfinite(each)) and not hasattr(each, "shape"):
            raise ValueError(f"coefficients = {given!r}: {each!r} is no finite number; give 0.01")
    return jnp.asarray(given, float)


class Factored(AbstractSeparable):
    r"""The sum over channels of what the two cells offer, with a trace and a decay.

    $\Delta w_{ij} = h_{ij} - \lambda\, w_{ij}$, with the trace
    $h_{ij} \leftarrow \sigma(\tau)\, h_{ij} + \sum_k c_k\, s^{post}_{ik}\, s^{pre}_{jk}$.

    $s$ are the signals that the two cells decide to offer, so the intelligence sits in
    the n cells and the n² synapses stay cheap. Channels that only one end offers are
    silent. `traced = False` leaves the memory (and its cost) out.

    Args:
        coefficients: $c_k$, one per channel. Channel 0 pairs the post-synaptic error
            with the pre-synaptic activity, so `(0.01, 0.0)` starts at feedback alignment.
        decay: $\lambda$ per moment. Near 1, where the weight is the trace, a search by backprop
            needs `objective.segment = 0`: weights are rebuilt by dividing by what is left of them.
        unit: what the coefficients are multiplied by; choose it so that they are about 1, for a
            search that changes all of its numbers by like amounts.
        persistence: logit of the trace's decay factor per moment.
    """

    source: ClassVar[Source] = OWN
    coefficients: Float[Array, " channels"] = eqx.field(
        default=(0.01, 0.0), converter=_coefficients
    )
    decay: Positive = eqx.field(default=1e-5, converter=positive_as("decay"))
    persistence: Float[Array, ""] = eqx.field(
        default=-3.0, converter=lambda p: jnp.asarray(p, float)
    )
    traced: bool = eqx.field(default=False, static=True)
    unit: float = eqx.field(default=1.0, static=True)

    def init(self):
        return jnp.zeros(()) if self.traced else ()

    def post(self, cell, modulator):
        channels = min(cell.post.shape[0], self.coefficients.shape[0])
        weighed = self.unit * self.coefficients
        return offered(*(weighed[k] * cell.post[k] for k in range(channels)))

    def pre(self, cell):
        return cell.pre

    def leak(self, cell):
        return self.decay.value

    def __call__(self, synapse, memory):
        if not self.traced:
            return super().__call__(synapse, memory)
        post, pre = self.post(synapse.post, synapse.modulator), self.pre(synapse.pre)
        hebbian = sum(a * b for a, b in zip(post, pre, strict=False))
        memory = self._stays * memory + hebbian
        return memory - self.leak(synapse.post) * synapse.weight, memory

    def separated(self):
        # A trace is a memory of every single synapse.
        return None if self.traced else super().separated()

    def traced_products(self):
        return (self, self._stays) if self.traced else None

    @property
    def _stays(self) -> Float[Array, ""]:
        """Share of a trace that stays in a moment."""
        return jax.nn.sigmoid(self.persistence)
