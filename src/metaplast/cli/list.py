"""`metaplast list`."""

from __future__ import annotations

import dataclasses

from tyro.conf import Positional


@dataclasses.dataclass(frozen=True)
class List:
    """List everything that a spec or a command can name, with one line and a source each.

    Kinds: neurons, rules, tasks, meta, circuits, learners, constraints, cheats, experiments, zoo.

    Examples:
      metaplast list
      metaplast list rules
    """

    kind: Positional[str] = "all"
    """One kind, or all."""
    json: bool = False
    """Print one JSON document on standard output."""

    def run(self) -> None:
        from metaplast.cli.catalog import KINDS, entries
        from metaplast.spec import near

        if self.kind not in (*KINDS, "all"):
            raise ValueError(f"kind = {self.kind!r}: unknown; {near(self.kind, KINDS)}")
        kinds = KINDS if self.kind == "all" else (self.kind,)
        listed = [entry for kind in kinds for entry in entries(kind)]
        if self.json:
            from metaplast.cli.output import document

            document({"entries": [entry.facts for entry in listed]})
        else:
            _print(kinds, listed)


def _print(kinds, listed) -> None:
    from rich.markup import escape
    from rich.table import Table

    from metaplast.cli.output import wide_console

    console = wide_console(400)  # into a pipe every entry is one line, so that grep finds it
    for kind in kinds:
        rows = [entry for entry in listed if entry.kind == kind]
        if not rows:
            continue
        table = Table(
            title=kind, title_justify="left", title_style="bold", box=None, padding=(0, 1)
        )
        for column in ("", "", ""):
            table.add_column(column, overflow="fold")
        table.show_header = False
        for row in rows:
            table.add_row(f"  {row.name}", escape(row.line), escape(row.source))
        console.print(table)
        console.print()
