"""Learners for comparison. `NAMES` and `build` are the registry; importing it loads no JAX."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from metaplast.learners.candidate import Candidate, Grid, Variant, fixed
from metaplast.learners.registry import NAMES, build

if TYPE_CHECKING:
    from metaplast.learners.backprop import Backprop as Backprop
    from metaplast.learners.bidirectional import Bidirectional as Bidirectional
    from metaplast.learners.burst_dependent_plasticity import (
        BurstDependentPlasticity as BurstDependentPlasticity,
    )
    from metaplast.learners.dendritic_microcircuit import (
        DendriticMicrocircuit as DendriticMicrocircuit,
    )
    from metaplast.learners.difference_target_propagation import (
        DifferenceTargetPropagation as DifferenceTargetPropagation,
    )
    from metaplast.learners.equilibrium_propagation import (
        EquilibriumPropagation as EquilibriumPropagation,
    )
    from metaplast.learners.forward_forward import ForwardForward as ForwardForward
    from metaplast.learners.frozen import Frozen as Frozen
    from metaplast.learners.kolen_pollack import KolenPollack as KolenPollack
    from metaplast.learners.learned_feedback import LearnedFeedback as LearnedFeedback
    from metaplast.learners.message_passing import MessagePassing as MessagePassing
    from metaplast.learners.nearest_class_mean import NearestClassMean as NearestClassMean
    from metaplast.learners.nearest_neighbor import NearestNeighbor as NearestNeighbor
    from metaplast.learners.node_perturbation import NodePerturbation as NodePerturbation
    from metaplast.learners.pepita import Pepita as Pepita
    from metaplast.learners.perceptron import Perceptron as Perceptron
    from metaplast.learners.predictive_coding import PredictiveCoding as PredictiveCoding
    from metaplast.learners.recursive_least_squares import (
        RecursiveLeastSquares as RecursiveLeastSquares,
    )
    from metaplast.learners.reinforce import Reinforce as Reinforce
    from metaplast.learners.sign_symmetric import SignSymmetric as SignSymmetric
    from metaplast.learners.standardized import Standardized as Standardized
    from metaplast.learners.surrogate_backprop import SurrogateBackprop as SurrogateBackprop
    from metaplast.learners.weight_mirror import WeightMirror as WeightMirror
    from metaplast.learners.weight_perturbation import WeightPerturbation as WeightPerturbation

_HOME = {
    "Backprop": "backprop",
    "Bidirectional": "bidirectional",
    "BurstDependentPlasticity": "burst_dependent_plasticity",
    "DendriticMicrocircuit": "dendritic_microcircuit",
    "DifferenceTargetPropagation": "difference_target_propagation",
    "EquilibriumPropagation": "equilibrium_propagation",
    "ForwardForward": "forward_forward",
    "Frozen": "frozen",
    "KolenPollack": "kolen_pollack",
    "LearnedFeedback": "learned_feedback",
    "MessagePassing": "message_passing",
    "NearestClassMean": "nearest_class_mean",
    "NearestNeighbor": "nearest_neighbor",
    "NodePerturbation": "node_perturbation",
    "Pepita": "pepita",
    "Perceptron": "perceptron",
    "PredictiveCoding": "predictive_coding",
    "RecursiveLeastSquares": "recursive_least_squares",
    "Reinforce": "reinforce",
    "SignSymmetric": "sign_symmetric",
    "Standardized": "standardized",
    "SurrogateBackprop": "surrogate_backprop",
    "WeightMirror": "weight_mirror",
    "WeightPerturbation": "weight_perturbation",
}

__all__ = [
    "NAMES",
    "Backprop",
    "Bidirectional",
    "BurstDependentPlasticity",
    "Candidate",
    "DendriticMicrocircuit",
    "DifferenceTargetPropagation",
    "EquilibriumPropagation",
    "ForwardForward",
    "Frozen",
    "Grid",
    "KolenPollack",
    "LearnedFeedback",
    "MessagePassing",
    "NearestClassMean",
    "NearestNeighbor",
    "NodePerturbation",
    "Pepita",
    "Perceptron",
    "PredictiveCoding",
    "RecursiveLeastSquares",
    "Reinforce",
    "SignSymmetric",
    "Standardized",
    "SurrogateBackprop",
    "Variant",
    "WeightMirror",
    "WeightPerturbation",
    "build",
    "fixed",
]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {__all__}")
