"""What can be refused before the first meta-step: one line each, with the fix."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import equinox as eqx
import jax

from metaplast import memory, own_code
from metaplast.derivable import reach
from metaplast.experiment import Experiment, loops, within
from metaplast.lives import lives_of
from metaplast.meta import AbstractMetaOptimizer, Backprop, Forward, Truncated
from metaplast.network import Genome
from metaplast.rules.modulator import MEANINGS
from metaplast.search import searchable
from metaplast.shelf import Shelf
from metaplast.spec import Spec, SpecError
from metaplast.spread import busy
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.shared import for_searches, pools_of, shared
from metaplast.tasks.teaching import modulator_says
from metaplast.tasks.wrapper import name_of

DIFFERENTIATING = (Backprop, Truncated, Forward)
COPIES = 3
"""The outer state, the next one, and what is drawn from it."""


INSTEAD = 'give meta.type = "PES", "ES" or "Evolution", or a learner with a surrogate derivative'
REFUSALS = re.compile(r"[Dd]ifferentiat|JVP|[Tt]ranspos")
"""What JAX says of an operation without a derivative."""


def check(experiment: Experiment) -> None:
    """Refuse an experiment whose search could not begin.

    Raises:
        SpecError: nothing to search, options that do not fit the horizon, or an outer state larger
            than the memory.
    """
    theta, lives = _parts(experiment)
    meta = experiment.meta
    if not jax.tree.leaves(theta):
        raise SpecError(
            "genome: has no number that a search may move (numbers fixed by hand, rates of 0); "
            "give a rule with a rate above 0, a gain, or a learned neuron"
        )
    try:
        if meta.dealt:  # first, for some strategies cannot even be built for too many
            memory.fits(
                f"{meta.dealt.option} = {meta.dealt.count}",
                COPIES * meta.room(memory.numbers(theta)), "give fewer",
            )  # fmt: skip
        state = jax.eval_shape(lambda key: meta.init(lives, theta, key), jax.random.key(0))
        _check_step(meta, lives, theta, state)
        memory.fits(
            "its state", COPIES * memory.size(state),
            "give a smaller population, fewer lives, or a strategy that keeps less (SNES, ES)",
        )  # fmt: skip
    except Exception as fault:
        where = own_code.line(fault) if _own(meta) else ""
        if where:
            raise SpecError(f"meta: {own_code.told(fault)}{where}") from fault
        if isinstance(fault, ValueError):
            raise SpecError(f"meta: {fault}") from None
        raise


def _own(meta: AbstractMetaOptimizer) -> bool:
    """Whether an outer loop is the user's."""
    return not type(meta.inner).__module__.startswith("metaplast.")


def _check_step(meta: AbstractMetaOptimizer, lives: Any, theta: Any, state: Any) -> None:
    """Trace one step of an outer loop of the user's; ours need no look, which takes a moment.

    Raises:
        ValueError: the step returns something else than it has to.
    """
    if not _own(meta):
        return
    name = type(meta.inner).__name__
    made = jax.eval_shape(lambda *args: meta.step(lives, *args), theta, state, jax.random.key(0))
    if not (isinstance(made, tuple) and len(made) == 3):
        raise ValueError(
            f"step of {name} returns {type(made).__name__}, expected (theta, state, Step)"
        )
    for what, before, after in (("theta", theta, made[0]), ("state", state, made[1])):
        if (now := own_code.form(after)) != (was := own_code.form(before)):
            raise ValueError(
                f"step of {name} returns {now} for {what}, expected what it was given, {was}; keep "
                "shapes and types"
            )
    score = getattr(made[2], "score", None)
    if not (hasattr(score, "loss") and hasattr(score, "accuracy") and hasattr(made[2], "lost")):
        raise ValueError(
            f"step of {name} reports {type(made[2]).__name__}, expected a Step "
            "(metaplast.meta.abstract) whose score is what the lives reported, with loss and "
            "accuracy"
        )


def unreached(
    experiment: Experiment, spec: Spec | None = None, shelf: Shelf | None = None
) -> list[str]:
    """Refuse lives through which no derivative comes, where the search follows one.

    Args:
        experiment: the built spec.
        spec: what it was built from.
        shelf: where it is kept that this very spec was looked at before, if anywhere.

    Returns:
        The searchable leaves that stay where they are, because none reaches them.

    Raises:
        SpecError: none reaches any; the text names the operations where it ends.
    """
    meta = experiment.meta.inner
    if not isinstance(meta, DIFFERENTIATING):
        return []
    name = shelf.name("reach", spec.tables) if shelf and spec else None
    if shelf and (kept := shelf.read(name)) is not None:
        return json.loads(kept)
    theta, lives = _parts(experiment)
    plain = getattr(lives, "plain", lives)
    found = reach(plain, theta, jax.random.key(0))
    if found.dead and not found.alive:
        where = " and ".join(map(repr, found.operations[-3:]))
        raise SpecError(
            f"meta.type = {type(meta).__name__!r}: no derivative of the loss reaches "
            f"any searchable number, for it ends at the operation {where}; {INSTEAD}"
        )
    if shelf:
        shelf.write(name, json.dumps(found.dead).encode())
    return found.dead


def idle(experiment: Experiment) -> str:
    """A line about devices for which a search has nothing to live; empty if there are none."""
    dealt, devices = experiment.meta.dealt, len(jax.local_devices())
    if dealt is None:
        return ""
    name, count, lives, at_once = dealt
    left = devices - busy(count, lives, at_once)
    if not left:
        return ""
    if at_once is not None:  # one chunk for each device, and for the last one somebody at all
        enough = at_once * (devices - 1) + 1
    else:
        enough = next(n for n in itertools.count(count) if busy(n, lives) == devices)
    where, _ = loops(experiment.meta)[-1]
    return (
        f"{where}.{name} = {count}: {left} of {devices} devices have nothing to do; "
        f"all of them have from {enough} on"
    )


def elsewhere(spec: Spec) -> str:
    """A line about a search on other data than digits whose comparison is on digits, as it is by
    default; empty where it is on anything else, or where digits are lived as well."""
    data, lived = spec["bench"]["data"], list(dict.fromkeys(_types(spec["task"])))
    if "digits" in lived or not all(re.search(r"\bdigits\b", each) for each in data):
        return ""
    return (
        f"the search lives {' '.join(lived)}, and what it finds will be compared on digits; for "
        'other data give bench.data = ["my.npz"], or a table of a task as a text'
    )


def rehearsed(experiment: Experiment, compared: Iterable[AbstractTask]) -> list[str]:
    """A line about each pool of examples that a search lives and its comparison lives, too.

    Args:
        experiment: whose tasks are looked at, those of its variants as well.
        compared: the tasks of the comparison; made only where the search lives what may be theirs.
    """
    objective, lines = experiment.objective, []
    worlds = [objective.task, *(v.objective.task for v in getattr(objective, "variants", ()))]
    searched = [pool for world in worlds for pool in pools_of(world) if not for_searches(pool)]
    for task in compared if searched else ():
        for pool, other in itertools.product(searched, pools_of(task)):
            if (both := shared(pool, other)) is not None:
                lines.append(
                    f"task: the search lives {both.count} of the {both.of} examples of {both.name} "
                    "that its comparison lives, so what it finds has seen them; give "
                    'split = "search"'
                )
    return list(dict.fromkeys(lines))


def misheard(genome: Genome, task: AbstractTask, found: bool = False) -> list[str]:
    """A line about each rule that takes the modulator for the contrary of what the task says with
    it, and so unlearns what is right.

    Args:
        genome: whose rules, also those within others.
        task: what it lives.
        found: whether a file holds it, and nothing about it can be chosen any more.
    """
    said, lines = modulator_says(task), []
    for path, rule in within(genome.rules, "genome.rules"):
        hears = getattr(rule, "hears", None)
        if hears in MEANINGS and said and hears != said:
            chosen = not found and any(field.name == "hears" for field in dataclasses.fields(rule))
            lines.append(
                f"{path}: {type(rule).__name__} takes the modulator for {_OF[hears]}, "
                f"and in {name_of(task)} it is {_OF[said]}; give "
                + (f'hears = "{said}"' if chosen else "another rule or task")
            )
    return lines


_OF = {"error": "an error", "reward": "a reward"}


def _types(table: Any) -> Iterator[str]:
    """The types of a task and of the tasks in it, the outermost first."""
    if isinstance(table, dict):
        if "type" in table:
            yield str(table["type"])
        for inner in table.values():
            yield from _types(inner)
    elif isinstance(table, (list, tuple)):
        for inner in table:
            yield from _types(inner)


@contextlib.contextmanager
def differentiated(meta: AbstractMetaOptimizer) -> Iterator[None]:
    """Say in one line what JAX says at length of an operation that it cannot differentiate.

    Raises:
        SpecError: in the place of JAX's error.
    """
    try:
        yield
    except (ValueError, NotImplementedError, TypeError) as fault:
        meta = meta.inner
        told = (str(fault).strip().splitlines() or [""])[0]
        if not (isinstance(meta, DIFFERENTIATING) and REFUSALS.search(told)):
            raise
        raise SpecError(
            f"meta.type = {type(meta).__name__!r}: a life has no derivative: {told} {INSTEAD}"
        ) from None


def _parts(experiment: Experiment):
    theta, fixed = eqx.partition(experiment.genome, searchable)
    return theta, lives_of(experiment.objective, fixed)
