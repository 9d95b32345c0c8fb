"""Rules are found again in what their networks did, and what cannot be found is said so."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.circuits import layered
from metaplast.inference import identifiability, infer, record, report
from metaplast.inference.bootstrap import ends, intervals
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Rate
from metaplast.rules import Delta, Oja, Taylor
from metaplast.tasks import Clusters, RateCode

TASK = Clusters(inputs=3, classes=2, moments=25, held_out=1, nuisance=0, modes=1, rank=1)
HIGHEST = (2, 2, 1, 0)
RATE, NOISE = 0.05, 0.01
TRUE = np.asarray(Taylor(highest=HIGHEST).theta).ravel() * RATE / 0.01


def network(rule) -> PlasticNetwork:
    neurons = {"input": Rate("linear"), "output": Rate("tanh")}
    return PlasticNetwork(layered(3, (), 2), Genome(neurons, {"readout": rule}))


def inferred(task, projections, recordings=12):
    seen = record(
        network(Oja(RATE)), task, ["output"], projections, recordings, jax.random.key(0),
        NOISE, NOISE,
    )  # fmt: skip
    return infer(network(Taylor(jnp.zeros([p + 1 for p in HIGHEST]))), "readout", task, seen)


@pytest.fixture(scope="module")
def from_activity():
    return inferred(TASK, [])


@pytest.fixture(scope="module")
def from_spikes():
    """Inputs of 0 or 1, for which the powers of x from 1 on are one."""
    return inferred(RateCode(TASK, steps=1), ["input->output"])


def test_ojas_rule_is_found_in_activity_alone(from_activity):
    found = from_activity
    assert found.identifiability.determined.all() and len(found.identifiability.null) == 0
    assert np.abs(TRUE).max() == pytest.approx(RATE)
    for term, value in (("x y", RATE), ("y² w", -RATE)):
        place = found.names.index(term)
        assert found.lower[place] < found.values[place] < found.upper[place]
        assert found.values[place] == pytest.approx(value, abs=0.3 * RATE)
        assert found.lower[place] > 0 or found.upper[place] < 0  # surely not zero
    assert np.mean((found.lower <= TRUE) & (found.upper >= TRUE)) > 0.7
    off = np.abs(found.values - TRUE) / found.identifiability.error
    assert off.max() < 5 and np.sqrt(np.mean(off**2)) < 2
    assert found.noise == pytest.approx(NOISE, rel=0.1) and found.explained > 0.9
    assert isinstance(found.rule, Taylor) and found.rule.theta.shape == (3, 3, 2, 1)


def test_what_spikes_cannot_tell_apart_is_said(from_spikes):
    """x² is x: of each pair only the sum is determined, and the sum is right."""
    found = from_spikes
    blind = [found.names[i] for i in np.flatnonzero(~found.identifiability.determined)]
    assert blind == [name for name in found.names if name.startswith("x")] and len(blind) == 12
    assert len(found.identifiability.null) == 6
    for direction in found.identifiability.null:
        first, second = np.flatnonzero(direction)
        assert direction[first] == pytest.approx(-direction[second], rel=1e-2)
        assert found.names[second] == found.names[first].replace("x", "x²", 1)
    assert not np.isfinite(found.lower[found.names.index("x y")])
    both = found.values[found.names.index("x y")] + found.values[found.names.index("x² y")]
    assert both == pytest.approx(RATE, rel=0.1)
    drift = found.identifiability.null @ found.values  # what began at zero has stayed there
    assert np.abs(drift).max() < 1e-3 * np.abs(found.values).max()
    said = report(found, TRUE)
    assert said.count("not determined") == 12 and said.count("nothing recorded depends on") == 6
    assert "(x y)" in said and "(x² y)" in said


def test_the_report_of_what_is_determined_complains_of_nothing(from_activity):
    said = report(from_activity)
    assert "not determined" not in said and "nothing recorded" not in said and "x² y² w" in said


def test_ojas_rule_is_a_point_of_the_series():
    moved = []
    for rule in (Oja(0.01), Taylor(), Taylor(highest=(1, 1, 0, 0))):
        net = network(rule)
        born = net.born(jax.random.key(1))
        after, _ = net.moment(born, jnp.array([1.0, -0.5, 2.0]), jnp.asarray(0), TASK)
        moved.append(np.asarray(after.weights["input->output"] - born.weights["input->output"]))
    assert np.abs(moved[0]).max() > 1e-3
    np.testing.assert_allclose(moved[1], moved[0], atol=2e-7)
    assert np.abs(moved[2] - moved[0]).max() > 1e-5  # Hebb's alone, for the powers allow no more
    with pytest.raises(ValueError, match="highest"):
        Taylor(highest=(1, -1, 0, 0))


def test_errors_and_null_directions_of_a_linear_model_are_known():
    chance = np.random.default_rng(0)
    x, noise = chance.normal(size=(400, 3)) * [1.0, 10.0, 0.1], 0.5 * chance.normal(size=400)
    left = noise - x @ np.linalg.lstsq(x, noise, rcond=None)[0]
    known = identifiability(x, left)
    wanted = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * (left @ left) / 397)
    np.testing.assert_allclose(known.error, wanted, rtol=1e-9)
    assert known.determined.all() and known.null.shape == (0, 3)
    # Twice the first coefficient is the third, and the fourth is seen by nobody.
    units = np.array([1e-9, 1.0, 1e9])  # what is determined does not depend on them
    scaled = identifiability(x * units, left)
    assert scaled.determined.all()
    np.testing.assert_allclose(scaled.error, known.error / units, rtol=1e-6)
    blind = identifiability(np.c_[x[:, :2], 2 * x[:, 0], 0 * x[:, 0]], left)
    np.testing.assert_array_equal(blind.determined, [False, True, False, False])
    found = blind.null[np.argsort(np.abs(blind.null[:, 3]))]
    np.testing.assert_allclose(np.abs(found), [[1, 0, 0.5, 0], [0, 0, 0, 1]], atol=1e-9)
    assert found[0, 0] * found[0, 2] < 0 and np.isinf(blind.error[[0, 2, 3]]).all()
    few = identifiability(x[:2], left[:2])  # two numbers cannot say three things
    assert len(few.null) == 1 and not few.determined.any()
    with pytest.raises(ValueError, match="slopes"):
        identifiability(x, left[1:])


def test_the_bootstrap_spans_what_theory_says():
    chance = np.random.default_rng(1)
    x = chance.normal(size=(200, 5, 2))
    y = x @ np.array([1.0, -2.0]) + chance.normal(size=(200, 5))
    flat = x.reshape(-1, 2)
    value = np.linalg.lstsq(flat, y.ravel(), rcond=None)[0]
    left = x @ value - y
    known = identifiability(flat, left.ravel())
    lower, upper = intervals(value, left, x, known)
    np.testing.assert_allclose(upper - lower, 2 * 1.96 * known.error, rtol=0.2)
    assert np.all((lower < value) & (value < upper))
    alone = intervals(value, left[:1], x[:1], known)
    assert np.isinf(alone[0]).all()  # one recording says nothing about others


def test_few_recordings_have_intervals_that_hold_the_truth_as_often():
    chance = np.random.default_rng(0)
    few, resamples = 10, chance.multinomial(10, np.full(10, 0.1), size=2000) / 10
    means = resamples @ chance.normal(size=(few, 1000))

    def held(quantiles) -> float:
        lower, upper = np.quantile(means, quantiles, axis=0)
        return float(np.mean((lower < 0) & (upper > 0)))

    assert 0.93 < held(ends(few)) < 0.97
    assert held((0.025, 0.975)) < 0.92, "the control: percentiles as they are"
    np.testing.assert_allclose(ends(100_000), (0.025, 0.975), rtol=1e-3)


@pytest.mark.parametrize(
    ("populations", "projections", "told"),
    [
        (["outptu"], [], "populations: no 'outptu' in the circuit; perhaps you meant output"),
        (["output"], ["input->outptu"], "projections: no 'input->outptu' in the circuit; perhaps"),
    ],
)
def test_what_is_not_there_cannot_be_recorded(populations, projections, told):
    with pytest.raises(ValueError, match=told):
        record(network(Oja(RATE)), TASK, populations, projections, 2, jax.random.key(0))
    seen = record(
        network(Oja(RATE)), TASK, ["output"], ["input->output"], 2, jax.random.key(0)
    ).seen  # the control
    assert list(seen.activity) == ["output"] and list(seen.weights) == ["input->output"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"activity_noise": 0.0}, "activity_noise = 0.0: expected a finite positive number"),
        ({"weight_noise": float("inf")}, "weight_noise = inf"),
        ({"evaluations": 0}, "evaluations = 0: expected 1 or more"),
        ({"seed": 2**32}, "seed = 4294967296"),
    ],
)
def test_a_fit_that_cannot_be_asked_for_is_not_blamed_on_the_rule(asked, told):
    seen = record(network(Oja(RATE)), TASK, ["output"], [], 2, jax.random.key(0))
    with pytest.raises(ValueError, match=told):
        infer(network(Taylor()), "readout", TASK, seen, **asked)


def test_what_cannot_be_inferred_is_refused():
    seen = record(network(Oja(RATE)), TASK, [], [], 2, jax.random.key(0))
    with pytest.raises(ValueError, match="kind = 'forward': no rule; there are"):
        infer(network(Taylor()), "forward", TASK, seen)
    with pytest.raises(ValueError, match="nothing was recorded"):
        infer(network(Delta(0.1)), "readout", TASK, seen)
    nothing = {"output": jnp.full((2, 25, 2), jnp.nan)}
    broken = seen._replace(seen=seen.seen._replace(activity=nothing))
    with pytest.raises(ValueError, match="not finite"):
        infer(network(Taylor()), "readout", TASK, broken)
