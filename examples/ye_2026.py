"""Ye, Huang, Wu, Chen & Wu (2026): every kind of synapses evolves a rule of its own.

Discovering heterogeneous synaptic plasticity rules via large-scale neural evolution. ICLR 2026.
https://openreview.net/forum?id=hJBPMSUNUG

A spiking model of visual cortex has to say whether an image is the same as the last one, as mice do
(Garrett et al. 2020, doi:10.7554/eLife.50340). A rule is a Taylor series in spikes on both sides of
a synapse, their traces and the error of predicted reward, and every kind of synapses has one.
Evolution is after two things: right answers, and a network that stays plausible. Here it starts
from no plasticity at all, several times: do the rules that it finds do the same by the same means?
Do they learn, from reward, which of two images asks for an answer, a task that they never met?

    python examples/ye_2026.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import dataclasses
import itertools
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from beside import NOT_GIVEN, heading, last, numbers, row
from change_detection import KINDS, Cortex, Rules, contrast
from command import Command, as_command, refuse
from spike_series import TERMS, coefficients, named

from metaplast import search
from metaplast.fitting import fitting
from metaplast.meta import Evolution
from metaplast.spread import spread, use_cores
from metaplast.tasks import digits

DEVIATIONS = """\
Deviations from the paper: only its abstract and a summary could be read, so sizes, constants, bands
and details of the tasks are ours. {cells} cells of four populations and eight kinds of synapses for
a model of mouse V1 and its types of cells; {numbers} numbers for more than 2600; a weighted sum of
both aims, searched {searches} times by a natural evolution strategy (SNES), once for right answers
alone and once for both tasks, for a multi-objective algorithm; gratings of 8 x 8 pixels through
fixed filters for its images. A term is divided by what it usually amounts to; weights stop at zero
and have no upper bound; traces last 40 ms, and no slower eligibility is kept. Plausible is: mean
rates of 1 to 20 Hz (excitatory) and 1 to 40 Hz (inhibitory), at most a fifth of cells silent, mean
weights within a factor of 4 of those at birth; Dale's law holds by construction. So that plasticity
is needed, membranes forget an image before the next one; so that reward is needed, how strongly the
answering cell is driven at birth and how often images change differ from life to life. Right
answers are the mean of hits and correct rejections in the last two thirds of a life, in the second
task, too, where the paper's adapt in few trials. The paper reports that rules of different formulas
do alike, adapt and carry over to networks of other sizes; figures of that are not given.
The rule by hand is the best of a grid in hindsight, on the lives of change detection that are
shown. Intervals are over lives, not over searches."""

FORGET, RECOVER = (4.0, 8.0), (0.4, 0.8)
LEARN = ((0.5, 0.7), (1.0, 1.0), (1.0, 1.5))
"""Grid of the rule by hand: how much synapses from the input lose when both cells spike; what they
gain at every moment; and what reward, beyond what is usual, takes from synapses of the readout that
have been active, and gives to those of a cell that has answered."""

Batch = dict[str, np.ndarray]


def by_hand(forget: float, recover: float, learn: tuple[float, float]) -> Rules:
    """Synapses from the input tire, so an image that is repeated is answered by fewer spikes; the
    readout learns by three factors how many are enough."""
    tires = coefficients(xy=-forget, one=recover)
    rewarded = coefficients(rX=-learn[0], rXY=learn[1])
    return {**no_plasticity(), "input->E": tires, "E->lick": rewarded}


def no_plasticity() -> Rules:
    return {kind: coefficients() for kind in KINDS}


def without(rules: Rules, kind: str) -> Rules:
    """The same with one kind of synapses frozen."""
    return {**rules, kind: jnp.zeros_like(rules[kind])}


def halfway(one: Rules, other: Rules) -> Rules:
    """The mean of two rules. It would do as well if they differed in what does not matter."""
    return jax.tree.map(lambda a, b: (a + b) / 2, one, other)


def dealt(rules: list[Rules], first: int) -> Rules:
    """Kinds of synapses in turn from all rules, beginning with rule number `first`."""
    return {k: rules[(first + index) % len(rules)][k] for index, k in enumerate(KINDS)}


def changed(task: Cortex, **numbers: float) -> Cortex:
    """The same task with other numbers, for the same program."""
    values = [jnp.asarray(value, float) for value in numbers.values()]
    return eqx.tree_at(lambda task: [getattr(task, name) for name in numbers], task, values)


def judged(task: Cortex, rules: Rules, count: int, seed: int) -> Batch:
    """What rules are worth in so many lives; the same seed gives all of them the same lives."""
    keys = jax.random.split(jax.random.key(seed), count)
    right, bad, licked = map(np.asarray, _judged(task, rules, keys))
    return {"right": 100 * right, "implausible": bad, "licked": licked}


@eqx.filter_jit
def _judged(task, rules, keys):
    return spread(lambda key: task.judged(rules, key), keys)


class Evolved:
    """Searches from no plasticity, which all share one program."""

    def __init__(self, task: Cortex, options):
        self.task, self.options, self.program = task, options, None
        self.meta = Evolution("SNES", options.population, options.meta_lives, 0.1, options.steps)

    def __call__(self, name: str, seed: int, **numbers: float) -> Rules:
        begun, task = time.perf_counter(), changed(self.task, **numbers)
        position = search.begin(task, no_plasticity(), self.meta, jax.random.key(seed))
        what = (task, no_plasticity(), self.meta, position)
        if self.program is None:
            self.program = fitting(lambda shelf: search.traced(*what, shelf=shelf)).compiled()
        print(f"  {name}")
        for progress in search.search(*what, self.options.steps, 30.0, dispatch=self.program):
            position = progress.position
            print(f"  meta-step {progress.step:4d}  loss {progress.loss.mean():7.4f}  "
                  f"right {100 * progress.accuracy.mean():5.1f}  "
                  f"{time.perf_counter() - begun:4.0f} s", flush=True)  # fmt: skip
        rules = search.found(no_plasticity(), position)
        # Through NumPy, for those that a search leaves are on every device.
        return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), rules)


def show_kinds(lives, rules: dict[str, Rules], whole: dict[str, Batch]) -> None:
    """What each rule loses where one kind of synapses is frozen."""
    print("\npoints lost where synapses of one kind are frozen")
    print(f"{'':12s}" + "".join(f"{name:>14s}" for name in rules))
    for kind in KINDS:
        lost = [
            np.mean(whole[name]["right"] - lives(without(rule, kind))["right"])
            for name, rule in rules.items()
        ]
        print(f"{kind:12s}" + "".join(f"{each:14.1f}" for each in lost), flush=True)


def show_pairs(rules: dict[str, Rules], whole: dict[str, Batch]) -> None:
    """How alike rules are, and what they do."""
    print("\ntwo rules: cosine of all coefficients, share of the largest tenth that both have, "
          "and answers that are the same, in %")  # fmt: skip
    for one, other in itertools.combinations(rules, 2):
        a, b = (np.concatenate([rules[n][k] for k in KINDS]) for n in (one, other))
        cosine = a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-9)
        tenth = max(1, len(a) // 10)
        large = [set(np.argsort(-np.abs(v))[:tenth]) for v in (a, b)]
        shared = 100 * len(large[0] & large[1]) / tenth
        same = 100 * np.mean(whole[one]["licked"] == whole[other]["licked"])
        print(f"{one + ', ' + other:36s}{cosine:8.2f}{shared:8.0f}{same:8.1f}")


def show_terms(rules: dict[str, Rules], most: int = 3) -> None:
    """The largest coefficients of each kind."""
    print("\nlargest coefficients; x and y are spikes before and behind a synapse, X and Y their "
          "traces, r the error of reward")  # fmt: skip
    for name, rule in rules.items():
        for kind in KINDS:
            theta = np.asarray(rule[kind])
            large = np.argsort(-np.abs(theta))[:most]
            shown = [f"{theta[k]:+.2f} {named(TERMS[k])}" for k in large]
            print(f"{name:14s}{kind:12s}" + "  ".join(shown))


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    use_cores()
    pictures = contrast(digits(split="bench").x_train)
    sizes, zero = tuple(options.cells), jnp.zeros(())
    task = Cortex(sizes, options.images, zero, zero, zero, zero, pictures)
    total = numbers(no_plasticity())
    print(f"{sizes[0]} input, {sizes[1]} excitatory, {sizes[2]} inhibitory cells, one to answer; "
          f"{options.images} images a life; {total} numbers evolve, more than 2600 in the paper",
          flush=True)  # fmt: skip
    evolve = Evolved(task, options)
    rules = {
        f"evolved {index + 1}": evolve(
            f"search {index + 1}", options.seed + index, weight=options.weight
        )
        for index in range(options.searches)
    }
    evolved = list(rules)
    rules["answers alone"] = evolve("for right answers alone", options.seed, weight=0.0)
    rules["both tasks"] = evolve("for both tasks", options.seed, weight=options.weight, naming=0.5)

    def lives(rule, task=task, **numbers):
        return judged(changed(task, **numbers), rule, options.lives, options.seed + 1000)

    grid = list(itertools.product(FORGET, RECOVER, LEARN))
    tried = [lives(by_hand(*each))["right"].mean() for each in grid]
    hand = by_hand(*grid[int(np.argmax(tried))])
    every = {**rules, "by hand": hand, "no plasticity": no_plasticity()}
    whole = {name: lives(rule) for name, rule in every.items()}

    heading("right answers in %, new lives and gratings; chance is 50")
    for name, batch in whole.items():
        row(name, NOT_GIVEN, batch["right"])

    def all_evolved(**changes):
        """Of each life, the mean over the evolved rules."""
        return np.mean([lives(rules[name], **changes)["right"] for name in evolved], 0)

    whole_evolved = np.mean([whole[name]["right"] for name in evolved], 0)
    row("all evolved", NOT_GIVEN, whole_evolved)
    deaf = all_evolved(deaf=1.0)
    row("all evolved, reward's sign drawn", NOT_GIVEN, deaf)
    row("all evolved, what reward is worth", NOT_GIVEN, whole_evolved - deaf)
    row("by hand, reward's sign drawn", NOT_GIVEN, lives(hand, deaf=1.0)["right"])
    wide = dataclasses.replace(task, cells=tuple(options.larger * n for n in sizes))
    for label, changes in {
        "digits": {"painted": 1.0},
        "one of two images asks for an answer": {"naming": 1.0},
        f"{options.larger} times the cells": {"task": wide},
    }.items():
        heading(f"right answers in %: {label}")
        row("all evolved", NOT_GIVEN, all_evolved(**changes))
        for name in ("answers alone", "both tasks", "by hand", "no plasticity"):
            row(name, NOT_GIVEN, lives(every[name], **changes)["right"])
        row("both tasks, reward's sign drawn", NOT_GIVEN,
            lives(rules["both tasks"], deaf=1.0, **changes)["right"])  # fmt: skip

    if len(evolved) > 1:
        heading("right answers in %: what evolved apart, put together")
        found = [rules[name] for name in evolved]
        pairs = [halfway(*pair) for pair in itertools.combinations(found, 2)]
        mixed = [dealt(found, first) for first in range(len(found))]
        for name, several in (("halfway between two", pairs), ("kinds dealt from all", mixed)):
            row(name, NOT_GIVEN, np.mean([lives(rule)["right"] for rule in several], 0))

    heading("implausibility: factors of e out of the bands, 0 is plausible")
    for name, batch in whole.items():
        row(name, NOT_GIVEN, batch["implausible"])
    show_kinds(lives, {**rules, "by hand": hand}, whole)
    show_pairs({**rules, "by hand": hand}, whole)
    show_terms({name: rules[name] for name in evolved})
    told = {"cells": sum(sizes) + 1, "numbers": total, "searches": options.searches}
    last(DEVIATIONS.format(**told), begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.several("cells", "64,40,10", "input, excitatory and inhibitory cells", int, 1)
    command.count("larger", 3, "times as many cells in the larger network", least=2)
    command.count("images", 60, "images in a life", least=3)
    command.count("searches", 3, "searches for both aims", least=1)
    command.add_argument("--weight", type=float, default=0.3, help="of being implausible")
    command.evolution(70, 32, 4)
    command.compared(48)
    options = command.parsed(arguments, weight=0.0)
    if len(options.cells) != 3:
        refuse(f"--cells {','.join(map(str, options.cells))}: expected three numbers, as 64,40,10")
    return options


if __name__ == "__main__":
    as_command(main)
