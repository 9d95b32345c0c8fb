"""What a selection is worth: how fast whole searches descend that it decides."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.meta import brood as broods
from metaplast.meta.fitness import keys_of
from metaplast.meta.selection_network import SelectionNetwork
from metaplast.objective import Score
from metaplast.selection import bowls, circuits
from metaplast.types import Key

FLOOR = 1e-3
"""Share of the loss at the start that counts as none."""
NEAR, FAR = 0.02, 0.3
"""First mutation sizes of searches for rules, from which theirs is drawn."""
SLOW, FAST = 0.02, 0.2
"""Rates of learning, from which that of a search is drawn: a start that learns far too slowly is
far from the best rule, as starts are."""
WEIGHT = 4.0
"""Of rules beside bowls: of their loss much less can be gone."""
LOUDEST = 0.3
"""Longest derivative of what one search has left."""
JUDGES = 4
"""Lives that the center is judged by, in every generation."""
HOPELESS, WORST = 1e6, 1e2
"""The loss of who has none; and the most that a search can lose."""


class SelectionObjective(eqx.Module):
    """Mean log of what is left of the loss, over the generations of one search of every kind.

    One call draws a bowl of every size in `numbers`, and one search for the rule of a small
    network of every family in `families`, and lives all of them. What is judged is the center of
    the population, without luck, on lives that nobody was selected by. It is an `Evaluate` like any
    other, so that any outer loop can search the selection.

    Args:
        population: candidates in a generation.
        generations: of a search in a bowl; 2 or more, for the first is nobody's decision.
        numbers: sizes of bowls.
        families: names from `circuits.FAMILIES`.
        lived: generations of a search for a rule; 2 or more.
        softness: of ranks and survival (`brood.after`). Above zero it lets a derivative through
            generations; zero is what the selection is used with.
    """

    population: int = eqx.field(static=True, default=32)
    generations: int = eqx.field(static=True, default=40)
    numbers: tuple[int, ...] = eqx.field(static=True, default=(10, 80))
    families: tuple[str, ...] = eqx.field(static=True, default=("polynomial", "factored"))
    lived: int = eqx.field(static=True, default=24)
    softness: float = eqx.field(static=True, default=0.0)

    def __check_init__(self) -> None:
        if self.population < 1:
            raise ValueError(f"population = {self.population}: expected 1 or more")
        for name in ("generations", "lived"):
            if getattr(self, name) < 2:
                raise ValueError(
                    f"{name} = {getattr(self, name)}: expected 2 or more, for the first generation "
                    "is nobody's decision; give 24"
                )
        if not (self.numbers or self.families):
            raise ValueError(
                "numbers and families: both are empty, expected a search of some kind; give "
                "numbers = (10, 80)"
            )
        if not self.softness >= 0:
            raise ValueError(f"softness = {self.softness}: expected 0 (hard) or more, such as 0.1")
        known = circuits.FAMILIES
        for name in self.families:
            if name not in known:
                raise ValueError(f"families: no {name!r}; expected some of {sorted(known)}")

    def __call__(self, network: SelectionNetwork, key: Key) -> tuple[Float[Array, ""], Score]:
        keys = iter(jax.random.split(key, len(self.numbers) + len(self.families)))
        left = [self._in_bowl(network, size, next(keys)) for size in self.numbers]
        left += [WEIGHT * self._for_rule(network, name, next(keys)) for name in self.families]
        loss = jnp.mean(jnp.stack(left))
        return loss, Score(loss, jnp.exp(-loss), jnp.isnan(loss).astype(loss.dtype))

    def _in_bowl(self, network, size: int, key: Key):
        bowl_key, search_key = jax.random.split(key)
        bowl = bowls.drawn(size, bowl_key)

        def lived(candidates, center, key):
            life, own = jax.random.split(key)
            luck = jax.random.split(own, self.population)
            values = jax.vmap(bowl)(candidates, self._shared(life), luck)
            return values, bowl.depth(center, bowl.goal) / bowl.depth(0 * center, bowl.goal)

        start = jnp.zeros(size)
        return self._searched(network, start, 1.0, lived, self.generations, search_key)

    def _for_rule(self, network, name: str, key: Key):
        spread_key, rate_key, search_key = jax.random.split(key, 3)
        family = circuits.FAMILIES[name]
        spread = _between(NEAR, FAR, spread_key)
        rate = _between(SLOW, FAST, rate_key)

        def lived(candidates, center, key):
            # As one program: it is compiled once, however many there are to judge.
            life, *judges = jax.random.split(key, 1 + JUDGES)
            keys = jnp.concatenate([self._shared(life), jnp.stack([*judges, *judges])])
            both = jnp.repeat(jnp.stack([center, family.start]), JUDGES, axis=0)
            losses = jax.vmap(lambda x, k: circuits.life(family, x, rate, k))(
                jnp.concatenate([candidates, both]), keys
            )
            center_loss, start_loss = losses[self.population :].reshape(2, JUDGES)
            share = jnp.mean(center_loss) / jnp.mean(start_loss)
            return losses[: self.population], share

        start = jnp.asarray(family.start)
        return self._searched(network, start, spread, lived, self.lived, search_key)

    def _shared(self, key: Key):
        """Keys of the lives of all candidates, shared as at use."""
        return keys_of(broods.worlds(self.population), key)

    def _searched(self, network, start, spread, lived: Any, generations: int, key: Key):
        """Mean over generations of the log of the center's loss, relative to the start's."""
        birth_key, run_key = jax.random.split(key)
        brood = broods.first(start, self.population, spread, birth_key)
        network = _clipped(network)

        @jax.checkpoint
        def generation(brood, key):
            lives_key, birth_key = jax.random.split(key)
            values, share = lived(brood.candidates, brood.center, lives_key)
            values = jnp.where(jnp.isfinite(values), values, HOPELESS)
            brood = broods.after(network, brood, values, spread, birth_key, self.softness)
            return brood, jnp.log(jnp.minimum(share, WORST) + FLOOR)

        _, left = jax.lax.scan(generation, brood, jax.random.split(run_key, generations))
        return jnp.mean(left[1:])


def _between(low: float, high: float, key: Key):
    """Drawn evenly in its log."""
    return jnp.exp(jax.random.uniform(key, (), minval=jnp.log(low), maxval=jnp.log(high)))


@jax.custom_vjp
def _clipped(network):
    """The network, through which no single search sends back more than `LOUDEST`: one in which
    lives explode would else drown all others."""
    return network


def _back(_, slope):
    size = jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(slope)))
    share = jnp.where(jnp.isfinite(size), jnp.minimum(1.0, LOUDEST / (size + 1e-12)), 0.0)
    return (jax.tree.map(lambda leaf: jnp.where(jnp.isfinite(leaf), leaf, 0.0) * share, slope),)


_clipped.defvjp(lambda network: (network, None), _back)
