"""Cells that excite and cells that inhibit, four rules between them, and what they do together."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

KINDS = ("EE", "EI", "IE", "II")
"""Who sends, who receives."""
NUMBERS = ("tau of pre", "tau of post", "pre", "post", "post after pre", "pre after post")
"""Of one rule: time constants in ms, then what spikes are worth, alone and at the other's trace."""
RATE = 0.003
BIRTH = {"EE": 0.1, "EI": 0.1, "IE": 1.0, "II": 1.0}
LARGEST = 20.0
"""Rate of the rules; weights at birth and their upper bound as in the paper."""
OUTSIDE = 250.0
"""Poisson inputs to every cell."""
BLOCK = 10
"""Weights move once in so many ms."""
MEASURES = (
    "rate of E", "rate of I", "share at a bound", "creep",
    "weight EE", "weight EI", "weight IE", "weight II",
    "variation of intervals", "Fano factor over cells", "Fano factor over time", "synchrony",
    "deviation of rates",
)  # fmt: skip
"""What `life` measures, in its order."""


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
