"""Results of earlier processes, each under a name that says all it depends on.

Three things make a kept result safe to use: its name is a hash of everything that it was made from
(`fingerprint`); the source that is hashed is the one that runs (`opened`); and a damaged file is no
file. What nobody can vouch for is made again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from pathlib import Path
from typing import Any

from metaplast import rulefile

LIGHT = (
    "cli", "compile_cache", "coverage", "fingerprint", "hint", "kernel", "own_code", "own_source",
    "report", "rulefile", "run_folder", "seeds", "settled", "shelf", "spec", "toml_text",
)  # fmt: skip
"""Parts of the package that compute nothing, and may be loaded before a shelf is opened."""


@dataclasses.dataclass(frozen=True)
class Shelf:
    """A folder of kept results, and the hash of the source that makes and uses them."""

    folder: Path
    source: str

    def name(self, kind: str, *values: Any) -> str | None:
        """Where the result of that kind made from these values is kept.

        None where that cannot be told for sure: a value is of a class whose source is not known,
        or the source on disk is no longer the one that was loaded.
        """
        from metaplast.fingerprint import Opaque, fingerprint, source_hash

        if source_hash() != self.source:
            return None
        try:
            return f"{kind}-{fingerprint(self.source, kind, *values)}"
        except Opaque:
            return None

    def read(self, name: str | None) -> bytes | None:
        """What is kept under a name; None where there is nothing, or nothing whole."""
        if name is None:
            return None
        try:
            whole = (self.folder / name).read_bytes()
        except OSError:
            return None
        content = whole[32:]
        return content if hashlib.sha256(content).digest() == whole[:32] else None

    def write(self, name: str | None, content: bytes) -> None:
        """Keep something; a full disk or a folder that is gone costs only the next run's time."""
        if name is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            rulefile.replace(self.folder / name, hashlib.sha256(content).digest() + content)
        except OSError:
            return


def opened(cache: Path | None) -> Shelf | None:
    """The shelf in a cache folder, to be opened before any code that computes is loaded.

    The source is hashed now, and again whenever a name is made. If both agree, then all that was
    loaded in between is what was hashed, whoever edits the files meanwhile.

    Returns:
        None where there is no folder, or where it is too late.
    """
    if cache is None or _too_late():
        return None
    from metaplast.fingerprint import source_hash

    return Shelf(cache / "kept", source_hash())


def _too_late() -> bool:
    parts = [name.split(".") for name in sys.modules if name.startswith("metaplast.")]
    return any(part[1] not in (*LIGHT, "__main__") for part in parts)
