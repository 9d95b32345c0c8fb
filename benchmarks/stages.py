"""Where a start of `metaplast search digits` spends its time, until its first meta-step is logged.

    python benchmarks/stages.py OUT

Lives the start in this process, looks at what the main thread is doing a hundred times a second,
and prints a JSON document: seconds of each stage. `benchmarks/first_step.py` calls it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

STAGES = {
    "loading modules": ("<frozen importlib._bootstrap>",),
    "auditing the start": ("/metaplast/audit/",),
    "the first meta-step": ("/metaplast/search.py:search",),
    "waiting for the compiled loop": ("/concurrent/futures/",),
    "measuring the reference": ("/metaplast/reference.py",),
    "tracing the loop": ("/metaplast/program.py:traced",),
    "building the experiment": ("/metaplast/experiment.py", "/metaplast/ahead.py:start"),
}
"""By what is on the stack; the first that fits counts."""
OTHER = "all else"
EVERY = 0.01
"""Seconds between two looks."""


def watch(thread: int, log: Path) -> None:
    """Look at a thread until the log holds a line; print, and end the process."""
    spent = dict.fromkeys([*STAGES, OTHER], 0.0)
    before = time.perf_counter()
    while not (log.exists() and log.stat().st_size):
        time.sleep(EVERY)
        now = time.perf_counter()
        spent[stage(thread)] += now - before
        before = now
    print(json.dumps(spent), flush=True)
    os._exit(0)  # the search would go on


def stage(thread: int) -> str:
    """What a thread is at."""
    frame, stack = sys._current_frames().get(thread), []
    while frame is not None:
        stack.append(f"{frame.f_code.co_filename}:{frame.f_code.co_name}")
        frame = frame.f_back
    for name, signs in STAGES.items():
        if any(sign in line for sign in signs for line in stack):
            return name
    return OTHER


if __name__ == "__main__":
    out = Path(sys.argv[1])
    main_thread = threading.get_ident()
    threading.Thread(target=watch, args=(main_thread, out / "log.jsonl"), daemon=True).start()
    from metaplast.cli import main

    main(["search", "digits", "--out", str(out)])
