"""The contract of a task: a distribution of experience, the only place that knows the answer."""

# No postponed annotations here: equinox must see `AbstractVar` itself, not its name.

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metaplast.types import Episode, Key, State, Teaching


class AbstractTask(eqx.Module):
    """A distribution over episodes.

    A task samples arrays, so that every learner can live the very same life, and it is
    the only part that sees the target before the learner's answer is recorded.

    A task of which only some moments ask for an answer says so in `answered` (bool `[moments]`);
    one whose held-out examples take several moments each, the last of which asks, says how many in
    `example_moments`. Whoever counts answers asks `tasks.wrapper`, for most tasks have neither.
    """

    inputs: eqx.AbstractVar[int]
    """Number of input cells that a stimulus drives."""
    classes: eqx.AbstractVar[int]
    """Number of classes, which is the number of output cells."""
    moments: eqx.AbstractVar[int]
    """Length of a life."""

    @property
    def ordered(self) -> bool:
        """Whether moments belong where they are in a life, so that nobody may sort them, or leave
        some out and move the others up."""
        return False

    @abc.abstractmethod
    def sample(self, key: Key) -> Episode:
        """Draw one life's worth of experience, with held-out examples for its end."""

    def teach(self, readout: Float[Array, " classes"], target: Int[Array, ""]) -> Teaching:
        """What the learner hears after it has answered with `readout`."""
        wrong = (jnp.argmax(readout) != target).astype(readout.dtype)
        return Teaching(jax.nn.one_hot(target, self.classes, dtype=readout.dtype), wrong[None])

    def loss(self, readout: Float[Array, " classes"], target: Int[Array, ""]) -> Float[Array, ""]:
        """Cross-entropy of the readout taken as logits, in nats."""
        return jax.nn.logsumexp(readout) - readout[target]

    def memory(self) -> State:
        """What the world remembers before anything has happened: a PyTree of arrays; None, and then
        nothing is carried through a life, for a world that answers to the present moment alone."""
        return None

    def recalled(self, memory: State) -> "AbstractTask":
        """The task as it teaches at a moment before which `memory` was kept."""
        del memory
        return self

    def remember(
        self, memory: State, readout: Float[Array, " classes"], target: Int[Array, ""]
    ) -> State:
        """What is remembered after the learner has answered with `readout`."""
        del readout, target
        return memory
