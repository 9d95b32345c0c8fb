"""The archive of rules over what they cost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from core.small import plain
from metaplast.audit.constraints.evolutionary_outer_loop import EvolutionaryOuterLoop
from metaplast.circuits import layered
from metaplast.costs import LEAST, Metered
from metaplast.lifetime import live
from metaplast.meta import MapElites
from metaplast.meta.map_elites import Archive
from metaplast.network import Genome, PlasticNetwork
from metaplast.objective import Objective, Score

START = {"a": jnp.zeros(2), "b": jnp.zeros(1)}


@jax.vmap
def worth(candidate):
    """The loss of a candidate of `trade`, had it no luck."""
    return jnp.sum((candidate - jnp.asarray([1.0, 0.0, 0.0])) ** 2)


class Cost(NamedTuple):
    changes: jax.Array


def trade(theta, key):
    """The best loss at cost c is (c - 1)², reached where the rest is zero; lives differ in luck."""
    cost = theta["a"][0]
    loss = (cost - 1) ** 2 + theta["a"][1] ** 2 + theta["b"][0] ** 2
    loss = loss + 0.05 * jax.random.normal(key)
    return loss, Score(loss, -loss, jnp.zeros(()), Cost(cost))  # type: ignore[arg-type]


def illuminated(meta, evaluate, steps, theta=START):
    def step(carry, key):
        theta, state, report = meta.step(evaluate, *carry, key)
        return (theta, state), report.lost

    @jax.jit
    def run(key):
        begun = meta.init(evaluate, theta, key)
        return jax.lax.scan(step, (theta, begun), jax.random.split(key, steps))

    (theta, state), lost = run(jax.random.key(0))
    return theta, state, lost


META = MapElites(32, 1, 0.2, 80, low=-2.0, high=2.0, bins=8)


def test_the_archive_is_the_front_of_a_known_trade():
    theta, state, _ = illuminated(META, trade, 80)
    assert bool(jnp.all(state.filled)) and int(state.generations.max()) > 5
    edges = np.asarray(META.edges)
    nearest = np.clip(1.0, edges[:-1], edges[1:])
    known = (nearest - 1) ** 2
    assert known.max() > 3
    found = np.asarray(
        jax.vmap(lambda c: (c[0] - 1) ** 2 + c[1] ** 2 + c[2] ** 2)(state.candidates)
    )
    assert np.all(found < known + 0.4)
    assert np.all(found > known - 1e-3), "an elite lies in its bin"
    assert abs(float(theta["a"][0]) - 1) < 0.4, "what is found is the best of all"
    # Negative control: one step fills what lies around the start, and no more.
    _, begun, _ = illuminated(META, trade, 1)
    assert 0 < int(jnp.sum(begun.filled)) < 5


def test_luck_fades():
    """The elite's loss is a mean over its generations: near what it is worth, not below."""
    _, state, _ = illuminated(META, trade, 80)
    worth = np.asarray(
        jax.vmap(lambda c: (c[0] - 1) ** 2 + c[1] ** 2 + c[2] ** 2)(state.candidates)
    )
    off = np.asarray(state.loss) - worth
    lucky = -0.05 * np.sqrt(2 * np.log(16 * 80))  # the best of all children, had nobody lived again
    assert lucky < -0.15
    assert abs(off.mean()) < 0.05 and off.min() > lucky


def test_an_elite_whose_mean_cost_leaves_its_bin_moves():
    def noisy(theta, key):
        """Costs of one life are off by a bin."""
        loss, score = trade(theta, key)
        off = 0.5 * jax.random.normal(jax.random.fold_in(key, 1))
        return loss, score._replace(costs=Cost(score.costs.changes + off))

    _, state, _ = illuminated(META, noisy, 80)
    filled, edges = np.asarray(state.filled), np.asarray(META.edges)
    assert filled.sum() > 4 and int(state.generations.max()) > 5
    inner = np.flatnonzero(filled)[(np.flatnonzero(filled) > 0) & (np.flatnonzero(filled) < 7)]
    cost = np.asarray(state.cost)[inner]
    assert np.all((edges[inner] <= cost) & (cost <= edges[inner + 1]))


def test_candidates_without_a_number_never_enter():
    def treacherous(theta, key):
        loss, score = trade(theta, key)
        return jnp.where(theta["a"][0] > 0.2, jnp.nan, loss), score

    _, state, lost = illuminated(META, treacherous, 40)
    assert 0 < float(jnp.max(lost)) < 1
    over = np.asarray(META.edges[:-1]) > 0.2
    assert not np.any(np.asarray(state.filled)[over]) and np.any(np.asarray(state.filled))


def test_an_elite_pays_for_generations_in_which_it_has_no_number():
    """Around zero nine lives of ten are lost, by their loss or by their cost, and what is left
    looks best."""

    def risky(of):
        def evaluate(theta, key):
            loss, score = trade(theta, key)
            near = jnp.abs(theta["a"][0]) < 0.5
            lost = near & (jax.random.uniform(jax.random.fold_in(key, 2)) < 0.9)
            loss = jnp.where(near, -5.0, loss)
            gone = jnp.where(lost, jnp.nan, 0.0)
            costs = Cost(score.costs.changes + gone)
            return (loss + gone, score) if of == "loss" else (loss, score._replace(costs=costs))

        return evaluate

    for of in ("loss", "cost"):
        theta, state, lost = illuminated(META, risky(of), 80)
        assert 0.05 < float(jnp.mean(lost)) < 0.95, of
        assert abs(float(theta["a"][0])) > 0.5, of
        old = np.asarray(state.generations) > 5
        assert old.any() and np.isfinite(np.asarray(state.cost)).all()


def test_costs_are_those_of_the_synapses_by_hand():
    task, circuit = Easy(moments=6), layered(6, (4,), 3)
    network = PlasticNetwork(circuit, plain())
    episode, key = task.sample(jax.random.key(1)), jax.random.key(2)
    _, spent = jax.jit(lambda: live(Metered(network), task, episode, key))()
    birth, _ = jax.random.split(key)
    state, changed, strong = network.born(birth), [], []
    for moment in range(6):
        x, y = episode.stimuli[moment], episode.targets[moment]
        new, _ = network.moment(state, x, y, task, None)
        each = [(new.weights[n] - state.weights[n], new.weights[n]) for n in network.plastic]
        changed.append(jnp.mean(jnp.concatenate([jnp.abs(d).ravel() for d, _ in each])))
        strong.append(jnp.mean(jnp.concatenate([jnp.abs(w).ravel() for _, w in each])))
        state = new
    costs = Metered.costs(spent)
    assert float(jnp.mean(jnp.stack(changed))) > 10 * LEAST
    np.testing.assert_allclose(10**costs.changes, np.mean(changed), rtol=1e-4)
    np.testing.assert_allclose(10**costs.strength, np.mean(strong), rtol=1e-4)
    assert abs(float(costs.changes - costs.strength)) > 0.1


def test_a_metered_life_is_the_same_life():
    task, circuit = Easy(moments=6), layered(6, (4,), 3)
    plainly, metered = (Objective(task, circuit, metered=m) for m in (False, True))
    loss, score = jax.jit(plainly)(plain(), jax.random.key(0))
    same, counted = jax.jit(metered)(plain(), jax.random.key(0))
    assert float(loss) > 0.1 and score.costs is None
    np.testing.assert_allclose(same, loss, rtol=1e-5)
    assert -6 < float(counted.costs.changes) < 0


def test_a_life_without_a_plastic_synapse_costs_nothing():
    task, circuit = Easy(moments=6), layered(6, (4,), 3)
    fixed = Genome(plain().neurons, {})
    metered = jax.jit(Objective(task, circuit, metered=True))
    for genome, nothing in ((fixed, True), (plain(), False)):
        _, score = metered(genome, jax.random.key(0))
        assert bool(np.all(np.asarray(score.costs) == np.log10(LEAST).astype("f4"))) == nothing


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"population": 3}, "population = 3: expected an even number"),
        ({"low": 1.0, "high": 0.0}, "low = 1.0, high = 0.0"),
        ({"bins": 0}, "bins = 0"),
        ({"line": -1.0}, "line = -1.0"),
        ({"spread": 0.0}, "spread = 0.0"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        MapElites(**options)


def test_an_objective_that_does_not_meter_is_refused():
    task, circuit = Easy(moments=6), layered(6, (4,), 3)
    with pytest.raises(ValueError, match=r"give objective\.metered = true"):
        META.init(Objective(task, circuit), plain(), jax.random.key(0))
    with pytest.raises(ValueError, match="axis = 'heat'"):
        MapElites(axis="heat").init(trade, START, jax.random.key(0))
    with pytest.raises(ValueError, match="metered = true"):
        Objective(task, circuit, episodes=2, metered=True)
    assert isinstance(META.init(trade, START, jax.random.key(0)), Archive)


def test_the_audit_has_a_verdict_on_it():
    """A run by it is certified as any other; a search that differentiates is told apart."""
    for table, words in (
        ({"type": "MapElites", "population": 4, "lives": 1}, "reads ranks only"),
        ({"type": "Backprop", "lives": 1}, "differentiates lives"),
    ):
        evidence: Any = SimpleNamespace(subject=SimpleNamespace(spec={"meta": table}))
        assert words in str(EvolutionaryOuterLoop().check(evidence))
