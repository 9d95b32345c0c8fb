"""A search from end to end: folder, search, comparison, certificate, page, tables."""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from metaplast import compile_cache, hint, rulefile, shelf
from metaplast.cli.failure import FULL, Stopped, Unmet
from metaplast.cli.interrupt import wishes
from metaplast.cli.output import document, plain, wide_console, writable
from metaplast.cli.precision import single
from metaplast.cli.progress import Bar, Lines, display
from metaplast.report.certificate import CERTIFICATE
from metaplast.rulefile import StoreError
from metaplast.shelf import Shelf
from metaplast.spec import Spec, SpecError, load

if TYPE_CHECKING:
    from metaplast.experiment import Experiment
    from metaplast.meta import AbstractMetaOptimizer
    from metaplast.run import Report
    from metaplast.tasks.abstract import AbstractTask


def start(spec: Spec, out: Path | None, as_json: bool) -> None:
    """Begin a new run. Everything that can be refused is refused before any work."""
    single()
    _check_target(spec, out)
    kept = shelf.opened(compile_cache.switch_on())
    from metaplast.foreseen import foresee
    from metaplast.spread import use_cores

    use_cores()
    soon = foresee(spec, kept)  # in a thread of its own, while what follows is loaded
    from metaplast.ahead import compiling
    from metaplast.passed import passed
    from metaplast.preflight import elsewhere, idle, misheard, rehearsed, unreached

    experiment = checked(spec)
    if out is not None and _means_another(str(out)):
        raise SpecError(
            f"out = {out}: is the name of a learner, which other commands would take it for; "
            f"give another folder, such as runs/{out.name}"
        )
    for leaf in unreached(experiment, spec, kept):
        print(f"no derivative reaches genome{leaf}: it stays where it is", file=sys.stderr)
    wrong = misheard(experiment.genome, experiment.objective.task)
    seen = rehearsed(experiment, (task for task, _ in _compared(spec)))
    for line in filter(None, (idle(experiment), elsewhere(spec), *wrong, *seen)):
        print(line, file=sys.stderr)
    demanded, known = ", ".join(spec["constraints"]), passed(spec, kept)
    if demanded and not known:
        from metaplast.audit.demands import check_names

        check_names(spec)
    loop = compiling(experiment, kept, soon)  # in a thread of its own, while the start is audited
    if demanded:
        print(
            f"this start has passed before: {demanded}" if known
            else f"auditing the start for {demanded}",
            file=sys.stderr,
        )  # fmt: skip
    folder = _created(spec, out, kept)
    go_on(folder, as_json, experiment, kept, loop)


def reopened(folder: Path) -> Experiment:
    """The built experiment of a run, after a look at all that a search, the comparison and the
    certificate will need: tables of what comes afterwards may be edited."""
    from metaplast import run as runs
    from metaplast import run_folder

    run_folder.check(folder)
    spec = runs.opened(folder)
    experiment = checked(spec)
    if spec["constraints"]:
        from metaplast.audit.demands import check_names

        check_names(spec)
    return experiment


def checked(spec: Spec) -> Experiment:
    """The built experiment, after a look at everything that the comparison will need."""
    from metaplast import preflight
    from metaplast.experiment import build
    from metaplast.learners import registry

    experiment = build(spec)
    preflight.check(experiment)
    for task, moments in _compared(spec):
        for name in spec["bench"]["learners"]:
            registry.build(name, task.inputs, spec.hidden, task.classes, moments)
    return experiment


def _compared(spec: Spec) -> Iterator[tuple[AbstractTask, int]]:
    """The tasks of the comparison, all data and of each all lengths of a life; with the length that
    was asked for, which a task of its own length need not keep."""
    from metaplast.bench.protocol import task_of

    for data, moments in itertools.product(spec["bench"]["data"], spec["bench"]["moments"]):
        yield task_of(data, moments), moments


def go_on(
    folder: Path,
    as_json: bool,
    experiment: Experiment | None = None,
    kept: Shelf | None = None,
    loop: Future | None = None,
) -> None:
    """Search from wherever the run stands, then compare and report.

    Args:
        folder: the run folder.
        as_json: whether to print one document.
        experiment: the built spec of the folder, where it has been checked already.
        kept: where traced programs are kept from run to run, if anywhere.
        loop: from `ahead.compiling`, where the caller has begun with it already.
    """
    from metaplast import run as runs

    experiment = experiment or reopened(folder)
    with _room(folder), wishes() as should_stop, display() as shown:
        shown.say(f"run folder {folder}")
        told = _telling(shown, experiment.meta)
        outcome = runs.run(folder, told, should_stop, experiment, kept, loop)
        if not outcome.finished:
            raise Stopped(
                f"stopped; saved at meta-step {outcome.step}; continue with: {hint.resume(folder)}"
            )
        result = _compare(folder, runs.opened(folder), shown, should_stop)
        certificate = _certify(folder, shown, should_stop)
    with _room(folder):
        _conclude(folder, result, certificate, as_json)


@contextlib.contextmanager
def _room(folder: Path) -> Iterator[None]:
    """Say where there is no room, and how to go on: a write does not know the name of its file."""
    try:
        yield
    except OSError as fault:
        if fault.errno not in FULL:
            raise
        raise StoreError(
            f"{fault.filename or folder}: {fault.strerror}; free some room, or raise the limit, "
            f"and continue with: {hint.resume(folder)}"
        ) from None


def _instead(meta: AbstractMetaOptimizer, dealt: str) -> str:
    """What to do where everything is lost, by the outer loop and by what its meta-steps deal out:
    some draw nothing around where they stand, and have no spread to lower."""
    from metaplast.experiment import loops

    spreads = [
        f"{path}.spread (such as 0.03)" for path, loop in loops(meta) if hasattr(loop, "spread")
    ]
    *others, last = ["rates", "gains", *spreads]
    said = f"give smaller {', '.join(others)} or {last}"
    if dealt == "candidates":
        return said
    # A derivative that rebuilds weights divides by what a moment leaves of them.
    return (
        f"{said}, or, where synapses lose a large part of their weight in a moment, "
        "objective.segment = 2 (nearly all of it: 0)"
    )


def _telling(shown: Bar | Lines, meta: AbstractMetaOptimizer) -> Callable[[Report], None]:
    """Show where a search stands, and say once that it stands nowhere."""
    said: list[int] = []

    def told(report: Report) -> None:
        shown.search(report)
        if report.lost >= 1.0 and not said:
            said.append(report.step)
            shown.say(
                f"meta-step {report.step}: all {report.dealt} are lost, for no loss or derivative "
                f"is a finite number, so nothing is found; {_instead(meta, report.dealt)}"
            )

    return told


def _compare(folder: Path, spec: Spec, shown: Bar | Lines, should_stop: Callable[[], bool]) -> dict:
    from metaplast.bench import sweep

    def row(name: str, done: int, rows: int) -> None:
        if should_stop():
            raise Stopped(f"stopped; the rule is saved; compare it with: {hint.resume(folder)}")
        shown.row(name, done, rows)

    asked = spec["bench"]
    result = sweep(
        [_unmistakable(folder), str(folder / rulefile.START), *asked["learners"]],
        asked["data"], asked["moments"], [spec.hidden],
        progress=row, lives=asked["lives"], seed=spec.seed,
    )  # fmt: skip
    rulefile.replace(folder / "bench.json", json.dumps(plain(result), indent=1).encode())
    return result


def _unmistakable(folder: Path) -> str:
    """The folder, written so that it is nothing else: a learner, or a rule that ships."""
    name = str(folder)
    return f"./{name}" if _means_another(name) else name


def _means_another(name: str) -> bool:
    """Whether commands that are given this name take it for a learner, and not for a folder."""
    from metaplast.learners.registry import NAMES

    return name in NAMES or name in rulefile.shipped()


def _certify(folder: Path, shown: Bar | Lines, should_stop: Callable[[], bool]) -> dict:
    """All constraints, whichever were demanded, on the rule that was found."""
    from metaplast import store
    from metaplast.audit.certificate import audit
    from metaplast.audit.demands import subject_of

    def check(constraint: str, done: int, total: int) -> None:
        if should_stop():
            raise Stopped(f"stopped; the rule is saved; certify it with: {hint.resume(folder)}")
        shown.row(constraint, done, total, "audit")

    found = store.load(_unmistakable(folder))
    subject = subject_of(found.spec, found.genome)
    certificate = audit(subject, seed=found.spec.seed, progress=check).to_json()
    rulefile.replace(folder / CERTIFICATE, json.dumps(certificate, indent=1).encode())
    return certificate


def _conclude(folder: Path, result: dict, certificate: dict, as_json: bool) -> None:
    from metaplast import report
    from metaplast.cli import certified

    page = report.write(folder)
    if as_json:
        rule = folder / rulefile.RULE
        document({"run": folder, "rule": rule, "report": page, "bench": result,
                  "certificate": certificate})  # fmt: skip
    else:
        from metaplast.bench.table import show

        console = wide_console()
        for cell in result["cells"]:
            show(cell, console)
        console.print()
        console.print(certified.table(certificate))
        print(f"\n{report.verdict(result)}\nreport: {page}")
    broken = certified.broken(certificate, load(folder / "spec.toml")["constraints"])
    if broken:
        raise Unmet("\n".join(broken))


def _check_target(spec: Spec, out: Path | None) -> None:
    """Refuse a folder that exists or cannot be made, before JAX is even loaded."""
    if out is not None and out.exists():
        raise SpecError(
            f"out = {out}: exists already and is never overwritten; give another folder, "
            f"or continue with: {hint.resume(out)}"
        )
    writable(out or _free(Path("runs") / spec.name))


def _created(spec: Spec, out: Path | None, kept: Shelf | None) -> Path:
    """The folder of the run: the one that was asked for, or one that nobody has taken meanwhile,
    for an audit of the start may take a while."""
    from metaplast import run as runs

    while True:
        folder = out or _free(Path("runs") / spec.name)
        try:
            runs.create(folder, spec, kept)
            return folder
        except runs.Taken:
            if out or not folder.is_dir():
                raise


def _free(folder: Path) -> Path:
    """The folder, or the first numbered one that is not taken."""
    numbered = (folder.with_name(f"{folder.name}-{n}") for n in itertools.count(2))
    return next(path for path in itertools.chain([folder], numbered) if not path.exists())
