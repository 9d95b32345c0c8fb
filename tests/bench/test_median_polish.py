"""What entries will take, where what they take is known."""

from __future__ import annotations

import math

import pytest

from metaplast.bench.median_polish import FIXED, Ahead, Taken, foreseen, polished

LEARNERS = {f"learner {i}": 2.0 ** (i - 3) for i in range(7)}
SETTINGS = {f"setting {i}": 3.0 ** (i % 3 - 1) for i in range(8)}
PIECE = 30 / 2**32
"""Seconds of an update, where neither learner nor setting is unusual."""
BUSY = ("learner 6", "setting 0")
"""Lived on a busy machine, or one that slept meanwhile."""


def updates(learner: str, setting: str) -> int:
    """Different in every cell, from less than `FIXED` to more."""
    return 2 ** (28 + int(learner[-1]) % 4 + int(setting[-1]) % 5)


def truth(learner: str, setting: str) -> float:
    pace = LEARNERS.get(learner, 1.0) * SETTINGS.get(setting, 1.0)
    return PIECE * (updates(learner, setting) + FIXED) * pace


def cell(learner: str, setting: str) -> Ahead:
    return Ahead(learner, setting, updates(learner, setting))


ALL = [(learner, setting) for learner in LEARNERS for setting in SETTINGS]
PAST = [Taken(*cell(*where), truth(*where) * (80 if where == BUSY else 1)) for where in ALL]


def without(learner: str, setting: str) -> list[Taken]:
    return [e for e in PAST if (e.learner, e.setting) != (learner, setting)]


def off(seconds: float, cell: tuple[str, str]) -> float:
    """How many times too long or too short."""
    return math.exp(abs(math.log(seconds / truth(*cell))))


@pytest.mark.parametrize("where", ALL)
def test_an_entry_is_foreseen_from_all_others(where):
    (seconds,) = foreseen(without(*where), [cell(*where)])
    assert off(seconds, where) < 1.5


def test_by_the_mean_of_a_learner_entries_are_far_off():
    """Negative control: seconds of an update are the learner's own, in the mean of its others."""

    def naive(learner: str, setting: str) -> float:
        others = [e for e in without(learner, setting) if e.learner == learner]
        each = sum(e.seconds / e.updates for e in others) / len(others)
        return off(each * updates(learner, setting), (learner, setting))

    found = sorted(naive(*where) for where in ALL)
    assert found[len(found) // 2] > 3 and found[-1] > 5


def test_one_that_took_too_long_moves_no_other():
    sound = [
        e if (e.learner, e.setting) != BUSY else e._replace(seconds=truth(*BUSY)) for e in PAST
    ]
    others = [cell(*where) for where in ALL if where != BUSY]
    assert foreseen(PAST, others) == pytest.approx(foreseen(sound, others), rel=0.02)
    # Negative control: were means taken, a seventh of it would go to its setting.
    assert next(e for e in PAST if (e.learner, e.setting) == BUSY).seconds > 50 * truth(*BUSY)


def test_effects_are_those_of_the_table():
    learners, settings, _ = polished(PAST)
    slow, quick = learners["learner 6"], learners["learner 0"]
    assert slow - quick == pytest.approx(math.log2(LEARNERS["learner 6"] / LEARNERS["learner 0"]))
    assert settings["setting 2"] - settings["setting 0"] == pytest.approx(2 * math.log2(3))


def test_who_is_unknown_is_taken_to_be_as_others_are():
    (seconds,) = foreseen(PAST, [Ahead("nobody 0", "setting 1", updates("learner 3", "setting 1"))])
    assert off(seconds, ("learner 3", "setting 1")) < 1.5
    (seconds,) = foreseen(PAST, [Ahead("learner 3", "nowhere 1", 2**30)])
    assert seconds == pytest.approx(PIECE * (2**30 + FIXED), rel=0.5)
    # Once that one was lived, and took eight times as long, half of it is believed.
    lived = Taken("nobody 0", "setting 4", 2**30, 8 * PIECE * (2**30 + FIXED))
    usual, known = (
        foreseen([*PAST, *more], [cell("nobody 0", "setting 1")])[0] for more in ([], [lived])
    )
    assert known / usual == pytest.approx(math.sqrt(8), rel=0.5)


def test_a_machine_that_became_slow_is_so_for_settings_that_nobody_lived():
    ahead = [Ahead("learner 3", "nowhere 1", 2**30)]
    now = [f"today {i}" for i in range(4)]
    today = [
        Taken(learner, setting, 2**30, 4 * PIECE * LEARNERS[learner] * (2**30 + FIXED))
        for setting in now
        for learner in LEARNERS
    ]
    before = foreseen(PAST, ahead)[0]
    assert foreseen(PAST + today, ahead, now)[0] == pytest.approx(4 * before, rel=0.2)
    # Negative control: where it is one setting alone, the others are what they were.
    assert foreseen(PAST + today[:7], ahead, now[:1])[0] == pytest.approx(before, rel=0.2)
