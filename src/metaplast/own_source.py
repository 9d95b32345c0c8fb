"""The source of somebody's own code: its text, without running it.

What a class computes is decided by its file and by what that file imports. Files that lie beside it
are read too, found by the import statements; installed packages are not, so whoever needs to be
sure asks `unseen`.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

LONGEST = 4096
"""Characters of a reference; anything longer is some other text."""
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")


class Reference(NamedTuple):
    """What `my_parts.py:MyRule` or `my_package.module:MyRule` says."""

    home: str
    """A Python file, or a module by its dotted name."""
    name: str
    """What is meant in it."""

    @property
    def file(self) -> bool:
        """Whether the home is a file, and not a module."""
        return self.home.endswith(".py")


def reference(text: Any) -> Reference | None:
    """The reference that a text is; None where it is none, for it has no colon, for instance."""
    if not isinstance(text, str) or len(text) > LONGEST or "\n" in text:
        return None
    home, colon, name = text.rpartition(":")
    if not (colon and name.isidentifier()):
        return None
    return Reference(home, name) if home.endswith(".py") or _MODULE.match(home) else None


def homes(tables: Any) -> list[str]:
    """The homes of all references in nested tables and lists, each once."""
    if isinstance(tables, dict):
        tables = list(tables.values())
    if isinstance(tables, (list, tuple)):
        return list(dict.fromkeys(home for item in tables for home in homes(item)))
    found = reference(tables)
    return [found.home] if found else []


def short(text: str) -> str:
    """A reference without the folders of its file, to be read."""
    asked = reference(text)
    return f"{Path(asked.home).name}:{asked.name}" if asked and asked.file else text


def absolute(file: str | Path) -> Path:
    """The whole path of a file, `~` and `..` resolved, links kept."""
    return Path(os.path.abspath(os.path.expanduser(file)))


def sources(home: str) -> dict[Path, bytes]:
    """The files that a home is made of, with their content: the file, or all of the package, and
    what it imports from its own folder. Empty where there is nothing, or no Python text.
    """
    first, folder = _first(home)
    pending, found = list(first), {}
    while pending:
        path = pending.pop()
        if path in found or not path.is_file():
            continue
        found[path] = path.read_bytes()
        if folder is not None:
            for name in _imported(found[path]):
                pending += beside(name, folder)
    return dict(sorted(found.items()))


def located(home: str) -> Path | None:
    """The file of a home itself; None where there is none."""
    if home.endswith(".py"):
        return absolute(home) if absolute(home).is_file() else None
    steps = home.split(".")
    for path in _root(steps[0]):
        inner = path.parent if path.name == "__init__.py" else path.with_suffix("")
        if list(inner.parts[-len(steps) :]) == steps:
            return path
    return None


def digest(home: str) -> str:
    """SHA-256 of the source of a home; empty where there is none."""
    found = sources(home)
    total = hashlib.sha256()
    for path, content in found.items():
        total.update(f"{path} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest() if found else ""


def neighbors(home: str) -> set[str]:
    """Top-level names of the modules beside a file that it imports, itself or through others."""
    first, folder = _first(home)
    if folder is None:
        return set()
    inside = [path.relative_to(folder) for path in sources(home) if path not in first]
    return {path.parts[0].removesuffix(".py") for path in inside}


def unseen(home: str, known: Iterable[str]) -> set[str]:
    """Packages that a home imports, and whose source is not part of its digest.

    Args:
        home: the file or module.
        known: packages whose versions are accounted for elsewhere.
    """
    names = {name for content in sources(home).values() for name in _imported(content)}
    seen = {*neighbors(home), home.split(".")[0]}
    return names - seen - set(known) - sys.stdlib_module_names


def beside(name: str, folder: Path) -> list[Path]:
    """The files of a module or a package of that name in a folder."""
    package = folder / name
    whole = sorted(package.rglob("*.py")) if package.is_dir() else []
    return [folder / f"{name}.py", *whole]


def _first(home: str) -> tuple[list[Path], Path | None]:
    """The files that a home surely is made of, and the folder of its neighbors, if any."""
    if home.endswith(".py"):
        return [absolute(home)], absolute(home).parent
    files = _root(home.split(".")[0])
    if not files:
        return [], None
    first = files[0]
    folder = first.parent.parent if first.name == "__init__.py" else first.parent
    # What is installed has everything that is installed beside it.
    return files, None if folder.name in ("site-packages", "dist-packages") else folder


def _root(top: str) -> list[Path]:
    """The files of a top-level module or package, found without running any of it."""
    if top in sys.stdlib_module_names:
        return []
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        folders = [absolute(place) for place in spec.submodule_search_locations]
        files = [path for folder in folders for path in folder.rglob("*.py")]
        return sorted(files, key=lambda path: (len(path.parts), path.name != "__init__.py", path))
    return [absolute(spec.origin)] if spec.origin and spec.origin.endswith(".py") else []


@functools.lru_cache(maxsize=256)
def _imported(content: bytes) -> frozenset[str]:
    """Top-level names that a source text imports, wherever in it; none where it is no Python."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return frozenset()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return frozenset(found)
