"""A network for which a stimulus lasts: one moment of life is many moments of the network."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.network import PlasticNetwork
from metaplast.source import Source

FASTEST = 0.5
"""Spikes per step of an input at its peak, where rates encode it."""


@dataclasses.dataclass(frozen=True)
class Presentation:
    """How stimuli are shown to whatever network: the options of `Presented`."""

    steps: int = 30
    pause: int = 20
    encoding: Literal["current", "rate", "latency"] = "rate"
    peak: float = 1.0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps = {self.steps}: expected 1 or more")
        if self.pause < 0:
            raise ValueError(f"pause = {self.pause}: expected 0 or more")
        if self.encoding not in ENCODINGS:
            raise ValueError(f"encoding = {self.encoding!r}, expected one of {sorted(ENCODINGS)}")
        if not self.peak > 0:
            raise ValueError(f"peak = {self.peak}: expected a positive stimulus; give 1.0")

    def of(self, network: PlasticNetwork) -> Presented:
        """The network, to which stimuli are shown like this."""
        return Presented(network, **dataclasses.asdict(self))


class Presented(eqx.Module):
    r"""A network to which every stimulus of a life is shown for `steps` of its own moments.

    Encodings of a stimulus $x$, with the intensity $s = \mathrm{clip}(x / \mathrm{peak}, 0, 1)$:

    - `current`: $x$ itself, at every step.
    - `rate`: regular spikes, $s / 2$ per step, each input at a phase of its own.
    - `latency`: one spike, at step $(1 - s)(\mathrm{steps} - 1)$, and none at $s = 0$.

    None is random. The answer is the mean readout over all steps, asked for *before* the stimulus
    is taught: the network hears it without a teacher, and then once more, as it was before, with
    the teacher at every step. The teacher judges the readout of each single step and not their
    mean, so the modulator may say wrong at some steps of an answer that is right. No label can
    reach the answer, at twice the price of hearing once.
    Before either, inputs are silent for `pause` steps, for membranes and traces to forget the last
    stimulus: where little of them fades, much of what is learned belongs to that one. Rules with a
    memory in every synapse (`EProp`) live through the taught steps only.

    Args:
        network: who learns; its last population is best leaky (`neurons.Leaky`).
        steps: moments of the network in a moment of life, 1 or more.
        pause: silent moments before it, 0 or more.
        encoding: how a stimulus drives the first population.
        peak: the stimulus of the greatest intensity.

    References: Gerstner et al. (2014) doi:10.1017/CBO9781107447615, section 7.6 (rates); Thorpe,
    Delorme & Van Rullen (2001) doi:10.1016/S0893-6080(01)00083-1 (latencies).
    """

    source: ClassVar[Source] = Source(
        "Gerstner, Kistler, Naud & Paninski", 2014, "Neuronal dynamics", "10.1017/CBO9781107447615"
    )
    network: PlasticNetwork
    steps: int = eqx.field(default=30, static=True)
    pause: int = eqx.field(default=20, static=True)
    encoding: Literal["current", "rate", "latency"] = eqx.field(default="rate", static=True)
    peak: float = eqx.field(default=1.0, static=True)

    def __check_init__(self) -> None:
        Presentation(self.steps, self.pause, self.encoding, self.peak)

    def born(self, key):
        return self.network.born(key)

    @property
    def noisy(self) -> bool:
        """As the network inside."""
        return self.network.noisy

    def predict(self, state, stimulus, key=None):
        resting, asked, _ = _keys(key)
        return self.shown(self.rested(state, stimulus, resting), stimulus, asked)[1]

    def moment(self, state, stimulus, target, task, key=None):
        resting, asked, taught = _keys(key)
        state = self.rested(state, stimulus, resting)
        answer = self.shown(state, stimulus, asked)[1]
        return self.taught(state, stimulus, target, task, taught), answer

    def taught(self, state, stimulus, target, task, key):
        """The network after a stimulus with a teacher at every step."""

        def step(state, now):
            seen, at = now
            return self.network.moment(state, seen, target, task, _at(key, at))[0], None

        return jax.lax.scan(step, state, self._driven(stimulus))[0]

    def rested(self, state, stimulus, key):
        """The network after a pause."""
        silence = jnp.zeros_like(stimulus)

        def step(state, at):
            return self.network.listen(state, silence, _at(key, at))[0], None

        return jax.lax.scan(step, state, jnp.arange(self.pause))[0]

    def shown(self, state, stimulus, key):
        """The network after a stimulus that nobody taught, and its mean readout."""

        def step(state, now):
            seen, at = now
            return self.network.listen(state, seen, _at(key, at))

        state, readouts = jax.lax.scan(step, state, self._driven(stimulus))
        return state, jnp.mean(readouts, 0)

    def _driven(self, stimulus):
        """What drives the first population at every step, and the number of the step."""
        at = jnp.arange(self.steps)
        return ENCODINGS[self.encoding](stimulus, self.peak, at), at


def current(stimulus: Float[Array, " inputs"], peak: float, at) -> Float[Array, "steps inputs"]:
    """The stimulus itself, at all steps."""
    return jnp.broadcast_to(stimulus, (*at.shape, *stimulus.shape))


def rate(stimulus: Float[Array, " inputs"], peak: float, at) -> Float[Array, "steps inputs"]:
    """Regular spikes; neighbors are out of phase by the golden ratio, which no two inputs share."""
    pace = FASTEST * jnp.clip(stimulus / peak, 0.0, 1.0)
    phase = jnp.arange(stimulus.shape[0]) * 0.6180339887 % 1.0
    return jnp.floor(pace * (at[:, None] + 1) + phase) - jnp.floor(pace * at[:, None] + phase)


def latency(stimulus: Float[Array, " inputs"], peak: float, at) -> Float[Array, "steps inputs"]:
    """One spike, the sooner the more intense."""
    intensity = jnp.clip(stimulus / peak, 0.0, 1.0)
    due = jnp.round((1.0 - intensity) * (at.shape[0] - 1))
    return ((at[:, None] == due) & (intensity > 0)).astype(stimulus.dtype)


ENCODINGS = {"current": current, "rate": rate, "latency": latency}


def _keys(key):
    """Noise of the pause, of the answer and of the teaching."""
    return (None, None, None) if key is None else jax.random.split(key, 3)


def _at(key, step):
    return None if key is None else jax.random.fold_in(key, step)
