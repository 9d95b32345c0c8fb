"""Cost of a meta-gradient against the plain lives that it differentiates.

    python benchmarks/meta_gradient.py [--quick] [--json]

300 moments of four searches: `factored` (64-64-64-10, `Factored` with fixed cells, as the peers
have it), the same with a trace of every synapse, and the experiments `layered` (the same network
with `Learned` cells) and `digits` (the associative circuit). Gradients with the segments that the
experiment has, and of the plainly unrolled life, which keeps every state; with and without drawing
births and episodes; and a profile. And 100 moments of rules whose weights cannot be rebuilt from
vectors, in 64-64-64-10: their lives are lived again, segment by segment.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from factored_lives import genome, problem
from given_lives import drawn, loss_of
from interleaved import Contender, Spread, Times, compiled, interleave, short
from operations import operations
from profiled import KINDS, Spent, profiled
from section import Claim, Section, run, say
from synaptic_mlp import RATE, STATES, WIDTH, decided

from metaplast.circuits import layered
from metaplast.experiment import build
from metaplast.network import Genome
from metaplast.neurons import Output, Rate
from metaplast.objective import Objective
from metaplast.rules import SynapticGRU, SynapticMLP
from metaplast.search import searchable
from metaplast.spec import load
from metaplast.spread import AT_ONCE, everywhere, spread, use_cores
from metaplast.tasks import Clusters

AIM = 4.0
MOMENTS = 300
FACTORED, TRACED = "factored", "factored, traced"
UNROLLED_LIVES = 32
"""Most lives whose states are all kept; more do not fit."""
PLAIN, PLAIN_UNROLLED = "plain lives", "plain lives, unrolled"
GRADIENT, UNROLLED = "meta-gradient", "meta-gradient, unrolled"
GIVEN = ", of lives drawn beforehand"
"""What is timed is then living alone, without drawing births and episodes."""

RELIVED = {
    f"`SynapticMLP`, width {WIDTH}": lambda: decided(SynapticMLP(RATE, WIDTH)),
    f"`SynapticGRU`, {STATES} states": lambda: decided(SynapticGRU(RATE, STATES)),
}
"""Rules that are neither products of what two cells know nor traces of such."""
RELIVED_MOMENTS, OTHER_SEGMENTS = 100, (2, 50)
"""Moments of their lives, whose segments have 10 by default; and what was tried instead."""

BOUND = (
    "What bounds it: a gradient lives the moment once forward and keeps its vectors, asks the "
    "cells once more, and differentiates them, so it starts about four times the operations of "
    "a plain life (the column), and hardly any of them stands out (the profile below). Weights "
    "are rebuilt by products of vectors, and the decisions of all cells of a kind are "
    "differentiated by one product (`neurons/decision.py`). The circuit of `digits` has cells of "
    "more kinds: hundreds of operations on a few hundred numbers, of which starting one takes "
    "about as long as the operation. Tried: fewer and larger operations by keeping what a moment "
    "leaves as one vector, all moments of a segment linearized at once, parameters given to every "
    "cell, barriers around the vectors of a change, segments of 20 to 300 moments, chunks of 4 to "
    "16 lives, changes that are never written, the compiler's schedulers, vector widths and "
    "number of threads, its library kernels off; all level within a twentieth, or slower, but for "
    "longer segments of `factored`, which are a twelfth faster and multiply more of what rounding "
    "leaves. Without the sums over cells for the matrices of decision networks a gradient of "
    "`digits` would take a sixteenth less ([lab notes](lab-notes.md), *what a third of a "
    "meta-gradient went to*, "
    "*what else was tried for a cold start, and for meta-gradients*, *where the time of a "
    "meta-gradient goes*)."
)
"""Of what is missed on a CPU."""
BOUND_OF_TRACES = (
    "Where weights change by traces, those of a segment are computed once more, forward, and kept "
    "until the sweep back has passed them, for a trace that keeps a twentieth of itself in a "
    "moment, as it does at birth, cannot be rebuilt backward as weights are. By XLA's profile, "
    "looked at once, a third of the gradient's time went to computing, writing and fetching these "
    "traces, a fifth to a sum of traces times derivatives over every row, for that of the leak. "
    "Tried: traces that are carried back beside the weights, with a sum over rows of their own (a "
    "third slower); "
    "segments of 2 to 50 moments (shorter than 20 slower, longer level); living again (nearly "
    "twice as slow) ([lab notes](lab-notes.md), *weights that change by traces*)."
)
"""Of traces."""


def measure(quick: bool) -> Section:
    use_cores()
    section = Section("A meta-gradient against plain lives")
    section.write(
        "One gradient per life through 300 moments, of every number that a search may touch, "
        "against the same lives without it, all spread over chunks and cores as a search does it; "
        "drawing births and episodes is part of both, as it is of a search. *Drawn beforehand*: "
        "the same ratio where it is part of neither. The "
        "reference is the faster way to live plainly. *Unrolled*: ordinary backprop through the "
        "scan, which keeps every state. *Differs by*: weights of the default are rebuilt "
        "backwards and not kept; the largest distance of that gradient from the unrolled one, in "
        "units of the largest entry of a leaf. *Operations*: what the two programs start for one "
        "chunk of lives and moment, loops counted as often as they turn."
    )
    rows = []
    for name in (FACTORED, TRACED, "layered", "digits"):
        for lives in (8,) if quick else (32, 128):
            rows.append(row(section, name, lives, 3 if quick else 7))
    section.table(
        ("search", "lives", "plain lives s", "meta-gradient s", "ratio", "drawn beforehand",
         "unrolled, ratio", "differs by", "operations", "to prepare, s"), rows,
    )  # fmt: skip
    on_a_gpu = jax.default_backend() == "gpu" and not quick  # a quick look has no two sizes
    section.write(bound_on_a_gpu(rows) if on_a_gpu else BOUND)
    if jax.default_backend() == "cpu":
        section.write(BOUND_OF_TRACES)
        where_it_goes(section, ("layered", "digits"))
    relived(section, quick)
    return section


def relived(section: Section, quick: bool) -> None:
    """The same of rules whose lives are lived again."""
    lives, repetitions = (8, 3) if quick else (32, 7)
    rows = []
    for name, rule in RELIVED.items():
        say(f"meta_gradient: {name}, {lives} lives")
        objective, start = everywhere_the_same(rule())
        theta, fixed = eqx.partition(start, searchable)
        keys = jax.random.split(jax.random.key(0), lives)
        programs = dict(zip((PLAIN, GRADIENT), pair(objective, fixed, None), strict=True))
        programs |= {f"{n}": pair(objective, fixed, n)[1] for n in OTHER_SEGMENTS}
        programs[PLAIN_UNROLLED], _ = pair(objective, fixed, 0)
        work, moved = worked(objective, theta, fixed)
        contenders = [compiled(n, p, theta, keys) for n, p in programs.items()]
        times = interleave([*contenders, *only_living(objective, fixed, theta, keys)], repetitions)
        reference = faster(times)
        ratio, living = claimed(section, times, name, lives)
        rows.append([
            name, lives, *(short(times.of(n).median) for n in (reference, GRADIENT)), ratio,
            living, short(work), short(moved),
            *(times.ratio(f"{n}", reference) for n in OTHER_SEGMENTS),
        ])  # fmt: skip
    section.write(
        f"{RELIVED_MOMENTS} moments of rules whose weights cannot be rebuilt from vectors, in "
        "64-64-64-10: of their lives every tenth state is kept, and what lies between is lived "
        "again. *Arithmetic* and *bytes*: of a moment that is lived and, later, lived again and "
        "differentiated, in units of one that is lived, as XLA counts the compiled programs."
    )
    section.table(
        ("rule", "lives", "plain lives s", "meta-gradient s", "ratio", "drawn beforehand",
         "arithmetic", "bytes",
         *(f"segments of {n}, ratio" for n in OTHER_SEGMENTS)), rows,
    )  # fmt: skip
    section.write(
        "What bounds it: a moment is lived twice and then differentiated, and the small networks "
        "of `SynapticMLP` and `SynapticGRU` are computed once more for that, so as not to be kept; "
        "all of it in every synapse. The two columns say how much work that is. Tried: other "
        "segments (the last columns), which change how much is kept, and not how often a moment is "
        "lived; what the small networks compute kept for the way back instead of computed a third "
        "time (14.7 for 7.8 and 12.9 for 9.9 times plain lives: what is kept leaves the caches; "
        "[lab notes](lab-notes.md), *what a rule that is lived again costs to differentiate*)."
    )


def where_it_goes(section: Section, names: Sequence[str]) -> None:
    """A profile, by kind of operation, of a chunk of lives on each core, and of their gradient."""
    rows, cores = [], jax.local_device_count()
    for name in names:
        say(f"meta_gradient: profile of {name}")
        objective, start = searched(name)
        theta, fixed = eqx.partition(start, searchable)
        keys = jax.random.split(jax.random.key(0), AT_ONCE * cores)
        born = objective.learner(start).born(jax.random.key(0))
        shapes = {(AT_ONCE, *weight.shape) for weight in born.weights.values()}
        plainly, differentiated = (pair(objective, fixed, n) for n in (0, objective.segment))
        ways = {PLAIN: plainly[0], GRADIENT: differentiated[1]}
        times = interleave([compiled(way, one, theta, keys) for way, one in ways.items()])
        spent = {
            way: profiled(jax.jit(one).lower(theta, keys).compile(), shapes, theta, keys)
            for way, one in ways.items()
        }
        told = [(kind, *(spent[way][kind] for way in (PLAIN, GRADIENT))) for kind in KINDS]
        sums = [Spent(*map(sum, zip(*spent[way].values(), strict=True))) for way in spent]
        for kind, plain, gradient in [*told, ("together", *sums)]:
            rows.append([name, kind, *in_a_moment(plain, gradient, cores)])
        whole = [short(1e6 * times.of(way).median / MOMENTS) for way in ways]
        rows.append([name, "not profiled", "", "", *whole, times.ratio(GRADIENT, PLAIN)])
    section.write(
        f"Where the time goes: {AT_ONCE} lives at once on each of {cores} cores, by XLA's own "
        "profile, of one core and of one moment of all its lives. Profiled, every operation takes "
        "up to a microsecond longer, so small ones look larger than they are; the last row is the "
        "same programs without. What an operation is, its name and its arrays say: what is "
        "computed on the way, in one with a copy or a pass over weights, counts as that."
    )
    section.table(
        ("search", "operations", "plain, number", "gradient, number", "plain, us", "gradient, us",
         "ratio"), rows,
    )  # fmt: skip


def in_a_moment(plain: Spent, gradient: Spent, cores: int) -> list[str]:
    """Columns of one kind of operation."""
    numbers = [short(spent.operations / MOMENTS / cores) for spent in (plain, gradient)]
    times = [short(1e6 * spent.seconds / MOMENTS / cores) for spent in (plain, gradient)]
    return [*numbers, *times, short(gradient.seconds / plain.seconds)]


def everywhere_the_same(rule) -> tuple[Objective, Genome]:
    """64-64-64-10 with fixed cells, one rule in all of its projections."""
    task = Clusters(inputs=64, moments=RELIVED_MOMENTS)
    neurons = {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output("softmax")}
    genome = Genome(neurons, {"forward": rule, "readout": rule})
    return Objective(task, layered(64, (64, 64), task.classes)), genome


def worked(objective: Objective, theta, fixed) -> tuple[float, float]:
    """How many times the operations and the bytes of a moment a gradient takes for it: once lived,
    once more lived and differentiated. Of eight lives at once, as they are spread."""
    task = objective.task

    def born(key):
        episode_key, birth_key = jax.random.split(key)
        episode = task.sample(episode_key)
        network = objective.learner(eqx.combine(theta, fixed))
        return network.born(birth_key), episode.stimuli[0], episode.targets[0]

    def moment(theta, state, stimulus, target):
        network = objective.learner(eqx.combine(theta, fixed))
        state, readout = network.moment(state, stimulus, target, task, jax.random.key(1))
        return state, task.loss(readout, target)

    def differentiated(theta, state, stimulus, target, wanted):
        _, back = jax.vjp(lambda theta, state: moment(theta, state, stimulus, target), theta, state)
        return back(wanted)

    begun = jax.vmap(born)(jax.random.split(jax.random.key(0), AT_ONCE))
    wanted = jax.vmap(lambda *begun: moment(theta, *begun))(*begun)

    def cost(function, *arguments):
        mapped = jax.jit(jax.vmap(function, (None, *[0] * (len(arguments) - 1))))
        return mapped.lower(*arguments).compile().cost_analysis()

    plain = cost(moment, theta, *begun)
    again = cost(differentiated, theta, *begun, wanted)
    return tuple(1 + again[of] / plain[of] for of in ("flops", "bytes accessed"))


def bound_on_a_gpu(rows: list) -> str:
    """What bounds it there, from how little more time more lives take.

    Args:
        rows: of the table: the search, its lives, and seconds of plain lives and of gradients.
    """
    told = []
    for name in dict.fromkeys(row[0] for row in rows):
        few, many = [row for row in rows if row[0] == name]
        plain, gradient = (float(many[column]) / float(few[column]) for column in (2, 3))
        told.append(
            f"{many[1]} lives of `{name}` take {short(plain)} times as long as {few[1]}, their "
            f"gradients {short(gradient)} times"
        )
    return (
        f"What bounds it: {'; '.join(told)}. So most of the time is not the work of lives, "
        "but how many kernels a moment starts, one after the other; and of those a gradient "
        "starts four to five times as many (*operations*, counted in the section of a CPU). No "
        "profile was taken. Tried: `METAPLAST_KERNEL=pallas`, in lives and gradients alike: 4.06 "
        "to 4.22 on 2026-11-28 ([lab notes](lab-notes.md), *on a GPU*)."
    )


def row(section: Section, name: str, lives: int, repetitions: int) -> list:
    say(f"meta_gradient: {name}, {lives} lives")
    objective, start = searched(name)
    theta, fixed = eqx.partition(start, searchable)
    keys = jax.random.split(jax.random.key(0), lives)
    programs = dict(zip((PLAIN, GRADIENT), pair(objective, fixed, objective.segment), strict=True))
    programs[PLAIN_UNROLLED], unrolled = pair(objective, fixed, 0)
    apart = started = ""
    if lives <= UNROLLED_LIVES:
        programs[UNROLLED] = unrolled
        apart, started = looked_at(programs, theta, keys[:AT_ONCE])
    contenders = [compiled(n, p, theta, keys) for n, p in programs.items()]
    times = interleave([*contenders, *only_living(objective, fixed, theta, keys)], repetitions)
    reference = faster(times)
    ratio, living = claimed(section, times, name, lives)
    return [
        name, lives, short(times.of(reference).median), short(times.of(GRADIENT).median), ratio,
        living, times.ratio(UNROLLED, reference) if UNROLLED in programs else "not measured",
        apart, started,
        short(times.preparing[GRADIENT]),
    ]  # fmt: skip


def claimed(section: Section, times: Times, name: str, lives: int) -> tuple[Spread, Spread]:
    """How many times longer a gradient takes, with and without drawing what is lived; claimed."""
    ratios = []
    for what in ("", GIVEN):
        ratios.append(times.ratio(GRADIENT + what, faster(times, what)))
        text = f"meta-gradient / plain lives, {name}, {lives} lives{what}"
        section.claims.append(Claim(text, ratios[-1], most=AIM))
    return tuple(ratios)


def faster(times: Times, what: str = "") -> str:
    """The way to live plainly that took less time: in segments, or in one scan."""
    return min((PLAIN + what, PLAIN_UNROLLED + what), key=lambda n: times.of(n).median)


def looked_at(programs, theta, keys) -> tuple[str, str]:
    """How far the gradient is from the unrolled one, in units of the largest entry of a leaf; and
    the operations that a gradient and plain lives start for a moment."""
    made = {n: jax.jit(programs[n]).lower(theta, keys).compile()
            for n in (PLAIN, GRADIENT, UNROLLED)}  # fmt: skip
    ours, true = (jax.tree.leaves(made[n](theta, keys)) for n in (GRADIENT, UNROLLED))
    apart = max(
        float(jnp.abs(a - b).max() / jnp.abs(b).max())
        for a, b in zip(ours, true, strict=True)
        if jnp.abs(b).max() > 0
    )
    plain, gradient = (operations(made[n].as_text()) / MOMENTS for n in (PLAIN, GRADIENT))
    return f"{apart:.0e}", f"{gradient / plain:.2f} ({gradient:.0f} / {plain:.0f})"


def searched(name: str) -> tuple[Objective, Genome]:
    """What is differentiated, and where."""
    if name in (FACTORED, TRACED):
        objective, theta = problem(MOMENTS)
        start = genome(jax.tree.map(jnp.asarray, theta))
        if name == TRACED:
            rules = {n: dataclasses.replace(r, traced=True) for n, r in start.rules.items()}
            start = dataclasses.replace(start, rules=rules)
        return objective, start
    experiment = build(load(name))
    return experiment.objective, experiment.genome


def only_living(objective: Objective, fixed, theta, keys) -> list[Contender]:
    """The same lives and their gradients, from births and episodes that are drawn beforehand. The
    derivative ends at birth."""
    born = jax.jit(jax.vmap(lambda key: drawn(objective, eqx.combine(theta, fixed), key)))(keys)
    given = everywhere((*born, keys))

    def living(segment: int | None):
        cut = dataclasses.replace(objective, segment=segment)
        return both(lambda theta, life: loss_of(cut, eqx.combine(theta, fixed), *life))

    plainly, differentiated = living(objective.segment)
    programs = {PLAIN: plainly, PLAIN_UNROLLED: living(0)[0], GRADIENT: differentiated}
    return [compiled(n + GIVEN, p, theta, given) for n, p in programs.items()]


def pair(objective: Objective, fixed, segment: int | None, at_once: int | None = None):
    """Plain lives, and their gradient, as two functions of theta and the keys of the lives."""
    cut = dataclasses.replace(objective, segment=segment)
    return both(lambda theta, key: cut(eqx.combine(theta, fixed), key)[0], at_once)


def both(loss, at_once: int | None = None):
    """The loss of a life, and its gradient, of many lives."""

    def plainly(theta, lives):
        return spread(lambda life: loss(theta, life), lives, at_once)

    def differentiated(theta, lives):
        return spread(lambda life: jax.grad(loss)(theta, life), lives, at_once)

    return plainly, differentiated


if __name__ == "__main__":
    run(measure, __doc__)
