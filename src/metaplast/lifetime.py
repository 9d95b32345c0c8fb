"""The inner loop: one learner living one episode from birth."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.types import Episode, Key, Life, State, Teaching

BOUND = 1e6
"""A readout beyond this, or one that is not a number, ends a life."""


@runtime_checkable
class Judge(Protocol):
    """What a life needs of its task: the teacher's signal, and the loss of an answer."""

    def teach(self, readout: Array, target: Array) -> Teaching:
        """What the learner hears after it has answered with `readout`."""
        ...

    def loss(self, readout: Array, target: Array) -> Array:
        """Cost of the answer, in nats."""
        ...


@runtime_checkable
class Learner(Protocol):
    """Anything that lives an episode: a plastic network, backprop, a frozen network."""

    def born(self, key: Key) -> State:
        """State of a newborn learner."""
        ...

    def moment(
        self, state: State, stimulus: Array, target: Array, task: Judge, key: Key | None
    ) -> tuple[State, Array]:
        """Answer, be taught, change: the new state and the readout given before learning."""
        ...

    def predict(self, state: State, stimulus: Array) -> Array:
        """Readout of a stimulus, without learning."""
        ...


def live(
    learner: Learner, task: Judge, episode: Episode, key: Key, segment: int | None = None
) -> tuple[Life, State]:
    """Live one whole episode from birth, as one scan over its moments.

    Args:
        learner: who lives.
        task: the teacher and judge; its episodes are not sampled here.
        episode: stimuli `[moments, inputs]` and targets `[moments]`.
        key: birth and noise of this life.
        segment: where given, moments between two checkpoints of the backward pass, so
            that the memory of a meta-gradient grows with `moments / segment + segment`.

    Returns:
        The life, and the learner's last state.
    """
    birth_key, noise_key = jax.random.split(key)
    state = learner.born(birth_key)
    begin = (state, jnp.asarray(True), jnp.asarray(0))

    def moment(carry, experience):
        return _moment(learner, task, noise_key, carry, experience)

    (state, alive, died_at), (correct, loss) = scan(
        moment, begin, (episode.stimuli, episode.targets), segment
    )
    return Life(correct, loss, ~alive, died_at), state


def test_accuracy(learner: Learner, state: State, episode: Episode) -> Float[Array, ""]:
    """Fraction of the held-out examples that a learner names correctly, without learning."""
    readouts = jax.vmap(lambda x: learner.predict(state, x))(episode.test_stimuli)
    named = jnp.all(jnp.isfinite(readouts), -1) & (jnp.argmax(readouts, -1) == episode.test_targets)
    return jnp.mean(named.astype(jnp.float32))


def scan(step, begin, experience, segment: int | None = None):
    """`lax.scan`, in checkpointed segments where asked for.

    A horizon that is no multiple of `segment` ends with one shorter segment.
    """
    if segment is None:
        return jax.lax.scan(step, begin, experience)
    length = jax.tree.leaves(experience)[0].shape[0]
    whole = length // segment * segment

    @jax.checkpoint
    def through(carry, part):
        return jax.lax.scan(step, carry, part)

    head = jax.tree.map(lambda a: a[:whole].reshape(-1, segment, *a.shape[1:]), experience)
    carry, out = jax.lax.scan(through, begin, head)
    out = jax.tree.map(lambda a: a.reshape(whole, *a.shape[2:]), out)
    if whole < length:
        carry, rest = through(carry, jax.tree.map(lambda a: a[whole:], experience))
        out = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), out, rest)
    return carry, out


def _moment(learner: Learner, task: Judge, noise_key: Key, carry, experience):
    state, alive, age = carry
    stimulus, target = experience
    state, readout = learner.moment(
        state, stimulus, target, task, jax.random.fold_in(noise_key, age)
    )
    sound = jnp.all(jnp.isfinite(readout) & (jnp.abs(readout) < BOUND))
    alive = alive & sound
    answer = jnp.where(sound, readout, 0.0)
    correct = alive & (jnp.argmax(answer) == target)
    # The dead answer at random: their loss is that of a flat readout.
    loss = jnp.where(alive, task.loss(answer, target), jnp.log(float(readout.shape[0])))
    return (state, alive, age + alive), (correct, loss)
