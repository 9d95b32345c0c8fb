"""Recordings that the library `faery` reads: AEDAT 4 of DV, and Prophesee's `.dat` and `.raw`."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from metaplast.tasks.whole_file import whole_file

KINDS = {".aedat4": "aedat", ".dat": "dat", ".raw": "evt"}
"""What the library calls a form, by the ending of its files."""
_HEAD = re.compile(rb"(% (?!end\b)[^\n]*\n)*(% end\r?\n)?")
"""Of Prophesee's files: lines of text; a `.dat` has two bytes more before its events."""
_VERSION = re.compile(rb"% (?:evt |format EVT)(\d)")
_WORDS = {b"2": 4, b"3": 2}
"""Bytes of a word of `.raw`, by version."""


def read_ferried(path: Path, size: tuple[int, int], kind: str = "") -> dict[str, np.ndarray]:
    """Read one recording through `faery`, which is optional.

    Of a file of DV with several cameras the first one is read. A `.raw` without a header is taken
    for one of EVT3, the form of the cameras sold today.

    Args:
        path: the file.
        size: height and width of the camera, where the file does not say them.
        kind: a value of `KINDS`; by default what the file's ending means.

    Returns:
        Columns `x`, rows `y`, times `t` in us, polarities `p` (1 is brighter).

    Raises:
        FileNotFoundError: no such file.
        ImportError: the library is missing.
        ValueError: a file that is damaged, cut within an event, or without events.

    References: iniVation, AEDAT 4.0, docs.inivation.com; Prophesee, DAT, EVT 2.0 and EVT 3.0
    formats, docs.prophesee.ai.
    """
    kind = kind or KINDS[path.suffix.lower()]
    content = whole_file(path)
    if kind == "aedat" and not _described(content):
        raise ValueError(
            f"data = {str(path)!r}: no aedat recording that can be read (its header is no text); "
            "fetch it again or remove it"
        )
    left = _left_over(content, kind)
    if left:
        raise ValueError(
            f"data = {str(path)!r}: {left} bytes after the last whole event, expected none; fetch "
            "the file again or remove it"
        )
    library = _library(path)
    try:
        stream = library.events_stream_from_file(
            path, dimensions_fallback=size[::-1], file_type=kind
        )
        events = stream.to_array()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as fault:  # a panic of the library's Rust is no Exception
        said = (str(fault).strip().splitlines() or [""])[0][:120]
        raise ValueError(
            f"data = {str(path)!r}: no {kind} recording that can be read ({said}); fetch it again, "
            "remove it, or give an .npz of t x y p"
        ) from None
    if len(events) == 0:
        raise ValueError(
            f"data = {str(path)!r}: no events, expected one or more; fetch the file again or "
            "remove it"
        )
    return {"x": events["x"], "y": events["y"], "t": events["t"], "p": events["on"]}


def _library(path: Path) -> Any:
    try:
        return importlib.import_module("faery")
    except ImportError:
        raise ImportError(
            f"{path}: needs the library `faery`, which is not installed; "
            "try: python -m pip install 'metaplast[events]'"
        ) from None


def _described(content: bytes) -> bool:
    """Whether the header of a file of DV, XML behind four bytes of length, is text. Where it is
    none, the library ends the whole process instead of raising an error."""
    begin = content.find(b"\n") + 1
    size = int.from_bytes(content[begin : begin + 4], "little")
    head = content[begin + 4 : begin + 4 + size]
    try:
        return "<" in head[head.find(b"<") : head.rfind(b">") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return False


def _left_over(content: bytes, kind: str) -> int:
    """Bytes behind the last whole event of Prophesee's forms: a sign that a file was cut, which
    the library passes over."""
    if kind == "aedat":
        return 0  # its packets tell their length, and the library looks
    head = _HEAD.match(content)
    begin = head.end() if head else 0
    if kind == "dat":
        return max(len(content) - begin - 2, 0) % 8
    version = _VERSION.search(content[:begin])
    return (len(content) - begin) % _WORDS.get(version[1] if version else b"3", 2)
