"""Small plastic networks whose rules a selection is trained to search."""

from __future__ import annotations

import equinox as eqx
from jax.flatten_util import ravel_pytree

from metaplast.circuits import layered
from metaplast.network import Genome
from metaplast.neurons import Learned, Output, Rate
from metaplast.objective import Objective
from metaplast.rules import Factored, Polynomial
from metaplast.search import searchable
from metaplast.tasks import Clusters

INPUTS, HIDDEN, CLASSES, MOMENTS = 8, 6, 3, 20


class Rules:
    """The search for one rule: a start, and lives that it is judged by."""

    def __init__(self, genome: Genome, objective: Objective):
        theta, fixed = eqx.partition(genome, searchable)
        self.start, unravel = ravel_pytree(theta)
        self.evaluate = lambda vector, key: objective(eqx.combine(unravel(vector), fixed), key)


def _factored() -> Genome:
    return Genome(
        {
            "input": Rate("linear"),
            "hidden": Learned(Rate(), width=3),
            "output": Output(rate=0.02),
        },
        {"forward": Factored((0.02, 0.0)), "readout": Factored((0.02, 0.0))},
    )


def _polynomial() -> Genome:
    return Genome(
        {"input": Rate("linear"), "hidden": Rate(), "output": Output(rate=0.02)},
        {"forward": Polynomial(0.02), "readout": Polynomial(0.02)},
    )


FAMILIES = {"factored": _factored, "polynomial": _polynomial}
"""Where the search for a rule of a family begins."""


def search(family: str) -> Rules:
    """The search for a rule of that family, from feedback alignment on."""
    task = Clusters(INPUTS, CLASSES, MOMENTS, held_out=1, modes=1, nuisance=2, rank=2)
    objective = Objective(task, layered(INPUTS, (HIDDEN,), CLASSES), segment=0)
    return Rules(FAMILIES[family](), objective)
