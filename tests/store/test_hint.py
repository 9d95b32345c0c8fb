"""Commands that are shown are commands that a shell takes."""

from __future__ import annotations

import shlex

import pytest

from metaplast import hint


@pytest.mark.parametrize("folder", ["runs/x", "my runs/it's"])
def test_a_folder_stays_one_word(folder):
    assert shlex.split(hint.resume(folder)) == ["metaplast", "resume", folder]
    assert shlex.split(hint.anew(folder)) == ["metaplast", "search", f"{folder}/spec.toml"]


def test_what_needs_no_quotes_has_none():
    assert hint.resume("runs/x") == "metaplast resume runs/x"
