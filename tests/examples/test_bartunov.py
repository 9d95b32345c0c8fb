"""Target propagation over local synapses is target propagation; bad options are one line."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tasks import small_files

from metaplast.circuits import local
from metaplast.learners.difference_target_propagation import (
    DifferenceTargetPropagation,
    TargetState,
)
from metaplast.learners.perceptron import Layers, Perceptron
from metaplast.tasks import digits

EXAMPLE = "bartunov_2018"
TASK = digits(5, 2)
SIZES = (64, 5, 4, 10)
RATE, INVERSE = jnp.asarray(0.3), jnp.asarray(0.2)


@pytest.mark.parametrize("simplified", [False, True])
def test_where_a_patch_is_the_whole_layer_it_is_difference_target_propagation(example, simplified):
    """One moment from the same weights; an inverse that is born otherwise teaches otherwise."""
    circuit = local(64, (5, 4), 10, 8, feedback="backward")
    ours = example.LocalTargetPropagation(circuit, RATE, INVERSE, simplified=simplified)
    theirs = DifferenceTargetPropagation(
        Perceptron(SIZES, "tanh"), RATE, INVERSE, simplified=simplified
    )
    born = ours.born(jax.random.key(0))
    ways = [q.name for q in ours.forward], [q.name for q in ours.inverses]
    forward = [born.weights[name] for name in ways[0]]
    inverses = [born.weights[name].T for name in ways[1]]
    dense = TargetState(
        Layers(forward, [jnp.zeros(n) for n in SIZES[1:]]),
        Layers(inverses, [jnp.zeros(len(w)) for w in inverses]),
    )
    episode, key = TASK.sample(jax.random.key(1)), jax.random.key(2)
    seen = (episode.stimuli[0], episode.targets[0], TASK, key)
    after, readout = eqx.filter_jit(ours.moment)(born, *seen)
    true, answer = eqx.filter_jit(theirs.moment)(dense, *seen)
    np.testing.assert_allclose(readout, answer, atol=1e-6)
    grown = [after.weights[n] for n in ways[0]], [after.weights[n].T for n in ways[1]]
    for mine, other, before in zip(
        [*grown[0], *grown[1]], [*true.layers.weights, *true.inverses.weights],
        [*forward, *inverses], strict=True,
    ):  # fmt: skip
        assert np.abs(other - before).max() > 1e-4
        np.testing.assert_allclose(mine, other, atol=1e-6)

    name = ways[1][0]
    turned = born._replace(weights={**born.weights, name: -born.weights[name]})
    other = eqx.filter_jit(ours.moment)(turned, *seen)[0].weights
    lowest, highest = ways[0][0], ways[0][-1]
    assert np.abs(other[lowest] - after.weights[lowest]).max() > 1e-4
    np.testing.assert_array_equal(other[highest], after.weights[highest])


@pytest.mark.parametrize(
    ("option", "told"),
    [("--rates=0,1", "--rates 0,1"), ("--patch=0", "--patch 0"), ("--lives=1", "--lives 1"),
     ("--data=nowhere", "nowhere"), ("--hidden=few", "--hidden few")],
)  # fmt: skip
def test_a_bad_option_is_one_line_and_code_2(example, option, told, refused):
    assert told in refused(example, option)


@pytest.mark.parametrize(("name", "paper"), [("imagenet", "71.4"), ("others", "not given")])
def test_pictures_of_a_folder_are_learned_beside_the_figure_of_their_data_set(
    example, tmp_path, capsys, name, paper
):
    path = small_files.image_folder(tmp_path)
    path = path.rename(path.with_name(name))
    tiny = "--size 6 --hidden 2 --patch 3 --moments 8 --held-out 2 --rates 0.01 --lives 2"
    example.main([f"--data={path}", *tiny.split()])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("backprop")]
    assert len(rows) == 1 and paper in rows[0] and "nan" not in rows[0]
