"""Recordings come back from their file as they were, and a file that cannot be one is refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.circuits import layered, sparse
from metaplast.inference import load, record, save
from metaplast.inference.trajectory import trajectory
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Leaky, Rate
from metaplast.rules import BCM, Oja
from metaplast.tasks import Clusters

TASK = Clusters(inputs=6, classes=2, moments=5, held_out=1, nuisance=0)
RATE = 0.05
PARTS = (slice(3), slice(3, 6))


def network(circuit, rule, hidden=None) -> PlasticNetwork:
    neurons = {"input": Rate("linear"), "hidden": hidden or Rate("tanh"), "output": Rate("tanh")}
    return PlasticNetwork(circuit, Genome(neurons, {"readout": rule}))


SMALL = network(layered(6, (), 2), Oja(RATE))
NETWORKS = {
    "one layer": SMALL,
    "feedback, memories, states of cells": network(
        layered(6, (3,), 2), BCM(), hidden=Leaky(Rate("tanh"), tau=3.0)
    ),
    "sparse": network(sparse(6, (5,), 2, density=0.5), Oja(RATE)),
}


@pytest.fixture(scope="module")
def recorded():
    """Three recordings of each of them, and three others."""

    def both(net):
        projections = ["input->output"] if net is SMALL else []
        seen = record(net, TASK, ["output"], projections, 6, jax.random.key(0))
        return [jax.tree.map(lambda leaf, part=part: leaf[part], seen) for part in PARTS]

    return {name: both(net) for name, net in NETWORKS.items()}


def held(seen):
    """What a file holds of recordings."""
    named = (seen.born.weights, seen.seen.activity, seen.seen.weights)
    return [seen.stimuli, seen.targets, *(value for each in named for value in each.values())]


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_saved_is_loaded(recorded, tmp_path, name):
    seen, other = recorded[name]
    path = tmp_path / "without suffix"
    save(path, seen)
    found = load(path, NETWORKS[name])
    assert jax.tree.structure(found) == jax.tree.structure(seen)
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(seen), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(held(found), held(other), strict=True):
        assert np.abs(ours).max() > 0 and np.abs(ours - theirs).max() > 0
    states = jax.tree.leaves(found.born.cells) + jax.tree.leaves(found.born.memory)
    assert bool(states) == ("memories" in name) and all(len(leaf) == 3 for leaf in states)


def test_names_in_the_file_are_those_of_the_circuit(recorded, tmp_path):
    save(tmp_path / "x.npz", recorded["one layer"][0])
    with np.load(tmp_path / "x.npz") as file:
        shapes = {name: file[name].shape for name in file.files}
    assert shapes == {
        "stimuli": (3, 5, 6), "targets": (3, 5), "born/input->output": (3, 2, 6),
        "activity/output": (3, 5, 2), "weights/input->output": (3, 5, 2, 6),
    }  # fmt: skip
    save(tmp_path / "y.npz", recorded["feedback, memories, states of cells"][0])
    with np.load(tmp_path / "y.npz") as file:
        assert "born/output~>hidden1" in file.files


def plain(rate: float = RATE) -> dict[str, np.ndarray]:
    """Oja's rule in NumPy alone: what a user would write."""
    chance = np.random.default_rng(0)
    stimuli, born = chance.normal(size=(3, 5, 6)), chance.normal(size=(3, 2, 6)) / np.sqrt(6)
    w, activity, weights = born, [], []
    for x in stimuli.swapaxes(0, 1):
        y = np.tanh(np.einsum("rij,rj->ri", w, x))
        w = w + rate * (y[:, :, None] * x[:, None] - y[:, :, None] ** 2 * w)
        activity.append(y)
        weights.append(w)
    return {
        "stimuli": stimuli, "born/input->output": born,
        "activity/output": np.stack(activity, 1), "weights/input->output": np.stack(weights, 1),
    }  # fmt: skip


def written(tmp_path, **changes):
    """A file in which some arrays are others, or absent."""
    arrays = {**plain(), **changes}
    np.savez(tmp_path / "x.npz", **{k: v for k, v in arrays.items() if v is not None})
    return tmp_path / "x.npz"


@pytest.mark.parametrize(("rate", "same"), [(RATE, True), (1.1 * RATE, False)])
def test_numpy_alone_writes_a_file_that_the_network_follows(tmp_path, rate, same):
    seen = load(written(tmp_path, **plain(rate)), SMALL)
    made = jax.vmap(
        lambda one: trajectory(
            SMALL, TASK, one.born, one.stimuli, one.targets, ("output",), ("input->output",)
        )
    )(seen)
    pairs = zip(jax.tree.leaves(made), jax.tree.leaves(seen.seen), strict=True)
    off = [np.abs(ours - theirs).max() for ours, theirs in pairs]
    assert len(off) == 2 and np.abs(seen.seen.activity["output"]).max() > 0.1
    assert max(off) < 1e-5 if same else min(off) > 1e-3


def test_targets_are_zeros_unless_given(tmp_path):
    assert not load(written(tmp_path), SMALL).targets.any()
    given = load(written(tmp_path, targets=np.ones((3, 5))), SMALL).targets
    assert given.dtype == jnp.int32 and bool((given == 1).all())


def hollow(name: str, value: float) -> np.ndarray:
    array = plain()[name].copy()
    array[1, 0, 1] = value
    return array


REFUSED = {
    "no stimuli": ({"stimuli": None}, ["'stimuli'", "[recordings, moments, inputs]"]),
    "no birth": ({"born/input->output": None}, ["'born/input->output'", "[recordings, post, pre]"]),
    "nothing recorded": (
        {"activity/output": None, "weights/input->output": None},
        ["nothing was recorded", "'activity/output'"],
    ),
    "unknown array": ({"stimulus": np.zeros(3)}, ["'stimulus'", "meant stimuli"]),
    "unknown population": (
        {"activity/outptu": plain()["activity/output"]},
        ["population 'outptu'", "meant output", "input"],
    ),
    "unknown projection": (
        {"weights/input-output": plain()["weights/input->output"]},
        ["projection with weights 'input-output'", "meant input->output"],
    ),
    "one recording without an axis": (
        {"stimuli": plain()["stimuli"][0]},
        ["'stimuli'", "(5, 6)", "axis of recordings"],
    ),
    "none": ({"stimuli": np.zeros((0, 5, 6))}, ["'stimuli'", "(0, 5, 6)"]),
    "other inputs": ({"stimuli": np.ones((3, 5, 7))}, ["'stimuli'", "(3, 5, 7)", "(3, 5, 6)"]),
    "other cells": ({"activity/output": np.ones((3, 5, 3))}, ["(3, 5, 3)", "(3, 5, 2)"]),
    "other moments": (
        {"weights/input->output": np.ones((3, 4, 2, 6))},
        ["(3, 4, 2, 6)", "(3, 5, 2, 6)", "[recordings, moments, post, pre]"],
    ),
    "the other way round": (
        {"born/input->output": plain()["born/input->output"].swapaxes(1, 2)},
        ["(3, 6, 2)", "(3, 2, 6)", "[recordings, post, pre]"],
    ),
    "other targets": ({"targets": np.zeros((3, 4), int)}, ["'targets'", "(3, 4)", "(3, 5)"]),
    "halves": ({"targets": np.full((3, 5), 0.5)}, ["'targets'", "0.5", "whole"]),
    "targets that are too large": ({"targets": np.full((3, 5), 1e12)}, ["'targets'", "whole"]),
    "no such class": ({"targets": np.full((3, 5), 2)}, ["'targets': 2", "expected 0 to 1"]),
    "no class": ({"targets": np.full((3, 5), -1)}, ["'targets': -1", "expected 0 to 1"]),
    "NaN": ({"activity/output": hollow("activity/output", np.nan)}, ["nan at [1, 0, 1]"]),
    "infinite": ({"stimuli": hollow("stimuli", np.inf)}, ["'stimuli'", "inf at [1, 0, 1]"]),
    "too large": ({"stimuli": hollow("stimuli", 1e300)}, ["1e+300 at [1, 0, 1]"]),
    "text": ({"stimuli": np.array(["a"])}, ["stimuli", "expected numbers"]),
    "objects": ({"stimuli": np.array([None])}, ["stimuli", "objects"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_recording_of_this_network_is_refused(tmp_path, case):
    changes, told = REFUSED[case]
    path = written(tmp_path, **changes)
    with pytest.raises(ValueError) as refused:
        load(path, SMALL)
    said = str(refused.value)
    assert said.startswith(f"recordings = {str(path)!r}: ") and "\n" not in said
    for text in told:
        assert text in said


def test_what_is_no_file_of_arrays_is_refused(tmp_path):
    (tmp_path / "x.npz").write_text("not that")
    with pytest.raises(ValueError, match=r"recordings = .*not an \.npz"):
        load(tmp_path / "x.npz", SMALL)
    with pytest.raises(FileNotFoundError, match=r"recordings = .*no such file"):
        load(tmp_path / "nope.npz", SMALL)
    assert load(written(tmp_path), SMALL).stimuli.shape == (3, 5, 6)
