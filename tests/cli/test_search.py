"""A search from the command line: stopped, killed, resumed, finished."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from metaplast import rulefile

TINY = [
    "--set", "hidden=[3]", "--set", "task.moments=10", "--set", "meta.lives=2",
    "--set", "bench.lives=2", "--set", "bench.moments=[12]", "--set", "bench.learners=[]",
]  # fmt: skip


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


def test_stopped_killed_and_resumed_it_ends_where_it_would_have(started, metaplast, tmp_path):
    steps = 400
    words = ["search", "digits", *TINY, "--set", f"meta.steps={steps}"]
    run = tmp_path / "run"

    process = started(*words, "--out", "run")
    _wait_for(lambda: (run / "log.jsonl").exists() and (run / "log.jsonl").read_text(), process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    stopped = re.search(
        r"stopped; saved at meta-step (\d+); continue with: metaplast resume run", said
    )
    assert stopped and 0 < int(stopped[1]) < steps and "Traceback" not in said
    assert _step(run) == int(stopped[1])
    shown = json.loads(metaplast("show", "run", "--json").stdout)
    assert shown["step"] == int(stopped[1])

    process = started("resume", "run")
    lines = len((run / "log.jsonl").read_text().splitlines())
    _wait_for(lambda: len((run / "log.jsonl").read_text().splitlines()) > lines, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _step(run) < steps

    finished = metaplast("resume", "run", "--json")
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["run"] == "run"

    straight = metaplast(*words, "--out", "straight")
    assert straight.returncode == 0, straight.stderr
    assert "report: " in straight.stdout
    told = [rulefile.read(tmp_path / name / rulefile.RULE) for name in ("run", "straight")]
    assert told[0].manifest["step"] == steps
    assert told[0].manifest["hash"] == told[1].manifest["hash"]
    start = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[0])
    logs = [
        [json.loads(row) for row in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("run", "straight")
    ]
    numbers = [[(r["step"], r["loss"], r["accuracy"]) for r in log] for log in logs]
    assert numbers[0] == numbers[1] and len(numbers[0]) == steps and start["step"] == 1
    assert len({loss for _, loss, _ in numbers[0]}) > steps / 2  # it did move

    for name in ("spec.toml", "bench.json", "report.html"):
        assert (run / name).stat().st_size > 0
    _bench_of_a_found_rule(metaplast)


def _bench_of_a_found_rule(metaplast) -> None:
    """`bench` of the run just made: one JSON document of the promised form."""
    words = ["bench", "run", "nearest_class_mean", "--only", "--moments", "12"]
    answer = metaplast(*words, "--lives", "2", "--hidden", "3", "--json")
    assert answer.returncode == 0, answer.stderr
    result = json.loads(answer.stdout)
    assert set(result) == {
        "data", "moments", "lives", "hidden", "seed", "learners", "best_backprop", "paired",
    }  # fmt: skip
    found = {entry["name"]: entry for entry in result["learners"]}
    assert found["run"]["found"] and not found["nearest_class_mean"]["found"]
    assert {
        "name", "found", "online_accuracy", "online_accuracy_ci", "test_accuracy",
        "test_accuracy_ci", "tuned", "diverged", "seconds",
    } <= set(found["run"])  # fmt: skip
    assert 0 < found["run"]["online_accuracy"] <= 1
    assert (result["data"], result["moments"], result["hidden"]) == ("digits", 12, [3])
    assert any(
        p["name"] == "run" and p["against"] == result["best_backprop"] for p in result["paired"]
    )
