"""A world that turns while it is being learned."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.tasks.check import at_least
from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key


class Drifting(AbstractWrapper):
    r"""Stimuli that rotate about the origin at a steady pace, by `angle` over the whole life.

    In each of `planes` random planes, orthogonal to each other and new in every life, the
    stimulus of moment $t$ of $T$ is turned by $\mathrm{angle} \cdot t / (T - 1)$. Lengths, and
    distances between stimuli of the same moment, are kept; what was learned earlier is not.
    Held-out examples are those of the last moment, so a learner is judged on the world as
    it is now, unless `tested` asks for the world as it was; `metaplast.bench.scores` says what a
    learner still knows of that one. Turn by $\pi$ in every plane of an even number of inputs and
    all signs change.

    References: Gama et al. (2014) doi:10.1145/2523813.
    """

    angle: float = eqx.field(default=math.pi / 2, static=True)
    """How far the world has turned in the last moment, in radians."""
    planes: int | None = eqx.field(default=None, static=True)
    """How many planes turn; by default all, which is half as many as there are inputs."""

    tested: float = eqx.field(default=1.0, static=True)
    """When the world looked as it does in held-out examples: 1 in the last moment, 0 in the
    first. Nothing else of an episode depends on it."""

    def __check_init__(self) -> None:
        if not 0 <= self.tested <= 1:
            raise ValueError(f"tested = {self.tested}: expected 0 to 1; give a share of the life")
        if not math.isfinite(self.angle):
            raise ValueError(f"angle = {self.angle}: expected a finite number; give radians")
        if self.task.inputs < 2:
            raise ValueError("task: 1 input, expected 2 or more, which span a plane; wrap another")
        if self.planes is not None:
            at_least("planes", self.planes, 1, "give how many planes turn")
            if self.planes > self.task.inputs // 2:
                raise ValueError(
                    f"planes = {self.planes}: expected at most {self.task.inputs // 2}, half of "
                    f"the {self.task.inputs} inputs; give fewer"
                )

    @property
    def ordered(self) -> bool:
        return True

    @property
    def change_name(self) -> str:
        return f"turning by {self.angle:.3g} rad"

    def change(self, episode: Episode, key: Key) -> Episode:
        planes = self.inputs // 2 if self.planes is None else self.planes
        axes = jnp.linalg.qr(jax.random.normal(key, (self.inputs, 2 * planes)))[0]
        moments, tests = self.moments, episode.test_stimuli.shape[0]
        angles = self.angle * jnp.arange(moments) / max(moments - 1, 1)
        tested = jnp.full(tests, self.tested * self.angle)
        return episode._replace(
            stimuli=turned(episode.stimuli, axes, angles),
            test_stimuli=turned(episode.test_stimuli, axes, tested),
        )


def turned(
    stimuli: Float[Array, "moments inputs"],
    axes: Float[Array, "inputs coordinates"],
    angles: Float[Array, " moments"],
) -> Float[Array, "moments inputs"]:
    """Each stimulus turned by its angle in the planes that pairs of orthonormal `axes` span."""
    first, second = jnp.split(axes, 2, axis=1)
    x, y = stimuli @ first, stimuli @ second
    cos, sin = jnp.cos(angles)[:, None], jnp.sin(angles)[:, None]
    return stimuli + (cos * x - sin * y - x) @ first.T + (sin * x + cos * y - y) @ second.T
