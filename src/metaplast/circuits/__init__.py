"""Circuits: anatomy, as data. The functions exported here are the registry."""

from metaplast.circuits.anatomy import Circuit, Population, Projection
from metaplast.circuits.associative import associative
from metaplast.circuits.balanced import balanced
from metaplast.circuits.convolutional import convolutional
from metaplast.circuits.decorrelating import decorrelating
from metaplast.circuits.dendritic import dendritic
from metaplast.circuits.excitatory_inhibitory import excitatory_inhibitory
from metaplast.circuits.hierarchical import hierarchical
from metaplast.circuits.layered import layered
from metaplast.circuits.layerwise import layerwise
from metaplast.circuits.local import local
from metaplast.circuits.reciprocal import reciprocal
from metaplast.circuits.recurrent import recurrent
from metaplast.circuits.reservoir import reservoir
from metaplast.circuits.sparse import sparse
from metaplast.circuits.twinned import twinned
from metaplast.circuits.unsupervised import unsupervised

__all__ = [
    "Circuit",
    "Population",
    "Projection",
    "associative",
    "balanced",
    "convolutional",
    "decorrelating",
    "dendritic",
    "excitatory_inhibitory",
    "hierarchical",
    "layered",
    "layerwise",
    "local",
    "reciprocal",
    "recurrent",
    "reservoir",
    "sparse",
    "twinned",
    "unsupervised",
]
