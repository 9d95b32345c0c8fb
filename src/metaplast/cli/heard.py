"""What is said ahead of a comparison about found rules that take a modulator for its contrary."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaplast.tasks.abstract import AbstractTask


def misheard_by(learners: Sequence[str], tasks: Iterable[AbstractTask]) -> list[str]:
    """A line about each rule from a file and each thing that it mishears in one of the tasks."""
    from metaplast.learners.registry import in_file

    names = [name for name in learners if in_file(name)]
    if not names:
        return []
    from metaplast.preflight import misheard
    from metaplast.store import load

    with warnings.catch_warnings():  # of edited code: whoever loads them to live says so as well
        warnings.simplefilter("ignore")
        found = {name: load(name).genome for name in names}
    lines = [
        f"{name}: {line}"
        for task in tasks
        for name, genome in found.items()
        for line in misheard(genome, task, found=True)
    ]
    return list(dict.fromkeys(lines))
