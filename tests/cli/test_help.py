"""What a command says about itself, without loading what it does not need."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from metaplast.cli.parse import COMMANDS

HEAVY = ("jax", "numpy", "sklearn", "scipy", "equinox", "plotly")


def test_overview_names_every_command(metaplast):
    answer = metaplast("--help")
    assert answer.returncode == 0 and answer.stderr == ""
    for command in COMMANDS:
        assert f"\n  {command} " in answer.stdout
    assert metaplast().stdout == answer.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_explains_and_gives_examples(metaplast, command):
    answer = metaplast(command, "--help")
    assert answer.returncode == 0 and answer.stderr == ""
    assert "Examples:" in answer.stdout and f"metaplast {command}" in answer.stdout
    assert "--json" in answer.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        *([command, "--help"] for command in COMMANDS),
        ["list"],
        ["list", "rules"],
        ["show", "Oja"],
        ["list", "constraints"],
        ["show", "causality"],
        ["bogus"],
        ["search", "no-such-experiment"],
    ],
    ids=" ".join,
)
def test_light_commands_load_nothing_heavy(environment, tmp_path, words):
    assert _loaded(environment, tmp_path, words) == []


def test_the_check_above_would_notice(environment, tmp_path):
    assert "jax" in _loaded(environment, tmp_path, ["doctor"])


def test_importing_the_package_loads_nothing_heavy(environment, tmp_path):
    code = f"import sys, metaplast; print([m for m in {HEAVY} if m in sys.modules])"
    assert _python(environment, tmp_path, code) == "[]"
    code = (
        f"import sys, metaplast; metaplast.layered; print([m for m in {HEAVY} if m in sys.modules])"
    )
    assert _python(environment, tmp_path, code) == "[]"  # circuits are plain data
    assert _python(environment, tmp_path, "import metaplast; print(metaplast.Genome.__name__)") == (
        "Genome"
    )


def test_a_search_begins_without_what_only_its_comparison_needs(environment, tmp_path):
    code = (
        "import sys\n"
        "from metaplast.cli import campaign\n"
        "from metaplast.spec import load\n"
        "campaign.checked(load('layered'))\n"
        "before = 'scipy.stats' in sys.modules\n"
        "from metaplast.bench.statistics import interval\n"
        "interval([1.0, 2.0])\n"
        "print(before, 'scipy.stats' in sys.modules)"
    )
    assert _python(environment, tmp_path, code) == "False True"


def _loaded(environment, folder, words: list[str]) -> list[str]:
    code = (
        "import sys\nfrom metaplast.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"import json\nprint()\nprint(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    )
    return json.loads(_python(environment, folder, code).splitlines()[-1])


def _python(environment, folder, code: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()
