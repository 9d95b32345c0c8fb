"""Time from process start to the first meta-step of `metaplast search digits`.

    python benchmarks/first_step.py

Cold: with an empty compilation cache. Warm: the same again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": f"{folder}/cache"}
        for name in ("cold", "warm"):
            print(f"{name} {first_step(Path(folder) / name, environment):.1f} s", flush=True)


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
    return spent


if __name__ == "__main__":
    main()
