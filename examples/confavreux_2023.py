"""Confavreux et al. (2023): families of four rules that keep a spiking network plausible.

Meta-learning families of plasticity rules in recurrent spiking networks using simulation-based
inference. NeurIPS 36. https://openreview.net/forum?id=FLFasCFJNo

Cells that excite (E) and cells that inhibit (I) spike in one recurrent network. Each of its four
kinds of synapses has a rule of six numbers: two time constants, and what a spike of either side
is worth, alone and with the trace of the other side. Nobody is asked to learn anything: rules are
filtered by what the network does under all four at once, first by its rates, then by its weights,
then by how irregular its spikes are. A density is fitted anew to what passes, and the next round of
rules is drawn from it. How many rules pass, how much do they differ, and do they need each other?

    python examples/confavreux_2023.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import argparse
import functools
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from beside import NOT_GIVEN, heading, last, row
from jaxtyping import Array, Float

KINDS = ("EE", "EI", "IE", "II")
"""Who sends, who receives."""
NUMBERS = ("tau of pre", "tau of post", "pre", "post", "post after pre", "pre after post")
"""Of one rule: time constants in ms, then what spikes are worth, alone and at the other's trace."""
LOW = np.tile([10.0, 10.0, -2.0, -2.0, -2.0, -2.0], 4)
HIGH = np.tile([100.0, 100.0, 2.0, 2.0, 2.0, 2.0], 4)
"""The box in which the search begins, as in the paper."""

RATE = 0.003
BIRTH = {"EE": 0.1, "EI": 0.1, "IE": 1.0, "II": 1.0}
LARGEST = 20.0
"""Rate of the rules; weights at birth and their upper bound as in the paper."""
OUTSIDE = 250.0
"""Poisson inputs to every cell."""
BLOCK = 10
"""Weights move once in so many ms."""

FILTERS: dict[str, dict[str, tuple[float, float]]] = {
    "stable activity": {"rate of E": (1.0, 50.0), "rate of I": (1.0, 50.0)},
    "stable weights": {
        "share at a bound": (0.0, 0.1),
        "creep": (0.0, 0.1),
        "weight EE": (0.0, 0.5),
        "weight EI": (0.0, 0.5),
        "weight IE": (0.0, 5.0),
        "weight II": (0.0, 5.0),
    },
    "irregular spikes": {
        "variation of intervals": (0.7, 1000.0),
        "Fano factor over cells": (0.5, 2.5),
        "Fano factor over time": (0.5, 2.5),
        "synchrony": (0.0, 0.05),
        "deviation of rates": (0.0, 5.0),
    },
}
"""What is measured, and between which bounds it is plausible."""
MEASURES = [name for bounds in FILTERS.values() for name in bounds]
SHARES = {
    "stable activity": ("14", "84"),
    "stable weights": ("0.5", "34"),
    "irregular spikes": ("2", "69"),
    "all of them": ("< 0.01", "29"),
}
"""Percent of rules, drawn from the box and in the last round: read off a figure of the authors."""


DEVIATIONS = """\
Deviations from the paper: 75 cells for its 5120, all to all, each synapse as strong as there, so
that recurrent drive is weaker; steps of 1 ms for 0.1; noise for Poisson inputs; lives of 13 s for
70; rules at 0.3 of its rate, weights move every 10 ms; mean weights may creep by 10 % for 5 %, over
4 s, for means of few weights jitter; no limits on the autocovariance and spectrum of spikes. The
density is not a neural posterior: normal kernels around rules that passed, or came nearest. So
survivors descend from few rules of the box, and their variety is no more than that. Rules as
polynomials alone, not as small networks. Percentages of the paper are read off Figure 2 in the
authors' code (VogelsLab/fSBI), of the box and of its third round; its abstract tells of thousands
of rules among millions. That most rules are unstable in isolation is a finding of the sequel
(doi:10.1101/2025.05.28.656584). Strength of synapses, rate of the rules and limit of the creep were
set after shorter runs in which hardly a rule passed.
Survivors and controls live in one network that the search did not see; frozen ones in five."""


class Place(NamedTuple):
    """One network, and what comes from outside; its rules are not part of it."""

    excitatory: int
    inhibitory: int
    connected: float
    """Share of pairs of cells with a synapse."""
    seconds: float
    """Of a life, before it is measured."""
    measured: float
    """Seconds in which it is measured."""


class Cells(NamedTuple):
    """All cells, the excitatory ones first."""

    membrane: Float[Array, " cells"]
    """In mV."""
    threshold: Float[Array, " cells"]
    """Above that at rest, in mV; high after a spike."""
    ampa: Float[Array, " cells"]
    """Conductances, in units of the leak."""
    nmda: Float[Array, " cells"]
    gaba: Float[Array, " cells"]
    spikes: Float[Array, " cells"]


Weights = dict[str, Float[Array, "post pre"]]
Traces = dict[str, tuple[Array, Array]]


def stepped(cells: Cells, exciting, inhibiting, outside) -> Cells:
    """One ms of conductance-based integrate-and-fire cells, as Auryn's `IFGroup` has them."""
    count = exciting.shape[1]
    ampa = np.exp(-1 / 5) * cells.ampa + exciting @ cells.spikes[:count] + outside
    gaba = np.exp(-1 / 10) * cells.gaba + inhibiting @ cells.spikes[count:]
    nmda = cells.nmda + (ampa - cells.nmda) / 100
    threshold = np.exp(-1 / 5) * cells.threshold
    excited = (0.3 * ampa + nmda) / 1.3
    total = 1 + excited + gaba
    # Excitation pulls to 0 mV, inhibition to -80 mV, the leak to -70 mV.
    pulled = (-70 - 80 * gaba) / total
    membrane = pulled + (cells.membrane - pulled) * jnp.exp(-total / 20)
    fired = membrane > threshold - 50
    return Cells(
        jnp.where(fired, -70.0, membrane), jnp.where(fired, 100.0, threshold), ampa, nmda, gaba,
        fired.astype(membrane.dtype),
    )  # fmt: skip


def traced(before, spikes, tau):
    """Traces ahead of each ms of a block, and ahead of the next block.

    Args:
        before: the trace ahead of this block, [cells].
        spikes: of the block, [time, cells].
        tau: in ms.
    """
    ahead = jnp.arange(BLOCK + 1.0)[:, None]
    since = ahead - jnp.arange(BLOCK * 1.0)
    kept = jnp.where(since > 0, jnp.exp(-jnp.maximum(since, 0) / tau), 0.0)
    trace = jnp.exp(-ahead / tau) * before + kept @ spikes
    return trace[:-1], trace[-1]


def changed(weight, wired, rule, spikes, traces):
    """A weight after a block, and the traces.

    A spike of the sender is worth `rule[2]`, and `rule[5]` times the trace of the receiver; one of
    the receiver `rule[3]`, and `rule[4]` times the trace of the sender.
    """
    (pre, post), (before, after) = spikes, traces
    of_pre, before = traced(before, pre, rule[0])
    of_post, after = traced(after, post, rule[1])
    change = (rule[2] + rule[5] * of_post).T @ pre + post.T @ (rule[3] + rule[4] * of_pre)
    return jnp.clip(weight + RATE * wired * change, 0.0, LARGEST * wired), (before, after)


def life(
    place: Place, rules: Float[Array, "4 6"], key, hertz: float, stronger: float
) -> Float[Array, " measures"]:
    """What a network does under four rules, in the order of `MEASURES`.

    Args:
        place: the network.
        rules: in the order of `KINDS` and `NUMBERS`.
        key: of its wiring and of what comes from outside.
        hertz: of every input.
        stronger: factor of all excitatory weights at birth.
    """
    wire_key, early_key, late_key = jax.random.split(key, 3)
    sizes = {"E": place.excitatory, "I": place.inhibitory}
    cells = sum(sizes.values())
    wired, weights, traces = {}, {}, {}
    for index, kind in enumerate(KINDS):
        shape = sizes[kind[1]], sizes[kind[0]]
        wire = jax.random.bernoulli(jax.random.fold_in(wire_key, index), place.connected, shape)
        wired[kind] = wire & ~jnp.eye(*shape, dtype=bool) if kind in ("EE", "II") else wire
        wired[kind] = wired[kind].astype(float)
        factor = stronger if kind[0] == "E" else 1.0
        weights[kind] = factor * BIRTH[kind] * wired[kind]
        traces[kind] = (jnp.zeros(shape[1]), jnp.zeros(shape[0]))
    zero = jnp.zeros(cells)
    state = Cells(zero - 70.0, zero, zero, zero, zero, zero)

    def block(carry, block_key):
        state, weights, traces = carry
        exciting = jnp.concatenate([weights["EE"], weights["EI"]])
        inhibiting = jnp.concatenate([weights["IE"], weights["II"]])
        mean = OUTSIDE * hertz / 1000
        noise = jnp.sqrt(mean) * jax.random.normal(block_key, (BLOCK, cells))
        outside = 0.075 * jnp.maximum(mean + noise, 0.0)

        def moment(state, now):
            state = stepped(state, exciting, inhibiting, now)
            return state, state.spikes

        state, spikes = jax.lax.scan(moment, state, outside)
        by = {"E": spikes[:, : place.excitatory], "I": spikes[:, place.excitatory :]}
        after = {
            kind: changed(
                weights[kind], wired[kind], rules[index], (by[kind[0]], by[kind[1]]), traces[kind]
            )
            for index, kind in enumerate(KINDS)
        }
        weights, traces = ({kind: pair[i] for kind, pair in after.items()} for i in (0, 1))
        means = jnp.stack([_mean(weights[kind], wired[kind]) for kind in KINDS])
        return (state, weights, traces), (spikes, means)

    def silent(carry, block_key):
        return block(carry, block_key)[0], None

    blocks = [round(1000 * t / BLOCK) for t in (place.seconds, place.measured)]
    carry, _ = jax.lax.scan(
        silent, (state, weights, traces), jax.random.split(early_key, blocks[0])
    )
    late = jax.random.split(late_key, blocks[1])
    (_, weights, _), (spikes, means) = jax.lax.scan(block, carry, late)
    # From the first to the last fifth, for means of few weights jitter.
    fifth = max(blocks[1] // 5, 1)
    begun, ended = jnp.mean(means[:fifth], 0), jnp.mean(means[-fifth:], 0)
    bound = jnp.mean(jnp.stack([
        _mean((w <= 0) | (w >= LARGEST), wired[kind]) for kind, w in weights.items()
    ]))  # fmt: skip
    creep = jnp.max(2 * jnp.abs(ended - begun) / jnp.maximum(ended + begun, 0.1))
    spikes = spikes.reshape(-1, cells)
    hertz_of = 1000 * jnp.mean(spikes, 0)
    exciting, inhibiting = hertz_of[: place.excitatory], hertz_of[place.excitatory :]
    return jnp.stack([
        jnp.mean(exciting), jnp.mean(inhibiting),
        bound, creep, *means[-1],
        *irregular(spikes[:, : place.excitatory]), jnp.std(exciting),
    ])  # fmt: skip


def _mean(values, wired):
    return jnp.sum(values * wired) / jnp.maximum(jnp.sum(wired), 1)


def irregular(spikes: Float[Array, "time cells"]):
    """Coefficient of variation of intervals, Fano factors over cells and over time (counts in
    100 ms), and the deviation over time of the mean over cells in 1 ms."""
    when = jnp.where(spikes > 0, jnp.arange(len(spikes))[:, None], -1)
    seen = jax.lax.cummax(when, axis=0)
    previous = jnp.concatenate([jnp.full_like(seen[:1], -1), seen[:-1]])
    valid = (spikes > 0) & (previous >= 0)
    interval = jnp.where(valid, when - previous, 0).astype(float)
    count = jnp.sum(valid, 0)
    mean = jnp.sum(interval, 0) / jnp.maximum(count, 1)
    square = jnp.sum(jnp.where(valid, (interval - mean) ** 2, 0.0), 0)
    deviation = jnp.sqrt(square / jnp.maximum(count, 1))
    # Cells with fewer than three intervals count as regular.
    variation = jnp.where(count > 2, deviation / jnp.maximum(mean, 1e-9), 0.0)
    whole = len(spikes) // 100 * 100
    counts = jnp.sum(spikes[:whole].reshape(-1, 100, spikes.shape[1]), 1)

    def fano(axis):
        few = jnp.sum(counts, axis) <= 3
        each = jnp.var(counts, axis) / jnp.maximum(jnp.mean(counts, axis), 1e-9)
        return jnp.mean(jnp.where(few, 0.0, each))

    return jnp.mean(variation), fano(1), fano(0), jnp.std(jnp.mean(spikes, 1))


@functools.partial(jax.jit, static_argnames="place")
def _lives(place, rules, key, hertz, stronger):
    one = lambda rule: life(place, rule, key, hertz, stronger)  # noqa: E731
    return jax.vmap(one)(rules)


def measured(
    place: Place, rules: np.ndarray, seed: int, hertz=10.0, stronger=1.0, together: int = 100
) -> np.ndarray:
    """[rules, measures]: all of them in the same network, so many of them at a time."""
    key = jax.random.key(seed)
    parts = []
    for begin in range(0, len(rules), together):
        part = rules[begin : begin + together]
        short = min(together, len(rules)) - len(part)
        padded = np.concatenate([part, np.repeat(part[-1:], short, 0)]).reshape(-1, 4, 6)
        lived = _lives(place, jnp.asarray(padded), key, hertz, stronger)
        parts.append(np.asarray(lived)[: len(part)])
    return np.concatenate(parts)


def excess(measures: np.ndarray, filters) -> np.ndarray:
    """How far rules are from passing the named filters: 0 if they pass, in factors of e else."""
    total = np.zeros(len(measures))
    for name in filters:
        for measure, (low, high) in FILTERS[name].items():
            value = measures[:, MEASURES.index(measure)]
            floor = np.log(max(low, 1e-9) / np.maximum(value, 1e-9)) if low else 0.0
            over = np.log(np.maximum(value, 1e-9) / high)
            total += np.where(np.isfinite(value), np.maximum(0, np.maximum(floor, over)), np.inf)
    return total


def plausible(measures: np.ndarray) -> np.ndarray:
    """100 where a rule passes all filters, 0 where not."""
    return 100.0 * (excess(measures, FILTERS) == 0)


def drawn(parents: np.ndarray, count: int, width: float, random) -> np.ndarray:
    """Rules near those that passed: a density of normal kernels, reflected into the box.

    Args:
        parents: rules that passed, [parents, 24].
        count: rules to draw.
        width: of the kernels, as a share of the spread of the parents.
        random: NumPy's generator.
    """
    spread = np.cov(parents.T) + 1e-6 * np.diag((HIGH - LOW) ** 2)
    noise = random.multivariate_normal(np.zeros(len(LOW)), spread, count)
    # Shrunk to their mean, kernels leave the spread of the parents as it is.
    mean = parents.mean(0)
    near = mean + np.sqrt(1 - width**2) * (parents[random.integers(0, len(parents), count)] - mean)
    far = (near + width * noise - LOW) / (HIGH - LOW) % 2
    return LOW + (HIGH - LOW) * np.minimum(far, 2 - far)


def shuffled(rules: np.ndarray, random) -> np.ndarray:
    """The rule of each kind of synapse from another survivor."""
    by_kind = rules.reshape(-1, 4, 6)
    return np.stack([random.permutation(by_kind[:, kind]) for kind in range(4)], 1).reshape(-1, 24)


def alone(rules: np.ndarray, kind: str) -> np.ndarray:
    """The rule of one kind of synapse; the others are worth nothing."""
    kept = np.zeros((4, 6), bool)
    kept[:, :2] = True
    kept[KINDS.index(kind)] = True
    return rules * kept.ravel()


def frozen(count: int = 1) -> np.ndarray:
    """Rules of no plasticity."""
    return np.tile([20.0, 20.0, 0, 0, 0, 0], (count, 4))


def searched(place: Place, options, random) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """All rules that were drawn, what they did, and the same by rounds, the box being the first."""
    rules = LOW + (HIGH - LOW) * random.random((options.rules, len(LOW)))
    done = [measured(place, rules, options.seed)]
    for index in range(options.rounds):
        filters = list(FILTERS)[: index + 1]
        far = excess(np.concatenate(done), filters)
        passed = np.flatnonzero(far == 0)
        # Where too few pass, those that come nearest stand in.
        parents = passed if len(passed) >= options.parents else np.argsort(far)[: options.parents]
        print(f"  round {index + 1}: {len(passed)} of {len(far)} rules so far have passed for "
              f"{', '.join(filters)}", flush=True)  # fmt: skip
        new = drawn(rules[parents], options.rules, options.width, random)
        done.append(measured(place, new, options.seed))
        rules = np.concatenate([rules, new])
    return rules, np.concatenate(done), done


def show_rounds(done: list[np.ndarray]) -> None:
    heading("share of the rules in %")
    for name in (*FILTERS, "all of them"):
        filters = FILTERS if name == "all of them" else [name]
        for index, measures in enumerate(done):
            first, final = SHARES[name]
            paper = first if index == 0 else final if index == len(done) - 1 else NOT_GIVEN
            passed = excess(measures, filters) == 0
            row(f"{name}, {f'round {index}' if index else 'box'}", paper, 100.0 * passed,
                f"{passed.sum()} of {len(passed)}")  # fmt: skip


def show_variety(rules: np.ndarray, box: np.ndarray) -> None:
    """How far survivors fill the box in which the search began, and as many rules drawn there."""
    scaled = (rules - LOW) / (HIGH - LOW)
    print(f"\nvariety of {len(rules)} rules that pass: deviation as a share of that in the box, "
          "and how many are above the middle of it, %")  # fmt: skip
    print(f"{'':6s}" + "".join(f"{name:>18s}" for name in NUMBERS))
    for kind, one in zip(KINDS, np.split(scaled, 4, axis=1), strict=True):
        cells = zip(one.std(0) * np.sqrt(12), 100 * np.mean(one > 0.5, 0), strict=True)
        print(f"{kind:6s}" + "".join(f"{f'{wide:.2f} {above:3.0f}':>18s}" for wide, above in cells))
    print(f"axes that hold nine tenths of the variance: {axes(scaled)}, and "
          f"{axes((box - LOW) / (HIGH - LOW))} in the box; of {len(LOW)}")  # fmt: skip


def axes(points: np.ndarray) -> int:
    """Principal axes that hold nine tenths of the variance of points, [points, numbers]."""
    held = np.linalg.eigvalsh(np.cov(points.T))[::-1]
    return int(np.searchsorted(np.cumsum(held) / held.sum(), 0.9) + 1)


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    random = np.random.default_rng(options.seed)
    place = Place(options.excitatory, options.inhibitory, 1.0, options.seconds, options.measured)
    print(f"{place.excitatory} + {place.inhibitory} spiking cells, lives of {place.seconds:g} + "
          f"{place.measured:g} s, {options.rules} rules a round, {len(LOW)} numbers each",
          flush=True)  # fmt: skip
    rules, measures, done = searched(place, options, random)
    show_rounds(done)
    alive = np.flatnonzero(plausible(measures) > 0)
    if len(alive) < 2:
        print("\nfewer than two rules pass: nothing to compare; give more rules or rounds")
        return last(DEVIATIONS, begun)
    show_variety(rules[alive], rules[random.permutation(options.rules)[: len(alive)]])

    some = rules[random.permutation(alive)[: options.survivors]]
    heading("plausible in %, survivors and controls, in a network that is new to them")
    seed = options.seed + 1
    longer = place._replace(seconds=options.longer * place.seconds)
    tests = {
        "": {},
        ", excitation twice at birth": {"stronger": 2.0},
        ", input of 5 Hz": {"hertz": 5.0},
        ", input of 15 Hz": {"hertz": 15.0},
    }
    for note, change in tests.items():
        row(f"survivors{note}", NOT_GIVEN, plausible(measured(place, some, seed, **change)))
        still = [plausible(measured(place, frozen(), seed + i, **change)) for i in range(5)]
        row(f"frozen{note}", NOT_GIVEN, np.concatenate(still), "5 networks")
    row(f"survivors, {options.longer} times as long", NOT_GIVEN,
        plausible(measured(longer, some, seed)))  # fmt: skip
    mixed = shuffled(some, random)
    row("rules of different survivors", NOT_GIVEN, plausible(measured(place, mixed, seed)))
    row("rules of different survivors, twice", NOT_GIVEN,
        plausible(measured(place, mixed, seed, stronger=2.0)))  # fmt: skip
    for kind in KINDS:
        one = alone(some, kind)
        row(f"{kind} alone, others frozen", "mostly not", plausible(measured(place, one, seed)))
    return last(DEVIATIONS, begun)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--excitatory", type=int, default=60, help="cells that excite")
    parser.add_argument("--inhibitory", type=int, default=15, help="cells that inhibit")
    parser.add_argument("--seconds", type=float, default=8.0, help="of a life, not measured")
    parser.add_argument("--measured", type=float, default=5.0, help="seconds that follow")
    parser.add_argument("--rules", type=int, default=300, help="drawn in a round")
    parser.add_argument("--rounds", type=int, default=5, help="after the first")
    parser.add_argument("--parents", type=int, default=30, help="of a round, at least")
    parser.add_argument("--width", type=float, default=0.4, help="of a kernel, by the spread")
    parser.add_argument("--survivors", type=int, default=60, help="most that are compared")
    parser.add_argument("--longer", type=int, default=3, help="factor of the long life")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    least = {"excitatory": 2, "inhibitory": 2, "seconds": 0.01, "measured": 0.2, "rules": 2}
    least |= {"rounds": 0, "parents": 2, "survivors": 2, "longer": 1}
    for name, value in least.items():
        if not getattr(options, name) >= value:
            parser.exit(2, f"--{name} {getattr(options, name)}: expected {value} or more\n")
    if options.parents > options.rules:
        parser.exit(2, f"--parents {options.parents}: expected at most --rules {options.rules}\n")
    if not 0 < options.width <= 1:
        parser.exit(2, f"--width {options.width}: expected more than 0 and at most 1\n")
    return options


if __name__ == "__main__":
    main()
