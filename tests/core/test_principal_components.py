"""Sanger's rule finds principal components in order, and can do so from local knowledge."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core.test_known_answers import Correlated, axes
from metaplast.audit.certificate import audit
from metaplast.audit.networks import from_network
from metaplast.circuits import hierarchical
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Rate, Remainder
from metaplast.rules import Decorrelation, Oja, Sanger

COMPONENTS = 2
FORWARD = [f"remainder{i}->component{i}" for i in (1, 2)]
BACK = "component1~>remainder2"


def genome(rule=Sanger, rate: float = 0.002) -> Genome:
    neurons = {"input": Rate("linear"), "remainder": Remainder(), "hidden": Rate("linear"),
               "output": Rate("linear")}  # fmt: skip
    return Genome(neurons, {"forward": rule(rate), "explain": Decorrelation(rate)})


def network(feedback: str, rule=Sanger, rate: float = 0.002) -> PlasticNetwork:
    return PlasticNetwork(hierarchical(3, (COMPONENTS,), 1, feedback), genome(rule, rate))


def test_over_transposed_weights_it_is_the_generalized_hebbian_algorithm():
    net, task, rate = network("symmetric", rate=0.1), Correlated(), 0.1
    state = net.born(jax.random.key(3))
    w = np.concatenate([state.weights[n] for n in FORWARD]).astype(float)
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=3)
        state, _ = net.moment(state, jnp.asarray(x, jnp.float32), jnp.asarray(0), task)
        y = w @ x
        w = w + rate * (np.outer(y, x) - np.tril(np.outer(y, y)) @ w)
    found = np.concatenate([state.weights[n] for n in FORWARD])
    assert np.abs(w).min() > 1e-3
    np.testing.assert_allclose(found, w, rtol=1e-5)


@functools.cache
def lived(feedback: str, rule):
    net, task = network(feedback, rule), Correlated(moments=8000)
    run = jax.jit(lambda key: live(net, task, task.sample(key), key)[1].weights)
    return jax.tree.map(np.asarray, run(jax.random.key(0)))


@pytest.mark.parametrize("feedback", ["plastic", "symmetric"])
def test_it_finds_the_first_eigenvectors_in_order(feedback):
    weights = lived(feedback, Sanger)
    found = np.concatenate([weights[n] for n in FORWARD])
    np.testing.assert_allclose(np.abs(found @ axes()[:, :2]), np.eye(2), atol=0.15)


def test_ojas_rule_finds_the_first_one_twice():
    weights = lived("plastic", Oja)
    found = np.concatenate([weights[n] for n in FORWARD])
    assert np.all(np.abs(found @ axes()[:, 0]) > 0.95)


def test_the_way_back_comes_to_equal_the_way_forward():
    weights = lived("plastic", Sanger)
    assert np.abs(weights[FORWARD[0]]).max() > 0.3
    np.testing.assert_allclose(weights[BACK][:, 0], -weights[FORWARD[0]][0], atol=1e-2)


@pytest.mark.parametrize("feedback", ["plastic", "symmetric"])
def test_the_audit_finds_it_local_where_the_way_back_is_its_own(feedback):
    found = audit(
        from_network("sanger", genome(), lambda i, h, o: hierarchical(i, (2,), o, feedback)),
        ["synaptic_locality", "neuronal_locality", "no_weight_transport"],
    )
    told = {v.constraint: v.status.value for v in found.verdicts}
    own = feedback == "plastic"
    assert told == {
        "synaptic_locality": "upheld",
        "neuronal_locality": "upheld" if own else "violated",
        "no_weight_transport": "not applicable" if own else "violated",
    }
