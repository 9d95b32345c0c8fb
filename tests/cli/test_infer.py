"""`metaplast infer`: a rule comes back from a file, and what a file cannot tell is said."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from metaplast import store
from metaplast.circuits import layered
from metaplast.cli import main
from metaplast.inference import record, save
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Rate
from metaplast.rules import Oja
from metaplast.tasks import Clusters, RateCode

EXPERIMENT = """
name = "recorded"
hidden = []
anatomy = { type = "layered" }
meta = { type = "Evolution" }

[genome.neurons]
input = { type = "Rate", nonlinearity = "linear" }
output = { type = "Rate", nonlinearity = "tanh" }

[genome.rules]
readout = { type = "Taylor", highest = [2, 2, 1, 0] }

[task]
type = "Clusters"
inputs = 6
classes = 2
nuisance = 0
"""
RATE, NOISE = 0.05, 0.01
TASK = Clusters(inputs=6, classes=2, moments=30, held_out=1, nuisance=0)
LEVELS = ("--activity-noise", str(NOISE), "--weight-noise", str(NOISE))


def recorded(task):
    """Oja's rule, of which everything is recorded."""
    neurons = {"input": Rate("linear"), "output": Rate("tanh")}
    network = PlasticNetwork(layered(6, (), 2), Genome(neurons, {"readout": Oja(RATE)}))
    return record(network, task, ["output"], ["input->output"], 8, jax.random.key(0), NOISE, NOISE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An experiment and three files: of a rule, of spikes, and of answers to others' stimuli."""
    folder = tmp_path_factory.mktemp("infer")
    (folder / "my.toml").write_text(EXPERIMENT)
    seen = recorded(TASK)
    save(folder / "cells.npz", seen)
    save(folder / "spikes.npz", recorded(RateCode(TASK, steps=1)))
    others = jax.tree.map(lambda leaf: np.roll(leaf, 1, axis=0), seen.seen)
    save(folder / "shuffled.npz", seen._replace(seen=others))
    return folder


def words(folder, file: str, *more: str) -> list[str]:
    return ["infer", str(folder / "my.toml"), str(folder / file), "--kind", "readout", *more]


def inferred(folder, capsys, file: str, *more: str) -> dict:
    assert main(words(folder, file, "--blank", "--json", *LEVELS, *more)) == 0
    return json.loads(capsys.readouterr().out)


def test_ojas_rule_comes_back_and_is_a_found_rule(metaplast, folder, tmp_path, capsys):
    answer = metaplast(*words(folder, "cells.npz", "--blank", "--json", "--out", "x.safetensors"),
                       *LEVELS)  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert "8 recordings of 30 moments" in answer.stderr
    found = json.loads(answer.stdout)
    rows = {row["name"]: row for row in found["coefficients"]}
    assert len(rows) == 18 and all(row["determined"] for row in rows.values())
    assert found["family"] == "Taylor" and found["kind"] == "readout"
    assert found["converged"] and found["null"] == []
    for name, true in (("x y", RATE), ("y² w", -RATE)):
        row = rows.pop(name)
        assert row["value"] == pytest.approx(true, rel=0.1)
        assert row["lower"] < row["value"] < row["upper"] and row["lower"] * row["upper"] > 0
    assert max(abs(row["value"]) for row in rows.values()) < 0.1 * RATE
    assert found["explained"] > 0.9 and found["noise"] == pytest.approx(1.0, rel=0.1)

    rule = store.load(tmp_path / "x.safetensors")
    theta = np.asarray(rule.genome.rules["readout"].theta).ravel()
    np.testing.assert_allclose(theta, [row["value"] for row in found["coefficients"]], atol=1e-7)
    assert np.abs(theta).max() > 0.9 * RATE
    assert main(["show", str(tmp_path / "x.safetensors")]) == 0
    assert found["hash"] in capsys.readouterr().out
    # The experiment names evolution, but a fit differentiates lives.
    audit = ["audit", str(tmp_path / "x.safetensors"), "--constraint", "evolutionary_outer_loop"]
    assert main([*audit, "--demand", "evolutionary_outer_loop"]) == 1
    assert "differentiates lives" in capsys.readouterr().out
    # It is compared in a network as it was recorded in, which has no hidden layer.
    bench = ["bench", str(tmp_path / "x.safetensors"), "--only", "--lives", "2", "--moments", "8"]
    assert main(bench) == 2
    assert "without hidden layers, and hidden = [64, 64]" in capsys.readouterr().err
    assert main([*bench, "--hidden", ""]) == 0


def test_what_spikes_cannot_tell_apart_is_said(folder, capsys):
    found = inferred(folder, capsys, "spikes.npz")
    rows = {row["name"]: row for row in found["coefficients"]}
    blind = {name for name, row in rows.items() if not row["determined"]}
    assert blind == {name for name in rows if name.startswith("x")} and len(blind) == 12
    assert all(rows[name]["lower"] is None and rows[name]["error"] is None for name in blind)
    assert rows["y² w"]["determined"] and rows["y² w"]["upper"] < 0
    assert {frozenset(direction) for direction in found["null"]} == {
        frozenset((name, name.replace("x", "x²", 1))) for name in blind if "x²" not in name
    }
    assert rows["x y"]["value"] + rows["x² y"]["value"] == pytest.approx(RATE, rel=0.2)


def test_answers_to_the_stimuli_of_others_are_not_explained(folder, capsys):
    few = ("--evaluations", "20")
    assert inferred(folder, capsys, "cells.npz", *few)["explained"] > 0.9
    assert inferred(folder, capsys, "shuffled.npz", *few)["explained"] < 0.2


def test_a_fit_that_was_cut_short_says_so(folder, capsys):
    assert main(words(folder, "cells.npz", "--blank", "--evaluations", "2")) == 0
    assert "not converged" in capsys.readouterr().out


def test_without_blank_the_fit_begins_at_the_experiment_and_ends_alike(folder, capsys):
    assert main(words(folder, "cells.npz", *LEVELS)) == 0
    told = capsys.readouterr().out
    row = next(line.split() for line in told.splitlines() if line.startswith("x y "))
    assert float(row[2]) == pytest.approx(RATE, rel=0.1)
    assert "95 % interval" in told and "variance explained" in told and "wrote" not in told
    assert "not converged" not in told
    # Where it begins is seen where nothing is determined: at Oja's rule with a rate of 0.01.
    assert main(words(folder, "spikes.npz", "--json", *LEVELS)) == 0
    rows = {r["name"]: r["value"] for r in json.loads(capsys.readouterr().out)["coefficients"]}
    assert rows["x y"] - rows["x² y"] == pytest.approx(0.01, abs=1e-3)


BAD = {
    "kind": (["--kind", "readot"], ["kind = 'readot'", "meant readout"]),
    "noise": (["--weight-noise", "0"], ["weight_noise = 0.0", "positive"]),
    "evaluations": (["--evaluations", "0"], ["evaluations = 0", "1 or more"]),
    "seed": (["--seed=-1"], ["seed = -1"]),
    "large seed": (["--seed", str(2**32)], ["seed = 4294967296", "below 2**32"]),
    "folder": (["--out", "no/such/x"], ["out = no/such/x", "folder"]),
    "other network": (["--set", "task.inputs=5"], ["cells.npz", "(8, 30, 6)", "(8, 30, 5)"]),
    "noisy cells": (
        ["--set", 'genome.neurons.output={type="Noisy", base={type="Rate"}}'],
        ["network", "noise"],
    ),
    "presentation": (["--set", "presentation={steps=4}"], ["presentation", "leave it out"]),
    "explosion": (["--set", "genome.neurons.output.nonlinearity=linear",
                   "--set", "genome.neurons.input.nonlinearity=linear",
                   "--set", 'genome.rules.readout={type="Hebb", rate=1e9}'],
                  ["network", "not finite", "zero"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(folder, capsys, case):
    more, told = BAD[case]
    assert main(words(folder, "cells.npz", *more)) == 2
    answer = capsys.readouterr()
    said = [line for line in answer.err.splitlines() if not line.startswith("fitting")]
    assert answer.out == "" and len(said) == 1 and said[0].startswith("metaplast: error: ")
    for text in told:
        assert text in said[0]


def test_a_file_that_is_none_is_one_line_and_nothing_is_written(metaplast, folder, tmp_path):
    answer = metaplast(*words(folder, "my.toml", "--out", "x.safetensors"))
    assert answer.returncode == 2 and answer.stdout == ""
    assert answer.stderr.strip().count("\n") == 0 and "not an .npz" in answer.stderr
    assert not (tmp_path / "x.safetensors").exists()


def test_an_existing_rule_is_never_overwritten(folder, tmp_path, capsys):
    (tmp_path / "mine").write_text("precious")
    assert main(words(folder, "cells.npz", "--out", str(tmp_path / "mine"))) == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_full_disk_costs_the_file_and_not_the_fit(folder, tmp_path, capsys, monkeypatch, form):
    def full(path, *_):
        raise OSError(28, "No space left on device", str(path))

    out = tmp_path / "x.safetensors"
    fit = words(folder, "cells.npz", "--evaluations", "2", *form)
    monkeypatch.setattr("metaplast.store.save_rule", full)
    assert main([*fit, "--out", str(out)]) == 2
    printed = capsys.readouterr()
    assert "No space left" in printed.err and not out.exists()
    assert "x y" in printed.out and "wrote" not in printed.out and "hash" not in printed.out
    assert main(fit) == 0  # the control
    assert capsys.readouterr().out == printed.out
