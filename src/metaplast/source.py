"""Where a method comes from."""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """A citation that every rule, neuron, learner and constraint carries.

    `doi` is empty where the work has none, and where the work is this project's own.
    """

    authors: str
    year: int
    title: str
    doi: str = ""

    def __str__(self) -> str:
        doi = f" doi:{self.doi}" if self.doi else ""
        return f"{self.authors} ({self.year}). {self.title}.{doi}"


OWN = Source("metaplast developers", 2026, "metaplast")
"""The source of what is new here."""
