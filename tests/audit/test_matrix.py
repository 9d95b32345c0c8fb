"""The README's matrix is what the audit says."""

from __future__ import annotations

from pathlib import Path

from metaplast.cli import main

README = Path(__file__).parents[2] / "README.md"
LOOKED_AT = ("zoo/spiking", "backprop_sgd", "feedback_alignment", "Oja")
"""Rows of every kind: a found rule of cells that spike, learners, and a rule alone."""


def test_rows_of_the_readme_are_those_of_the_audit(capsys):
    page = README.read_text().splitlines()
    assert main(["audit", *LOOKED_AT, "--markdown"]) == 0
    made = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in made] == list(LOOKED_AT)
    assert [line for line in made if line not in page] == []
    assert len({line.split("`")[2] for line in made}) == len(made), "no two rows are alike"
