"""What memory there is, and what a program would need of it."""

from __future__ import annotations

import os

import jax

GIB = 2**30


class Unfit(ValueError):
    """Something needs more memory than there is."""


def free() -> int | None:
    """Bytes that a program can still get on the local devices; None where nobody says."""
    if jax.default_backend() == "cpu":
        return _free_host()
    told = [device.memory_stats() for device in jax.local_devices()]
    if any(stats is None or "bytes_limit" not in stats for stats in told):
        return None
    return sum(stats["bytes_limit"] - stats.get("bytes_in_use", 0) for stats in told if stats)


def used(compiled: jax.stages.Compiled) -> int:
    """Bytes that a compiled program works in and returns, on all devices; 0 where it is unknown."""
    told = compiled.memory_analysis()
    if told is None:
        return 0
    return (told.temp_size_in_bytes + told.output_size_in_bytes) * len(jax.local_devices())


def size(tree) -> int:
    """Bytes of the arrays (or their forms) of a tree."""
    return sum(
        leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype")
    )


def numbers(tree) -> int:
    """Numbers of the arrays (or their forms) of a tree."""
    return sum(leaf.size for leaf in jax.tree.leaves(tree) if hasattr(leaf, "size"))


def fits(what: str, needed: int, remedy: str) -> None:
    """Refuse what would not fit.

    Raises:
        Unfit: it needs more than there is.
    """
    there = free()
    if there is not None and needed > there:
        raise Unfit(
            f"{what}: needs {needed / GIB:.1f} GiB of memory, and {there / GIB:.1f} GiB are free; "
            f"{remedy}"
        )


def _free_host() -> int | None:
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
