"""Which numbers a seed can be."""

from __future__ import annotations

from numbers import Integral
from typing import Any

END = 2**32
"""A key is made of 32 bits: this seed would live the lives of seed 0."""


def check_seed(seed: Any) -> None:
    """Refuse what is no seed.

    Raises:
        ValueError: not a whole number, below 0, or of more than 32 bits.
    """
    whole = isinstance(seed, Integral) and not isinstance(seed, bool)
    if not (whole and 0 <= int(seed) < END):
        raise ValueError(f"seed = {seed!r}: expected 0 or more, below 2**32; give 0")
