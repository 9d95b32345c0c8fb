"""`bench` from the command line: progress on standard error, the result on standard output."""

from __future__ import annotations

from collections.abc import Sequence

from metaplast.cli.heard import misheard_by
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
    from metaplast.bench.protocol import own_length, task_of
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
        for line in misheard_by(learners, (task_of(text, moments[0]) for text in data)):
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
