"""The stored entries of published suites are what the page shows of them."""

from __future__ import annotations

import tarfile
from itertools import groupby
from pathlib import Path

import pytest

from metaplast.bench import page
from metaplast.bench.archive import Archive, place
from metaplast.bench.suite import assembled

ROOT = Path(__file__).parents[2]
STORED = sorted((ROOT / "benchmarks" / "measured").glob("*.tar.xz"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_the_page_shows_what_is_stored(path, tmp_path):
    with tarfile.open(path) as whole:
        whole.extractall(tmp_path, filter="data")
    published = (ROOT / "docs" / "results.md").read_text()
    entries = sorted(Archive(tmp_path).everything(), key=lambda entry: place(entry["about"]))
    settings = [list(group) for _, group in groupby(entries, lambda entry: place(entry["about"]))]
    assert settings
    for group in settings:
        group.sort(key=lambda entry: not entry["entry"]["name"].endswith("zoo/online"))
        assert "\n".join(page.section(assembled(group))) in published
    group[0]["entry"]["online_accuracy"] += 0.01  # the control
    assert "\n".join(page.section(assembled(group))) not in published
