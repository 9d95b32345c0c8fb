"""A task as a table in TOML, where a name of data is expected."""

import pytest

from metaplast.bench.protocol import task_of
from metaplast.tasks import Drifting, FewShot


def test_a_table_describes_anytask_of():
    task = task_of('{type = "Drifting", task = {type = "digits", moments = 20}, angle = 0.5}', 300)
    assert isinstance(task, Drifting) and (task.angle, task.moments) == (0.5, 20)
    few = task_of('{type = "FewShot", task = {type = "digits", split = "all"}, ways = 3}', 300)
    assert isinstance(few, FewShot) and few.ways == 3
    assert task_of("digits", 30).name == "digits"  # a name is still a name


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
