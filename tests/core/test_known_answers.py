"""Networks whose outcome is known in closed form."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from learners.easy import Easy

from metaplast.circuits import associative, layered
from metaplast.delivery import Delivering
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Association, Output, Rate
from metaplast.rules import Decorrelation, Factored, Hebb, Oja
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Episode

SCALES = np.sqrt([4.0, 1.0, 0.25])


class Correlated(AbstractTask):
    """Gaussian stimuli of a known covariance; there is nothing to answer."""

    inputs: int = eqx.field(default=3, static=True)
    classes: int = eqx.field(default=1, static=True)
    moments: int = eqx.field(default=4000, static=True)

    def sample(self, key):
        normal = jax.random.normal(key, (self.moments, 3))
        stimuli = (normal * SCALES) @ jnp.asarray(axes(), jnp.float32).T
        nothing = jnp.zeros(self.moments, int)
        return Episode(stimuli, nothing, stimuli[:1], nothing[:1])


def axes():
    """Eigenvectors as columns, the first one first."""
    return np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]


def one_cell(rule):
    """Weights at birth and after a life of one linear cell."""
    cell = Rate("linear")
    network = PlasticNetwork(
        layered(3, (), 1), Genome({"input": cell, "output": cell}, {"readout": rule})
    )
    task = Correlated()
    name = "input->output"
    run = jax.jit(lambda key: live(network, task, task.sample(key), key)[1].weights[name])
    birth = network.born(jax.random.split(jax.random.key(0))[0]).weights[name][0]
    return np.asarray(birth), np.asarray(run(jax.random.key(0)))[0]


def test_oja_finds_the_first_eigenvector():
    birth, weight = one_cell(Oja(0.002))
    first, second = axes().T[:2]
    assert abs(birth @ first) / np.linalg.norm(birth) < 0.95, "it must not be born there"
    np.testing.assert_allclose(np.linalg.norm(weight), 1.0, atol=0.05)
    assert abs(weight @ first) > 0.98
    assert abs(weight @ second) < 0.2


def test_hebb_finds_its_direction_and_no_length():
    """Negative control: what the decay of Oja's rule is worth."""
    birth, weight = one_cell(Hebb(0.002))
    length, (first, second) = np.linalg.norm(weight), axes().T[:2]
    assert np.isfinite(length) and length > 1e3 * np.linalg.norm(birth)
    assert abs(weight @ first) > 0.98 * length  # the direction is that of the largest variance
    frozen = one_cell(Hebb(1e-9))[1]
    assert abs(frozen @ first) < 0.95 * np.linalg.norm(frozen)
    assert abs(weight @ second) > 1.0  # Oja's cell has less than 0.2 of it


def association_only(ridge: float = 1.0):
    genome = Genome(
        {"input": Rate("linear"), "association": Association(), "output": Output("linear")},
        {"lateral": Decorrelation(1.0), "readout": Factored((1.0,), 0.0)},
        {"relay_input": jnp.asarray(-0.5 * np.log(ridge))},
    )
    return PlasticNetwork(associative(6, (), 3), genome)


def test_association_cells_are_recursive_least_squares():
    """Readout and online answers are those of ridge regression on what was seen so far."""
    task, ridge = Easy(moments=30), 0.5
    with jax.enable_x64(True):
        episode = task.sample(jax.random.key(0))
        network = association_only(ridge)
        life, state = live(network, task, episode, jax.random.key(1))
        found = np.asarray(state.weights["association->output"])
        # The relays bring what the cells were born with; the synapses hold what was learned.
        inverse = np.eye(6) + np.asarray(state.weights["lateral"])
    assert found.dtype == np.float64
    x = np.asarray(episode.stimuli) / np.sqrt(6 * ridge)
    y = np.eye(3)[np.asarray(episode.targets)]
    gram = x.T @ x + np.eye(6)
    reference = np.linalg.solve(gram, x.T @ y).T
    assert np.abs(reference).max() > 0.1
    np.testing.assert_allclose(found, reference, atol=1e-10)
    np.testing.assert_allclose(inverse, np.linalg.inv(gram), atol=1e-10)
    online = []
    for moment in range(30):
        past = slice(0, moment)
        seen = x[past].T @ x[past] + np.eye(6)
        online.append(np.argmax(x[moment] @ np.linalg.solve(seen, x[past].T @ y[past])))
    np.testing.assert_array_equal(life.correct, np.asarray(online) == episode.targets)
    assert 0 < np.mean(np.asarray(life.correct)) < 1
    other = np.linalg.solve(gram + np.eye(6), x.T @ y).T
    assert np.abs(found - other).max() > 1e-4


def output_cells(error):
    """One moment of a network's output cells: activity, error, drive, and the target."""
    network = PlasticNetwork(
        layered(6, (), 3), Genome({"input": Rate("linear"), "output": Output(error)}, {})
    )
    task = Easy()
    state = network.born(jax.random.key(0))
    stimulus, target = jnp.linspace(-2.0, 3.0, 6), jnp.asarray(1)
    through = Delivering(state.weights)
    cell = network.hear(state.cells, stimulus, target, task, None, through).cells["output"]
    return cell, jax.grad(task.loss)(cell.drive, target)


def test_softmax_cells_sum_to_one_and_err_by_the_negative_gradient_of_cross_entropy():
    cell, slope = output_cells("softmax")
    assert np.abs(slope).max() > 0.1
    np.testing.assert_allclose(jnp.sum(cell.activity), 1.0, atol=1e-6)
    np.testing.assert_allclose(cell.message, -slope, atol=1e-6)


def test_linear_cells_do_neither():
    cell, slope = output_cells("linear")
    assert abs(float(jnp.sum(cell.activity)) - 1.0) > 0.1
    assert np.abs(cell.message + slope).max() > 0.1
    wanted = jax.nn.one_hot(1, 3)
    np.testing.assert_allclose(cell.message, wanted - cell.drive, atol=1e-6)
