"""Constraints that an experiment demands: looked at before the search, certified after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from metaplast.audit.certificate import Progress, audit, chosen
from metaplast.audit.networks import Teller, from_network
from metaplast.audit.subject import TOLD, Subject
from metaplast.experiment import build_circuit, build_genome, build_presentation
from metaplast.learners.presented import Presentation, Presented
from metaplast.network import Genome
from metaplast.spec import Spec, SpecError
from metaplast.tasks import Reinforced

REWARDING = ("Reinforced", "DelayedReward")
"""Tasks whose teaching is a reward."""


class Refused(SpecError):
    """An experiment whose start breaks a constraint that it demands; the text is the witness."""


def subject_of(spec: Spec, genome: Genome | None = None, name: str = "") -> Subject:
    """The network of an experiment at the small sizes of an audit.

    Args:
        spec: the experiment.
        genome: what the search found; where it starts, if left out.
        name: what the certificate calls it; the name of the experiment, if left out.
    """
    genome = build_genome(spec["genome"]) if genome is None else genome

    def circuit_at(inputs: int, hidden: tuple[int, ...], outputs: int):
        # A genome for a circuit without hidden layers has no cells for any.
        return build_circuit(spec["anatomy"], inputs, hidden if spec.hidden else (), outputs)

    teacher_at, taught = teacher_of(spec["task"])
    return from_network(
        name or spec.name, genome, circuit_at,
        spec=spec.tables, teacher_at=teacher_at, taught=taught,
        note=unseen(build_presentation(spec)),
    )  # fmt: skip


def unseen(shown: Presentation | Presented | None) -> str:
    """What a presentation does with a network beside the moments at which it is taught. An audit
    looks at these alone, so whoever reads `one_phase` is told of the others."""
    if shown is None:
        return ""
    pause = f"the {shown.pause} silent steps before a stimulus, and " if shown.pause else ""
    return (
        f"outside of the audit: {pause}the {shown.steps} steps at which its answer is asked for; "
        "no synapse changes at them"
    )


def teacher_of(task: dict[str, Any]) -> tuple[Callable[[int], Any], str]:
    """Who teaches as a `[task]` table says, for a number of classes; and how that is, in words.

    The sampled lives are of a small task of the audit's own, for stimuli of any kind; but a network
    that is to learn by reward is rewarded in them, and not told what was wanted.
    """
    table: Any = task
    while isinstance(table, dict) and table.get("type") not in REWARDING:
        table = table.get("task", next(iter(table.get("tasks", ())), None))
    if not isinstance(table, dict):
        return Teller, TOLD
    options = {name: table[name] for name in ("right", "wrong", "hears") if name in table}
    late = table["type"] == "DelayedReward" and table.get("delay", 3)

    def teacher_at(classes: int) -> Reinforced:
        return Reinforced(task=cast(Any, Teller(classes)), **options)

    taught = "taught by reward alone, as its task does"
    return teacher_at, f"{taught}, but at once and not {late} moments late" if late else taught


def check_names(spec: Spec) -> None:
    """Refuse an experiment that demands what nobody can check.

    Raises:
        SpecError: an unknown constraint, with near misses.
    """
    try:
        chosen(spec["constraints"])
    except ValueError as fault:
        raise SpecError(f"{spec.origin}: constraints: {fault}") from None


def demand(
    spec: Spec,
    genome: Genome | None = None,
    progress: Progress = lambda constraint, done, total: None,
) -> None:
    """Check the constraints that an experiment names, before anything is spent on it.

    What a search changes are numbers. A verdict whose grade is construction or proof is about
    the program, and so holds for whatever the search finds; a test has to be run again on what
    was found, as the certificate does.

    Raises:
        Refused: the start breaks one of them; one line with the witness.
    """
    check_names(spec)
    if not spec["constraints"]:
        return
    certificate = audit(subject_of(spec, genome), spec["constraints"], spec.seed, progress)
    for verdict in certificate.violations:
        raise Refused(
            f"{spec.origin}: constraints: {verdict.constraint} is violated before the search "
            f"({verdict.grade}): {verdict.witness}; change the anatomy or the genome, or demand "
            "less"
        )
