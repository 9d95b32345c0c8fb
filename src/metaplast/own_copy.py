"""The user's own code as it was when a run began: copied, to be compared and to go back to.

What is run is the user's file, where it is: so it may import what lies beside it, and a traceback
or a witness names the line that its author edits. The copy is never run.
"""

from __future__ import annotations

from pathlib import Path

from metaplast import hint, own_source
from metaplast.spec import Spec, SpecError

COPIES = "code"
"""The folder of copies in a run folder; a file lies in it at its whole path, as text."""
TEXT = ".txt"
"""So that a copy is no Python file of whatever package a run folder may lie in."""


def homes(spec: Spec) -> list[str]:
    """The files and modules that a search depends on; those of its comparison are none of them."""
    return own_source.homes([part for name, part in spec.tables.items() if name != "bench"])


def keep(folder: Path, spec: Spec) -> None:
    """Copy the source of what a spec names into a run folder."""
    for path, content in _sources(spec).items():
        copy = folder / COPIES / f"{path.relative_to(path.anchor)}{TEXT}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)


def check(folder: Path, spec: Spec) -> None:
    """Refuse to go on with other code than a run began with.

    Raises:
        SpecError: a file was edited, or is gone, or there is one more; one line that names it.
    """
    root = folder / COPIES
    copies = {
        Path("/", copy.relative_to(root)).with_suffix(""): copy for copy in root.rglob(f"*{TEXT}")
    }
    for path, copy in sorted(copies.items()):
        if not path.is_file() or path.read_bytes() != copy.read_bytes():
            what = "was edited" if path.is_file() else "is gone"
            raise SpecError(
                f"run = {folder}: {path} {what} since this run began; put it back (a copy is "
                f"{copy}), or begin anew with: {hint.anew(folder)}"
            )
    for path in sorted(set(_sources(spec)) - set(copies)):
        raise SpecError(
            f"run = {folder}: {path} was no part of it when it began; undo that, or begin anew "
            f"with: {hint.anew(folder)}"
        )


def _sources(spec: Spec) -> dict[Path, bytes]:
    return {
        path: content for home in homes(spec)
        for path, content in own_source.sources(home).items()
    }  # fmt: skip
