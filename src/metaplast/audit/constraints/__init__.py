"""The constraints: one claim about biology a file. The names exported here are the registry."""

from metaplast.audit.constraints.broadcast_bandwidth import BroadcastBandwidth
from metaplast.audit.constraints.causality import Causality
from metaplast.audit.constraints.neuronal_locality import NeuronalLocality
from metaplast.audit.constraints.no_stored_activations import NoStoredActivations
from metaplast.audit.constraints.no_update_locking import NoUpdateLocking
from metaplast.audit.constraints.no_weight_sharing import NoWeightSharing
from metaplast.audit.constraints.no_weight_transport import NoWeightTransport
from metaplast.audit.constraints.nonlinear_feedback import NonlinearFeedback
from metaplast.audit.constraints.separate_feedback import SeparateFeedback
from metaplast.audit.constraints.synaptic_locality import SynapticLocality
from metaplast.audit.constraints.teaching_at_output import TeachingAtOutput

__all__ = [
    "BroadcastBandwidth",
    "Causality",
    "NeuronalLocality",
    "NoStoredActivations",
    "NoUpdateLocking",
    "NoWeightSharing",
    "NoWeightTransport",
    "NonlinearFeedback",
    "SeparateFeedback",
    "SynapticLocality",
    "TeachingAtOutput",
]
