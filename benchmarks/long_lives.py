"""Long lives: rules over a million moments, and a search at a horizon of twenty thousand.

    python benchmarks/long_lives.py [--quick] [--json]

A life is a chain of episodes of the digits, drawn anew each time; the learner lives on through all.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from interleaved import Spread, short
from section import Claim, Section, run, say

from metaplast import store
from metaplast.experiment import Experiment, build, build_circuit
from metaplast.lives import SearchedLives
from metaplast.meta import PES
from metaplast.network import Genome
from metaplast.objective import Objective
from metaplast.search import begin, found, search, searchable
from metaplast.spec import load, with_overrides
from metaplast.spread import everywhere, spread, use_cores
from metaplast.tasks import digits

EPISODE, LIVES = 1000, 2
SHORT, LONG, STRETCH = 200, 20_000, 100


def measure(quick: bool) -> Section:
    use_cores()
    section = Section("Long lives")
    stable(section, 20_000 if quick else 1_000_000)
    trained(section, 20 if quick else 400)
    return section


def stable(section: Section, moments: int) -> None:
    """Shipped and hand-designed rules, living on and on."""
    shipped, plain = store.load("zoo/online"), build(load("layered"))
    circuit = build_circuit(shipped.spec["anatomy"], 64, shipped.spec.hidden, 10)
    rules = {
        "zoo/online": (circuit, shipped.genome),
        "layered, at its start": (plain.objective.circuit, plain.genome),
    }
    marks = [mark for mark in (1_000, 10_000, 100_000, 1_000_000) if mark <= moments]
    rows = []
    for name, (circuit, genome) in rules.items():
        say(f"long_lives: {name}, {moments} moments")
        objective = Objective(digits(EPISODE, split="all"), circuit, episodes=moments // EPISODE)
        curve, exploded = lived(objective, genome, moments)
        windows = [curve[max(0, mark // EPISODE - 10) : mark // EPISODE].mean() for mark in marks]
        rows.append([name, *(short(float(w)) for w in windows), f"{exploded} of {LIVES}"])
        ratio = float(windows[-1] / curve[:10].mean())
        section.claims.append(
            Claim(f"accuracy at {moments} moments / over the first 10 000, {name}",
                  Spread(ratio, ratio, ratio), least=0.95)
        )  # fmt: skip
    section.write(
        f"{LIVES} lives of {moments} moments: the 1597 images of the digits, {EPISODE} of them "
        "drawn anew for every episode. Accuracy before learning over the last 10 000 moments up to "
        "each mark (of all so far, where there are fewer)."
    )
    header = ("rule", *(f"at {mark}" for mark in marks), "exploded")
    section.table(header, rows)


def lived(objective: Objective, genome: Genome, moments: int) -> tuple[np.ndarray, int]:
    """Accuracy of every episode, mean over lives, and how many lives exploded."""
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
        curve.append(float(jnp.mean(score.accuracy)))
    return np.asarray(curve), int(jnp.sum(score.exploded)) if score else 0


def trained(section: Section, steps: int) -> None:
    """The same search by PES at a short horizon and at a long one, judged over long lives."""
    rows, ends = [], {}
    for name, episodes in (("short", 1), ("long", LONG // SHORT)):
        experiment = of_horizon(episodes)
        meta = PES("adam", 0.01, steps, lives=16, stretch=STRETCH, spread=0.03)
        say(f"long_lives: search at a horizon of {episodes * SHORT} moments")
        position, seconds = begin(*experiment[2:4], meta, jax.random.key(0)), 0.0
        for progress in search(*experiment[2:4], meta, position, steps):
            position, seconds = progress.position, seconds + progress.seconds
        ends[name] = judged(found(experiment.genome, position))
        rows.append([f"PES, {episodes * SHORT} moments", steps, short(seconds / steps),
                     *(short(float(v)) for v in ends[name])])  # fmt: skip
    start = judged(of_horizon(1).genome)
    rows.insert(0, ["(start)", 0, "0", *(short(float(v)) for v in start)])
    section.write(
        f"The experiment `layered` on digits, one episode of {SHORT} moments or {LONG // SHORT} of "
        f"them in a life; PES with 16 pairs and stretches of {STRETCH} moments, so a meta-step "
        "costs the same at both horizons. Found rules are judged over lives of the long horizon, "
        "on images that no search saw."
    )
    section.table(
        ("search", "meta-steps", "s per meta-step", "accuracy, first 200", "last 2000"), rows
    )
    gain = float(ends["long"][1] - ends["short"][1])
    section.claims.append(
        Claim("accuracy late in long lives, long search − short one", Spread(gain, gain, gain),
              least=0)
    )  # fmt: skip


def of_horizon(episodes: int) -> Experiment:
    task = f'task={{type="digits", split="search", moments={SHORT}}}'
    return build(with_overrides(load("layered"), [task, f"objective.episodes={episodes}"]))


def judged(genome: Genome) -> np.ndarray:
    """Accuracy early and late in lives of the long horizon."""
    circuit = of_horizon(1).objective.circuit
    objective = Objective(digits(SHORT), circuit, episodes=LONG // SHORT)
    theta, fixed = eqx.partition(genome, searchable)
    lives = SearchedLives(objective, fixed)

    def one(key):
        def on(life, _):
            _, score, life = lives.advance(theta, life, SHORT)
            return life, score.accuracy

        curve = jax.lax.scan(on, lives.begin(theta, key), None, objective.episodes)[1]
        return jnp.stack([curve[0], jnp.mean(curve[-2000 // SHORT :])])

    keys = everywhere(jax.random.split(jax.random.key(3), 8))
    return np.asarray(jax.jit(lambda keys: spread(one, keys))(keys)).mean(0)


if __name__ == "__main__":
    run(measure, __doc__)
