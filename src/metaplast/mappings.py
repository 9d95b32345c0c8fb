"""Room for compiled programs: Linux grants a process so many memory mappings, and XLA spends them.

Every kernel of a program for a CPU takes a few, and JAX keeps programs that nobody else does. Where
none are left, compiling fails and the process dies, however much memory is free. So whoever
compiles hundreds of programs one after the other makes room in between.
"""

from __future__ import annotations

from pathlib import Path

import jax

OURS = Path("/proc/self/maps")
LIMIT = Path("/proc/sys/vm/max_map_count")
ENOUGH = 0.4
"""Share of the mappings that may be taken before room is made."""


def share() -> float:
    """Share of the mappings granted that are taken; zero where no such limit is known."""
    try:
        granted = int(LIMIT.read_text())
        with OURS.open("rb") as taken:
            return sum(1 for _ in taken) / granted
    except (OSError, ValueError, ZeroDivisionError):
        return 0.0


def make_room() -> None:
    """Have JAX forget what it compiled, if there is a lot of it. Programs that are still held stay;
    all others are compiled again, or read from the cache folder, when they are called next."""
    if share() > ENOUGH:
        jax.clear_caches()
