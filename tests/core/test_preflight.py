"""What is refused before the first meta-step, and what is not."""

from __future__ import annotations

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from learners.easy import Easy

from metaplast import memory, preflight, store
from metaplast import spec as specs
from metaplast.ahead import compiling
from metaplast.circuits import layered
from metaplast.cli import main
from metaplast.derivable import reach
from metaplast.experiment import Experiment, build
from metaplast.lives import lives_of
from metaplast.meta import ES, PES, Backprop, Evolution, LearnedSelection, Restarts
from metaplast.network import Genome
from metaplast.neurons import Output, Rate
from metaplast.objective import Objective
from metaplast.rules import Delta, PolicyTrace, RewardSTDP, ThreeFactor, Total
from metaplast.search import searchable
from metaplast.spec import SpecError
from metaplast.tasks import Reinforced


class Stepped(Delta):
    """A rule whose change is a sign."""

    def post(self, cell, modulator):
        return jnp.sign(super().post(cell, modulator))


class Hidden(Delta):
    """A rule that asks Python, which has no derivative."""

    def post(self, cell, modulator):
        form = jax.ShapeDtypeStruct((), jnp.float32)
        rate = jax.pure_callback(lambda r: r, form, self.rate.value, vmap_method="sequential")
        return (rate * cell.message)[None]


def experiment(rule=Delta, rate=0.1, meta=None, moments=12, episodes=1) -> Experiment:
    genome = Genome(
        {"input": Rate("linear"), "hidden": Rate(), "output": Output()},
        {"forward": rule(rate), "readout": rule(rate)},
    )
    objective = Objective(Easy(moments=moments), layered(6, (4,), 3), episodes=episodes)
    return Experiment("x", 0, objective, genome, meta or Backprop(lives=2), 3)


def test_a_life_without_a_derivative_is_refused_under_backprop_only():
    with pytest.raises(SpecError, match=r"'Backprop'.* operation 'sign'; give meta.type = \"PES\""):
        preflight.unreached(experiment(Stepped))
    assert preflight.unreached(experiment(Stepped, meta=PES(stretch=4))) == []
    assert preflight.unreached(experiment()) == []


def test_an_operation_that_jax_cannot_differentiate_is_named():
    for meta in (Backprop(lives=2), Restarts(Backprop(lives=2))):
        with pytest.raises(SpecError, match=r"'Backprop'.*callback.*give meta.type"):
            compiling(experiment(Hidden, meta=meta))


def test_a_genome_without_a_searchable_number_is_refused():
    with pytest.raises(SpecError, match="genome: has no number"):
        preflight.check(experiment(rate=0.0))
    preflight.check(experiment())


def test_a_horizon_that_stretches_do_not_divide_is_refused():
    with pytest.raises(SpecError, match=r"meta: stretch = 5: .* 12 moments; give 3 or 4 or 6"):
        preflight.check(experiment(meta=PES(stretch=5)))
    preflight.check(experiment(meta=PES(stretch=6)))


@pytest.mark.parametrize(
    ("episodes", "stretch", "near"),
    [
        # The first two divide the life, and cut through an episode unevenly.
        (3, 18, "6 or 12 or 36"), (3, 9, "4 or 6 or 12"), (3, 7, "4 or 6 or 12"),
        (4, 36, "12 or 24 or 48"), (1, 9, "4 or 6 or 12"),
    ],
)  # fmt: skip
def test_what_is_refused_of_several_episodes_cannot_be_lived_and_what_is_suggested_can(
    episodes, stretch, near
):
    """What the check says is asked of lives themselves, which decide while a step is traced."""

    def traced(stretch):
        """A meta-step as the search traces it, without a check before."""
        tried = experiment(meta=PES(stretch=stretch, lives=2), episodes=episodes)
        preflight.check(tried)
        theta, fixed = eqx.partition(tried.genome, searchable)
        lives, key = lives_of(tried.objective, fixed), jax.random.key(0)
        state = jax.eval_shape(lambda: tried.meta.init(lives, theta, key))
        jax.eval_shape(lambda state: tried.meta.step(lives, theta, state, key), state)

    with pytest.raises(SpecError, match=f"meta: stretch = {stretch}: .*; give {near}, or lives"):
        traced(stretch)
    for suggested in map(int, near.split(" or ")):
        traced(suggested)


@pytest.mark.parametrize("first", [4, 12, 100])
def test_shorter_first_lives_are_none_of_its_business(first):
    """How long they are decides shapes, so it has to be known where a state is only traced."""
    for meta in (PES(stretch=4, first=first), Restarts(PES(stretch=4, first=first))):
        preflight.check(experiment(meta=meta))
    with pytest.raises(SpecError, match=r"stretch = 5"):
        preflight.check(experiment(meta=PES(stretch=5, first=first)))


def test_a_population_larger_than_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: 10**6)
    with pytest.raises(SpecError, match=r"meta: its state: needs .* GiB .* smaller population"):
        preflight.check(experiment(meta=PES(lives=3000, stretch=4)))
    preflight.check(experiment(meta=PES(lives=30, stretch=4)))


def test_there_is_some_memory_and_not_without_end():
    assert 10**8 < (memory.free() or 0) < 10**15


@pytest.mark.parametrize(
    "meta",
    [
        Evolution("CMA_ES", 10**9), Evolution("SNES", 10**9), LearnedSelection(10**6),
        Backprop(lives=10**9), ES(lives=10**9), Restarts(Backprop(lives=10**8), count=100),
    ],
)  # fmt: skip
def test_a_population_that_does_not_fit_is_refused_before_it_is_built(meta):
    with pytest.raises(SpecError, match=r"meta: (population|lives) = 10+: needs .* GiB .* fewer"):
        preflight.check(experiment(meta=meta))
    alone = getattr(meta, "of", meta)
    preflight.check(experiment(meta=type(alone)(**{meta.dealt.option: 4})))  # the control


@pytest.mark.parametrize(
    ("meta", "idle", "enough"),
    [
        (Evolution("SNES", 3, 2), 2, 13), (Evolution("SNES", 4, 2), 2, 13),
        (Backprop(lives=8), 2, 25), (ES(lives=8), 2, 13), (Backprop(lives=8, width=4), 2, 13),
        (Restarts(Backprop(lives=8)), 2, 25), (Backprop(lives=25), 0, 0),
        (Backprop(lives=8, width=10**12), 3, 3 * 10**12 + 1),
    ],
)  # fmt: skip
def test_devices_without_anything_to_do_are_counted(monkeypatch, meta, idle, enough):
    monkeypatch.setattr(jax, "local_devices", lambda: [None] * 4)
    told = preflight.idle(experiment(meta=meta))
    if not idle:
        assert told == ""
        return
    dealt = meta.dealt
    where = "meta.of" if isinstance(meta, Restarts) else "meta"
    assert told.startswith(f"{where}.{dealt.option} = {dealt.count}: {idle} of 4 devices")
    assert told.endswith(f"from {enough} on")
    alone = getattr(meta, "of", meta)
    for count, all_busy in ((enough, True), (enough - 1, False)):
        other = dataclasses.replace(alone, **{dealt.option: count})
        assert (preflight.idle(experiment(meta=other)) == "") == all_busy


OWN = {"type": "InSteps", "steps": 2, "task": {"type": "arrays", "path": "my.npz"}}
DIGITS = '{type = "OnOff", task = {type = "digits"}}'


@pytest.mark.parametrize(
    ("task", "data", "said"),
    [
        (OWN, ["digits"], True), (OWN, [DIGITS], True), (OWN, ["my.npz"], False),
        (OWN, ["digits", "my.npz"], False), ({"type": "digits"}, ["digits"], False),
        ({"type": "Mixture", "tasks": [OWN, {"type": "digits"}]}, [DIGITS], False),
    ],
)  # fmt: skip
def test_a_comparison_on_other_data_than_the_search_is_said(task, data, said):
    tables = specs.load("layered").tables
    spec = specs.Spec({**tables, "task": task, "bench": {**tables["bench"], "data": data}})
    told = preflight.elsewhere(spec)
    assert ("lives InSteps arrays, and what it finds will be compared on digits" in told) == said
    assert bool(told) == said and "\n" not in told


@pytest.mark.parametrize("name", specs.builtin())
def test_no_shipped_experiment_is_compared_elsewhere(name):
    assert preflight.elsewhere(specs.load(name)) == ""


def test_a_rule_and_a_task_that_mean_the_contrary_by_the_modulator_are_said():
    def said(rule, task, found=False):
        one = experiment()
        genome = Genome(one.genome.neurons, {"forward": Delta(0.1), "readout": rule})
        return preflight.misheard(genome, task, found)

    plain, rewarded = Easy(moments=12), Reinforced(Easy(moments=12))
    for rule in (RewardSTDP, ThreeFactor):
        (line,) = said(rule(), rewarded)
        assert f"genome.rules.readout: {rule.__name__} takes the modulator for an error" in line
        assert line.endswith('taught by reward it is a reward; give hears = "reward"')
        assert said(rule(hears="reward"), plain)[0].endswith('give hears = "error"')
        assert said(rule(), plain) == said(rule(hears="reward"), rewarded) == []
    assert said(PolicyTrace(), plain)[0].endswith("give another rule or task")
    assert said(PolicyTrace(), rewarded) == said(Delta(0.1), rewarded) == []
    # Also of a rule within another one; and nothing can be given to one that a file holds.
    (line,) = said(Total((Delta(0.1), ThreeFactor())), rewarded)
    assert line.startswith("genome.rules.readout.rules[1]: ThreeFactor takes the modulator for an")
    assert said(Total((Delta(0.1), ThreeFactor(hears="reward"))), rewarded) == []
    assert said(ThreeFactor(), rewarded, found=True)[0].endswith("give another rule or task")


def test_a_found_rule_that_mishears_what_it_is_compared_on_is_said(tmp_path, monkeypatch, capsys):
    class Lived(Exception):
        """The comparison has begun."""

    def lived(*_, **__):
        raise Lived

    monkeypatch.setattr("metaplast.bench.bench", lived)
    spec = specs.with_overrides(
        specs.load("layered"),
        ['genome.rules.readout={type="Total", rules=[{type="ThreeFactor"}, {type="Decay"}]}'],
    )
    file, plain = tmp_path / "x.safetensors", '{type = "Clusters", moments = 4}'
    store.save_rule(file, build(spec).genome, spec, 1)
    rewarded = f'{{type = "Reinforced", task = {plain}}}'
    for data, heard in ((rewarded, True), (plain, False)):
        with pytest.raises(Lived):
            main(["bench", str(file), "frozen", "--data", data])
        said = capsys.readouterr().err
        assert (f"{file}: genome.rules.readout.rules[0]: ThreeFactor takes the" in said) == heard
        assert ("it is a reward; give another rule or task" in said) == heard
    with pytest.raises(Lived):
        main(["bench", "frozen", "--data", rewarded])
    assert "modulator" not in capsys.readouterr().err


def test_derivatives_are_followed_through_loops_and_branches():
    def loss(theta, flag):
        def body(carry, _):
            a, b = carry
            return (a * theta["smooth"], b + jnp.round(theta["rounded"])), None

        (a, b), _ = jax.lax.scan(body, (jnp.ones(()), jnp.zeros(())), None, 3)
        chosen = jax.lax.cond(flag, lambda x: x, lambda x: 2 * x, theta["branch"])
        where = jnp.where(theta["asked"] > 0, a, b)
        return where + chosen + 0 * flag

    theta = {name: jnp.ones(()) for name in ("smooth", "rounded", "branch", "asked", "unused")}
    found = reach(loss, theta, True)
    assert found.alive == ["['branch']", "['smooth']"]
    assert found.dead == ["['asked']", "['rounded']"]
    assert set(found.operations) == {"round", "gt"}
    slopes = jax.grad(loss)(theta, True)
    assert float(slopes["rounded"]) == float(slopes["asked"]) == 0 != float(slopes["smooth"])
