"""The table as a person sees it: nothing is cut, and what has to be said is said."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from metaplast.bench import matrix
from metaplast.bench.table import show
from metaplast.cli import certified


def _entry(name: str, **changes) -> dict:
    return {
        "name": name, "found": name == "mine", "told": None, "scores": {}, "diverged": 0,
        "online_accuracy": 0.885, "online_accuracy_ci": [0.87012, 0.90934], "test_accuracy": 0.91,
        "test_accuracy_ci": [0.9, 0.92], "seconds": 1234.0, "synapse_updates": 1.8e6,
        "synapse_updates_per_second": 2.2e7, "values_per_cell": 1.0, "values_per_synapse": 3.0,
        **changes,
    }  # fmt: skip


def _result(lives: int = 16, **changes) -> dict:
    return {
        "data": "digits", "moments": 300, "lives": lives, "hidden": [64, 64],
        "best_backprop": "backprop_adam",
        "learners": [
            _entry("mine"), _entry("backprop_adam", **changes), _entry("direct_feedback_alignment"),
        ],
        "paired": [
            {"name": "mine", "against": "backprop_adam", "difference": 0.049,
             "ci": [0.04123, 0.05567]}
        ],
    }  # fmt: skip


def _shown(result: dict, width: int, terminal: bool) -> str:
    file = io.StringIO()
    show(result, Console(file=file, width=width, force_terminal=terminal, color_system=None))
    return file.getvalue()


def _told(text: str) -> str:
    return " ".join(text.split())


def test_a_score_that_is_not_taken_is_said():
    why = "no average precision of PixelNoise(Detection)"
    assert why in _told(_shown({**_result(), "unscored": why}, 200, True))
    assert "average precision" not in _shown({**_result(), "unscored": ""}, 200, True)


@pytest.mark.parametrize(
    ("width", "terminal"), [(80, True), (100, True), (120, True), (200, True), (120, False)]
)
def test_no_number_and_no_heading_is_cut(width, terminal):
    text = _shown(_result(), width, terminal)
    assert "…" not in text
    rows = [row for row in text.splitlines() if row.startswith("│")]
    assert len(rows) == 3 and "direct_feedback_alignment" in text
    assert "0.885 (.870 .909)" in rows[0] and "+0.049 (+.041 +.056)" in text
    assert not terminal or max(map(len, text.splitlines())) <= width
    whole = width == 200 or not terminal
    assert ("val/syn" in text.splitlines()[2]) == whole  # the least important goes first
    assert ("no room here for val/syn" in _told(text)) == (not whole)
    assert (" 1234 " in text) == (width > 100)


def test_it_says_how_many_settings_were_tried_and_who_was_best_on_an_edge():
    result = _result(tuned={"rate": 0.1, "tried": [{}] * 19, "on_edge": True})
    assert "settings tried" not in _told(_shown(_result(), 200, True))
    text = _told(_shown(result, 200, True))
    assert "has any: 19; best on an edge of what was tried: backprop_adam" in text
    result["learners"][2]["tuned"] = {"rate": 0.1, "tried": [{}] * 63, "on_edge": False}
    result["learners"][1]["tuned"]["on_edge"] = False
    text = _told(_shown(result, 200, True))
    assert "has any: 19 to 63" in text and "on an edge" not in text


def test_few_lives_say_what_an_interval_is_worth():
    assert "about 50% of cases" in _told(_shown(_result(2), 200, True))
    assert "of cases" not in _told(_shown(_result(16), 200, True))
    one = _result(1)
    for entry in one["learners"]:
        entry["online_accuracy_ci"] = None
    one["paired"][0]["ci"] = None
    text = _told(_shown(one, 200, True))
    assert "0.885 │" in text and "(.870" not in text and "one life has no interval" in text
    assert "95 %" not in text


def test_who_hears_the_target_is_marked():
    text = _told(_shown(_result(told="hears the target"), 200, True))
    assert "backprop_adam* " in text and "* hears the target" in text and "mine*" not in text
    assert "hears the target" not in _shown(_result(), 200, True)


@pytest.mark.parametrize("name", ["runs/[b]", "runs/[/c]", "runs/[red]x"])
def test_names_are_shown_as_they_are(name):
    """Brackets are markup to the library that draws; a closing one alone would end a search."""
    result = {**_result(), "data": f"{name}.npz"}
    result["learners"] = [_entry(name, found=True), *result["learners"][1:]]
    shown = _shown(result, 200, terminal=False)
    assert shown.count(name) == 2 and f"{name}.npz: 300 moments" in shown
    assert "online" in shown and "backprop_adam" in shown  # the control: the table is there
    verdict = {
        "constraint": "causality", "claim": "no future", "status": "upheld", "grade": "proof",
        "value": "", "witness": "",
    }  # fmt: skip
    certificate = {"learner": name, "verdicts": [verdict]}
    for drawn in (
        certified.table(certificate), certified.matrix([certificate, certificate]),
        matrix.drawn("mine", [result]),
    ):  # fmt: skip
        file = io.StringIO()
        Console(file=file, width=200, color_system=None).print(drawn)
        assert name in file.getvalue() and "[green]" not in file.getvalue()
