"""Neurons: the physiology of one cell. The names exported here are the registry."""

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.association import Association
from metaplast.neurons.exemplar import Exemplar
from metaplast.neurons.innovation import Innovation
from metaplast.neurons.learned import Learned
from metaplast.neurons.output import Output
from metaplast.neurons.rate import Rate
from metaplast.neurons.sensory import Sensory

__all__ = [
    "AbstractNeuron",
    "Association",
    "Exemplar",
    "Innovation",
    "Learned",
    "Output",
    "Rate",
    "Sensory",
]
