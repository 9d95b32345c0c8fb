"""How many threads PyTorch is best run with, for small matrices often want one alone."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from interleaved import timed


def fastest(once: Callable[[], object]) -> int:
    """Of one thread and one per core, the number that is faster for a short trial."""
    spent = {}
    for threads in sorted({1, os.cpu_count() or 1}):
        torch.set_num_threads(threads)
        once()
        spent[threads] = timed(once)
    return min(spent, key=spent.__getitem__)
