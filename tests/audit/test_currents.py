"""What a synapse makes of a message for its cell (a current, a conductance) is heard as if the cell
had made it itself: the same rule with and without such fields, and learned fields beside it."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import pytest

from metaplast.audit.cheats import base
from metaplast.audit.constraints import (
    NoDerivativeKnowledge,
    NoiseTolerance,
    NonlinearFeedback,
    Spikes,
    UnsignedMessages,
)
from metaplast.audit.evidence import Evidence
from metaplast.audit.subject import from_function

SIZES = {"input": 6, "hidden": 5, "output": 3}
SHAPES = {"input->hidden": (5, 6), "hidden->output": (3, 5), "output~>hidden": (5, 3)}


def summed(before, weight, said):
    """The cell multiplies and sums."""
    return weight @ said, {}


def current(before, weight, said):
    return (weight * said).sum(1), {"current": weight * said}


def fading(before, weight, said):
    """A current that outlasts the message."""
    now = 0.5 * before["current"] + weight * said
    return now.sum(1), {"current": now}


def later(before, weight, said):
    """A current that arrives at the next moment."""
    return before["current"].sum(1), {"current": weight * said}


def conductance(before, weight, said):
    """A fading conductance, and the current that it lets through."""
    opened = 0.5 * before["conductance"] + weight * said
    return (2 * opened).sum(1), {"conductance": opened, "current": 2 * opened}


def consolidated(before, weight, said):
    """The synapse delivers by the sum of what it learned lately and long ago."""
    return before["both"] @ said, {"slow": weight, "both": 0.9 * before["slow"] + 0.1 * weight}


FIELDS = {
    summed: (), current: ("current",), fading: ("current",), later: ("current",),
    conductance: ("conductance", "current"), consolidated: ("both", "slow"),
}  # fmt: skip


@functools.cache
def evidence(deliver, respond=jnp.tanh, said="error", slope=False, bend=None):
    """Evidence on a rule that feeds one field of the output back, or nothing. Hidden cells may
    know their slope, and be bent where they are heard instead of where they answer."""
    names = [name for name in SHAPES if said or "~>" not in name]

    def born(key):
        cells = {name: {"activity": jnp.zeros(size)} for name, size in SIZES.items()}
        cells["hidden"] |= {"error": jnp.zeros(5), "trace": jnp.zeros(5)}
        cells["output"] |= {"error": jnp.zeros(3)}
        projections = base.drawn(key, SHAPES)
        for fields in projections.values():
            weight = fields["weight"]
            fields |= dict.fromkeys(FIELDS[deliver], jnp.zeros(weight.shape))
            if deliver is consolidated:
                fields |= {"both": weight, "slow": weight}
        return {"populations": cells, "projections": {n: projections[n] for n in names}}

    def step(state, experience, key):
        before, new = state["projections"], {}

        def heard(name, message):
            total, new[name] = deliver(before[name], before[name]["weight"], message)
            return total

        x = experience["stimulus"]
        drive = heard("input->hidden", x)
        y = respond(drive)
        answer = heard("hidden->output", bend(y) if bend else y)
        error = jax.nn.one_hot(experience["target"], 3) - answer
        output = {"activity": answer, "error": error}
        taught = heard("output~>hidden", output[said]) if said else jnp.zeros(5)
        if slope:
            taught = taught * jax.vmap(jax.grad(bend or respond))(drive)
        trace = -y  # what cells offer their synapses need not be what they say
        changes = {
            "input->hidden": taught[:, None] * x,
            "hidden->output": error[:, None] * -trace,
            "output~>hidden": 0.0,
        }
        cells = {
            "input": {"activity": x},
            "hidden": {"activity": y, "error": taught, "trace": trace},
            "output": output,
        }
        changed = {n: {**new[n], "weight": before[n]["weight"] + 0.05 * changes[n]} for n in names}
        return {"populations": cells, "projections": changed}

    return Evidence(from_function(deliver.__name__, step, born))


def fires(drive):
    return 1.0 * (drive > 0)


ALL = pytest.mark.parametrize("deliver", FIELDS, ids=lambda deliver: deliver.__name__)
AT_ONCE = pytest.mark.parametrize(
    "deliver", [summed, current, fading, conductance], ids=lambda deliver: deliver.__name__
)


def sent(evidence):
    made = evidence.reads.places.made
    return [(made[n].owner, made[n].field) for n in evidence.messages()]


@ALL
def test_messages_are_the_same(deliver):
    forth = [("hidden", "activity"), ("input", "activity")]
    assert sent(evidence(deliver, said=None)) == forth
    assert sent(evidence(deliver)) == [*forth, ("output", "error")]


@ALL
def test_the_weights_are_what_was_learned(deliver):
    reads = evidence(deliver).reads
    fields = {reads.places.made[n].field for n in reads.efficacies.values()}
    assert fields == {"both" if deliver is consolidated else "weight"}


def test_a_current_is_no_weight_whatever_the_weight_is_called():
    def renamed(state, old, new):
        parts = state["projections"].items()
        named = {n: {new if f == old else f: v for f, v in part.items()} for n, part in parts}
        return {**state, "projections": named}

    subject = evidence(current).subject
    to, back = (functools.partial(renamed, old=a, new=b)
                for a, b in (("weight", "strength"), ("strength", "weight")))  # fmt: skip
    step = lambda state, seen, key: to(subject.step(back(state), seen, key))  # noqa: E731
    reads = Evidence(from_function("renamed", step, lambda key: to(subject.born(key)))).reads
    assert {reads.places.made[n].field for n in reads.efficacies.values()} == {"strength"}


@ALL
@pytest.mark.parametrize(("said", "status"), [("error", "violated"), ("activity", "upheld")])
def test_nonlinear_feedback(deliver, said, status):
    verdict = NonlinearFeedback().verdict(evidence(deliver, said=said))
    assert verdict.status == status, verdict
    assert status == "upheld" or "reads error of cell output" in verdict.witness


@ALL
@pytest.mark.parametrize("constraint", [Spikes, UnsignedMessages])
def test_messages_are_judged(deliver, constraint):
    graded = constraint().verdict(evidence(deliver))
    assert graded.status == "violated" and "of hidden is" in graded.witness, graded
    # Currents are graded and signed, and no messages.
    spiking = constraint().verdict(evidence(deliver, fires, said=None))
    assert spiking.status == "upheld", spiking


@AT_ONCE
@pytest.mark.parametrize(("slope", "status"), [(True, "violated"), (False, "upheld")])
@pytest.mark.parametrize("bent", [False, True], ids=["cell", "where it is heard"])
def test_no_derivative_knowledge(deliver, slope, status, bent):
    respond, bend = (lambda drive: 1.0 * drive, jnp.tanh) if bent else (jnp.tanh, None)
    verdict = NoDerivativeKnowledge().verdict(evidence(deliver, respond, "error", slope, bend))
    assert verdict.status == status, verdict


def test_messages_over_currents_are_disturbed():
    verdict = NoiseTolerance().verdict(evidence(current))
    assert "noisy messages" in verdict.value
    touched = evidence(current).touched("noisy messages")
    assert touched == evidence(current).messages()
