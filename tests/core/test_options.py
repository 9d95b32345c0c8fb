"""Values of a table, beside what the constructors' annotations say."""

from __future__ import annotations

import pytest

from metaplast.experiment import construct
from metaplast.spec import SpecError

NAN, INF = float("nan"), float("inf")
REFUSED = {
    "one number for an array": ("rules", {"type": "Taylor", "theta": 3}, "theta: shape"),
    "one axis for four": ("rules", {"type": "Taylor", "theta": [1.0]}, "theta: shape"),
    "one power": ("rules", {"type": "Taylor", "highest": 3}, "highest = 3: expected a list"),
    "three powers": ("rules", {"type": "Taylor", "highest": [1, 2, 3]}, "expected 4 numbers"),
    "half a power": (
        "rules", {"type": "Taylor", "highest": [1, 1.5, 0, 0]}, "highest[1] = 1.5: expected a whole"
    ),
    "a rule for a list of them": (
        "rules", {"type": "Total", "rules": {"type": "Oja"}}, "expected a list"
    ),
    "a name for a rule": (
        "rules", {"type": "Total", "rules": ["Oja"]}, "rules[0] = 'Oja': expected a table"
    ),
    "no channel": ("rules", {"type": "Factored", "coefficients": []}, "coefficients = []"),
    "a name for a cell": (
        "neurons", {"type": "Homeostatic", "base": "Rate"}, "base = 'Rate': expected a table"
    ),
    "a name for a task": ("tasks", {"type": "Drifting", "task": "digits"}, "task = 'digits'"),
    "a name for a search": ("meta", {"type": "Restarts", "of": "PES"}, "of = 'PES'"),
    "two numbers for one": ("rules", {"type": "RewardSTDP", "tonic": [1.0, 2.0]}, "such as 1.0"),
    "no number": ("rules", {"type": "RewardSTDP", "tonic": NAN}, "tonic = nan"),
    "one number for several": ("rules", {"type": "TraceKernel", "pre": 0.1}, "expected a list"),
    "a number without an end": (
        "rules", {"type": "TraceKernel", "triggers": [0.1, INF]}, "triggers[1] = inf: expected a fi"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_value_of_another_kind_is_refused_in_one_line(case):
    namespace, table, told = REFUSED[case]
    with pytest.raises(SpecError) as refused:
        construct(namespace, table, "here")
    said = str(refused.value)
    assert told in said and said.startswith("here") and "\n" not in said


@pytest.mark.parametrize("loop", ["Backprop", "ES", "Evolution"])
def test_an_option_that_only_few_others_have_is_said_to_be_theirs(loop):
    """Lives that are lived whole have no curriculum, and half-lived ones do."""
    said = {}
    for option in ("first", "frist"):
        with pytest.raises(SpecError, match=f"^meta.{option}: {loop} has no such option; ") as told:
            construct("meta", {"type": loop, option: 3}, "meta")
        said[option] = str(told.value)
    assert said["first"].endswith("; Forward and NRES and PES and Truncated have it")
    assert "have it" not in said["frist"]  # the control: nobody has


def test_values_of_these_kinds_are_taken():
    """Negative control."""
    total = construct("rules", {"type": "Total", "rules": [{"type": "Oja"}, {"type": "Decay"}]}, "")
    assert [type(rule).__name__ for rule in total.rules] == ["Oja", "Decay"]
    assert construct("rules", {"type": "Taylor", "highest": [1, 1, 1, 0]}, "").theta.size == 8
    assert construct("rules", {"type": "RewardSTDP", "tonic": 2}, "").tonic == 2.0
    assert construct("meta", {"type": "Backprop", "clip": INF}, "").clip == INF
    both = {"type": "TraceKernel", "triggers": [1, 0.5]}
    assert construct("rules", both, "").triggers.tolist() == [1.0, 0.5]
