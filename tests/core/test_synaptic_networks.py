"""Rules with a small network in every synapse equal their formula, and never hold it unrolled."""

from __future__ import annotations

import functools
import math
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast.circuits import layered
from metaplast.lifetime import live
from metaplast.mapped import over_synapses
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.objective import Objective
from metaplast.rules import Delta, Polynomial, SynapticGRU, SynapticMLP
from metaplast.rules.polynomial import powers
from metaplast.squash import squash
from metaplast.types import Cell, Synapse

POST, PRE, LIVES = 5, 7, 3
RULES = {"SynapticMLP": SynapticMLP, "SynapticGRU": SynapticGRU, "Polynomial": Polynomial}
STEP = 1e-6
quick = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


# -- the formulas, written down without a thought of their cost -------------------------------


class PlainMLP(SynapticMLP):
    """The same network as products of small matrices."""

    def __call__(self, synapse, memory):
        x, y, w, m = sensed(synapse)
        features = squash(jnp.stack([x, y, w, m]))
        decision = self.out @ squash(self.hidden @ features + self.bias)
        return self.rate * (m * x + decision), memory


class PlainGRU(SynapticGRU):
    """The same unit as products of small matrices; its memory is a vector."""

    def init(self):
        return jnp.zeros(self.out.shape)

    def __call__(self, synapse, memory):
        x, y, w, m = sensed(synapse)
        features = squash(jnp.stack([y, m, x, w]))
        (w_z, w_r, w_c), (u_z, u_r, u_c), (b_z, b_r, b_c) = self.inputs, self.recurrent, self.bias
        z = (1 + squash(w_z @ features + u_z @ memory + b_z)) / 2
        r = (1 + squash(w_r @ features + u_r @ memory + b_r)) / 2
        c = squash(w_c @ features + u_c @ (r * memory) + b_c)
        memory = (1 - z) * memory + z * c
        return self.rate * (m * x + self.out @ memory), memory


class PlainPolynomial(Polynomial):
    """The same series, term by term."""

    def __call__(self, synapse, memory):
        x, y, w, m = (jnp.tanh(v) for v in sensed(synapse))
        exponents = np.array(powers(self.order))
        terms = jnp.prod(jnp.stack([x, y, w, m]) ** exponents, axis=1)
        return self.rate * (self.theta @ terms), memory


PLAIN = {"SynapticMLP": PlainMLP, "SynapticGRU": PlainGRU, "Polynomial": PlainPolynomial}


def sensed(synapse: Synapse):
    return synapse.pre.activity, synapse.post.activity, synapse.weight, synapse.post.message


def stirred(rule):
    """The rule with every number nudged, so that none of them is without effect."""
    numbers, rest = eqx.partition(rule, eqx.is_inexact_array)
    leaves, tree = jax.tree.flatten(numbers)
    keys = jax.random.split(jax.random.key(5), len(leaves))
    moved = [
        leaf + 0.3 * jax.random.normal(key, leaf.shape)
        for leaf, key in zip(leaves, keys, strict=True)
    ]
    return eqx.combine(jax.tree.unflatten(tree, moved), rest)


def cells(size: int, key) -> Cell:
    activity_key, message_key = jax.random.split(key)
    activity = jax.random.normal(activity_key, (size,))
    signals = jnp.zeros((size, 1))
    message = jax.random.normal(message_key, (size,))
    return Cell(activity, activity, signals, activity, message, signals, signals)


def newborn(rule):
    return jax.tree.map(lambda h: jnp.broadcast_to(h, (POST, PRE, *jnp.shape(h))), rule.init())


def three_moments(rule):
    """Weights and memory of `[POST, PRE]` synapses after three moments."""
    weight_key, *keys = jax.random.split(jax.random.key(1), 7)
    weight, memory = jax.random.normal(weight_key, (POST, PRE)), newborn(rule)
    for pre_key, post_key in zip(keys[::2], keys[1::2], strict=True):
        change, memory = over_synapses(rule)(
            weight, memory, cells(PRE, pre_key), cells(POST, post_key), jnp.ones(1)
        )
        weight = weight + change
    return weight, memory


# -- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_it_equals_its_formula(name):
    with jax.enable_x64(True):
        weight, memory = three_moments(stirred(RULES[name](rate=0.5)))
        plain, remembered = three_moments(stirred(PLAIN[name](rate=0.5)))
        other, _ = three_moments(stirred(stirred(PLAIN[name](rate=0.5))))
        start = jax.random.normal(jax.random.split(jax.random.key(1), 7)[0], (POST, PRE))
    np.testing.assert_allclose(weight, plain, rtol=1e-12, atol=1e-12)
    assert np.abs(plain - start).max() > 0.1, "the reference must change the weights"
    assert np.abs(weight - other).max() > 0.01, "negative control: other numbers, other weights"
    if memory:
        np.testing.assert_allclose(np.stack(memory, -1), remembered, rtol=1e-12, atol=1e-12)
        assert np.abs(remembered).max() > 0.1


@pytest.mark.parametrize("name", RULES)
def test_the_start_is_the_delta_rule(name):
    task = Easy(moments=10)

    @quick
    def last(rule):
        return live(network(rule), task, task.sample(jax.random.key(0)), jax.random.key(1))[1]

    expected, got = last(Delta(0.1)), last(RULES[name](rate=0.1))
    off = last(stirred(RULES[name](rate=0.1)))
    key = "input->hidden1"
    born = network(Delta(0.1)).born(jax.random.split(jax.random.key(1))[0]).weights[key]
    moved = np.abs(expected.weights[key] - born).max()
    assert moved > 1e-3
    # The series squashes what it multiplies, the networks do not.
    tolerance = 0.5 if name == "Polynomial" else 1e-4
    assert np.abs(got.weights[key] - expected.weights[key]).max() < tolerance * moved
    assert np.abs(off.weights[key] - expected.weights[key]).max() > tolerance * moved


def test_a_gated_memory_is_a_leaky_integrator():
    """Known answer: constant gate z and candidate c, so $h_t = c\\,(1 - (1 - z)^t)$."""
    rule = SynapticGRU(rate=0.5, states=1)
    gate, candidate = 0.25, 0.6
    rule = eqx.tree_at(
        lambda r: (r.inputs, r.recurrent, r.bias, r.out),
        rule,
        (
            jnp.zeros((3, 1, 4)),
            jnp.zeros((3, 1, 1)),
            # What softsign takes to 2 z - 1 and to c.
            jnp.array([[unsquash(2 * gate - 1)], [0.0], [unsquash(candidate)]]),
            jnp.ones(1),
        ),
    )
    silent = jax.tree.map(jnp.zeros_like, cells(1, jax.random.key(0)))
    one = jax.tree.map(lambda leaf: leaf[0], silent)
    memory, seen = rule.init(), []
    for _ in range(5):
        change, memory = rule(Synapse(jnp.zeros(()), one, one, jnp.ones(1)), memory)
        seen.append(float(change))
    expected = 0.5 * candidate * (1 - (1 - gate) ** np.arange(1, 6))
    assert expected.min() > 0.05
    np.testing.assert_allclose(seen, expected, rtol=1e-5)
    no_memory = 0.5 * candidate * gate * np.ones(5)
    assert np.abs(seen - no_memory).max() > 0.1, "negative control: a synapse that forgets"


def unsquash(s: float) -> float:
    return s / (1 - abs(s))


def test_the_slope_of_softsign():
    """The derivative that is written by hand is that of the function, once and twice."""
    with jax.enable_x64(True):
        at = jnp.array([-3.0, -0.4, 0.2, 5.0])
        slope = jax.vmap(jax.grad(squash))
        nudged = (squash(at + STEP) - squash(at - STEP)) / (2 * STEP)
        bend = (slope(at + STEP) - slope(at - STEP)) / (2 * STEP)
        np.testing.assert_allclose(slope(at), nudged, rtol=1e-6)
        np.testing.assert_allclose(jax.vmap(jax.grad(jax.grad(squash)))(at), bend, rtol=1e-6)
        assert float(jnp.abs(nudged).min()) > 1e-2 and float(jnp.abs(bend).min()) > 1e-3
        assert float(jnp.abs(jax.vmap(jax.grad(jnp.tanh))(at) - nudged).min()) > 1e-3
        assert float(jax.grad(squash)(0.0)) == 1.0


# -- meta-gradients ---------------------------------------------------------------------------


def network(rule) -> PlasticNetwork:
    genome = Genome(
        {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output()},
        {"forward": rule, "readout": rule},
    )
    return PlasticNetwork(layered(6, (4,), 3), genome)


def one_life(rest, moments=7, segment=3):
    """Loss of a life as a function of the numbers of a rule."""
    objective = Objective(Easy(moments=moments), layered(6, (4,), 3), 2.0, segment)

    def loss(numbers, key):
        return objective(network(eqx.combine(numbers, rest)).genome, key)[0]

    return loss


@pytest.mark.parametrize("name", RULES)
def test_meta_gradient_equals_finite_differences(name):
    with jax.enable_x64(True):
        numbers, rest = eqx.partition(stirred(RULES[name](rate=0.3)), eqx.is_inexact_array)
        loss = quick(functools.partial(one_life(rest), key=jax.random.key(3)))
        gradient = quick(jax.grad(one_life(rest)))(numbers, jax.random.key(3))
        rng = np.random.default_rng(0)
        for number in range(3):
            direction = jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape)), numbers)

            def at(sign, direction=direction):
                nudged = jax.tree.map(lambda n, d: n + sign * STEP * d, numbers, direction)
                return float(loss(nudged))

            slope = (at(1) - at(-1)) / (2 * STEP)
            along = jax.tree.map(lambda g, d: jnp.sum(g * d), gradient, direction)
            predicted = [float(a) for a in jax.tree.leaves(along)]
            assert abs(slope) > 1e-4, "the numbers must matter, else zero equals zero"
            np.testing.assert_allclose(sum(predicted), slope, rtol=1e-5)
            if number == 0:  # Negative control: a gradient that lacks one leaf is caught.
                for missing in predicted:
                    assert abs(sum(predicted) - missing - slope) > 1e-4 * abs(slope)


# -- what the compiler makes of it ------------------------------------------------------------

WIDTH = 8


def largest(program: str) -> int:
    """Elements of the largest array in a compiled program."""
    shapes = re.findall(r"\b(?:f32|f64|bf16|f16)\[([\d,]*)\]", program)
    return max(math.prod(int(n) for n in shape.split(",") if n) for shape in shapes)


def moments_of_many_lives(rule):
    """Two moments of `[LIVES, POST, PRE]` synapses, and their derivative."""
    numbers, rest = eqx.partition(rule, eqx.is_inexact_array)

    def one(numbers, weight, memory, pre, post):
        def moment(carry, _):
            weight, memory = carry
            change, memory = over_synapses(eqx.combine(numbers, rest))(
                weight, memory, pre, post, jnp.ones(1)
            )
            return (weight + change, memory), None

        (weight, _), _ = jax.lax.scan(moment, (weight, memory), None, length=2)
        return jnp.sum(weight**2)

    given = jax.vmap(
        lambda key: (jnp.ones((POST, PRE)), newborn(rule), cells(PRE, key), cells(POST, key))
    )(jax.random.split(jax.random.key(0), LIVES))
    axes = (None, 0, 0, 0, 0)
    programs = (jax.vmap(one, axes), jax.vmap(jax.grad(one), axes))
    return [jax.jit(p).lower(numbers, *given).compile().as_text() for p in programs]


@pytest.mark.parametrize("name", ["SynapticMLP", "SynapticGRU"])
def test_no_array_of_all_units_of_all_synapses(name):
    """Neither a life nor its derivative holds `lives x post x pre x width` numbers at once."""
    size = {"SynapticMLP": {"width": WIDTH}, "SynapticGRU": {"states": WIDTH}}[name]
    forbidden = LIVES * POST * PRE * WIDTH
    for program in moments_of_many_lives(RULES[name](**size)):
        assert LIVES * POST * PRE <= largest(program) < forbidden
    for program in moments_of_many_lives(PLAIN[name](**size)):
        assert largest(program) >= forbidden, "negative control: the formula as it stands"
