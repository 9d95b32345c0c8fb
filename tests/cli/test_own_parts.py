"""Parts of one's own from the command line: the examples of the documents, as they stand there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from metaplast.cli import main

ROOT = Path(__file__).resolve().parents[2]
SHORT = (
    "--set", "meta.steps=2", "--set", "meta.lives=2", "--set", "task.moments=8",
    "--set", "bench={moments=[10], lives=2, learners=['my_parts.py:Perceptron']}",
)  # fmt: skip
SMALL = ("--lives", "2", "--moments", "8", "--hidden", "4", "--only", "--json")


def blocks(file: str, heading: str, language: str) -> list[str]:
    """The blocks of a language under a heading of a document."""
    text = (ROOT / file).read_text()
    part = re.split(rf"^#+ {re.escape(heading)}$", text, maxsplit=1, flags=re.MULTILINE)[1]
    part = re.split(r"^#", re.sub(r"(?m)^#(?!#)", " #", part), maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(rf"```{language}\n(.*?)```", part, re.DOTALL)


PARTS, TOML = "my_parts.py", "my.toml"
HEADING = "A rule, neuron, task, circuit, outer loop or learner"


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder with the files of the documents, and another one that one is in."""
    (rule,) = blocks("README.md", HEADING, "python")
    (experiment,) = blocks("README.md", HEADING, "toml")
    (learner,) = blocks("docs/bench.md", "Comparisons", "python")
    (tmp_path / PARTS).write_text(f"{rule}\n{learner}\n{TASK}")
    (tmp_path / TOML).write_text(experiment)
    monkeypatch.chdir(tmp_path)
    return tmp_path


TASK = """
from metaplast.tasks import AbstractWrapper


class Bright(AbstractWrapper):
    added: float = 0.5
    change_name = "brighter"

    def change(self, episode, key):
        return episode._replace(stimuli=episode.stimuli + self.added)
"""


def test_the_example_of_the_readme_is_searched_and_not_resumed_when_edited(
    mine, metaplast, environment
):
    """Searched from another folder, and bench, certificate and page are made of it."""
    (mine / "deep").mkdir()

    def there(*words: str):
        command = [sys.executable, "-m", "metaplast", *words]
        return subprocess.run(
            command, cwd=mine / "deep", env=environment, capture_output=True, text=True, timeout=600
        )

    learner = SHORT[-1].replace("my_parts.py", f"{mine}/my_parts.py")
    answer = there("search", f"../{TOML}", *SHORT[:-1], learner, "--out", "run", "--json")
    assert answer.returncode == 0, answer.stderr
    assert "auditing the start for synaptic_locality" in answer.stderr
    result = json.loads(answer.stdout)
    names = {entry["name"] for entry in result["bench"]["cells"][0]["learners"]}
    assert {"run", "run/start.safetensors", "my_parts.py:Perceptron"} <= names
    verdicts = {v["constraint"]: v["status"] for v in result["certificate"]["verdicts"]}
    assert verdicts["synaptic_locality"] == "upheld" and "violated" in verdicts.values()

    shown = metaplast("show", "deep/run")
    assert shown.returncode == 0 and "2 of 2 meta-steps" in shown.stdout
    with open(mine / PARTS, "a") as file:
        file.write("\n# edited\n")
    refused = metaplast("resume", "deep/run")
    (said,) = refused.stderr.strip().splitlines()[-1:]
    assert refused.returncode == 2 and "was edited since this run began" in said
    assert str(mine / PARTS) in said and "Traceback" not in refused.stderr


def test_the_python_of_the_readme_runs(mine):
    (text,) = blocks("README.md", "From Python", "python")
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) <= 12
    short = text.replace("meta.steps=200", "meta.steps=2").replace(
        '"seed=3"', '"seed=3", "meta.lives=2", "task.moments=8"'
    )
    assert short != text
    known: dict = {}
    exec(short, known)
    assert known["ended"].finished and Path("mine.safetensors").is_file()
    assert known["network"].circuit.input.size == 784
    assert type(known["found"].genome.rules["forward"]).__name__ == "Gated"


def test_the_python_of_the_design_runs():
    (text,) = blocks("docs/design.md", "From Python", "python")
    short = text.replace("moments=50", "moments=8").replace("steps=20", "steps=2")
    assert short != text
    known: dict = {}
    exec(short, known)
    before, after = known["genome"], known["better"]
    moved = after.rules["forward"].rate.log - before.rules["forward"].rate.log
    assert known["progress"].step == 2 and float(abs(moved)) > 0


def test_the_cell_of_the_contributors_page_hears_its_teacher(mine):
    import jax
    import numpy as np

    from metaplast.experiment import build
    from metaplast.lifetime import live
    from metaplast.spec import load, with_overrides

    (text,) = blocks("CONTRIBUTING.md", "Add a neuron", "python")
    deaf = text.replace("class Adapting", "class Deaf")
    deaf = deaf.replace("(apical, apical", "(0 * apical, 0 * apical")
    assert deaf.count("0 * apical") == 2
    (mine / "cells.py").write_text(f"{text}\n{deaf}")

    def moved(name: str) -> tuple[float, float]:
        """How far the weights onto hidden cells moved in a life, and the mean of a cell."""
        kind = [f'genome.neurons.hidden={{type = "cells.py:{name}"}}', "task.moments=8"]
        built = build(with_overrides(load(TOML), [*kind, 'genome.rules.forward={type = "Delta"}']))
        learner, task = built.objective.learner(built.genome), built.objective.task
        key = jax.random.key(0)
        _, state = live(learner, task, task.sample(key), key)
        born = learner.born(jax.random.split(key)[0]).weights["input->hidden1"]
        return (
            float(np.abs(state.weights["input->hidden1"] - born).max()),
            float(np.abs(state.cells["hidden1"]).max()),
        )

    assert min(moved("Adapting")) > 1e-4
    assert moved("Deaf")[0] == 0 < moved("Deaf")[1]  # the control


def test_learners_of_ones_own_on_a_task_of_ones_own(mine, capsys):
    def lived(data: str, *learners: str) -> dict[str, dict]:
        assert main(["bench", *learners, "--data", data, *SMALL, "--moments", "60"]) == 0
        return {e["name"]: e for e in json.loads(capsys.readouterr().out)["learners"]}

    plain = "{type = 'digits'}"  # its length: --moments, as everywhere
    bright = f"{{type = 'my_parts.py:Bright', added = 0.2, task = {plain}}}"
    names = ("my_parts.py:Perceptron", "my_parts.py:tuned")
    one, other = lived(bright, *names), lived(plain, *names)
    assert set(names) < set(one)
    assert all(one[name]["online_accuracy"] > 0.1 for name in names)
    assert "rate" not in json.dumps(one[names[0]]["tuned"])
    assert "rate" in json.dumps(one[names[1]]["tuned"]), "a Candidate is tuned"
    told = [e[names[0]]["test_accuracy"] for e in (one, other)]
    assert told[0] != told[1], "negative control: the task makes a difference"


def test_an_experiment_and_a_rule_of_ones_own_are_audited(mine, capsys):
    words = ["audit", TOML, "my_parts.py:Gated", "--constraint", "synaptic_locality", "--json"]
    assert main(words) == 0
    own = json.loads(capsys.readouterr().out)["certificates"]
    assert [c["learner"] for c in own] == [TOML, "my_parts.py:Gated"]
    assert [c["verdicts"][0]["status"] for c in own] == ["upheld", "upheld"]
    with open(mine / PARTS, "a") as file:
        file.write(CHEAT)
    assert main(["audit", "my_parts.py:transposed", *CHEATED]) == 2
    assert "--state" in capsys.readouterr().err
    text = (mine / TOML).read_text().replace('type = "layered"', 'type = "my_parts.py:transposed"')
    (mine / "cheat.toml").write_text(text)
    assert main(["audit", "cheat.toml", *CHEATED]) == 1, "negative control: a circuit that cheats"
    assert "no_weight_transport is violated" in capsys.readouterr().err


CHEATED = ("--demand", "no_weight_transport", "--constraint", "no_weight_transport")
CHEAT = """
from metaplast.circuits import layered


def transposed(inputs, hidden, classes):
    return layered(inputs, hidden, classes, "symmetric")
"""


def test_show_reads_and_runs_nothing(mine, capsys):
    with open(mine / PARTS, "a") as file:
        file.write("\nraise RuntimeError('it was run')\n")
    assert main(["show", "my_parts.py:Gated"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Gated  (rules)") and "delta rule, quieter" in said and "gate" in said
    assert main(["show", "my_parts.py:Perceptron", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["entries"]
    assert entry["kind"] == "own" and [o["name"] for o in entry["options"]][-1] == "rate"


def test_a_rule_whose_file_was_edited_is_audited_with_a_line_that_says_so(mine, metaplast):
    from metaplast import spec as specs
    from metaplast import store
    from metaplast.experiment import build

    spec = specs.load(TOML)
    store.save_rule(Path("rule.safetensors"), build(spec).genome, spec, 1)
    words = ("audit", "rule.safetensors", "--constraint", "causality")
    before = metaplast(*words)
    assert before.returncode == 0 and "warning" not in before.stderr
    with open(mine / PARTS, "a") as file:
        file.write("\n# edited\n")
    after = metaplast(*words)
    assert after.returncode == 0
    said = [line for line in after.stderr.splitlines() if "edited" in line]
    assert len(said) == 1 and said[0].startswith("metaplast: warning: rule.safetensors: ")


def test_a_suite_lives_an_edited_learner_anew(mine):
    from metaplast.bench.program import program
    from metaplast.bench.suite import _rule

    assert program("my_parts.py:Perceptron") != program("my_parts.py:tuned")
    first = _rule("my_parts.py:Perceptron")
    assert first and _rule("my_parts.py:Perceptron") == first and _rule("frozen") == ""
    with open(mine / PARTS, "a") as file:
        file.write("\n# edited\n")
    assert _rule("my_parts.py:Perceptron") not in ("", first)


def _spoiled(text: str):
    return lambda mine: (mine / PARTS).write_text(text)


def _nothing(mine) -> None:
    pass


LIVING = """
import jax
import jax.numpy as jnp


class Grows:
    def born(self, key):
        return jnp.zeros(2)

    def moment(self, state, stimulus, target, task, key):
        return jnp.append(state, 1.0), self.predict(state, stimulus)

    def predict(self, state, stimulus):
        return jnp.zeros(10)


class Narrow(Grows):
    def moment(self, state, stimulus, target, task, key):
        return state, jnp.zeros(3)


class Asks(Grows):
    def moment(self, state, stimulus, target, task, key):
        return (state if target > 1 else -state), self.predict(state, stimulus)
"""
BAD = {
    "a learner whose state grows": (
        _spoiled(LIVING), ["bench", "my_parts.py:Grows", *SMALL], ["float32[3]", "float32[2]"]
    ),
    "a learner of other classes": (
        _spoiled(LIVING), ["bench", "my_parts.py:Narrow", *SMALL], ["shape (3,), expected (10,)"]
    ),
    "a learner that asks Python": (
        _spoiled(LIVING), ["bench", "my_parts.py:Asks", *SMALL], ["boolean", "my_parts.py:24"],
    ),
    "no file": (_nothing, ["search", TOML, "--set", "task.type=no.py:X"], ["no.py", "no file"]),
    "a file that raises": (
        _spoiled("x = 1\nraise ImportError('not here')\n"),
        ["search", TOML], ["ImportError: not here", "my_parts.py:2", "genome.rules.forward.type"],
    ),
    "no such class": (
        _nothing, ["search", TOML, "--set", "genome.rules.forward.type=my_parts.py:Gatd"],
        ["perhaps you meant Gated"],
    ),
    "not of the right kind": (
        _nothing, ["search", TOML, "--set", "genome.rules.forward.type=my_parts.py:Bright"],
        ["a subclass of AbstractRule"],
    ),
    "no colon": (
        _nothing, ["search", TOML, "--set", "genome.rules.forward.type=Gated"],
        ["unknown", "FILE.py:Name"],
    ),
    "an option that it does not have": (
        _nothing, ["search", TOML, "--set", "genome.rules.forward.gat=1.0"],
        ["genome.rules.forward.gat", "perhaps you meant gate"],
    ),
    "a learner that is none": (
        _nothing, ["bench", "my_parts.py:Gated", *SMALL], ["makes a Gated", "born, moment, predict"]
    ),
    "a learner of no such name": (
        _nothing, ["bench", "my_parts.py:Perceptrn", *SMALL], ["perhaps you meant Perceptron"],
    ),
    "a learner that needs more": (
        _nothing, ["bench", "my_parts.py:Bright", *SMALL], ["needs task", "give others a default"],
    ),
    "a task that is none": (
        _nothing, ["bench", "frozen", "--data", "{type = 'my_parts.py:Perceptron'}", *SMALL],
        ["data.type", "a subclass of AbstractTask"],
    ),
    "an audit of another part": (_nothing, ["audit", "my_parts.py:Bright"], ["no AbstractRule"]),
    "a thing of no such name": (
        _nothing, ["show", "my_parts.py:Gatd"], ["perhaps you meant Gated"]
    ),
    "a learner without a colon": (_nothing, ["bench", "Percptron", *SMALL], ["FILE.py:Name"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(mine, capsys, case):
    spoil, words, told = BAD[case]
    spoil(mine)
    assert main(words) == 2
    printed = capsys.readouterr()
    (said,) = printed.err.strip().splitlines()
    assert printed.out == "" and said.startswith("metaplast: error: ")
    for text in told:
        assert text in said
    assert not os.path.exists("runs")
