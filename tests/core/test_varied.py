"""One genome in several settings at once."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import search
from metaplast.experiment import build
from metaplast.meta import PES, Backprop, Evolution
from metaplast.spec import Spec, SpecError, dump, load, with_overrides
from metaplast.varied import Varied

DEEPER = {"hidden": [3, 3, 3]}
OTHER_CELLS = {"genome": {"neurons": {"hidden": {"type": "Rate", "nonlinearity": "relu"}}}}
LEARNED = {"genome": {"neurons": {"hidden": {"type": "Learned", "base": {"type": "Rate"}}}}}
OTHER_WORLD = {"task": {"type": "Clusters", "inputs": 5, "classes": 2, "moments": 4, "nuisance": 1}}


def spec(*variants, **others) -> Spec:
    tables = {
        "name": "small",
        "hidden": [3],
        "anatomy": {"type": "layered"},
        "genome": {
            "neurons": {
                "input": {"type": "Sensory"},
                "hidden": {"type": "Rate", "nonlinearity": "tanh"},
                "output": {"type": "Output"},
            },
            "rules": {k: {"type": "Factored"} for k in ("forward", "readout")},
        },
        "task": {"type": "Clusters", "inputs": 6, "classes": 3, "moments": 4, "nuisance": 1},
        "meta": {"type": "Evolution", "strategy": "SNES", "population": 4, "lives": 1, "steps": 2},
    }
    return Spec({**tables, "variants": list(variants), **others})


@pytest.fixture(scope="module")
def three():
    return build(spec(DEEPER, OTHER_CELLS, OTHER_WORLD))


def test_all_lives_are_metered_or_none():
    with pytest.raises(SpecError, match=r"variants.0: objective.metered = false, where .* true"):
        build(spec({"objective": {"metered": False}}, objective={"metered": True}))
    assert build(spec(DEEPER, objective={"metered": True})).objective.main.metered


def test_numbers_do_not_change_owners():
    """As many numbers of the same shapes, but of other kinds, would be taken for each other."""
    delta = {"type": "Delta", "rate": 0.1}
    genome = {"neurons": spec()["genome"]["neurons"], "rules": {"forward": delta, "readout": delta}}
    moved = {"genome": {"rules": {"readout": {"type": "Delta", "rate": 0.0}},
                        "gains": {"feedback": 2.0}}}  # fmt: skip
    with pytest.raises(SpecError, match=r"variants\.0: .* of gains\.feedback .* rules\.readout;"):
        build(spec(moved, genome=genome))
    same = {"genome": {"rules": {"readout": {"type": "Hebb", "rate": 0.2}}}}
    assert build(spec(same, genome=genome)).objective.variants, "negative control: another rule may"


def test_the_loss_is_the_mean_over_all_settings(three):
    assert isinstance(three.objective, Varied)
    loss, score = eqx.filter_jit(three.objective)(three.genome, jax.random.key(0))
    keys = jax.random.split(jax.random.key(0), 4)
    parts = [build(spec()), *(build(spec(**{**spec().tables, **v})) for v in (DEEPER, OTHER_WORLD))]
    relu = build(with_overrides(spec(), ["genome.neurons.hidden.nonlinearity=relu"]))
    each = [
        eqx.filter_jit(part.objective)(part.genome, key)
        for part, key in zip([*parts[:2], relu, parts[2]], keys, strict=True)
    ]
    known = np.asarray([float(value) for value, _ in each])
    assert known.min() > 0.1 and np.ptp(known) > 1e-3
    np.testing.assert_allclose(loss, known.mean(), rtol=1e-5)
    np.testing.assert_allclose(score.accuracy, np.mean([s.accuracy for _, s in each]), rtol=1e-5)


def test_a_search_moves_one_genome_by_all_of_them(three):
    """Through both kinds of outer loop; without the variants it goes elsewhere."""
    alone = build(spec())
    for meta in (Backprop(rate=0.1, steps=2, lives=2), Evolution("SNES", 4, 1, 0.3)):
        ends = []
        for experiment in (three, alone):
            about = (experiment.objective, experiment.genome, meta)
            position = search.begin(*about, jax.random.key(0))
            *_, last = search.search(*about, position, 2)
            ends.append(np.concatenate([np.ravel(x) for x in jax.tree.leaves(last.position.theta)]))
        begun = np.concatenate([np.ravel(x) for x in jax.tree.leaves(position.theta)])
        assert np.abs(ends[0] - begun).max() > 1e-3
        assert np.abs(ends[0] - ends[1]).max() > 1e-4, "negative control"


def test_lives_cannot_be_held_half_lived(three):
    meta = PES(steps=2, lives=2, stretch=2)
    with pytest.raises((ValueError, TypeError), match=r"whole|stretch"):
        search.begin(three.objective, three.genome, meta, jax.random.key(0))


@pytest.mark.parametrize("several", [False, True])
def test_an_experiment_that_would_is_refused(several):
    table = {"type": "PES", "steps": 2, "lives": 2, "stretch": 2}
    table = {"type": "Restarts", "count": 2, "of": table} if several else table
    where = r"meta\.of\.stretch" if several else r"meta\.stretch"
    told = f"{where} = 2: lives in several settings .* whole"
    with pytest.raises(SpecError, match=told):
        build(spec(DEEPER, meta=table))
    assert build(spec(meta=table)).meta.inner.stretch == 2, "negative control: alone it may"


def test_the_file_says_them_again(tmp_path):
    known = spec(DEEPER, OTHER_CELLS)
    (tmp_path / "again.toml").write_text(dump(known))
    assert known["variants"] and load(tmp_path / "again.toml").tables == known.tables


@pytest.mark.parametrize(
    ("variants", "words"),
    [
        ([{"hidden": [0]}], r"variants\.0: hidden = \[0\]"),
        ([DEEPER, {"hiden": [3]}], r"variants\.1: unknown entry 'hiden'"),
        ([{"anatomy": {"type": "layred"}}], r"variants\.0: .*layered"),
        ([LEARNED], r"variants\.0: has \d+ numbers"),
        ("deep", "variants = 'deep': expected a list of tables"),
        ([{}], r"variants = \[\{\}\]"),
        ([DEEPER, {**DEEPER, "seed": 1}], r"variants\.1\.seed: there is one for all variants"),
        ([{"meta": {"steps": 3}}], r"variants\.0\.meta: there is one for all variants"),
    ],
)
def test_wrong_variants_are_refused_in_one_line(variants, words):
    with pytest.raises(SpecError, match=words) as refused:
        build(spec(**{"variants": variants}))
    assert "\n" not in str(refused.value)


def test_numbers_of_the_genome_stay_the_experiments(three):
    """What a variant says about a searched number is overruled: there is one genome."""
    other = {"genome": {"rules": {"forward": {"type": "Factored", "coefficients": [0.9, 0.9]}}}}
    same = build(spec(other)).objective
    plain = build(spec({"hidden": [3]})).objective
    key = jax.random.key(0)
    np.testing.assert_array_equal(
        eqx.filter_jit(same)(three.genome, key)[0], eqx.filter_jit(plain)(three.genome, key)[0]
    )
    assert jnp.isfinite(eqx.filter_jit(same)(three.genome, key)[0])
