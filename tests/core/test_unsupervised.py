"""Hidden layers that nobody teaches: labels reach the readout alone."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from learners.easy import Easy

from metaplast.circuits import layered, unsupervised
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Association, Output, Rate
from metaplast.rules import Decorrelation, Delta, Oja

TASK = Easy(moments=15)
CELLS = {"input": Rate("linear"), "hidden": Rate(), "association": Association(),
         "output": Output("linear")}  # fmt: skip
READOUT = "association->output"


def lived(network):
    """Weights at birth, and at the end of one life with two sets of labels."""
    episode = TASK.sample(jax.random.key(1))

    @jax.jit
    @jax.vmap
    def run(targets):
        return live(network, TASK, episode._replace(targets=targets), jax.random.key(0))[1].weights

    labels = jnp.stack([episode.targets, (episode.targets + 1) % TASK.classes])
    return network.born(jax.random.split(jax.random.key(0))[0]).weights, run(labels)


def test_labels_move_the_readout_and_nothing_else():
    rules = {"forward": Oja(0.05), "lateral": Decorrelation(), "readout": Delta(1.0)}
    born, last = lived(PlasticNetwork(unsupervised(6, (5, 4), 3), Genome(CELLS, rules)))
    for name, weights in last.items():
        assert np.abs(weights[0] - born[name]).max() > 1e-3, "everything learns"
        assert np.array_equal(weights[0], weights[1]) == (name != READOUT), name


def test_with_feedback_they_move_hidden_layers_too():
    rules = {"forward": Delta(0.1), "readout": Delta(0.1)}
    _, last = lived(PlasticNetwork(layered(6, (5, 4), 3), Genome(CELLS, rules)))
    one, other = last["input->hidden1"]
    assert np.abs(one - other).max() > 1e-4
