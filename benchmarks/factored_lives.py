"""The rule whose meta-gradients are compared: two numbers for each kind of projection, no more.

Layered 64-64-64-10, tanh, softmax output, fixed random feedback; the rule is `Factored` with one
channel and a decay.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from metaplast.circuits import layered
from metaplast.network import Genome
from metaplast.neurons import Output, Rate
from metaplast.objective import Objective
from metaplast.positive import Positive
from metaplast.rules import Factored
from metaplast.tasks import Clusters

KINDS = ("forward", "readout")


def problem(moments: int) -> tuple[Objective, dict[str, np.ndarray]]:
    """The objective, and where the search stands: numbers for both kinds of projection."""
    task = Clusters(inputs=64, moments=moments)
    theta = {"coefficients": np.array([0.03, 0.02]), "log_decays": np.log([1e-4, 3e-4])}
    theta = {name: leaf.astype(np.float32) for name, leaf in theta.items()}
    return Objective(task, layered(64, (64, 64), task.classes)), theta


def genome(theta) -> Genome:
    neurons = {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output("softmax")}
    numbers = zip(theta["coefficients"], theta["log_decays"], strict=True)
    rules = {
        kind: Factored(jnp.reshape(coefficient, (1,)), Positive(jnp.asarray(decay)))
        for kind, (coefficient, decay) in zip(KINDS, numbers, strict=True)
    }
    return Genome(neurons, rules)
