"""The output cell that says what it did, moved a little towards what was wanted."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.interneuron import SOMATIC
from metaplast.neurons.output import Output
from metaplast.positive import Positive, positive_as
from metaplast.source import Source


class Nudged(AbstractAround):
    r"""Another output cell whose message is no error but an activity: $v + \lambda\, e$.

    $v$ is its drive and $e$ the message of the cell `base`, its error. So what goes back is of the
    same kind as what goes forward, in units of the drive, and who knows $v$ finds the error in it
    (`circuits.dendritic`).
    Its own synapses learn from the error, as those of `base`.

    Args:
        base: the cell that compares. One that adds a bias to its drive cannot be foreseen by
            interneurons.
        pull: $\lambda$, units of the drive per unit of the error.

    References: Scellier & Bengio (2017) doi:10.3389/fncom.2017.00024 (nudging); Sacramento et al.
    (2018) arXiv:1810.11393.
    """

    source: ClassVar[Source] = Source(
        "Sacramento, Ponte Costa, Bengio & Senn", 2018,
        "Dendritic cortical microcircuits approximate the backpropagation algorithm",
        "10.48550/arXiv.1810.11393",
    )  # fmt: skip
    base: AbstractNeuron = eqx.field(default_factory=Output)
    pull: Positive = eqx.field(default=SOMATIC, converter=positive_as("pull"))

    def reply(self, state, cell, apical, pool, modulator):
        state, cell = super().reply(state, cell, apical, pool, modulator)
        said = cell.drive + self.pull.value * cell.message
        return state, eqx.tree_at(lambda c: c.message, cell, said)
