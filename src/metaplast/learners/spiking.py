"""A hand-designed spiking learner: e-prop with fixed random feedback."""

from __future__ import annotations

import math
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.circuits import layered
from metaplast.learners.presented import Presented
from metaplast.learners.standardized import Standardized
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import LIF, Leaky, Output, Rate, Traced
from metaplast.rules import AbstractRule, Factored


def spiking(
    inputs: int,
    hidden: tuple[int, ...],
    classes: int,
    rate: float | Float[Array, ""] = 0.003,
    rate_hidden: float | Float[Array, ""] = 0.003,
    steps: int = 20,
    pause: int = 20,
    encoding: Literal["current", "rate", "latency"] = "current",
    feedback: Literal["random", "direct", "symmetric", "none"] = "direct",
    drive: float = 0.3,
    tau: float = 10.0,
) -> Standardized:
    r"""LIF cells with hard spikes, a leaky softmax readout, and online e-prop at every synapse.

    $\Delta w_{ij} = \eta\, L_i \psi_i \bar x_j$ with $L$ the output cells' errors over fixed random
    weights, $\psi$ the slope of the spike and $\bar x$ the pre-synaptic spikes, filtered like the
    membrane. All of it is multiplied at the cells (`AbstractSeparable`). Stimuli that are
    currents are standardized first.

    Where we deviate from the source: the eligibility is not filtered by the readout
    (`rules.EProp` does so); no recurrent synapses, no adaptation, no regularization of rates.

    Args:
        inputs, hidden, classes: sizes of the populations.
        rate: $\eta$ of the readout and of the output cells' excitability.
        rate_hidden: $\eta$ of the synapses onto hidden cells.
        steps, pause, encoding: of a presentation, `Presented`.
        feedback: `direct` is that of the source.
        drive: strength of the forward synapses.
        tau: of the membranes of hidden and output cells, in ms.

    References: Bellec et al. (2020) doi:10.1038/s41467-020-17236-y.
    """
    neurons = {
        "input": Traced(Rate("linear"), tau),
        "hidden": Traced(LIF(tau), tau),
        "output": Leaky(Output("softmax", rate), tau),
    }
    rules: dict[str, AbstractRule] = {"forward": _delta(rate_hidden), "readout": _delta(rate)}
    gains = {"forward": jnp.asarray(math.log(drive))}
    genome = Genome(neurons, rules, gains)
    circuit = layered(inputs, hidden, classes, feedback)
    shown = Presented(PlasticNetwork(circuit, genome), steps, pause, encoding)
    return Standardized(shown, inputs, float(encoding == "current"))


def _delta(rate: float | Float[Array, ""]) -> Factored:
    """What both cells offer first, at the given rate, without decay."""
    return Factored(jnp.asarray(rate, float)[None], 0.0)
