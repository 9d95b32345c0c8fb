"""A search from the command line: stopped, killed, resumed, finished."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metaplast import rulefile
from metaplast import run as runs
from metaplast import spec as specs
from metaplast.bench import bench
from metaplast.cli import Stopped, campaign, main
from metaplast.cli.progress import Lines

TINY = Path(__file__).resolve().parents[1] / "tiny.toml"
STEPS = 2000
"""So many that a process cannot be done before it is stopped."""


@pytest.fixture
def started(tmp_path, environment):
    """Start `metaplast WORDS...` and hand out the process; none outlives the test."""
    begun = []

    def start(*words: str) -> subprocess.Popen:
        begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "metaplast", *words],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()


def _wait_for(condition, process, seconds: float = 240.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    raise AssertionError("the search did not get there")


def _step(folder) -> int:
    try:
        return json.loads((folder / "checkpoint" / "manifest.json").read_text())["position"]["step"]
    except OSError:
        return -1


def _logged(folder) -> list[dict]:
    log = folder / "log.jsonl"
    return [json.loads(row) for row in log.read_text().splitlines()] if log.exists() else []


def test_stopped_killed_and_resumed_it_ends_where_it_would_have(started, tmp_path):
    run = tmp_path / "my run"
    process = started("search", str(TINY), "--set", f"meta.steps={STEPS}", "--out", "my run")
    _wait_for(lambda: _logged(run), process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    told = r"stopped; saved at meta-step (\d+); continue with: metaplast resume 'my run'\n"
    stopped = re.search(told, said)
    assert stopped and 0 < int(stopped[1]) < STEPS and "Traceback" not in said
    assert _step(run) == int(stopped[1]) == rulefile.read(run / rulefile.RULE).manifest["step"]

    process = started("resume", "my run")
    _wait_for(lambda: len(_logged(run)) > int(stopped[1]), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _step(run) < STEPS

    process = started("resume", "my run", "--json")
    answer, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    result = json.loads(answer)
    assert result["run"] == "my run" and result["report"] == "my run/report.html"
    _check_comparison(result["bench"]["cells"][0], "my run", "digits", 12, [3])
    for name in ("spec.toml", "bench.json", "report.html"):
        assert (run / name).stat().st_size > 0
    assert result["certificate"] == json.loads((run / "certificate.json").read_text())
    for verdict in result["certificate"]["verdicts"]:
        assert verdict["constraint"] in (run / "report.html").read_text()

    _run_straight(tmp_path / "straight", specs.load(run / "spec.toml"))
    manifests = [
        rulefile.read(tmp_path / name / rulefile.RULE).manifest for name in ("my run", "straight")
    ]
    assert manifests[0]["step"] == STEPS and manifests[0]["hash"] == manifests[1]["hash"]
    logs = [
        [(row["step"], row["loss"], row["accuracy"]) for row in _logged(tmp_path / name)]
        for name in ("my run", "straight")
    ]
    assert logs[0] == logs[1] and [row[0] for row in logs[0]] == list(range(1, STEPS + 1))
    assert len({loss for _, loss, _ in logs[0]}) > STEPS / 2  # the search did move


STRAIGHT = """
import sys
from pathlib import Path
from metaplast.spread import use_cores
use_cores()  # as the command does
from metaplast import run as runs
assert runs.run(Path(sys.argv[1])).finished
"""


def _run_straight(folder, spec) -> None:
    """The same search without an interruption, its comparison left out."""
    runs.create(folder, spec)
    subprocess.run([sys.executable, "-c", STRAIGHT, str(folder)], check=True)


def test_two_processes_do_not_search_in_one_folder(tmp_path):
    runs.create(tmp_path / "run", specs.load(TINY))
    with runs._alone(tmp_path / "run"), pytest.raises(ValueError, match="another process"):
        runs.run(tmp_path / "run")
    assert not (tmp_path / "run" / rulefile.RULE).exists()
    assert runs.run(tmp_path / "run").finished


def test_two_searches_that_begin_together_get_a_folder_each(tmp_path, monkeypatch):
    """Between the look for a free name and the making of the folder another one may take it."""
    monkeypatch.chdir(tmp_path)
    spec, real = specs.load(TINY), campaign._free

    def late(folder):
        found = real(folder)
        if not found.exists() and found.name == "tiny":
            found.mkdir(parents=True)  # as another process would
        return found

    monkeypatch.setattr(campaign, "_free", late)
    assert campaign._created(spec, None, None) == Path("runs/tiny-2")
    assert (tmp_path / "runs" / "tiny-2" / "spec.toml").is_file()
    assert not list((tmp_path / "runs" / "tiny").iterdir())
    # Negative control: a folder that was asked for is never replaced by another one.
    with pytest.raises(ValueError, match="exists already"):
        campaign._created(spec, Path("runs/tiny"), None)


@pytest.mark.parametrize("name", ["frozen", "zoo/online"])
def test_a_run_is_never_taken_for_the_learner_of_its_name(tmp_path, monkeypatch, capsys, name):
    """A run folder may be moved to where it is called as a learner or a rule that ships."""
    monkeypatch.chdir(tmp_path)
    folder = Path(name)
    runs.create(folder, specs.load(TINY))
    assert runs.run(folder).finished
    spec = runs.opened(folder)
    result = campaign._compare(folder, spec, Lines(), lambda: False)
    (found,) = [e for e in result["cells"][0]["learners"] if e["found"]]
    assert found["name"] == f"./{name}"
    asked = {"lives": 2, "hidden": (3,), "moments": 12, "only": True}
    whole = bench([str(folder.absolute())], "digits", **asked)["learners"][0]
    assert found["online_accuracy"] == whole["online_accuracy"] > 0
    assert found["test_accuracy"] == whole["test_accuracy"] > 0
    # Negative control: the learner of that name is another one.
    other = bench([name], "digits", **asked)["learners"][0]
    assert other["name"] == name and other["test_accuracy"] != whole["test_accuracy"]
    # And a search is not begun under such a name.
    folder.rename("elsewhere")
    assert main(["search", str(TINY), "--out", name]) == 2
    assert f"out = {name}: is the name of a learner" in capsys.readouterr().err
    assert not folder.exists()


def test_a_finished_run_stays_what_it_is(tmp_path):
    runs.create(tmp_path / "run", specs.load(TINY))
    reports: list[runs.Report] = []
    assert runs.run(tmp_path / "run", reports.append).finished and reports[-1].step == 3
    assert 0 < reports[-1].backprop_accuracy < 1 and reports[-1].seconds_left == 0
    before = (tmp_path / "run" / rulefile.RULE).read_bytes()
    assert runs.run(tmp_path / "run").finished
    assert (tmp_path / "run" / rulefile.RULE).read_bytes() == before
    assert len(_logged(tmp_path / "run")) == 3


@pytest.mark.parametrize("older", [False, True])
def test_a_run_keeps_what_the_backprop_beside_it_lived(tmp_path, monkeypatch, older):
    """Of an earlier version, which kept nothing, it was one episode whatever the rule lived."""
    overrides = ["objective={episodes=2}", "meta.steps=2"]
    runs.create(tmp_path / "run", specs.with_overrides(specs.load(TINY), overrides))
    stop, reports = iter([False, True]), []
    if older:
        monkeypatch.setattr(runs, "lived", lambda objective: "")
    runs.run(tmp_path / "run", should_stop=lambda: next(stop))
    monkeypatch.undo()
    assert runs.run(tmp_path / "run", reports.append).finished
    said = "through one episode of the main setting" if older else "through all 2 episodes"
    about = json.loads((tmp_path / "run" / "checkpoint" / "manifest.json").read_text())
    assert reports[-1].backprop_lived == about["position"]["backprop_lived"] == said


AFTERWARDS = {
    "a learner": ('bench.learners=["bakprop"]', ["'bakprop'", "backprop"]),
    "a data set": ('bench.data=["digitz"]', ["'digitz'", "digits"]),
    "a constraint": ('constraints=["causalty"]', ["constraints", "'causalty'", "causality"]),
}


@pytest.mark.parametrize("case", AFTERWARDS)
def test_what_comes_after_a_search_is_checked_before_it_goes_on(tmp_path, monkeypatch, case):
    """It may be edited while the run is stopped, and a search may take days."""
    edit, told = AFTERWARDS[case]
    folder = tmp_path / "run"
    runs.create(folder, specs.load(TINY))
    given: list[object] = []

    def run(folder, told, should_stop, experiment, *_):
        given.append(experiment)
        return runs.Outcome(experiment.genome, 1, 3)

    monkeypatch.setattr(runs, "run", run)
    path = folder / "spec.toml"
    sound = path.read_text()
    path.write_text(specs.dump(specs.with_overrides(specs.load(path), [edit])))
    with pytest.raises((ValueError, OSError)) as refused:
        campaign.go_on(folder, as_json=True)
    said = str(refused.value)
    assert not given and "\n" not in said and all(text in said for text in told)
    path.write_text(sound)
    with pytest.raises(Stopped, match="saved at meta-step 1"):  # the control
        campaign.go_on(folder, as_json=True)
    assert len(given) == 1 and given[0] is not None, "what was built is not built again"


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 3], lambda b: b[:3], lambda b: b""])
def test_a_damaged_checkpoint_says_how_to_begin_anew(tmp_path, damage):
    folder = tmp_path / "run"
    runs.create(folder, specs.load(TINY))
    assert runs.run(folder).finished
    first = rulefile.read(folder / rulefile.RULE).manifest["hash"]
    (stored,) = (folder / "checkpoint").glob("*.safetensors")
    sound = stored.read_bytes()
    stored.write_bytes(damage(sound))
    with pytest.raises(ValueError) as refused:
        runs.run(folder)
    said = str(refused.value)
    assert f"remove {folder / 'checkpoint'} and" in said and f"metaplast resume {folder}" in said
    stored.write_bytes(sound)
    assert runs.run(folder).finished  # the control: a sound one is taken
    stored.write_bytes(damage(sound))
    (folder / rulefile.RULE).unlink()
    shutil.rmtree(folder / "checkpoint")  # as it was told
    assert runs.run(folder).finished
    assert rulefile.read(folder / rulefile.RULE).manifest["hash"] == first


def test_bench_prints_one_document(tmp_path, capsys):
    from metaplast.cli import main

    words = ["bench", "nearest_class_mean", "--only", "--data", "digits", "--moments", "12"]
    assert main([*words, "--lives", "2", "--hidden", "3", "--json"]) == 0
    printed = capsys.readouterr()
    _check_comparison(json.loads(printed.out), "nearest_class_mean", "digits", 12, [3])
    assert "bench 1/4" in printed.err


def _check_comparison(result: dict, name: str, data: str, moments: int, hidden: list[int]) -> None:
    """The promised form of a comparison in which `name` takes part."""
    assert set(result) == {
        "data", "moments", "lives", "hidden", "seed", "learners", "best_backprop", "paired",
        "checksums", "unscored",
    }  # fmt: skip
    entry = next(e for e in result["learners"] if e["name"] == name)
    assert entry["found"] == (name == "my run")
    assert {
        "name", "found", "online_accuracy", "online_accuracy_ci", "test_accuracy",
        "test_accuracy_ci", "tuned", "diverged", "seconds",
    } <= set(entry)  # fmt: skip
    assert 0 < entry["online_accuracy"] <= 1
    assert (result["data"], result["moments"], result["hidden"]) == (data, moments, hidden)
    pair = next(p for p in result["paired"] if p["name"] == name)
    assert pair["against"] == result["best_backprop"]
    assert pair["ci"][0] <= pair["difference"] <= pair["ci"][1]
