"""Plasticity rules: what one synapse does. The names exported here are the registry."""

from metaplast.rules.abstract import AbstractRule, AbstractSeparable
from metaplast.rules.decay import Decay
from metaplast.rules.decorrelation import Decorrelation
from metaplast.rules.delta import Delta
from metaplast.rules.factored import Factored
from metaplast.rules.oja import Oja
from metaplast.rules.one_shot import OneShot
from metaplast.rules.polynomial import Polynomial
from metaplast.rules.synaptic_gru import SynapticGRU
from metaplast.rules.synaptic_mlp import SynapticMLP
from metaplast.rules.total import Total

__all__ = [
    "AbstractRule",
    "AbstractSeparable",
    "Decay",
    "Decorrelation",
    "Delta",
    "Factored",
    "Oja",
    "OneShot",
    "Polynomial",
    "SynapticGRU",
    "SynapticMLP",
    "Total",
]
