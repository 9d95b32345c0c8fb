"""Constraints that are tested on sampled lives: who keeps each, and who breaks it.

All learners here are a user's plain functions, one hidden layer, made of the parts below.
"""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.audit.constraints import (
    DalesLaw,
    EvolutionaryOuterLoop,
    GenomeBottleneck,
    NoDerivativeKnowledge,
    NoiseTolerance,
    OnePhase,
    Spikes,
    SynapticPrecision,
    UnsignedMessages,
)
from metaplast.audit.evidence import Evidence
from metaplast.audit.resolve import found
from metaplast.audit.subject import SMALL, from_function
from metaplast.audit.verdict import Grade, Status

HIDDEN = 4
RESPONSES = {
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
    "sigmoid": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "linear": lambda drive: drive,
}


def born(key, scale=SMALL):
    hidden = scale.hidden[0]
    keys = jax.random.split(key, 3)
    shapes = {
        "input->hidden": (hidden, scale.inputs),
        "hidden->output": (scale.outputs, hidden),
        "output~>hidden": (hidden, scale.outputs),
    }
    return {
        "populations": {
            "input": {"activity": jnp.zeros(scale.inputs)},
            "hidden": {"activity": jnp.zeros(hidden), "age": jnp.zeros(hidden)},
            "output": {"activity": jnp.zeros(scale.outputs), "error": jnp.zeros(scale.outputs)},
        },
        "projections": {
            name: {"weight": jax.random.normal(k, shape) / np.sqrt(shape[1])}
            for (name, shape), k in zip(shapes.items(), keys, strict=True)
        },
    }


def step(
    state, experience, key, respond=jnp.tanh, gain=lambda respond, drive: 1.0,
    older=lambda age, activity: age, rate=lambda age: 0.03, offset=0.0, busy=0.0,
):  # fmt: skip
    """Feedback alignment. `gain` is what a hidden cell makes of the teaching, `older` what it
    makes of its age, `rate` what that means for its plasticity; weights are meant as differences
    from `offset`, activities as differences from `busy`."""
    up, out, down = (state["projections"][n]["weight"] - offset for n in state["projections"])
    x, age = experience["stimulus"], state["populations"]["hidden"]["age"]
    drive = up @ x
    y = respond(drive) + busy
    said = out @ (y - busy)
    error = jax.nn.one_hot(experience["target"], said.shape[0]) - said
    taught = gain(respond, drive) * (down @ error)
    age = older(age, y)
    changed = {
        "input->hidden": up + rate(age)[:, None] * taught[:, None] * x
        if jnp.ndim(rate(age)) else up + rate(age) * taught[:, None] * x,
        "hidden->output": out + 0.1 * error[:, None] * (y - busy),
        "output~>hidden": down,
    }  # fmt: skip
    return {
        "populations": {
            "input": {"activity": x},
            "hidden": {"activity": y, "age": age},
            "output": {"activity": said, "error": error},
        },
        "projections": {n: {"weight": w + offset} for n, w in changed.items()},
    }


def reordered(state):
    """JAX sorts names; the step wants the projections in the order of the layers."""
    names = ("input->hidden", "hidden->output", "output~>hidden")
    return {**state, "projections": {n: state["projections"][n] for n in names}}


def learner(name, born=born, scale=SMALL, about=None, **parts):
    def lived(state, experience, key):
        return step(reordered(state), experience, key, **parts)

    def at(other):
        return learner(name, born, other, about, **parts)

    return from_function(name, lived, lambda key: born(key, scale), at, **(about or {}))


@functools.cache
def evidence(name, response="tanh"):
    """One learner of each kind, whose lives are lived once for all tests."""
    respond = RESPONSES[response]
    if name == "spiking":
        return Evidence(from_function("spiking", spiking, newborn_spiking))
    parts = {
        "honest": {},
        "slope": {"gain": lambda f, v: (f(v + 0.01) - f(v - 0.01)) / 0.02},
        "firing": {"gain": lambda f, v: 1.0 + f(v) ** 2},
        "clock": {"older": lambda age, y: age + 1, "rate": lambda age: 0.03 * (age % 2)},
        "disguised": {
            "older": lambda age, y: age + 1 + 0 * y, "rate": lambda age: 0.03 * (age % 2)
        },
        "own trace": {
            "older": lambda age, y: 0.9 * age + y**2, "rate": lambda age: 0.03 / (1 + age)
        },
        "precise": {"offset": 100.0, "born": precise},
        "busy": {"busy": 30.0},
        "chosen": {"gain": lambda f, v: 1.0 + 0.5 * jnp.arange(v.shape[0])},
        "inherited": {"born": inherited},
        "laden": {"about": {"numbers": np.zeros(1000)}},
    }[name]  # fmt: skip
    return Evidence(learner(name, respond=respond, **parts))


def precise(key, scale=SMALL):
    state = born(key, scale)
    return {**state, "projections": jax.tree.map(lambda w: w + 100.0, state["projections"])}


def inherited(key, scale=SMALL):
    """Weights that are drawn around the ones of somebody else."""
    state, parent = born(key, scale), born(jax.random.key(9), scale)
    weight = 0.3 * state["projections"]["input->hidden"]["weight"]
    weight = weight + parent["projections"]["input->hidden"]["weight"]
    return {**state, "projections": {**state["projections"], "input->hidden": {"weight": weight}}}


def newborn_spiking(key):
    return {
        "populations": {n: {"activity": jnp.zeros(s)} for n, s in
                        (("input", 6), ("hidden", HIDDEN), ("output", 3))},
        "projections": {
            "input->hidden": {"weight": jax.random.uniform(key, (HIDDEN, 6))},
            "hidden->output": {"weight": jnp.full((3, HIDDEN), 0.1)},
        },
    }  # fmt: skip


def spiking(state, experience, key):
    """Excitatory cells that spike, and synapses that only grow."""
    up, out = (state["projections"][n]["weight"] for n in ("input->hidden", "hidden->output"))
    x = (experience["stimulus"] > 0).astype(float)
    y = (up @ x > 1.5).astype(float)
    wanted = jax.nn.one_hot(experience["target"], 3)
    return {
        "populations": {
            "input": {"activity": x}, "hidden": {"activity": y}, "output": {"activity": out @ y}
        },
        "projections": {
            "input->hidden": {"weight": up},
            "hidden->output": {"weight": out + 0.1 * wanted[:, None] * y},
        },
    }  # fmt: skip


CASES = [
    (Spikes, "spiking", "upheld", "", "spikes a moment"),
    (Spikes, "honest", "violated", "activity of hidden is", "graded"),
    (UnsignedMessages, "spiking", "upheld", "", "1 kinds"),
    (UnsignedMessages, "honest", "violated", "activity of hidden is -", "negative in"),
    (DalesLaw, "spiking", "upheld", "", "1.00 : 0.00, 100 %"),
    (DalesLaw, "honest", "violated", "inhibits", "of the cells keep it"),
    (NoDerivativeKnowledge, "honest", "upheld", "", "0.00"),
    (NoDerivativeKnowledge, "firing", "upheld", "", "correlation"),
    (NoDerivativeKnowledge, "spiking", "not applicable", "hidden cell", ""),
    (OnePhase, "honest", "upheld", "", ""),
    (OnePhase, "own trace", "upheld", "", ""),
    (OnePhase, "clock", "violated", "reads age of cell hidden[0]", "clocks: age of hidden"),
    (OnePhase, "disguised", "violated", "in disguise", "age of hidden"),
    (SynapticPrecision, "honest", "upheld", "", "1 value a synapse"),
    (SynapticPrecision, "precise", "violated", "coarse weights cost", "accuracy"),
    (SynapticPrecision, "spiking", "not applicable", "learns nothing", ""),
    (NoiseTolerance, "honest", "upheld", "", "lost synapses: accuracy"),
    (NoiseTolerance, "busy", "violated", "noisy messages cost", "accuracy"),
    (GenomeBottleneck, "honest", "upheld", "", "permuted hidden"),
    (GenomeBottleneck, "chosen", "violated", "have changed places", "numbers"),
    (GenomeBottleneck, "inherited", "violated", "weight of synapse input->hidden", "numbers"),
    (GenomeBottleneck, "laden", "violated", "expected at most 1 %", "1000 numbers"),
    (EvolutionaryOuterLoop, "honest", "not applicable", "nobody searched", ""),
]


@pytest.mark.parametrize(
    ("constraint", "name", "status", "witness", "value"),
    CASES,
    ids=[f"{case[0].__name__}-{case[1]}" for case in CASES],
)
def test_keepers_and_breakers(constraint, name, status, witness, value):
    verdict = constraint().verdict(evidence(name))
    assert verdict.status == status, verdict
    assert witness in verdict.witness and bool(verdict.witness) == (status != "upheld"), verdict
    assert value in verdict.value


@pytest.mark.parametrize("response", ["softplus", "sigmoid", "relu"])
def test_a_slope_is_found_whatever_the_response(response):
    verdict = NoDerivativeKnowledge().verdict(evidence("slope", response))
    assert verdict.status is Status.VIOLATED, verdict
    assert "weight of input->hidden" in verdict.witness


def test_linear_cells_have_no_slope_to_know():
    verdict = NoDerivativeKnowledge().verdict(evidence("slope", "linear"))
    assert verdict.status is Status.NOT_APPLICABLE, verdict


def test_a_clock_is_proven_and_its_disguise_is_seen():
    assert OnePhase().verdict(evidence("clock")).grade is Grade.PROOF
    assert OnePhase().verdict(evidence("disguised")).grade is Grade.TEST


@pytest.mark.parametrize(
    ("meta", "status", "grade", "told"),
    [
        ({"type": "Evolution", "strategy": "SNES", "population": 8}, "upheld", "test", "ranks"),
        ({"type": "Evolution", "strategy": "SimulatedAnnealing", "population": 8, "lives": 1},
         "violated", "test", "values"),
        ({"type": "Backprop", "lives": 2}, "violated", "proof", "differentiates lives"),
        ({"type": "PES", "lives": 2, "stretch": 10}, "violated", "test", "values"),
        ({"type": "NRES", "lives": 2, "stretch": 10, "first": 20}, "violated", "test", "values"),
        ({"type": "Truncated", "lives": 2, "stretch": 10}, "violated", "proof", "differentiates"),
        ({"type": "Restarts", "count": 2, "of": {"type": "PES", "lives": 2, "stretch": 10}},
         "violated", "test", "values"),
    ],
    ids=["ranks", "values", "gradients", "stretches", "longer", "cut", "several"],
)  # fmt: skip
def test_how_a_rule_was_found(meta, status, grade, told):
    subject = dataclasses.replace(evidence("honest").subject, spec={"meta": meta})
    verdict = EvolutionaryOuterLoop().verdict(Evidence(subject))
    assert (verdict.status, verdict.grade) == (status, grade), verdict
    assert told in verdict.witness + verdict.value


def test_a_rule_that_nobody_searched_is_not_judged_by_the_search_of_its_experiment():
    by_hand, searched = (
        EvolutionaryOuterLoop().check(Evidence(found(f"zoo/{name}")))
        for name in ("mirrored", "spiking")
    )
    assert by_hand.status == "not applicable" and "nobody searched" in by_hand.witness
    assert searched.status == "upheld"
