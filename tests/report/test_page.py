"""The page of a real run, opened in a real browser."""

from __future__ import annotations

import dataclasses
import html
import importlib.util
import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from metaplast import meta, report, rulefile
from metaplast import run as runs
from metaplast import spec as specs
from metaplast.bench import sweep
from metaplast.report import page
from metaplast.report.figures import learning_curves, meta_training, smooth
from metaplast.report.tables import genome_numbers
from metaplast.report.verdict import outcome
from metaplast.report.verdict import told as settings

CHROMIUM = Path("/usr/bin/chromium")
TINY = Path(__file__).resolve().parents[1] / "tiny.toml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run folder as a search leaves it: a real search, a real comparison, both tiny."""
    spec = specs.load(TINY)
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    runs.create(folder, spec)
    assert runs.run(folder).finished
    result = sweep([str(folder)], ["digits"], [12], [spec.hidden], lives=2, seed=0, only=True)
    (folder / "bench.json").write_text(json.dumps(result))
    report.write(folder)
    return folder


def test_the_page_holds_what_the_run_holds(folder):
    page = (folder / "report.html").read_text()
    cell = json.loads((folder / "bench.json").read_text())["cells"][0]
    assert report.verdict(cell).split(":")[0] in page
    for entry in cell["learners"]:
        assert f"{100 * entry['online_accuracy']:.1f} %" in page and entry["name"] in page
    assert rulefile.read(folder / rulefile.RULE).manifest["hash"] in page
    assert "metaplast search" in page and "spec.toml" in page


def test_the_page_has_the_numbers_of_the_rule_beside_those_of_its_start(folder, tmp_path):
    page = (folder / "report.html").read_text()
    found, start = (
        rulefile.read(folder / name).tensors for name in (rulefile.RULE, rulefile.START)
    )
    told, began = genome_numbers(found), genome_numbers(start)
    moved = [part for part in told if told[part] != began[part]]
    assert moved and "<th>at the start</th>" in page
    for part in moved:
        assert f"<td>{part}</td><td>{told[part]}</td><td>{began[part]}</td>" in page
    # The control: a run of an earlier version has no start.
    shutil.copytree(folder, tmp_path / "old", ignore=shutil.ignore_patterns(rulefile.START))
    assert "at the start" not in report.write(tmp_path / "old").read_text()


def test_numbers_are_shown_as_what_they_stand_for_however_large():
    logs = np.linspace(0.0, 2.0, 8).astype("float32")
    told = genome_numbers({"['a'].log": np.float32(710.0), "['b'].log": logs, "['c']": logs})
    assert told["a"] == "inf"  # as a search leaves it that is lost
    assert told["b"].startswith("1, 1.331, ") and told["b"].endswith("(8 numbers, 1 to 7.39)")
    assert told["c"].startswith("0, 0.2857, ") and told["c"].endswith("(8 numbers, 0 to 2)")


def test_what_to_type_again_is_what_a_shell_takes(folder, tmp_path):
    def typed(page: Path) -> list[str]:
        _, _, rest = page.read_text().partition("<h2>Run it again</h2><pre>")
        return html.unescape(rest.partition("</pre>")[0]).splitlines()

    spaced = tmp_path / "my run"
    shutil.copytree(folder, spaced)
    words = [shlex.split(line, comments=True) for line in typed(report.write(spaced))]
    assert [word[1] for word in words] == ["search", "bench", "audit", "show"]
    assert [word[2] for word in words] == [f"{spaced}/spec.toml", *[str(spaced)] * 3]
    plain = typed(folder / "report.html")
    assert plain[-1].startswith(f"metaplast show {folder} ")  # the control: nothing to quote


def test_the_page_says_what_was_lost(folder):
    log = [{"seconds": 1.0, "lost": 0.25}, {"seconds": 1.0, "lost": 0.0}]
    known = specs.load(folder / "spec.toml")

    def said(meta, log=log):
        other = dataclasses.replace(known, tables={**known.tables, "meta": meta})
        return page._search(other, log, None)

    lives = "12.5 % of the lives were lost: not finite, and left out."
    candidates = "12.5 % of the candidates were lost: a life's loss was not finite, and they ranked"
    assert lives in said({"type": "Backprop"})
    assert candidates in said({"type": "Evolution"})
    assert candidates in said({"type": "Restarts", "of": {"type": "MapElites"}})
    assert "12.5 % of what was lived was lost: not finite." in said({"type": "mine.py:Meta"})
    assert "lost" not in said({"type": "Evolution"}, log[1:])


def test_who_deals_out_candidates_is_known_to_the_page():
    made = {name: getattr(meta, name) for name in meta.__all__}
    bred = [name for name, one in made.items() if issubclass(one, meta.AbstractGenerations)]
    bred.remove("AbstractGenerations")
    assert sorted(bred) == sorted(page.BREEDERS) != []


def test_the_page_says_what_the_backprop_beside_a_search_lived(folder, tmp_path):
    guide = "lives of the search's own task"
    assert f"{guide}: a guide" in (folder / "report.html").read_text()
    several = tmp_path / "several"
    shutil.copytree(folder, several)
    spec = several / "spec.toml"
    plain = spec.read_text()
    spec.write_text(plain.replace("variants = []", "variants = [{ hidden = [4] }]"))
    assert spec.read_text() != plain
    manifest = several / "checkpoint" / "manifest.json"
    told = json.loads(manifest.read_text())
    # An earlier version did not say, and lived something else: no line.
    page = report.write(several).read_text()
    assert guide not in page and "backprop (Adam" not in page
    told["position"]["backprop_lived"] = "without the variants"
    manifest.write_text(json.dumps(told))
    page = report.write(several).read_text()
    assert f"{guide} without the variants: a guide" in page
    assert "backprop (Adam, roughly tuned, without the variants)" in page


def test_the_page_in_a_browser(folder):
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed: pip install playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    said, asked = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda fault: said.append(str(fault)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((folder / "report.html").as_uri())
        page.wait_for_function("document.querySelectorAll('.plot .main-svg').length >= 2")
        lines = page.locator("#curves0 .scatterlayer path.js-line").count()
        meta = page.locator("#meta .scatterlayer path.js-line").count()
        rows = page.locator("tr.found").count()
        overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        page.evaluate("console.error('a fault would be heard')")
        browser.close()
    assert said == ["a fault would be heard"]
    assert asked == [(folder / "report.html").as_uri()]
    assert lines == 2 * 2 and meta == 4 and rows == 1 and overflow <= 0


def _cell(difference: float, low: float, high: float, ahead: float) -> dict:
    def entry(name: str, accuracy: float, found: bool) -> dict:
        return {
            "name": name,
            "found": found,
            "online_accuracy": accuracy,
            "tuned": {},
            "diverged": 1,
        }

    return {
        "data": "digits", "moments": 300, "lives": 16, "best_backprop": "backprop_adam",
        "learners": [
            entry("x", 0.7, True), entry("backprop_adam", 0.7 - difference, False),
            entry("nearest_neighbor", ahead, False),
        ],
        "paired": [
            {"name": "x", "against": "backprop_adam", "difference": difference, "ci": [low, high]}
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "word", "told"),
    [
        (
            _cell(0.1, 0.05, 0.15, 0.8),
            "wins",
            ["it wins", "+10.0", "Ahead of it: nearest_neighbor"],
        ),
        (_cell(-0.1, -0.15, -0.05, 0.5), "loses", ["it loses", "-10.0", "backprop_adam (80.0 %)"]),
        (_cell(0.01, -0.05, 0.06, 0.5), "undecided", ["no difference", "Nobody is ahead"]),
    ],
)
def test_the_verdict_follows_the_numbers(cell, word, told):
    assert outcome(cell) == word
    for text in [*told, "diverged in 1 of 16"]:
        assert text in report.verdict(cell)
    many = report.verdict({"cells": [cell, cell]})
    assert f"in {2 if word == 'wins' else 0} of 2 comparisons" in many


def test_nobody_loses_to_who_hears_the_target():
    cell = _cell(-0.1, -0.15, -0.05, 0.9)
    assert "it loses" in report.verdict(cell) and outcome(cell) == "loses"  # the control
    for entry in cell["learners"][1:]:
        entry["told"] = "hears the target"
    said = report.verdict(cell)
    assert outcome(cell) == "bounded" and "it loses" not in said and "upper bound" in said
    assert "Ahead of it" not in said and "nobody is ahead of it" in said
    won = _cell(0.1, 0.05, 0.15, 0.5)
    won["learners"][1]["told"] = "hears the target"
    assert outcome(won) == "wins"


def test_the_legend_has_room_and_lies_beside_the_tools():
    from metaplast.report.figures import LAYOUT, ROW

    def height(rows):
        entry = {"name": "x", "found": False, "online_accuracy": 0.5, "curve": CURVE}
        cell = {"learners": [entry] * rows, "best_backprop": "x"}
        return learning_curves(cell)["layout"]["height"]

    assert height(2) == 420 and height(13) >= 13 * ROW + 80 and LAYOUT["margin"]["t"] >= 36
    axis = meta_training([{"step": 1, "loss": 99.0, "accuracy": 0.5}], 0.3)["layout"]["yaxis2"]
    assert axis["tickmode"] == "auto"  # not in step with the left axis, at odd numbers


CURVE = {"moment": [1], "accuracy": [0.5], "lower": [0.4], "upper": [0.6]}


@pytest.mark.parametrize(
    ("tuned", "told"),
    [
        ({"bias": "1", "stimuli": "standardized", "ridge": 64.0},
         "bias 1, standardized stimuli, ridge 64"),
        ({"optimizer": "adam", "nonlinearity": "tanh", "stimuli": "raw", "rate": 0.01},
         "adam, tanh, raw stimuli, rate 0.01"),
        ({"rate": 0.01, "grid": {}, "tried": [{}] * 63, "tried_on_lives": 4, "on_edge": False},
         "rate 0.01, best of 63"),
        ({"rate": 3e13, "grid": {}, "tried": [{}] * 19, "tried_on_lives": 4, "on_edge": True},
         "rate 3e+13, best of 19, on their edge"),
    ],
)  # fmt: skip
def test_a_setting_that_is_a_number_has_its_name(tuned, told):
    assert settings({"tuned": tuned}) == told


def test_few_lives_are_told_in_the_verdict():
    few = {**_cell(0.1, 0.05, 0.15, 0.5), "lives": 2}
    few["learners"][0]["diverged"] = 0
    assert "50% of cases" in report.verdict(few)
    assert "of cases" not in report.verdict(_cell(0.1, 0.05, 0.15, 0.5))
    one = _cell(0.1, 0.05, 0.15, 0.5)
    one["lives"], one["paired"][0]["ci"] = 1, None
    assert "no interval" in report.verdict(one) and outcome(one) == "undecided"


def test_a_gap_in_the_log_is_no_number():
    assert smooth([1.0, None, 3.0], 2) == [1.0, 1.0, 3.0] and smooth([None]) == [None]
    rows = [{"step": 1, "loss": None, "accuracy": 0.5}]
    assert len(meta_training(rows, 0.3)["data"]) == 4 and len(meta_training([], None)["data"]) == 3


def test_every_learner_has_a_curve_and_a_band(folder):
    cell = json.loads((folder / "bench.json").read_text())["cells"][0]
    traces = learning_curves(cell)["data"]
    assert len(traces) == 2 * len(cell["learners"])
    named = {t["legendgroup"] for t in traces}
    assert named == {entry["name"] for entry in cell["learners"]}
