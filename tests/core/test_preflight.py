"""What is refused before the first meta-step, and what is not."""

from __future__ import annotations

import dataclasses
import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast import memory, preflight, store
from metaplast import spec as specs
from metaplast.ahead import compiling
from metaplast.bench.protocol import task_of
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
from metaplast.suites import Setting
from metaplast.tasks import (
    Dataset,
    Drifting,
    FewShot,
    Mixture,
    OnOff,
    RandomProjection,
    Reinforced,
    arrays,
    digit_scenes,
    digits,
    mnist1d,
    named,
)


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


def rehearsed(searched, *compared):
    """What is said of a search on a task."""
    one = experiment()
    objective = Objective(searched, one.objective.circuit)
    return preflight.rehearsed(one._replace(objective=objective), compared)


def test_a_search_on_the_examples_of_its_comparison_is_said(tmp_path):
    (line,) = rehearsed(digits(20), digits(300))
    assert "lives 1000 of the 1000 examples of digits that its comparison lives" in line
    assert line.endswith('give split = "search"') and "\n" not in line
    (line,) = rehearsed(digits(20, split="all"), digits(300))
    assert "999 of the 1000" in line  # one image is in both parts, and counts for nothing
    assert rehearsed(digits(20, split="search"), digits(300)) == []
    # Lives that are longer than the pool of a comparison are drawn from all, as a table says.
    assert rehearsed(digits(20, split="search"), named("digits", 900)) == []
    assert rehearsed(digits(20), mnist1d(20)) == rehearsed(mnist1d(20, seed=1), mnist1d(20)) == []
    x, y = np.random.default_rng(0).random((100, 64), np.float32), np.arange(100) % 2
    for name in ("my", "copy"):
        np.savez(tmp_path / f"{name}.npz", x_train=x, y_train=y, x_test=x[:9] + 1, y_test=y[:9])
    mine, copy = (arrays(tmp_path / f"{name}.npz", 20) for name in ("my", "copy"))
    (line,) = rehearsed(mine, digits(20), mine, copy, mine)[:1]
    assert "69 of the 69 examples of my " in line
    assert len(rehearsed(mine, mine, copy, mine)) == 2  # each pool once, the copy under its name
    assert rehearsed(arrays(tmp_path / "my.npz", 20, split="search"), mine) == []


def test_it_is_said_however_the_examples_are_wrapped():
    inside = Mixture((RandomProjection(digits(20), 30), RandomProjection(mnist1d(20), 30)))
    lines = rehearsed(inside, OnOff(digits(20)), Drifting(mnist1d(20)))
    assert [line.split(" that its")[0].split(" of ")[-1] for line in lines] == ["digits", "mnist1d"]
    scenes = functools.partial(digit_scenes, 20, 10, size=32, scenes=6, things=3)
    assert len(rehearsed(Reinforced(scenes()), scenes())) == 1
    assert rehearsed(Reinforced(scenes()), scenes(split="search")) == []
    few = functools.partial(FewShot, digits(20), 2)
    assert len(rehearsed(few(), few())) == len(rehearsed(digits(20), few())) == 1
    assert rehearsed(few(split="search"), few()) == []
    assert rehearsed(Easy(moments=12), Easy(moments=12)) == []  # a new world in every life


def test_examples_that_two_pools_have_by_chance_are_not_said():
    x, y = np.random.default_rng(0).random((100, 5), np.float32), np.arange(100) % 2
    pool = functools.partial(Dataset, y_train=y, y_test=y, held_out=9)
    one = pool(x_train=x, x_test=x + 1)
    for count, said in ((5, False), (50, True)):
        others = np.where(np.arange(100)[:, None] < count, x, x + 2)
        assert bool(rehearsed(one, pool(x_train=others, x_test=x + 3))) == said
    few = np.round(x[:, :1])  # of which there are two
    assert rehearsed(*[pool(x_train=few, x_test=few)] * 2) == []


def test_data_of_a_comparison_are_not_read_where_a_search_keeps_to_its_part():
    def read():
        yield pytest.fail("read")

    one = experiment()
    for task in (digits(20, split="search"), Easy(moments=12)):
        objective = Objective(task, one.objective.circuit)
        assert preflight.rehearsed(one._replace(objective=objective), read()) == []


@pytest.mark.parametrize("name", specs.builtin())
def test_no_shipped_experiment_searches_on_its_comparison(name):
    spec = specs.load(name)
    built = build(spec)
    compared = [task_of(*of) for of in itertools.product(*(spec["bench"][k] for k in BENCH))]
    assert preflight.rehearsed(built, compared) == []
    if name == "frugal":  # the control
        spec = specs.Spec({**spec.tables, "task": {**spec["task"], "split": "bench"}})
        assert len(preflight.rehearsed(build(spec), compared)) == 1


BENCH = "data", "moments"


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

    # A suite says it, too, once for all of its settings, and goes on where one has no data here.
    monkeypatch.setattr("metaplast.bench.suite.run", lived)
    out = ["--out", str(tmp_path / "suite")]
    for data, times in ((rewarded, 1), (plain, 0)):
        settings = [Setting(text, 4) for text in ("nowhere.npz", data, data)]
        monkeypatch.setattr("metaplast.suites.suite", lambda _, settings=settings: settings)
        with pytest.raises(Lived):
            main(["bench", str(file), "--suite", "spiking", *out])
        said = capsys.readouterr().err
        assert said.count(f"{file}: genome.rules.readout.rules[0]: ThreeFactor takes") == times


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
