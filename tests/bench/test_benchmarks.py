"""What the benchmarks conclude from what they measure."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """A benchmark as a module."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def test_the_page_of_performance_is_what_was_measured():
    code = "import performance as p; print(p.document(p.FOLDER / 'measured', False), end='')"
    made = subprocess.run([sys.executable, "-c", code], cwd=FOLDER, capture_output=True, text=True)
    page = (FOLDER.parent / "docs" / "performance.md").read_text()
    assert made.stdout == page, made.stderr
    assert page.count("\n## ") > 10


@pytest.mark.parametrize(
    ("value", "bounds", "met"),
    [
        ((4.0, 3.9, 4.1), {"most": 4.0}, True),
        ((4.1, 3.9, 4.2), {"most": 4.0}, False),
        ((0.9, 0.8, 1.0), {"least": 0.95}, False),
        ((0.96, 0.8, 1.0), {"least": 0.95}, True),
        ((0.96, 0.8, 1.0), {"least": 0.95, "whole": True}, False),
        ((float("nan"),) * 3, {"most": 4.0}, False),
    ],
)
def test_a_claim_is_met_within_its_bounds(script, value, bounds, met):
    claim = script("section").Claim("text", script("interleaved").Spread(*value), **bounds)
    assert claim.met is met
    assert claim.row()[-1] == ("yes" if met else "**no**")


def test_figures_have_three_digits(script):
    short = script("interleaved").short
    told = {0.99961: "1.00", 0.9994: "0.999", 9.996: "10.0", 12.34: "12.3", 0.5: "0.500",
            1234.0: "1234", 0.0: "0", 1.2e-5: "1.20e-05"}  # fmt: skip
    assert {value: short(value) for value in told} == told


def test_a_profile_tells_passes_over_weights_from_products_and_the_rest(script):
    """And of weights of another shape it finds none."""
    module, turns, few = script("profiled"), 7, 3

    def lived(weights, vector):
        def moment(carry, _):
            weights, vector = carry
            vector = jnp.tanh(vector @ jnp.ones((few, few)) + weights.sum(0)[:few])
            return (0.9 * weights + jnp.sin(vector).sum(), vector), vector

        return jax.lax.scan(moment, (weights, vector), None, turns)[1]

    given = jnp.ones((40, 41)), jnp.ones(few)
    program = jax.jit(lived).lower(*given).compile()
    spent = module.profiled(program, [(40, 41)], *given)
    assert spent[module.WEIGHTS].operations >= turns and spent[module.WEIGHTS].seconds > 0
    assert sum(one.operations for one in spent.values()) > spent[module.WEIGHTS].operations
    assert module.profiled(program, [(39, 41)], *given)[module.WEIGHTS] == (0, 0.0)


def test_lives_until_a_rivals_fitness(script):
    selection = script("selection")
    every = selection.EVERY * selection.POPULATION
    rival = np.array([1.0, 0.8, 0.6, 0.4, 0.2, 0.0])
    assert selection.lives_to(rival, 0.7) == pytest.approx(1.5 * every)
    assert selection.lives_to(rival, 2.0) == 0 and selection.lives_to(rival, -1.0) == np.inf
    rival = np.linspace(1.0, 0.0, 21)
    assert selection.ratio(rival, rival) == 1
    twice = np.interp(np.arange(21) * 2, np.arange(21), rival)  # as far with half the lives
    assert selection.ratio(twice, rival) == pytest.approx(0.5)
    assert selection.ratio(rival + 0.5, rival) == np.inf


def test_whole_lives_are_those_that_were_lived_to_their_end(script):
    from metaplast.meta import PES

    lives = script("long_lives").whole_lives
    options = {"lives": 4, "stretch": 100, "spread": 0.03}
    # The first lives have 20, 15, 10 and 5 stretches, those after them 20: in 45 meta-steps the
    # first one is whole, all second ones, and a third one.
    assert lives(PES("adam", 0.01, 45, **options), 2000) == 1 + 4 + 1
    assert lives(PES("adam", 0.01, 4, **options), 2000) == 0


def test_operations_count_loops_as_often_as_they_turn(script):
    count = script("operations").operations

    def text(turns):
        def body(x, _):
            return jnp.sin(x) @ x, None

        def run(x):
            return jax.lax.scan(body, x, None, turns)[0]

        return jax.jit(run).lower(jnp.eye(4)).compile().as_text()

    few, many = count(text(10)), count(text(20))
    assert few > 10 and many - few == pytest.approx(few, rel=0.2)
