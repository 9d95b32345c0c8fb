"""Rate cells: a static nonlinearity, and an error scaled by its slope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.source import Source
from metaplast.types import Cell

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

    Args:
        nonlinearity: $\phi$.

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
        known_nonlinearity(self.nonlinearity)

    def fire(self, state, drive, key):
        return state, fired(drive, self.nonlinearity)

    def reply(self, state, cell, apical, pool, modulator):
        slope = jax.grad(NONLINEARITIES[self.nonlinearity])(cell.drive)
        message = slope * apical
        return state, eqx.tree_at(
            lambda c: (c.message, c.post, c.pre),
            cell,
            (message, message[None], cell.activity[None]),
        )


def known_nonlinearity(name: str, known: Iterable[str] = NONLINEARITIES) -> None:
    """Refuse a nonlinearity that nobody knows.

    Raises:
        ValueError: it is none of `known`.
    """
    if name not in known:
        raise ValueError(f"nonlinearity = {name!r}, expected one of {sorted(known)}")


def fired(drive: Float[Array, ""], nonlinearity: str) -> Cell:
    """A cell that fires at the rate that a nonlinearity makes of its drive, and settles there."""
    rate = NONLINEARITIES[nonlinearity](drive)
    return eqx.tree_at(lambda c: (c.activity, c.settled), silent(drive), (rate, rate))
