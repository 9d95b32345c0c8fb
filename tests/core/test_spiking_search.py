"""Lives of spiking cells are differentiated without storing weights, as those of rate cells are."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from learners.easy import Easy

from metaplast.circuits import layered
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import LIF, Leaky, Output, Rate, Traced
from metaplast.rules import Factored

TASK = Easy(moments=20)


def network() -> PlasticNetwork:
    neurons = {
        "input": Traced(Rate("linear")),
        "hidden": Traced(LIF(5.0)),
        "output": Leaky(Output(rate=0.1), 5.0),
    }
    timed = Factored((0.05, 0.0, 0.0, 0.02, -0.02, 0.02))  # e-prop, pairs and triplets
    rules = {"forward": timed, "readout": Factored((0.1,))}
    return PlasticNetwork(layered(6, (4,), 3), Genome(neurons, rules))


def test_the_derivative_without_stored_weights_is_that_with_them():
    searched, fixed = eqx.partition(network(), eqx.is_inexact_array)
    assert network().separable

    def loss(searched, segment):
        key = jax.random.key(0)
        life = live(eqx.combine(searched, fixed), TASK, TASK.sample(key), key, segment)[0]
        return jnp.mean(life.loss[1:])

    quick = {"xla_backend_optimization_level": 0}
    stored, rebuilt = (
        jax.jit(jax.grad(lambda s, n=n: loss(s, n)), compiler_options=quick)(searched)
        for n in (None, 5)
    )
    hidden, rule = stored.genome.neurons["hidden"], stored.genome.rules["forward"]
    for leaf in (hidden.base.tau.log, hidden.tau_y.log, *rule.coefficients[jnp.asarray([0, 3, 4])]):
        assert abs(float(leaf)) > 1e-6, "the search sees it through the spikes"
    for one, other in zip(jax.tree.leaves(stored), jax.tree.leaves(rebuilt), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=1e-6)
