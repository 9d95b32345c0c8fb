"""`bench` from the command line: progress on standard error, the result on standard output."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from metaplast.cli.output import document, wide_console
from metaplast.cli.progress import display

MOMENTS = (300,)
"""Lengths of a life where nobody says them."""


def compare(
    learners: Sequence[str],
    data: Sequence[str],
    moments: Sequence[int],
    lives: int,
    hidden: Sequence[tuple[int, ...]],
    seed: int,
    only: bool,
    as_json: bool,
) -> None:
    """One cell as it is; several as `{"cells": [...]}`."""
    for name, values in (("data", data), ("moments", moments), ("hidden", hidden)):
        if not values:
            raise ValueError(f"{name}: none given; give one or more, or leave --{name} out")
    from metaplast.bench import bench, sweep
    from metaplast.bench.protocol import own_length
    from metaplast.bench.table import show

    for text in data if tuple(moments) != MOMENTS else ():
        if (own := own_length(text)) is not None and set(moments) != {own}:
            raise ValueError(
                f"moments = {', '.join(map(str, moments))}: lives of {text} have {own} moments, as "
                "the table says or its task is; leave --moments out, or change the table"
            )
    single = len(data) == len(moments) == len(hidden) == 1
    options = {"lives": lives, "seed": seed, "only": only}
    with display() as shown:
        for line in _misheard(learners, data, moments[0]):
            shown.say(line)
        if single:
            result = bench(
                learners, data[0], moments[0], hidden=hidden[0], progress=shown.row, **options
            )
        else:
            result = sweep(learners, data, moments, hidden, progress=shown.row, **options)
    if as_json:
        document(result)
        return
    console = wide_console()
    for cell in [result] if single else result["cells"]:
        show(cell, console)


def _misheard(learners: Sequence[str], data: Sequence[str], moments: int) -> list[str]:
    """A line about each found rule that takes what a task broadcasts for the contrary of it."""
    from metaplast.learners.registry import in_file

    names = [name for name in learners if in_file(name)]
    if not names:
        return []
    from metaplast.bench.protocol import task_of
    from metaplast.preflight import misheard
    from metaplast.store import load

    with warnings.catch_warnings():  # of edited code: whoever loads them to live says so as well
        warnings.simplefilter("ignore")
        found = {name: load(name).genome for name in names}
    tasks = [task_of(text, moments) for text in data]
    return [
        f"{name}: {line}"
        for name, genome in found.items()
        for task in tasks
        for line in misheard(genome, task, found=True)
    ]
