"""The interneuron that learns to say what a cell of the layer above is going to say."""

from __future__ import annotations

from typing import ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.rate import fired, known_nonlinearity
from metaplast.positive import Positive, positive_as
from metaplast.source import Source

SOMATIC = 0.8 / 1.9
"""Of the paper's conductances, $g_s / (g_l + g_D + g_s)$."""


class Interneuron(AbstractNeuron):
    r"""A cell that is pulled towards what it hears from above, and learns to be there already.

    Up, $y = \phi(v)$. Down, the one cell above that it hears says $a$; the interneuron says
    $z = (1 - \lambda)\, y + \lambda\, a$, and offers $z - y$ to its incoming synapses
    (signal 0). To the synapses that it has on apical dendrites it offers $y$ (both signals). All
    activities are in the same units, those of the cells above.

    Where we deviate from Sacramento et al.: activities are pulled, not potentials.

    Args:
        nonlinearity: $\phi$, that of the cells above.
        pull: $\lambda$, a share between 0 and 1.

    References: Sacramento et al. (2018) arXiv:1810.11393.
    """

    source: ClassVar[Source] = Source(
        "Sacramento, Ponte Costa, Bengio & Senn", 2018,
        "Dendritic cortical microcircuits approximate the backpropagation algorithm",
        "10.48550/arXiv.1810.11393",
    )  # fmt: skip
    nonlinearity: Literal["linear", "tanh", "relu", "softplus"] = eqx.field(
        default="tanh", static=True
    )
    pull: Positive = eqx.field(default=SOMATIC, converter=positive_as("pull"))

    def __check_init__(self) -> None:
        known_nonlinearity(self.nonlinearity)

    def fire(self, state, drive, key):
        return state, fired(drive, self.nonlinearity)

    def reply(self, state, cell, apical, pool, modulator):
        y = cell.activity
        moved = self.pull.value * (apical - y)
        return state, eqx.tree_at(
            lambda c: (c.message, c.post, c.pre),
            cell,
            (y + moved, moved[None], jnp.stack([y, y])),
        )
