"""Entries of a suite on disk: one file each, whole or not at all, so that nothing lives twice."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metaplast import rulefile
from metaplast.suites import Setting


class Archive:
    """A folder of entries. What an entry is about decides the name of its file, so suites that
    share a setting share its entries.

    Args:
        folder: made where it is absent.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def read(self, about: dict[str, Any]) -> dict[str, Any] | None:
        """The entry that is about this; None where nobody has lived it.

        Raises:
            ValueError: a file that is no entry.
        """
        path = self.path(about)
        try:
            stored = json.loads(path.read_text())
            if stored["about"] == about:
                return stored
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            pass
        raise ValueError(f"{path}: damaged, expected an entry of a suite; remove it")

    def write(self, stored: dict[str, Any]) -> None:
        """Keep an entry; a process killed meanwhile leaves the one before, or none."""
        path = self.path(stored["about"])
        path.parent.mkdir(parents=True, exist_ok=True)
        rulefile.replace(path, json.dumps(stored, allow_nan=False).encode())

    def everything(self) -> Iterator[dict[str, Any]]:
        """All entries but damaged ones, which `read` refuses where they matter."""
        for path in sorted(self.folder.glob("*/*.json")):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                stored = json.loads(path.read_text())
                if self.path(stored["about"]) == path:
                    yield stored

    def path(self, about: dict[str, Any]) -> Path:
        """Where an entry lies: readable, and different for whatever is about something else."""
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]
        return self.folder / place(about) / f"{_readable(about['learner'])}-{digest}.json"


def place(about: dict[str, Any]) -> str:
    """The folder in which the entries of a setting lie."""
    words = re.sub(r'type = |moments = |task = |data = |"named"', "", about["data"])
    length = "" if about["data"].startswith("{") else f"-{about['moments']}-moments"
    return f"{_readable(words)}{length}-{len(about['hidden']) + 1}-layers"


def _readable(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")


def about(setting: Setting, learner: str, lives: int, seed: int) -> dict[str, Any]:
    """All that decides what an entry holds, but the data and the rule themselves."""
    return {
        "data": setting.data,
        "moments": setting.moments,
        "hidden": list(setting.hidden),
        "judged": setting.judged,
        "lives": setting.lives or lives,
        "seed": seed,
        "learner": learner,
    }
