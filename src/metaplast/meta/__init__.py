"""Outer loops over any PyTree. The names exported here are the registry."""

from metaplast.meta.abstract import AbstractMetaOptimizer
from metaplast.meta.antithetic import AbstractHeldPairs, AbstractPairs
from metaplast.meta.backprop import Backprop
from metaplast.meta.descent import AbstractDescent
from metaplast.meta.es import ES
from metaplast.meta.evolution import Evolution
from metaplast.meta.forward import Forward
from metaplast.meta.generations import AbstractGenerations
from metaplast.meta.genetic import Genetic
from metaplast.meta.half_lived import AbstractHalfLived
from metaplast.meta.learned_selection import LearnedSelection
from metaplast.meta.low_rank import LowRankES
from metaplast.meta.map_elites import MapElites
from metaplast.meta.nres import NRES
from metaplast.meta.pes import PES
from metaplast.meta.restarts import Restarts
from metaplast.meta.truncated import Truncated

__all__ = [  # noqa: RUF022
    "AbstractDescent",
    "AbstractGenerations",
    "AbstractHalfLived",
    "AbstractHeldPairs",
    "AbstractMetaOptimizer",
    "AbstractPairs",
    "Backprop",
    "ES",
    "Evolution",
    "Forward",
    "Genetic",
    "LearnedSelection",
    "LowRankES",
    "MapElites",
    "NRES",
    "PES",
    "Restarts",
    "Truncated",
]
