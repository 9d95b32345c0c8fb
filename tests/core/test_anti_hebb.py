"""Plastic lateral inhibition: what is active together becomes independent."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from core.one_cell import driven
from metaplast import synapses
from metaplast.circuits import decorrelating
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate, Settling
from metaplast.positive import Positive
from metaplast.rules import AntiHebb

SHARED, MOMENTS = 0.6, 8000
CASES = {"together": (SHARED, 0.004), "against": (-SHARED, 0.004), "not plastic": (SHARED, 0.0)}


def network(inhibiting: bool, rate: float = 0.0) -> PlasticNetwork:
    """Two linear cells that settle, each driven by one input cell."""
    cells = {
        "input": Rate("linear"),
        "hidden": Settling("linear", target=0.0, rate=0.0, step=1.0),
        "output": Output(),
    }
    circuit = decorrelating(2, (2,), 2, inhibiting=inhibiting, rounds=8)
    return PlasticNetwork(circuit, Genome(cells, {"lateral": AntiHebb(rate)}))


@pytest.fixture(scope="module", params=[True, False], ids=["inhibiting", "both signs"])
def lived(request):
    """By case, lateral weights and the activities' correlation over the second half of a life."""
    net = network(request.param)

    def life(shared, rate):
        normal = jax.random.normal(jax.random.key(0), (MOMENTS, 2))
        mixed = shared * normal[:, 0] + jnp.sqrt(1 - shared**2) * normal[:, 1]
        stimuli = jnp.stack([normal[:, 0], mixed], 1)
        rules = {"lateral": AntiHebb(Positive(jnp.log(rate)))}
        whole = PlasticNetwork(net.circuit, Genome(net.genome.neurons, rules))
        state = whole.born(jax.random.key(0))
        state.weights["input->hidden1"] = jnp.eye(2)

        def moment(state, stimulus):
            deliver = synapses.Delivering(whole.circuit, state.weights)
            heard = whole.hear(
                state.cells, stimulus, jnp.asarray(0), Easy(classes=2), None, deliver
            )
            after = whole.moment(state, stimulus, jnp.asarray(0), Easy(classes=2))[0]
            return after, (heard.cells["hidden1"].activity, after.weights["hidden1->hidden1"])

        said, weights = jax.lax.scan(moment, state, stimuli)[1]
        half = MOMENTS // 2
        return jnp.corrcoef(said[half:].T)[0, 1], jnp.mean(weights[half:])

    found = jax.jit(jax.vmap(life))(*(jnp.asarray(v) for v in zip(*CASES.values(), strict=True)))
    return request.param, dict(zip(CASES, zip(*map(np.asarray, found), strict=True), strict=True))


def test_cells_that_are_driven_together_become_uncorrelated(lived):
    """The lateral weight that Földiák's rule comes to rest at is known in closed form."""
    _, found = lived
    correlation, weight = found["together"]
    known = (np.sqrt(1 - SHARED**2) - 1) / SHARED
    assert known < -0.3
    assert weight == pytest.approx(known, abs=0.04)
    assert abs(correlation) < 0.05
    still, silent = found["not plastic"]
    assert still == pytest.approx(SHARED, abs=0.05) and silent == 0.0


def test_inhibition_alone_cannot_join_what_is_active_against_each_other(lived):
    inhibiting, found = lived
    correlation, weight = found["against"]
    if inhibiting:
        assert weight > -0.02 and correlation < -0.5
    else:
        assert weight == pytest.approx((1 - np.sqrt(1 - SHARED**2)) / SHARED, abs=0.04)
        assert abs(correlation) < 0.05


def test_a_cell_holds_its_mean_activity():
    drives = np.random.default_rng(0).normal(0.5, 0.3, 4000).astype(np.float32)
    means = [
        float(jnp.mean(driven(Settling("sigmoid", 0.2, rate), drives)[1].activity[2000:]))
        for rate in (0.02, 0.0)
    ]
    assert means[0] == pytest.approx(0.2, abs=0.02)
    assert means[1] > 0.7
