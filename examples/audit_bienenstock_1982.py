"""Bienenstock, Cooper & Munro (1982): is the sliding threshold local?

Theory for the development of neuron selectivity: orientation specificity and binocular
interaction in visual cortex. Journal of Neuroscience 2, 32-48.
doi:10.1523/JNEUROSCI.02-01-00032.1982

A synapse grows where its two cells are active together and the post-synaptic one more than a
threshold, and shrinks where it is less. The threshold slides with the mean square of that cell's
own activity. Cooper & Bear (2012), doi:10.1038/nrn3353, review the evidence: all that the rule
asks for is present at the synapse, the threshold is one slow value of the post-synaptic cell, and
nobody teaches. The audit finds the same.

    python examples/audit_bienenstock_1982.py
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from command import Command

SAID = {
    "synaptic_locality": "upheld",
    "neuronal_locality": "upheld",
    "no_stored_activations": "upheld",
    "teaching_at_output": "not applicable",
    "separate_feedback": "not applicable",
}
"""What the literature says."""


# The rule, by somebody who never heard of metaplast.
def bcm(w, threshold, x, rate=0.01, slow=0.05):
    """What the cells say to one stimulus, their new weights and their new thresholds."""
    y = jnp.maximum(w @ x, 0.0)
    w = w + rate * (y * (y - threshold))[:, None] * x
    return y, w, threshold + slow * (y**2 - threshold)


# The glue: a name for everything in the state.
def state(key, inputs=6, outputs=3):
    w = jax.random.normal(key, (outputs, inputs)) / jnp.sqrt(inputs)
    return named(jnp.zeros(inputs), jnp.zeros(outputs), w, jnp.ones(outputs))


def update(state, experience):
    w, x = state["projections"]["input->output"]["weight"], experience["stimulus"]
    return named(x, *bcm(w, state["populations"]["output"]["threshold"], x))


def named(x, y, w, threshold):
    return {
        "populations": {
            "input": {"activity": x},
            "output": {"activity": y, "threshold": threshold},
        },
        "projections": {"input->output": {"weight": w}},
    }


def main() -> None:
    from audited import show

    show("Bienenstock et al. (1982)", update, state, SAID)


if __name__ == "__main__":
    Command(__doc__).parse_args()
    main()
