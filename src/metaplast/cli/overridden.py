"""The experiment that a command is given, its values replaced, a `type` switched by one word."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metaplast import spec as specs
from metaplast.spec import Spec

NAMESPACES = {"anatomy": "circuits", "task": "tasks", "meta": "meta"}
"""Where the types of a table are looked up; below `genome` its parts are named like their own."""


def overridden(source: str | Path, overrides: Sequence[str]) -> Spec:
    """The experiment, with every override.

    Where `type` is replaced, options of the old type that the new one does not have are left out,
    for else no type could be switched by one word; a line on standard error names them. What the
    overrides themselves give stays, and is refused where the new type does not have it.

    Args:
        source: path or name of the experiment.
        overrides: `dotted.path=value`, as `spec.with_overrides` takes them.

    Raises:
        SpecError: no such experiment, path or value.
    """
    spec = specs.load(source)
    paths = {tuple(o.partition("=")[0].strip().split(".")) for o in overrides}
    for override in overrides:
        path = tuple(override.partition("=")[0].strip().split("."))
        if path[-1] != "type" or (table := _at(spec.tables, path[:-1])) is None:
            continue
        switched = _at(specs.with_overrides(spec, [override]).tables, path[:-1]) or {}
        known = _options(path, str(switched["type"]))
        if known is None or switched["type"] == table.get("type"):
            continue
        strange = [n for n in table if n not in known | {"type"} and (*path[:-1], n) not in paths]
        for name in strange:
            del table[name]  # of our own copy: what `load` returned is nobody else's
        if strange:
            print(
                f"--set {override}: {switched['type']} has no {', '.join(strange)}; left out",
                file=sys.stderr,
            )
    return specs.with_overrides(spec, overrides)


def _at(tables: Any, path: Sequence[str]) -> dict[str, Any] | None:
    """The table at a path; None where there is none."""
    for step in path:
        if isinstance(tables, dict):
            tables = tables.get(step)
        elif isinstance(tables, list) and step.isdigit() and int(step) < len(tables):
            tables = tables[int(step)]
        else:
            return None
    return tables if isinstance(tables, dict) else None


def _options(path: Sequence[str], name: str) -> set[str] | None:
    """The options of a type; None where there is no type of that name, which is refused later."""
    from metaplast.cli.catalog import entries

    namespace = path[1] if path[0] == "genome" and len(path) > 2 else NAMESPACES.get(path[0])
    if namespace not in ("neurons", "rules", *NAMESPACES.values()):
        return None
    found = [entry for entry in entries(namespace) if entry.name == name]
    return {option for option, *_ in found[0].options} if found else None
