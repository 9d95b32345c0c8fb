"""Weights that are rebuilt on the way back give the derivatives of weights that were stored."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core.gradients import assert_leaves_same
from metaplast import fast_weights
from metaplast.circuits import layered
from metaplast.delivery import Change, Delivering, changed
from metaplast.network import Genome
from metaplast.neurons import Output, Rate
from metaplast.objective import Objective
from metaplast.rules import Factored
from metaplast.search import searchable
from metaplast.tasks import Clusters

POST, PRE, MOMENTS = 3, 5, 11


def step(theta, constants, state, seen, deliver):
    """One layer whose activity drives itself, two channels of plasticity, a leak for every cell;
    beside its weights some that never change, and its own the other way round."""
    heard = deliver("w", seen + 0.1 * jnp.sum(state)) + deliver("still", seen)
    state = jnp.tanh(theta["gain"] * heard + state * constants)
    post = jnp.stack([theta["rate"] * state, 0.1 * state**2])
    pre = jnp.stack([seen, jnp.tanh(deliver("w", state, transposed=True))])
    keep = 1.0 - theta["leak"] * jax.nn.sigmoid(state)
    return state, jnp.sum(state**2), {"w": Change(keep, post, pre)}


def stored(theta, constants, state, weights, seen):
    """The same life by `lax.scan`, which stores every weight of every moment."""

    def moment(carry, now):
        state, weights = carry
        state, out, changes = step(theta, constants, state, now, Delivering(weights))
        return (state, {**weights, "w": changed(weights["w"], changes["w"])}), out

    return jax.lax.scan(moment, (state, weights), seen)


def parts(leak: float = 0.05, moments: int = MOMENTS, dtype=jnp.float64):
    rng = np.random.default_rng(0)
    theta = {"gain": 0.9, "rate": 0.4, "leak": leak}
    return (
        {name: jnp.asarray(value, dtype) for name, value in theta.items()},
        jnp.asarray(0.3, dtype),
        jnp.asarray(0.2 * rng.normal(size=POST), dtype),
        {name: jnp.asarray(rng.normal(size=(POST, PRE)), dtype) for name in ("w", "still")},
        jnp.asarray(rng.normal(size=(moments, PRE)), dtype),
    )


def loss(life, theta, constants, state, weights, seen):
    """Looks at every answer, and at what is left at the end."""
    (state, weights), out = life(theta, constants, state, weights, seen)
    left = sum(jnp.sum(leaf**2) for leaf in weights.values())
    return jnp.sum(out * jnp.arange(len(out))) + jnp.sum(state**3) + left


def in_segments(segment: int):
    def life(theta, constants, state, weights, seen):
        return fast_weights.scan(step, theta, constants, state, weights, seen, segment)

    return life


def gradient(life, given):
    wanted = jax.grad(lambda *a: loss(life, *a), argnums=(0, 2, 3))
    return jax.jit(wanted)(*given)


@pytest.mark.parametrize("segment", [1, 4, MOMENTS])
def test_derivatives_equal_those_of_stored_weights(segment):
    with jax.enable_x64(True):
        given = parts()
        rebuilt, true = gradient(in_segments(segment), given), gradient(stored, given)
        assert_leaves_same(rebuilt, true, 1e-2, rtol=1e-9, atol=1e-11)


def test_another_rule_has_other_derivatives():
    """Negative control: the comparison above tells a leak of .05 from one of .051."""
    with jax.enable_x64(True):
        ours, others = (gradient(stored, parts(leak)) for leak in (0.05, 0.051))
        apart = [float(jnp.abs(a - b).max()) for a, b in zip(
            jax.tree.leaves(ours), jax.tree.leaves(others), strict=True)]  # fmt: skip
        assert min(apart) > 1e-5


def test_answers_and_last_weights_are_those_of_a_plain_scan():
    with jax.enable_x64(True):
        given = parts()
        rebuilt, true = in_segments(4)(*given), stored(*given)
        assert_leaves_same(rebuilt, true, 0.0, rtol=1e-12)


def largest(life) -> int:
    """Most numbers in one array of the gradient's program."""
    given = parts(dtype=jnp.float32)
    return largest_of(jax.grad(lambda theta: loss(life, theta, *given[1:])), given[0])


def largest_of(function, *arguments) -> int:
    """Most numbers in one array of a program, nested programs included."""
    program = jax.make_jaxpr(function)(*arguments)

    def sizes(jaxpr):
        for equation in jaxpr.eqns:
            yield from (variable.aval.size for variable in equation.outvars)
            for nested in jax.tree.leaves(
                list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")
            ):
                nested = getattr(nested, "jaxpr", nested)
                if hasattr(nested, "eqns"):
                    yield from sizes(nested)

    return max(sizes(program.jaxpr))


def test_no_array_holds_the_weights_of_every_moment():
    assert largest(in_segments(MOMENTS)) < MOMENTS * POST * PRE
    assert largest(stored) >= MOMENTS * POST * PRE


SIGNALS, LIVES, CELLS = 6, 4, 16


@pytest.mark.parametrize("gradient", [False, True])
def test_no_array_holds_every_signal_of_every_synapse(gradient):
    """A rule of K signals never holds `lives x post x pre x K` numbers, nor does its derivative."""

    def life(theta, seen, added):
        def step(theta, constants, state, now, deliver):
            heard = jnp.tanh(deliver("w", now) + state)
            post = theta[:, None] * jnp.stack([heard**k for k in range(1, SIGNALS + 1)])
            pre = jnp.stack([now**k for k in range(1, SIGNALS + 1)])
            change = added(post, pre)
            return heard, jnp.sum(heard**2), {"w": change}

        weights = {"w": jnp.ones((CELLS, CELLS)) / CELLS}
        nothing, state = jnp.zeros(()), jnp.zeros(CELLS)
        (_, weights), out = fast_weights.scan(step, theta, nothing, state, weights, seen, len(seen))
        return jnp.sum(out) + jnp.sum(weights["w"] ** 2)

    def of_all(added):
        def one(theta, seen):
            lived = jax.grad(life) if gradient else life
            return lived(theta, seen, added)

        return jax.vmap(one, (None, 0))

    def by_vectors(post, pre):
        return Change(jnp.full(CELLS, 0.9), post, pre)

    def by_synapses(post, pre):
        whole = jnp.sum(post[:, :, None] * pre[:, None, :], 0)  # a change of one row for each cell
        return Change(jnp.full(CELLS, 0.9), jnp.eye(CELLS), whole)

    given = jnp.full(SIGNALS, 0.1), jnp.ones((LIVES, 3, CELLS)) * 0.1
    forbidden = LIVES * CELLS * CELLS * SIGNALS
    assert LIVES * CELLS * CELLS <= largest_of(of_all(by_vectors), *given) < forbidden
    assert largest_of(of_all(by_synapses), *given) >= forbidden, "negative control"


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("gradient", [False, True])
def test_a_factored_rule_of_many_signals_holds_none_of_them_in_every_synapse(traced, gradient):
    """In whole lives, also where a trace remembers changes; the control is above."""
    rule = Factored((0.01,) * SIGNALS, 1e-3, traced=traced)
    task = Clusters(inputs=CELLS, moments=4, nuisance=2, held_out=2)
    objective = Objective(task, layered(CELLS, (CELLS, CELLS), task.classes), segment=2)
    cells = {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output("softmax")}
    theta, fixed = eqx.partition(Genome(cells, {"forward": rule, "readout": rule}), searchable)

    def one(theta, key):
        return objective(eqx.combine(theta, fixed), key)[0]

    lived = jax.vmap(jax.grad(one) if gradient else one, (None, 0))
    keys = jax.random.split(jax.random.key(0), LIVES)
    forbidden = LIVES * CELLS * CELLS * SIGNALS
    assert LIVES * CELLS * CELLS <= largest_of(lived, theta, keys) < forbidden


def test_weights_that_only_leak_have_derivatives():
    """No channel at all: a rule such as `Decay` alone."""

    def leaking(theta, constants, state, seen, deliver):
        heard = deliver("w", seen)
        keep = jnp.full(POST, 1.0 - theta["leak"])
        return (
            state,
            jnp.sum(heard**2),
            {"w": Change(keep, jnp.zeros((0, POST)), jnp.zeros((0, PRE)))},
        )

    theta, constants, state, weights, seen = parts(dtype=jnp.float32)

    def total(leak, segment):
        given = ({**theta, "leak": leak}, constants, state, weights, seen)
        return jnp.sum(fast_weights.scan(leaking, *given, segment)[1])

    slope = jax.grad(total)(theta["leak"], 4)
    rise = (total(theta["leak"] + 1e-2, 4) - total(theta["leak"] - 1e-2, 4)) / 2e-2
    assert abs(float(rise)) > 1.0
    np.testing.assert_allclose(slope, rise, rtol=1e-2)


def test_a_gradient_that_rounding_has_spoiled_is_not_handed_out():
    """Rebuilding divides by what a moment keeps: at a leak of about a half, forty moments are too
    many, and one is not."""
    given = parts(leak=1.2, moments=40, dtype=jnp.float32)
    spoiled = gradient(in_segments(40), given)[0]
    assert all(bool(jnp.isnan(leaf)) for leaf in spoiled.values())
    kept, true = gradient(in_segments(1), given)[0], gradient(stored, given)[0]
    for name, leaf in kept.items():
        assert abs(float(true[name])) > 1e-2
        np.testing.assert_allclose(leaf, true[name], rtol=1e-3)
