"""Lillicrap et al. (2016): is feedback alignment biologically plausible?

Random synaptic feedback weights support error backpropagation for deep learning.
Nature Communications 7, 13276. doi:10.1038/ncomms13276

The rule is written as in the paper: errors travel over fixed random weights, and are multiplied
by the slope of the hidden cells. What is said of it in the literature (Bengio et al. 2015,
arXiv:1502.04156; Lillicrap et al. 2020, doi:10.1038/s41583-020-0277-3): weights are not
transported and synapses are local, but every hidden cell knows the slope of what it does, errors
have a sign, and they travel over a linear pathway of their own. The audit finds the same.

    python examples/audit_lillicrap_2016.py
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from command import Command

SAID = {
    "no_weight_transport": "upheld",
    "synaptic_locality": "upheld",
    "separate_feedback": "upheld",
    "teaching_at_output": "upheld",
    "no_derivative_knowledge": "violated",
    "unsigned_messages": "violated",
    "nonlinear_feedback": "violated",
}
"""What the literature says."""


# The rule, by somebody who never heard of metaplast.
def feedback_alignment(w, v, b, x, wanted, rate=0.1):
    """What both layers say to one example, their errors, and their new weights."""
    hidden = jnp.tanh(w @ x)
    output = v @ hidden
    error = wanted - output
    hidden_error = (1.0 - hidden**2) * (b @ error)
    w = w + rate * jnp.outer(hidden_error, x)
    v = v + rate * jnp.outer(error, hidden)
    return hidden, output, hidden_error, error, w, v


# The glue: a name for everything in the state.
def state(key, inputs=6, outputs=3, hidden=(5,)):
    ends = {"input->hidden": (hidden[0], inputs), "hidden->output": (outputs, hidden[0]),
            "output~>hidden": (hidden[0], outputs)}  # fmt: skip
    keys = dict(zip(ends, jax.random.split(key, 3), strict=True))
    weight = {n: jax.random.normal(keys[n], s) / jnp.sqrt(s[1]) for n, s in ends.items()}
    return named(jnp.zeros(inputs), *(jnp.zeros(n) for n in 2 * (hidden[0], outputs)), weight)


def update(state, experience):
    weight = {n: fields["weight"] for n, fields in state["projections"].items()}
    w, v, b = weight["input->hidden"], weight["hidden->output"], weight["output~>hidden"]
    x, wanted = experience["stimulus"], jax.nn.one_hot(experience["target"], v.shape[0])
    *said, w, v = feedback_alignment(w, v, b, x, wanted)
    return named(x, *said, {**weight, "input->hidden": w, "hidden->output": v})


def named(x, hidden, output, hidden_error, error, weight):
    return {"populations": {"input": {"activity": x},
                            "hidden": {"activity": hidden, "error": hidden_error},
                            "output": {"activity": output, "error": error}},
            "projections": {n: {"weight": w} for n, w in weight.items()}}  # fmt: skip


def main() -> None:
    from audited import show

    show("Lillicrap et al. (2016)", update, state, SAID)


if __name__ == "__main__":
    Command(__doc__).parse_args()
    main()
