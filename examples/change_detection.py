"""A small plastic cortex that has to say whether an image is the same as the last one.

Images are flashed for 60 ms, 40 ms apart, as in the task that mice of the Allen Institute do with
eight natural images (Garrett et al. 2020, doi:10.7554/eLife.50340): lick if the image has changed.
Membranes forget an image before the next one comes, so what it was can only be kept in
synapses.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from spike_series import DT, TAU, SpikeSeries

from metaplast.circuits import Circuit, Population, Projection
from metaplast.network import Genome, NetworkState, PlasticNetwork
from metaplast.neurons import LIF, Rate, Traced
from metaplast.objective import Score
from metaplast.types import Cell, Teaching

KINDS = (
    "input->E", "input->I", "E->E", "E->I", "I->E", "I->I", "E->lick", "I->lick",
)  # fmt: skip
"""Kinds of synapses, each with a rule of its own: who sends, who receives."""
SCALES = {
    "input->E": 1.0, "input->I": 1.0, "E->E": 0.2, "E->I": 1.0, "I->E": 1.0, "I->I": 0.5,
    "E->lick": 1.5, "I->lick": 0.5,
}  # fmt: skip
"""Efficacy of a kind of synapses, fixed by hand."""
SIDE = 8
"""Pixels of an image on either side."""
SHOWN, MOMENTS = 12, 20
"""Moments for which an image is shown, and from one image to the next."""
LOUD = 0.08
"""Spikes of an input cell in a moment of an image, on average."""
STEP = 0.1
"""Change of a weight in units of that at birth, for a coefficient of 1 and one image."""
BANDS = {"E": (1.0, 20.0), "I": (1.0, 40.0), "weight": (0.25, 4.0)}
"""What is plausible: mean rates in Hz, mean weights of each kind in units of those at birth."""
SILENT = 0.2
"""Plausible share of excitatory cells that never fire."""

Rules = dict[str, Float[Array, " terms"]]
"""Coefficients by kind of synapses."""


class Lived(NamedTuple):
    """What happened at each image of a life."""

    change: Bool[Array, " images"]
    """Whether it was time to lick."""
    licked: Bool[Array, " images"]
    rates: Float[Array, "images cells"]
    """Of the excitatory cells in Hz, until the next image."""
    calming: Float[Array, "images cells"]
    """Likewise of the inhibitory ones."""
    weights: dict[str, Float[Array, " images"]]
    """Mean weight of each kind, in units of that at birth."""


class Implausible(NamedTuple):
    """What a life costs, for an archive over it."""

    implausible: Float[Array, ""]
    """Decimal logarithm of how far out of its bands a network is (`Cortex.judged`)."""


class Teacher:
    """Tells everybody how much better it went than usual, as the one broadcast value."""

    def __init__(self, surprise):
        self.surprise = surprise

    def teach(self, readout, target) -> Teaching:
        return Teaching(jnp.zeros_like(readout), jnp.reshape(self.surprise, (1,)))


class Cortex(eqx.Module):
    """Lives of a plastic network that sees images and is rewarded for its answers.

    A cell that hears all others says "it has changed" if it spikes while the image is shown. Then
    everybody is told how much better that was than usual. How often images change differs from
    life to life (30 to 70 % of the time), and so does how strongly that cell is driven at birth (by
    a factor of 4 at most), so no fixed threshold is right.

    Args:
        cells: of the input, excitatory, inhibitory.
        images: in a life.
        weight: of implausibility in the loss.
        deaf: 1 where the sign of what is told about reward is drawn.
        naming: share of lives in which the first of two images asks for a lick and the other one
            does not, whatever was seen before.
        painted: 1 where images are drawn from `pictures`; else they are gratings, new in every
            life.
        pictures: images with contrast, `[pictures, pixels]`.
        pool: how many different images a life has.
    """

    cells: tuple[int, int, int] = eqx.field(static=True)
    images: int = eqx.field(static=True)
    weight: Float[Array, ""]
    deaf: Float[Array, ""]
    naming: Float[Array, ""]
    painted: Float[Array, ""]
    pictures: Float[Array, "pictures pixels"]
    pool: int = eqx.field(static=True, default=8)

    def network(self, rules: Rules) -> PlasticNetwork:
        spiking = Traced(LIF(20.0, dt=DT), tau_plus=TAU, tau_minus=TAU, dt=DT)
        told = Traced(Rate("linear"), tau_plus=TAU, tau_minus=TAU, dt=DT)
        neurons = {"input": told, "E": spiking, "I": spiking, "lick": spiking}
        series = {
            kind: SpikeSeries(rules[kind], STEP * birth, MOMENTS)
            for kind, birth in self.births().items()
        }
        return PlasticNetwork(circuit(self.cells), Genome(neurons, series))

    def births(self) -> dict[str, float]:
        """Mean weight of each kind at birth, without its sign."""
        sizes = dict(zip(("input", "E", "I"), self.cells, strict=True))
        even = {kind: 1.0 / sizes[kind.split("->")[0]] for kind in KINDS}
        return {**even, "input->E": (2 / np.pi / self.cells[0]) ** 0.5}

    def lived(self, rules: Rules, key) -> Lived:
        network = self.network(rules)
        birth_key, gain_key, world_key, life_key = jax.random.split(key, 4)
        which, change, seen = self._drawn(world_key)
        born = network.born(birth_key)
        gain = 2.0 ** jax.random.uniform(gain_key, (), minval=-1.0, maxval=1.0)
        weights = {**born.weights, "E->lick": gain * born.weights["E->lick"]}
        births = self.births()

        def image(carry, given):
            state, usual = carry
            which, change, key = given
            spike_key, sign_key = jax.random.split(key)
            chances = jnp.where(jnp.arange(MOMENTS)[:, None] < SHOWN, seen[which], 0.0)
            spikes = jax.random.bernoulli(spike_key, chances).astype(float)
            sign = jnp.where(self.deaf > 0, jax.random.rademacher(sign_key, ()), 1)
            state, licked, fired = _through(network, state, spikes, change, usual, sign)
            usual = 0.9 * usual + 0.1 * (licked == change)
            per_second = 1000.0 / (MOMENTS * DT)
            means = {k: jnp.mean(jnp.abs(state.weights[k])) / births[k] for k in KINDS}
            rates = (per_second * fired["E"], per_second * fired["I"])
            return (state, usual), Lived(change, licked, *rates, means)

        begin = (born._replace(weights=weights), jnp.asarray(0.5))
        given = (which, change, jax.random.split(life_key, self.images))
        return jax.lax.scan(image, begin, given)[1]

    def _drawn(self, key):
        """Which image of the pool is shown when, when to lick, and chances of a spike of each
        input cell under each image of the pool."""
        image_key, often_key, when_key, step_key, name_key, task_key = jax.random.split(key, 6)
        painted = jax.random.choice(image_key, self.pictures, (self.pool,), replace=False)
        pool = jnp.where(self.painted > 0, painted, gratings(image_key, self.pool))
        often = jax.random.uniform(often_key, (), minval=0.3, maxval=0.7)
        change = jax.random.bernoulli(when_key, often, (self.images,))
        steps = jax.random.randint(step_key, (self.images,), 1, self.pool)
        which = jnp.cumsum(change * steps) % self.pool
        first = jax.random.bernoulli(name_key, 0.5, (self.images,))
        naming = jax.random.uniform(task_key) < self.naming
        which, change = jnp.where(naming, ~first, which), jnp.where(naming, first, change)
        heard = jax.nn.relu(pool @ filters(self.cells[0]).T)
        loud = LOUD * heard / jnp.maximum(jnp.mean(heard, 1, keepdims=True), 1e-6)
        return which, change, jnp.minimum(loud, 0.8)

    def judged(self, rules: Rules, key):
        """Right answers, implausibility, and each answer (1 where it licked).

        Over the last two thirds of a life: mean share of right answers where it was time to lick
        and where not, and how far the network is from plausible: by how many factors of e its
        rates and weights are out of their bands, and the share of silent cells beyond `SILENT`.
        """
        life = self.lived(rules, key)
        late = jnp.arange(self.images) >= self.images // 3
        lick, wait = life.change & late, ~life.change & late
        # Chance is one half, however often images change.
        right = (_mean(life.licked, lick) + _mean(~life.licked, wait)) / 2
        rates = jnp.sum(life.rates * late[:, None], 0) / jnp.sum(late)
        calming = jnp.sum(life.calming * late[:, None], 0) / jnp.sum(late)
        strange = jnp.stack([_beyond(mean[-1], "weight") for mean in life.weights.values()])
        silent = jnp.maximum(jnp.mean(rates == 0.0) - SILENT, 0.0)
        bad = _beyond(jnp.mean(rates), "E") + _beyond(jnp.mean(calming), "I")
        return right, bad + silent + jnp.mean(strange), life.licked

    def __call__(self, rules: Rules, key):
        right, bad, _ = self.judged(rules, key)
        loss = 1.0 - right + self.weight * bad
        return loss, Score(loss, right, jnp.zeros(()), Implausible(jnp.log10(bad + 1e-3)))


def circuit(cells: tuple[int, int, int]) -> Circuit:
    """Input, inhibitory, excitatory cells, and one that licks; signs are fixed from birth on."""

    def wire(kind, site="basal", birth="even", delay=0):
        pre, post = kind.split("->")
        sign = -1 if pre == "I" else 1
        return Projection(
            kind, kind, pre, post, site, birth=birth, delay=delay, sign=sign, scale=SCALES[kind]
        )

    sizes = zip(("input", "E", "I"), cells, strict=True)
    populations = {name: Population(name, size, name) for name, size in sizes}
    order = (*(populations[name] for name in ("input", "I", "E")), Population("lick", 1, "lick"))
    special = {
        "input->E": {"birth": "random"}, "E->E": {"site": "lateral"}, "I->I": {"site": "lateral"},
        "E->I": {"delay": 1},
    }  # fmt: skip
    return Circuit(order, tuple(wire(kind, **special.get(kind, {})) for kind in KINDS))


def _through(network: PlasticNetwork, state: NetworkState, spikes, change, usual, sign):
    """The network after an image and the gray that follows, whether it licked while the image was
    shown, and how often each cell fired."""

    def moment(carry, given):
        state, licks, counts = carry
        spikes, number = given
        fired = {}

        def heard(population, phase, value):
            if isinstance(value, Cell):
                fired[population] = value.activity

        surprise = sign * ((licks > 0) == change) - sign * usual
        surprise = jnp.where(number == SHOWN, surprise, 0.0)
        state, _ = network.moment(state, spikes, jnp.asarray(0), Teacher(surprise), None, heard)
        licks = licks + jnp.where(number < SHOWN, fired["lick"][0], 0.0)
        return (state, licks, {name: counts[name] + fired[name] for name in counts}), None

    sizes = {p.name: p.size for p in network.circuit.populations}
    none = {name: jnp.zeros(sizes[name]) for name in ("E", "I")}
    begin = (state, jnp.zeros(()), none)
    (state, licks, counts), _ = jax.lax.scan(moment, begin, (spikes, jnp.arange(MOMENTS)))
    return state, licks > 0, counts


def _mean(values, where):
    return jnp.sum(values * where) / jnp.maximum(jnp.sum(where), 1)


def _beyond(value, name: str):
    """By how many factors of e a value is out of its band."""
    low, high = np.log(BANDS[name])
    log = jnp.log(jnp.maximum(value, 1e-3))
    return jnp.maximum(0.0, jnp.maximum(low - log, log - high))


def gratings(key, count: int) -> Float[Array, "count pixels"]:
    """Images of parallel bars of random direction, width and phase."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    angle, width, phase = jax.random.uniform(key, (3, count, 1, 1))
    across = x * jnp.cos(np.pi * angle) + y * jnp.sin(np.pi * angle)
    bars = jnp.cos(2 * np.pi * ((0.15 + 0.15 * width) * across + phase))
    return contrast(bars.reshape(count, -1))


def contrast(images: Float[Array, "count pixels"]) -> Float[Array, "count pixels"]:
    """Images of mean 0 and length 1."""
    images = images - jnp.mean(images, 1, keepdims=True)
    return images / jnp.linalg.norm(images, axis=1, keepdims=True)


def filters(count: int) -> np.ndarray:
    """What makes input cells fire: patches of parallel bars, `[count, pixels]`."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    angle = np.pi * np.arange(count)[:, None, None] / count
    cycles, phase = random.uniform(0.15, 0.3, angle.shape), random.uniform(0, 2, angle.shape)
    x, y = (axis - random.uniform(-2, 2, angle.shape) for axis in (x, y))
    across = x * np.cos(angle) + y * np.sin(angle)
    patch = np.exp(-(x**2 + y**2) / (2 * 1.7**2)) * np.cos(np.pi * (2 * cycles * across + phase))
    patch = patch.reshape(count, -1)
    patch = patch - patch.mean(1, keepdims=True)
    return patch / np.linalg.norm(patch, axis=1, keepdims=True)
