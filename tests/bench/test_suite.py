"""A suite: lived once, whoever kills it; its page says what was measured, and keeps the rest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from metaplast.bench import forecast, matrix, page, table
from metaplast.bench import suite as suites
from metaplast.bench.archive import Archive, about
from metaplast.bench.program import program
from metaplast.bench.suite import run
from metaplast.cli.suite import live
from metaplast.learners import NearestClassMean, backprop, registry
from metaplast.suites import FOUND, SUITES, Setting, suite

SETTING = Setting("digits", 6, (4,))
ABSENT = Setting("nowhere", needs="nowhere")
LIVES = 16
ANEW = "lived anew, for the data, the rule or what it computes is another"
SCRIPT = """
import sys
from pathlib import Path
from metaplast.bench.archive import Archive
from metaplast.suites import Setting
from metaplast.bench.suite import run
run([Setting("digits", 6, (4,))], ["nearest_class_mean", "frozen"], Archive(Path(sys.argv[1])), 16)
"""


def entries(folder) -> dict[Path, int]:
    """Entries and when they were written."""
    return {path: path.stat().st_mtime_ns for path in Path(folder).rglob("*.json")}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder of entries after a process was killed in the midst of a suite."""
    folder = tmp_path_factory.mktemp("suite")
    source = Path(__file__).resolve().parents[2] / "src"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)], env={**os.environ, "PYTHONPATH": str(source)}
    )
    until = time.monotonic() + 240
    while not entries(folder) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return folder, entries(folder)


@pytest.fixture(scope="module")
def lived(killed):
    """The same suite, lived on in this process: its result, who lived, and what was said."""
    folder, _ = killed
    seen, said = [], []
    (result,) = run(
        [SETTING, ABSENT], ["nearest_class_mean", "frozen"], Archive(folder), LIVES,
        progress=lambda name, done, rows: seen.append(name.split(": ")[1].split(" ")[0]),
        say=said.append,
    )  # fmt: skip
    return result, seen, said


def test_what_was_lived_before_the_kill_is_not_lived_again(killed, lived):
    folder, before = killed
    _, seen, said = lived
    assert 1 <= len(before) < 5  # killed in the midst of it
    after = entries(folder)
    assert len(after) == 5 and all(after[path] == when for path, when in before.items())
    assert len(seen) == 5 - len(before) == len(set(seen))
    assert len(said) == 1 and said[0].startswith("skipped nowhere: ")
    assert not list(folder.rglob("*.part"))


def test_a_second_run_lives_nothing_and_other_data_lives_anew(killed, lived):
    folder, _ = killed
    archive, result = Archive(folder), lived[0]
    found = about(SETTING, "frozen", LIVES, 0)

    def again() -> tuple[list, list]:
        seen = []
        results = run(
            [SETTING], ["nearest_class_mean", "frozen"], archive, LIVES,
            progress=lambda *row: seen.append(row), say=said.append,
        )  # fmt: skip
        return results, seen

    said: list[str] = []
    results, seen = again()
    assert seen == [] and said == [] and results == [result]
    stored = archive.read(found)
    archive.write({**stored, "task": {**stored["task"], "checksums": {"digits": "of others"}}})
    _, seen = again()
    assert [name for name, *_ in seen] == ["digits: frozen"] and said == [f"{ANEW}: frozen"]
    assert archive.read(found)["by_life"] == stored["by_life"] != {}


def test_a_learner_that_computes_something_else_lives_anew(killed, lived, monkeypatch):
    """And only that one; not where the entry does not say, or is of another JAX: the controls."""
    folder, _ = killed
    archive, seen, said = Archive(folder), [], []
    found = about(SETTING, "nearest_class_mean", LIVES, 0)
    stored = archive.read(found)
    assert len(stored["made"]["program"]) == 64

    def again() -> None:
        run(
            [SETTING], ["nearest_class_mean", "frozen"], archive, LIVES,
            progress=lambda *row: seen.append(row[0]), say=said.append,
        )  # fmt: skip

    for unknown in ({"program": None}, {"program": "other", "jax": "0.0"}):
        archive.write({**stored, "made": {**stored["made"], **unknown}})
        again()
    assert seen == [] and said == []
    archive.write(stored)
    before = {row: program(row) for row in ("frozen", "nearest_class_mean")}
    predict = NearestClassMean.predict
    monkeypatch.setattr(NearestClassMean, "predict", lambda *given: 2.0 * predict(*given))
    program.cache_clear()
    again()
    assert seen == ["digits: nearest_class_mean"]
    assert said == [f"{ANEW}: nearest_class_mean"]
    assert archive.read(found)["made"]["program"] == program("nearest_class_mean")
    assert [program(row) == known for row, known in before.items()] == [True, False]
    monkeypatch.undo()
    program.cache_clear()
    again()  # as it was, for the tests after this one


def test_programs_differ_from_learner_to_learner_and_hold_numbers(monkeypatch):
    rows = ("backprop_sgd", "backprop_adam", "feedback_alignment", "direct_feedback_alignment")
    assert len({program(row) for row in rows}) == len(rows)
    before = program("recursive_least_squares")
    monkeypatch.setattr(registry, "STIMULI", registry.STIMULI[:1])
    program.cache_clear()
    assert program("recursive_least_squares") != before, "another grid is tried"
    program.cache_clear()


@pytest.mark.parametrize("changed", ["tanh", "relu"])
def test_a_change_of_any_variant_is_a_change_of_the_row(monkeypatch, changed):
    """Also of those that are not tried first."""
    program.cache_clear()
    before, control = program("backprop_sgd"), program("nearest_class_mean")
    twice = {**backprop.NONLINEARITIES, changed: lambda v: 2.0 * v}
    monkeypatch.setattr(backprop, "NONLINEARITIES", twice)
    program.cache_clear()
    assert program("backprop_sgd") != before and program("nearest_class_mean") == control
    program.cache_clear()


def test_the_result_is_what_the_lives_say(killed, lived):
    folder, _ = killed
    result = lived[0]
    stored = Archive(folder).read(about(SETTING, "nearest_class_mean", LIVES, 0))
    online = np.array(stored["by_life"]["online"])
    assert online.shape == (LIVES,) and 0 < online.mean() < 1
    mine = next(e for e in result["learners"] if e["name"] == "nearest_class_mean")
    assert mine["online_accuracy"] == pytest.approx(online.mean())
    assert mine["synapse_updates"] == 6 * 64 * 10 and mine["values_per_synapse"] > 0
    assert {p["name"] for p in result["paired"]} == {"nearest_class_mean", "frozen"}
    assert len(list(table(result).columns[0].cells)) == 5


def test_the_page_is_written_in_its_place(tmp_path, lived):
    result = lived[0]
    path = tmp_path / "results.md"
    path.write_text("# Results\n\nOlder figures.\n")
    page.write(path, "recognition", [result])
    once = path.read_text()
    page.write(path, "recognition", [result])
    assert path.read_text() == once and "Older figures." in once
    mine = next(e for e in result["learners"] if e["name"] == "nearest_class_mean")
    assert f"| nearest_class_mean | {mine['online_accuracy']:.3f} [" in once
    page.write(path, "depth", [result])
    both = path.read_text()
    assert both.startswith(once.rstrip()) and both.count("## Suite") == 2
    changed = {**result, "data": "other digits"}
    page.write(path, "recognition", [changed])
    assert path.read_text().count("other digits") == once.count("digits, 6 moments")
    path.write_text(both.replace("<!-- /suite depth -->", ""))
    with pytest.raises(ValueError, match="one of <!-- suite depth -->"):
        page.write(path, "depth", [result])
    with pytest.raises(ValueError, match="lives = 4: expected 16 or more"):
        page.write(path, "few", [{**result, "lives": 4}])
    with pytest.raises(ValueError, match="no entry yet"):
        page.write(path, "few", [])


@pytest.mark.parametrize("more", ["", "zoo/layerwise"])
def test_a_page_names_the_command_that_writes_it(lived, more):
    result = lived[0]
    names = [FOUND, *registry.ROWS, *([more] if more else [])]
    entries = [{**result["learners"][0], "name": name} for name in names]
    (line,) = [
        line for line in page.document("depth", [{**result, "learners": entries}])
        if line.startswith("Written by")
    ]  # fmt: skip
    asked = f"`metaplast bench {' '.join(names)} --suite" if more else "`metaplast bench --suite"
    assert asked in line


def test_a_matrix_shows_what_counts(tmp_path, lived):
    result = lived[0]
    entries = result["learners"]
    rest = [{**e, "scores": {}} for e in entries[1:]]
    objects = {"average_precision": {"mean": 0.987, "ci": [0.98, 0.99]}}
    detection = {**result, "data": "scenes", "learners": [{**entries[0], "scores": objects}, *rest]}
    both = [detection, result]
    heads, rows = matrix.matrix(both, lambda e: e["name"], lambda mean, _: repr(mean))
    assert heads[1].startswith("scenes") and len(heads) == 3 and len(rows) == len(entries)
    found = {row[0]: [float(cell) for cell in row[1:]] for row in rows}
    first = found.pop(entries[0]["name"])
    assert first == [0.987, entries[0]["online_accuracy"]]
    assert all(a == b > 0 for a, b in found.values()), "accuracy where no objects are detected"
    shown = [float(row[1]) for row in rows]
    assert shown == sorted(shown, reverse=True)
    held_out = {**result, "judged": "held_out"}
    assert matrix.counted(held_out, rest[0])[0] == rest[0]["test_accuracy"]

    path = tmp_path / "results.md"
    page.write(path, "detection", [detection])
    text = path.read_text()
    assert "| 0.987 [0.980, 0.990] |" in text
    names = " ".join(entry["name"] for entry in entries)
    assert f"`metaplast bench {names} --suite detection --lives" in text, "for these are not all"


def test_a_suite_is_on_the_page_before_the_next_one_is_lived(killed, lived, tmp_path, monkeypatch):
    folder, _ = killed
    monkeypatch.setitem(SUITES, "first", (SETTING,))
    monkeypatch.setitem(SUITES, "second", (Setting("nothing of that name", 6, (4,)),))
    path = tmp_path / "results.md"
    with pytest.raises(FileNotFoundError, match="nothing of that name"):
        live(["first", "second"], ["frozen"], LIVES, 0, folder, path, as_json=True)
    said = path.read_text()
    assert "## Suite first" in said and "| frozen |" in said and "suite second" not in said


def test_a_damaged_entry_is_refused_in_one_line(tmp_path):
    archive, found = Archive(tmp_path), about(SETTING, "frozen", 16, 0)
    assert archive.read(found) is None
    archive.write({"about": found})
    assert archive.read(found) == {"about": found}
    assert archive.path(found) != archive.path(about(SETTING, "frozen", 32, 0))
    for text in ("{", json.dumps({"about": {}}), "[]"):
        archive.path(found).write_text(text)
        with pytest.raises(ValueError, match="damaged") as fault:
            archive.read(found)
        assert "\n" not in str(fault.value)


def test_what_an_entry_took_is_read_off_the_entry(killed, lived):
    folder, _ = killed
    stored = {e["about"]["learner"]: e for e in Archive(folder).everything()}
    assert len(stored) == 5
    for learner, lives in (("frozen", LIVES), ("nearest_class_mean", 2 * LIVES)):
        each = next(e for e in lived[0]["learners"] if e["name"] == learner)
        took = forecast.taken(stored[learner])
        assert (took.learner, took.setting) == (learner, "digits-6-moments-2-layers")
        assert took.updates == lives * each["synapse_updates"]
        assert took.seconds == stored[learner]["entry"]["seconds"] > 0
    sgd = stored["backprop_sgd"]
    tried, updates = len(sgd["entry"]["tuned"]["tried"]), sgd["entry"]["synapse_updates"]
    # Four lives at every point of the grid, the other twelve at three of them.
    assert forecast.taken(sgd).updates == (4 * tried + 3 * (LIVES - 4)) * updates > 0


def test_a_suite_says_what_is_left_judging_by_what_was_lived(killed, lived, tmp_path, monkeypatch):
    source, archive = Archive(killed[0]), Archive(tmp_path)
    for stored in source.everything():
        stored["entry"]["seconds"] = 1200.0
        archive.write(stored)
    archive.path(about(SETTING, "frozen", LIVES, 0)).unlink()
    monkeypatch.setattr(suites, "FEW", 0)
    monkeypatch.setattr(forecast, "timed", None)  # nobody need be timed
    shown, said = [], []
    run(
        [SETTING], ["frozen"], archive, LIVES,
        progress=lambda name, done, rows: shown.append(name), say=said.append,
    )  # fmt: skip
    assert shown == ["digits: frozen (20 min left)"]
    assert len(said) == 1 and said[0].startswith(
        "about 20 min for 1 entries, judging by 4 entries that were lived before"
    )


def test_where_nothing_was_lived_pieces_are_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(suites, "FEW", 0)
    monkeypatch.setattr(forecast, "timed", lambda *row: forecast.Piece(0.0, 1.0))
    monkeypatch.setattr(suites, "_lived", lambda *row: (_ for _ in ()).throw(InterruptedError))
    shown = []
    with pytest.raises(InterruptedError):
        run(
            [SETTING], ["frozen"], Archive(tmp_path), LIVES,
            progress=lambda name, done, rows: shown.append(name),
        )  # fmt: skip
    # One that is timed stands for all four: 28.5 points of the grid, six moments a life.
    minutes = round(4 * 6 * (4 * 4 * 8.5 + 3 * (LIVES - 4)) / 60)
    assert shown == [f"digits: frozen ({minutes} min left)"]


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_says_what_it_needs(name, monkeypatch):
    from metaplast.bench.protocol import task_of

    monkeypatch.delenv("METAPLAST_DATA", raising=False)
    settings = suite(name)
    assert len(set(settings)) == len(settings) > 1
    bundled = [s for s in settings if not s.needs]
    assert bundled
    for setting in bundled:
        assert task_of(setting.data, setting.moments).moments > 0
    for setting in settings:
        if setting.needs:
            with pytest.raises((FileNotFoundError, ValueError), match="METAPLAST_DATA is not set"):
                task_of(setting.data, setting.moments)


@pytest.mark.parametrize("setting", [s for s in SUITES["few-shot"] if not s.needs])
def test_few_shots_of_digits_are_of_images_that_no_search_saw(setting):
    from metaplast.bench.protocol import task_of
    from metaplast.tasks import FewShot, digits

    searched = {row.tobytes() for row in np.asarray(digits(split="search").x_train)}
    met = {row.tobytes() for row in np.asarray(task_of(setting.data, 1).x)}
    everywhere = {row.tobytes() for row in np.asarray(FewShot(digits(split="all")).x)}
    assert met and not met & searched
    assert everywhere & searched


def test_an_unknown_suite_lists_near_misses():
    with pytest.raises(ValueError, match="perhaps you meant recognition"):
        suite("recogntion")


def test_learners_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own.py").write_text(
            "from metaplast.learners import Frozen, NearestClassMean\n"
            "def Mine(inputs, hidden, classes): return NearestClassMean(inputs, classes)\n"
        )
    both = [str(tmp_path / folder / "own.py:Mine") for folder in ("a", "b")]
    with pytest.raises(ValueError, match=r"'own\.py:Mine' occurs twice; give another name"):
        run([SETTING], both, Archive(tmp_path / "entries"), LIVES)
    assert not (tmp_path / "entries").exists()
    assert suites._names([both[0], both[0], "frozen"])[:2] == (both[0], "frozen")  # the control
