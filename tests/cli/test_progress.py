"""Lines of progress in a pipe: few, short, and named as what they are."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import reference
from metaplast.bench import sweep
from metaplast.circuits import hierarchical, layered
from metaplast.cli.campaign import _telling
from metaplast.cli.progress import Bar, Lines, searching
from metaplast.learners import Backprop
from metaplast.learners.standardized import Standardized
from metaplast.lifetime import unroll
from metaplast.meta import ES, Evolution, Restarts
from metaplast.meta import Backprop as ThroughLives
from metaplast.objective import Objective
from metaplast.reference import Either, backprop_accuracy
from metaplast.run import Report
from metaplast.tasks import Clusters, InSteps
from metaplast.varied import Varied


def test_an_audit_is_a_few_lines_and_a_comparison_a_line_for_each_row(capsys):
    lines = Lines()
    for done in range(8):
        lines.row("frozen", done, 8)
    for done in range(20):
        lines.row("causality", done, 20, "audit")
    said = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("bench") for line in said) == 8
    assert [line.split()[1] for line in said if line.startswith("audit")] == ["1/20", "20/20"]


def test_the_live_line_shows_names_as_they_are(capsys):
    with Bar() as bar:
        for done, name in enumerate(("frozen", "runs/[/c]", "runs/[b]")):
            bar.row(name, done, 3)
            bar._bar.refresh()
    shown = capsys.readouterr().err
    assert "3/3  runs/[b]" in shown and "bench" in shown


def test_a_line_names_only_what_differs_between_cells():
    table = '{type = "Drifting", task = {type = "digits", moments = 4}}'

    def told(data):
        seen: list[str] = []
        sweep(["frozen"], data, (4,), [(3,)], lambda *now: seen.append(now[0]), lives=1, only=True)
        return seen

    assert told([table])[0] == "frozen"
    both = told([table, "digits"])
    assert "Drifting digits: frozen" in both and "digits: frozen" in both and table not in str(both)


def test_the_line_of_a_search_says_what_its_numbers_are():
    said = searching(Report(12, 80, 0.5, 0.25, 0.125, 1.0, 3.0))
    assert "mean of the last: loss 0.500 accuracy 0.250 (roughly tuned Adam 0.125)" in said


def test_a_search_that_stands_nowhere_says_so_once_and_what_to_give(capsys):
    told = _telling(Lines(), ES())
    told(Report(1, 80, 0.5, 0.25, 0.125, 1.0, 3.0, lost=0.9))
    assert "all lives are lost" not in capsys.readouterr().err, "the control"
    for step in (2, 3):
        told(Report(step, 80, float("nan"), 0.25, 0.125, 1.0, 3.0, lost=1.0))
    (said,) = [
        line for line in capsys.readouterr().err.splitlines() if "all lives are lost" in line
    ]
    assert said.startswith("meta-step 2: ")
    bred = Report(1, 80, 0.5, 0.25, 0.125, 1.0, 3.0, lost=0.5, dealt="candidates")
    assert "50 % of candidates lost" in searching(bred)
    assert "50 % of lives lost" in searching(bred._replace(dealt="lives"))
    assert "smaller rates, gains or meta.spread" in said and "objective.segment = 2" in said
    _telling(Lines(), Evolution("SNES"))(bred._replace(lost=1.0))
    said = capsys.readouterr().err
    assert "smaller rates, gains or meta.spread (such as 0.03)" in said
    assert "all candidates are lost" in said and "segment" not in said


@pytest.mark.parametrize(
    ("meta", "smaller"),
    [
        (ThroughLives(), "rates or gains, or, where"),  # it has no spread to lower
        (ES(), "rates, gains or meta.spread (such as 0.03), or, where"),
        (Restarts(ThroughLives()), "rates, gains or meta.spread (such as 0.03), or, where"),
        (
            Restarts(ES()),
            "rates, gains, meta.spread (such as 0.03) or meta.of.spread (such as 0.03), or, where",
        ),
    ],
)
def test_a_search_without_a_spread_is_not_told_to_lower_it(capsys, meta, smaller):
    lost = Report(1, 80, float("nan"), 0.25, 0.125, 1.0, 3.0, lost=1.0)
    _telling(Lines(), meta)(lost)
    assert f"give smaller {smaller}" in capsys.readouterr().err


def test_the_reference_is_no_worse_than_a_part_of_it(monkeypatch):
    from metaplast.experiment import build
    from metaplast.spec import load, with_overrides

    tiny = with_overrides(load("layered"), ['task={type="digits", moments=60}', "hidden=[8]"])
    objective = build(tiny).objective
    assert isinstance(objective, Objective)
    whole = backprop_accuracy(objective, tiny.hidden, jax.random.key(0), 4)
    monkeypatch.setattr(reference, "RECTIFIED", (1.0,))
    monkeypatch.setattr(reference, "STIMULI", (0.0,))
    part = backprop_accuracy(objective, tiny.hidden, jax.random.key(0), 4)
    assert 0.1 < part < whole < 1


def test_the_reference_lives_on_from_episode_to_episode_as_the_rule_does(monkeypatch):
    for name, only in (("RATES", (0.01,)), ("RECTIFIED", (0.0,)), ("STIMULI", (0.0,))):
        monkeypatch.setattr(reference, name, only)
    task, key = Clusters(inputs=6, classes=3, moments=10, nuisance=2), jax.random.key(0)
    objective = Objective(task, layered(6, (4,), 3), episodes=3)
    found = backprop_accuracy(objective, (4,), key, 6)  # two lives of three episodes
    learner, right = Standardized(Either((6, 4, 3), "adam", 0.01), 6, 0.0), []
    for life_key in jax.random.split(key, 2):
        task_key, life_key = jax.random.split(life_key)
        birth_key, noise_key = jax.random.split(life_key)
        standing = learner.born(birth_key), jnp.asarray(True), jnp.asarray(0)
        for number in range(3):
            episode = objective.episode(task_key, jnp.asarray(number))
            seen = episode.stimuli, episode.targets
            standing, (correct, _) = unroll(learner, task, standing, seen, noise_key)
            right.append(np.asarray(correct))
    assert found == pytest.approx(np.mean(right)) and 0 < found < 1
    one = dataclasses.replace(objective, episodes=1)
    assert backprop_accuracy(one, (4,), key, 2) != pytest.approx(found), "control: one episode"


def test_what_the_reference_lived_is_said_where_the_rule_lives_more():
    objective = Objective(Clusters(), layered(64, (), 10))
    several = [dataclasses.replace(objective, episodes=n) for n in (1, 4, 40)]
    several += [Varied(objective, (), ()), Varied(several[1], (), ())]
    assert [reference.lived(one) for one in several] == [
        "", "through all 4 episodes", "through the first 16 of 40 episodes", "without the variants",
        "through all 4 episodes, without the variants",
    ]  # fmt: skip
    report = Report(12, 80, 0.5, 0.25, 0.125, 1.0, 3.0, backprop_lived="without the variants")
    assert "(roughly tuned Adam 0.125 without the variants)" in searching(report)


def test_the_reference_is_not_praised_for_waiting():
    """Nine of ten moments ask for nothing; backprop soon knows that, and hardly anything else."""
    task = InSteps(Clusters(inputs=10, moments=4, held_out=4, nuisance=0), 10)
    objective = Objective(task, layered(2, (4,), task.classes))
    assert backprop_accuracy(objective, (4,), jax.random.key(0), 2) < 0.5


def test_the_reference_has_the_hidden_layers_of_the_experiment(monkeypatch):
    """Whatever populations a circuit makes of them: `hierarchical` has one for each cell."""
    built = []

    class Seen(Either):
        def __check_init__(self):
            built.append(self.sizes)

    monkeypatch.setattr(reference, "Either", Seen)
    for name, only in (("RATES", (0.01,)), ("RECTIFIED", (0.0,)), ("STIMULI", (0.0,))):
        monkeypatch.setattr(reference, name, only)
    task, key = Clusters(inputs=6, classes=3, moments=4, nuisance=2), jax.random.key(0)
    circuit = hierarchical(6, (5,), 3)
    assert sum(p.kind == "hidden" for p in circuit.populations) == 5, "the control"
    objective = Objective(task, circuit)
    for hidden in ((5,), ()):
        built.clear()
        assert 0 <= backprop_accuracy(objective, hidden, key, 2) <= 1
        assert set(built) == {(6, *hidden, 3)}


@pytest.mark.parametrize(("rectified", "nonlinearity"), [(0.0, "tanh"), (1.0, "relu")])
def test_the_reference_is_backprop_of_either_kind(rectified, nonlinearity):
    sizes, task = (6, 5, 4, 3), Clusters(inputs=6, classes=3, moments=4, nuisance=2)
    stimuli = jax.random.normal(jax.random.key(2), (3, 6))

    def lived(learner):
        state = learner.born(jax.random.key(1))
        for stimulus in stimuli:
            state, said = learner.moment(state, stimulus, jnp.asarray(1), task)
        return state.weights, said

    either = lived(Either(sizes, "adam", 0.01, rectified=rectified))
    plain = lived(Backprop(sizes, "adam", 0.01, nonlinearity))
    for mine, expected in zip(*map(jax.tree.leaves, (either, plain)), strict=True):
        assert float(jnp.abs(expected).max()) > 0.1
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-6)
