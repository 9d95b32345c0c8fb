"""From what was recorded of a plastic network to the rule of its synapses.

`infer(network, kind, recordings)` finds the coefficients of a rule; what it returns says which of
them the recordings determine at all, and how well. Source: Mehta et al. (2024)
doi:10.1101/2023.12.11.571103.
"""

from metaplast.inference.files import load, save
from metaplast.inference.fit import Inferred, infer
from metaplast.inference.identifiability import Identifiability, identifiability
from metaplast.inference.recording import Recordings, record
from metaplast.inference.report import report

__all__ = [
    "Identifiability",
    "Inferred",
    "Recordings",
    "identifiability",
    "infer",
    "load",
    "record",
    "report",
    "save",
]
