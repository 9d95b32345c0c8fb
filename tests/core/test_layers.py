"""Layers that are alike, lived by one loop, do what they do one by one."""

from __future__ import annotations

from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from core.gradients import assert_same
from core.small import CASES, decided, parts, plain
from metaplast.circuits import Circuit, associative, layered, stacks
from metaplast.circuits.stacks import stacked
from metaplast.layers import apart, as_loops, together
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate, Sensory, StochasticBinary
from metaplast.objective import Objective
from metaplast.rules import Factored

DEEP = (4,) * 6


@pytest.fixture(scope="module", autouse=True)
def loops_from_four_layers():
    """As few as tests can afford."""
    with mock.patch.object(stacks, "LEAST", 4):
        yield


def deep_layered(feedback="random") -> tuple[Circuit, Genome]:
    neurons = {"input": Sensory(), "hidden": decided(Rate()), "output": decided(Output(rate=0.1))}
    rules = {"forward": Factored((0.2,), 0.01), "readout": Factored((0.3,), 0.01)}
    return layered(5, DEEP, 3, feedback), Genome(neurons, rules, {"feedback": jnp.asarray(0.2)})


def noisy() -> tuple[Circuit, Genome]:
    circuit, genome = deep_layered()
    return circuit, eqx.tree_at(lambda g: g.neurons["hidden"], genome, StochasticBinary())


def deep_associative() -> tuple[Circuit, Genome]:
    return associative(5, DEEP[1:], 3), CASES["associative"]((4,))[1]


DEEP_CASES = {"layered": deep_layered, "associative": deep_associative}


def layers(circuit: Circuit) -> list[int]:
    return [len(p.members) for p in circuit.populations if p.members]


@pytest.fixture(scope="module", params=DEEP_CASES)
def gradients(request):
    """Of one life in float64: layers as one loop, and with every moment stored layer by layer."""
    with jax.enable_x64(True):
        circuit, genome = DEEP_CASES[request.param]()
        assert layers(stacked(circuit)) == [4]
        theta, fixed = parts(genome)

        def of(segment):
            objective = Objective(Easy(inputs=5, moments=9), circuit, 2.0, segment)
            loss = lambda t: objective(eqx.combine(t, fixed), jax.random.key(3))[0]  # noqa: E731
            return jax.value_and_grad(loss)

        yield of(4), of(0), theta


def test_loops_change_no_loss_and_no_gradient(gradients):
    looped, stored, theta = gradients
    with jax.enable_x64(True):
        assert_same(*(jax.jit(f)(theta) for f in (looped, stored)))


def test_cells_keep_their_own_noise_in_a_loop():
    circuit, genome = noisy()
    network = PlasticNetwork(circuit, genome)
    task = Easy(inputs=5, moments=9)
    episode = task.sample(jax.random.key(0))

    @jax.jit
    def losses(key):
        return [live(network, task, episode, key, segment)[0].loss for segment in (4, None)]

    looped, plainly = losses(jax.random.key(1))
    np.testing.assert_allclose(looped, plainly, rtol=1e-5)
    other = losses(jax.random.key(2))[0]
    assert float(jnp.abs(other - looped).max()) > 1e-3, "noise must matter"


def program(depth: int) -> int:
    """Operations in the program of a meta-gradient, those of loops counted once."""
    circuit = layered(4, (4,) * depth, 3)
    theta, fixed = parts(deep_layered()[1])
    objective = Objective(Easy(inputs=4, moments=4), circuit, segment=2)
    made = jax.make_jaxpr(
        jax.grad(lambda t: objective(eqx.combine(t, fixed), jax.random.key(0))[0])
    )
    return made(theta).pretty_print().count("\n")


def test_a_program_does_not_grow_with_depth():
    """What grows is one slice for each layer, before life and after it."""
    shallow, deep, deeper = program(2), program(6), program(10)
    per_layer = (deeper - deep) / 4
    assert shallow > 500 and per_layer < 0.03 * shallow


@pytest.mark.parametrize(
    "circuit",
    [layered(5, DEEP[:4], 3), layered(5, DEEP, 3, "symmetric"), layered(5, (4, 5) * 4, 3)],
)
def test_layers_that_are_not_alike_stand_for_themselves(circuit):
    """Negative control: too few, borrowing weights from each other, of different sizes."""
    assert stacked(circuit) is circuit


def test_a_state_survives_being_put_together():
    network = PlasticNetwork(layered(4, DEEP, 3), plain())
    state = network.born(jax.random.key(0))
    circuit = as_loops(network).circuit
    assert layers(circuit) == [4]
    back = apart(circuit, together(circuit, state))
    assert jax.tree.structure(back) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(back), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(jnp.abs(state.weights["hidden2->hidden3"]).max()) > 0.1
