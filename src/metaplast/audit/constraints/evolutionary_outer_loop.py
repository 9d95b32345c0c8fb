"""The rule was found by selection, not by differentiating lives."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.living import compiled
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.costs import Costs
from metaplast.experiment import construct
from metaplast.meta.abstract import AbstractMetaOptimizer
from metaplast.meta.stretches import divisors
from metaplast.objective import Score
from metaplast.source import Source

STEPS = 6
"""Meta-steps after which the candidates are compared."""
BOTTOM = {"a": np.arange(1.0, 4.0) / 3, "b": np.arange(4.0, 6.0) / 3}
"""Where the bowl is lowest."""
STARTS = ({"a": np.zeros(3), "b": np.ones(2)}, BOTTOM)
"""Where a search begins: on the slope, where children are better, and where all are worse, which
some take according to by how much."""


class Differentiated(Exception):
    """Raised where somebody asks for the derivative of a life."""


class EvolutionaryOuterLoop(AbstractConstraint):
    """The search that found the rule saw whole lives and their fitness, and ranked them.

    The meta-optimizer is built from the experiment that found the rule, and its `step` is traced
    with a fitness that cannot be differentiated: whoever takes a derivative of a life, forward or
    backward, is found then and there. It then searches a small bowl three times, from its slope and
    from its bottom, with the fitness, with a strictly monotone function of it, and upside down. A
    search that reads ranks finds bit-identical candidates the first two times, and others the
    third time.

    What it can miss: a search whose spec does not say how the rule was really found, and one that
    reads values only in cases which a bowl without explosions and without luck does not show:
    `MapElites` compares means over generations, which in noise is more than ranking.
    """

    name: ClassVar[str] = "evolutionary_outer_loop"
    claim: ClassVar[str] = (
        "the search saw whole lives and scalar fitness: no derivative of a life, selection by rank"
    )
    source: ClassVar[Source] = Source(
        "Salimans, Ho, Chen, Sidor & Sutskever", 2017,
        "Evolution strategies as a scalable alternative to reinforcement learning",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.CONSTRUCTION, Grade.PROOF, Grade.TEST)

    def check(self, evidence):
        spec = evidence.subject.spec
        if not spec or "meta" not in spec:
            return not_applicable("nobody searched for it")
        table = spec["meta"]
        meta, kind = construct("meta", dict(table), "meta"), table["type"]
        horizon = _horizon(meta)
        starts = [jax.tree.map(lambda leaf: jnp.asarray(leaf, float), start) for start in STARTS]
        lives, key = _Bowl(0, horizon), jax.random.key(0)
        begun = [(at, jax.tree.map(jnp.asarray, meta.init(lives, at, key))) for at in starts]

        def step(theta, state, key, how):
            return meta.step(_Bowl(how, horizon), theta, state, key)[:2]

        try:
            run = compiled(step, *begun[0], jax.random.key(1), 0)
        except Differentiated:
            return violated(Grade.PROOF, f"the meta-optimizer {kind} differentiates lives")
        plain, bent, reversed_ = (
            np.concatenate([_found(run, *one, how) for one in begun]) for how in range(3)
        )
        if np.array_equal(plain, reversed_):
            return violated(
                Grade.TEST, f"the meta-optimizer {kind} finds the same whatever the fitness is"
            )
        if not np.array_equal(plain, bent):
            return violated(
                Grade.TEST,
                f"the meta-optimizer {kind} finds something else when the fitness is replaced by "
                "a monotone function of it",
                "reads fitness values",
            )
        return upheld(Grade.TEST, "reads ranks only")


@jax.custom_jvp
def _undifferentiable(loss):
    return loss


@_undifferentiable.defjvp
def _refuse(primals, tangents):
    raise Differentiated


def _horizon(meta: AbstractMetaOptimizer) -> int:
    """Moments of a life that can be cut as the meta-optimizer wants it: two stretches of it."""
    return 2 * (getattr(meta.inner, "stretch", None) or 1)


class _Bowl(NamedTuple):
    """Lives that are worth a bowl, at whatever moment of them (`meta.abstract.Lives`)."""

    how: Any
    horizon: int

    @property
    def stretches(self) -> list[int]:
        return divisors(self.horizon)

    @property
    def plain(self) -> _Bowl:
        return self

    def __call__(self, theta, key):
        del key
        return _fitness(theta, self.how)

    def begin(self, theta, key):
        del theta, key
        return jnp.zeros(())

    def advance(self, theta, life, moments: int):
        del moments
        return *_fitness(theta, self.how), life


def _fitness(theta, how):
    """A bowl, as it is (0), bent upwards (1) or upside down (2); the lowest wins."""
    leaves = jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(theta)])
    lowest = jnp.concatenate([jnp.asarray(leaf) for leaf in jax.tree.leaves(BOTTOM)])
    bowl = jnp.sum((leaves - lowest) ** 2)
    # The bowl is not negative, so its square ranks alike; and it is no line, wherever one looks.
    loss = jnp.select([how == 0, how == 1], [bowl, 1e6 * bowl**2], -bowl)
    loss = _undifferentiable(loss)
    # What lives cost has nothing to do with how good they are.
    costs = Costs(leaves[0], leaves[1])
    return loss, Score(loss, loss, jnp.zeros_like(loss), costs)


def _found(run, theta, state, how: int) -> np.ndarray:
    for number in range(STEPS):
        theta, state = run(theta, state, jax.random.key(1 + number), how)
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(theta)])
