"""Gradient descent outside, on whatever gradient an estimator makes."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float

from metaplast.meta.abstract import (
    AbstractMetaOptimizer,
    Dealt,
    Evaluate,
    Lives,
    Step,
    Theta,
)  # fmt: skip
from metaplast.types import Key

LARGEST = 1e30
"""Rates beyond this are infinite before long, in numbers of 32 bits."""
PROVEN = ("adam", "sgd")
"""Optimizers that need not be tried, which takes a moment."""


class Descent(NamedTuple):
    """What lasts from one meta-step to the next."""

    optimizer: Any
    held: Any
    """What the estimator holds: lives half-lived, and the noise or tangents that go with them."""


class Estimate(NamedTuple):
    """Independent estimates of the gradient of the mean loss of a life."""

    gradients: Float[Array, "lives numbers"]
    """One a life (or pair of lives), of theta as one vector; not finite where it was lost."""
    scores: Any
    """What each life reports, leaves `[lives]`; the first is its loss."""


class AbstractDescent(AbstractMetaOptimizer):
    """An estimator of the meta-gradient, and the optax optimizer that follows it.

    The rate decays as a cosine over `steps` down to a tenth.

    Args:
        optimizer: the name of an optax optimizer that takes a learning rate.
        rate: the first learning rate.
        steps: the length of the decay, in meta-steps.
        lives: lives per meta-step; pairs of lives where an estimator perturbs theta both ways.
        clip: longest gradient, in units of the loss: of each life where it is a derivative, of
            their mean where single ones are mostly noise.
        width: most lives (or pairs) that one device lives at once, by default as `spread` chooses.
    """

    clips_each: ClassVar[bool] = True
    """Whether single gradients are clipped, or only their mean."""
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
        if not 0 < self.rate <= LARGEST:
            raise ValueError(
                f"rate = {self.rate}: expected a finite positive number, at most {LARGEST:g}"
            )
        if not self.clip > 0:  # infinite, it clips nothing
            raise ValueError(f"clip = {self.clip}: expected a positive number")
        for name in ("steps", "lives"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 1 or more")
        if self.width is not None and self.width < 1:
            raise ValueError(f"width = {self.width}: expected 1 or more lives")
        if self.optimizer not in PROVEN and not _follows(self.optimizer):
            raise ValueError(
                f"optimizer = {self.optimizer!r}: needs more than a learning rate and a gradient, "
                "or does not go down with these; try 'adam'"
            )

    @property
    def copies(self) -> int:
        """Lives that are lived beside each other for one estimate."""
        return 1

    @property
    def dealt(self) -> Dealt:
        return Dealt("lives", self.lives, self.copies, self.width)

    @property
    def transformation(self) -> optax.GradientTransformation:
        schedule = optax.cosine_decay_schedule(self.rate, self.steps, alpha=0.1)
        return getattr(optax, self.optimizer)(schedule)

    def hold(self, evaluate: Evaluate | Lives, theta: Theta, key: Key) -> Any:
        """What the estimator holds before its first estimate; nothing, where lives are whole.

        Raises:
            ValueError: the options do not fit the objective.
        """
        del evaluate, theta, key
        return None

    @abc.abstractmethod
    def estimate(
        self, evaluate: Evaluate | Lives, theta: Theta, held: Any, key: Key
    ) -> tuple[Estimate, Any]:
        """One estimate of the gradient at `theta`, and what is held after it."""

    @property
    def longest(self) -> float:
        """Longest gradient of a single life."""
        return self.clip if self.clips_each else float("inf")

    def mean(
        self, evaluate: Evaluate | Lives, theta: Theta, held: Any, key: Key
    ) -> tuple[tuple[Float[Array, " numbers"], Any, Float[Array, ""]], Any]:
        """What `mean_of_survivors` makes of one estimate, and what is held after it; for whoever
        has that mean without the gradient of every life."""
        (gradients, scores), held = self.estimate(evaluate, theta, held, key)
        return mean_of_survivors(gradients, scores, self.longest), held

    def init(self, evaluate, theta, key):
        vector, _ = ravel_pytree(theta)
        return Descent(self.transformation.init(vector), self.hold(evaluate, theta, key))

    def step(self, evaluate, theta, state, key):
        # As one vector, for every operation on every leaf would be compiled on its own.
        vector, unravel = ravel_pytree(theta)
        (gradient, score, lost), held = self.mean(evaluate, theta, state.held, key)
        if not self.clips_each:
            gradient *= jnp.minimum(1.0, self.clip / jnp.maximum(jnp.linalg.norm(gradient), 1e-12))
        update, optimizer = self.transformation.update(gradient, state.optimizer, vector)
        theta = unravel(optax.apply_updates(vector, update))  # pyright: ignore[reportArgumentType]
        loss = jax.tree.leaves(score)[0]
        return theta, Descent(optimizer, held), Step(loss, score, lost)


def _follows(optimizer: str) -> bool:
    """Whether it makes an update of a gradient and of theta, of nothing else, and goes down a bowl
    by that. Parts of optimizers do not, though they are made and called as whole ones are."""

    def down(theta):
        transformation = getattr(optax, optimizer)(optax.constant_schedule(0.01))
        state = transformation.init(theta)
        for _ in range(3):
            update, state = transformation.update(2 * theta, state, theta)
            theta = theta + update
        return theta

    try:
        left = np.asarray(jax.jit(down)(jnp.ones(2)))
    except Exception:  # whatever it raises, it is not what is wanted
        return False
    return left.shape == (2,) and bool((np.abs(left) < 1).all())


def mean_of_survivors(gradients, scores, clip):
    """Mean over the leading axis of clipped gradients and of scores, the exploded left out; where
    none is left, a gradient of zeros, and scores that are no number."""
    sound, weight, count = survivors(jax.vmap(optax.tree.norm)(gradients), clip)

    def clipped(leaf):
        shape = (-1,) + (1,) * (leaf.ndim - 1)
        kept = jnp.where(sound.reshape(shape), leaf, 0.0) * weight.reshape(shape)
        return jnp.sum(kept, 0) / count

    gradient = jax.tree.map(clipped, gradients)
    return gradient, mean_of_the_sound(scores, sound), jnp.mean(~sound)


def survivors(sizes: Float[Array, " lives"], clip: float):
    """Of lengths of gradients: which are a number, by what each is scaled down (nothing is left of
    the others), and how many are a number, or one."""
    sound = jnp.isfinite(sizes)
    weight = jnp.where(sound, jnp.minimum(1.0, clip / jnp.maximum(sizes, 1e-12)), 0.0)
    return sound, weight, jnp.maximum(jnp.sum(sound), 1)


def mean_of_the_sound(scores, sound: Bool[Array, " lives"]):
    """Mean of scores, leaves `[lives]`, over those that are a number, of lives that are sound."""

    def averaged(leaf):
        told = sound & jnp.isfinite(leaf)
        return jnp.sum(jnp.where(told, leaf, 0.0), 0) / jnp.sum(told)

    return jax.tree.map(averaged, scores)
