"""Comparisons of learners on the same lives."""

from metaplast.bench.protocol import ORACLE, RIVALS, bench, sweep
from metaplast.bench.table import table

__all__ = ["ORACLE", "RIVALS", "bench", "sweep", "table"]
