"""What a broadcast modulator means: that the answer was wrong, or how good it was."""

from __future__ import annotations

from typing import Literal

Meaning = Literal["error", "reward"]
MEANINGS = ("error", "reward")


def known_meaning(hears: str) -> None:
    """Refuse a meaning that no modulator has.

    Raises:
        ValueError: another word.
    """
    if hears not in MEANINGS:
        raise ValueError(f"hears = {hears!r}: expected 'error' or 'reward'; give one")
