"""What lies where in a run folder, so that nothing else does when a search goes on in it."""

from __future__ import annotations

from pathlib import Path

from metaplast import hint
from metaplast.rulefile import RULE, START, StoreError

CHECKPOINT = "checkpoint"
FILES = (
    START, RULE, f"{CHECKPOINT}/lock",
    "log.jsonl", "bench.json", "certificate.json", "report.html",
)  # fmt: skip
"""Whatever is written by a run, if it is there already."""


def check(folder: Path) -> None:
    """Refuse a run folder in which a folder is in the place of a file, or a file in that of a
    folder: some of them are written only when all is computed.

    Raises:
        StoreError: one line that names it, and says to remove it.
    """
    wrong = [(folder / name, "folder", "file") for name in FILES if (folder / name).is_dir()]
    if (folder / CHECKPOINT).is_file():
        wrong.append((folder / CHECKPOINT, "file", "folder"))
    for path, what, expected in wrong:
        raise StoreError(
            f"{path}: is a {what}, expected a {expected}; remove it, and continue with: "
            f"{hint.resume(folder)}"
        )
