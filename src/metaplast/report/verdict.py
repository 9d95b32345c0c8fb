"""What the numbers say, in a sentence, whichever way they went."""

from __future__ import annotations

from typing import Any

from metaplast import coverage


def verdict(result: dict[str, Any]) -> str:
    """One sentence per cell of a sweep about the found rule against the best backprop.

    Args:
        result: `{"cells": [...]}` as `bench.sweep` returns it, or a single cell.
    """
    cells = result.get("cells", [result])
    told = [cell_verdict(cell) for cell in cells]
    if len(cells) > 1:
        won = sum(outcome(cell) == "wins" for cell in cells)
        told.insert(
            0, f"The found rule beats the best backprop in {won} of {len(cells)} comparisons."
        )
    return " ".join(told)


def outcome(cell: dict[str, Any]) -> str:
    """`wins`, `loses` or `undecided`, by the interval of the paired difference; `bounded` where the
    rule does not win against a backprop that hears the target, which the task does not tell."""
    pair = against_backprop(cell)
    if pair["ci"] and pair["ci"][0] > 0:
        return "wins"
    if best_backprop(cell).get("told"):
        return "bounded"
    return "loses" if pair["ci"] and pair["ci"][1] < 0 else "undecided"


def cell_verdict(cell: dict[str, Any]) -> str:
    """The sentence about one data set, horizon and size."""
    rule, pair = found_rule(cell), against_backprop(cell)
    oracle = best_backprop(cell)
    ends = pair["ci"]
    span = f"95 % interval {points(ends[0])} to {points(ends[1])}" if ends else "no interval"
    lives = "paired lives" if cell["lives"] > 1 else "life"
    sentence = (
        f"On {cell['data']}, {cell['moments']} moments, the found rule names "
        f"{percent(rule['online_accuracy'])} of all examples correctly before it learns them, "
        f"the best backprop ({told(oracle)}) {percent(oracle['online_accuracy'])}: "
        f"{points(pair['difference'])} points, {span} over {cell['lives']} {lives}: "
        f"{WORDS[outcome(cell)]}."
    )
    told_more = any(e.get("told") for e in cell["learners"])
    above = [
        f"{e['name']} ({percent(e['online_accuracy'])})"
        for e in sorted(cell["learners"], key=lambda e: -e["online_accuracy"])
        if not e["found"] and e["online_accuracy"] > rule["online_accuracy"] and not e.get("told")
    ]
    whom = " Of those that hear no more than it, " if told_more else " "
    sentence += (
        f"{whom}{'a' if told_more else 'A'}head of it: {', '.join(above)}."
        if above
        else f"{whom}{'n' if told_more else 'N'}obody is ahead of it."
    )
    if caution := coverage.caution(cell["lives"]):
        sentence += f" {caution[0].upper()}{caution[1:]}."
    if rule["diverged"]:
        sentence += f" It diverged in {rule['diverged']} of {cell['lives']} lives."
    return sentence


WORDS = {
    "wins": "it wins",
    "loses": "it loses",
    "undecided": "no difference can be told",
    "bounded": "this backprop hears the target, which the task tells no rule, so it is no rival "
    "but an upper bound",
}


def best_backprop(cell: dict[str, Any]) -> dict[str, Any]:
    """The backprop that the found rule is compared with."""
    return next(e for e in cell["learners"] if e["name"] == cell["best_backprop"])


def found_rule(cell: dict[str, Any]) -> dict[str, Any]:
    """The first learner of a cell that a search found."""
    return next(entry for entry in cell["learners"] if entry["found"])


def against_backprop(cell: dict[str, Any]) -> dict[str, Any]:
    """The paired comparison of the found rule with the best backprop."""
    name, oracle = found_rule(cell)["name"], cell["best_backprop"]
    return next(p for p in cell["paired"] if p["name"] == name and p["against"] == oracle)


def told(entry: dict[str, Any]) -> str:
    """What was tuned and to what, of how many settings, and whether the best lies on an edge of
    these, such as `adam, tanh, raw stimuli, rate 0.01, best of 63`."""
    tuned = entry["tuned"] or {}
    plain = {k: v for k, v in tuned.items() if isinstance(v, (str, float, int))}
    parts = [_setting(k, v) for k, v in plain.items() if k not in SEARCHED]
    if "tried" in tuned:
        parts.append(f"best of {len(tuned['tried'])}")
    if tuned.get("on_edge"):
        parts.append("on their edge")
    return ", ".join(parts)


def _setting(name: str, value: str | float) -> str:
    if not isinstance(value, str):
        return f"{name} {value:.3g}"
    if name == "stimuli":
        return f"{value} {name}"
    return value if name in SAYS_ENOUGH else f"{name.replace('_', ' ')} {value}"


SAYS_ENOUGH = ("optimizer", "nonlinearity", "encoding")
"""Settings whose value needs no name beside it, such as `adam`."""
SEARCHED = ("on_edge", "tried_on_lives")
"""Entries of `tuned` that tell of the tuning and not of its outcome."""


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def points(difference: float) -> str:
    """A difference of accuracies in percentage points, with its sign."""
    return f"{100 * difference:+.1f}"
