"""`metaplast archive`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tyro.conf import Positional


@dataclasses.dataclass(frozen=True)
class Archive:
    """Show what a search with meta.type = "MapElites" holds: the best rule of every cost; or write
    one of them to a file, which then is a found rule as any other.

    Examples:
      metaplast archive runs/frugal
      metaplast archive runs/frugal --bin 5 --out frugal.safetensors
      metaplast bench frugal.safetensors backprop
    """

    run_folder: Positional[Path]
    """The folder of a run, finished or not."""
    bin: int | None = None
    """Write the rule of this bin; needs --out."""
    out: Path | None = None
    """The file to write."""
    json: bool = False
    """Print one JSON document on standard output."""

    def run(self) -> None:
        if (self.bin is None) != (self.out is None):
            missing = "out" if self.out is None else "bin"
            raise ValueError(f"{missing} is missing: expected --bin and --out together")
        if self.out is not None and self.out.exists():
            raise ValueError(f"out = {self.out}: exists already; give another file")
        from metaplast.archive import elites
        from metaplast.cli.output import document

        held = elites(self.run_folder)
        saved = {}
        if self.bin is not None and self.out is not None:
            saved = {"file": str(self.out), "hash": held.save(self.bin, self.out)}
        if self.json:
            rows = [row._asdict() for row in held.rows]
            document({"axis": held.axis, "step": held.step, "bins": rows, **saved})
        elif saved:
            print(f"wrote {saved['file']}: bin {self.bin}, hash {saved['hash'][:12]}")
        else:
            _tell(held)


def _tell(held) -> None:
    from rich.table import Table

    from metaplast.cli.output import wide_console

    shown = Table(title=f"elites by cost, axis {held.axis}, after {held.step} meta-steps",
                  title_justify="left", title_style="bold", box=None, padding=(0, 1))  # fmt: skip
    for column in ("bin", "cost from", "to", "cost", "loss", "generations lived"):
        shown.add_column(column, justify="right")
    best = min((row.loss for row in held.rows if row.loss is not None), default=None)
    for row in held.rows:
        filled = row.loss is not None
        cells = [f"{10**row.cost:.3g}", f"{row.loss:.4f}"] if filled else ["–", "–"]
        style = "bold" if filled and row.loss == best else None
        shown.add_row(
            str(row.bin), f"{10**row.low:.2g}", f"{10**row.high:.2g}", *cells,
            str(row.generations) if filled else "", style=style,
        )  # fmt: skip
    wide_console().print(shown)
