"""Time from process start to the first meta-step of `metaplast search digits`.

    python benchmarks/first_step.py [--quick] [--json]

Cold: with an empty compilation cache, as on the first day. Warm: with what a cold start left there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from interleaved import REPETITIONS, Spread, Times
from section import Claim, Section, run, say

LIMITS = {"cold": 20, "warm": 5}
"""Seconds that a start may take on two cores."""


def measure(quick: bool) -> Section:
    section = Section("From process start to the first meta-step")
    repetitions = 1 if quick else REPETITIONS
    times = Times(("cold", "warm"), np.array([pair(i) for i in range(repetitions)]), {})
    section.write(
        f"Seconds until `metaplast search digits` has logged its first meta-step, {repetitions} "
        "pairs of processes: cold (empty compilation cache), then warm. Auditing the start for the "
        "constraints that the experiment demands is part of it."
    )
    section.table(
        ("", "seconds", "fastest"),
        [[name, times.of(name), f"{times.each(name).min():.1f}"] for name in times.names],
    )
    section.write(
        "Where one more start of each kind spends its time: seconds of the main thread. What is "
        "compiled meanwhile in another thread is waited for at the end."
    )
    stages = spent()
    section.table(
        ("", *LIMITS),
        [[stage, *(f"{stages[name][stage]:.2f}" for name in LIMITS)] for stage in stages["cold"]],
    )
    section.write(
        "What bounds a cold start: compiling the loop of `digits`, many small kernels, which takes "
        "both cores from the moment it is traced; and tracing, which is Python. Tried: less "
        "optimization (in), fewer operations, other emitters and splits, the reference "
        "aside, other allocators ([lab notes](lab-notes.md), *where a start spends its time*, "
        "*what else was tried for a cold start*). Where both CPUs are threads of one core a cold "
        "start took 44 s and a warm one 4.85 (2026-11-29)."
    )
    for name, limit in LIMITS.items():
        share = Spread(*(value / limit for value in times.of(name)))
        section.claims.append(Claim(f"first meta-step, {name} / {limit} s", share, most=1))
    return section


def pair(index: int) -> list[float]:
    """Seconds of a cold start, and of a warm one after it."""
    with tempfile.TemporaryDirectory() as folder:
        environment = with_cache(Path(folder) / "cache")
        seconds = []
        for name in ("cold", "warm"):
            say(f"first_step: {name} start, {index + 1}")
            seconds.append(first_step(Path(folder) / name, environment))
    return seconds


def spent() -> dict[str, dict[str, float]]:
    """Seconds of every stage of a cold start, and of a warm one after it."""
    script = Path(__file__).with_name("stages.py")
    with tempfile.TemporaryDirectory() as folder:
        environment, stages = with_cache(Path(folder) / "cache"), {}
        for name in LIMITS:
            say(f"first_step: stages of a {name} start")
            done = subprocess.run(
                [sys.executable, str(script), str(Path(folder) / name)],
                env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
            )  # fmt: skip
            stages[name] = json.loads(done.stdout)
    return stages


def with_cache(folder: Path) -> dict[str, str]:
    """The environment, but for a folder of its own for whatever runs keep for later ones."""
    others = {k: v for k, v in os.environ.items() if k != "METAPLAST_CACHE"}
    return {**others, "JAX_COMPILATION_CACHE_DIR": str(folder)}


def first_step(out: Path, environment: dict[str, str]) -> float:
    """Seconds until the log of a new run holds a line."""
    command = [sys.executable, "-m", "metaplast", "search", "digits", "--out", str(out)]
    begun = time.perf_counter()
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as search:
        log = out / "log.jsonl"
        while search.poll() is None and not (log.exists() and log.stat().st_size):
            time.sleep(0.05)
        spent = time.perf_counter() - begun
        search.terminate()
    if not (log.exists() and log.stat().st_size):
        raise RuntimeError(f"{' '.join(command)} ended before its first meta-step")
    return spent


if __name__ == "__main__":
    run(measure, __doc__)
