"""A cell that offers its synapses only what its neighbors do not say already."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.association import divided, pooling
from metaplast.neurons.rate import Rate
from metaplast.positive import Positive, positive_as
from metaplast.source import Source
from metaplast.types import State


class DecorrelatedState(NamedTuple):
    inner: State
    share: Float[Array, ""]
    """1 / population size, fixed at birth: it turns the interneuron's mean into a sum."""


class Decorrelated(AbstractAround):
    r"""Another cell, that settles with its neighbors and lets its outgoing synapses see no more.

    What the cell `base` says, $y$, travels on as it is. At its lateral site arrives
    $\Delta P y$, and it settles at $u = p\,y / n + \Delta P y$, with $n$ the size of its
    population. The interneuron knows $g = 1 + \sum_j y_j u_j$. The cell offers $u / g$ to its
    outgoing synapses and $u / \sqrt g$ to the lateral ones.

    With `Decorrelation` on lateral synapses that are zero at birth, $p/n + \Delta P$ becomes the
    inverse correlation matrix of what the population says, and a synapse that multiplies $u / g$
    with an error takes the step of recursive least squares. In `Association` that happens in an
    area of its own; here every layer of a deep network does it, so that each layer learns as fast
    as a readout would.

    Where we deviate: recursive least squares knows its error, whereas a hidden cell has what random
    feedback brings, and what the population says changes while its correlations are being learned.

    Args:
        base: the cell that fires and replies.
        prior: $p$; where what the population says has unit mean square, $1/p$ is the weight of the
            prior in moments.

    References: Plackett (1950) doi:10.1093/biomet/37.1-2.149 for the recursion; Desjardins et al.
    (2015) arXiv:1507.00210 for layers that learn from decorrelated inputs.
    """

    source: ClassVar[Source] = Source(
        "Desjardins, Simonyan, Pascanu & Kavukcuoglu", 2015, "Natural neural networks",
        "10.48550/arXiv.1507.00210",
    )  # fmt: skip
    base: AbstractNeuron = eqx.field(default_factory=Rate)
    prior: Positive = eqx.field(default=1.0, converter=positive_as("prior"))

    def init(self, position, spacing):
        return DecorrelatedState(self.base.init(position, spacing), spacing)

    def settle(self, state, cell, lateral):
        settled = self.prior.value * state.share * cell.activity + lateral
        return state, pooling(cell, settled)

    def reply(self, state, cell, apical, pool, modulator):
        settled = cell.settled
        state, cell = super().reply(state, cell, apical, pool, modulator)
        # Not the base's to correct: at any other gain the inverse loses its positive definiteness.
        cell = eqx.tree_at(lambda c: c.settled, cell, settled)
        return state, divided(cell, pool, state.share)
