"""`metaplast search`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tyro.conf import Positional, UseAppendAction


@dataclasses.dataclass(frozen=True)
class Search:
    """Search a learning rule, and compare what was found with backprop.

    Makes a run folder with everything in it: the complete spec, a log, checkpoints, the
    rule, the comparison and a page to read. Ctrl-C stops cleanly and keeps what was found.

    Examples:
      metaplast search digits
      metaplast search my.toml --set meta.steps=500 --set task.moments=200 --seed 3
      metaplast search digits --out runs/x --json > result.json
    """

    experiment: Positional[str]
    """A TOML file, or the name of a built-in experiment (metaplast list experiments)."""
    set: UseAppendAction[tuple[str, ...]] = ()
    """Replace one value of the experiment, as path=value with a TOML value; may be repeated."""
    seed: int | None = None
    """Seed of the search, in place of the experiment's own."""
    out: Path | None = None
    """Run folder; it must not exist. By default runs/NAME, with a number where that is taken."""
    json: bool = False
    """Print one JSON document on standard output; progress goes to standard error."""

    def run(self) -> None:
        from metaplast.cli.overridden import overridden

        seed = () if self.seed is None else (f"seed={self.seed}",)
        spec = overridden(self.experiment, (*self.set, *seed))

        from metaplast.cli import campaign

        campaign.start(spec, self.out, as_json=self.json)
