"""How many lives should share a program's loop over moments, and on how many devices."""

from __future__ import annotations

import gc

import jax
from crowd import Crowd, Point, living
from interleaved import short
from machine import Rates, caches
from section import Section, say

from metaplast.spread import AT_ONCE

CACHED = 0.25
"""Of the last cache, how much the weights of a chunk may take."""


def chunk(width: int) -> int:
    """Lives, a power of two, whose weights take at most `CACHED` of the last cache; at least 1."""
    room = CACHED * max(caches().values(), default=0) / Crowd(width, 1).bytes
    return 1 << max(0, int(room).bit_length() - 1)


def write(section: Section, rates: Rates, points: list[Point], quick: bool) -> None:
    write_found(section, points)
    if not quick:
        write_sweep(section, rates)
        write_devices(section, rates)


def write_found(section: Section, points: list[Point]) -> None:
    """Chunks beside all at once, of the same lives."""
    at_once = {(p.crowd.width, p.crowd.lives): p for p in points if not p.crowd.chunk}
    section.write(
        "One program over all lives reads and writes all weights at every moment. In chunks "
        "(`jax.lax.map` over chunks, the scan over moments inside) the weights of a chunk stay in "
        f"a cache: here the largest power of two of lives that take at most {CACHED:g} of the "
        "last cache. Births are in neither time."
    )
    header = ("width", "lives", "chunk", "KiB of weights", "at once us", "in chunks us",
              "times faster", "share of the limit", "of the cache's limit")  # fmt: skip
    rows = []
    for p in (p for p in points if p.crowd.chunk):
        whole = at_once[p.crowd.width, p.crowd.lives]
        rows.append([
            p.crowd.width, p.crowd.lives, p.crowd.chunk, round(p.crowd.bytes / 1024),
            short(whole.seconds.median * 1e6), short(p.seconds.median * 1e6),
            short(whole.seconds.median / p.seconds.median), short(p.share.median),
            f"{short(p.cached.median)} of {p.crowd.level}",
        ])  # fmt: skip
    section.table(header, rows)


def write_sweep(section: Section, rates: Rates, lives: int = 256) -> None:
    """Time over the size of a chunk."""
    rows, ours = [], []
    for width in (64, 128, 256):
        sizes = [c for c in (1, 2, 4, 8, 16, 32, 64, 128, 256) if c <= 8 * chunk(width)][-7:]
        say(f"limit: chunks of {sizes} at width {width}")
        crowds = [Crowd(width, lives, chunk=c).paced(True) for c in sizes]
        found = living(crowds, rates, 5)
        best = min(found, key=lambda p: p.seconds.median)
        for p in found:
            if p.crowd.chunk == AT_ONCE:
                ours.append(short(p.seconds.median / best.seconds.median))
            rows.append([
                width, p.crowd.chunk, short(p.crowd.bytes / 2**20),
                short(p.seconds.median * 1e6), short(p.seconds.median / best.seconds.median),
            ])  # fmt: skip
        gc.collect()
    section.write(
        f"The size of a chunk, of {lives} lives on one device, 5 repetitions. Lives are spread by "
        f"{AT_ONCE}, whatever the width: here {', '.join(ours)} times the best."
    )
    section.table(("width", "chunk", "MiB of weights", "us", "times the best"), rows)


def write_devices(section: Section, rates: Rates) -> None:
    """One device with the threads of all cores against a device for each core."""
    devices, rows = jax.device_count(), []
    if devices == 1:
        return
    for width in (64, 256):
        for lives in (32, 1024):
            say(f"limit: {devices} devices, width {width}, {lives} lives")
            small = min(lives // devices, chunk(width) // devices)
            crowds = [
                Crowd(width, lives),
                Crowd(width, lives, chunk=min(lives, chunk(width))),
                Crowd(width, lives, devices=devices),
                Crowd(width, lives, chunk=small, devices=devices),
            ]
            found = living([c.paced(True) for c in crowds], rates, 5)
            times = [p.seconds.median for p in found]
            rows.append([
                width, lives, *(short(t * 1e6) for t in times),
                short(min(times[:2]) / min(times[2:])),
            ])  # fmt: skip
            gc.collect()
    section.write(
        f"One device, which has the threads of all {devices} cores, against {devices} devices with "
        "the lives shared out by `jax.shard_map`: microseconds per moment of one life, and how "
        "many times faster the better of the latter is. A single life cannot be shared out."
    )
    header = ("width", "lives", "one device, at once", "in chunks",
              f"{devices} devices, at once", "in chunks, each its own", "times faster")  # fmt: skip
    section.table(header, rows)
