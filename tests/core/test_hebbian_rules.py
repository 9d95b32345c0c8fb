"""Rules of rates, held to closed forms and fixed points."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core.test_separable import PRE, both_ways, cells
from metaplast.circuits import layered
from metaplast.lifetime import live
from metaplast.mapped import over_synapses
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Competing, Rate
from metaplast.rules import ABCD, BCM, Delta, Hebb, Oja, SoftHebb, TermPool
from metaplast.rules.term_pool import TERMS
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Episode

NAME = "input->output"


class Stimuli(AbstractTask):
    """Stimuli drawn from a few prototypes, with noise; there is nothing to answer."""

    prototypes: jax.Array
    noise: float = 0.0
    moments: int = eqx.field(default=3000, static=True)
    inputs: int = eqx.field(default=4, static=True)
    classes: int = eqx.field(default=1, static=True)

    def sample(self, key):
        choice_key, noise_key = jax.random.split(key)
        chosen = jax.random.randint(choice_key, (self.moments,), 0, len(self.prototypes))
        noise = jax.random.normal(noise_key, (self.moments, self.inputs))
        stimuli = self.prototypes[chosen] + self.noise * noise
        nothing = jnp.zeros(self.moments, int)
        return Episode(stimuli, nothing, stimuli[:1], nothing[:1])


def lived(cell, rule, task, seed: int = 0):
    """Weights at birth and at the end of a life of one layer."""
    neurons = {"input": Rate("linear"), "output": cell}
    circuit = layered(task.inputs, (), task.classes)
    network = PlasticNetwork(circuit, Genome(neurons, {"readout": rule}))
    key = jax.random.key(seed)
    birth = network.born(jax.random.split(key)[0]).weights[NAME]
    run = jax.jit(lambda key: live(network, task, task.sample(key), key)[1].weights[NAME])
    return np.asarray(birth), np.asarray(run(key))


def test_hebb_grows_exponentially_along_its_stimulus():
    x, rate, moments = np.asarray([1.0, -0.5, 0.25, 0.0]), 0.05, 20
    task = Stimuli(jnp.asarray(x[None]), moments=moments)
    birth, weight = lived(Rate("linear"), Hebb(rate), task)
    power = x @ x
    expected = birth + (birth @ x)[:, None] * x * ((1 + rate * power) ** moments - 1) / power
    assert np.abs(expected - birth).max() > 0.1
    np.testing.assert_allclose(weight, expected, rtol=1e-4)
    assert np.abs(lived(Rate("linear"), Oja(rate), task)[1] - expected).max() > 0.05


def test_bcm_selects_one_stimulus_and_answers_it_as_theory_says():
    """Two stimuli of equal frequency: theta = y² / 2 = y for the chosen one, so y = 2."""
    prototypes = jnp.asarray([[1.0, 0.2, 0.0, 0.3], [0.1, 1.0, 0.4, 0.0]])
    cell = Rate("relu")
    task = Stimuli(prototypes, moments=8000)
    answers = []
    for seed in range(3):
        birth, weight = lived(cell, BCM(0.006, 10.0), task, seed)
        answers.append(np.sort(np.maximum(prototypes @ weight[0], 0.0)))
        assert not np.allclose(np.maximum(prototypes @ birth[0], 0.0), [0.0, 2.0], atol=0.3)
    alive = [a for a in answers if a.max() > 0]
    assert len(alive) > 1
    np.testing.assert_allclose(alive, np.tile([0.0, 2.0], (len(alive), 1)), atol=0.2)
    # Control: a threshold that hardly slides, from the same births, selects nothing of the kind.
    for seed in range(3):
        weight = lived(cell, BCM(0.006, 1e9), task, seed)[1]
        still = np.sort(np.maximum(prototypes @ weight[0], 0.0))
        assert not np.allclose(still, [0.0, 2.0], atol=1.0)


def test_soft_hebb_finds_the_clusters_on_the_unit_sphere():
    prototypes = np.asarray([[1.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.6, 1.0]])
    prototypes /= np.linalg.norm(prototypes, axis=1, keepdims=True)
    task = Stimuli(jnp.asarray(prototypes), 0.05, 3000, classes=2)
    birth, weight = lived(Competing(6.0), SoftHebb(0.02), task)
    np.testing.assert_allclose(np.linalg.norm(weight, axis=1), 1.0, atol=0.05)
    assert np.abs(np.linalg.norm(birth, axis=1) - 1.0).max() > 0.1
    cosines = weight @ prototypes.T
    assert np.all(cosines.max(1) > 0.98) and set(cosines.argmax(1)) == {0, 1}
    # Without competition both cells learn the mean of all stimuli.
    blurred = lived(Competing(1e-3), SoftHebb(0.02), task)[1] @ prototypes.T
    assert np.abs(blurred).max() < 0.9


def by_synapses(rule):
    return both_ways(rule)[1]


def test_abcd_is_its_four_terms():
    pre, post = cells(PRE, 0).activity, cells(4, 1).activity[:, None]
    terms = (post * pre, pre + 0 * post, post + 0 * pre, jnp.ones((4, PRE)))
    for index, expected in enumerate(terms):
        chosen = tuple(float(i == index) for i in range(4))
        np.testing.assert_allclose(by_synapses(ABCD(0.1, chosen)), 0.1 * expected, atol=1e-6)
    np.testing.assert_allclose(by_synapses(ABCD(0.1)), by_synapses(Hebb(0.1)), atol=1e-6)
    assert np.abs(by_synapses(ABCD(0.1, (1.0, 0.5, 0.0, 0.0))) - 0.1 * terms[0]).max() > 1e-2


def pool(index: int | None = None, rate: float = 0.1):
    if index is None:
        return TermPool(rate)
    return TermPool(rate, tuple(float(i == index) for i in range(len(TERMS))))


def one_moment(rule):
    """Changes `[post, pre]` of a rule that no cell can take apart."""
    pre, post = cells(PRE, 0), cells(4, 1)
    weight = jnp.asarray(np.random.default_rng(2).normal(size=(4, PRE)), jnp.float32)
    return over_synapses(rule)(weight, (), pre, post, jnp.ones(1))[0]


BY_HAND = {
    "e x": lambda x, y, w, d, e, s: e * x,
    "y d": lambda x, y, w, d, e, s: y * d,
    "-e d": lambda x, y, w, d, e, s: -e * d,
    "-w": lambda x, y, w, d, e, s: -w,
    "d": lambda x, y, w, d, e, s: d + 0 * w,
    "e y x": lambda x, y, w, d, e, s: e * y * x,
    "-y² w d²": lambda x, y, w, d, e, s: -(y**2) * w * d**2,
    "-e y w d x": lambda x, y, w, d, e, s: -e * y * w * d * x,
    "y (x - y w)": lambda x, y, w, d, e, s: y * (x - y * w),
    "y s": lambda x, y, w, d, e, s: y * s,
}


@pytest.mark.parametrize("name", TERMS)
def test_each_term_of_the_pool_is_what_it_is_called(name):
    pre, post = cells(PRE, 0), cells(4, 1)
    w = np.random.default_rng(2).normal(size=(4, PRE)).astype(np.float32)
    x, d = np.asarray(pre.activity)[None], np.asarray(pre.message)[None]
    y, e = np.asarray(post.activity)[:, None], np.asarray(post.message)[:, None]
    expected = BY_HAND[name](x, y, w, d, e, np.asarray(pre.settled)[None])
    assert np.abs(expected).max() > 0.1
    found = one_moment(pool(TERMS.index(name)))
    np.testing.assert_allclose(found, 0.1 * expected, rtol=1e-4, atol=1e-6)


def test_the_pool_starts_as_the_delta_rule_and_holds_ojas():
    np.testing.assert_allclose(one_moment(pool()), one_moment(Delta(0.1)), atol=1e-6)
    np.testing.assert_allclose(one_moment(pool(8)), one_moment(Oja(0.1)), atol=1e-6)
    assert np.abs(one_moment(pool(8)) - one_moment(pool())).max() > 1e-2


def test_a_pool_of_another_size_is_refused():
    with pytest.raises(ValueError, match="theta"):
        TermPool(0.1, (1.0, 0.0))
