"""Plasticity rules: what one synapse does. The names exported here are the registry."""

from metaplast.rules.abcd import ABCD
from metaplast.rules.abstract import AbstractRule, AbstractSeparable
from metaplast.rules.anti_hebb import AntiHebb
from metaplast.rules.bcm import BCM
from metaplast.rules.decay import Decay
from metaplast.rules.decorrelation import Decorrelation
from metaplast.rules.delta import Delta
from metaplast.rules.eprop import EProp
from metaplast.rules.factored import Factored
from metaplast.rules.force import FORCE
from metaplast.rules.hebb import Hebb
from metaplast.rules.mirror import Mirror
from metaplast.rules.offered import Offered
from metaplast.rules.oja import Oja
from metaplast.rules.one_shot import OneShot
from metaplast.rules.pair_stdp import PairSTDP
from metaplast.rules.policy_trace import PolicyTrace
from metaplast.rules.polynomial import Polynomial
from metaplast.rules.reciprocal import Reciprocal
from metaplast.rules.reward_stdp import RewardSTDP
from metaplast.rules.sanger import Sanger
from metaplast.rules.soft_hebb import SoftHebb
from metaplast.rules.synaptic_gru import SynapticGRU
from metaplast.rules.synaptic_mlp import SynapticMLP
from metaplast.rules.taylor import Taylor
from metaplast.rules.term_pool import TermPool
from metaplast.rules.three_factor import ThreeFactor
from metaplast.rules.total import Total
from metaplast.rules.trace_kernel import TraceKernel
from metaplast.rules.triplet_stdp import TripletSTDP

__all__ = [  # noqa: RUF022 (ABCD and BCM are no constants)
    "ABCD",
    "AbstractRule",
    "AbstractSeparable",
    "AntiHebb",
    "BCM",
    "Decay",
    "Decorrelation",
    "Delta",
    "EProp",
    "FORCE",
    "Factored",
    "Hebb",
    "Mirror",
    "Offered",
    "Oja",
    "OneShot",
    "PairSTDP",
    "PolicyTrace",
    "Polynomial",
    "Reciprocal",
    "RewardSTDP",
    "Sanger",
    "SoftHebb",
    "SynapticGRU",
    "SynapticMLP",
    "Taylor",
    "TermPool",
    "ThreeFactor",
    "Total",
    "TraceKernel",
    "TripletSTDP",
]
