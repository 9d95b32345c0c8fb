"""Miconi et al. (2018): a recurrent network that completes patterns it has seen once.

Differentiable plasticity: training plastic neural networks with backpropagation. ICML 2018.
arXiv:1804.02464

Every synapse has a fixed part and a plastic one: $y_i = \\tanh \\sum_j (w_{ij} + \\alpha_{ij}
h_{ij})\\, y_j$, with the Hebbian trace $h \\leftarrow (1 - \\eta)\\, h + \\eta\\, y_i y_j$, zero at
birth. Random patterns are shown, then one of them with half of its elements missing; the
network has to fill them in. What is stored is in $h$ alone, for the patterns are new
in every life. Gradient descent through whole lives finds $w$, $\\alpha$ and $\\eta$.

    python examples/miconi_2018.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from beside import NOT_GIVEN, found, heading, last, numbers, row
from command import Command, as_command
from jaxtyping import Array, Float

from metaplast.meta import Backprop as MetaBackprop
from metaplast.objective import Score

DEVIATIONS = """\
Deviations from the paper: tens of elements for a thousand, fewer patterns and presentations, a few
hundred lives for its thousands. As in the paper: patterns of +1 and -1, elements that are missing
are 0 in the cue, visible ones are clamped, the loss is the squared error of the last state. The
paper reports that recurrent networks without plasticity learn the task far slower or not at all, in
curves: of two patterns of 50 elements, shown once for 3 moments, for a million lives of 50 plastic
cells or of 2050 without plasticity (simple/README.md in uber-research/differentiable-plasticity).
A share of right elements to stand beside these is not given.
The outer product network (Hopfield 1982) is given what it needs by hand."""


class Plastic(eqx.Module):
    """A fully recurrent network with a fixed and a plastic part in every synapse."""

    fixed: Float[Array, "cells cells"]
    """$w$."""
    plastic: Float[Array, "cells cells"]
    """$\\alpha$."""
    pace: Float[Array, ""]
    """Logit of $\\eta$."""

    def __init__(self, cells: int, key):
        fixed_key, plastic_key = jax.random.split(key)
        self.fixed = 0.01 * jax.random.normal(fixed_key, (cells, cells))
        self.plastic = 0.01 * jax.random.normal(plastic_key, (cells, cells))
        self.pace = jnp.asarray(-3.0)

    def complete(
        self, shown: Float[Array, "moments cells"], cue: Float[Array, " cells"], steps: int
    ):
        """What the network makes of a cue after it has lived through `shown`."""
        eta = jax.nn.sigmoid(self.pace)

        def moment(carry, clamp):
            y, trace = carry
            drive = (self.fixed + self.plastic * trace) @ y
            after = jnp.where(clamp != 0, clamp, jnp.tanh(drive))
            trace = (1 - eta) * trace + eta * jnp.outer(after, y)
            return (after, trace), None

        begin = (jnp.zeros_like(cue), jnp.zeros_like(self.fixed))
        carry, _ = jax.lax.scan(moment, begin, shown)
        (y, _), _ = jax.lax.scan(moment, carry, jnp.broadcast_to(cue, (steps, *cue.shape)))
        return y


class Completion(eqx.Module):
    """Squared error at the missing elements, over lives of new patterns."""

    cells: int = eqx.field(static=True)
    patterns: int = eqx.field(static=True)
    presentations: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    """Moments for which a pattern is shown; then as many of silence."""

    def life(self, key):
        """Patterns in the order shown, moment by moment; the cue, and what it is part of."""
        pattern_key, order_key, which_key, hole_key = jax.random.split(key, 4)
        patterns = jax.random.rademacher(pattern_key, (self.patterns, self.cells), jnp.float32)
        keys = jax.random.split(order_key, self.presentations)
        order = jax.vmap(lambda k: jax.random.permutation(k, self.patterns))(keys).reshape(-1)
        one = jnp.concatenate([jnp.ones(self.steps), jnp.zeros(self.steps)])
        shown = (patterns[order][:, None, :] * one[None, :, None]).reshape(-1, self.cells)
        whole = patterns[jax.random.randint(which_key, (), 0, self.patterns)]
        hole = jax.random.permutation(hole_key, jnp.arange(self.cells) < self.cells // 2)
        return patterns, shown, jnp.where(hole, 0.0, whole), whole

    def __call__(self, network: Plastic, key):
        _, shown, cue, whole = self.life(key)
        answer = network.complete(shown, cue, self.steps)
        missing = cue == 0
        loss = jnp.sum(missing * (answer - whole) ** 2) / jnp.sum(missing)
        right = jnp.sum(missing * (jnp.sign(answer) == whole)) / jnp.sum(missing)
        return loss, Score(loss, right, jnp.zeros(()))


class Fixed(eqx.Module):
    """The same objective for a network without plasticity."""

    task: Completion

    def __call__(self, network: Plastic, key):
        return self.task(eqx.tree_at(lambda n: n.plastic, network, 0.0 * network.plastic), key)


def right(objective, network: Plastic, count: int, seed: int) -> np.ndarray:
    """Percent of the missing elements that are right, for each life."""
    run = eqx.filter_jit(jax.vmap(lambda key: objective(network, key)[1].accuracy))
    return 100 * np.asarray(run(jax.random.split(jax.random.key(seed), count)))


def outer_products(task: Completion, count: int, seed: int) -> np.ndarray:
    """The same for one step over the sum of the patterns' outer products."""

    def one(key):
        patterns, _, cue, whole = task.life(key)
        answer = patterns.T @ (patterns @ cue)
        missing = cue == 0
        return jnp.sum(missing * (jnp.sign(answer) == whole)) / jnp.sum(missing)

    return 100 * np.asarray(jax.vmap(one)(jax.random.split(jax.random.key(seed), count)))


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    task = Completion(options.cells, options.patterns, options.presentations, options.moments)
    first = Plastic(options.cells, jax.random.key(options.seed))
    print(f"{options.cells} cells, {options.patterns} patterns, shown {options.presentations} "
          f"times for {options.moments} moments; {numbers(first)} numbers searched")  # fmt: skip
    meta = MetaBackprop("adam", options.meta_rate, options.steps, options.meta_lives)
    plastic = found(task, first, meta, options.steps, options.seed, "missing elements right")
    print("  the same without plasticity")
    fixed = found(Fixed(task), first, meta, options.steps, options.seed, "missing elements right")

    heading("missing elements that are right, in %")
    seen = (options.lives, options.seed + 1)
    row("plastic network", NOT_GIVEN, right(task, plastic, *seen),
        f"eta {float(jax.nn.sigmoid(plastic.pace)):.3f}")  # fmt: skip
    row("network of fixed weights", NOT_GIVEN, right(Fixed(task), fixed, *seen))
    row("where the searches began", NOT_GIVEN, right(task, first, *seen))
    row("sum of outer products", NOT_GIVEN, outer_products(task, *seen))
    more = Completion(options.cells, 2 * options.patterns, options.presentations, options.moments)
    row("plastic, twice as many patterns", NOT_GIVEN, right(more, plastic, *seen))
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("cells", 50, "elements of a pattern", least=2)
    command.count("patterns", 3, "patterns in a life")
    command.count("presentations", 2, "of each pattern")
    command.count("moments", 3, "for which a pattern is shown")
    command.descent(400, 8, 0.003)
    command.compared(200)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
