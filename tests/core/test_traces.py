"""Weights that change by traces are rebuilt too, and the traces are computed again."""

from __future__ import annotations

import dataclasses
from functools import partial
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from core.gradients import assert_leaves_same, assert_same
from core.small import parts
from core.test_fast_weights import gradient, largest_of, loss
from metaplast import fast_weights, kernel
from metaplast.circuits import Circuit, layered, stacks
from metaplast.circuits.stacks import stacked
from metaplast.delivery import Change, Delivering, changed, trace_of, traced
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.objective import Objective
from metaplast.rules import Delta, Factored, ThreeFactor, Total

POST, PRE, MOMENTS = 3, 5, 11


# -- matrices and vectors --------------------------------------------------------------


def step(theta, constants, state, seen, deliver):
    """A layer whose weights change by traces of two products, beside weights that change at
    once; every cell decides what its weights and its traces keep."""
    heard = deliver("w", seen + 0.1 * jnp.sum(state)) + deliver("at once", seen)
    state = jnp.tanh(theta["gain"] * heard + state * constants)
    post = jnp.stack([theta["rate"] * state, 0.1 * state**2])
    pre = jnp.stack([seen, jnp.tanh(deliver("w", state, transposed=True))])
    keep = 1.0 - theta["leak"] * jax.nn.sigmoid(state)
    stay = jax.nn.sigmoid(theta["persistence"] + 0.3 * state)
    return state, jnp.sum(state**2), {
        "w": Change(keep, post, pre, stay),
        "at once": Change(keep, post[:1], pre[:1]),
    }  # fmt: skip


def stored(theta, constants, state, weights, seen):
    """The same life by `lax.scan`, which stores every weight and trace of every moment."""

    def moment(carry, now):
        state, weights = carry
        state, out, changes = step(theta, constants, state, now, Delivering(weights))
        trace = traced(weights[trace_of("w")], changes["w"])
        return (state, {
            "w": changes["w"].keep[:, None] * weights["w"] + trace,
            trace_of("w"): trace,
            "at once": changed(weights["at once"], changes["at once"]),
        }), out  # fmt: skip

    return jax.lax.scan(moment, (state, weights), seen)


def given(persistence: float, moments: int = MOMENTS):
    rng = np.random.default_rng(0)
    theta = {"gain": 0.9, "rate": 0.2, "leak": 0.05, "persistence": persistence}
    names = ("w", trace_of("w"), "at once")
    return (
        {name: jnp.asarray(value) for name, value in theta.items()},
        jnp.asarray(0.3),
        jnp.asarray(0.2 * rng.normal(size=POST)),
        {name: jnp.asarray(0.3 * rng.normal(size=(POST, PRE))) for name in names},
        jnp.asarray(rng.normal(size=(moments, PRE))),
    )


def in_segments(segment: int):
    return partial(fast_weights.scan, step, segment=segment)


@pytest.mark.parametrize("persistence", [-9.0, -3.0, 0.0, 3.0])
@pytest.mark.parametrize("segment", [1, 4, MOMENTS])
def test_derivatives_equal_those_of_stored_traces(segment, persistence):
    """Also of traces that keep a ten-thousandth of themselves, by which none could divide."""
    with jax.enable_x64(True):
        values = given(persistence)
        rebuilt, true = gradient(in_segments(segment), values), gradient(stored, values)
        assert_leaves_same(rebuilt, true, 1e-5, rtol=1e-8, atol=1e-10)


def test_traces_that_stay_a_little_longer_have_other_derivatives():
    """Negative control."""
    with jax.enable_x64(True):
        ours, others = (gradient(stored, given(persistence)) for persistence in (0.0, 1e-3))
        apart = [float(jnp.abs(a - b).max()) for a, b in zip(
            jax.tree.leaves(ours), jax.tree.leaves(others), strict=True)]  # fmt: skip
        assert min(apart) > 1e-5


def test_traces_of_which_nothing_stays():
    """Their derivative divides by what stays of them."""
    with jax.enable_x64(True):
        values = given(-800.0)
        assert float(jax.nn.sigmoid(values[0]["persistence"])) == 0.0
        rebuilt, true = gradient(in_segments(4), values), gradient(stored, values)
        assert abs(float(true[0]["rate"])) > 1e-2
        for a, b in zip(jax.tree.leaves(rebuilt), jax.tree.leaves(true), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


def test_answers_last_weights_and_last_traces_are_those_of_a_plain_scan():
    with jax.enable_x64(True):
        values = given(0.0)
        rebuilt, true = in_segments(4)(*values), stored(*values)
        assert_leaves_same(rebuilt, true, 1e-2, rtol=1e-12)


def test_only_traces_of_one_segment_are_held_at_once():
    values = given(0.0, moments=60)

    def largest(life):
        return largest_of(jax.grad(lambda theta: loss(life, theta, *values[1:])), values[0])

    assert largest(in_segments(6)) < 30 * POST * PRE
    assert largest(stored) >= 60 * POST * PRE


# -- lives -----------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def loops_from_four_layers():
    """As few as tests can afford."""
    with mock.patch.object(stacks, "LEAST", 4):
        yield


def rule() -> Factored:
    """Made where it is needed, for its numbers have the precision of that place."""
    return Factored((0.2, 0.1), 0.01, persistence=0.5, traced=True)


def genome(forward=None) -> Genome:
    neurons = {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output("softmax")}
    rules = {"forward": forward or rule(), "readout": Factored((0.3,), 0.01)}
    return Genome(neurons, rules, {"feedback": jnp.asarray(0.2)})


def objective(depth: int, segment: int):
    task = Easy(inputs=5, moments=9)
    return Objective(task, layered(5, (4,) * depth, task.classes), 2.0, segment)


def gradients(genome: Genome, depth: int, segments) -> list:
    theta, fixed = parts(genome)

    def of(segment):
        lived = objective(depth, segment)
        return jax.value_and_grad(lambda t: lived(eqx.combine(t, fixed), jax.random.key(3))[0])

    return [jax.jit(of(segment))(theta) for segment in segments]


@pytest.mark.parametrize("depth", [2, 6])
def test_a_traced_rule_has_the_gradient_of_a_life_that_is_stored(depth):
    """Also of layers that are alike, which are lived by one loop."""
    with jax.enable_x64(True):
        assert any(p.members for p in stacked(objective(depth, 0).circuit).populations) == (
            depth == 6
        )
        found, true = gradients(genome(), depth, (4, 0))
        assert_same(found, true)
        assert abs(float(true[1].rules["forward"].persistence)) > 1e-5


def test_a_rule_without_a_trace_has_another():
    """Negative control: the trace matters."""
    with jax.enable_x64(True):
        without = genome(Factored((0.2, 0.1), 0.01))
        (one,), (other,) = (gradients(g, 2, (4,)) for g in (genome(), without))
        assert abs(float(one[0] - other[0])) > 1e-3


def test_a_life_ends_with_the_traces_of_a_life_that_is_stored():
    task = Easy(inputs=5, moments=9)
    network = PlasticNetwork(layered(5, (4,) * 6, task.classes), genome())
    episode = task.sample(jax.random.key(0))
    lived, stored = (
        jax.jit(lambda key, s=s: live(network, task, episode, key, s)[1])(jax.random.key(1))
        for s in (4, 0)
    )
    assert jax.tree.structure(lived) == jax.tree.structure(stored)
    assert float(jnp.abs(stored.memory["hidden2->hidden3"]).max()) > 1e-4
    for a, b in zip(jax.tree.leaves(lived), jax.tree.leaves(stored), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_genome_of_fewer_digits_is_lived_with_more():
    """It was made before somebody asked for more."""
    made = genome()
    with jax.enable_x64(True):
        found, true = gradients(made, 2, (4, 0))
        assert found[0].dtype == jnp.float64
        assert abs(float(true[0])) > 0.1
        np.testing.assert_allclose(found[0], true[0], rtol=1e-6)


def test_a_projection_may_not_be_called_what_traces_are():
    base = layered(5, (4,), 3)
    first, *rest = base.projections
    other = dataclasses.replace(first, name=trace_of(first.name), kind="other")
    PlasticNetwork(Circuit(base.populations, (first, *rest)), genome())
    with pytest.raises(ValueError, match="give its population another name"):
        PlasticNetwork(Circuit(base.populations, (first, other, *rest)), genome())


@pytest.mark.parametrize(
    ("forward", "rebuildable", "separable"),
    [
        (rule(), True, False),
        (Delta(), True, True),
        (Total((rule(), Delta())), False, False),
        (ThreeFactor(), False, False),
    ],
)
def test_what_can_be_rebuilt(forward, rebuildable, separable):
    """A sum of rules and a trace that a reward multiplies are no traces of products alone."""
    network = PlasticNetwork(layered(5, (4,), 3), genome(forward))
    assert (network.rebuildable, network.separable) == (rebuildable, separable)
    assert network.traced == (("input->hidden1",) if rebuildable != separable else ())


def test_a_trace_does_not_wait(monkeypatch):
    """Where changes wait for the next delivery, lives of a traced rule are lived again."""
    with jax.enable_x64(True):
        (plain,) = gradients(genome(), 2, (0,))
        monkeypatch.setenv("METAPLAST_KERNEL", kernel.PALLAS)
        (found,) = gradients(genome(), 2, (4,))
        assert_same(found, plain)
