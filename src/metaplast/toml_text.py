"""Plain nested tables as TOML text. The standard library reads TOML but does not write it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def dumps(table: dict[str, Any]) -> str:
    """The text of a table: plain values first, then one `[header]` per nested table.

    Tables inside lists are written inline. `None` has no form in TOML and is left out.
    """
    lines: list[str] = []
    _write(table, (), lines)
    return "\n".join(lines).lstrip("\n") + "\n"


def value(item: Any) -> str:
    """One value, inline."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int):
        return str(item)
    if isinstance(item, float):
        return repr(item) if math.isfinite(item) else str(item)
    if isinstance(item, str):
        # Every JSON string is a TOML string, except for one control character.
        return json.dumps(item, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(item, (list, tuple)):
        return "[" + ", ".join(value(i) for i in item) + "]"
    if isinstance(item, dict):
        pairs = (f"{_key(k)} = {value(v)}" for k, v in item.items() if v is not None)
        return "{" + ", ".join(pairs) + "}"
    raise TypeError(
        f"value = {item!r}: TOML has no {type(item).__name__}; use a number, text, list or table"
    )


def _write(table: dict[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    plain = {k: v for k, v in table.items() if not isinstance(v, dict) and v is not None}
    nested = {k: v for k, v in table.items() if isinstance(v, dict)}
    if path and (plain or not nested):
        lines += ["", "[" + ".".join(_key(p) for p in path) + "]"]
    lines += [f"{_key(k)} = {value(v)}" for k, v in plain.items()]
    for name, inner in nested.items():
        _write(inner, (*path, name), lines)


def _key(name: str) -> str:
    return name if _BARE.match(name) else value(name)
