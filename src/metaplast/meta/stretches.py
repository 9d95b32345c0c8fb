"""Stretches that lives can be cut into."""

from __future__ import annotations

import math
from collections.abc import Sequence


def divisors(moments: int) -> list[int]:
    """Every number of moments that divides so many, ascending."""
    small = [n for n in range(1, math.isqrt(moments) + 1) if moments % n == 0]
    return sorted({*small, *(moments // n for n in small)})


def nearest(stretches: Sequence[int], wanted: int | float, count: int = 1) -> list[int]:
    """Those of the stretches that differ by the smallest factor from what is wanted, ascending."""
    return sorted(sorted(stretches, key=lambda n: abs(math.log(n / wanted)))[:count])
