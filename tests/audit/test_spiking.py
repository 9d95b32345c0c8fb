"""Spiking cells and rules of spike timing know nothing that a cell or a synapse could not."""

from __future__ import annotations

import functools

import pytest

from metaplast.audit.constraints import NeuronalLocality, SynapticLocality
from metaplast.audit.evidence import Evidence
from metaplast.audit.networks import from_network
from metaplast.circuits import layered
from metaplast.network import Genome
from metaplast.neurons import LIF, Leaky, Output, Rate, Traced
from metaplast.rules import EProp, Factored, PairSTDP, Total, TripletSTDP


@pytest.fixture(scope="module")
def evidence():
    rule = Total((PairSTDP(), TripletSTDP(), EProp()))
    neurons = {
        "input": Traced(Rate("linear")),
        "hidden": Traced(LIF()),
        "output": Leaky(Output(rate=0.1)),
    }
    genome = Genome(neurons, {"forward": rule, "readout": Factored((0.05,))})
    return Evidence(from_network("spiking", genome, functools.partial(layered, feedback="direct")))


@pytest.mark.parametrize("constraint", [SynapticLocality, NeuronalLocality])
def test_spiking_networks_are_local(evidence, constraint):
    verdict = constraint().verdict(evidence)
    assert verdict.status == "upheld" and verdict.grade == "proof"
