"""One genome in several networks and worlds at once: what the search may not rely on."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.circuits import Circuit
from metaplast.network import Genome
from metaplast.objective import Objective, Score
from metaplast.search import searchable
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Key


class Shape(NamedTuple):
    """Where the searched numbers of a genome are."""

    structure: Any
    """Of the genome with nothing but them."""
    shapes: tuple[tuple[int, ...], ...]
    owners: tuple[str, ...]
    """Part and kind that each belongs to, such as `rules.forward`."""


class Variant(eqx.Module):
    """Another network, another world, and what is fixed of the genome there."""

    objective: Objective
    fixed: Genome
    structure: Any = eqx.field(static=True)


class Varied(eqx.Module):
    """The mean loss of a life in each of several settings, among them the experiment's own.

    All lives share the numbers that are searched; anatomy, depth, width, nonlinearity, task
    and whatever else is no number of theirs may differ. Lives are lived whole: an estimator that
    holds them half-lived would need one standing life a variant.

    Args:
        main: the experiment as it stands; bench and references use it alone.
        variants: the others.
        moved: which leaves of the genome are searched, in the order of its leaves.
    """

    main: Objective
    variants: tuple[Variant, ...]
    moved: tuple[bool, ...] = eqx.field(static=True)

    @property
    def task(self) -> AbstractTask:
        return self.main.task

    @property
    def circuit(self) -> Circuit:
        return self.main.circuit

    def __call__(self, genome: Genome, key: Key) -> tuple[Float[Array, ""], Score]:
        """One life in each setting: the mean loss, and the mean of every score."""
        keys = jax.random.split(key, 1 + len(self.variants))
        leaves = jax.tree.leaves(genome)
        theta = [leaf for leaf, moved in zip(leaves, self.moved, strict=True) if moved]
        scores = [self.main(genome, keys[0])[1]]
        for variant, variant_key in zip(self.variants, keys[1:], strict=True):
            numbers = jax.tree.unflatten(variant.structure, theta)
            scores.append(variant.objective(eqx.combine(numbers, variant.fixed), variant_key)[1])
        mean = jax.tree.map(lambda *each: jnp.mean(jnp.stack(each)), *scores)
        return mean.loss, mean


def varied(main: Objective, genome: Genome, others: list[tuple[Objective, Genome]]) -> Varied:
    """An objective over several settings.

    Args:
        main, genome: the experiment.
        others: objective and genome of every other setting.

    Raises:
        ValueError: a genome that has other numbers to search than the first one; the text begins
            with its place among the others.
    """
    known, variants = _shape(genome), []
    for place, (objective, other) in enumerate(others):
        if objective.metered != main.metered:
            raise ValueError(
                f"variants.{place}: objective.metered = {str(objective.metered).lower()}, where "
                f"the experiment has {str(main.metered).lower()}; leave it out of the variant"
            )
        if (has := _shape(other)).shapes != known.shapes:
            counts = [sum(map(math.prod, shape.shapes)) for shape in (known, has)]
            raise ValueError(
                f"variants.{place}: has {counts[1]} numbers to search in {len(has.shapes)} arrays "
                f"where the experiment has {counts[0]} in {len(known.shapes)}; vary what adds none"
            )
        for ours, theirs in zip(known.owners, has.owners, strict=True):
            if ours != theirs:  # in the order of leaves, a number of one would become the other's
                raise ValueError(
                    f"variants.{place}: searches a number of {theirs} where the experiment "
                    f"searches one of {ours}; vary what moves none"
                )
        _, fixed = eqx.partition(other, searchable)
        variants.append(Variant(objective, fixed, has.structure))
    moved = tuple(searchable(leaf) for leaf in jax.tree.leaves(genome))
    return Varied(main, tuple(variants), moved)


def _shape(genome: Genome) -> Shape:
    theta, _ = eqx.partition(genome, searchable)
    leaves, structure = jax.tree_util.tree_flatten_with_path(theta)
    owners = (f"{path[0].name.removeprefix('log_')}.{path[1].key}" for path, _ in leaves)
    return Shape(structure, tuple(jnp.shape(leaf) for _, leaf in leaves), tuple(owners))
