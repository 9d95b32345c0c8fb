"""Nobody loses what an inner task says of an answer, and a mixture has one way to teach."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.tasks import (
    ClassIncremental,
    ClassSubset,
    DelayedMatch,
    DelayedReward,
    Drifting,
    InSteps,
    Mixture,
    PixelNoise,
    RateCode,
    Reinforced,
    digits,
)
from metaplast.tasks.teaching import modulator_says, teach_alike, tells_target

PLAIN = digits(20)
CODED = RateCode(PLAIN, steps=4)


@pytest.mark.parametrize("rewarded", [Reinforced, DelayedReward])
def test_who_would_teach_plainly_refuses_a_task_that_does_not(rewarded):
    with pytest.raises(ValueError, match="does not tell the target, and ClassSubset would"):
        ClassSubset(rewarded(PLAIN), 5)
    with pytest.raises(ValueError, match="does not tell the target, and InSteps would"):
        InSteps(rewarded(CODED), steps=4)


def test_the_other_way_round_reward_is_all_that_is_said():
    for task in (Reinforced(ClassSubset(PLAIN, 5)), Reinforced(InSteps(CODED, steps=4))):
        right, wrong = (task.teach(jnp.arange(5.0), jnp.asarray(target)) for target in (4, 0))
        assert right.modulator[0] == 1.0 and wrong.modulator[0] == 0.0
        np.testing.assert_array_equal(right.signal, wrong.signal)


def test_steps_that_are_all_asked_for_pass_the_reward_on_but_no_memory():
    task = InSteps(Reinforced(CODED), steps=4, asked="every")
    assert task.teach(jnp.arange(10.0), jnp.asarray(9)).modulator[0] == 1.0
    with pytest.raises(ValueError, match="remembers its own moments"):
        InSteps(DelayedReward(CODED), steps=4, asked="every")


def test_a_mixture_teaches_in_one_way():
    with pytest.raises(ValueError, match="taught by reward teaches otherwise than digits"):
        Mixture((PLAIN, Reinforced(PLAIN)))
    with pytest.raises(ValueError, match="rewarded 2 moments late teaches otherwise"):
        Mixture((DelayedReward(PLAIN), DelayedReward(PLAIN, delay=2)))
    with pytest.raises(ValueError, match="rewarded 3 moments late teaches otherwise"):
        Mixture((DelayedReward(PLAIN), DelayedReward(PLAIN, right=5.0, wrong=-5.0)))
    with pytest.raises(ValueError, match=r"tasks\[1\] = 'digits': expected a task; give a table"):
        Mixture((PLAIN, "digits"))
    with pytest.raises(ValueError, match="expected a list of tasks"):
        Mixture(PLAIN)
    late = Mixture((DelayedReward(PLAIN), DelayedReward(PixelNoise(PLAIN, 0.1))))
    owed = late.remember(late.memory(), jnp.arange(10.0), jnp.asarray(9))
    np.testing.assert_array_equal(owed, [0.0, 0.0, 1.0])
    told = late.recalled(jnp.asarray([1.0, 0.0, 0.0])).teach(jnp.arange(10.0), jnp.asarray(0))
    assert told.modulator[0] == 1.0  # of an answer three moments ago


def test_who_tells_the_target():
    assert tells_target(PLAIN) and tells_target(PixelNoise(PLAIN, 0.1))
    assert tells_target(InSteps(CODED, steps=4))
    assert not tells_target(Reinforced(PLAIN)) and not tells_target(DelayedReward(PLAIN))
    assert teach_alike(Reinforced(PLAIN), PixelNoise(Reinforced(PLAIN), 0.1))
    assert not teach_alike(Reinforced(PLAIN), Reinforced(PLAIN, right=2.0))


def test_what_the_modulator_means():
    assert modulator_says(PLAIN) == modulator_says(InSteps(CODED, steps=4)) == "error"
    late = [DelayedReward(PLAIN, delay) for delay in (0, 3)]
    assert {modulator_says(task) for task in (*late, PixelNoise(late[1], 0.1))} == {"reward"}
    assert modulator_says(Reinforced(PLAIN)) == "reward"
    assert modulator_says(Reinforced(PLAIN, right=-1.0, wrong=-2.0)) == "reward"


ORDERED = (InSteps(CODED, steps=4), Drifting(PLAIN), ClassIncremental(PLAIN, 2))


@pytest.mark.parametrize("outer", [ClassIncremental, ClassSubset])
def test_who_would_sort_moments_or_leave_some_out_refuses_those_that_have_an_order(outer):
    for task in (*ORDERED, PixelNoise(ORDERED[0], 0.1), Mixture((PLAIN, Drifting(PLAIN)))):
        with pytest.raises(ValueError, match=f"have an order, which {outer.__name__} would not"):
            outer(task, 2)
    with pytest.raises(ValueError, match=f"way round, {outer.__name__} innermost"):
        outer(ORDERED[0], 2)
    # The other way round, and what has no order.
    InSteps(RateCode(outer(PLAIN, 2), steps=4), steps=4), Drifting(outer(PLAIN, 2))
    assert outer(PixelNoise(PLAIN, 0.1), 2).ordered == (outer is ClassIncremental)
    assert not InSteps(PLAIN, steps=1).ordered and not ClassIncremental(PLAIN, 1).ordered


def test_what_has_an_order_from_its_birth_is_for_nobody_to_sort():
    with pytest.raises(ValueError, match=r"delayed match have an order.*; wrap another task"):
        ClassIncremental(DelayedMatch(), 2)
