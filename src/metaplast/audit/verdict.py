"""A verdict: whether a claim about biology holds, and how we know."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Status(enum.StrEnum):
    """What a check can find."""

    UPHELD = "upheld"
    VIOLATED = "violated"
    NOT_APPLICABLE = "not applicable"


class Grade(enum.StrEnum):
    """The kind of evidence behind a verdict, the strongest first."""

    CONSTRUCTION = "construction"
    """The type of the learner cannot express the opposite."""
    PROOF = "proof"
    """Shown on the traced program, for all values that its inputs can take."""
    TEST = "test"
    """Seen on sampled lives; another life could show something else."""


class Finding(NamedTuple):
    """What a check saw."""

    status: Status
    grade: Grade
    witness: str = ""
    """What was violated, by whom, at which line; or why the claim does not apply."""
    value: str = ""
    """What was measured."""


class Verdict(NamedTuple):
    """A finding on one constraint, with what it took."""

    constraint: str
    status: Status
    grade: Grade
    witness: str
    value: str
    seconds: float
    consulted: tuple[str, ...]
    """The pieces of evidence that the check looked at; never empty."""


def upheld(grade: Grade, value: str = "") -> Finding:
    return Finding(Status.UPHELD, grade, "", value)


def violated(grade: Grade, witness: str, value: str = "") -> Finding:
    return Finding(Status.VIOLATED, grade, witness, value)


def not_applicable(why: str, grade: Grade = Grade.CONSTRUCTION) -> Finding:
    return Finding(Status.NOT_APPLICABLE, grade, why)
