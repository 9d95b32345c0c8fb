"""Estimators that live a stretch of each life in a meta-step, and hold the lives until the next."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from metaplast.meta.abstract import Lives, Theta
from metaplast.meta.descent import AbstractDescent, Estimate
from metaplast.meta.stretches import nearest
from metaplast.meta.whole_lives import as_lives
from metaplast.spread import spread
from metaplast.types import Key


class Held(NamedTuple):
    """Lives between two meta-steps."""

    lives: Any
    """Whatever the estimator keeps of each life (or pair), leaves `[lives, ...]`."""
    fresh: Bool[Array, " lives"]
    """Whether the next stretch begins with a birth."""
    left: Int[Array, " lives"]
    """Moments that are left of each life."""
    step: Int[Array, ""]


class AbstractHalfLived(AbstractDescent):
    """An estimator that lives `stretch` moments of each life in a meta-step.

    So a meta-step costs the same however long lives are, and theta moves while they are lived.
    A life that is over, or whose estimate was not finite, is followed by another one. Lives are
    staggered: the first ones are cut short by different lengths, and those that begin while the
    horizon still grows to lengths that are drawn, so that afterwards every meta-step hears of all
    ages alike.

    Args:
        stretch: moments of each life in a meta-step, one of the lives' `stretches`; all of them by
            default.
        first: horizon of the first lives, if shorter ones come first, one stretch or more: it grows
            by a constant factor a meta-step, up to that of the objective after half of `steps`. So
            `steps` times `stretch` has to be a few times the horizon, if whole lives are to be
            lived.
    """

    stretch: int | None = eqx.field(static=True, default=None)
    first: int | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        for name in ("stretch", "first"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} = {value}: expected 1 or more moments")

    @abc.abstractmethod
    def newborn(self, lives: Lives, theta: Theta, key: Key) -> Any:
        """What is kept of one life, before its first moment."""

    @abc.abstractmethod
    def onward(
        self, lives: Lives, theta: Theta, life: Any, fresh: Bool[Array, ""], stretch: int, key: Key
    ) -> tuple[Float[Array, " numbers"], Any, Any]:
        """Live on for a stretch, from birth where `fresh`: gradient, report, and the life after."""

    def hold(self, evaluate, theta, key):
        lives = as_lives(evaluate)
        stretch = self.moments(lives)
        self._check_first(lives, stretch)
        keys = jax.random.split(key, self.lives)
        begun = jax.jit(jax.vmap(lambda key: self.newborn(lives, theta, key)))(keys)
        with jax.ensure_compile_time_eval():  # it decides shapes, also where this is only traced
            horizon = int(self._horizon(lives, np.asarray(0)))
        stretches = horizon // stretch
        lived = np.arange(self.lives) * stretches // self.lives
        left = jnp.asarray((stretches - lived) * stretch, jnp.int32)
        return Held(begun, jnp.ones(self.lives, bool), left, jnp.asarray(0, jnp.int32))

    def estimate(self, evaluate, theta, held, key):
        lives = as_lives(evaluate)
        stretch = self.moments(lives)

        def one(item):
            life, fresh, key = item
            return self.onward(lives, theta, life, fresh, stretch, key)

        keys = jax.random.split(key, self.lives + 1)
        items = (held.lives, held.fresh, keys[:-1])
        gradients, scores, after = spread(one, items, self.width, self.copies)
        left = held.left - stretch
        over = (left <= 0) | ~jnp.all(jnp.isfinite(gradients), 1)
        left = jnp.where(over, self._next(lives, held.step + 1, keys[-1]), left)
        return Estimate(gradients, scores), Held(after, over, left, held.step + 1)

    def moments(self, lives: Lives) -> int:
        """Moments of a stretch.

        Raises:
            ValueError: lives cannot be cut into such stretches.
        """
        stretch, fitting = self.stretch or lives.horizon, lives.stretches
        if stretch not in fitting:
            near = " or ".join(map(str, nearest(fitting, stretch, 3)))
            raise ValueError(
                f"stretch = {stretch}: such stretches do not fit lives of {lives.horizon} moments; "
                f"give {near}, or lives of another length"
            )
        return stretch

    def _check_first(self, lives: Lives, stretch: int) -> None:
        """Refuse first lives shorter than a stretch, for they would not be: lives are whole
        stretches, and a stretch is a whole life where nobody says how long it is.

        Raises:
            ValueError: `first` is below the moments of a stretch.
        """
        if self.first is None or self.first >= stretch:
            return
        below = max((n for n in lives.stretches if n <= self.first), default=lives.stretches[0])
        other = "leave out first" if self.stretch is None else f"first = {stretch} or more"
        raise ValueError(
            f"first = {self.first}: no life is shorter than a stretch, which is {stretch} moments; "
            f"give stretch = {below}, or {other}"
        )

    def _next(self, lives: Lives, step, key: Key) -> Int[Array, ""] | Int[Array, " lives"] | int:
        """Moments of each life that begins at a meta-step. As long as horizons grow, a drawn part
        of one: of equally long lives that began together all would end together, for ever."""
        now = self._horizon(lives, step)
        if self.first is None or self.first >= lives.horizon:
            return now
        stretch = self.moments(lives)
        part = jnp.ceil(jax.random.uniform(key, (self.lives,)) * now / stretch) * stretch
        return jnp.where(now < lives.horizon, jnp.maximum(part, stretch), now).astype(jnp.int32)

    def _horizon(self, lives: Lives, step):
        """Moments of a life that begins at a meta-step: whole stretches."""
        stretch, whole = self.moments(lives), lives.horizon
        if self.first is None or self.first >= whole:
            return whole
        ratio = whole / self.first
        share = jnp.minimum(1.0, step / max(1, self.steps // 2))
        now = jnp.round(self.first * ratio**share / stretch) * stretch
        return jnp.clip(now, stretch, whole).astype(jnp.int32)


def renewed(lives: Lives, theta: Theta, life: Any, fresh: Bool[Array, ""], key: Key) -> Any:
    """The life, or another one that begins, where `fresh`."""
    return jax.tree.map(lambda new, old: jnp.where(fresh, new, old), lives.begin(theta, key), life)
