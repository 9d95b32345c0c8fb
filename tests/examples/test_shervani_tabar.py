"""The example runs from end to end, and its cells know what the layer above leaves of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.circuits import layered
from metaplast.delivery import Delivering
from metaplast.tasks import Clusters

EXAMPLE = "shervani_tabar_2023"
PATH = Path(__file__).parents[2] / "examples" / f"{EXAMPLE}.py"
TINY = "--steps 2 --meta-lives 1 --lives 2 --moments 12 --hidden 4"


def test_what_a_layer_reconstructs_reaches_the_synapses(example):
    theta = jnp.zeros(len(example.TERMS)).at[9].set(1.0)  # Oja's subspace, y (x - r)
    network = example.with_pool(layered(4, (3,), 2), theta)
    before = network.born(jax.random.key(0))
    stimulus, task = jax.random.normal(jax.random.key(1), (4,)), Clusters(4, 2, nuisance=0)
    heard = network.hear(
        before.cells, stimulus, jnp.asarray(1), task, None, Delivering(before.weights)
    )
    after, _ = network.moment(before, stimulus, jnp.asarray(1), task)
    x, y = heard.cells["input"].activity, heard.cells["hidden1"].activity
    weight = before.weights["input->hidden1"]
    wanted = y[:, None] * (x - y @ weight)
    assert np.abs(wanted).min() > 1e-6
    np.testing.assert_allclose(after.weights["input->hidden1"] - weight, wanted, atol=1e-6)


def test_the_example_runs():
    done = subprocess.run(
        [sys.executable, str(PATH), *TINY.split()], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(.+?)\s+(?:\d+\s+)?(\d+\.\d) ± +(\d+\.\d)", done.stdout, re.MULTILINE)
    named = {name.strip(): float(accuracy) for name, accuracy, _ in rows}
    assert len(named) == 6, done.stdout
    assert all(0 <= accuracy <= 100 for accuracy in named.values())
    assert len(set(named.values())) > 1
    assert done.stdout.count("kept in the paper") == 3
    assert "wall time" in done.stdout and "nan" not in done.stdout


def test_a_wrong_option_is_refused(example, refused):
    assert "--stepz" in refused(example, "--stepz", "2")
