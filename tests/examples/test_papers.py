"""Every example named after a paper runs from end to end, and prints what it was written for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
TINY = {
    "bartunov_2018": "--data digits --hidden 2,3 --patch 3 --moments 12 --held-out 20 --rates 0.03 "
    "--lives 3",
    "bengio_1991": "--hidden 2 --width 1 --moments 3 --steps 1 --meta-lives 1 --lives 3",
    "confavreux_2020": "--moments 20 --steps 2 --population 4 --meta-lives 1 --lives 2",
    "confavreux_2023": "--excitatory 8 --inhibitory 2 --seconds 0.1 --measured 0.4 --rules 4 "
    "--rounds 2 --parents 2 --survivors 2",
    "gerstner_2018": "--inputs 4 --classes 2 --trials 20 --delay 2 --steps 2 --population 4 "
    "--meta-lives 1 --lives 3",
    "gu_2019": "--hidden 2 --width 1 --moments 6 --every 2 --labels 1 --steps 1 --meta-lives 1 "
    "--lives 3 --tables 1",
    "izhikevich_2007": "--excitatory 3 --inhibitory 1 --seconds 2 --networks 2",
    "jordan_2021": "--inputs 2 --moments 20 --steps 2 --population 4 --meta-lives 1 --lives 2",
    "journe_2023": "--data digits --cells 3,4 --images 20 --held-out 10 --batch 5 --moments 10 "
    "--epochs 1 --rates 1 --lives 2",
    "kirsch_2021": "--states 1 --channels 1 --hidden 2 --inputs 3 --moments 4 --longer 5 --steps 1 "
    "--meta-lives 1 --lives 2 --tables 1",
    "laborieux_2022": "--hidden 2 --layers 1 --points 3 --moments 5 --births 2 --lives 2 "
    "--tables 1",
    "lindsey_2020": "--data clusters --ways 2 --shots 2 --hidden 3 --steps 1 --meta-lives 1 "
    "--lives 2 --tables 1",
    "mehta_2024": "--noise 0.1 --recordings 3 --moments 8 --evaluations 4 --lives 3",
    "mehta_2024 mlp": "--rule mlp --width 2 --noise 0.1 --recordings 3 --moments 8 "
    "--evaluations 4 --lives 3",
    "metz_2019": "--steps 1 --meta-lives 1 --moments 5 --inputs 3 --hidden 2 --lives 2 --tables 1",
    "miconi_2018": "--cells 6 --patterns 2 --presentations 1 --moments 1 --steps 1 "
    "--meta-lives 1 --lives 3",
    "miconi_2023": "--hidden 2 --trials 4 --longer 2 --steps 1 --pairs 1 --lives 3",
    "najarro_2020": "--hidden 2 --moments 60 --steps 2 --population 4 --meta-lives 1 --lives 3",
    "payeur_2021": "--hidden 4 --moments 2000 --rates 0.3 --lives 3",
    "pedersen_2021": "--hidden 3 --moments 40 --merges 1 --steps 1 --searches 2 --meta-lives 2 "
    "--lives 3",
    "randazzo_2020": "--states 1 --channels 1 --hidden 2 --inputs 3 --moments 4 --steps 1 "
    "--meta-lives 1 --lives 2 --tables 1",
    "sandler_2021": "--steps 1 --meta-lives 1 --moments 5 --inputs 3 --hidden 2 --lives 2 "
    "--tables 1",
    "sanfiz_2021": "--data digits --hidden 2,3 --patch 3 --moments 12 --held-out 20 --rates 0.03 "
    "--lives 3",
    "ye_2026": "--cells 6,4,2 --larger 2 --images 6 --searches 2 --steps 2 --population 4 "
    "--meta-lives 1 --lives 3",
}
"""Options by example; a word after its name tells two runs of one apart."""
FITTED = {
    "bartunov_2018",
    "confavreux_2023",
    "izhikevich_2007",
    "journe_2023",
    "laborieux_2022",
    "mehta_2024",
    "mehta_2024 mlp",
    "payeur_2021",
    "sanfiz_2021",
}
"""Those without an outer loop."""
HEAVY = {
    "bartunov_2018",
    "bengio_1991",
    "gerstner_2018",
    "gu_2019",
    "kirsch_2021",
    "laborieux_2022",
    "mehta_2024 mlp",
    "metz_2019",
    "miconi_2023",
    "randazzo_2020",
    "sandler_2021",
    "ye_2026",
}
"""Compiled for half a minute each; run where METAPLAST_EXAMPLES=all, as in `make test-examples`."""
RUN_ALL = os.environ.get("METAPLAST_EXAMPLES") == "all"
CHOSEN = {name: tiny for name, tiny in TINY.items() if RUN_ALL or name not in HEAVY}
TOLD = {
    "confavreux_2023": {"14", "84", "0.5", "34", "2", "69", "< 0.01", "29"},
    "izhikevich_2007": {"4, the largest"},
    "sandler_2021": {"84"},
}
"""Figures of papers that fit a row."""
ROW = re.compile(r"^(.{36}) *(\S.*?)   +(-?\d+\.\d\d) ± +(\d+\.\d\d)", re.MULTILINE)


RUN = """
import importlib, json, sys
for name, arguments in json.loads(sys.argv[1]).items():
    print("=====", name, flush=True)
    importlib.import_module(name.split()[0]).main(arguments.split())
"""


@pytest.fixture(scope="module")
def printed():
    """What each example prints; all run in one process, for imports cost more than they do."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(CHOSEN)],
        capture_output=True, text=True, timeout=120 * len(CHOSEN), cwd=FOLDER,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    _, *parts = done.stdout.split("===== ")
    return dict(part.split("\n", 1) for part in parts)


def test_every_example_with_a_table_is_run():
    tables = {p.stem for p in FOLDER.glob("*_????.py") if "from beside import" in p.read_text()}
    assert tables == {name.split()[0] for name in TINY}


@pytest.mark.parametrize("name", TINY)
def test_it_prints_both_sides_and_where_it_deviates(name, printed):
    if name not in CHOSEN:
        pytest.skip(f"`make test-examples` runs {name} too")
    text = printed[name]
    rows = ROW.findall(text)
    assert len(rows) >= 4, text
    assert len({value for *_, value, _ in rows}) > 1, "rows that differ"
    told = {"not given", *TOLD.get(name, ())}
    said = {paper for _, paper, *_ in rows} - {"–"}
    assert said == told, "no figure that was not looked up"
    ours = [paper for rival, paper, *_ in rows if rival.startswith(("nearest", "least squares"))]
    assert set(ours) <= {"–"}, "no paper has this rival"
    assert name in FITTED or "meta-step    1" in text
    assert "nan" not in text
    assert "Deviations from the paper" in text and "wall time" in text
    assert re.search(r"(arXiv:|doi:)\S+", (FOLDER / f"{name.split()[0]}.py").read_text())
