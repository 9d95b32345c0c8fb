"""Relative files in the tables of an experiment, made absolute: what was meant stays what is meant,
from whichever folder the experiment is run or resumed."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from metaplast import toml_text
from metaplast.own_source import reference

FILES = ("path", "images", "annotations")
"""Options that hold a file or a folder whatever it looks like."""
NAMES = ("name", "constraints")
"""Entries that never hold one."""
DATA = "METAPLAST_DATA"
_SUFFIX = re.compile(r"\.\w+\Z")


def settled(item: Any, folders: Sequence[Path], entry: str = "") -> Any:
    """A copy of a table, a list or a value in which every relative file that exists is absolute.

    Texts count that look like files (with a `/` or a suffix), and those of the options in `FILES`;
    the file of a reference `FILE.py:Name`; and tables that are written as text. What is not found
    stays as it is: whoever needs it says so.

    Args:
        item: plain values, as nested as they like.
        folders: where a file is looked for, one after the other.
        entry: the option that the item is the value of.
    """
    if isinstance(item, dict):
        return {
            name: value if name in NAMES else settled(value, folders, name)
            for name, value in item.items()
        }
    if isinstance(item, list):
        return [settled(value, folders, entry) for value in item]
    if not isinstance(item, str):
        return item
    if item.lstrip().startswith("{"):
        return _table(item, folders, entry)
    asked = reference(item)
    if asked is not None:
        found = _found(asked.home, folders) if asked.file else None
        return f"{found}:{asked.name}" if found else item
    if entry in FILES or _like_a_file(item):
        return _found(item, folders) or item
    return item


def relative(homes: Iterable[str]) -> list[str]:
    """Of the homes of references (`own_source.homes`), the files that have no whole path."""
    return [home for home in homes if home.endswith(".py") and not os.path.isabs(home)]


def _table(text: str, folders: Sequence[Path], entry: str) -> str:
    """A table that is written as text, settled; as it is where that changes nothing."""
    try:
        table = tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text
    after = settled(table, folders, entry)
    return text if after == table else toml_text.value(after)


def _like_a_file(text: str) -> bool:
    # A shipped rule is called zoo/NAME, and no file is.
    return not text.startswith("zoo/") and ("/" in text or bool(_SUFFIX.search(text)))


def _found(text: str, folders: Sequence[Path]) -> str | None:
    path = Path(text).expanduser() if text.startswith("~") else Path(text)
    if path.is_absolute():
        return str(path)
    if len(path.parts) == 1 and not _like_a_file(text) and _named(text):
        return None
    for folder in folders:
        there = os.path.abspath(folder / path)
        try:
            if os.path.exists(there):
                return there
        except ValueError:  # a null byte
            return None
    return None


def _named(name: str) -> bool:
    """Whether a bare name is one of the folder of data sets, which is asked first."""
    folder = os.path.expanduser(os.environ.get(DATA, ""))
    return bool(folder) and any((Path(folder) / there).exists() for there in (f"{name}.npz", name))
