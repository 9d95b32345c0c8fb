"""Learners that are no plastic networks, with names for everything in their state.

A naming says which numbers of a learner's own state are weights of which projection, and which
are fields of which cells. The learner's own code lives the moment.
"""

from metaplast.audit.learners.adapter import Naming, Telling, from_learner
from metaplast.audit.learners.backprop import BackpropNaming
from metaplast.audit.learners.bidirectional import BidirectionalNaming
from metaplast.audit.learners.forward_forward import ForwardForwardNaming
from metaplast.audit.learners.least_squares import LeastSquaresNaming
from metaplast.audit.learners.message_passing import MessagePassingNaming
from metaplast.audit.learners.microcircuit import MicrocircuitNaming
from metaplast.audit.learners.nearest_mean import NearestMeanNaming
from metaplast.audit.learners.nearest_neighbor import NearestNeighborNaming
from metaplast.audit.learners.perceptron import PerceptronNaming

__all__ = [
    "BackpropNaming",
    "BidirectionalNaming",
    "ForwardForwardNaming",
    "LeastSquaresNaming",
    "MessagePassingNaming",
    "MicrocircuitNaming",
    "Naming",
    "NearestMeanNaming",
    "NearestNeighborNaming",
    "PerceptronNaming",
    "Telling",
    "from_learner",
]
