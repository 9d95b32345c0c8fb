"""What the audit says about circuits: each keeps or breaks what its anatomy says it does."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from metaplast import circuits
from metaplast.audit.constraints import (
    DalesLaw,
    NeuronalLocality,
    NoStoredActivations,
    NoWeightSharing,
    NoWeightTransport,
    SeparateFeedback,
    SynapticLocality,
)
from metaplast.audit.evidence import Evidence
from metaplast.audit.networks import from_network
from metaplast.audit.subject import SMALL, Scale
from metaplast.audit.verdict import Grade, Status
from metaplast.network import Genome
from metaplast.neurons import Interneuron, Nudged, Output, Pyramidal, Rate, Settling
from metaplast.rules import AntiHebb, Decay, Delta, Factored, Reciprocal, Total

DELTA = Delta(0.1)
CELLS = {"input": Rate("relu"), "hidden": Rate(), "output": Output(rate=0.1)}
TAUGHT = {"forward": DELTA, "readout": DELTA}
BOTH = Total((Delta(0.3), Decay(0.02)))
BACK = Reciprocal(0.3, 0.02)

LEARNERS = {
    "sparse": (circuits.sparse, {"density": 0.5}, CELLS, TAUGHT),
    "recurrent": (circuits.recurrent, {}, CELLS, {**TAUGHT, "recurrent": DELTA}),
    "decorrelating": (
        circuits.decorrelating, {"rounds": 2},
        {**CELLS, "hidden": Settling()}, {"lateral": AntiHebb(0.1, 0.1), "readout": DELTA},
    ),
    "signed": (
        circuits.excitatory_inhibitory, {},
        {**CELLS, "hidden": Rate("relu"), "inhibitory": Rate("linear")},
        {**TAUGHT, "inhibiting": DELTA},
    ),
    "local": (circuits.local, {"patch": 2}, CELLS, TAUGHT),
    "backward": (circuits.local, {"patch": 2, "feedback": "backward"}, CELLS, TAUGHT),
    "symmetric": (circuits.local, {"patch": 2, "feedback": "symmetric"}, CELLS, TAUGHT),
    "signs": (circuits.local, {"patch": 2, "feedback": "signs"}, CELLS, TAUGHT),
    "convolutional": (circuits.convolutional, {"patch": 2}, CELLS, TAUGHT),
    "reciprocal": (
        circuits.reciprocal, {}, CELLS,
        {"forward": BOTH, "readout": BOTH, "feedback": BACK, "feedback_readout": BACK},
    ),
    "dendritic": (
        circuits.dendritic, {},
        {"input": Rate("linear"), "hidden": Pyramidal(), "interneuron": Interneuron(),
         "interneuron_output": Interneuron("linear"), "output": Nudged(Output())},
        {"forward": Factored((0.5,)), "readout": Factored((0.1,)), "predicting": Factored((0.1,)),
         "cancelling": Factored((0.0, -0.01))},
    ),
}  # fmt: skip


PLACES = Scale(12, (2, 2), 3)
"""Where a patch of four places is not all of a layer."""


@functools.cache
def evidence(name: str) -> Evidence:
    make, options, cells, rules = LEARNERS[name]
    genome, scale = Genome(cells, rules), PLACES if "feedback" in options else SMALL
    return Evidence(from_network(name, genome, lambda i, h, o: make(i, h, o, **options), scale))


def judged(constraint, name, status, witness=""):
    verdict = constraint().verdict(evidence(name))
    assert verdict.status is status, verdict
    assert witness in verdict.witness, verdict
    return verdict


kept = functools.partial(judged, status=Status.UPHELD)
broken = functools.partial(judged, status=Status.VIOLATED)


CHEATS = {"convolutional", "symmetric", "signs"}


@pytest.mark.parametrize("name", sorted(set(LEARNERS) - CHEATS))
def test_every_circuit_that_does_not_cheat_is_local(name):
    """Cells read over the synapses that there are, and over no others."""
    assert kept(NeuronalLocality, name).grade is Grade.PROOF
    assert kept(SynapticLocality, name).grade is Grade.PROOF


def test_a_cell_may_not_read_over_a_synapse_that_is_absent():
    """Negative control: the same network, of which the audit is told of one synapse less."""
    whole = evidence("sparse").subject
    bundle = whole.anatomy.bundle("input->hidden1")
    assert 0 < bundle.mask.sum() < bundle.mask.size
    post, pre = np.argwhere(bundle.mask)[0]
    bundle.mask[post, pre] = False
    try:
        verdict = NeuronalLocality().verdict(Evidence(whole))
    finally:
        bundle.mask[post, pre] = True
    assert verdict.status is Status.VIOLATED
    assert f"cell hidden1[{post}] reads" in verdict.witness and f"input[{pre}]" in verdict.witness


def test_dales_law():
    assert "100 % of the cells keep it" in kept(DalesLaw, "signed").value
    broken(DalesLaw, "recurrent", witness="inhibits")


def test_weight_sharing_has_a_witness():
    assert "synapses" in kept(NoWeightSharing, "local").value
    verdict = broken(NoWeightSharing, "convolutional", witness="input->hidden1[")
    assert verdict.grade is Grade.PROOF and "synapses.py" in verdict.witness
    # A shared weight is known to cells at which its synapse does not end.
    broken(NeuronalLocality, "convolutional", witness="weight of synapse input->hidden1[0, 0]")


@pytest.mark.parametrize("name", ["symmetric", "signs"])
def test_feedback_over_the_forward_synapses_transports_their_weights(name):
    """Or their signs. Synapses of their own at the same places do not: cells read over these and
    over no others."""
    verdict = broken(NoWeightTransport, name, witness="weight of synapse hidden")
    assert verdict.grade is Grade.PROOF
    broken(SeparateFeedback, name)
    kept(NoWeightTransport, "backward")
    kept(SeparateFeedback, "backward")
    forth = evidence(name).subject.anatomy.bundle("hidden1->hidden2").mask
    assert 0 < forth.sum() < forth.size
    for learner in (name, "backward"):
        back = evidence(learner).subject.anatomy.bundle("hidden2~>hidden1")
        np.testing.assert_array_equal(back.mask, forth.T)


def test_feedback_that_learns_transports_no_weight_and_aligns():
    verdict = kept(NoWeightTransport, "reciprocal")
    kept(SeparateFeedback, "reciprocal")
    birth, end = (int(word.rstrip("°")) for word in verdict.value.split() if "°" in word)
    assert birth > 70 and end < 35


def test_a_moment_is_no_recording():
    kept(NoStoredActivations, "recurrent")
