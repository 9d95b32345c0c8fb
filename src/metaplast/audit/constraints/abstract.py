"""The contract of a constraint: one claim about biology, and how to find out whether it holds."""

from __future__ import annotations

import abc
import time
from typing import ClassVar

from metaplast.audit.evidence import Evidence
from metaplast.audit.verdict import Finding, Grade, Verdict
from metaplast.source import Source


class Unfounded(RuntimeError):
    """A check that reached a verdict without looking at any evidence."""


class AbstractConstraint(abc.ABC):
    """One claim about biology. `name` is what a user types."""

    name: ClassVar[str]
    claim: ClassVar[str]
    source: ClassVar[Source]
    grades: ClassVar[tuple[Grade, ...]]
    """The kinds of evidence that its verdicts can rest on."""

    @abc.abstractmethod
    def check(self, evidence: Evidence) -> Finding:
        """Look at the evidence, and say what it shows."""

    def verdict(self, evidence: Evidence) -> Verdict:
        """Run the check.

        Raises:
            Unfounded: the check did not look at the evidence, or claims a grade that it has not.
        """
        evidence.consulted, begun = [], time.perf_counter()
        finding = self.check(evidence)
        if not evidence.consulted:
            raise Unfounded(f"{self.name}: a verdict without evidence")
        if finding.grade not in self.grades:
            raise Unfounded(f"{self.name}: grade {finding.grade} is none of {self.grades}")
        return Verdict(self.name, *finding, time.perf_counter() - begun, tuple(evidence.consulted))
