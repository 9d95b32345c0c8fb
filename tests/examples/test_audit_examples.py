"""Rules from the literature: little glue, and the audit agrees with what is said of them."""

from __future__ import annotations

import functools
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from metaplast.audit.certificate import audit, registered
from metaplast.audit.function import of_functions
from metaplast.audit.resolve import resolve

FOLDER = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("audit_*.py"))
GLUE = 19
"""Lines that a user may need, at most."""


@pytest.fixture(scope="module")
def verdicts(examples):
    """What the audit finds of an example, by constraint."""

    @functools.cache
    def of(name: str):
        module = examples(name)
        wanted = [c for c in module.SAID if c in registered()]
        found = audit(of_functions(name, module.update, module.state), wanted)
        return {v.constraint: v for v in found.verdicts}

    return of


def test_there_are_three():
    assert len(NAMES) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_the_glue_is_short_and_the_rule_knows_nothing_of_it(name, examples):
    module = examples(name)
    lines = [
        line
        for part in (module.state, module.update, module.named)
        for line in inspect.getsource(part).splitlines()
        if line.strip()
    ]
    assert 5 < len(lines) <= GLUE
    before_main = inspect.getsource(module).split("def main()")[0]
    assert "import metaplast" not in before_main and "from metaplast" not in before_main


@pytest.mark.parametrize("name", NAMES)
def test_the_audit_agrees_with_the_literature(name, examples, verdicts):
    said, found = examples(name).SAID, verdicts(name)
    assert found and set(said) <= set(registered())
    assert {c: v.status.value for c, v in found.items()} == said


def test_a_triangular_sum_is_found_at_its_line(examples, verdicts):
    witness = verdicts("audit_sanger_1989")["synaptic_locality"].witness
    assert "input->output" in witness
    lines, first = inspect.getsourcelines(examples("audit_sanger_1989").generalized_hebbian)
    where = next(n for n, line in enumerate(lines) if "explained =" in line)
    assert f"audit_sanger_1989.py:{first + where}" in witness


def test_an_example_is_audited_by_its_path_too():
    path = FOLDER / "audit_sanger_1989.py"
    subject = resolve(f"{path}:update", f"{path}:state")
    assert [g.size for g in subject.anatomy.groups] == [6, 3]


def test_an_example_runs():
    done = subprocess.run(
        [sys.executable, str(FOLDER / "audit_sanger_1989.py")],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "synaptic_locality: literature violated, audit violated" in done.stdout
