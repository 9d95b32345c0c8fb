"""The experiment with spikes under Dale's law keeps what it demands; its breaker is caught."""

from __future__ import annotations

import dataclasses

import equinox as eqx
import pytest

from metaplast.audit.certificate import chosen
from metaplast.audit.constraints import DalesLaw, Spikes
from metaplast.audit.demands import subject_of
from metaplast.audit.evidence import Evidence
from metaplast.audit.networks import from_network
from metaplast.circuits import balanced
from metaplast.experiment import build_genome
from metaplast.neurons import Leaky, Output
from metaplast.spec import load

SPEC = load("spiking")
LEFT_TO_ITS_OWN_TESTS = ("evolutionary_outer_loop",)


@pytest.fixture(scope="module")
def evidence():
    return Evidence(subject_of(SPEC))


@pytest.mark.parametrize("name", [n for n in SPEC["constraints"] if n not in LEFT_TO_ITS_OWN_TESTS])
def test_what_it_demands_is_upheld(evidence, name):
    (constraint,) = chosen([name])
    verdict = constraint().verdict(evidence)
    if name == "broadcast_bandwidth":  # nothing is broadcast at all
        assert verdict.status == "not applicable" and "hears a broadcast" in verdict.witness
    else:
        assert verdict.status == "upheld", verdict.witness


def lawless(inputs, hidden, outputs):
    """The same circuit, but synapses excite or inhibit as they like."""
    circuit = balanced(inputs, hidden, outputs, density=0.15, shortcut=True)
    free = tuple(dataclasses.replace(q, sign=0) for q in circuit.projections)
    return dataclasses.replace(circuit, projections=free)


def test_without_signs_and_with_graded_errors_it_breaks_both():
    """Negative control."""
    genome = build_genome(SPEC["genome"])
    graded = {**genome.neurons, "output": Leaky(Output(rate=0.1), 10.0)}
    genome = eqx.tree_at(lambda g: g.neurons, genome, graded)
    evidence = Evidence(from_network("lawless", genome, lawless))
    dale, spikes = DalesLaw().verdict(evidence), Spikes().verdict(evidence)
    assert dale.status == "violated" and "excites" in dale.witness and "inhibits" in dale.witness
    assert spikes.status == "violated" and "output" in spikes.witness
