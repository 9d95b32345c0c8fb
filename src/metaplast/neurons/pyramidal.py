"""The graded pyramidal cell: a soma driven from below, a dendrite that hears from above."""

from __future__ import annotations

from typing import ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.rate import NONLINEARITIES, fired, known_nonlinearity
from metaplast.positive import Positive, positive_as
from metaplast.source import Source

APICAL = 0.8 / 1.9
"""Of the paper's conductances, $g_A / (g_l + g_B + g_A)$."""


class Pyramidal(AbstractNeuron):
    r"""A cell that is moved by its apical dendrite, and learns from having been moved.

    Up, $y = \phi(v)$ with $v$ the basal drive. Down, the apical potential $a$ moves the soma to
    $u = v + g\,a$. It says $\phi(u)$ to the layer below, and offers its incoming synapses
    $\phi(u) - \phi(v)$, by how much it does more than its basal dendrite foretold (signal 0), and
    $a$ (signal 1), which synapses at the apical dendrite learn to silence. All potentials are in
    units of the basal drive.

    Args:
        nonlinearity: $\phi$.
        gain: $g$, of the apical dendrite.

    References: Urbanczik & Senn (2014) doi:10.1016/j.neuron.2013.11.030; Sacramento et al. (2018)
    arXiv:1810.11393.
    """

    source: ClassVar[Source] = Source(
        "Sacramento, Ponte Costa, Bengio & Senn", 2018,
        "Dendritic cortical microcircuits approximate the backpropagation algorithm",
        "10.48550/arXiv.1810.11393",
    )  # fmt: skip
    nonlinearity: Literal["linear", "tanh", "relu", "softplus"] = eqx.field(
        default="tanh", static=True
    )
    gain: Positive = eqx.field(default=APICAL, converter=positive_as("gain"))

    def __check_init__(self) -> None:
        known_nonlinearity(self.nonlinearity)

    def fire(self, state, drive, key):
        return state, fired(drive, self.nonlinearity)

    def reply(self, state, cell, apical, pool, modulator):
        moved = NONLINEARITIES[self.nonlinearity](cell.drive + self.gain.value * apical)
        surprise = moved - NONLINEARITIES[self.nonlinearity](cell.drive)
        return state, eqx.tree_at(
            lambda c: (c.message, c.post, c.pre),
            cell,
            (moved, jnp.stack([surprise, apical]), cell.activity[None]),
        )
