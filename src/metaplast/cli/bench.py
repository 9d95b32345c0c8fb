"""`metaplast bench`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tyro.conf import Positional

from metaplast.seeds import check_seed


@dataclasses.dataclass(frozen=True)
class Bench:
    """Compare learners: the same lives for all, each rival tuned to its best in hindsight on
    these very lives, and a 95 % bootstrap interval of the paired difference to the best backprop.

    Each example is predicted before it is learned, one at a time, in one pass.

    Examples:
      metaplast bench runs/digits backprop --data digits
      metaplast bench zoo/online backprop nearest_neighbor --data my.npz --moments 300 1500
      metaplast bench backprop feedback_alignment --hidden 64,64 32,32,32,32 --json
      metaplast bench --suite recognition                   # everybody; resumes where it stopped
      metaplast bench zoo/online --suite depth horizon --lives 32 --write mine.md
    """

    learners: Positional[tuple[str, ...]]
    """Run folders, files of found rules, names (metaplast list learners), or learners of your own
    (FILE.py:Name); for a suite, by default all names and the rule that ships."""
    data: tuple[str, ...] = ("digits",)
    """Data sets: digits, mnist1d, an .npz file or IDX folder, a name in METAPLAST_DATA, or any
    task as a TOML table: '{type = "Drifting", task = {type = "digits"}}', also of your own:
    '{type = "my_parts.py:MyTask"}'."""
    moments: tuple[int, ...] = (300,)
    """Lengths of a life: examples, each seen once. For --data of a table that says `moments` itself
    there is nothing to choose; where it does not, this is the length of its innermost tasks."""
    lives: int = 16
    """Paired lives."""
    hidden: tuple[str, ...] = ("64,64",)
    """Sizes of the hidden layers, separated by commas."""
    seed: int = 0
    """Seed of the lives and births."""
    only: bool = False
    """Leave out the trivial learners (nearest class mean, least squares, nearest neighbor)."""
    suite: tuple[str, ...] = ()
    """Whole matrices of learners and tasks instead of --data, --moments and --hidden: recognition,
    few-shot, depth, horizon, continual, detection, spiking. What is done is stored at once."""
    out: Path = Path("runs/suite")
    """Folder in which the entries of suites are kept."""
    write: Path | None = None
    """A Markdown page into which suites are written, in the place of what it said of them."""
    json: bool = False
    """Print one JSON document on standard output; progress goes to standard error."""

    def run(self) -> None:
        check_seed(self.seed)
        if self.suite:
            self._run_suite()
            return
        if self.write is not None:
            raise ValueError("write: only a suite is written to a page; add --suite recognition")
        if not self.learners:
            raise ValueError("learners: none given; try: metaplast bench zoo/online backprop")
        hidden = [_sizes(text) for text in self.hidden]

        from metaplast import compile_cache
        from metaplast.cli import comparison

        compile_cache.switch_on()
        comparison.compare(
            self.learners,
            self.data,
            self.moments,
            self.lives,
            hidden,
            self.seed,
            self.only,
            self.json,
        )

    def _run_suite(self) -> None:
        from metaplast import compile_cache
        from metaplast.cli import suite

        for name in ("data", "moments", "hidden", "only"):
            default = type(self).__dataclass_fields__[name].default
            if getattr(self, name) != default:
                raise ValueError(f"{name}: a suite has its own; leave --{name} or --suite out")
        compile_cache.switch_on()
        suite.live(
            self.suite, self.learners, self.lives, self.seed, self.out, self.write, self.json
        )


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(",")) if text.strip() else ()
    except ValueError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise ValueError(f"hidden = {text!r}: expected sizes of 1 or more, such as 64,64")
    return sizes
