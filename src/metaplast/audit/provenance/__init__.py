"""Where every element of what a JAX program computes came from: a dataflow analysis."""

from metaplast.audit.provenance.bits import (
    Bits,
    everywhere,
    holds,
    nothing,
    one,
    places_of,
    singletons,
    union,
    words_for,
)
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.interpreter import Analysis, Cut, analyse
from metaplast.audit.provenance.location import NOWHERE, Location
from metaplast.audit.provenance.witness import Witness

__all__ = [
    "NOWHERE",
    "Analysis",
    "Bits",
    "Cut",
    "Flow",
    "Location",
    "Witness",
    "analyse",
    "everywhere",
    "holds",
    "nothing",
    "one",
    "places_of",
    "singletons",
    "union",
    "words_for",
]
