"""Intervals: what they cover, and what they do not claim."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metaplast import coverage
from metaplast.bench.statistics import curve, interval, paired


def test_interval_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        low, high = interval(rng.normal(0.3, 1.0, 30), resamples=500)
        hits += low <= 0.3 <= high
    assert 85 <= hits <= 100


def test_interval_narrows_like_the_standard_error():
    values = np.random.default_rng(0).normal(0.0, 1.0, 400)
    low, high = interval(values)
    assert (high - low) == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert low < values.mean() < high


def test_interval_is_the_same_every_time():
    values = np.random.default_rng(1).normal(size=16)
    assert interval(values) == interval(values)
    assert interval(values) != interval(values, seed=1)


def test_null_comparison_straddles_zero_and_a_real_one_does_not():
    rng = np.random.default_rng(2)
    life = rng.normal(0.6, 0.1, 16)
    ours, theirs = life + rng.normal(0, 0.01, 16), life + rng.normal(0, 0.01, 16)
    null = paired("a", "b", ours, theirs)
    assert null["ci"][0] < 0 < null["ci"][1] and not null["above_zero"]
    better = paired("a", "b", ours + 0.03, theirs)
    assert better["above_zero"] and better["difference"] == pytest.approx(null["difference"] + 0.03)
    assert better["effect_size"] > 1
    worse = paired("b", "a", theirs, ours + 0.03)
    assert worse["difference"] == pytest.approx(-better["difference"]) and not worse["above_zero"]


def test_pairing_removes_what_lives_share():
    rng = np.random.default_rng(3)
    life = rng.normal(0.6, 0.2, 16)
    ours, theirs = life + 0.02 + rng.normal(0, 0.005, 16), life + rng.normal(0, 0.005, 16)
    assert paired("a", "b", ours, theirs)["above_zero"]
    assert not paired("a", "b", ours, theirs[::-1])["above_zero"]


def test_a_single_life_has_no_interval_to_speak_of():
    only = paired("a", "b", np.asarray([0.5]), np.asarray([0.4]))
    assert only["difference"] == pytest.approx(0.1) and only["effect_size"] is None
    assert only["ci"] is None and not only["above_zero"] and interval(np.asarray([0.5])) is None
    assert paired("a", "b", np.asarray([0.5, 0.6]), np.asarray([0.4, 0.3]))["ci"] is not None


def test_what_few_lives_are_worth_is_what_a_simulation_finds():
    for lives in (2, 5, 15):
        found = coverage.simulated(lives, trials=1500, resamples=500, seed=1)
        assert found == pytest.approx(coverage.COVERAGE[lives], abs=0.03)
    assert coverage.COVERAGE[2] < coverage.COVERAGE[5] < coverage.COVERAGE[15] < 0.95
    assert set(coverage.COVERAGE) == set(range(2, coverage.ENOUGH))
    assert "50%" in coverage.caution(2) and "no interval" in coverage.caution(1)
    assert coverage.caution(16) == ""  # enough: nothing to be said
    written = (Path(__file__).resolve().parents[2] / "docs" / "bench.md").read_text()
    row = next(r for r in written.splitlines() if r.startswith("| coverage |"))
    assert [float(v) for v in row.split("|")[2:16]] == list(coverage.COVERAGE.values())


@pytest.mark.parametrize("moments", [3, 50, 137])
def test_curve_bins_average_to_the_accuracy(moments):
    correct = np.random.default_rng(0).random((6, moments)) < 0.7
    drawn = curve(correct)
    bins = len(drawn["moment"])
    assert bins == min(50, moments) == len(drawn["lower"]) == len(drawn["accuracy"])
    edges = np.linspace(0, moments, bins + 1).round()
    mean = np.average(drawn["accuracy"], weights=np.diff(edges))
    assert mean > 0.5
    assert mean == pytest.approx(correct.mean())
    assert np.all(np.asarray(drawn["lower"]) <= drawn["accuracy"])
    assert np.all(np.asarray(drawn["upper"]) >= drawn["accuracy"])


def test_equal_differences_have_no_effect_size():
    """However they are rounded; those that differ by one answer have one."""
    ours, theirs = np.array([0.3, 0.4, 0.5, 0.6]), np.array([0.2, 0.3, 0.4, 0.5])
    assert (ours - theirs).std(ddof=1) > 0  # of the rounding
    assert paired("a", "b", ours, theirs)["effect_size"] is None
    single = paired("a", "b", ours.astype(np.float32), theirs.astype(np.float32))
    assert single["effect_size"] is None
    assert paired("a", "b", ours + np.array([0, 0, 0, 1e-4]), theirs)["effect_size"] > 100
