"""Bengio, Bengio & Cloutier (1991): the parameters of a synaptic rule, found by gradient descent.

Learning a synaptic learning rule. IJCNN 1991. doi:10.1109/IJCNN.1991.155621

What a synapse does is a function of what it can sense, with parameters that all synapses share.
Gradient descent through whole lives moves them, over lives that learn Boolean functions of two
inputs. Then networks with the found rule learn functions that no searched life had.

    python examples/bengio_1991.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from beside import NOT_GIVEN, found, heading, last, lives, numbers, row, tuned
from command import Command, as_command
from jaxtyping import Array, Int

from metaplast.circuits import layered
from metaplast.learner_loss import LearnerLoss
from metaplast.learners.backprop import Backprop
from metaplast.meta import Backprop as MetaBackprop
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.rules import SynapticMLP
from metaplast.tasks import AbstractTask
from metaplast.types import Episode

RATES = (0.03, 0.1, 0.3, 1.0)

DEVIATIONS = """\
Deviations from the paper: the rule is the delta rule and a small network in every synapse, where
the paper's has a few parameters of a form given by hand; errors come over fixed random
feedback; all 16 functions of two inputs, of which six are kept from the search. The paper is a
summary in words ("summary form only given") and has no figures. Experiments with Boolean functions
stand in its sequel (Bengio, Bengio, Cloutier & Gecsei 1997); its figures are not given.
Rates of the rivals are the best of a grid in hindsight, on the lives that are shown."""


class Boolean(AbstractTask):
    """Lives that learn one Boolean function of two inputs, from examples in random order."""

    functions: Int[Array, " functions"]
    """Truth tables, as four bits each."""
    moments: int = eqx.field(static=True)
    inputs: int = eqx.field(static=True, default=3)
    """The two, and one that is always on."""
    classes: int = eqx.field(static=True, default=2)

    def sample(self, key):
        which_key, order_key = jax.random.split(key)
        table = jax.random.choice(which_key, self.functions)
        each = jnp.arange(4)
        shown = jax.random.randint(order_key, (self.moments,), 0, 4)

        def stimulus(case):
            bits = jnp.stack([case // 2, case % 2, jnp.ones_like(case)], -1)
            return 2.0 * bits - 1.0

        def answer(case):
            return (table >> case) & 1

        return Episode(stimulus(shown), answer(shown), stimulus(each), answer(each))


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    shuffled = np.random.default_rng(options.seed).permutation(16)
    known, new = (Boolean(jnp.asarray(f), options.moments) for f in np.split(shuffled, [10]))
    circuit = layered(3, (options.hidden,), 2)
    neurons = {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output("softmax")}
    rules = {
        kind: SynapticMLP(options.rate, options.width, options.seed + index)
        for index, kind in enumerate(("forward", "readout"))
    }
    first = PlasticNetwork(circuit, Genome(neurons, rules))
    print(f"network 3-{options.hidden}-2, {options.moments} examples a life; {numbers(first)} "
          f"numbers are searched, on 10 of the 16 functions")  # fmt: skip
    meta = MetaBackprop("adam", options.meta_rate, options.steps, options.meta_lives)
    rule = found(LearnerLoss(known), first, meta, options.steps, options.seed)

    for name, task in (("functions of the search", known), ("functions kept from it", new)):
        heading(f"cases right in %, after life: {name}")
        seen = (task, options.lives, options.seed + 1)
        row("found rule", NOT_GIVEN, lives(rule, *seen)[1])
        row("delta rule, where it began", NOT_GIVEN, lives(first, *seen)[1])
        *_, held_out, rate = tuned(
            lambda r: Backprop((3, options.hidden, 2), "sgd", r, "tanh"),
            RATES, *seen,
        )  # fmt: skip
        row("backprop, sgd", NOT_GIVEN, held_out, f"best rate {rate:.3g}")
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("hidden", 6, "cells of the hidden layer")
    command.count("width", 4, "units of the network in a synapse")
    command.add_argument("--rate", type=float, default=0.1, help="of the delta rule")
    command.count("moments", 40, "examples in a life")
    command.descent(300, 16, 0.02)
    command.compared(200)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
