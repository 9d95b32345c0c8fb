"""Learners that are no plastic networks, with names for everything in their state.

A naming says which numbers of a learner's own state are weights of which projection, and which
are fields of which cells. The learner's own code lives the moment.
"""

from metaplast.audit.learners.adapter import Naming, from_learner
from metaplast.audit.learners.backprop import BackpropNaming
from metaplast.audit.learners.least_squares import LeastSquaresNaming
from metaplast.audit.learners.nearest_mean import NearestMeanNaming
from metaplast.audit.learners.nearest_neighbor import NearestNeighborNaming
from metaplast.audit.learners.sign_symmetric import sign_symmetric

__all__ = [
    "BackpropNaming",
    "LeastSquaresNaming",
    "Naming",
    "NearestMeanNaming",
    "NearestNeighborNaming",
    "from_learner",
    "sign_symmetric",
]
