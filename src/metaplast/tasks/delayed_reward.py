"""Reward that comes late: the world remembers what was answered, and pays some moments after."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metaplast.source import Source
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.check import at_least
from metaplast.tasks.reinforced import Reinforced
from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key, State, Teaching


class DelayedReward(AbstractWrapper):
    """`Reinforced`, whose modulator at a moment is the reward of the answer `delay` moments before.

    Other stimuli and answers come in between, so the reward alone does not tell what earned
    it: the distal reward problem. In the first `delay` moments the modulator is 0. A learner
    needs something that outlasts the delay, such as an eligibility at its synapses
    (`rules.PolicyTrace`); without it, at each moment it is paid for another moment's answer.

    What the apical sites hear (`hears`) is of the present, as in `Reinforced`: nothing, or a copy
    of the answer that was just given. Rules are to take the modulator for a reward, as there
    (`hears = "reward"` of `rules.RewardSTDP` and `rules.ThreeFactor`). At a delay of 0 this *is*
    `Reinforced`.

    References: Hull (1943), Principles of Behavior; Izhikevich (2007) doi:10.1093/cercor/bhl152.
    """

    source: ClassVar[Source] = Source(
        "Izhikevich", 2007,
        "Solving the distal reward problem through linkage of STDP and dopamine signaling",
        "10.1093/cercor/bhl152",
    )  # fmt: skip
    delay: int = eqx.field(default=3, static=True)
    """Moments between an answer and its reward."""
    right: float = eqx.field(default=1.0, static=True)
    """Reward of a right answer."""
    wrong: float = eqx.field(default=0.0, static=True)
    """Reward of a wrong answer."""
    hears: Literal["nothing", "answer"] = eqx.field(default="nothing", static=True)
    owed: Float[Array, " delay"] | None = None
    """Rewards of the last answers, the oldest first, where a life has begun."""

    def __check_init__(self) -> None:
        at_least("delay", self.delay, 0, "give how many moments later the reward comes")
        # Refuses what is no reward.
        Reinforced(task=self.task, right=self.right, wrong=self.wrong, hears=self.hears)  # type: ignore

    @property
    def change_name(self) -> str:
        return f"rewarded {self.delay} moments late"

    def change(self, episode: Episode, key: Key) -> Episode:
        del key
        return episode

    def memory(self) -> State:
        return jnp.zeros(self.delay)

    def recalled(self, memory: State) -> AbstractTask:
        return dataclasses.replace(self, owed=memory)

    def remember(self, memory, readout, target) -> State:
        return jnp.append(memory, self._earned(readout, target))[1:]

    def teach(self, readout, target) -> Teaching:
        if self.owed is None:
            raise ValueError(
                "task: its rewards are of earlier answers, which only a life remembers; teach with "
                "task.recalled(memory), as lifetime.unroll does"
            )
        now = self._earned(readout, target)
        signal = jnp.zeros_like(readout)
        if self.hears == "answer":
            signal = jax.nn.one_hot(jnp.argmax(readout), self.classes, dtype=readout.dtype)
        return Teaching(signal, jnp.append(self.owed, now)[:1].astype(readout.dtype))

    def _earned(self, readout, target: Int[Array, ""]) -> Float[Array, ""]:
        return jnp.where(jnp.argmax(readout) == target, self.right, self.wrong)
