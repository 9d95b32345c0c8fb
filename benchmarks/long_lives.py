"""Is a rule found in short lives good in long ones?

    python benchmarks/long_lives.py --write docs/long_lives.md [--quick]

One search is run at a horizon of 200 moments and at one of 20 000, and what it finds is judged over
lives of the long horizon; then rules that ship, and a start that nobody searched, live a million
moments. A life is a chain of episodes of the digits, drawn anew each time.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from interleaved import Spread, short
from performance import machine
from section import HEADER, Claim, Section, put, say, table

from metaplast import store
from metaplast.experiment import Experiment, build, build_circuit
from metaplast.lives import SearchedLives
from metaplast.meta import PES
from metaplast.meta.stretches import divisors
from metaplast.network import Genome
from metaplast.objective import Objective
from metaplast.positive import Positive
from metaplast.search import begin, found, search, searchable
from metaplast.spec import load, with_overrides
from metaplast.spread import everywhere, spread, use_cores
from metaplast.tasks import digits

EPISODE, LIVES = 1000, 2
SHIPPED = ("zoo/online", "zoo/mirrored", "zoo/layerwise", "zoo/twinned")
LEAKING, LEAK = "zoo/layerwise", 1e-5
"""A rule whose hidden weights grow without end, and a leak that stops them, ten times its own."""
SHORT, LONG, STRETCH = 200, 20_000, 100
STEPS = 1200
"""Meta-steps of a search: horizons grow for half of them, and 200 are a long life."""
JUDGED = 8
"""Lives that judge what was found."""
ANCHORED = "genome.neurons.output.anchored=true"


class Search(NamedTuple):
    """One search by PES, all of which live as many moments in a meta-step."""

    horizon: int
    rate: float
    anchored: bool = True
    """Whether decisions of output cells only scale their error (`neurons.Learned`)."""
    first: int | None = None
    """Horizon of the first lives, where it grows."""


SEARCHES = (
    Search(SHORT, 0.01, anchored=False),
    Search(SHORT, 0.01),
    Search(SHORT, 0.001),
    Search(LONG, 0.01, first=SHORT),
    Search(LONG, 0.001, first=SHORT),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short look, no figures to quote")
    parser.add_argument("--write", type=Path, help="put what was measured into this page")
    given = parser.parse_args()
    use_cores()
    section = Section("Long lives")
    section.lines += [*machine(), ""]
    for part in (trained, stable):
        for _ in part(section, given.quick):  # the page grows, for a run that is cut short
            lines = [*section.lines, *table(HEADER, [claim.row() for claim in section.claims])]
            if given.write:
                put(given.write, lines)
    print("\n".join(lines))


def stable(section: Section, quick: bool) -> Iterator[None]:
    """Shipped and hand-designed rules, living on and on."""
    moments = 20_000 if quick else 1_000_000
    plain = build(load("layered"))
    rules = {"layered, at its start": (plain.objective.circuit, plain.genome)}
    rules |= {name: of_shipped(name) for name in SHIPPED}
    rules[f"{LEAKING}, forward leak {LEAK:g}"] = leaking(*rules[LEAKING])
    marks = [mark for mark in (1_000, 10_000, 100_000, 1_000_000) if mark <= moments]
    header, rows = ("rule", *(f"at {mark}" for mark in marks), "exploded"), []
    section.write(
        f"{LIVES} lives of {moments} moments: the 1597 images of the digits, {EPISODE} of them "
        "drawn anew for every episode. Accuracy before learning over the last 10 000 moments up to "
        "each mark (of all so far, where there are fewer)."
    )
    before = list(section.lines)
    for name, (circuit, genome) in rules.items():
        say(f"long_lives: {name}, {moments} moments")
        objective = Objective(digits(EPISODE, split="all"), circuit, episodes=moments // EPISODE)
        curve, exploded = lived(objective, genome, moments)
        windows = [curve[max(0, mark // EPISODE - 10) : mark // EPISODE] for mark in marks]
        rows.append([name, *(f"{w.mean():.4f}" for w in windows), f"{exploded} of {LIVES}"])
        kept = windows[-1].mean(0) / curve[:10].mean(0)  # of each life
        text = f"accuracy at {moments} moments / over the first 10 000, {name}"
        section.claims.append(Claim(text, Spread.of(kept), least=0.95))
        section.lines = [*before]
        section.table(header, rows)
        yield


def of_shipped(name: str):
    """Circuit and genome of a rule that ships, in the layers that it was found in."""
    rule = store.load(name)
    return build_circuit(rule.spec["anatomy"], 64, rule.spec.hidden, 10), rule.genome


def leaking(circuit, genome: Genome):
    """The same with hidden synapses that leak as much as `LEAK` in a moment."""
    forward = genome.rules["forward"]
    forward = eqx.tree_at(lambda rule: rule.decay, forward, Positive(jnp.log(LEAK)))
    return circuit, Genome(genome.neurons, {**genome.rules, "forward": forward}, genome.log_gains)


def lived(objective: Objective, genome: Genome, moments: int) -> tuple[np.ndarray, int]:
    """Accuracy `[episodes, lives]`, and how many lives exploded."""
    theta, fixed = eqx.partition(genome, searchable)
    lives = SearchedLives(objective, fixed)

    def on(life):
        _, score, life = lives.advance(theta, life, EPISODE)
        return score, life

    keys = jax.random.split(jax.random.key(0), LIVES)
    life = everywhere(jax.vmap(lambda key: lives.begin(theta, key))(keys))
    step = jax.jit(lambda life: spread(on, life))
    curve, score = [], None
    for _ in range(moments // EPISODE):
        score, life = step(life)
        curve.append(np.asarray(score.accuracy))
    return np.asarray(curve), int(jnp.sum(score.exploded)) if score else 0


def trained(section: Section, quick: bool) -> Iterator[None]:
    """The same search at both horizons, judged over long lives."""
    steps = 20 if quick else STEPS
    start = judged(of_horizon(1).genome).mean(0)
    rows = [["(start)", "", "", 0, "", "", *(short(float(v)) for v in start)]]
    late = {SHORT: 0.0, LONG: 0.0}
    lived_whole = []
    for one in SEARCHES:
        say(f"long_lives: search at a horizon of {one.horizon} moments, rate {one.rate}")
        experiment = of_horizon(one.horizon // SHORT, one.anchored)
        first = None if one.first is None else min(one.first, one.horizon)
        meta = PES("adam", one.rate, steps, lives=16, stretch=STRETCH, first=first, spread=0.03)
        position, seconds = begin(*experiment[2:4], meta, jax.random.key(0)), 0.0
        for progress in search(*experiment[2:4], meta, position, steps):
            position, seconds = progress.position, seconds + progress.seconds
        accuracy = judged(found(experiment.genome, position), one.anchored).mean(0)
        whole = whole_lives(meta, one.horizon)
        rows.append([one.horizon, one.rate, "yes" if one.anchored else "no", steps, whole,
                     short(seconds / steps), *(short(float(v)) for v in accuracy)])  # fmt: skip
        if one.horizon == LONG:
            lived_whole.append(float(whole))
        if one.anchored:
            late[one.horizon] = max(late[one.horizon], float(accuracy[-1]))
    section.write(
        f"The experiment `layered` on digits, one episode of {SHORT} moments or {LONG // SHORT} of "
        f"them in a life (the horizon then grows from {SHORT} on); PES with 16 pairs and stretches "
        f"of {STRETCH} moments, so a meta-step costs the same at both. *Whole lives*: pairs of "
        "lives of the whole horizon that a search lives to their end, where none is lost. Accuracy "
        f"before learning in {JUDGED} lives of {LONG} moments, on images that no search saw."
    )
    header = (
        "horizon",
        "rate",
        "anchored",
        "meta-steps",
        "whole lives",
        "s per meta-step",
        "first 200",
        "last 2000",
    )
    section.table(header, rows)
    gain = late[LONG] - late[SHORT]
    text = "accuracy late in long lives, best long search − best short one"
    section.claims.append(Claim(text, Spread(gain, gain, gain), least=0))
    text = f"whole lives of {LONG} moments in a search at that horizon"
    section.claims.append(Claim(text, Spread.of(np.asarray(lived_whole)), least=1, whole=True))
    yield


class Clock(NamedTuple):
    """Lives in which nothing happens but time."""

    horizon: int

    @property
    def stretches(self) -> list[int]:
        return divisors(self.horizon)

    @property
    def plain(self) -> Clock:
        return self

    def __call__(self, theta, key):
        return self.advance(theta, self.begin(theta, key), self.horizon)[:2]

    def begin(self, theta, key):
        return 0.0 * theta

    def advance(self, theta, life, moments: int):
        return jnp.sum(life), (jnp.sum(life),), life


def whole_lives(meta: PES, horizon: int) -> int:
    """How many (pairs of) lives of the whole horizon a search lives to their end."""
    lives, theta = Clock(horizon), jnp.zeros(1)

    def step(carry, key):
        held, length = carry
        over = held.left <= STRETCH
        _, after = meta.estimate(lives, theta, held, key)
        ended = jnp.sum(over & (length == horizon))
        return (after, jnp.where(over, after.left, length)), ended

    def run(key):
        held = meta.hold(lives, theta, key)
        return jax.lax.scan(step, (held, held.left), jax.random.split(key, meta.steps))[1]

    return int(jnp.sum(jax.jit(run)(jax.random.key(0))))


def of_horizon(episodes: int, anchored: bool = True) -> Experiment:
    task = f'task={{type="digits", split="search", moments={SHORT}}}'
    changes = [task, f"objective.episodes={episodes}", *[ANCHORED] * anchored]
    return build(with_overrides(load("layered"), changes))


def judged(genome: Genome, anchored: bool = True) -> np.ndarray:
    """Accuracy early and late in lives of the long horizon, `[lives, 2]`."""
    circuit = of_horizon(1, anchored).objective.circuit
    objective = Objective(digits(SHORT), circuit, episodes=LONG // SHORT)
    theta, fixed = eqx.partition(genome, searchable)
    lives = SearchedLives(objective, fixed)

    def one(key):
        def on(life, _):
            _, score, life = lives.advance(theta, life, SHORT)
            return life, score.accuracy

        curve = jax.lax.scan(on, lives.begin(theta, key), None, objective.episodes)[1]
        return jnp.stack([curve[0], jnp.mean(curve[-2000 // SHORT :])])

    keys = everywhere(jax.random.split(jax.random.key(3), JUDGED))
    return np.asarray(jax.jit(lambda keys: spread(one, keys))(keys))


if __name__ == "__main__":
    main()
