"""The example runs from end to end, on other data too, and its cells know what the layer above
leaves of them."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.circuits import layered
from metaplast.delivery import Delivering
from metaplast.tasks import Clusters

EXAMPLE = "shervani_tabar_2023"
PATH = Path(__file__).parents[2] / "examples" / f"{EXAMPLE}.py"
TINY = "--steps 2 --meta-lives 1 --lives 2 --moments 12 --hidden 4 --carry mnist1d"
ROW = re.compile(r"^(.+?)\s+(?:\d+\s+)?(\d+\.\d) ± +(\d+\.\d)", re.MULTILINE)


class Searching(Exception):
    """The search, which is not made."""


def test_what_a_layer_reconstructs_reaches_the_synapses(example):
    theta = jnp.zeros(len(example.TERMS)).at[9].set(1.0)  # Oja's subspace, y (x - r)
    network = example.with_pool(layered(4, (3,), 2), theta)
    before = network.born(jax.random.key(0))
    stimulus, task = jax.random.normal(jax.random.key(1), (4,)), Clusters(4, 2, nuisance=0)
    heard = network.hear(
        before.cells, stimulus, jnp.asarray(1), task, None, Delivering(before.weights)
    )
    after, _ = network.moment(before, stimulus, jnp.asarray(1), task)
    x, y = heard.cells["input"].activity, heard.cells["hidden1"].activity
    weight = before.weights["input->hidden1"]
    wanted = y[:, None] * (x - y @ weight)
    assert np.abs(wanted).min() > 1e-6
    np.testing.assert_allclose(after.weights["input->hidden1"] - weight, wanted, atol=1e-6)


def test_the_example_runs():
    done = subprocess.run(
        [sys.executable, str(PATH), *TINY.split()], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    first, digits, carried = re.split(r"^(?=\w+, 5 of 10 classes;)", done.stdout, flags=re.M)
    assert "meta-step   2" in first and not ROW.search(first)
    assert digits.startswith("digits, 5 of 10 classes; network 64-4-5\n")
    assert carried.startswith("mnist1d, 5 of 10 classes; network 40-4-5\n")
    tables = [[row[:2] for row in ROW.findall(part)] for part in (digits, carried)]
    names = [[name for name, _ in rows] for rows in tables]
    slower = "found rule, times a factor"
    assert [name for name in names[1] if name != slower] == names[0], done.stdout
    assert slower in names[1] and len(set(names[0])) == 8, done.stdout
    for rows in tables:
        values = [float(accuracy) for _, accuracy in rows]
        assert all(0 <= accuracy <= 100 for accuracy in values)
        assert len(set(values)) > 1
    assert tables[0] != tables[1], "the lives of the search's data, a second time"
    papers = [len(re.findall(r" (?:25|70) +\d+\.\d ±", part)) for part in (digits, carried)]
    assert papers == [3, 0], "figures of the paper beside data that it does not have"
    assert digits.count("kept in the paper") == 3 and "kept in the paper" not in carried
    assert "wall time" in done.stdout and "nan" not in done.stdout


@pytest.mark.parametrize("best", [1, 3])
def test_a_table_shows_everybody_at_the_best_of_a_grid(example, monkeypatch, capsys, best):
    """Lives are made up: the `best`-last value of a grid names most."""
    lived = []

    def lives(make, values, task, count, seed):
        lived.extend(make(value) for value in values)
        held_out = np.full((len(values), count), 0.2)
        if len(values) != 2:  # the found rule, and the same without most of its terms
            held_out[-min(best, len(values))] = np.linspace(0.85, 0.95, count)
        return held_out - 0.1, held_out

    monkeypatch.setattr(example, "lives", lives)
    (task,) = example.others("mnist1d", 12)
    options = argparse.Namespace(hidden=(4,), lives=3, seed=0)
    found = example.table(task, jnp.ones(len(example.TERMS)), 40, {"least squares": "70"}, options)
    assert found == pytest.approx(0.2), "that of the rule, and not of its best rival"
    told = capsys.readouterr().out
    notes = re.findall(r"best (\w+) (\S+)$", told, re.MULTILINE)
    grids = [example.RATES, example.RATES, example.ADAM_RATES, 40 * np.array(example.RIDGES)]
    words = ["rate", "rate", "rate", "ridge"]
    assert notes == [(w, f"{g[-best]:.3g}") for w, g in zip(words, grids, strict=True)]
    rows = dict(re.findall(r"^(\S.+?)  +(?:70 +)?(\d+\.\d) ± ", told, re.MULTILINE))
    assert len(rows) == 8
    assert {name for name, accuracy in rows.items() if accuracy == "20.0"} == {
        "found rule", "found rule, F0, F2 and F9 only",
    }  # fmt: skip
    assert set(rows.values()) == {"20.0", "90.0"}
    assert re.findall(r"^(.+?) +70 ", told, re.MULTILINE) == ["least squares"]
    kinds = [type(learner).__name__ for learner in lived]
    # Where inputs are others than in the search, a factor is chosen as the rivals' rates are.
    example.table(task, jnp.ones(len(example.TERMS)), 64, {}, options)
    factor = f"{example.FACTORS[-best]:.3g}"
    assert re.findall(r"^found rule, times .* best factor (\S+)$", capsys.readouterr().out,
                      re.MULTILINE) == [factor]  # fmt: skip
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "Reconstructed": 14, "Backprop": 5, "RecursiveLeastSquares": 5, "NearestClassMean": 1,
        "NearestNeighbor": 1,
    }  # fmt: skip


def test_other_data_are_those_that_are_named(example):
    tasks = example.others("mnist1d,digits", 12)
    told = [(task.name, task.inputs, task.classes, task.moments) for task in tasks]
    assert told == [
        ("mnist1d, 5 of 10 classes", 40, 5, 12), ("digits, 5 of 10 classes", 64, 5, 12),
    ]  # fmt: skip
    assert example.others("none", 12) == []


def test_data_that_are_not_there_are_refused_before_the_search(
    example, refused, monkeypatch, tmp_path
):
    def find(*_):
        raise Searching

    monkeypatch.setattr(example, "find", find)
    monkeypatch.delenv("METAPLAST_DATA", raising=False)
    assert "did you mean mnist1d" in refused(example, "--carry", "mnist1dd")
    for names in ("mnist", "mnist1d,mnist"):
        told = refused(example, "--carry", names)
        assert told.startswith(f"--carry {names}: data = 'mnist': METAPLAST_DATA is not set")
    x, y = np.random.default_rng(0).uniform(size=(40, 3)), np.arange(40) % 2
    two, five = tmp_path / "two.npz", tmp_path / "five.npz"
    np.savez(two, x_train=x, y_train=y, x_test=x, y_test=y)
    np.savez(five, x_train=x, y_train=np.arange(40) % 5, x_test=x, y_test=np.arange(40) % 5)
    assert "classes = 5: expected at most 2" in refused(example, "--carry", str(two))
    for names in ("mnist1d", "none", str(five)):
        with pytest.raises(Searching):
            example.main(["--carry", names])


def test_a_wrong_option_is_refused(example, refused):
    assert "--stepz" in refused(example, "--stepz", "2")
