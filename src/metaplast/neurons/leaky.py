"""A leaky membrane in front of any cell."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.rate import Rate
from metaplast.positive import Positive, kept, known_step, positive_as
from metaplast.source import Source
from metaplast.types import State


class LeakyState(NamedTuple):
    membrane: Float[Array, ""]
    inner: State


class Leaky(AbstractAround):
    r"""Another cell behind a leaky membrane: it is driven by a running mean of the drive.

    $v \leftarrow \alpha\, v + (1 - \alpha)\,\mathrm{drive}$ with $\alpha = e^{-dt/\tau}$, then
    what the cell `base` makes of the drive $v$. A moment is a step of `dt`.

    `Leaky(Rate("tanh"))` is the leaky rate cell $\tau\,\dot v = -v + \mathrm{drive}$,
    $y = \phi(v)$; `Leaky(Output())` is the leaky readout of spiking networks. The step is
    exact for a drive that is constant in between.

    Args:
        base: the cell that fires and replies.
        tau: time constant of the membrane in ms.
        dt: length of a moment in ms.

    References: Dayan & Abbott (2001) Theoretical neuroscience, chapter 7; Bellec et al. (2020)
    doi:10.1038/s41467-020-17236-y for leaky readouts.
    """

    source: ClassVar[Source] = Source("Dayan & Abbott", 2001, "Theoretical neuroscience")
    base: AbstractNeuron = eqx.field(default_factory=Rate)
    tau: Positive = eqx.field(default=20.0, converter=positive_as("tau"))
    dt: float = eqx.field(default=1.0, static=True)

    def __check_init__(self) -> None:
        known_step(self.dt)

    def init(self, position, spacing):
        return LeakyState(jnp.zeros(()), self.base.init(position, spacing))

    def fire(self, state, drive, key):
        keep = kept(self.tau, self.dt)
        membrane = keep * state.membrane + (1.0 - keep) * drive
        return super().fire(state._replace(membrane=membrane), membrane, key)
