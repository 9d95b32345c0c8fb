"""Neurons: the physiology of one cell. The names exported here are the registry."""

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.adaptive_lif import AdaptiveLIF
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.association import Association
from metaplast.neurons.competing import Competing
from metaplast.neurons.decorrelated import Decorrelated
from metaplast.neurons.echo import Echo
from metaplast.neurons.exemplar import Exemplar
from metaplast.neurons.habituated import Habituated
from metaplast.neurons.homeostatic import Homeostatic
from metaplast.neurons.innovation import Innovation
from metaplast.neurons.interneuron import Interneuron
from metaplast.neurons.izhikevich import Izhikevich
from metaplast.neurons.leaky import Leaky
from metaplast.neurons.learned import Learned
from metaplast.neurons.lif import LIF
from metaplast.neurons.message import Message
from metaplast.neurons.noisy import Noisy
from metaplast.neurons.nudged import Nudged
from metaplast.neurons.offering import Offering
from metaplast.neurons.output import Output
from metaplast.neurons.pyramidal import Pyramidal
from metaplast.neurons.rate import Rate
from metaplast.neurons.remainder import Remainder
from metaplast.neurons.reservoir import Reservoir
from metaplast.neurons.sensory import Sensory
from metaplast.neurons.settling import Settling
from metaplast.neurons.slopeless import Slopeless
from metaplast.neurons.spiking_output import SpikingOutput
from metaplast.neurons.stochastic_binary import StochasticBinary
from metaplast.neurons.traced import Traced
from metaplast.neurons.twinned import Twinned
from metaplast.neurons.two_compartment import TwoCompartment

__all__ = [  # noqa: RUF022 (LIF is no constant)
    "AbstractAround",
    "AbstractNeuron",
    "AdaptiveLIF",
    "Association",
    "Competing",
    "Decorrelated",
    "Echo",
    "Exemplar",
    "Habituated",
    "Homeostatic",
    "Innovation",
    "Interneuron",
    "Izhikevich",
    "LIF",
    "Leaky",
    "Learned",
    "Message",
    "Noisy",
    "Nudged",
    "Offering",
    "Output",
    "Pyramidal",
    "Rate",
    "Remainder",
    "Reservoir",
    "Sensory",
    "Settling",
    "Slopeless",
    "SpikingOutput",
    "StochasticBinary",
    "Traced",
    "Twinned",
    "TwoCompartment",
]
