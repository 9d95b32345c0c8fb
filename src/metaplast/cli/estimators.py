"""`metaplast estimators`."""

from __future__ import annotations

import dataclasses
import json as plain_json
import sys
from pathlib import Path
from typing import Any

from tyro.conf import Positional, UseAppendAction

from metaplast.cli.precision import single
from metaplast.seeds import check_seed


@dataclasses.dataclass(frozen=True)
class Estimators:
    """Say which estimator of the meta-gradient suits an experiment, and measure all of them on it:
    bias and variance against the exact gradient, cosine to it, seconds and memory of an estimate;
    and up to which horizon derivatives predict anything.

    Nothing is searched; all is measured where the search would begin.

    Examples:
      metaplast estimators digits
      metaplast estimators my.toml --set task.moments=1000 --stretch 50
      metaplast estimators runs/digits        (also shown in its report)
    """

    experiment: Positional[str]
    """A TOML file, the name of a built-in experiment, or a run folder."""
    set: UseAppendAction[tuple[str, ...]] = ()
    """Replace one value of the experiment, as path=value with a TOML value; may be repeated."""
    lives: int = 8
    """Lives that an estimate lives at once."""
    cycles: int = 8
    """Repetitions of each estimator."""
    spread: float = 0.03
    """Standard deviation of perturbations, and the step that derivatives should predict."""
    stretch: int | None = None
    """Moments of a stretch; a tenth of the horizon by default."""
    seed: int = 0
    """Seed of all lives and perturbations."""
    page: Path | None = None
    """Write a page with figures there."""
    json: bool = False
    """Print one JSON document on standard output; progress goes to standard error."""

    def run(self) -> None:
        single()
        for name in ("lives", "cycles"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 2 or more")
        if self.stretch is not None and self.stretch < 1:
            raise ValueError(
                f"stretch = {self.stretch}: expected 1 or more moments; leave it out for a tenth "
                "of the horizon"
            )
        check_seed(self.seed)
        from metaplast.cli.output import writable, writable_file
        from metaplast.cli.overridden import overridden

        folder = Path(self.experiment)
        kept = folder if (folder / "spec.toml").is_file() else None
        # Before anything is measured, and not after it.
        if kept and not self.set:
            writable(kept, "experiment")
        if self.page:
            if not self.page.absolute().parent.is_dir():
                raise ValueError(
                    f"page = {self.page}: expected a file in a folder that exists; make "
                    f"{self.page.absolute().parent} first, or give another file"
                )
            writable_file(self.page, "page")
        source = str(folder / "spec.toml") if kept else self.experiment
        spec = overridden(source, self.set)
        facts = self._measured(spec)
        self._tell(facts)
        from metaplast.rulefile import replace

        if kept and self.set:
            print("not kept in the run, whose experiment it is not: --set", file=sys.stderr)
        elif kept:
            from metaplast import report
            from metaplast.report.estimators import ESTIMATORS

            replace(kept / ESTIMATORS, plain_json.dumps(facts, indent=1).encode())
            if (kept / "bench.json").exists():
                report.write(kept)
        if self.page:
            from metaplast.report.estimators import page

            replace(self.page, page(facts).encode())

    def _measured(self, spec: Any) -> dict[str, Any]:
        from metaplast import compile_cache

        compile_cache.switch_on()
        from metaplast.spread import use_cores

        use_cores()
        import jax

        from metaplast.cli.output import plain
        from metaplast.estimators.compare import Budget, compare
        from metaplast.estimators.facts import facts
        from metaplast.experiment import build
        from metaplast.meta.abstract import positive_spread
        from metaplast.preflight import check

        def told(name: str) -> None:
            print(f"measuring  {name}", file=sys.stderr, flush=True)

        positive_spread(self.spread)
        experiment = build(spec)
        check(experiment)
        budget = Budget(self.lives, self.cycles, self.spread, self.stretch)
        return plain(
            facts(spec.name, budget, compare(experiment, budget, jax.random.key(self.seed), told))
        )

    def _tell(self, facts: dict[str, Any]) -> None:
        from metaplast.cli.output import document, wide_console
        from metaplast.report.estimators import growth

        if self.json:
            document(facts)
            return
        console = wide_console()
        console.print(_table(facts))
        print(f"\nLargest Lyapunov exponent of learning: {growth(facts)}.")
        print(f"{facts['advice']}")
        if self.page:
            print(f"page: {self.page}")


def _table(facts: dict[str, Any]):
    from rich.table import Table

    shown = Table(
        title=f"{facts['experiment']}: {facts['numbers']} numbers, {facts['horizon']} moments, "
        f"stretches of {facts['stretch']}",
        title_justify="left", title_style="bold", box=None, padding=(0, 1),
    )  # fmt: skip
    for column in facts["columns"]:
        shown.add_column(column, justify="left" if column == "estimator" else "right")
    for cells in facts["cells"]:
        shown.add_row(*cells)
    return shown
