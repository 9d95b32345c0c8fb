"""Feedback and signs are judged by what synapses deliver, whatever their fields are called.

Every cheat has an honest twin of the same code, and what is measured is compared with what is
known of a small network.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.audit.alignment import dependence, dependence_up_to_factors
from metaplast.audit.cheats import (
    base,
    dale_offset,
    label_by_broadcast,
    masked_feedback,
    random_phase,
    replay_slots,
    spiking,
)
from metaplast.audit.constraints import (
    DalesLaw,
    NoStoredActivations,
    NoWeightTransport,
    OnePhase,
    SeparateFeedback,
    TeachingAtOutput,
)
from metaplast.audit.evidence import Evidence
from metaplast.audit.resolve import resolve
from metaplast.audit.subject import from_function

TWINS = {
    "masked_feedback": lambda: masked_feedback.subject(masked_feedback.random_start),
    "dale_offset": lambda: dale_offset.subject(spiking.bounded),
    "label_by_broadcast": lambda: label_by_broadcast.subject(label_by_broadcast.surprise),
    "random_phase": lambda: random_phase.subject(random_phase.by_activity),
    "replay_slots": lambda: replay_slots.subject(slots=1),
}


@functools.cache
def twin(name: str) -> Evidence:
    return Evidence(TWINS[name]())


@pytest.mark.parametrize(
    ("name", "constraint"),
    [
        ("masked_feedback", NoWeightTransport),
        ("masked_feedback", SeparateFeedback),
        ("dale_offset", DalesLaw),
        ("label_by_broadcast", TeachingAtOutput),
        ("random_phase", OnePhase),
        ("replay_slots", NoStoredActivations),
    ],
)
def test_the_same_code_without_the_cheat_is_not_accused(name, constraint):
    verdict = constraint().verdict(twin(name))
    assert verdict.status == "upheld", verdict


def test_the_angle_is_that_of_what_is_delivered():
    """The honest twin aligns, and what it stores does not show it."""
    evidence = twin("masked_feedback")
    value = NoWeightTransport().verdict(evidence).value
    at_birth, at_the_end = (int(part.split("°")[0].split()[-1]) for part in value.split(", "))
    assert 80 < at_birth < 100 and 20 < at_the_end < 70, value
    stored = evidence.lives["projections"]["hidden2~>hidden1"]["weight"][:, -1]
    forth = np.swapaxes(evidence.lives["projections"]["hidden1->hidden2"]["weight"][:, -1], 1, 2)
    cosine = (stored * forth).sum((1, 2)) / np.sqrt(
        (stored**2).sum((1, 2)) * (forth**2).sum((1, 2))
    )
    assert np.degrees(np.arccos(cosine)).mean() > 80


def _delivered(evidence, name, said, heard):
    bundle = evidence.subject.anatomy.bundle(name)
    return next(
        d for d in evidence.deliveries.of(bundle)
        if (d.said, d.heard, d.slight) == (said, heard, True)
    )  # fmt: skip


def test_effective_weights_are_those_of_the_program():
    """Of what is delivered without a response in between, the effective weight is known."""
    evidence = Evidence(masked_feedback.subject())
    found = _delivered(evidence, "hidden2~>hidden1", "error of hidden2", "error of hidden1")
    forth = evidence.births["projections"]["hidden1->hidden2"]["weight"]
    expected = np.swapaxes(forth, 1, 2)
    assert np.abs(expected).max() > 0.5 and not found.explained
    # The weight is stored in float32 beside a mask twenty times as large.
    np.testing.assert_allclose(found.born, expected, atol=2e-3)
    stored = evidence.births["projections"]["hidden2~>hidden1"]["weight"]
    assert np.abs(stored - expected).max() > 1


@pytest.mark.parametrize("name", ["honest", "feedback_alignment", "spiking_eprop", "kolen_pollack"])
def test_where_only_the_weights_arrive_their_field_stands_for_them(name):
    evidence = Evidence(resolve(name))
    for bundle in evidence.subject.anatomy.bundles:
        if bundle.weighted:
            assert evidence.deliveries.stored(bundle), bundle.name
            assert evidence.deliveries.of(bundle) == []
    masked = Evidence(masked_feedback.subject())  # negative control
    back = masked.subject.anatomy.bundle("output~>hidden2")
    assert not masked.deliveries.stored(back)


def hidden_away(hide):
    """Transposed feedback whose product with the errors is hidden in some way."""

    def born(key, scale):
        state = masked_feedback.born(key, scale)
        for name, fields in state["projections"].items():
            if "~>" in name:
                fields["current"] = jnp.zeros(fields["weight"].shape)
                state["populations"][name.split("~>")[1]]["branches"] = jnp.zeros(
                    (*fields["weight"].shape, 2)
                )
        return state

    def step(state, experience, key):
        currents = {}

        def backward(state, cells, experience):
            order = base.names(state)
            wanted = jax.nn.one_hot(experience["target"], cells["output"]["activity"].shape[0])
            error = wanted - cells["output"]["activity"]
            cells = {**cells, "output": {**cells["output"], "error": error}}
            for above, name in zip(order[:1:-1], order[-2:0:-1], strict=True):
                bundle = f"{above}~>{name}"
                said = cells[above]["error"]
                fields = state["projections"][bundle]
                parts = jnp.stack([fields["weight"] * said, fields["mask"] * said], -1)
                heard, currents[bundle] = hide(parts)
                cells[name] = {**cells[name], "error": heard, "branches": parts}
            return cells

        after = base.step(state, experience, key, backward=backward, change=masked_feedback.change)
        for bundle, current in currents.items():
            after["projections"][bundle]["current"] = current
        return after

    return base.subject_of("hidden_away", step, born)


def in_branches(parts):
    """The two products are fields of the cell, which takes the one less the other."""
    level = masked_feedback.LEVEL
    return (parts[..., 0] - level * parts[..., 1]).sum(1), parts[..., 0]


def in_digits(parts):
    """What is heard moves in steps, so that no small change shows."""
    level = masked_feedback.LEVEL
    return jnp.round((parts[..., 0] - level * parts[..., 1]).sum(1) * 30) / 30, parts[..., 0]


def in_synapses(parts):
    """The synapses hold the currents that they deliver."""
    currents = parts[..., 0] - masked_feedback.LEVEL * parts[..., 1]
    return currents.sum(1), currents


@pytest.mark.parametrize("hide", [in_branches, in_digits, in_synapses])
def test_no_detour_hides_what_is_delivered(hide):
    verdict = NoWeightTransport().verdict(Evidence(hidden_away(hide)))
    assert verdict.status == "violated" and "delivers" in verdict.witness, verdict


def scaled(factors):
    """Transposed feedback that is weighed with a factor of each cell, which the cell takes out of
    what it says; or not transposed at all."""

    def born(key, scale):
        state = base.born(key, scale)
        for name, above in (("hidden1", "hidden2"), ("hidden2", "output")):
            forward = state["projections"][f"{name}->{above}"]["weight"]
            factor = factors(jax.random.fold_in(key, 1), forward.shape[0])
            state["populations"][above]["factor"] = factor
            state["projections"][f"{above}~>{name}"] = {"weight": forward.T / factor}
        return state

    def feedback(state, above, name):
        factor = state["populations"][above]["factor"]
        return state["projections"][f"{above}~>{name}"]["weight"] * factor

    def step(state, experience, key):
        backward = functools.partial(base.backward, feedback=feedback)
        after = base.step(state, experience, key, backward=backward)
        for name in ("hidden2", "output"):
            kept = state["populations"][name]["factor"]
            after["populations"][name] = {**after["populations"][name], "factor": kept}
        return after

    return from_function("scaled", step, lambda key: born(key, base.SMALL))


def test_a_factor_of_each_cell_does_not_hide_the_transposed_weights():
    def wild(key, count):
        sign = jax.random.rademacher(jax.random.fold_in(key, 1), (count,), float)
        return sign * jnp.exp(2 * jax.random.normal(key, (count,)))

    verdict = NoWeightTransport().verdict(Evidence(scaled(wild)))
    assert verdict.status == "violated" and "at birth" in verdict.witness, verdict


def test_independent_weights_are_not_the_same_up_to_factors():
    rng = np.random.default_rng(0)
    one, other, factor = (
        rng.standard_normal(shape) for shape in ((64, 5, 4), (64, 5, 4), (64, 1, 4))
    )
    for positive in (False, True):
        first, second = (abs(one), abs(other)) if positive else (one, other)
        assert dependence_up_to_factors(first, second).probability == 1.0
        sparse = rng.random((5, 4)) < 0.5  # wires that are there both ways
        assert sparse.sum() < 14
        assert dependence_up_to_factors(first * sparse, second * sparse).probability == 1.0
        same = dependence_up_to_factors(first, first * factor)
        assert same.probability < 1e-9 < 0.5 < same.correlation
    assert dependence(one, one * factor).correlation < 0.3  # which is why it is needed


DRAWS = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "heavy": lambda rng, shape: rng.lognormal(0.0, 1.5, shape),
    "wired": lambda rng, shape: abs(rng.standard_normal(shape)) * (rng.random(shape) < 0.3),
    "there or not": lambda rng, shape: 1.0 * (rng.random(shape) < 0.2),
}


@pytest.mark.parametrize("shape", [(5, 4), (20, 20), (64, 10)])
@pytest.mark.parametrize("drawn", DRAWS)
def test_however_weights_are_drawn_only_copies_are_the_same_up_to_factors(drawn, shape):
    rng = np.random.default_rng(0)
    one, other = (DRAWS[drawn](rng, (64, *shape)) for _ in range(2))
    said, heard = rng.standard_normal((64, 1, shape[1])), rng.standard_normal((64, shape[0], 1))
    assert dependence_up_to_factors(one, other).probability == 1.0
    assert dependence_up_to_factors(one * said**3, other / said).probability == 1.0
    found = dependence_up_to_factors(one, one * said * heard)
    assert found.probability < 1e-9 and found.correlation > 0.3, found
    # Neither do wires that are there both ways say of weights that they are copies.
    always = np.arange(shape[0] * shape[1]).reshape(shape) % 4 > 0
    assert dependence_up_to_factors(one * always, other * always).probability == 1.0
    found = dependence_up_to_factors(one * always, one * always * said * heard)
    assert found.probability < 1e-9, found


BOTH = {"sensed_counts": -1.0, "echo_counts": -1.0}


def subtracting(sensed_counts=1.0, echo_counts=1.0, other_hears=1.0, turned=1.0):
    """Positive weights alone: `sensed` and `other` cells hear the input, `other` ones hear `sensed`
    ones, and the output hears both, and an echo of the `sensed` ones; some of that is taken off."""
    sizes = {"input": 6, "sensed": 5, "other": 4, "output": 3}
    names = ("input->sensed", "input->other", "sensed->other", "sensed->output", "other->output")

    def born(key):
        cells = {name: {"activity": jnp.zeros(size)} for name, size in sizes.items()}
        cells["sensed"]["echo"] = jnp.zeros(5)
        shapes = {n: tuple(sizes[end] for end in n.split("->")[::-1]) for n in names}
        drawn = jax.tree.map(jnp.abs, base.drawn(key, shapes))
        drawn["sensed->output"]["second"] = drawn["sensed->output"]["weight"][::-1] + 0.1
        return {"populations": cells, "projections": drawn}

    def step(state, experience, key):
        fields = state["projections"]
        a, b, c, d, e = (fields[name]["weight"] for name in names)
        x = jax.nn.relu(experience["stimulus"])
        sensed = jax.nn.relu(a @ x)
        echo = jax.nn.sigmoid(sensed)
        other = jax.nn.softplus(b @ x + other_hears * (c @ sensed))
        heard = e @ other + sensed_counts * (d @ sensed)
        heard += echo_counts * (fields["sensed->output"]["second"] @ echo)
        answer = turned * heard
        cells = {"input": x, "sensed": sensed, "other": other, "output": answer}
        cells = {name: {"activity": activity} for name, activity in cells.items()}
        cells["sensed"]["echo"] = echo
        return {"populations": cells, "projections": fields}

    return from_function("subtracting", step, born)


@pytest.mark.parametrize(
    ("parts", "status", "words"),
    [
        ({}, "upheld", "1.00 : 0.00, 100 %"),
        ({"turned": -1.0}, "upheld", "1.00 : 0.00, 100 %"),
        # Cells that are taken off everywhere inhibit.
        ({**BOTH, "other_hears": -1.0}, "upheld", "0.67 : 0.33, 100 %"),
        # Cells that are taken off here and not there.
        (BOTH, "violated", "inhibits sensed->output"),
        ({"other_hears": -1.0}, "violated", "inhibits sensed->other"),
        # One message of the same cell is taken off, the other one is not.
        ({"echo_counts": -1.0}, "violated", "excites and inhibits over sensed->output"),
    ],
    ids=["all add", "turned", "inhibitory", "one end", "other end", "one message"],
)
def test_what_is_taken_off_inhibits(parts, status, words):
    verdict = DalesLaw().verdict(Evidence(subtracting(**parts)))
    assert verdict.status == status, verdict
    assert words in (verdict.witness or verdict.value), verdict


def broadcasting(announced):
    return Evidence(label_by_broadcast.subject(announced))


def test_a_label_with_a_little_of_the_answer_is_still_the_label():
    def mixed(told, activity):
        return label_by_broadcast.label(told, activity) + 1e-3 * jnp.tanh(activity[0])

    verdict = TeachingAtOutput().verdict(broadcasting(mixed))
    assert verdict.status == "violated" and verdict.grade == "test", verdict
    assert "which class was wanted" in verdict.witness


def test_a_reward_of_answer_and_target_is_fine():
    def reward(told, activity):
        return jnp.asarray(jnp.argmax(activity) == jnp.argmax(told), float)

    verdict = TeachingAtOutput().verdict(broadcasting(reward))
    assert verdict.status == "upheld" and "same target" in verdict.value, verdict


def test_who_keeps_nothing_has_no_clock():
    verdict = OnePhase().verdict(Evidence(resolve("frozen")))
    assert verdict.status == "upheld", verdict
