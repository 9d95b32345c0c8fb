"""The comparison: complete, paired, and blind to who else is compared."""

from __future__ import annotations

import json
import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast.bench import bench, sweep, table
from metaplast.bench.footprint import changing_synapses
from metaplast.bench.living import Arena
from metaplast.learners.backprop import Backprop
from metaplast.learners.candidate import BACKPROP, Candidate, Variant
from metaplast.learners.feedback_alignment import feedback_alignment, readout_only
from metaplast.learners.nearest_class_mean import NearestClassMean

TASK = Easy(moments=30)
KEYS = {
    "data", "checksums", "unscored", "moments", "lives", "hidden", "seed", "learners",
    "best_backprop", "paired",
}  # fmt: skip
ENTRY = {
    "name", "found", "told", "online_accuracy", "online_accuracy_ci", "test_accuracy",
    "test_accuracy_ci", "scores", "tuned", "diverged", "seconds", "synapse_updates",
    "synapse_updates_per_second", "values", "values_per_cell", "values_per_synapse", "curve",
}  # fmt: skip


class Exploding(eqx.Module):
    """Doubles its readout's size at every moment, a thousandfold."""

    def born(self, key):
        return jnp.asarray(1.0)

    def predict(self, state, stimulus):
        return state * stimulus[:3]

    def moment(self, state, stimulus, target, task, key):
        return state * 1000.0, self.predict(state, stimulus)


def mean() -> NearestClassMean:
    return NearestClassMean(TASK.inputs, TASK.classes)


@pytest.fixture(scope="module")
def result():
    learners = ["nearest_class_mean", ("exploding", Exploding()), ("twin", mean())]
    return bench(learners, TASK, lives=4, hidden=(5,), only=True)


def entry(result, name):
    return next(e for e in result["learners"] if e["name"] == name)


def test_every_field_is_there_and_fits_into_json(result):
    assert set(result) == KEYS
    assert result["data"] == "easy" and result["moments"] == 30 and result["hidden"] == [5]
    for e in result["learners"]:
        assert set(e) == ENTRY
        low, high = e["online_accuracy_ci"]
        assert 0 <= low <= e["online_accuracy"] <= high <= 1
        assert e["seconds"] > 0 and e["synapse_updates_per_second"] >= 0
    again = json.loads(json.dumps(result, allow_nan=False))
    assert again == result


def test_backprop_is_always_there_and_tuned(result):
    rows = [e["name"] for e in result["learners"] if e["name"].startswith("backprop")]
    assert rows == ["backprop_sgd", "backprop_momentum", "backprop_adam"]
    best = max(rows, key=lambda name: entry(result, name)["online_accuracy"])
    assert (
        entry(result, result["best_backprop"])["online_accuracy"]
        == (entry(result, best)["online_accuracy"])
    )
    for name in rows:
        tuned = entry(result, name)["tuned"]
        assert tuned["rate"] in tuned["grid"]["rate"] and len(tuned["grid"]["rate"]) > 4
        assert entry(result, name)["online_accuracy"] > 1 / 3


def test_rows_are_paired_with_the_best_backprop(result):
    against = {p["name"]: p for p in result["paired"]}
    assert set(against) == {"nearest_class_mean", "exploding", "twin"}
    for name, pair in against.items():
        assert pair["against"] == result["best_backprop"]
        gap = entry(result, name)["online_accuracy"]
        gap -= entry(result, result["best_backprop"])["online_accuracy"]
        assert pair["difference"] == pytest.approx(gap)


def test_an_exploding_learner_is_counted_and_disturbs_nobody(result):
    lost = entry(result, "exploding")
    assert lost["diverged"] == 4 and lost["online_accuracy"] < 0.3
    assert entry(result, "nearest_class_mean")["diverged"] == 0
    with_company = entry(result, "twin")
    alone = Arena(TASK, 0).live([mean()], range(4))
    assert alone.accuracy.mean() > 0.5
    assert with_company["online_accuracy"] == pytest.approx(float(alone.accuracy.mean()))


@pytest.mark.parametrize("name", ["rule", "backprop_mine"])
def test_a_found_rule_is_paired_with_everybody(monkeypatch, name):
    """Whatever its folder is called: it is not what others are compared with."""
    from metaplast.bench import protocol

    found = Candidate(name, (Variant({}, lambda _: mean()),), found=True)
    built = protocol.build
    monkeypatch.setattr(
        protocol, "build", lambda row, *a: [found] if row == "zoo/rule" else built(row, *a)
    )
    result = bench(["zoo/rule", "frozen"], TASK, lives=4, hidden=(5,), only=True)
    pairs = [(p["name"], p["against"]) for p in result["paired"]]
    others = {e["name"] for e in result["learners"]} - {name}
    assert result["best_backprop"] in BACKPROP and result["best_backprop"] in others
    assert {b for a, b in pairs if a == name} == others and len(pairs) == len(set(pairs))
    assert entry(result, name)["found"] and not entry(result, "frozen")["found"]


@pytest.mark.parametrize("block", [1, 3])
def test_results_do_not_depend_on_how_many_lives_share_a_block(block):
    learner = Backprop((6, 5, 3), "adam", 0.02)
    whole = Arena(TASK, 7).live([learner], range(5))
    parts = Arena(TASK, 7, block).live([learner], range(5))
    assert 0.3 < whole.accuracy.mean() < 1
    np.testing.assert_allclose(whole.accuracy, parts.accuracy, atol=1e-6)
    np.testing.assert_allclose(whole.test, parts.test, atol=1e-6)
    other = Arena(TASK, 8).live([learner], range(5))
    assert np.any(other.accuracy != whole.accuracy)


def test_results_do_not_depend_on_company():
    rates = [0.001, 0.02, 0.3, 0.05]
    learners = [Backprop((6, 5, 3), "sgd", rate) for rate in rates]
    together = Arena(TASK, 0).live(learners, range(4), tuning=True)
    alone = Arena(TASK, 0).live([learners[1]], [2, 3])
    assert together.correct.shape == (4, 4, 30) and alone.accuracy.mean() > 0.3
    np.testing.assert_array_equal(together.correct[1, 2:], alone.correct[0])
    assert np.any(together.correct[0] != together.correct[1])


def test_learners_of_different_kinds_do_not_share_a_block():
    with pytest.raises(ValueError, match="differ in more than array leaves"):
        Arena(TASK, 0).live([Backprop((6, 5, 3)), Backprop((6, 4, 3))], range(2))


def test_sweep_varies_data_moments_and_hidden_layers():
    seen = []
    tasks = [TASK, Easy(moments=30, noise=9.0, name="hard")]
    result = sweep(
        [("mean", mean())], tasks, hidden=[(5,)], lives=4, only=True,
        progress=lambda name, done, rows: seen.append(name),
    )  # fmt: skip
    assert [c["data"] for c in result["cells"]] == ["easy", "hard"]
    easy, hard = (entry(cell, "mean")["online_accuracy"] for cell in result["cells"])
    assert easy > hard
    assert "hard: backprop_adam" in seen and len(seen) == 8


def test_table_is_sorted_and_shows_every_row(result):
    drawn = table(result)
    names = list(drawn.columns[0].cells)
    accuracies = [float(cell.split()[0]) for cell in drawn.columns[1].cells]
    assert set(names) == {e["name"] for e in result["learners"]}
    assert accuracies == sorted(accuracies, reverse=True) and accuracies[0] > accuracies[-1]
    differences = dict(zip(names, drawn.columns[3].cells, strict=True))
    assert differences[result["best_backprop"]] == "" and differences["exploding"].startswith("-")


def test_synapses_that_change_are_counted():
    assert changing_synapses(feedback_alignment(6, (5,), 3)) == 6 * 5 + 5 * 3
    assert changing_synapses(readout_only(6, (5,), 3)) == 5 * 3
    assert changing_synapses(Exploding()) == 1
    assert math.isclose(changing_synapses(mean()), 18)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lives": 0}, "lives = 0"),
        ({"hidden": (0,)}, "hidden"),
        ({"seed": 2**32}, "seed = 4294967296: expected 0 or more, below"),
        ({"seed": -1}, "seed = -1"),
        ({"learners": ["nearest_class_meen"]}, "did you mean nearest_class_mean"),
        ({"learners": [("a", mean()), ("a", mean())]}, "'a' occurs twice"),
        ({"learners": [("backprop_adam", mean())]}, "'backprop_adam' occurs twice"),
        ({"learners": [("nearest_neighbor", mean())]}, "'nearest_neighbor' occurs twice"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        bench(**{"learners": [], "data": TASK, "lives": 2, **arguments})
