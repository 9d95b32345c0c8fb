"""Our integrate-and-fire cells are Brian2's, step by step.

Brian2 is an extra (`pip install metaplast[brian2]`) or, with Python 3.11, lives in an environment
of its own (2.9, the last one for it, needs NumPy 1, which ours is not), whose Python the variable
BRIAN2_PYTHON names: `make test-brian2`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core.one_cell import driven
from metaplast.neurons import LIF, AdaptiveLIF

PYTHON = os.environ.get("BRIAN2_PYTHON") or (
    sys.executable if importlib.util.find_spec("brian2") else None
)
pytestmark = pytest.mark.skipif(
    PYTHON is None, reason="no Brian2: make test-brian2, or set BRIAN2_PYTHON"
)
TAU, TAU_SLOW, REFRACTORY = 15.0, 80.0, 3.0


def reference(current, strength: float) -> dict[str, np.ndarray]:
    """Membrane, adaptation and spikes as Brian2 has them."""
    setup = {"current": list(current), "tau": TAU, "tau_adaptation": TAU_SLOW,
             "strength": strength, "refractory": REFRACTORY}  # fmt: skip
    script = Path(__file__).with_name("brian2_reference.py")
    done = subprocess.run(
        [PYTHON, str(script)], input=json.dumps(setup), capture_output=True, text=True, check=True
    )
    return {name: np.asarray(seen) for name, seen in json.loads(done.stdout).items()}


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_membrane_and_spikes_are_those_of_brian2(strength):
    current = np.random.default_rng(0).uniform(-1.0, 5.0, 400)
    # Brian2's adaptation fades before the threshold is read, ours after.
    theirs = reference(current, strength * np.exp(1.0 / TAU_SLOW))
    with jax.enable_x64(True):
        drives = jnp.asarray((1 - np.exp(-1.0 / TAU)) * current)
        cell = LIF(TAU, REFRACTORY) if strength == 0 else AdaptiveLIF(TAU, TAU_SLOW, strength,
                                                                      REFRACTORY)  # fmt: skip
        states, cells = jax.tree.map(np.asarray, driven(cell, drives))
        other = np.asarray(driven(LIF(1.2 * TAU, REFRACTORY), drives)[0].membrane)
    assert 10 < len(theirs["spikes"]) < 200
    np.testing.assert_array_equal(np.flatnonzero(cells.activity), theirs["spikes"])
    np.testing.assert_allclose(states.membrane, theirs["v"], atol=1e-12)
    if strength > 0:
        np.testing.assert_allclose(states.adaptation, theirs["a"], atol=1e-12)
    assert np.abs(other - theirs["v"]).max() > 0.1
