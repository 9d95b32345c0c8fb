"""Backprop through whole lifetimes."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from metaplast.meta.abstract import AbstractMetaOptimizer, Step
from metaplast.source import Source
from metaplast.spread import spread


class Backprop(AbstractMetaOptimizer):
    """Gradient descent on the loss of `lives` lives, differentiated through every moment.

    Each life has a gradient of its own: one that is not finite is left out, and one that is
    longer than `clip` is scaled down, so that no life spoils the others'.
    The mean is handed, as one vector, to the optax optimizer named `optimizer`; the rate decays
    as a cosine over `steps` down to a tenth.

    Args:
        optimizer: the name of an optax optimizer that takes a learning rate.
        rate: the first learning rate.
        steps: the length of the decay, in meta-steps.
        lives: lives per meta-step.
        clip: longest gradient of one life, in units of the loss.
        width: most lives that one device differentiates at once, by default as `spread` chooses.

    References: Bengio, Bengio & Cloutier (1991) doi:10.1109/IJCNN.1991.155621;
    Andrychowicz et al. (2016) NeurIPS.
    """

    source: ClassVar[Source] = Source(
        "Bengio, Bengio & Cloutier", 1991, "Learning a synaptic learning rule",
        "10.1109/IJCNN.1991.155621",
    )  # fmt: skip
    optimizer: str = eqx.field(static=True, default="adam")
    rate: float = eqx.field(static=True, default=0.01)
    steps: int = eqx.field(static=True, default=200)
    lives: int = eqx.field(static=True, default=16)
    clip: float = eqx.field(static=True, default=1.0)
    width: int | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        if not callable(getattr(optax, self.optimizer, None)):
            raise ValueError(
                f"optimizer = {self.optimizer!r}: optax has none of that name; try 'adam'"
            )
        for name in ("rate", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} = {getattr(self, name)}: expected a positive number")
        for name in ("steps", "lives"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 1 or more")
        if self.width is not None and self.width < 1:
            raise ValueError(f"width = {self.width}: expected 1 or more lives")

    @property
    def transformation(self) -> optax.GradientTransformation:
        schedule = optax.cosine_decay_schedule(self.rate, self.steps, alpha=0.1)
        return getattr(optax, self.optimizer)(schedule)

    def init(self, theta, key):
        del key
        return self.transformation.init(ravel_pytree(theta)[0])

    def step(self, evaluate, theta, state, key):
        # As one vector, for every operation on every leaf would be compiled on its own.
        vector, unravel = ravel_pytree(theta)

        def one_life(key):
            gradient, score = jax.grad(evaluate, has_aux=True)(theta, key)
            return ravel_pytree(gradient)[0], score

        gradients, scores = spread(one_life, jax.random.split(key, self.lives), self.width)
        gradient, score, lost = mean_of_survivors(gradients, scores, self.clip)
        update, state = self.transformation.update(gradient, state, vector)
        theta = unravel(optax.apply_updates(vector, update))  # pyright: ignore[reportArgumentType]
        return theta, state, Step(score[0], score, lost)


def mean_of_survivors(gradients, scores, clip: float):
    """Mean over the leading axis of clipped gradients and of scores, the exploded left out."""
    sizes = jax.vmap(optax.tree.norm)(gradients)
    sound = jnp.isfinite(sizes)
    weight = jnp.where(sound, jnp.minimum(1.0, clip / jnp.maximum(sizes, 1e-12)), 0.0)
    count = jnp.maximum(jnp.sum(sound), 1)

    def clipped(leaf):
        shape = (-1,) + (1,) * (leaf.ndim - 1)
        kept = jnp.where(sound.reshape(shape), leaf, 0.0) * weight.reshape(shape)
        return jnp.sum(kept, 0) / count

    def averaged(leaf):
        return jnp.sum(jnp.where(sound & jnp.isfinite(leaf), leaf, 0.0), 0) / count

    return jax.tree.map(clipped, gradients), jax.tree.map(averaged, scores), 1 - jnp.mean(sound)
