"""`metaplast resume`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tyro.conf import Positional

from metaplast.cli.precision import single


@dataclasses.dataclass(frozen=True)
class Resume:
    """Continue a search from its last checkpoint, to the result it would have had anyway.

    Works after Ctrl-C, after a kill and after a power cut, and computes the same bits as
    a search that was never interrupted. On a finished run it measures and reports again.

    Examples:
      metaplast resume runs/digits
    """

    folder: Positional[Path]
    """The run folder."""
    json: bool = False
    """Print one JSON document on standard output; progress goes to standard error."""

    def run(self) -> None:
        if not (self.folder / "spec.toml").is_file():
            raise ValueError(
                f"run = {self.folder}: no run folder, for it has no spec.toml; "
                "start one with: metaplast search digits"
            )
        single()
        from metaplast import compile_cache, shelf
        from metaplast.cli import campaign

        kept = shelf.opened(compile_cache.switch_on())  # before what computes is loaded
        from metaplast import spread

        spread.use_cores()
        campaign.go_on(self.folder, as_json=self.json, kept=kept)
