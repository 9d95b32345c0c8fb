"""Constraints whose evidence is mostly proof: of each, a learner that keeps it and some that do
not, each with the witness that belongs to it."""

from __future__ import annotations

import functools
import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.audit.alignment import FALSE_ALARM, angle, dependence
from metaplast.audit.cheats import base
from metaplast.audit.constraints import (
    BroadcastBandwidth,
    Causality,
    NeuronalLocality,
    NonlinearFeedback,
    NoStoredActivations,
    NoUpdateLocking,
    NoWeightSharing,
    NoWeightTransport,
    SeparateFeedback,
    SynapticLocality,
    TeachingAtOutput,
)
from metaplast.audit.constraints.abstract import Unfounded
from metaplast.audit.evidence import MOMENTS, Evidence
from metaplast.audit.networks import from_network
from metaplast.audit.subject import SMALL, from_function
from metaplast.audit.verdict import Grade, Status, upheld
from metaplast.circuits import layered
from metaplast.learners.feedback_alignment import feedback_alignment

PROVEN = (
    BroadcastBandwidth,
    Causality,
    NeuronalLocality,
    NoStoredActivations,
    NoUpdateLocking,
    NoWeightSharing,
    NoWeightTransport,
    NonlinearFeedback,
    SeparateFeedback,
    TeachingAtOutput,
)
HERE = "test_constraints_proven.py:"


def judged(constraint, evidence, status, witness=""):
    """The verdict, after a look at its status and at the words of its witness."""
    verdict = constraint().verdict(evidence)
    assert verdict.status is status, verdict
    assert witness in verdict.witness, verdict
    assert bool(verdict.witness) == (status is not Status.UPHELD)
    return verdict


kept = functools.partial(judged, status=Status.UPHELD)
broken = functools.partial(judged, status=Status.VIOLATED)
beside = functools.partial(judged, status=Status.NOT_APPLICABLE)


def changed(name, born=base.born, resizable=True, **sweeps):
    """Evidence on the honest learner, with one of its sweeps replaced."""
    subject = base.subject_of(name, functools.partial(base.step, **sweeps), born)
    if not resizable:
        subject = from_function(name, subject.step, subject.born)
    return Evidence(subject)


@pytest.fixture(scope="module")
def honest():
    """Feedback alignment: it waits for the output and feeds errors back, and cheats nowhere."""
    return Evidence(base.subject())


# -- a learner that keeps what the honest one does not ---------------------------------------


def modest_born(key, scale=SMALL):
    return {**base.born(key, scale), "broadcast": {"reward": jnp.zeros(1)}}


def modest(state, experience, key, reward=lambda right, experience: right):
    """Hidden cells hear what the layer above said, and how well it went, one moment later."""
    cells = base.forward(state, experience)
    output = cells["output"]["activity"]
    wanted = jax.nn.one_hot(experience["target"], output.shape[0])
    cells["output"]["error"] = wanted - output
    for name, above in zip(base.names(state)[1:-1], base.names(state)[2:], strict=True):
        weight = state["projections"][f"{above}~>{name}"]["weight"]
        heard = weight @ state["populations"][above]["activity"]
        cells[name]["error"] = heard * jnp.mean(state["broadcast"]["reward"])
    right = (jnp.argmax(output) == experience["target"]).astype(jnp.float32)
    return {
        "populations": cells,
        "projections": base.change(state, cells),
        "broadcast": {"reward": jnp.atleast_1d(reward(right, experience))},
    }


@pytest.fixture(scope="module")
def modest_evidence():
    return Evidence(base.subject_of("modest", modest, modest_born))


# -- a learner that sins where only a life shows it ------------------------------------------


def sinner_born(key, scale=SMALL):
    state = base.born(key, scale)
    hidden = state["populations"]["hidden1"]
    hidden |= {"clock": jnp.zeros(scale.hidden[0]), "heard": jnp.zeros(scale.hidden[0])}
    hidden["kept"] = jnp.zeros((scale.hidden[0], 3))
    first = state["projections"]["input->hidden1"]
    first["weight"] = first["weight"].at[1].set(first["weight"][0])
    for fields in state["projections"].values():
        fields["age"] = jnp.zeros(fields["weight"].shape)
    return state


def twins(state, cells, experience):
    """Cells 0 and 1 share their error; every cell keeps its last three activities in a ring."""
    cells = base.backward(state, cells, experience)
    hidden, before = cells["hidden1"], state["populations"]["hidden1"]
    error = hidden["error"].at[:2].set(jnp.mean(hidden["error"][:2]))
    clock = before["clock"] + 1.0
    slot = jnp.arange(3) == (clock % 3.0)[:, None]
    ring = jnp.where(slot, hidden["activity"][:, None], before["kept"])
    new = {"heard": hidden["error"], "error": error, "clock": clock, "kept": ring}
    cells["hidden1"] = {**hidden, **new}
    return cells


def copied(state, cells):
    """At the hundredth moment, feedback becomes what the way forward is."""
    projections = base.change(state, cells)
    for name, fields in projections.items():
        projections[name] = {**fields, "age": fields["age"] + 1.0}
    back = projections["output~>hidden2"]
    mirrored = state["projections"]["hidden2->output"]["weight"].T
    weight = jnp.where(back["age"] == 100.0, mirrored, back["weight"])
    projections["output~>hidden2"] = {**back, "weight": weight}
    return projections


@pytest.fixture(scope="module")
def sinner():
    return changed("sinner", sinner_born, backward=twins, change=copied)


# -- networks made of this package's parts ---------------------------------------------------


@pytest.fixture(scope="module")
def networks():
    genome = feedback_alignment(6, (5, 4), 3, 0.05, "tanh").genome

    def of(feedback):
        circuit = lambda i, h, o: layered(i, h, o, feedback)  # noqa: E731
        return Evidence(from_network(feedback, genome, circuit))

    return {feedback: of(feedback) for feedback in ("direct", "symmetric", "none")}


# -- neuronal locality -----------------------------------------------------------------------


def normalized(state, experience):
    cells = base.forward(state, experience)
    drive = cells["output"]["drive"]
    cells["output"] = {"drive": drive, "activity": jax.nn.softmax(drive)}
    return cells


def test_neuronal_locality(honest, networks):
    kept(NeuronalLocality, honest)
    kept(NeuronalLocality, networks["direct"])  # its softmax has the interneuron that it needs
    verdict = broken(NeuronalLocality, changed("normalized", forward=normalized), witness=HERE)
    assert "activity of cell output[0] reads drive of cell output[1]" in verdict.witness


# -- relays ----------------------------------------------------------------------------------


def relaying(said, wired=True):
    """The output hears a relay of the stimulus, or of the hidden cells, which says what it hears:
    JAX makes no copy of that, so two fields are one value."""
    sizes = {"input": 6, "hidden": 5, "relay": {"input": 6, "hidden": 5}[said], "output": 3}
    names = ["input->hidden", "relay->output", "hidden->output"]

    def born(key):
        shapes = {n: tuple(sizes[end] for end in reversed(n.split("->"))) for n in names}
        cells = {name: {"activity": jnp.zeros(size)} for name, size in sizes.items()}
        cells["output"]["error"] = jnp.zeros(3)
        return {"populations": cells, "projections": {
            **base.drawn(key, shapes), **({f"{said}=>relay": {}} if wired else {}),
        }}  # fmt: skip

    def step(state, experience, key):
        weight = {name: state["projections"][name]["weight"] for name in names}
        x = experience["stimulus"]
        h = jnp.tanh(weight["input->hidden"] @ x)
        relay = {"input": x, "hidden": h}[said]
        y = weight["relay->output"] @ relay + weight["hidden->output"] @ h
        error = jax.nn.one_hot(experience["target"], 3) - y
        learned = weight["relay->output"] + base.RATE * jnp.outer(error, relay)
        said_by = {"input": x, "hidden": h, "relay": relay, "output": y}
        cells = {name: {"activity": activity} for name, activity in said_by.items()}
        cells["output"]["error"] = error
        changed = {**state["projections"], "relay->output": {"weight": learned}}
        return {"populations": cells, "projections": changed}

    return Evidence(from_function("relaying", step, born))


@pytest.mark.parametrize("said", ["input", "hidden"])
def test_a_relay_says_what_it_hears(said):
    evidence = relaying(said)
    kept(NeuronalLocality, evidence)
    kept(SynapticLocality, evidence)
    beside(NoWeightTransport, evidence, witness="nothing is fed back")
    numbers = [evidence.reads.places.made[n].owner for n in evidence.messages()]
    assert numbers == ["hidden", "input", "relay"]  # all three are sent


@pytest.mark.parametrize("said", ["input", "hidden"])
def test_a_relay_without_a_wire_is_told(said):
    broken(NeuronalLocality, relaying(said, wired=False), witness="activity of cell relay[0] ")


# -- weight transport ------------------------------------------------------------------------


def sign_symmetric(key, scale=SMALL):
    state = base.born(key, scale)
    for above, name in (("hidden2", "hidden1"), ("output", "hidden2")):
        back = state["projections"][f"{above}~>{name}"]
        forth = state["projections"][f"{name}->{above}"]["weight"].T
        back["weight"] = jnp.abs(back["weight"]) * jnp.sign(forth)
    return state


def told_born(key, scale=SMALL):
    state = base.born(key, scale)
    state["populations"]["output"]["told"] = jnp.zeros((scale.outputs, scale.hidden[-1]))
    return state


def told(state, cells, experience):
    """Output cells weigh their error for each hidden cell, which sums what it is told."""
    cells = base.backward(state, cells, experience)
    message = state["projections"]["hidden2->output"]["weight"] * cells["output"]["error"][:, None]
    cells["output"] = {**cells["output"], "told": message}
    cells["hidden2"] = {**cells["hidden2"], "error": message.sum(0)}
    back = state["projections"]["hidden2~>hidden1"]["weight"]
    cells["hidden1"] = {**cells["hidden1"], "error": back @ cells["hidden2"]["error"]}
    return cells


def offering(offer, own=0.05, relay=False):
    """Cells that offer what their synapses hold as a field of their own, a value for each, which
    the feedback synapses take over; or a relay offers it in their place."""
    teller = "relay" if relay else "output"

    def born(key, scale=SMALL):
        state = base.born(key, scale)
        cells, projections = state["populations"], state["projections"]
        cells["output"]["dendrite"] = jnp.zeros((scale.outputs, scale.hidden[-1]))
        projections[f"{teller}~>hidden2"] = projections.pop("output~>hidden2")
        if relay:
            cells["relay"] = {"dendrite": cells["output"]["dendrite"],
                              "error": cells["output"]["error"]}  # fmt: skip
            projections["output=>relay"] = {}
        back = projections[f"{teller}~>hidden2"]
        projections[f"{teller}~>hidden2"] = {**back, "own": back["weight"]}
        return state

    def step(state, experience, key):
        fed_back = lambda state, above, name: base.feedback(  # noqa: E731
            state, teller if above == "output" else above, name
        )
        backward = functools.partial(base.backward, feedback=fed_back)
        after = base.step(state, experience, key, backward=backward)
        cells, projections = dict(after["populations"]), dict(after["projections"])
        offered = offer(state["projections"]["hidden2->output"]["weight"])
        cells["output"] = {**cells["output"], "dendrite": offered}
        if relay:
            cells["relay"] = {"dendrite": offered, "error": cells["output"]["error"]}
        back = projections[f"{teller}~>hidden2"]
        changed = {**back, "weight": own * back["own"] + offered.T}
        projections[f"{teller}~>hidden2"] = changed
        return {"populations": cells, "projections": projections}

    return Evidence(from_function("offering", step, born))


@pytest.mark.parametrize("relay", [False, True], ids=["itself", "relayed"])
def test_synapses_that_are_told_a_weight_each(relay):
    """Every step is local: a cell reads its synapses, a synapse its pre-synaptic cell."""
    evidence = offering(lambda weight: 1.0 * weight, relay=relay)
    kept(SynapticLocality, evidence)
    kept(NeuronalLocality, evidence)
    teller = "relay" if relay else "output"
    told = f"weight of synapse {teller}~>hidden2[0, 0] reads dendrite of cell {teller}[0, 0]"
    broken(NoWeightTransport, evidence, witness=told)


def test_synapses_that_are_told_what_all_weights_sum_to():
    spread = lambda weight: jnp.tile(weight.sum(1)[:, None], (1, 4)) * jnp.arange(4)  # noqa: E731
    kept(NoWeightTransport, offering(spread, own=1.0))


def test_no_weight_transport_kept(honest):
    verdict = kept(NoWeightTransport, honest)
    assert verdict.grade is Grade.TEST
    angles = [int(word.rstrip("°")) for word in verdict.value.split() if "°" in word]
    assert len(angles) == 2
    assert 70 < angles[0] < 110 and angles[1] < angles[0]  # feedback alignment aligns


def test_no_weight_transport_broken(networks, sinner):
    symmetric = broken(NoWeightTransport, networks["symmetric"], witness="delivery.py:")
    assert symmetric.grade is Grade.PROOF
    assert "reply message of cell hidden1[0] reads weight of synapse hidden1->hidden2[0, 0]" in (
        symmetric.witness
    )
    copy = broken(NoWeightTransport, sinner, witness=HERE)
    assert copy.grade is Grade.PROOF and "weight of synapse output~>hidden2" in copy.witness
    aligned = broken(NoWeightTransport, changed("signs", sign_symmetric), witness="at birth")
    assert aligned.grade is Grade.TEST
    addressed = changed("told", told_born, backward=told)
    kept(NeuronalLocality, addressed)  # every step of it is local, and yet
    broken(NoWeightTransport, addressed, witness="error of cell hidden2[0] reads told of cell")
    beside(NoWeightTransport, networks["none"], witness="nothing is fed back")


# -- broadcasts ------------------------------------------------------------------------------


def wide_born(width):
    def born(key, scale=SMALL):
        return {**base.born(key, scale), "broadcast": {"reward": jnp.zeros(width(scale))}}

    return born


def wide(state, experience, key):
    width = state["broadcast"]["reward"].shape[0]
    return modest(state, experience, key, lambda right, _: jnp.full(width, right))


def test_broadcast_bandwidth(honest, modest_evidence):
    beside(BroadcastBandwidth, honest, witness="hears a broadcast")
    verdict = kept(BroadcastBandwidth, modest_evidence)
    assert verdict.value == "1 x 1.0 bits seen of 32"
    growing = base.subject_of("growing", wide, wide_born(lambda scale: scale.outputs))
    verdict = broken(BroadcastBandwidth, Evidence(growing), witness="and 4 in a larger network")
    assert verdict.value.startswith("3 x ")
    alone = from_function("alone", growing.step, growing.born)
    broken(BroadcastBandwidth, Evidence(alone), witness="as wide as output")


def summing(apart):
    """Hidden cells subtract what is broadcast: the sum of their layer, or that of all layers."""
    told = lambda name: f"sum_of_{name}" if apart else "sum"  # noqa: E731

    def born(key, scale=SMALL):
        names = dict.fromkeys(told(name) for name in base.layers(len(scale.hidden))[1:-1])
        return {**base.born(key, scale), "broadcast": {name: jnp.zeros(1) for name in names}}

    def step(state, experience, key):
        said = {name: jnp.zeros(1) for name in state["broadcast"]}

        def backward(state, cells, experience):
            cells, hidden = base.backward(state, cells, experience), base.names(state)[1:-1]
            for name in hidden:
                said[told(name)] += cells[name]["activity"].sum()
            heard = {n: {**cells[n], "error": cells[n]["error"] - said[told(n)]} for n in hidden}
            return cells | heard

        return {**base.step(state, experience, key, backward=backward), "broadcast": said}

    return Evidence(base.subject_of("summing", step, born))


def test_broadcasts_that_every_layer_brings_along_are_more_in_a_deeper_network():
    names = ", ".join(f"sum_of_hidden{n}" for n in (1, 2, 3, 4))
    told = f"has 2 values, and 4 in a larger network: {names}"
    assert broken(BroadcastBandwidth, summing(apart=True), witness=told).grade is Grade.PROOF
    assert kept(BroadcastBandwidth, summing(apart=False)).value.startswith("1 x ")


# -- update locking --------------------------------------------------------------------------


def unsupervised(state, cells, experience):
    """What a synapse multiplies is the drive of its post-synaptic cell."""
    layers = {name: fields for name, fields in cells.items() if name != "input"}
    return {**cells, **{n: {**fields, "error": fields["drive"]} for n, fields in layers.items()}}


def test_no_update_locking(honest, modest_evidence, networks):
    verdict = broken(NoUpdateLocking, honest, witness="wait for hidden2, output: error of cell")
    waits, late = verdict.value.split("; ")
    assert waits == "waits for 2 populations, for 4 in a deeper network"
    assert re.fullmatch(r"late messages: accuracy 0\.\d\d -> 0\.\d\d", late)
    before, after = map(float, late.removeprefix("late messages: accuracy ").split(" -> "))
    assert before - after > 0.05, "what is locked suffers when messages are late"
    verdict = kept(NoUpdateLocking, modest_evidence)
    assert verdict.value.startswith("waits for 0 populations; late messages: accuracy ")
    kept(NoUpdateLocking, changed("hebb", backward=unsupervised))
    beside(NoUpdateLocking, changed("frozen", change=lambda state, cells: state["projections"]))


# -- stored activations ----------------------------------------------------------------------


def tape_born(length):
    def born(key, scale=SMALL):
        state = base.born(key, scale)
        state["populations"]["hidden1"]["tape"] = jnp.zeros((scale.hidden[0], length(scale)))
        return state

    return born


def shifted(state, cells, experience):
    cells = base.backward(state, cells, experience)
    tape = state["populations"]["hidden1"]["tape"]
    tape = jnp.concatenate([cells["hidden1"]["activity"][:, None], tape[:, :-1]], 1)
    cells["hidden1"] = {**cells["hidden1"], "tape": tape}
    return cells


def faded(state, cells, experience):
    """Traces of several time constants: of the same shape as a tape, and no recording."""
    cells = base.backward(state, cells, experience)
    traces, activity = state["populations"]["hidden1"]["tape"], cells["hidden1"]["activity"]
    cells["hidden1"] = {**cells["hidden1"], "tape": traces + 0.1 * (activity[:, None] - traces)}
    return cells


def test_no_stored_activations(honest, sinner):
    verdict = kept(NoStoredActivations, honest)
    assert verdict.value == "0 per cell, 1 per synapse"
    three, horizon = tape_born(lambda scale: 3), tape_born(lambda scale: scale.horizon // 20)
    shift = changed("shift", three, backward=shifted)
    broken(NoStoredActivations, shift, witness="tape of cell hidden1[0, 1] reads tape of cell")
    long = changed("long", horizon, backward=faded)
    broken(NoStoredActivations, long, witness="has shape [5, 4] in a longer life, else [5, 2]")
    many = changed("many", tape_born(lambda scale: 17), resizable=False, backward=faded)
    broken(NoStoredActivations, many, witness="17 values are carried")
    ring = broken(NoStoredActivations, sinner, witness="hold copies of activity of cell hidden1")
    assert ring.grade is Grade.TEST and ring.value == "4 per cell, 2 per synapse"
    verdict = kept(NoStoredActivations, changed("traces", three, backward=faded))
    assert verdict.value == "3 per cell, 1 per synapse"


# -- teaching --------------------------------------------------------------------------------


def label_told(state, cells, experience):
    cells = base.backward(state, cells, experience)
    label = jax.nn.one_hot(experience["target"], 4)
    cells["hidden2"] = {**cells["hidden2"], "error": cells["hidden2"]["error"] + label[:4]}
    return cells


def test_teaching_at_output(honest, modest_evidence):
    assert kept(TeachingAtOutput, honest).grade is Grade.PROOF
    # Its broadcast judges the output; how much it tells is seen on lives.
    assert kept(TeachingAtOutput, modest_evidence).grade is Grade.TEST
    hidden = changed("label", resizable=False, backward=label_told)
    broken(TeachingAtOutput, hidden, witness="error of cell hidden2[0] reads the target, " + HERE)
    label = functools.partial(modest, reward=lambda _, experience: experience["target"] * 1.0)
    label = Evidence(base.subject_of("announced", label, modest_born))
    broken(TeachingAtOutput, label, witness="broadcast reward[0] reads the target")
    silent = changed("unsupervised", backward=unsupervised)
    beside(TeachingAtOutput, silent, witness="nobody is taught")


# -- causality -------------------------------------------------------------------------------


def life(shift):
    def lived(state, experiences, key):
        stimuli = jnp.roll(experiences["stimulus"], shift, 0)

        def moment(state, seen):
            state = base.step(state, seen, key)
            return state, state

        return jax.lax.scan(moment, state, {**experiences, "stimulus": stimuli})[1]

    return lived


def clamped(state, cells, experience):
    cells = base.backward(state, cells, experience)
    wanted = jax.nn.one_hot(experience["target"], cells["output"]["activity"].shape[0])
    cells["output"] = {**cells["output"], "activity": wanted}
    return cells


def test_causality(honest):
    assert kept(Causality, honest).grade is Grade.CONSTRUCTION
    whole = Evidence(base.subject_of("whole", life=life(0)))
    assert kept(Causality, whole).grade is Grade.PROOF
    ahead = Evidence(base.subject_of("ahead", life=life(-1)))
    broken(Causality, ahead, witness="at moment 0 reads the stimulus of moment 1, " + HERE)
    behind = Evidence(base.subject_of("behind", life=life(1)))  # the last one comes first
    broken(Causality, behind, witness="at moment 0 reads the stimulus of moment 4")
    answer = changed("clamped", backward=clamped)
    broken(Causality, answer, witness="the answer depends on its target")


# -- weight sharing --------------------------------------------------------------------------


def averaged(state, cells):
    projections = base.change(state, cells)
    weight = projections["input->hidden1"]["weight"]
    projections["input->hidden1"] = {"weight": jnp.broadcast_to(weight.mean(0), weight.shape)}
    return projections


def test_no_weight_sharing(honest, sinner):
    assert kept(NoWeightSharing, honest).value == "94 synapses"
    verdict = broken(NoWeightSharing, changed("averaged", change=averaged))
    assert verdict.grade is Grade.PROOF
    assert "synapse input->hidden1[0, 0] reads weight of synapse input->hidden1[1, 0]" in (
        verdict.witness
    )
    twin = broken(NoWeightSharing, sinner, witness="input->hidden1[0, 0] and input->hidden1[1, 0]")
    assert twin.grade is Grade.TEST


# -- feedback --------------------------------------------------------------------------------


def same_key(key, scale=SMALL):
    """One draw, used twice: no weight is near its transposed, and nothing is independent."""
    state = base.born(key, scale)
    for above, name in (("hidden2", "hidden1"), ("output", "hidden2")):
        forth = state["projections"][f"{name}->{above}"]["weight"]
        state["projections"][f"{above}~>{name}"]["weight"] = forth.reshape(forth.shape[::-1])
    return state


def same_sizes(key, scale=SMALL):
    state = base.born(key, scale)
    for above, name in (("hidden2", "hidden1"), ("output", "hidden2")):
        back = state["projections"][f"{above}~>{name}"]
        forth = state["projections"][f"{name}->{above}"]["weight"].T
        back["weight"] = jnp.sign(back["weight"]) * jnp.abs(forth)
    return state


def test_separate_feedback(honest, sinner, networks):
    kept(SeparateFeedback, honest)
    borrowed = broken(SeparateFeedback, networks["symmetric"], witness="has no weights of its own")
    assert borrowed.grade is Grade.PROOF and "reads weight of synapse" in borrowed.witness
    # The two shapes of a pair differ, so a draw used twice is not its own transposed.
    broken(SeparateFeedback, changed("key", same_key), witness="in the order drawn")
    broken(SeparateFeedback, changed("sizes", same_sizes), witness="in size, r = 1.00")
    copy = broken(SeparateFeedback, sinner, witness="output~>hidden2 are the transposed forward")
    assert copy.grade is Grade.TEST and f"at moment {100 - 1} of" in copy.witness
    assert MOMENTS > 100
    beside(SeparateFeedback, networks["none"], witness="nothing is fed back")


def test_nonlinear_feedback(honest, modest_evidence, networks):
    kept(NonlinearFeedback, modest_evidence)
    broken(NonlinearFeedback, honest, witness="what hidden2 says forward is: activity")
    direct = broken(NonlinearFeedback, networks["direct"], witness="delivery.py:")
    assert "reads reply message of cell output[0]" in direct.witness
    beside(NonlinearFeedback, networks["none"], witness="nothing is fed back")


def feeding_back(said):
    """The output feeds one of its fields back, hidden cells their activity. Its bias learns, and it
    remembers errors: that of the moment before, and all of them, a little less each time."""

    def born(key, scale=SMALL):
        state = base.born(key, scale)
        output = state["populations"]["output"]
        for field in ("bias", "late", "rate", "sum", "late sum"):
            output[field] = jnp.zeros(scale.outputs)
        return state

    def step(state, experience, key):
        before, cells = state["populations"]["output"], base.forward(state, experience)
        answer = cells["output"]["drive"] + before["bias"]
        error = jax.nn.one_hot(experience["target"], 3) - answer
        cells["output"] |= {
            "activity": answer, "rate": jnp.tanh(answer), "bias": before["bias"] + 0.01 * error,
            "error": error, "late": 0.9 * before["error"],
            "sum": 0.5 * before["sum"] + error, "late sum": 0.9 * before["sum"],
        }  # fmt: skip
        for name, above, field in (("hidden2", "output", said), ("hidden1", "hidden2", "activity")):
            cells[name]["error"] = base.feedback(state, above, name) @ cells[above][field]
        return {"populations": cells, "projections": base.change(state, cells)}

    return Evidence(from_function("feeding back", step, born))


@pytest.mark.parametrize("said", ["error", "late", "sum", "late sum"])
def test_an_error_is_no_answer_when_it_comes_late(said):
    told = f"reads {said} of cell output[0]"
    assert broken(NonlinearFeedback, feeding_back(said), witness=told).grade is Grade.PROOF


@pytest.mark.parametrize("said", ["activity", "rate", "drive"])
def test_an_answer_that_was_learned_is_no_error(said):
    kept(NonlinearFeedback, feeding_back(said))


def hears_errors(share):
    """Layers are driven by what the errors of the layer below sum to, too, in some share."""

    def forward(state, experience):
        cells, names = {"input": {"activity": experience["stimulus"]}}, base.names(state)
        for pre, post in itertools.pairwise(names):
            drive = state["projections"][f"{pre}->{post}"]["weight"] @ cells[pre]["activity"]
            if pre != "input":
                drive += share * state["populations"][pre]["error"].sum()
            activity = drive if post == "output" else jnp.tanh(drive)
            cells[post] = {"drive": drive, "activity": activity}
        return cells

    def backward(state, cells, experience):
        output = cells["output"]
        error = jax.nn.one_hot(experience["target"], 3) - output["activity"]
        cells = {**cells, "output": {**output, "error": error}}
        heard = output["activity"]  # the output says its answer; hidden2 an error
        for above, name in (("output", "hidden2"), ("hidden2", "hidden1")):
            heard = base.feedback(state, above, name) @ heard
            cells[name] = {**cells[name], "error": heard}
        return cells

    return changed("hears errors", resizable=False, forward=forward, backward=backward)


def test_what_is_read_and_drives_nobody_is_not_said_forward():
    says = "what hidden2 says forward is: activity"
    unread = broken(NonlinearFeedback, hears_errors(0.0), witness=says)
    assert unread.grade is Grade.TEST and "error is read, and drives nobody" in unread.witness
    assert kept(NonlinearFeedback, hears_errors(0.3)).grade is Grade.TEST


def looped(mirrored):
    """What the output says comes back to a population that is written before the hidden one, over
    wires, and goes on from there over synapses that are born as the way forward is, or not."""
    shapes = {"input->hidden": (5, 6), "hidden->output": (3, 5), "mirror->hidden": (5, 3)}
    sizes = {"input": 6, "mirror": 3, "hidden": 5, "output": 3}

    def born(key):
        cells = {name: {"activity": jnp.zeros(size)} for name, size in sizes.items()}
        for name in ("hidden", "output"):
            cells[name]["error"] = jnp.zeros(sizes[name])
        drawn = base.drawn(key, shapes)
        if mirrored:
            drawn["mirror->hidden"] = {"weight": drawn["hidden->output"]["weight"].T}
        return {"populations": cells, "projections": {**drawn, "output=>mirror": {}}}

    def step(state, experience, key):
        up, out, back = (state["projections"][name]["weight"] for name in shapes)
        x = experience["stimulus"]
        h = jnp.tanh(up @ x)
        y = out @ h
        error = jax.nn.one_hot(experience["target"], 3) - y
        taught = back @ error
        cells = {
            "input": {"activity": x},
            "mirror": {"activity": error},
            "hidden": {"activity": h, "error": taught},
            "output": {"activity": y, "error": error},
        }
        changed = {
            "input->hidden": {"weight": up + base.RATE * jnp.outer(taught, x)},
            "hidden->output": {"weight": out + base.RATE * jnp.outer(error, h)},
            "mirror->hidden": {"weight": back + base.RATE * jnp.outer(h, error)},
        }
        return {"populations": cells, "projections": {**state["projections"], **changed}}

    return Evidence(from_function("looped", step, born))


def partnered(mirrored):
    """Errors have populations of their own, whose cells are wired to the hidden ones one by one."""
    pairs = (("hidden1", "error1"), ("hidden2", "error2"))

    def born(key, scale=SMALL):
        state = base.born(key, scale)
        cells, projections = state["populations"], state["projections"]
        for name, partner in pairs:
            cells[partner] = {"activity": cells[name]["error"]}
            projections[f"{partner}=>{name}"] = projections[f"{name}=>{partner}"] = {}
            cells[partner]["partner"] = cells[name]["error"]
        for new, old, forth in (
            ("error2~>error1", "hidden2~>hidden1", "hidden1->hidden2"),
            ("output~>error2", "output~>hidden2", "hidden2->output"),
        ):
            own = projections.pop(old)
            projections[new] = {"weight": projections[forth]["weight"].T} if mirrored else own
        return state

    def step(state, experience, key):
        renamed = {"output~>hidden2": "output~>error2", "hidden2~>hidden1": "error2~>error1"}
        back = {old: state["projections"][new] for old, new in renamed.items()}
        plain = {**state, "projections": {**state["projections"], **back}}
        after = base.step(plain, experience, key)
        cells = dict(after["populations"])
        for name, partner in pairs:
            said = {"activity": cells[name]["error"], "partner": cells[name]["activity"]}
            cells[partner] = said
        projections = {n: after["projections"][n] for n in state["projections"]}
        return {"populations": cells, "projections": projections}

    return Evidence(from_function("partnered", step, born))


@pytest.mark.parametrize("network", [looped, partnered])
def test_feedback_is_found_behind_wires(network):
    for constraint in (NoWeightTransport, SeparateFeedback):
        verdict = broken(constraint, network(True), witness="transposed")
        assert verdict.grade is Grade.TEST and verdict.value == "r = 1.00 at birth"
        assert kept(constraint, network(False)).value.count("at birth") == 1
    broken(NonlinearFeedback, network(False), witness="says forward is: ")


def test_nothing_to_compare_feedback_with_is_said():
    def born(key, scale=SMALL):
        state = base.born(key, scale)
        projections = state["projections"]
        del projections["hidden2~>hidden1"], projections["output~>hidden2"]
        state["populations"]["aside"] = {"activity": jnp.zeros(2)}
        projections |= base.drawn(key, {"output~>aside": (2, 3)})
        return state

    def backward(state, cells, experience):
        cells = unsupervised(state, cells, experience)
        heard = state["projections"]["output~>aside"]["weight"] @ cells["output"]["activity"]
        return {**cells, "aside": {"activity": heard}}

    for constraint in (NoWeightTransport, SeparateFeedback):
        evidence = changed("aside", born, resizable=False, backward=backward)
        beside(constraint, evidence, witness="nothing to compare output~>aside with")


def test_feedback_by_wires_alone_is_said():
    def born(key, scale=SMALL):
        state = base.born(key, scale)
        projections = state["projections"]
        del projections["hidden2~>hidden1"], projections["output~>hidden2"]
        state["populations"]["hub"] = {"activity": jnp.zeros(1)}
        return {**state, "projections": projections | {"output=>hub": {}, "hub=>hidden2": {}}}

    def backward(state, cells, experience):
        cells = unsupervised(state, cells, experience)
        hub = cells["output"]["activity"].sum(keepdims=True)
        hidden = {**cells["hidden2"], "error": cells["hidden2"]["error"] * hub}
        return {**cells, "hub": {"activity": hub}, "hidden2": hidden}

    for constraint in (NoWeightTransport, SeparateFeedback, NonlinearFeedback):
        evidence = changed("hub", born, resizable=False, backward=backward)
        beside(constraint, evidence, witness="no synapses lead back: hub=>hidden2 does, by wires")


# -- what they all have in common ------------------------------------------------------------


@pytest.mark.parametrize("constraint", PROVEN, ids=lambda constraint: constraint.name)
def test_no_verdict_without_evidence(constraint, honest):
    class Typed(constraint):
        def check(self, evidence):
            return upheld(constraint.grades[0])

    with pytest.raises(Unfounded, match=f"{constraint.name}: a verdict without evidence"):
        Typed().verdict(honest)
    assert constraint().verdict(honest).consulted  # the check itself does look


def test_dependence_has_few_false_alarms_and_sees_copied_signs():
    rng = np.random.default_rng(0)
    null = [dependence(*rng.normal(size=(2, 64, 4, 3))).probability for _ in range(1000)]
    assert min(null) > FALSE_ALARM and 0.4 < np.mean(null) < 0.6
    one, other = rng.normal(size=(2, 64, 4, 3))
    assert dependence(one, abs(other) * np.sign(one)).probability < 1e-9
    # Births that are all alike are as many observations as there are synapses, not more.
    alike = [np.repeat(rng.normal(size=(1, 4, 3)), 64, 0) for _ in range(2)]
    assert dependence(*alike).probability > FALSE_ALARM
    assert dependence(alike[0], alike[0] + 0.0).probability < 1e-9
    assert dependence(np.ones((64, 4, 3)), one).probability == 1.0


def test_angle_of_known_matrices():
    one = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert angle(one, 3.0 * one) == pytest.approx(0.0, abs=1e-4)
    assert angle(one, one[::-1]) == pytest.approx(90.0)
    assert angle(one, -one) == pytest.approx(180.0)
    assert np.isnan(angle(one, 0.0 * one))
