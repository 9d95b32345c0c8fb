"""Sanger (1989): is the generalized Hebbian algorithm local?

Optimal unsupervised learning in a single-layer linear feedforward neural network.
Neural Networks 2, 459-473. doi:10.1016/0893-6080(89)90044-0

Linear cells find the first principal components of their input, in order. Each learns from what
the cells before it leave unexplained, and to know that, a synapse needs the weights that *other*
cells have from the same input: the triangular sum in the equation. That is why the rule is called
non-local in the literature (Földiák 1989, doi:10.1109/IJCNN.1989.118615; Pehlevan, Hu &
Chklovskii 2015, doi:10.1162/NECO_a_00745). The audit finds the sum, and its line.

    python examples/audit_sanger_1989.py
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from command import Command

SAID = {
    "synaptic_locality": "violated",
    "neuronal_locality": "upheld",
    "teaching_at_output": "not applicable",
    "separate_feedback": "not applicable",
}
"""What the literature says."""


# The rule, by somebody who never heard of metaplast.
def generalized_hebbian(w, x, rate=0.01):
    """What the cells say to one stimulus, and their new weights."""
    y = w @ x
    explained = jnp.tril(jnp.outer(y, y)) @ w
    return y, w + rate * (jnp.outer(y, x) - explained)


# The glue: a name for everything in the state.
def state(key, inputs=6, outputs=3):
    w = jax.random.normal(key, (outputs, inputs)) / jnp.sqrt(inputs)
    return named(jnp.zeros(inputs), jnp.zeros(outputs), w)


def update(state, experience):
    w, x = state["projections"]["input->output"]["weight"], experience["stimulus"]
    return named(x, *generalized_hebbian(w, x))


def named(x, y, w):
    return {
        "populations": {"input": {"activity": x}, "output": {"activity": y}},
        "projections": {"input->output": {"weight": w}},
    }


def main() -> None:
    from audited import show

    show("Sanger (1989)", update, state, SAID)


if __name__ == "__main__":
    Command(__doc__).parse_args()
    main()
