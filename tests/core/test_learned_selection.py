"""A selection that was learned: what it may read, and what its training is worth."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import checkpoint
from metaplast import run as runs
from metaplast import spec as specs
from metaplast.audit.constraints.evolutionary_outer_loop import EvolutionaryOuterLoop
from metaplast.cli import main
from metaplast.experiment import construct
from metaplast.meta import Backprop, Evolution, LearnedSelection, brood, selection_weights
from metaplast.meta.selection_network import SIGNS, TRAITS, SelectionNetwork
from metaplast.selection import training
from metaplast.selection.objective import SelectionObjective
from metaplast.spec import SpecError

WEIGHTS = ("untrained", "backprop", "evolution")
NUMBERS = 20


def decided(seed: int = 0) -> SelectionNetwork:
    """A network whose decisions are far from zero, survival among them."""
    network = SelectionNetwork(jax.random.key(seed))
    keys = jax.random.split(jax.random.key(seed + 1))
    parts = (network.verdicts, network.paces)
    return eqx.tree_at(
        lambda n: (n.verdicts, n.paces), network,
        [2 * jax.random.normal(k, p.shape) for k, p in zip(keys, parts, strict=True)],
    )  # fmt: skip


def bowl(x):
    return jnp.sum((x - 1) ** 2 * jnp.linspace(0.1, 1, x.size))


def searched(weights, evaluate, steps, key, population=16):
    """The center after so many generations."""
    meta = LearnedSelection(population, 1, 0.1, steps, weights)
    init_key, run_key = jax.random.split(key)

    def step(carry, key):
        theta, state, _ = meta.step(evaluate, *carry, key)
        return (theta, state), None

    start = jnp.zeros(NUMBERS)
    begin = (start, meta.init(evaluate, start, init_key))
    return jax.lax.scan(step, begin, jax.random.split(run_key, steps))[0][0]


def test_permuted_candidates_get_permuted_verdicts():
    traits = jax.random.normal(jax.random.key(0), (9, TRAITS))
    signs = jax.random.normal(jax.random.key(1), (SIGNS,))
    order = jax.random.permutation(jax.random.key(2), 9)
    network = decided()
    plain, cells = network(traits, signs)
    other, turned = network(traits[order], signs)
    for a, b in zip(plain, other, strict=True):
        assert float(jnp.ptp(a)) > 0.1
        np.testing.assert_allclose(a[order], b, atol=1e-5)
    for a, b in zip(network.pace(cells, signs), network.pace(turned, signs), strict=True):
        assert abs(float(a)) > 1e-3
        np.testing.assert_allclose(a, b, atol=1e-5)
    moved, _ = network(traits.at[0].add(1.0), signs)
    assert float(jnp.abs(moved.vote[1:] - plain.vote[1:]).max()) > 1e-4, "they hear each other"


def test_a_monotone_function_of_the_loss_changes_no_bit():
    @jax.jit
    def run(how):
        def bent(x, key):
            loss = bowl(x)
            return jnp.stack([loss, loss**3 + 3 * loss, -loss])[how], (0.0,)

        return searched("backprop", bent, 6, jax.random.key(0))

    plain, bent, reversed_ = (run(how) for how in range(3))
    np.testing.assert_array_equal(plain, bent)
    assert not np.array_equal(plain, reversed_), "negative control"


def test_it_needs_no_derivative():
    """Losses that come from NumPy, in steps."""

    def lived(x):
        return np.float32(np.floor(4 * np.sum((x - 1) ** 2)) / 4)

    def evaluate(x, key):
        del key
        shape = jax.ShapeDtypeStruct((), jnp.float32)
        loss = jax.pure_callback(lived, shape, x, vmap_method="sequential")
        return loss, (loss,)

    center = jax.jit(lambda key: searched("backprop", evaluate, 40, key))(jax.random.key(0))
    assert lived(np.zeros(NUMBERS)) == NUMBERS
    assert lived(np.asarray(center)) < 0.5 * NUMBERS


def verdict_on(table):
    evidence = SimpleNamespace(subject=SimpleNamespace(spec={"meta": table}))
    return EvolutionaryOuterLoop().check(evidence)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_audit_calls_it_evolution(weights):
    table = {"type": "LearnedSelection", "population": 8, "lives": 1, "weights": weights}
    assert "upheld" in str(verdict_on(table)).lower()
    by_descent = verdict_on({"type": "Backprop", "lives": 1})
    assert "differentiates lives" in str(by_descent), "negative control"


def test_equals_share_a_rank_and_casualties_come_last():
    ranks = brood.centred_ranks(jnp.asarray([3.0, 1.0, 1.0, 2.0]))
    np.testing.assert_allclose(ranks, [-0.375, 0.25, 0.25, -0.125])

    def treacherous(x, key):
        return jnp.where(x[0] < -0.05, jnp.nan, bowl(x)), (0.0,)

    center = jax.jit(lambda key: searched("backprop", treacherous, 40, key))(jax.random.key(0))
    assert np.isfinite(center).all()
    assert float(bowl(center)) < 0.5 * float(bowl(jnp.zeros(NUMBERS)))


@pytest.mark.parametrize("population", [4, 6, 7, 32])
def test_a_few_candidates_live_the_same_lives(population):
    lived = np.bincount(brood.worlds(population))
    assert lived.sum() == population
    assert lived.min() >= brood.SHARING
    if population == 32:
        assert np.all(lived == brood.SHARING)


@pytest.mark.parametrize(("population", "numbers"), [(16, 40), (16, 6), (8, 1)])
def test_mutations_are_at_right_angles_and_standard_normal_still(population, numbers):
    keys = jax.random.split(jax.random.key(0), 400)
    broods = jax.jit(
        jax.vmap(lambda key: brood.first(jnp.zeros(numbers), population, 1.0, key))
    )(keys)  # fmt: skip
    sizes = np.exp(brood.VARIED * np.asarray(broods.sizes))[..., None]
    mutations = np.asarray(broods.candidates) / sizes
    together = mutations[:, : min(population, numbers)]
    angles = np.einsum("bin,bjn->bij", together, together)
    lengths = np.diagonal(angles, axis1=1, axis2=2)
    assert lengths.min() > 0
    np.testing.assert_allclose(
        angles - lengths[..., None] * np.eye(together.shape[1]), 0, atol=1e-3 * numbers
    )
    drawn = mutations.shape[0] * population
    np.testing.assert_allclose(mutations.mean((0, 1)), 0, atol=5 / drawn**0.5)
    np.testing.assert_allclose((mutations**2).mean((0, 1)), 1, atol=8 / drawn**0.5)
    if population > numbers > 1:  # negative control: those that cannot be at right angles
        every = np.einsum("bin,bjn->bij", mutations, mutations)
        assert np.abs(every[:, 0, numbers:]).max() > 0.1


def test_paths_of_a_blind_selection_are_as_long_as_mutations_are():
    """Longer than standard normal ones, for the sizes of mutations vary."""
    network = SelectionNetwork(jax.random.key(0))  # decides nothing

    def generation(population, key):
        value_key, key = jax.random.split(key)
        values = jax.random.normal(value_key, (32,))
        population = brood.after(network, population, values, 1.0, key)
        return population, jnp.mean(population.paths**2, 1)

    begun = brood.first(jnp.zeros(50), 32, 1.0, jax.random.key(1))
    keys = jax.random.split(jax.random.key(2), 2000)
    squares = np.asarray(jax.jit(lambda: jax.lax.scan(generation, begun, keys)[1])())[100:]
    np.testing.assert_allclose(squares.mean(0), np.exp(2 * brood.VARIED**2), rtol=0.05)
    assert np.exp(2 * brood.VARIED**2) > 1.15, "control: 1 would not pass"


def test_ranks_are_among_those_who_lived_the_same():
    """A life that is hard for all says nothing of who lived it."""
    values = jax.random.normal(jax.random.key(0), (32,))
    hard = values + 10 * (brood.worlds(32) == 3)
    ranks, soft = brood.centred_ranks(values), brood.centred_ranks(values, 0.1)
    assert np.ptp(ranks) > 0.5 and np.ptp(soft) > 0.5
    np.testing.assert_array_equal(brood.centred_ranks(hard), ranks)
    np.testing.assert_allclose(brood.centred_ranks(hard, 0.1), soft, atol=1e-4)
    easier = values - 10 * (np.arange(32) == 3)  # negative control: one of those who shared
    assert np.any(np.asarray(brood.centred_ranks(easier)) != ranks)


def test_who_survives_is_copied_bit_for_bit():
    verdicts = decided().verdicts.at[1].set(decided().verdicts[0]).at[1, -1].set(0.0)
    network = eqx.tree_at(lambda n: n.verdicts, decided(), verdicts)
    before = brood.first(jnp.zeros(NUMBERS), 16, 0.1, jax.random.key(0))
    values = jax.vmap(bowl)(before.candidates)
    after = brood.after(network, before, values, 0.1, jax.random.key(1))
    stayed = np.asarray(after.ages) == 1
    assert 0 < stayed.sum() < 16
    np.testing.assert_array_equal(after.candidates[stayed], before.candidates[stayed])
    assert not np.isin(np.asarray(after.candidates[~stayed]), before.candidates).any()
    soft = brood.after(network, before, values, 0.1, jax.random.key(1), softness=0.1)
    assert ((np.asarray(soft.ages) > 0) & (np.asarray(soft.ages) < 1)).any(), "negative control"


@pytest.mark.parametrize(
    ("weights", "objective"),
    [
        ("backprop", SelectionObjective(24, numbers=(), families=("polynomial",), lived=20)),
        ("evolution", SelectionObjective(24, generations=30, numbers=(20,), families=())),
    ],
)
def test_training_pays_where_it_was_trained(weights, objective):
    """With hard ranks, on other lives, and in another population and number of generations."""

    @jax.jit
    def left(network):
        return jax.vmap(lambda key: objective(network, key)[0])(
            jax.random.split(jax.random.key(5), 48)
        )

    ends = {
        name: np.asarray(left(selection_weights.load(name).network))
        for name in (weights, "untrained")
    }
    gained = ends["untrained"] - ends[weights]
    assert ends["untrained"].mean() < -0.1
    assert gained.mean() > 3 * gained.std() / np.sqrt(48)


@pytest.mark.parametrize(
    ("meta", "softness"),
    [
        (Backprop("adam", 0.05, 6, lives=4), 0.1),
        (Evolution("SNES", 8, 4, 0.1, 6), 0.0),
    ],
)
def test_any_outer_loop_can_train_it(meta, softness):
    """Its objective falls within a few meta-steps, on the same bowls."""
    objective = SelectionObjective(8, 6, (5,), (), softness=softness)

    def evaluate(theta, key):
        return objective(theta, key)

    def step(carry, key):
        theta, state, report = meta.step(evaluate, *carry, key)
        return (theta, state), report.loss

    @jax.jit
    def trained(key):
        theta = SelectionNetwork(jax.random.key(0))
        state = jax.tree.map(jnp.asarray, meta.init(evaluate, theta, key))
        (theta, _), _ = jax.lax.scan(step, (theta, state), jnp.stack([key] * 6))
        judge = jax.vmap(lambda t, k: objective(t, k)[0], (None, 0))
        keys = jax.random.split(jax.random.key(3), 64)
        return jnp.mean(judge(SelectionNetwork(jax.random.key(0)), keys)), jnp.mean(
            judge(theta, keys)
        )

    before, after = trained(jax.random.key(1))
    assert float(after) < float(before) - 0.01


def test_a_selection_is_trained_saved_and_used_from_the_command_line(tmp_path, monkeypatch, capsys):
    """The whole way, with a small objective; without training it is what it began as."""
    small = SelectionObjective(8, 4, (5,), (), softness=0.1)
    monkeypatch.setattr(
        training, "recipe",
        lambda by, steps: training.Recipe(small, Backprop("adam", 0.02, steps, lives=2, clip=1.0)),
    )  # fmt: skip
    file = tmp_path / "mine.safetensors"
    options = ["--by", "backprop", "--steps", "2", "--out", str(file), "--json"]
    assert main(["selection", *options]) == 0
    told = capsys.readouterr()
    assert "2/2 loss" in told.err
    stored = selection_weights.load(str(file))
    assert json.loads(told.out)["sha256"] == stored.digest
    begun = selection_weights.load("untrained")
    assert stored.digest != begun.digest
    run = jax.jit(lambda key, which: searched(which, lambda x, key: (bowl(x), (0.0,)), 3, key),
                  static_argnums=1)  # fmt: skip
    mine, untrained = (run(jax.random.key(0), which) for which in (str(file), "untrained"))
    assert not np.array_equal(mine, untrained)


def test_a_derivative_passes_through_soft_ranks_only():
    """Without softness no derivative passes through a comparison."""
    values = jnp.asarray([3.0, 1.0, 2.0])
    slope = jax.jacobian(brood.centred_ranks)(values)
    assert float(jnp.abs(jax.jacobian(lambda v: brood.centred_ranks(v, 0.1))(values)).max()) > 1e-9
    np.testing.assert_array_equal(slope, 0)


def test_weights_come_back_bit_for_bit(tmp_path):
    network, path = decided(), tmp_path / "mine.safetensors"
    digest = selection_weights.save(path, network, {"by": "hand"})
    read = selection_weights.load(str(path))
    assert read.digest == digest and read.about["by"] == "hand"
    for a, b in zip(jax.tree.leaves(network), jax.tree.leaves(read.network), strict=True):
        assert float(jnp.abs(a).max()) > 0
        np.testing.assert_array_equal(a, b)
    assert LearnedSelection(weights=str(path)).digest == digest
    assert LearnedSelection().digest != digest
    assert (
        dataclasses.asdict(LearnedSelection())["digest"]
        == selection_weights.load("backprop").digest
    )
    assert checkpoint.flatten(read.network)[0]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"weights": "backprob"}, "no such network or file.*backprop"),
        ({"population": 3}, "population = 3: expected 4 or more"),
        ({"spread": 0.0}, "spread = 0.0: expected a finite positive number"),
        ({"digest": "x"}, "LearnedSelection has no such option"),
    ],
)
def test_bad_input_is_one_line(options, told):
    with pytest.raises(SpecError, match=told) as caught:
        construct("meta", {"type": "LearnedSelection", **options}, "meta")
    assert "\n" not in str(caught.value)


def test_a_file_of_something_else_is_refused(tmp_path):
    from metaplast import rulefile

    path = tmp_path / "rule.safetensors"
    rulefile.write(path, {"a": np.zeros(2, np.float32)}, {"name": "x"})
    with pytest.raises(ValueError, match="holds no selection network"):
        LearnedSelection(weights=str(path))


@pytest.mark.parametrize("several", [False, True])
def test_a_run_goes_on_with_the_weights_it_began_with_or_not_at_all(tmp_path, several):
    weights, folder = tmp_path / "weights.safetensors", tmp_path / "run"
    selection_weights.save(weights, decided(0), {"found": "by nobody"})
    one = f'{{type="LearnedSelection", weights="{weights}", population=4, lives=1, steps=4}}'
    meta = f'{{type="Restarts", count=2, of={one}}}' if several else one
    spec = specs.with_overrides(specs.load("frugal"), [
        "hidden=[3]", "task.moments=5", "objective.metered=false", f"meta={meta}",
    ])  # fmt: skip
    runs.create(folder, spec)
    asked = iter((False, True))
    begun = runs.run(folder, should_stop=lambda: next(asked, True))
    assert 0 < begun.step < 4
    selection_weights.save(weights, decided(2), {"found": "by nobody"})
    with pytest.raises(SpecError, match=r"meta\.weights: sha256 .*began with"):
        runs.run(folder)
    selection_weights.save(weights, decided(0), {"found": "by nobody"})
    assert runs.run(folder).finished, "negative control: with the file of then it goes on"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"generations": 1}, "generations = 1: expected 2 or more"),
        ({"lived": 1}, "lived = 1: expected 2 or more"),
        ({"population": 0}, "population = 0: expected 1 or more"),
        ({"numbers": (), "families": ()}, "numbers and families: both are empty"),
    ],
)
def test_an_objective_that_measures_nothing_is_refused(options, told):
    with pytest.raises(ValueError, match=told):
        SelectionObjective(**options)


def test_two_generations_are_enough():
    """The control."""
    objective = SelectionObjective(4, 2, (5,), (), 2)
    loss, _ = jax.jit(objective)(SelectionNetwork(jax.random.key(0)), jax.random.key(1))
    assert np.isfinite(float(loss)) and float(loss) != 0
