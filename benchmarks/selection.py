"""Does a learned selection find rules with fewer lives?

    python benchmarks/selection.py [--quick] [--json] [--write docs/selection.md]

Searches for rules that its training never saw (`rule_searches.py`). Every strategy is tuned on
each of them, on seeds of their own; then it searches by fresh seeds, and where it stands is judged
on lives that nobody was selected by, the same for all. Lives are counted, not seconds.

`--kept FOLDER` keeps every curve there, so that an interrupted measurement goes on.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from interleaved import Spread, short
from rule_searches import SEARCHES, RuleSearch, search_of
from section import Claim, Section, put, say

from metaplast.meta import Evolution, Genetic, LearnedSelection
from metaplast.meta.brood import worlds
from metaplast.meta.fitness import keys_of

POPULATION = 32
GENERATIONS = 40
SEEDS = 32
EVERY = 5
"""Generations from one judgement to the next."""
TUNING = 8
"""Seeds of a mutation size while tuning, none of them among `SEEDS`."""
SPREADS = (0.03, 0.1, 0.3, 1.0)
RATES = (0.1, 0.3, 1.0, 3.0)
"""Of Adam, in units of the mutation size."""
RESAMPLES = 2000
SHARE = 0.95
"""Of what a rival gains over the start: who has gained that much has reached its fitness."""
AIM = 0.5
NUMBERS = np.arange(POPULATION)
WORLDS = {
    "one life": 0 * NUMBERS, "pairs": NUMBERS % (POPULATION // 2), "fours": worlds(POPULATION)
}  # fmt: skip
"""Which candidates live the same life: all of them, as is usual; every two (for OpenAI-ES, those of
a mirrored mutation); or four, as ours does."""
SHARED = ("one life", "pairs")
"""What rivals are tuned over."""
CROSSOVER = 0.5
OURS, EVOLVED, UNTRAINED = "learned selection", "found by evolution", "untrained"
LEARNED = {"LES": "LES", "LGA": "LGA", "DES": "DES", "CMA-anchored LES": "CMAAnchoredLES"}
"""Strategies that were learned, with the library's names for them. Not its `EvoTF_ES`, which is a
transformer and takes about as long as all others together."""
RIVALS = ("OpenAI-ES", "GA, truncation", *LEARNED)
NAMES = (OURS, *RIVALS, UNTRAINED, EVOLVED)
AIMED = ("OpenAI-ES", "GA, truncation")


class Strategy(NamedTuple):
    """A search as three pure functions of one seed; mutations begin with size 1."""

    name: str
    init: Callable[..., Any]
    """`(key, numbers) -> state`."""
    ask: Callable[..., Any]
    """`(key, state) -> (candidates, state)`."""
    tell: Callable[..., Any]
    """`(key, candidates, losses, state) -> (found, state)`."""
    shared: str = "one life"
    """Who lives the same life, a key of `WORLDS`."""


def ours(name: str, weights: str) -> Strategy:
    meta = LearnedSelection(POPULATION, 1, 1.0, GENERATIONS, weights)
    return _of_meta(name, meta)._replace(shared="fours")


def genetic() -> Strategy:
    meta = Genetic(POPULATION, 1, 1.0, GENERATIONS, crossover=CROSSOVER)
    return _of_meta("GA, truncation", meta)


def _of_meta(name: str, meta: Any) -> Strategy:
    """An outer loop of ours that keeps its candidates, told of losses that were lived elsewhere."""

    def tell(key, candidates, losses, state):
        def looked_up(theta, key):
            del key
            loss = losses[jnp.argmin(jnp.sum((candidates - theta) ** 2, 1))]
            return loss, (loss,)

        theta, state, _ = meta.step(looked_up, candidates[0], state, key)
        return theta, state

    return Strategy(
        name,
        lambda key, numbers: meta.init(None, jnp.zeros(numbers), key),
        lambda key, state: (state.candidates, state),
        tell,
    )


def evosax(name: str, strategy: str, rate: float | None = None) -> Strategy:
    meta = Evolution(strategy, POPULATION, 1, 1.0)

    @functools.cache
    def made(numbers: int):
        with jax.ensure_compile_time_eval():
            algorithm = meta.algorithm(jnp.zeros(numbers))
            if rate is not None:
                import optax

                algorithm.optimizer = optax.adam(rate)
            return algorithm, meta._params(algorithm)

    def init(key, numbers):
        algorithm, params = made(numbers)
        if hasattr(algorithm, "get_mean"):
            return algorithm.init(key, jnp.zeros(numbers), params)
        # A strategy that keeps a population is told what its first one is worth: LGA standardizes
        # fitness, and makes NaN of the infinities that `Evolution` begins with.
        first, inner = jax.random.split(key)
        cloud = jax.random.normal(first, (POPULATION, numbers)).at[0].set(0.0)
        return cloud, algorithm.init(inner, cloud, jnp.zeros(POPULATION), params), jnp.asarray(True)

    def ask(key, state):
        if hasattr(state, "mean"):
            return made(state.mean.size)[0].ask(key, state, made(state.mean.size)[1])
        cloud, inner, first = state
        algorithm, params = made(cloud.shape[1])
        children, asked = algorithm.ask(key, inner, params)
        return jnp.where(first, cloud, children), (cloud, asked, first)

    def tell(key, candidates, losses, state):
        algorithm, params = made(candidates.shape[1])
        if hasattr(algorithm, "get_mean"):
            state, _ = algorithm.tell(key, candidates, losses, state, params)
            return algorithm.get_mean(state), state
        cloud, asked, first = state
        begun = algorithm.init(key, cloud, losses, params)
        told, _ = algorithm.tell(key, candidates, losses, asked, params)
        inner = jax.tree.map(lambda a, b: jnp.where(first, a, b), begun, told)
        return candidates[jnp.argmin(losses)], (cloud, inner, jnp.asarray(False))

    return Strategy(name, init, ask, tell)


@functools.cache
def variants_of(name: str) -> tuple[Strategy, ...]:
    """What a strategy is tuned over, beside the mutation size."""
    weights = {OURS: "backprop", EVOLVED: "evolution", UNTRAINED: "untrained"}
    if name in weights:
        return (ours(name, weights[name]),)
    if name == "OpenAI-ES":
        plain = tuple(evosax(name, "Open_ES", rate) for rate in RATES)
    else:
        plain = (genetic() if name == "GA, truncation" else evosax(name, LEARNED[name]),)
    return tuple(one._replace(shared=shared) for one in plain for shared in SHARED)


@functools.cache
def compiled(strategy: Strategy, numbers: int):
    """The three functions, for seeds side by side."""
    init = jax.jit(jax.vmap(lambda key: strategy.init(key, numbers)))
    return init, jax.jit(jax.vmap(strategy.ask)), jax.jit(jax.vmap(strategy.tell))


def searched(
    search: RuleSearch, strategy: Strategy, spreads: np.ndarray, key, every: int = EVERY
) -> np.ndarray:
    """Held-out losses `[seeds, judgements]` of searches side by side, one a spread.

    The first column is the start's; judgements are the same lives for every strategy and spread.
    """
    numbers, seeds = search.start.size, len(spreads)
    start, scale = jnp.asarray(search.start), jnp.asarray(spreads)[:, None, None]
    init_key, run_key = jax.random.split(key)
    # Strategies meet the same lives; what they draw themselves is their own.
    init, ask, tell = compiled(strategy, numbers)
    state = init(jax.random.split(init_key, seeds))
    judge_keys = _judges(seeds)
    found = jnp.zeros((seeds, numbers))
    curve = []

    def judged():
        many = jnp.broadcast_to(found[:, None], (seeds, POPULATION, numbers))
        return np.asarray(search.lived(start + scale * many, judge_keys)).mean(1)

    for generation in range(GENERATIONS + 1):
        if generation % every == 0:
            curve.append(judged())
        if generation == GENERATIONS:
            break
        keys = jax.random.split(jax.random.fold_in(run_key, generation), (3, seeds))
        candidates, state = ask(keys[0], state)
        lives = jax.vmap(lambda key: keys_of(WORLDS[strategy.shared], key))(keys[1])
        losses = search.lived(start + scale * candidates, lives)
        found, state = tell(keys[2], candidates, losses, state)
    return np.stack(curve, 1)


def _judges(seeds: int):
    return jax.random.split(jax.random.key(12345), (seeds, POPULATION))


class Measured(NamedTuple):
    """One strategy on one search."""

    curves: np.ndarray
    """Held-out losses `[seeds, judgements]`."""
    tuned: str
    """What tuning chose."""


def measured(search: RuleSearch, variants: tuple[Strategy, ...], seeds: int) -> Measured:
    """Tune a strategy, and let it search by fresh seeds."""
    spreads = np.repeat(SPREADS, TUNING)
    ends = {}
    for number, strategy in enumerate(variants):
        curves = searched(search, strategy, spreads, jax.random.key(1), GENERATIONS)
        means = curves[:, -1].reshape(len(SPREADS), TUNING).mean(1)
        ends |= {(number, spread): mean for spread, mean in zip(SPREADS, means, strict=True)}
    number, spread = min(ends, key=lambda chosen: ends[chosen])
    curves = searched(search, variants[number], np.full(seeds, spread), jax.random.key(2))
    return Measured(curves, ", ".join([f"{spread:g}", *_told(number, variants)]))


def _told(number: int, variants: tuple[Strategy, ...]) -> list[str]:
    """What was tuned beside the mutation size."""
    if len(variants) == 1:
        return []
    rate = [f"{RATES[number // len(SHARED)]:g}"] if len(variants) > len(SHARED) else []
    return [*rate, variants[number].shared]


def lives_to(curve: np.ndarray, target: float) -> float:
    """Lives until a curve of judgements first reaches the target; infinite where it does not."""
    below = np.flatnonzero(curve <= target)
    if not len(below):
        return np.inf
    at = below[0]
    if at == 0:
        return 0.0
    share = (curve[at - 1] - target) / (curve[at - 1] - curve[at])
    return float(at - 1 + share) * EVERY * POPULATION


def ratio(mine: np.ndarray, rivals: np.ndarray) -> float:
    """Lives that we need for the rival's fitness, in units of what it needs itself.

    Of mean curves over seeds; where the rival gains nothing there is nothing to reach: 0.
    """
    start, end = rivals[0], rivals.min()
    target = start - SHARE * (start - end)
    needed = lives_to(rivals, target)
    return lives_to(mine, target) / needed if needed > 0 else 0.0


def ratios(kept: dict[str, dict[str, Measured]], mine: str, rival: str) -> dict[str, Spread]:
    """By search, and their median: value and 95 % interval over resampled seeds."""
    rng = np.random.default_rng(0)
    seeds = len(next(iter(kept.values()))[rival].curves)
    draws = [np.arange(seeds), *rng.integers(0, seeds, (RESAMPLES, seeds))]
    each = np.array([
        [ratio(found[mine].curves[d].mean(0), found[rival].curves[d].mean(0)) for d in draws]
        for found in kept.values()
    ])  # fmt: skip
    rows = {name: interval(row) for name, row in zip(kept, each, strict=True)}
    return {**rows, "median": interval(np.median(each, 0))}


def interval(values: np.ndarray) -> Spread:
    """The first value, and the middle 95 % of the others."""
    low, high = np.quantile(values[1:], (0.025, 0.975), method="nearest")
    return Spread(float(values[0]), float(low), float(high))


def all_measured(
    quick: bool, folder: Path | None, only: list[str] | None
) -> dict[str, dict[str, Measured]]:
    """By search and strategy; what `folder` holds already is not measured again."""
    kept: dict[str, dict[str, Measured]] = {}
    for name in list(SEARCHES)[: 1 if quick else None]:
        search = search_of(name)
        kept[name] = {}
        for contender in only or NAMES:
            variants = variants_of(contender)
            path = folder and folder / f"{name} {contender}.json"
            if path and path.exists():
                told = json.loads(path.read_text())
                found = Measured(np.asarray(told["curves"]), told["tuned"])
            else:
                say(f"selection: {name}, {contender}")
                found = measured(search, variants, 4 if quick else SEEDS)
                if path:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(
                        json.dumps({"curves": found.curves.tolist(), "tuned": found.tuned})
                    )
            kept[name][contender] = found
    return kept


def section_of(kept: dict[str, dict[str, Measured]]) -> Section:
    section = Section("Does a learned selection find rules with fewer lives?")
    numbers = ", ".join(
        f"{search_of(n).name} ({search_of(n).about}: {search_of(n).start.size})" for n in kept
    )
    seeds = len(next(iter(kept.values()))[OURS].curves)
    section.write(
        f"Searches, with the count of their numbers: {numbers}. {POPULATION} candidates, one life "
        f"each, {GENERATIONS} generations ({POPULATION * GENERATIONS} lives), {seeds} seeds. Every "
        f"strategy is tuned on every search, on {TUNING} other seeds: its first mutation size over "
        f"{SPREADS}, and whether a generation shares one life or every two candidates have "
        f"their own (of ours, every four); OpenAI-ES also its rate over {RATES} mutation sizes "
        "(Adam); the GA crosses half of its children. A loss is that of where a search stands, on "
        f"{POPULATION} lives a seed that nobody was selected by."
    )
    section.write("Loss at the end, mean over seeds (and what tuning chose):")
    titles = [search_of(name).name for name in kept]
    rows = [["(start)"] + [short(float(f[OURS].curves[:, 0].mean())) for f in kept.values()]]
    there = [name for name in NAMES if all(name in found for found in kept.values())]
    for name in there:
        ends = [(f[name].curves[:, -1].mean(), f[name].tuned) for f in kept.values()]
        rows.append([name] + [f"{loss:.4f} ({tuned})" for loss, tuned in ends])
    section.table(("strategy", *titles), rows)
    section.write(
        f"Lives until {SHARE:.0%} of what a rival gains in its whole budget, in units of what the "
        "rival needs; below 1, fewer. Mean curves over seeds; in brackets the 95 % interval over "
        "resampled seeds:"
    )
    rows = []
    for mine, rivals in ((OURS, (*RIVALS, UNTRAINED)), (EVOLVED, AIMED), (UNTRAINED, AIMED)):
        for rival in rivals if mine in there else ():
            found = ratios(kept, mine, rival)
            told = [f"{s.median:.2f} ({s.low:.2f} to {s.high:.2f})" for s in found.values()]
            rows.append([mine, rival, *told])
            if mine == OURS:
                text = f"lives of {mine} / of {rival}, median over searches"
                most = AIM if rival in AIMED else None
                section.claims.append(Claim(text, found["median"], most=most))
    section.table(("search by", "rival", *titles, "median"), rows)
    section.write("In the table of claims, quartiles are that 95 % interval.")
    return section


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short look, no figures to quote")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--kept", type=Path, help="folder where curves are kept from run to run")
    parser.add_argument("--only", nargs="+", choices=NAMES, help="measure these, print nothing")
    parser.add_argument("--write", type=Path, help="put the section into this page")
    given = parser.parse_args()
    if given.only:
        all_measured(given.quick, given.kept, given.only)
        return
    section = section_of(all_measured(given.quick, given.kept, given.only))
    print(json.dumps(section.parts()) if given.json else section, flush=True)
    if given.write:
        put(given.write, str(section).splitlines())


if __name__ == "__main__":
    main()
