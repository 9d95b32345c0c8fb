"""Innovation cells grow the inverse of a kernel matrix, and with it kernel regression."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast.circuits import associative
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Association, Exemplar, Innovation, Output, Rate
from metaplast.rules import Decorrelation, Factored, OneShot
from metaplast.types import Episode

MOMENTS, CELLS, INPUTS, CLASSES = 24, 8, 5, 3
FLOOR = 1e-2
SHARPNESS, GAINS = 2.0, (1.3, 2.0)


def unit_length(episode: Episode) -> Episode:
    """Stimuli of unit mean square, for which the exemplars' similarity is a cosine."""
    x = episode.stimuli
    return episode._replace(stimuli=x / jnp.sqrt(jnp.mean(x**2, -1, keepdims=True)))


def lived(floor: float, novelty: float = 1.0):
    """Stimuli, targets, readouts and last state of a life longer than there are hidden cells."""
    store = Factored((0.0, 1.0), 0.0)
    hidden = Exemplar(sharpness=SHARPNESS, eagerness=60.0)
    genome = Genome(
        {
            "input": Sent(),
            "hidden": hidden,
            "innovation": Innovation(floor),
            "association": Association(),
            "output": Output("linear"),
        },
        {
            "forward": store,
            "novelty": OneShot(novelty),
            "lateral": Decorrelation(),
            "readout": Factored((1.0,), 0.0),
        },
        {"relay_input": jnp.log(GAINS[0]), "relay_hidden": jnp.log(GAINS[1])},
    )
    with jax.enable_x64(True):
        task = Easy(inputs=INPUTS, moments=MOMENTS)
        episode = unit_length(task.sample(jax.random.key(3)))
        network = PlasticNetwork(associative(INPUTS, (CELLS,), CLASSES), genome)

        def moment(state, seen):
            return network.moment(state, *seen, task)

        birth = network.born(jax.random.key(0))
        state, readouts = jax.lax.scan(moment, birth, (episode.stimuli, episode.targets))
        parts = jax.device_get((episode.stimuli, episode.targets, readouts))
    return *parts, state


class Sent(Rate):
    """An input cell that sends what it gets, on every channel."""

    def __init__(self):
        self.nonlinearity = "linear"

    def reply(self, state, cell, apical, pool, modulator):
        return state, eqx.tree_at(lambda c: c.pre, cell, jnp.stack([cell.activity] * 2))


def kernel(x):
    return np.exp(SHARPNESS * (x @ x.T / INPUTS - 1.0))


@pytest.fixture(scope="module")
def life():
    return lived(FLOOR)


def reference(x, targets, floor: float):
    """Ridge regression before every moment, on the stimuli and on the innovations of the
    kernel functions that were stored until then."""
    similar = kernel(x)
    factor = np.linalg.cholesky(similar[:CELLS, :CELLS] + floor * np.eye(CELLS))
    innovations = np.linalg.solve(factor, similar[:, :CELLS].T).T
    stored = np.arange(CELLS) <= np.arange(MOMENTS)[:, None]
    features = np.concatenate(
        [GAINS[0] * x / np.sqrt(INPUTS), GAINS[1] * innovations * stored], axis=1
    )
    wanted = np.eye(CLASSES)[targets]
    answers = np.zeros((MOMENTS, CLASSES))
    for t in range(1, MOMENTS):
        past = features[:t]
        gram = past.T @ past + np.eye(past.shape[1])
        answers[t] = features[t] @ np.linalg.solve(gram, past.T @ wanted[:t])
    return answers


def test_lateral_weights_become_the_inverse_kernel_matrix(life):
    x, _, _, state = life
    found = np.asarray(state.weights["novelty"])
    stored = kernel(x)[:CELLS, :CELLS]
    expected = np.linalg.inv(stored + FLOOR * np.eye(CELLS))
    assert np.abs(expected).max() > 1.0
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert np.abs(found - np.linalg.inv(stored + 2 * FLOOR * np.eye(CELLS))).max() > 0.1


def test_answers_are_those_of_regression_on_kernel_functions(life):
    x, targets, readouts, _ = life
    expected = reference(x, targets, FLOOR)
    assert np.abs(expected).max() > 0.3
    np.testing.assert_allclose(readouts, expected, atol=1e-8)
    assert np.abs(readouts - reference(x, targets, 0.5)).max() > 1e-3


def test_with_weaker_lateral_plasticity_they_are_not():
    """Negative control: innovation cells that learn only in part whom they repeat."""
    x, targets, readouts, _ = lived(FLOOR, novelty=0.9)
    assert np.isfinite(readouts).all()
    assert np.abs(readouts - reference(x, targets, FLOOR)).max() > 1e-2
