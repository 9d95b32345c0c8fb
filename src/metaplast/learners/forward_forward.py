"""Forward-forward: every layer learns to be active for true labels and quiet for false ones."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.perceptron import Layers, Vectors, learned
from metaplast.source import Source

FLOOR = 1e-6
"""Added to the mean square before division."""


class ForwardForward(eqx.Module):
    r"""Two sweeps, one with the true label among the inputs and one with a false one.

    Every layer has a loss of its own: with goodness $g = |h|^2$ and as threshold the number of
    its cells $n$, it holds its input true with probability $p = \sigma(g - n)$, and
    $\Delta W = 2\eta\,(1-p)\, h x^\top$ for the true label, $-2\eta\, p\, h x^\top$ for the
    false one. What a layer hears is brought to unit mean square first, so that the goodness of
    the layer below says nothing. The readout of a class is the goodness less threshold with
    that label, summed over all hidden layers but the first where there are several.

    Deviations: the label is said by input cells of its own (the paper overwrites ten pixels),
    `loudness` times as loud as the root mean square of the others; false labels are drawn
    uniformly; plain steps, one example each.

    Args:
        inputs, hidden, classes: cells of the stimulus, of every layer, and labels.
        rate: learning rate $\eta$. An array leaf.
        loudness: of the input cell of the label. An array leaf.

    References: Hinton (2022) arXiv:2212.13345.
    """

    source: ClassVar[Source] = Source(
        "Hinton", 2022,
        "The forward-forward algorithm: some preliminary investigations", "10.48550/arXiv.2212.13345",
    )  # fmt: skip
    inputs: int = eqx.field(static=True)
    hidden: tuple[int, ...] = eqx.field(static=True)
    classes: int = eqx.field(static=True)
    rate: Float[Array, ""] = eqx.field(default=0.01, converter=lambda r: jnp.asarray(r, float))
    loudness: Float[Array, ""] = eqx.field(default=3.0, converter=lambda r: jnp.asarray(r, float))

    def __check_init__(self) -> None:
        if not self.hidden:
            raise ValueError("hidden = (): expected one hidden layer or more, for only they learn")
        if self.classes < 2:
            raise ValueError(f"classes = {self.classes}: expected 2 or more, for one must be false")

    @property
    def _shapes(self) -> list[tuple[int, int]]:
        return list(zip(self.hidden, (self.inputs + self.classes, *self.hidden[:-1]), strict=True))

    @property
    def synapses(self) -> int:
        """Weights, all of them plastic."""
        return sum(post * pre for post, pre in self._shapes)

    def born(self, key):
        weights = [
            jax.random.normal(layer_key, shape) * (2.0 / shape[1]) ** 0.5
            for layer_key, shape in zip(
                jax.random.split(key, len(self.hidden)), self._shapes, strict=True
            )
        ]
        return Layers(weights, [jnp.zeros(n) for n in self.hidden])

    def predict(self, state, stimulus):
        def goodness(label):
            said = self.sweep(state, stimulus, label)[1]
            excess = jnp.stack([jnp.sum(h**2) - h.shape[0] for h in said])
            return jnp.sum(excess[1:]) if len(said) > 1 else excess[0]

        return jax.vmap(goodness)(jnp.eye(self.classes, dtype=stimulus.dtype))

    def moment(self, state, stimulus, target, task, key=None):
        readout = self.predict(state, stimulus)
        true = task.teach(readout, target).signal
        false = self.false_label(true, key)
        changed = state
        for label, is_true in ((true, True), (false, False)):
            heard, said = self.sweep(state, stimulus, label)
            errors = [self.error(h, is_true) for h in said]
            changed = learned(changed, heard, errors, self.rate)
        return changed, readout

    def false_label(self, true: Float[Array, " classes"], key) -> Float[Array, " classes"]:
        """One of the other labels."""
        drawn = jax.random.categorical(key, jnp.where(true > 0.5, -jnp.inf, 0.0))
        return jax.nn.one_hot(drawn, self.classes, dtype=true.dtype)

    def sweep(
        self,
        layers: Layers,
        stimulus: Float[Array, " inputs"],
        label: Float[Array, " classes"],
    ) -> tuple[Vectors, Vectors]:
        """What every layer hears, and what it says."""
        heard = [even(jnp.concatenate([even(stimulus), self.loudness * label]))]
        said = []
        for weight, bias in zip(*layers, strict=True):
            said.append(jax.nn.relu(weight @ heard[-1] + bias))
            heard.append(even(said[-1]))
        return heard[:-1], said

    def error(self, said: Float[Array, " cells"], is_true: bool) -> Float[Array, " cells"]:
        """What a layer's synapses multiply with what they heard: the negative derivative of its
        loss by its drives."""
        excess = jnp.sum(said**2) - said.shape[0]
        wrong = jax.nn.sigmoid(-excess) if is_true else -jax.nn.sigmoid(excess)
        return 2.0 * wrong * said


def even(said: Float[Array, " cells"]) -> Float[Array, " cells"]:
    """The same direction at unit mean square."""
    return said * jax.lax.rsqrt(jnp.mean(said**2) + FLOOR)
