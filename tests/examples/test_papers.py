"""Every example named after a paper runs from end to end, and prints what it was written for."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
TINY = {
    "confavreux_2020": "--moments 20 --steps 2 --population 4 --meta-lives 1 --lives 2",
    "kirsch_2021": "--states 1 --hidden 2 --inputs 3 --moments 4 --longer 5 --steps 1 "
    "--meta-lives 1 --lives 2",
    "lindsey_2020": "--data clusters --ways 2 --shots 2 --hidden 3 --steps 1 --meta-lives 1 "
    "--lives 2",
    "metz_2019": "--steps 1 --meta-lives 1 --moments 5 --inputs 3 --hidden 2 --lives 2",
    "miconi_2018": "--cells 6 --patterns 2 --presentations 1 --moments 1 --steps 1 "
    "--meta-lives 1 --lives 3",
    "najarro_2020": "--hidden 2 --moments 6 --steps 2 --population 4 --meta-lives 1 --lives 3",
    "sandler_2021": "--steps 1 --meta-lives 1 --moments 5 --inputs 3 --hidden 2 --lives 2",
}
ROW = re.compile(r"^(.{36}) *(\S.*?)   +(-?\d+\.\d\d) ± +(\d+\.\d\d)", re.MULTILINE)


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    yield
    for name in (*TINY, "beside"):
        sys.modules.pop(name, None)


def test_every_example_with_a_table_is_run():
    tables = {p.stem for p in FOLDER.glob("*.py") if "from beside import" in p.read_text()}
    assert tables == set(TINY)


@pytest.mark.parametrize("name", TINY)
def test_it_prints_both_sides_and_where_it_deviates(name, capsys):
    module = importlib.import_module(name)
    module.main(TINY[name].split())
    printed = capsys.readouterr().out
    rows = ROW.findall(printed)
    assert len(rows) >= 4, printed
    assert len({value for *_, value, _ in rows}) > 1, "rows that differ"
    assert {paper for _, paper, *_ in rows} == {"not given"}, "no figure that was not looked up"
    assert "meta-step    1" in printed and "nan" not in printed
    assert "Deviations from the paper" in printed and "wall time" in printed
    assert re.search(r"(arXiv:|doi:)\S+", module.__doc__)
