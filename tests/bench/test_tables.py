"""A task as a table in TOML, where a name of data is expected."""

import pytest

from metaplast.bench.protocol import own_length, task_of
from metaplast.cli import main
from metaplast.tasks import Drifting, FewShot


def test_a_table_describes_anytask_of():
    task = task_of('{type = "Drifting", task = {type = "digits", moments = 20}, angle = 0.5}', 300)
    assert isinstance(task, Drifting) and (task.angle, task.moments) == (0.5, 20)
    few = task_of('{type = "FewShot", task = {type = "digits", split = "all"}, ways = 3}', 300)
    assert isinstance(few, FewShot) and few.ways == 3
    assert task_of("digits", 30).name == "digits"  # a name is still a name


def test_moments_count_where_the_table_does_not_say_them():
    drifting = '{type = "Drifting", task = {type = "digits"%s}}'
    assert [task_of(drifting % "", n).moments for n in (60, 150)] == [60, 150]
    said = drifting % ", moments = 20"  # the control: what the table says stays
    assert [task_of(said, n).moments for n in (60, 150)] == [20, 20]
    few = '{type = "FewShot", task = {type = "digits", split = "all"}, ways = 3}'
    assert [task_of(few, n).moments for n in (60, 150)] == [3, 3]
    lengths = {drifting % "": None, said: 20, few: 3, "digits": None}
    assert {data: own_length(data) for data in lengths} == lengths


def test_moments_that_would_be_ignored_are_refused(capsys):
    said = '{type = "digits", moments = 20}'
    words = ["bench", "frozen", "--only", "--lives", "1", "--hidden", "3", "--data", said]
    assert main([*words, "--moments", "5", "6"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "moments = 5, 6" in told and "20 moments" in told
    assert main([*words, "--moments", "20"]) == 0  # the control: it is what the table says


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ('{type = "Drifting"', "no TOML table"),
        ('{type = "Drifting", task = {type = "digits"}, angel = 1.0}', "angel"),
        ('{type = "Drift", task = {type = "digits"}}', "Drifting"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(data, says):
    with pytest.raises(ValueError, match=says) as fault:
        task_of(data, 300)
    assert "\n" not in str(fault.value)
