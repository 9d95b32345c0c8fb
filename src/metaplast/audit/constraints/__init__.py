"""The constraints: one claim about biology a file. The names exported here are the registry."""

from metaplast.audit.constraints.broadcast_bandwidth import BroadcastBandwidth
from metaplast.audit.constraints.causality import Causality
from metaplast.audit.constraints.dales_law import DalesLaw
from metaplast.audit.constraints.evolutionary_outer_loop import EvolutionaryOuterLoop
from metaplast.audit.constraints.genome_bottleneck import GenomeBottleneck
from metaplast.audit.constraints.neuronal_locality import NeuronalLocality
from metaplast.audit.constraints.no_derivative_knowledge import NoDerivativeKnowledge
from metaplast.audit.constraints.no_stored_activations import NoStoredActivations
from metaplast.audit.constraints.no_update_locking import NoUpdateLocking
from metaplast.audit.constraints.no_weight_sharing import NoWeightSharing
from metaplast.audit.constraints.no_weight_transport import NoWeightTransport
from metaplast.audit.constraints.noise_tolerance import NoiseTolerance
from metaplast.audit.constraints.nonlinear_feedback import NonlinearFeedback
from metaplast.audit.constraints.one_phase import OnePhase
from metaplast.audit.constraints.separate_feedback import SeparateFeedback
from metaplast.audit.constraints.spikes import Spikes
from metaplast.audit.constraints.synaptic_locality import SynapticLocality
from metaplast.audit.constraints.synaptic_precision import SynapticPrecision
from metaplast.audit.constraints.teaching_at_output import TeachingAtOutput
from metaplast.audit.constraints.unsigned_messages import UnsignedMessages

__all__ = [
    "BroadcastBandwidth",
    "Causality",
    "DalesLaw",
    "EvolutionaryOuterLoop",
    "GenomeBottleneck",
    "NeuronalLocality",
    "NoDerivativeKnowledge",
    "NoStoredActivations",
    "NoUpdateLocking",
    "NoWeightSharing",
    "NoWeightTransport",
    "NoiseTolerance",
    "NonlinearFeedback",
    "OnePhase",
    "SeparateFeedback",
    "Spikes",
    "SynapticLocality",
    "SynapticPrecision",
    "TeachingAtOutput",
    "UnsignedMessages",
]
