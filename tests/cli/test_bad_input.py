"""Each bad input: one line that names what was wrong, exit code 2, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

TINY = Path(__file__).resolve().parents[1] / "tiny.toml"
SMALL = ["--lives", "2", "--moments", "5", "--hidden", "4"]


def one_line(answer) -> str:
    """The error, after checking that it is one line and all there is."""
    assert answer.returncode == 2, answer.stderr
    assert answer.stdout == ""
    lines = answer.stderr.strip().splitlines()
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("metaplast: error: ")
    return lines[0]


LIGHT = {
    "unknown command": (["serch"], ["serch", "search"]),
    "no experiment": (["search"], ["experiment"]),
    "unknown experiment": (["search", "digit"], ["'digit'", "digits"]),
    "missing file": (["search", "my.toml"], ["my.toml", "No such file"]),
    "unknown option": (["search", "digits", "--sed", "3"], ["--sed", "--seed"]),
    "seed that is no number": (["search", "digits", "--seed", "x"], ["seed", "x"]),
    "optional number that is none": (["estimators", "digits", "--stretch", "x"], ["stretch = 'x'"]),
    "some numbers that are none": (["bench", "frozen", "--moments", "3", "x"], ["moments", "'x'"]),
    "a gap in hidden": (["bench", "backprop", "--hidden", "64,,64"], ["hidden", "64,,64"]),
    "negative seed": (["search", "digits", "--seed=-1"], ["seed", "-1"]),
    "override without value": (["search", "digits", "--set", "meta.steps"], ["meta.steps"]),
    "override of nothing": (["search", "digits", "--set", "mta.steps=3"], ["mta", "meta"]),
    "override that is no TOML": (["search", "digits", "--set", "seed=[1"], ["[1"]),
    "override inside a value": (["search", "digits", "--set", "seed.x=1"], ["seed", "'x'"]),
    "bad name": (["search", "digits", "--set", 'name="a/b"'], ["name", "a/b"]),
    "a name that is a folder": (["search", "digits", "--set", 'name=".."'], ["name", "'..'"]),
    "no lives": (["search", "digits", "--set", "bench.lives=0"], ["bench.lives", "0"]),
    "horizon of zero on the bench": (
        ["search", "digits", "--set", "bench.moments=[0]"],
        ["bench.moments", "0"],
    ),
    "no run": (["resume", "nowhere"], ["nowhere", "spec.toml"]),
    "no learner": (["bench"], ["learners"]),
    "bad hidden": (["bench", "backprop", "--hidden", "64,-1"], ["hidden", "64,-1"]),
    "lives that are no number": (["bench", "backprop", "--lives", "many"], ["lives", "many"]),
    "one repetition": (["estimators", "digits", "--cycles", "1"], ["cycles", "1", "2 or more"]),
    "a stretch of no moments": (["estimators", "digits", "--stretch", "0"], ["stretch = 0", "1"]),
    "a spread without an end": (["estimators", "digits", "--spread", "inf"], ["spread = inf"]),
    "a negative seed of estimators": (["estimators", "digits", "--seed=-1"], ["seed = -1"]),
    "a page of estimators nowhere": (
        ["estimators", "digits", "--page", "no/x.html"],
        ["page = no/x.html", "folder"],
    ),
    "unknown suite": (["bench", "--suite", "recogntion"], ["recogntion", "recognition"]),
    "few lives for a page": (
        ["bench", "--suite", "recognition", "--lives", "8", "--write", "x.md"],
        ["lives", "8", "16"],
    ),
    "a page without a suite": (["bench", "backprop", "--write", "x.md"], ["write", "--suite"]),
    "a page nowhere": (["bench", "--suite", "depth", "--write", "no/x.md"], ["write", "no"]),
    "data of a suite": (["bench", "--suite", "depth", "--data", "mnist1d"], ["data", "suite"]),
    "unknown kind": (["list", "rulez"], ["rulez", "rules"]),
    "unknown thing": (["show", "Ojja"], ["Ojja", "Oja"]),
    "folder that is no run": (["show", "."], ["'.'", "spec.toml"]),
}


@pytest.mark.parametrize("case", LIGHT)
def test_refused_before_any_work(metaplast, tmp_path, case):
    words, told = LIGHT[case]
    said = one_line(metaplast(*words))
    for text in told:
        assert text in said
    assert "{None}" not in said and "<class" not in said  # the parser's own words
    assert not (tmp_path / "runs").exists()


HEAVY = {
    "unknown option of a constructor": (["meta.stps=3"], ["meta.stps", "steps"]),
    "unknown type": (['genome.rules.forward.type="Factord"'], ["genome.rules.forward", "Factored"]),
    "negative rate": (["meta.rate=-1.0"], ["meta", "rate", "-1.0"]),
    "negative gain": (["genome.gains.relay_input=-1"], ["gains.relay_input", "-1"]),
    "rate that is text": (['genome.neurons.output.rate="fast"'], ["output.rate", "fast", "number"]),
    "list where a number is expected": (["meta.steps=[5]"], ["meta.steps = [5]", "such as 200"]),
    "a sharpness that is no number": (["objective.sharpness=nan"], ["sharpness = nan", "finite"]),
    "a sharpness of none": (["objective.sharpness=0.0"], ["sharpness = 0.0", "other than 0"]),
    "list where a number may be": (["meta.width=[3]"], ["meta.width = [3]", "a whole number"]),
    "optimizer that wants a loss": (["meta.optimizer=lbfgs"], ["meta", "'lbfgs'", "adam"]),
    "unknown kind": (['genome.rules.forwrd={type="Oja"}'], ["forwrd", "forward"]),
    "horizon of zero": (["task.moments=0"], ["task", "moments", "0"]),
    "unknown data of the bench": (['bench.data=["digitz"]'], ["digitz", "digits"]),
    "no meta-steps": (["meta.steps=0"], ["meta", "steps", "0"]),
    "stretches that do not fit": (
        ['meta={type="PES", stretch=3}'],
        ["meta", "stretch = 3", "10 moments", "2 or 5"],
    ),
}


BOXLESS = '{type = "Detection", train = {type = "digits"}, test = {type = "digits"}, classes = 2}'


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ('{type = "Mixture", tasks = ["digits"]}', "tasks[0] = 'digits': expected a task"),
        (BOXLESS, "train: Dataset, expected pictures with boxes"),
    ],
)
def test_tables_of_tasks_that_hold_something_else(metaplast, data, told):
    assert told in one_line(metaplast("bench", "frozen", "--data", data, *SMALL))


@pytest.mark.parametrize("case", HEAVY)
def test_refused_when_built(case):
    """The same messages, without a process for each: building needs JAX, which is slow to load."""
    from metaplast import spec as specs
    from metaplast.cli import campaign

    overrides, told = HEAVY[case]
    with pytest.raises((ValueError, OSError)) as refused:
        campaign.checked(specs.with_overrides(specs.load(TINY), overrides))
    said = str(refused.value)
    assert "\n" not in said
    for text in told:
        assert text in said


def test_the_unchanged_experiment_is_not_refused():
    from metaplast import spec as specs
    from metaplast.cli import campaign

    assert campaign.checked(specs.load(TINY)).steps > 0


def test_a_refusal_when_built_is_one_line_too(metaplast, tmp_path):
    said = one_line(metaplast("search", "digits", "--set", "meta.stps=3"))
    assert "meta.stps" in said and "steps" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ('meta={type="Restarts", of="Backprop"}', ["of = 'Backprop'", '{type = "Backprop"}']),
        ("genome.neurons.output.rate=[0.1]", ["neurons.output", "rate = [0.1]", "one value"]),
    ],
)
def test_what_types_would_tell_is_told_without_them(metaplast, override, told):
    """In a process of its own, for here every signature is checked."""
    said = one_line(metaplast("search", str(TINY), "--set", override))
    for text in told:
        assert text in said


def test_an_existing_folder_is_never_overwritten(metaplast, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("x")
    said = one_line(metaplast("search", "digits", "--out", "mine"))
    assert "mine" in said and "resume" in said
    assert [f.name for f in (tmp_path / "mine").iterdir()] == ["precious"]


def test_an_unwritable_folder_is_refused(metaplast, tmp_path):
    (tmp_path / "file").write_text("")
    said = one_line(metaplast("search", "digits", "--out", "file/run"))
    assert "file" in said and "written" in said


def _npz(path, **changes) -> str:
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.random((20, 4)).astype("float32"),
        "y_train": np.arange(20) % 2,
        "x_test": rng.random((6, 4)).astype("float32"),
        "y_test": np.arange(6) % 2,
    }
    arrays.update(changes)
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    return str(path)


FILES = {
    "a missing key": ({"y_test": None}, ["y_test"]),
    "NaN pixels": ({"x_train": np.full((20, 4), np.nan, "float32")}, ["x_train"]),
    "shapes that do not match": ({"y_train": np.zeros(7, int)}, ["y_train", "7"]),
    "labels out of range": ({"y_train": np.arange(20) % 2 - 1}, ["y_train", "-1"]),
}


@pytest.mark.parametrize("case", FILES)
def test_files_that_cannot_be_learned_from(tmp_path, capsys, case):
    from metaplast.cli import main

    changes, told = FILES[case]
    file = _npz(tmp_path / "data.npz", **changes)
    assert main(["bench", "frozen", "--data", file, *SMALL]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("metaplast: error: ")
    for text in told:
        assert text in said[-1]


def test_a_missing_data_file_is_one_line(metaplast):
    said = one_line(metaplast("bench", "frozen", "--data", "nope.npz", *SMALL))
    assert "nope.npz" in said


def test_an_unknown_learner_is_one_line(metaplast):
    said = one_line(metaplast("bench", "bakprop", *SMALL))
    assert "bakprop" in said and "backprop" in said


def test_a_bug_is_not_dressed_up_as_bad_input():
    from metaplast.cli.failure import reported

    with pytest.raises(ValueError), reported():
        np.zeros(2).reshape(3)


@pytest.mark.parametrize(
    "words", [["search", "digits"], ["estimators", "digits"], ["selection", "--out", "x"]]
)
def test_numbers_of_64_bits_are_refused(words, monkeypatch, capsys):
    from metaplast.cli import main

    monkeypatch.setenv("JAX_ENABLE_X64", "true")
    assert main(words) == 2
    assert "JAX_ENABLE_X64 = true: expected numbers of 32 bits" in capsys.readouterr().err


def test_numbers_of_32_bits_are_not(monkeypatch):
    """Negative control."""
    from metaplast.cli.precision import single

    for asked in ("0", "false", ""):
        monkeypatch.setenv("JAX_ENABLE_X64", asked)
        single()
    monkeypatch.delenv("JAX_ENABLE_X64")
    single()
