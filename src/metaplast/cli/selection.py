"""`metaplast selection`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

from metaplast.cli.precision import single
from metaplast.seeds import check_seed


@dataclasses.dataclass(frozen=True)
class Selection:
    """Train a selection: the small attention network that decides, in a population of rules, who
    survives, who breeds, and how far children mutate.

    Use what it writes in any experiment: meta = {type = "LearnedSelection", weights = "FILE"}.

    Examples:
      metaplast selection --by backprop --out my.safetensors
      metaplast selection --by evolution --out other.safetensors --seed 1
    """

    out: Path
    """The file to write; an existing one is replaced only with --again."""
    by: str = "backprop"
    """How: backprop (through generations) or evolution (of the selection itself)."""
    steps: int | None = None
    """Meta-steps; by default as many as the shipped weights had."""
    seed: int = 0
    """Of all problems, lives and mutations."""
    again: bool = False
    """Replace an existing file."""
    json: bool = False
    """Print one JSON document on standard output; progress goes to standard error."""

    def run(self) -> None:
        single()
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps = {self.steps}: expected 1 or more")
        check_seed(self.seed)
        from metaplast.cli.output import document, writable_file

        writable_file(self.out, "out")  # before anything is trained, and not after it
        if self.out.exists() and not self.again:
            raise ValueError(f"out = {self.out}: exists already; give another file, or --again")
        from metaplast import compile_cache

        compile_cache.switch_on()
        from metaplast.spread import use_cores

        use_cores()
        from metaplast.meta import selection_weights
        from metaplast.selection.training import recipe, training

        chosen = recipe(self.by, self.steps)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        print("tracing and compiling", file=sys.stderr, flush=True)
        about: dict[str, Any] = {}
        digest = ""
        for stage in training(chosen, self.seed):
            print(f"{stage.step}/{chosen.steps} loss {stage.loss:.3f}", file=sys.stderr, flush=True)
            about = {"by": self.by, "seed": self.seed, "steps": chosen.steps, "step": stage.step}
            digest = selection_weights.save(self.out, stage.network, about)
        if self.json:
            document({**about, "out": str(self.out), "sha256": digest})
        else:
            print(f"{self.out}: sha256 {digest}")
