"""A contextual bandit: the world says how good the answer was, and never what was wanted."""

from __future__ import annotations

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key, Teaching


class Reinforced(AbstractWrapper):
    r"""The inner task, taught by reward alone: the modulator is `right` where the answer (the
    largest readout) was right and `wrong` where not, and the signal says nothing of the target.

    What the apical sites of the output cells hear instead, `hears`:

    - `nothing`: zeros, what any site hears onto which nothing projects. An output cell that
      compares itself with it has its own activity, negated, for an error.
    - `answer`: 1 at the cell whose answer the world took, 0 at the others: a copy of what was
      done. The error of a softmax cell is then $\partial \log \pi(a) / \partial v_i$, and error
      times reward is the policy gradient (Williams 1992).

    Rules that take the modulator for an error (`rules.RewardSTDP`, `rules.ThreeFactor`) unlearn
    what is right, unless they are given `hears = "reward"`; `rules.PolicyTrace` expects a reward.
    A network that must explore needs noisy cells; the world adds no noise. Learners that take
    the target or the gradient of the loss (backprop and all trivial learners) are not
    bound by this teaching: they live the task with full information and bound it from above.
    The loss of a life stays that of the inner task, for a search to minimize.

    References: Langford & Zhang (2007), The epoch-greedy algorithm for contextual multi-armed
    bandits; Williams (1992) doi:10.1007/BF00992696.
    """

    right: float = eqx.field(default=1.0, static=True)
    """Reward of a right answer."""
    wrong: float = eqx.field(default=0.0, static=True)
    """Reward of a wrong answer."""
    hears: Literal["nothing", "answer"] = eqx.field(default="nothing", static=True)

    def __check_init__(self) -> None:
        for name in ("right", "wrong"):
            reward = getattr(self, name)
            if not -float("inf") < reward < float("inf"):
                raise ValueError(f"{name} = {reward}: expected a finite number; give a reward")
        if self.right <= self.wrong:
            raise ValueError(
                f"right = {self.right}: expected more than wrong = {self.wrong}, or the reward "
                "teaches nothing true; give a larger one"
            )
        if self.hears not in ("nothing", "answer"):
            raise ValueError(f"hears = {self.hears!r}: expected 'nothing' or 'answer'; give one")

    @property
    def change_name(self) -> str:
        return "taught by reward"

    def change(self, episode: Episode, key: Key) -> Episode:
        del key
        return episode

    def teach(self, readout, target) -> Teaching:
        answer = jnp.argmax(readout)
        reward = jnp.where(answer == target, self.right, self.wrong).astype(readout.dtype)
        done = jax.nn.one_hot(answer, self.classes, dtype=readout.dtype)
        signal = done if self.hears == "answer" else jnp.zeros_like(readout)
        return Teaching(signal, reward[None])
