"""Who hears the target on a task that is taught by reward."""

from __future__ import annotations

import math

import pytest

from metaplast.bench.told import hears_target, withholds
from metaplast.learners.registry import build
from metaplast.tasks import DelayedReward, Drifting, Reinforced, digits

DIGITS = digits(moments=10)
TASKS = (Reinforced(DIGITS), DelayedReward(DIGITS))


def test_which_tasks_withhold_the_target():
    for task in (*TASKS, Reinforced(DIGITS, hears="answer"), Drifting(TASKS[0])):
        assert withholds(task)
    assert not withholds(DIGITS) and not withholds(Drifting(DIGITS))  # the controls


@pytest.mark.parametrize(
    ("row", "hears"),
    [
        ("backprop_sgd", True),
        ("nearest_neighbor", True),
        ("recursive_least_squares", True),
        ("feedback_alignment", False),
        ("reinforce", False),
        ("frozen", False),
    ],
)
def test_who_hears_it_all_the_same(row, hears):
    (candidate,) = build(row, 64, (3,), 10, 10)
    for variant in (candidate.variants[0], candidate.variants[-1]):
        learner = variant.build(variant.grid.start if variant.grid else math.nan)
        assert hears_target(learner, TASKS[1]) == hears


def test_a_comparison_marks_them():
    from metaplast.bench import bench

    def told(task):
        rows = bench(["frozen", "feedback_alignment"], task, lives=1, hidden=(3,), only=True)
        return {entry["name"]: entry["told"] for entry in rows["learners"]}

    by_reward = told(TASKS[0])
    assert by_reward["backprop_adam"] == "hears the target" and by_reward["frozen"] is None
    assert by_reward["feedback_alignment"] is None
    assert set(told(DIGITS).values()) == {None}
