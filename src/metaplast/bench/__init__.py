"""Comparisons of learners on the same lives."""

from metaplast.bench.average_precision import AveragePrecision, Boxes, average_precision
from metaplast.bench.detect import answers, detect, detection_score
from metaplast.bench.forgetting import Forgetting, forgetting
from metaplast.bench.presentations import Presentations, presentations
from metaplast.bench.protocol import ORACLE, RIVALS, bench, sweep
from metaplast.bench.table import table
from metaplast.bench.trials import trials

__all__ = [
    "ORACLE",
    "RIVALS",
    "AveragePrecision",
    "Boxes",
    "Forgetting",
    "Presentations",
    "answers",
    "average_precision",
    "bench",
    "detect",
    "detection_score",
    "forgetting",
    "presentations",
    "sweep",
    "table",
    "trials",
]
