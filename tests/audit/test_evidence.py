"""What checks look at: births, lives, single moments, and what interventions do to lives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.audit.evidence import BIRTHS, LIVES, MOMENTS, Evidence
from metaplast.audit.intervention import (
    INTERVENTIONS,
    LATE,
    LEVELS,
    LOST,
    NOISE,
    coarse,
    replaced,
)
from metaplast.audit.subject import answers, from_function

UP, OUT, FIXED = "input->hidden", "hidden->output", "output~>hidden"


def born(key):
    up, out, fixed = jax.random.split(key, 3)
    return {
        "populations": {
            "input": {"activity": jnp.zeros(5)},
            "hidden": {"activity": jnp.zeros(4), "count": jnp.zeros(4, int)},
            "output": {"activity": jnp.zeros(3)},
        },
        "projections": {
            UP: {"weight": jax.random.normal(up, (4, 5))},
            OUT: {"weight": 0.1 * jax.random.normal(out, (3, 4))},
            FIXED: {"weight": jax.random.normal(fixed, (4, 3))},
        },
        "broadcast": {"noise": jnp.zeros(1)},
    }


def step(state, experience, key):
    up, out, fixed = (state["projections"][n]["weight"] for n in (UP, OUT, FIXED))
    x = experience["stimulus"]
    y = up @ x
    said = out @ y
    error = jax.nn.one_hot(experience["target"], 3) - said
    return {
        "populations": {
            "input": {"activity": x},
            "hidden": {"activity": y, "count": state["populations"]["hidden"]["count"] + 1},
            "output": {"activity": said},
        },
        "projections": {
            UP: {"weight": up},
            OUT: {"weight": out + 0.01 * error[:, None] * y},
            FIXED: {"weight": fixed},
        },
        "broadcast": {"noise": jax.random.normal(key, (1,))},
    }


@pytest.fixture(scope="module")
def evidence():
    return Evidence(from_function("small", step, born))


def weight(states, name):
    return states["projections"][name]["weight"]


def activity(states, name):
    return states["populations"][name]["activity"]


def test_births_differ(evidence):
    weights = weight(evidence.births, UP)
    assert weights.shape == (BIRTHS, 4, 5)
    assert np.ptp(weights, axis=0).min() > 0.1


def test_lives_are_what_the_step_makes_of_births(evidence):
    """The compiled moment against the step itself, for the whole of one life."""
    lives, life = evidence.lives, 3
    state = jax.tree.map(lambda leaf: jnp.asarray(leaf[life]), evidence.births)
    alone = jax.jit(step)
    for t in range(MOMENTS):
        seen = jax.tree.map(lambda leaf, t=t: leaf[life, t], evidence.experiences)
        state = alone(state, seen, jax.random.key(0))
    assert np.abs(weight(state, OUT) - weight(evidence.births, OUT)[life]).max() > 0.1
    for name in (UP, OUT, FIXED):
        np.testing.assert_allclose(weight(lives, name)[life, -1], weight(state, name), atol=1e-4)
    np.testing.assert_array_equal(lives["populations"]["hidden"]["count"][life, -1], MOMENTS)
    assert lives["populations"]["hidden"]["count"].dtype == np.int32
    noise = lives["broadcast"]["noise"]
    assert len(np.unique(noise)) == LIVES * MOMENTS, "a key for every moment of every life"


def test_single_moments_are_those_of_the_step(evidence):
    """Eleven cases: more than go abreast, and no multiple of it."""
    states = jax.tree.map(lambda leaf: leaf[20:31], evidence.births)
    seen = jax.tree.map(lambda leaf: leaf[0, :11], evidence.experiences)
    found = evidence.stepped(states, seen)
    expected = jax.vmap(step, (0, 0, None))(states, seen, jax.random.key(0))
    assert np.abs(activity(expected, "output")).max() > 0.01
    for name in ("hidden", "output"):
        np.testing.assert_allclose(activity(found, name), activity(expected, name), atol=1e-5)
    assert len(np.unique(found["broadcast"]["noise"])) == 1


def test_accuracy_is_above_chance_and_consulted(evidence):
    evidence.consulted = []
    assert evidence.accuracies().shape == (LIVES,)
    assert 0.5 < evidence.accuracy() <= 1
    assert "lives under nothing" in evidence.consulted


def test_a_readout_that_is_no_number_names_no_class(evidence):
    population, name = evidence._subject.output
    readouts = np.asarray([[0.0, 1.0, 0.5], [np.nan] * 3, [np.inf, 0.0, 0.0]])
    states = {"populations": {population: {name: readouts}}}
    assert answers(evidence._subject, states).tolist() == [1, -1, -1]


def test_messages_are_what_cells_send_to_cells(evidence):
    made = evidence.reads.places.made
    sent = [(made[p].owner, made[p].field) for p in evidence.messages()]
    assert sent == [("hidden", "activity"), ("input", "activity")]


@pytest.mark.parametrize("name", [UP, OUT, FIXED])
def test_coarse_weights_have_few_levels(evidence, name):
    coarse = weight(evidence.lives_under("coarse weights"), name)
    fine = weight(evidence.births, name)
    for life in range(LIVES):
        levels = np.unique(np.round(coarse[life] / np.abs(fine[life]).max(), 5))
        assert 5 < len(levels) <= LEVELS
        assert np.abs(coarse[life]).max() > 0
    assert len(np.unique(weight(evidence.lives, OUT)[0])) > LEVELS, "without it there are many"


def test_the_levels_of_a_coarse_weight_are_twelve_below_zero_and_thirteen_above():
    values, reach = jnp.linspace(-1.0, 1.0, 1001), jnp.asarray(1.0)
    found = [coarse(values, jnp.asarray(n), reach, values) for n in (0.0, 0.5, 0.999)]
    levels = np.unique(np.round(np.concatenate(found) / 0.08, 3))
    np.testing.assert_array_equal(levels, np.arange(-12, 14))
    assert len(levels) == LEVELS
    np.testing.assert_array_equal(coarse(values, jnp.asarray(0.5), 0 * reach, values), values)


def test_coarse_weights_that_do_not_change_stay_where_they_are(evidence):
    fixed = weight(evidence.lives_under("coarse weights"), FIXED)
    assert (np.ptp(fixed, axis=1) == 0).mean() > 0.9
    step_size = 2 * np.abs(weight(evidence.lives, FIXED)).max((1, 2, 3)) / (LEVELS - 1)
    gap = np.abs(fixed[:, -1] - weight(evidence.lives, FIXED)[:, -1])
    assert (gap <= 1.5 * step_size[:, None, None]).all() and gap.max() > 0


def test_lost_synapses_stay_lost(evidence):
    thinned = weight(evidence.lives_under("lost synapses"), UP)
    gone = thinned == 0
    assert (gone == gone[:, :1]).all()
    assert 0.3 * LOST < gone.mean() < 3 * LOST
    assert not (weight(evidence.lives, UP) == 0).any()


def test_noise_meets_all_messages_also_those_of_the_input(evidence):
    """The noise on what input cells send shows in what they drive."""
    noisy = evidence.lives_under("noisy messages")
    sent = activity(noisy, "input") / evidence.experiences["stimulus"]
    assert 0.9 * NOISE < sent.std() < 1.1 * NOISE and abs(sent.mean() - 1) < 0.01
    driven = np.einsum("lij,ltj->lti", weight(noisy, UP)[:, 0], activity(noisy, "input"))
    factor = activity(noisy, "hidden") / driven
    assert 0.9 * NOISE < np.median(np.abs(factor - 1)) / 0.6745 < 1.1 * NOISE
    assert (activity(evidence.lives, "input") == evidence.experiences["stimulus"]).all()


def test_late_messages_are_those_of_the_moment_before(evidence):
    late = activity(evidence.lives_under("late messages"), "input")
    stimuli = evidence.experiences["stimulus"]
    held = late[:, 1:] == late[:, :-1]
    assert 0.5 * LATE < held.mean() < 2 * LATE
    assert (held | (late[:, 1:] == stimuli[:, 1:])).all(), "late, or what it should be"
    assert not (stimuli[:, 1:] == stimuli[:, :-1]).any()


def test_what_is_not_touched_is_bit_identical(evidence):
    for name in INTERVENTIONS:
        found = evidence.lives_under(name)["broadcast"]["noise"]
        assert np.array_equal(found, evidence.lives["broadcast"]["noise"])


def test_a_value_is_replaced_where_it_is_computed():
    def chain(before, world):
        first = before + world
        return first, 2 * first, world, before

    before, world = jnp.asarray(1.0), jnp.asarray(10.0)
    closed = jax.make_jaxpr(chain)(before, world)

    def outputs(changes):
        return [float(value) for value in replaced(closed, changes, carried=1)(before, world)]

    assert outputs({}) == [11, 22, 10, 1]
    assert outputs({0: lambda value: value + 100}) == [111, 222, 10, 1]
    assert outputs({2: lambda value: value + 5}) == [16, 32, 15, 1], "the world, before it is used"
    assert outputs({3: lambda value: value + 5}) == [11, 22, 10, 6], "what was before, afterwards"
