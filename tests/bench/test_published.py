"""Entries that come with the project are those that its page shows."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from metaplast.bench.archive import Archive
from metaplast.bench.matrix import title
from metaplast.bench.page import _value
from metaplast.bench.suite import assembled

ROOT = Path(__file__).parents[2]
STORED = ROOT / "benchmarks" / "measured" / "suites.tar.xz"


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    """All that are stored, as the archive that a suite reads finds them."""
    folder = tmp_path_factory.mktemp("published")
    with tarfile.open(STORED) as whole:
        whole.extractall(folder, filter="data")
    found = list(Archive(folder).everything())
    assert len(found) == len(list(folder.glob("*/*.json"))) > 800
    return found


def shown() -> dict[tuple[str, str], str]:
    """What the page says of online accuracy, by setting and learner."""
    page = (ROOT / "docs" / "results.md").read_text()
    return {
        (heading, name.strip("*")): online
        for heading, text in re.findall(r"^### (.*?)\n(.*?)(?=^##|\Z)", page, re.M | re.S)
        for name, online in re.findall(r"^\| ([\w*/]+) \| ([\d.]+ \[.*?\]) \|", text, re.M)
    }


def test_the_page_shows_what_is_stored(entries):
    page, same = shown(), 0
    for stored in entries:
        entry = stored["entry"]
        where = title(assembled([stored])), entry["name"]
        online, ci = entry["online_accuracy"], entry["online_accuracy_ci"]
        if where in page:
            assert page[where] == _value(online, ci), where
            assert page[where] != _value(online + 0.01, ci), "the control"
            same += 1
    assert same > 0.9 * len(entries), "few of them are on the page"
