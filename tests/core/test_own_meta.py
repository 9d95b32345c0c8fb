"""An outer loop of the user's own is looked at before it is lived by."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaplast.experiment import build
from metaplast.preflight import check
from metaplast.spec import SpecError, load, with_overrides

TINY = Path(__file__).resolve().parents[1] / "tiny.toml"
OWN = """
import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.meta.abstract import AbstractMetaOptimizer, Step
from metaplast.source import Source


class Unsaid(AbstractMetaOptimizer):
    source = Source("nobody", 2026, "nothing", "")

    def init(self, evaluate, theta, key):
        return None

    def step(self, evaluate, theta, state, key):
        loss, score = evaluate(theta, key)
        return theta, state, Step(loss, score, jnp.zeros(()))


class Still(Unsaid):
    steps: int = eqx.field(static=True, default=2)


class Worded(Unsaid):
    steps: str = eqx.field(static=True, default="many")


class Stumbles(Still):
    def init(self, evaluate, theta, key):
        raise KeyError("nope")


class Falls(Still):
    def step(self, evaluate, theta, state, key):
        raise ValueError("no step")


class Narrows(Still):
    def step(self, evaluate, theta, state, key):
        _, state, told = super().step(evaluate, theta, state, key)
        return jax.tree.map(lambda leaf: leaf.astype(jnp.float16), theta), state, told


class Silent(Still):
    def step(self, evaluate, theta, state, key):
        return theta, state, super().step(evaluate, theta, state, key)[2]._replace(score=None)


class Short(Still):
    def step(self, evaluate, theta, state, key):
        return theta, state
"""


@pytest.fixture
def checks(tmp_path, monkeypatch):
    (tmp_path / "outer.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)

    def checked(name: str, table: str = "{}") -> None:
        own = f'{{type = "outer.py:{name}"}}'
        check(build(with_overrides(load(TINY), [f"meta={table.format(own)}"])))

    return checked


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Unsaid", "steps = None of Unsaid: expected a whole number"),
        ("Worded", "steps = 'many' of Worded"),
        ("Stumbles", r"KeyError: 'nope', at .*outer.py:\d+"),
        ("Falls", r"ValueError: no step, at .*outer.py:\d+"),
        ("Narrows", "step of Narrows returns .*float16.* for theta, .* given, .*float32"),
        ("Silent", "step of Silent reports Step, expected a Step .* loss and accuracy"),
        ("Short", "step of Short returns tuple"),
    ],
)
def test_what_cannot_be_an_outer_loop_is_refused_in_one_line(checks, name, told):
    with pytest.raises(SpecError, match=f"meta: {told}") as refused:
        checks(name)
    assert "\n" not in str(refused.value)


def test_one_that_can_is_not_alone_and_in_another(checks):
    """Negative control."""
    checks("Still")
    checks("Still", '{{type = "Restarts", count = 2, of = {}}}')
