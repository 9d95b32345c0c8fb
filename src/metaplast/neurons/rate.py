"""Rate cells: a static nonlinearity, and an error scaled by its slope."""

from __future__ import annotations

from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.source import Source

NONLINEARITIES = {
    "linear": lambda v: v,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "softplus": lambda v: jax.nn.softplus(10.0 * v) / 10.0,
}


class Rate(AbstractNeuron):
    r"""A cell with a static nonlinearity, which replies with an error times its slope.

    A cell that fires at the rate $y = \phi(v)$ and replies $\phi'(v)\,a$.

    With $v$ the basal drive and $a$ the apical input, the message $\phi'(v) a$ is the
    back-propagated error where feedback is symmetric, and that of feedback alignment
    where it is random. `softplus` has sharpness 10. All in units of the stimulus.

    References: Lillicrap et al. (2016) doi:10.1038/ncomms13276.
    """

    source: ClassVar[Source] = Source(
        "Lillicrap, Cownden, Tweed & Akerman", 2016,
        "Random synaptic feedback weights support error backpropagation for deep learning",
        "10.1038/ncomms13276",
    )  # fmt: skip
    nonlinearity: Literal["linear", "tanh", "relu", "softplus"] = eqx.field(
        default="tanh", static=True
    )

    def __check_init__(self) -> None:
        if self.nonlinearity not in NONLINEARITIES:
            raise ValueError(
                f"nonlinearity = {self.nonlinearity!r}, expected one of {sorted(NONLINEARITIES)}"
            )

    def fire(self, state, drive, key):
        cell = silent(drive)
        rate = NONLINEARITIES[self.nonlinearity](drive)
        return state, eqx.tree_at(lambda c: (c.activity, c.settled), cell, (rate, rate))

    def reply(self, state, cell, apical, pool, modulator):
        slope = jax.grad(NONLINEARITIES[self.nonlinearity])(cell.drive)
        message = slope * apical
        return state, eqx.tree_at(
            lambda c: (c.message, c.post, c.pre),
            cell,
            (message, message[None], cell.activity[None]),
        )
