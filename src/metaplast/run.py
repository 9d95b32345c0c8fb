"""One search in one folder: logged, checkpointed, resumable."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

from metaplast import hint, own_copy, rulefile, run_folder
from metaplast.ahead import Loop, compiling, start
from metaplast.checkpoint import load_checkpoint, load_position, save_checkpoint
from metaplast.experiment import Experiment, build
from metaplast.network import Genome
from metaplast.objective import Objective
from metaplast.passed import passed, remember
from metaplast.reference import ONE_EPISODE, Beside, backprop_accuracy, lived
from metaplast.rulefile import RULE, START, StoreError
from metaplast.run_folder import CHECKPOINT
from metaplast.search import Position, Progress, found, search
from metaplast.shelf import Shelf
from metaplast.spec import Spec, SpecError, dump, load, settle
from metaplast.store import save_rule
from metaplast.tasks.checksum import checksums
from metaplast.varied import Varied

CHECKPOINT_SECONDS = 5.0
"""Work that a kill can cost, about."""
AFTERWARDS = ("name", "bench", "constraints")
"""What a spec says of the time after its search."""
SMOOTHING = 10
"""Meta-steps that a reported loss or accuracy is averaged over."""


class Report(NamedTuple):
    """Where a search stands, for the display."""

    step: int
    steps: int
    loss: float
    accuracy: float
    """Mean online accuracy of the rule on the lives of the last meta-steps."""
    backprop_accuracy: float
    """That of backprop (Adam, roughly tuned: `reference`) on lives of the same task."""
    steps_per_second: float
    seconds_left: float
    lost: float = 0.0
    """Share of the lives (or candidates) of the last meta-steps without a finite loss or gradient:
    they were left out, or ranked last."""
    backprop_lived: str = ""
    """What of the search's lives backprop lived, where there is more than one episode or setting
    (`reference.lived`)."""
    dealt: str = "lives"
    """What `lost` is a share of: lives (or pairs of them), or candidates."""


class Outcome(NamedTuple):
    """How a run ended."""

    genome: Genome
    step: int
    steps: int

    @property
    def finished(self) -> bool:
        return self.step >= self.steps


class Taken(SpecError):
    """The folder of a new run exists already."""


def create(folder: Path, spec: Spec, shelf: Shelf | None = None) -> None:
    """Make the folder of a new run, write its complete spec, and copy the user's own code.

    Relative files of the spec become absolute, so that the run may be resumed from anywhere.

    Args:
        folder: must not exist.
        spec: what to search.
        shelf: where it is kept that a start passed its audit, if anywhere.

    Raises:
        SpecError: the start breaks a constraint that the spec demands (nothing is written then);
            the folder exists already (`Taken`), or cannot be written.
    """
    spec = settle(spec)
    if spec["constraints"] and not passed(spec, shelf):
        from metaplast.audit.demands import demand  # not needed by any other search

        demand(spec)
        remember(spec, shelf)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        own_copy.keep(folder, spec)
        rulefile.replace(folder / "spec.toml", dump(spec).encode())
    except FileExistsError:
        raise Taken(
            f"out = {folder}: exists already and is never overwritten; give another folder, "
            f"or continue with: {hint.resume(folder)}"
        ) from None
    except OSError as fault:
        raise SpecError(
            f"out = {folder}: {fault.strerror}; give a folder you can write to"
        ) from None


def opened(folder: Path) -> Spec:
    """The spec of an existing run.

    Raises:
        SpecError: no such run, or one whose own code was edited since it began.
    """
    if not (folder / "spec.toml").is_file():
        raise SpecError(f"run = {folder}: no run folder, for it has no spec.toml")
    spec = load(folder / "spec.toml")
    own_copy.check(folder, spec)
    return spec


def run(
    folder: Path,
    on_report: Callable[[Report], None] = lambda report: None,
    should_stop: Callable[[], bool] = lambda: False,
    experiment: Experiment | None = None,
    shelf: Shelf | None = None,
    loop: Future[Loop] | None = None,
) -> Outcome:
    """Search from wherever the folder stands until the last meta-step, or until asked to stop.

    A run that was interrupted, or killed, continues to the same bits. The rule found so
    far is written in any case.

    Args:
        folder: a run folder that `create` made.
        on_report: told where the search stands, every few seconds.
        should_stop: asked between dispatches.
        experiment: the built spec of the folder, where the caller has it already.
        shelf: where traced programs are kept from run to run, if anywhere.
        loop: from `ahead.compiling`, where the caller has begun with it already.

    Raises:
        SpecError: no run, or another experiment than it began with.
        StoreError: a damaged folder, or one in which another process is at work.
    """
    run_folder.check(folder)
    spec = opened(folder)
    experiment = experiment or build(spec)
    with _alone(folder):
        same_spec(folder, spec)
        save_rule(folder / START, experiment.genome, spec)
        position, backprop, dispatch = _standing(folder, experiment, spec, shelf, loop)
        with open(folder / "log.jsonl", "a") as log:
            saved = time.monotonic()
            recent: list[tuple[float, float, float]] = []
            warm: tuple[int, float] | None = None  # step and time when all was compiled
            for progress in search(
                experiment.objective,
                experiment.genome,
                experiment.meta,
                position,
                experiment.steps,
                should_stop=should_stop,
                dispatch=dispatch,
            ):
                position = progress.position
                _write_log(log, progress)
                recent += zip(progress.loss, progress.accuracy, progress.lost, strict=True)
                recent = recent[-SMOOTHING:]
                now = time.monotonic()
                warm = warm or (progress.step, now)
                speed = _speed(progress, warm, now)
                report = _report(progress, experiment.steps, recent, backprop, speed)
                on_report(report._replace(dealt=_dealt(experiment)))
                if now - saved > CHECKPOINT_SECONDS:
                    _save(folder, position, backprop, log, experiment, spec)
                    saved = time.monotonic()
            _save(folder, position, backprop, log, experiment, spec)
        genome = found(experiment.genome, position)
        save_rule(folder / RULE, genome, spec, int(position.step))
    return Outcome(genome, int(position.step), experiment.steps)


def _standing(
    folder: Path,
    experiment: Experiment,
    spec: Spec,
    shelf: Shelf | None,
    loop: Future[Loop] | None,
) -> tuple[Position, Beside, Loop | None]:
    """The last checkpoint, or the start, with the loop to go on with, if there is more to do; the
    log is cut back to it."""
    position, reference_key = start(experiment)
    checkpoint, backprop = folder / CHECKPOINT, None
    if (checkpoint / "manifest.json").exists():
        position, about = load_checkpoint(checkpoint, position)
        older = ONE_EPISODE if lived(experiment.objective) else ""
        backprop = Beside(float(about["backprop_accuracy"]), about.get("backprop_lived", older))
        _same_selection(about.get("selection", ""), folder, experiment)
        _same_data(about.get("data"), folder, experiment)
    _cut_log(folder / "log.jsonl", int(position.step))
    if backprop is not None and int(position.step) >= experiment.steps:
        return position, backprop, None
    loop = loop or compiling(experiment, shelf)
    if backprop is None:
        objective = experiment.objective
        accuracy = backprop_accuracy(objective, spec.hidden, reference_key, shelf=shelf)
        backprop = Beside(accuracy, lived(objective))
        save_checkpoint(checkpoint, position, _about(position, backprop, experiment, spec))
    return position, backprop, loop.result()


def _save(
    folder: Path, position: Position, backprop: Beside, log, experiment: Experiment, spec: Spec
) -> None:
    log.flush()
    os.fsync(log.fileno())
    about = _about(position, backprop, experiment, spec)
    save_checkpoint(folder / CHECKPOINT, position, about)


def _about(position: Position, backprop: Beside, experiment: Experiment, spec: Spec) -> dict:
    about = {
        "step": int(position.step), "backprop_accuracy": backprop.accuracy,
        "spec": _digests(spec), "data": _data(experiment.objective),
    }  # fmt: skip
    about |= {"backprop_lived": backprop.lived} if backprop.lived else {}
    digest = _selection(experiment)
    return {**about, "selection": digest} if digest else about


def _data(objective: Objective | Varied) -> dict[str, str]:
    """Checksums of all data that lives are drawn from; those of bundled data need none."""
    others = objective.variants if isinstance(objective, Varied) else ()
    tasks = [objective.task, *(variant.objective.task for variant in others)]
    return {name: sum_ for task in tasks for name, sum_ in checksums(task).items()}


def _selection(experiment: Experiment) -> str:
    """Digest of a learned selection; empty where there is none. Another outer loop may hold it."""
    return getattr(experiment.meta.inner, "digest", "")


def _digests(spec: Spec) -> dict[str, str]:
    """A hash of every table on which the bits of a search depend."""
    return {
        name: hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
        for name, table in spec.tables.items()
        if name not in AFTERWARDS
    }


def same_spec(folder: Path, spec: Spec) -> None:
    """Refuse to go on with another experiment than the run began with.

    Raises:
        SpecError: a table of its spec was edited since.
    """
    if not (folder / CHECKPOINT / "manifest.json").exists():
        return
    began, now = load_position(folder / CHECKPOINT).get("spec"), _digests(spec)
    if began is None:  # of a version that did not write it down
        return
    for name in sorted({*began, *now}):
        if began.get(name) != now.get(name):
            raise SpecError(
                f"{folder / 'spec.toml'}: {name} is not what this run began with; put it back, or "
                f"begin anew with: {hint.anew(folder)}"
            )


def _same_data(began: dict[str, str] | None, folder: Path, experiment: Experiment) -> None:
    """Refuse to go on with other data than the run began with: its lives would be others from here
    on, and nothing in the folder would say so.

    Raises:
        SpecError: a file of data was written anew since.
    """
    now = _data(experiment.objective)
    for name, sum_ in sorted((began or {}).items()):  # none: of a version that wrote none down
        if sum_ != now.get(name):
            raise SpecError(
                f"task: {name} has sha256 {now.get(name, 'none')[:12]}, but this run began with "
                f"{sum_[:12]}; put the file of then back, or begin anew with: "
                f"{hint.anew(folder)}"
            )


def _same_selection(digest: str, folder: Path, experiment: Experiment) -> None:
    """Refuse to go on with another learned selection than the run began with.

    Raises:
        SpecError: its weights were written anew since.
    """
    now = _selection(experiment)
    if digest and digest != now:
        raise SpecError(
            f"meta.weights: sha256 {now[:12]}, but this run began with {digest[:12]}; put the "
            f"file of then back, or begin anew with: {hint.anew(folder)}"
        )


def _report(progress: Progress, steps: int, recent, backprop: Beside, speed: float) -> Report:
    def mean(column: int) -> float:
        sound = [float(row[column]) for row in recent if math.isfinite(row[column])]
        return sum(sound) / len(sound) if sound else math.nan

    # Before the second dispatch the time of compiling cannot be told from that of searching.
    left = (steps - progress.step) / speed if speed > 0 else math.nan
    return Report(
        progress.step, steps, mean(0), mean(1), backprop.accuracy, speed, left, mean(2),
        backprop.lived,
    )  # fmt: skip


def _dealt(experiment: Experiment) -> str:
    """What a meta-step deals out, in a word; lives, where nobody says."""
    dealt = experiment.meta.dealt
    return "candidates" if dealt and dealt.option == "population" else "lives"


def _speed(progress: Progress, warm: tuple[int, float], now: float) -> float:
    """Meta-steps per second, the time of compiling left out as soon as that is possible."""
    step, since = warm
    if progress.step == step:
        return math.nan
    return (progress.step - step) / (now - since)


def _write_log(log, progress: Progress) -> None:
    """One line per meta-step."""
    count = len(progress.loss)
    for i in range(count):
        row = {
            "step": progress.step - count + i + 1,
            "loss": _number(progress.loss[i]),
            "accuracy": _number(progress.accuracy[i]),
            "lost": _number(progress.lost[i]),
            "seconds": round(progress.seconds / count, 6),
        }
        log.write(json.dumps(row) + "\n")
    log.flush()


def _number(value) -> float | None:
    return float(value) if math.isfinite(value) else None


def _cut_log(path: Path, step: int) -> None:
    """Drop what was logged after the checkpoint: it will be lived again."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(errors="replace").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError, TypeError):  # a line that a kill cut short, or a damaged one
            continue
    rulefile.replace(path, "".join(f"{line}\n" for line in kept).encode())


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the run, so that no second process writes into it; a kill releases it."""
    (folder / CHECKPOINT).mkdir(exist_ok=True)
    with open(folder / CHECKPOINT / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(f"run = {folder}: another process is at work in it") from None
        yield
