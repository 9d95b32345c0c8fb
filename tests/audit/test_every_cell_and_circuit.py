"""Every exported cell and circuit, under a plain local rule, is as local as its type says.

A new one is tested by being exported. Programs are traced and not compiled, but for the spikes.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import circuits, neurons
from metaplast.audit.constraints import (
    Causality,
    NeuronalLocality,
    Spikes,
    SynapticLocality,
    TeachingAtOutput,
)
from metaplast.audit.evidence import Evidence
from metaplast.audit.networks import ANSWER, from_network
from metaplast.audit.places import Kind
from metaplast.audit.subject import Scale, Subject
from metaplast.audit.verdict import Status
from metaplast.circuits import Circuit, layered
from metaplast.network import Genome
from metaplast.rules import Delta

NEURONS = [name for name in neurons.__all__ if not name.startswith("Abstract")]
CIRCUITS = [name for name in circuits.__all__ if inspect.isfunction(getattr(circuits, name))]
PROVEN = (SynapticLocality, NeuronalLocality, Causality, TeachingAtOutput)
TINY = Scale(4, (3,), 2)
DEEP = Scale(4, (3, 5), 2)

SPIKING = ["AdaptiveLIF", "Izhikevich", "LIF", "StochasticBinary", "TwoCompartment"]
KINDS = {
    "input": neurons.Rate("linear"),
    "association": neurons.Association(),
    "innovation": neurons.Innovation(),
    "interneuron": neurons.Interneuron(),
    "interneuron_output": neurons.Interneuron("linear"),
    "output": neurons.Output(rate=0.1),
    "relay": neurons.Decorrelated(neurons.Rate("linear")),
    "relay_readout": neurons.Decorrelated(neurons.Rate("linear")),
    "remainder": neurons.Remainder(),
}
"""Who is there by kind of population; everybody else is a rate cell."""
HIDDEN = {
    "associative": neurons.Exemplar(),
    "decorrelating": neurons.Settling(),
    "dendritic": neurons.Pyramidal(),
    "layerwise": neurons.Decorrelated(),
    "reservoir": neurons.Reservoir(),
    "twinned": neurons.Twinned(),
}
"""Hidden cells that a circuit is meant for."""
SHALLOW = ("hierarchical", "reservoir")
"""Circuits that take one number of hidden cells."""
OPTIONS = {"convolutional": {"patch": 1}, "local": {"patch": 1}}
"""So that so few inputs are several places."""
SHARED = ("convolutional",)
"""Circuits that are no more local than one weight at all places can be."""
MUTE = ("Association", "Innovation", "Remainder", "Sensory")
"""Cells that have nothing to tell the synapses onto them."""


def neuron(name: str):
    """The neuron with its defaults; one that corrects another gets a rate cell."""
    maker = getattr(neurons, name)
    if "base" in inspect.signature(maker).parameters:
        return maker(neurons.Rate())
    return maker()


def network(name: str, build, hidden=None, output=None, scale: Scale = TINY) -> Subject:
    """Every synapse but those of the feedback learns by the delta rule."""
    circuit: Circuit = build(scale.inputs, scale.hidden, scale.outputs)
    cells = {p.kind: KINDS.get(p.kind, neurons.Rate()) for p in circuit.populations}
    cells |= {} if hidden is None else {"hidden": hidden}
    cells |= {} if output is None else {"output": output}
    learning = {q.kind: Delta(0.1) for q in circuit.weighted if q.site != "apical"}
    return from_network(name, Genome(cells, learning), build, scale)


@functools.cache
def of_cell(name: str) -> Evidence:
    direct = functools.partial(layered, feedback="direct")
    spikes = neurons.SpikingOutput() if name in SPIKING else None
    return Evidence(network(name, direct, neuron(name), spikes))


@functools.cache
def of_circuit(name: str) -> Evidence:
    scale = TINY if name in SHALLOW else DEEP
    build = functools.partial(getattr(circuits, name), **OPTIONS.get(name, {}))
    return Evidence(network(name, build, HIDDEN.get(name), scale=scale))


def statuses(evidence: Evidence) -> dict[str, Status]:
    return {constraint.name: constraint().verdict(evidence).status for constraint in PROVEN}


UPHELD = {constraint.name: Status.UPHELD for constraint in PROVEN}


@pytest.mark.parametrize("name", NEURONS)
def test_every_cell_is_local(name):
    assert statuses(of_cell(name)) == UPHELD
    # Not for want of anything to see: a cell hears its synapses, and a synapse its two cells.
    reads = of_cell(name).reads
    p = reads.places
    weight = p.where(kind=Kind.SYNAPSE, owner="input->hidden1", field="weight")
    hidden = p.where(kind=Kind.CELL, owner="hidden1", now=True)[reads.rows]
    assert reads.matrix[np.ix_(hidden, weight & ~p.now)].any()
    grown = (weight & p.now)[reads.rows]
    assert reads.matrix[np.ix_(grown, p.where(kind=Kind.CELL, owner="input"))].any()
    told = reads.matrix[np.ix_(grown, p.where(kind=Kind.CELL, owner="hidden1"))].any()
    assert told == (name not in MUTE)


@pytest.mark.parametrize("name", CIRCUITS)
def test_every_circuit_is_local(name):
    broken = {}
    if name in SHARED:
        broken = dict.fromkeys((SynapticLocality.name, NeuronalLocality.name), Status.VIOLATED)
    assert statuses(of_circuit(name)) == UPHELD | broken


# -- negative controls: a step that adds what nobody there could know --------------------------


def meddled(subject: Subject, meddle) -> Evidence:
    """The same learner, with something done to what its step returns."""

    def step(state, experience, key):
        return meddle(subject.step(state, experience, key), experience)

    return Evidence(dataclasses.replace(subject, step=step))


def changed(section: str, owner: str, field: str, change):
    """A meddling with one field."""

    def meddle(state, experience):
        fields = state[section][owner]
        new = {**fields, field: change(fields[field], experience)}
        return {**state, section: {**state[section], owner: new}}

    return meddle


def averaged(values, experience):
    return values + jnp.mean(values)


def labelled(values, experience):
    return values + jax.nn.one_hot(experience["target"], len(values))


def flagged(values, experience):
    return values + experience["target"]


MEDDLED = {
    SynapticLocality: changed("projections", "input->hidden1", "weight", averaged),
    NeuronalLocality: changed("populations", "hidden1", "reply message", averaged),
    Causality: changed("populations", "output", ANSWER, labelled),
    TeachingAtOutput: changed("populations", "hidden1", "reply message", flagged),
}


@pytest.mark.parametrize("constraint", PROVEN)
@pytest.mark.parametrize("name", ["Message", "TwoCompartment"])
def test_a_cell_that_knows_too_much_is_found(name, constraint):
    verdict = constraint().verdict(meddled(of_cell(name).subject, MEDDLED[constraint]))
    assert verdict.status is Status.VIOLATED and verdict.witness, verdict


@pytest.mark.parametrize("name", CIRCUITS)
def test_in_every_circuit_a_missing_synapse_is_missed(name):
    """The same network, of which the audit is told of one synapse onto the output less, and of
    its twin, where it has one."""
    subject = of_circuit(name).subject
    anatomy = subject.anatomy
    wire = next(b for b in anatomy.bundles if b.weighted and b.post == anatomy.output.name)
    mask = wire.mask.copy()
    mask[tuple(np.argwhere(mask)[0])] = False
    ends = (wire.pre, wire.post)
    bundles = tuple(
        dataclasses.replace(b, mask=mask) if (b.pre, b.post) == ends else b for b in anatomy.bundles
    )
    less = dataclasses.replace(subject, anatomy=dataclasses.replace(anatomy, bundles=bundles))
    verdict = NeuronalLocality().verdict(Evidence(less))
    assert verdict.status is Status.VIOLATED and verdict.witness, verdict


def test_borrowed_feedback_is_found():
    """Circuits pass for their anatomy: over transposed weights, one does not."""
    symmetric = functools.partial(layered, feedback="symmetric")
    verdict = NeuronalLocality().verdict(Evidence(network("symmetric", symmetric)))
    assert verdict.status is Status.VIOLATED
    assert "weight of synapse hidden1->output" in verdict.witness


# -- spikes ------------------------------------------------------------------------------------


def test_every_cell_with_a_surrogate_slope_is_known_to_spike():
    slopes = {name for name in NEURONS if hasattr(neuron(name), "surrogate")}
    assert slopes <= set(SPIKING) and len(slopes) >= 4


@pytest.mark.parametrize("name", SPIKING)
def test_spiking_cells_send_spikes(name):
    verdict = Spikes().verdict(of_cell(name))
    assert verdict.status is Status.UPHELD, verdict


def test_rate_cells_do_not_spike():
    direct = functools.partial(layered, feedback="direct")
    graded = Evidence(network("graded", direct, neurons.Rate(), neurons.SpikingOutput()))
    verdict = Spikes().verdict(graded)
    assert verdict.status is Status.VIOLATED and "hidden1" in verdict.witness
