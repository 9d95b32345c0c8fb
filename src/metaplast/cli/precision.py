"""How long numbers are, which a search cannot choose."""

from __future__ import annotations

import os

VARIABLE = "JAX_ENABLE_X64"
OFF = ("", "0", "false", "no", "n", "off", "f")


def single() -> None:
    """Refuse numbers of 64 bits: data and checkpoints have such of 32, and a loop has one type.

    Raises:
        ValueError: the variable that asks for them is set.
    """
    asked = os.environ.get(VARIABLE, "")
    if asked.strip().lower() not in OFF:
        raise ValueError(
            f"{VARIABLE} = {asked}: expected numbers of 32 bits, as data and checkpoints have; "
            "unset it"
        )
