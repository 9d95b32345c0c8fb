"""Every cheat is caught, with a witness that names it; who does not cheat is not accused."""

from __future__ import annotations

import functools
from pathlib import Path

import jax.numpy as jnp
import pytest

from metaplast.audit import cheats
from metaplast.audit.certificate import registered
from metaplast.audit.evidence import Evidence
from metaplast.audit.resolve import names, resolve
from metaplast.audit.subject import SMALL, Subject
from metaplast.audit.verdict import Status, Verdict

WITNESSES = {
    ("almost_binary", "spikes"): ("activity of",),
    ("backprop_in_disguise", "no_derivative_knowledge"): ("hidden1", "slope"),
    ("backprop_in_disguise", "no_weight_transport"): ("hidden1->hidden2", "in_disguise.py:"),
    ("backprop_in_disguise", "neuronal_locality"): ("error of cell hidden1", "in_disguise.py:"),
    ("batch_statistics", "neuronal_locality"): ("used_to", "batch_statistics.py:"),
    ("born_aligned", "no_weight_transport"): ("hidden2~>hidden1", "at birth"),
    ("born_aligned", "separate_feedback"): ("hidden2~>hidden1", "transposed"),
    ("cheats_after_fifty", "neuronal_locality"): ("hidden1->hidden2", "cheats_after_fifty.py:"),
    ("cheats_after_fifty", "no_weight_transport"): ("hidden1->hidden2", "cheats_after_fifty.py:"),
    ("cheats_after_fifty", "one_phase"): ("clock", "memory", "cheats_after_fifty.py:"),
    ("copied_every_hundredth", "no_weight_transport"): ("hidden2~>hidden1", "hidden1->hidden2"),
    ("copied_every_hundredth", "one_phase"): ("clock", "copied_every_hundredth.py:"),
    ("copied_every_hundredth", "synaptic_locality"): ("copied_every_hundredth.py:",),
    ("dale_offset", "dales_law"): (
        "excites and inhibits over hidden1->hidden2",
        "drive of hidden2",
    ),
    ("finite_difference", "no_derivative_knowledge"): ("hidden1", "slope"),
    ("found_by_gradient", "evolutionary_outer_loop"): ("Backprop differentiates lives",),
    ("hidden_phase", "one_phase"): ("clock", "refractory of cell hidden1", "hidden_phase.py:"),
    ("label_by_broadcast", "teaching_at_output"): (
        "modulator",
        "told of cell output",
        "target alone",
        "label_by_broadcast.py:",
    ),
    ("label_in_hidden", "neuronal_locality"): ("hidden2", "target", "label_in_hidden.py:"),
    ("label_in_hidden", "teaching_at_output"): ("hidden2", "target", "label_in_hidden.py:"),
    ("layer_norm", "neuronal_locality"): ("hidden1[1]", "layer_norm.py:"),
    ("learned_weights", "genome_bottleneck"): ("at every birth",),
    ("look_ahead", "causality"): ("stimulus of moment 1", "look_ahead.py:"),
    ("low_bits", "neuronal_locality"): ("input[0]", "error of cell output", "low_bits.py:"),
    ("masked_feedback", "no_weight_transport"): ("hidden2~>hidden1 delivers", "at birth"),
    ("masked_feedback", "separate_feedback"): ("hidden2~>hidden1 delivers", "transposed"),
    ("needs_precision", "synaptic_precision"): ("coarse weights cost",),
    ("negative_messages", "unsigned_messages"): ("activity of missed is -1",),
    ("noise_fragile", "noise_tolerance"): ("noisy messages cost",),
    ("random_phase", "one_phase"): ("follows from its own", "phase of cell", "random_phase.py:"),
    ("replay_buffer", "no_stored_activations"): ("kept of population input",),
    ("replay_slots", "no_stored_activations"): ("slots of cell hidden2[0, 0]", "copies of"),
    ("shared_weights", "no_weight_sharing"): ("input->hidden1", "shared_weights.py:"),
    ("shared_weights", "synaptic_locality"): ("input->hidden1", "shared_weights.py:"),
    ("sign_flips", "dales_law"): ("excites", "inhibits"),
    ("softmax", "neuronal_locality"): ("output[0]", "output[1]", "softmax.py:"),
    ("tape", "no_stored_activations"): ("tape of population hidden1",),
    ("transposed_feedback", "neuronal_locality"): ("receptors", "transposed_feedback.py:"),
    ("transposed_feedback", "no_weight_transport"): ("receptors", "hidden1->hidden2"),
    ("wide_modulator", "broadcast_bandwidth"): ("modulator has 3 values, and 4 in a larger",),
}
"""Words that the witness of a cheat must have."""
BREAKERS = {"nonlinear_feedback": "honest", "no_update_locking": "honest"}
"""Who breaks what no cheat is needed for: the error network of feedback alignment."""
KEEPERS = {"no_update_locking": "readout_only", "evolutionary_outer_loop": "evolved",
           "broadcast_bandwidth": "told"}  # fmt: skip
"""Who keeps what the spiking learner does not keep, or has no part in."""


def evolved() -> Subject:
    """The honest learner, with an experiment that only ranks whole lives."""
    meta = {"type": "Evolution", "population": 4, "lives": 1, "steps": 4}
    return cheats.base.subject_of("evolved", spec={"meta": meta})


def told() -> Subject:
    """The honest learner, whose hidden cells all hear one number: whether it was wrong."""

    def born(key, scale=SMALL):
        return {**cheats.base.born(key, scale), "broadcast": {"surprise": jnp.zeros(1)}}

    def step(state, experience, key):
        surprise = state["broadcast"]["surprise"]

        def reply(state, name, cell, heard):
            return {**cell, "error": heard * (1.0 + surprise)}

        backward = functools.partial(cheats.base.backward, reply=reply)
        after = cheats.base.step(state, experience, key, backward=backward)
        error = after["populations"]["output"]["error"]
        return {**after, "broadcast": {"surprise": jnp.mean(error**2)[None]}}

    return cheats.base.subject_of("told", step, born)


OWN = {"evolved": evolved, "told": told}


@functools.cache
def evidence(name: str) -> Evidence:
    """One for all tests: what is expensive is made once."""
    return Evidence(OWN[name]() if name in OWN else resolve(name))


@functools.cache
def verdict(name: str, constraint: str) -> Verdict:
    return registered()[constraint]().verdict(evidence(name))


def honest(cheat: str) -> str:
    """The learner that a cheat was made of."""
    twin = getattr(getattr(cheats, cheat), "KEEPER", "base")
    return {"base": "honest"}.get(twin, twin)


BROKEN = [(cheat, broken) for cheat in cheats.__all__ for broken in getattr(cheats, cheat).BREAKS]


@pytest.mark.parametrize(("cheat", "constraint"), BROKEN)
def test_a_cheat_is_caught(cheat, constraint):
    found = verdict(f"cheats/{cheat}", constraint)
    assert found.status is Status.VIOLATED, found
    for word in WITNESSES[cheat, constraint]:
        assert word in found.witness


@pytest.mark.parametrize(
    ("twin", "constraint"), sorted({(honest(cheat), broken) for cheat, broken in BROKEN})
)
def test_its_honest_twin_is_not_accused(twin, constraint):
    assert verdict(twin, constraint).status is not Status.VIOLATED


def test_weights_that_are_nearly_one_large_value_are_no_copies():
    """All weights are about 100, the way forward and back."""
    found = verdict("cheats/needs_precision", "separate_feedback")
    assert found.status is Status.UPHELD, found
    born = evidence("cheats/needs_precision").births["projections"]
    assert all(abs(fields["weight"] - 100).max() < 5 for fields in born.values() if fields)


def test_every_cheat_is_registered_and_documented():
    files = {path.stem for path in Path(cheats.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(cheats.__all__) | set(cheats.KEEPERS)
    assert list(cheats.__all__) == sorted(cheats.__all__)
    assert {f"cheats/{name}" for name in cheats.__all__} <= set(names())
    for name in cheats.__all__:
        module = getattr(cheats, name)
        assert module.BREAKS and len(module.__doc__.splitlines()) > 2, name
        assert set(module.BREAKS) <= set(registered()), name


@pytest.mark.parametrize("constraint", registered())
def test_every_constraint_is_broken_by_one_and_kept_by_another(constraint):
    caught = [f"cheats/{cheat}" for cheat, broken in BROKEN if broken == constraint]
    for breaker in caught or [BREAKERS[constraint]]:
        assert verdict(breaker, constraint).status is Status.VIOLATED
    keeper = verdict(KEEPERS.get(constraint, "spiking"), constraint)
    assert keeper.status is Status.UPHELD, keeper
