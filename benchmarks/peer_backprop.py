"""Backprop online on one stream: ours, plain optax, PyTorch; and a rule of ours beside them.

    python benchmarks/peer_backprop.py [--quick] [--json]

A perceptron 64-64-64-10 (relu, biases) names every example before it takes one step of Adam on it.
All begin newborn, those three with the same weights, and that they answer alike is asserted first.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
import torch
from agreement import NEAR, agreement
from interleaved import Contender, compiled, interleave, short
from moment import factored, newborn
from section import Claim, Section, run, say
from torch_backprop import Stream, many_lives, one_life
from torch_threads import fastest

from metaplast.learners.backprop import Backprop
from metaplast.lifetime import unroll
from metaplast.tasks import Clusters

HIDDEN = (64, 64)
SIZES = (64, *HIDDEN, 10)
RATE = 0.003
OURS, PLAIN, TORCH, RULE = "learners.Backprop", "optax in a scan", "PyTorch", "Factored"
EARLY = 30
"""Moments over which rounding has not yet grown to what a nonlinearity makes of it."""


def measure(quick: bool) -> Section:
    section = Section("Backprop online: ours, optax, PyTorch")
    section.write(
        "One pass over a stream, one step of Adam per example, in 64-64-64-10; microseconds per "
        f"life and moment. The losses of the first {EARLY} moments agree to {NEAR:g}. For "
        "one life PyTorch is a module and `optimizer.step`; for many, `vmap` of `torch.func.grad` "
        "and Adam written out; both at whichever number of threads is faster."
    )
    rows = []
    for lives in (1,) if quick else (1, 32):
        rows += rows_for(section, lives, 60 if quick else 300, 3 if quick else 7)
    section.table(("lives", "", "us per moment", "time / ours", "to prepare, s"), rows)
    return section


def rows_for(section: Section, lives: int, moments: int, repetitions: int) -> list[list]:
    say(f"peer_backprop: {lives} lives of {moments} moments")
    task = Clusters(inputs=64, moments=moments)
    keys = jax.random.split(jax.random.key(0), lives)
    episodes = jax.jit(jax.vmap(task.sample))(keys)
    experience = (episodes.stimuli, episodes.targets)
    learner, rule = Backprop(SIZES, "adam", RATE), factored(HIDDEN)
    born, ruled = (jax.jit(jax.vmap(lambda key, x=x: newborn(x, key)))(keys)
                   for x in (learner, rule))  # fmt: skip

    def losses(learner):
        def one(begin, experience, key):
            return unroll(learner, task, begin, experience, key)[1][1]

        return jax.vmap(one)

    weights = born[0].weights
    stream = Stream.of(weights, *experience)
    in_torch = one_life if lives == 1 else many_lives
    reference = jax.jit(losses(learner))(born, experience, keys)[:, :EARLY]
    for name, other in (
        (PLAIN, jax.jit(jax.vmap(plain))(weights, *experience)),
        (TORCH, in_torch(stream, RATE)),
    ):
        agreement(name, reference, other[:, :EARLY])

    def peer():
        threads = fastest(lambda: in_torch(stream.first(10), RATE))

        def once():
            torch.set_num_threads(threads)
            in_torch(stream, RATE)

        once()
        return once

    times = interleave(
        [
            compiled(OURS, losses(learner), born, experience, keys),
            compiled(PLAIN, jax.vmap(plain), weights, *experience),
            Contender(TORCH, peer),
            compiled(RULE, losses(rule), ruled, experience, keys),
        ],
        repetitions,
    )
    where = f"{lives} {'life' if lives == 1 else 'lives'}"
    section.claims += [
        Claim(f"{a} / {b}, {where}", times.ratio(a, b))
        for a, b in ((PLAIN, OURS), (TORCH, OURS), (RULE, OURS), (RULE, PLAIN))
    ]
    scale = 1e6 / (lives * moments)
    return [
        [lives, name, short(times.of(name).median * scale), times.ratio(name, OURS),
         short(times.preparing[name])]
        for name in (OURS, PLAIN, TORCH, RULE)
    ]  # fmt: skip


def plain(weights, stimuli, targets):
    """A hand-written perceptron and optax, as its documentation shows it: losses `[moments]`."""
    adam = optax.adam(RATE)

    def loss_of(parameters, stimulus, target):
        heard = stimulus
        for weight, bias in parameters[:-1]:
            heard = jax.nn.relu(weight @ heard + bias)
        weight, bias = parameters[-1]
        logits = weight @ heard + bias
        return optax.softmax_cross_entropy_with_integer_labels(logits, target)

    def moment(carry, seen):
        parameters, memory = carry
        loss, gradient = jax.value_and_grad(loss_of)(parameters, *seen)
        step, memory = adam.update(gradient, memory)
        return (optax.apply_updates(parameters, step), memory), loss

    parameters = [(weight, jnp.zeros(weight.shape[0])) for weight in weights]
    return jax.lax.scan(moment, (parameters, adam.init(parameters)), (stimuli, targets))[1]


if __name__ == "__main__":
    run(measure, __doc__)
