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

import time

import numpy as np
from beside import NOT_GIVEN, heading, last, row
from command import Command, as_command, refuse
from four_rules import KINDS, MEASURES, NUMBERS, Place, measured

LOW = np.tile([10.0, 10.0, -2.0, -2.0, -2.0, -2.0], 4)
HIGH = np.tile([100.0, 100.0, 2.0, 2.0, 2.0, 2.0], 4)
"""The box in which the search begins, as in the paper."""

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


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("excitatory", 60, "cells that excite", least=2)
    command.count("inhibitory", 15, "cells that inhibit", least=2)
    command.add_argument("--seconds", type=float, default=8.0, help="of a life, not measured")
    command.add_argument("--measured", type=float, default=5.0, help="seconds that follow")
    command.count("rules", 300, "drawn in a round", least=2)
    command.count("rounds", 5, "after the first", least=0)
    command.count("parents", 30, "of a round, at least", least=2)
    command.add_argument("--width", type=float, default=0.4, help="of a kernel, by the spread")
    command.count("survivors", 60, "most that are compared", least=2)
    command.count("longer", 3, "factor of the long life")
    command.count("seed", 0, least=0)
    options = command.parsed(arguments, seconds=0.01, measured=0.2)
    if options.parents > options.rules:
        refuse(f"--parents {options.parents}: expected at most --rules {options.rules}")
    if not 0 < options.width <= 1:
        refuse(f"--width {options.width}: expected more than 0 and at most 1")
    return options


if __name__ == "__main__":
    as_command(main)
