"""Names for recursive least squares: its inverse is a matrix of lateral synapses."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from metaplast.audit.subject import State
from metaplast.learners.recursive_least_squares import LeastSquaresState


class LeastSquaresNaming:
    """Input cells and one `bias` cell, which drive the output, and lateral synapses among them
    that hold the inverse of the correlation matrix."""

    def named(self, learner, state, activities) -> State:
        n = learner.inputs
        return {
            "populations": {name: {"activity": said} for name, said in activities.items()},
            "projections": {
                "input->output": {"weight": state.weights[:, :n]},
                "bias->output": {"weight": state.weights[:, n:]},
                "input->input": {"weight": state.inverse[:n, :n]},
                "bias->input": {"weight": state.inverse[:n, n:]},
                "input->bias": {"weight": state.inverse[n:, :n]},
                "bias->bias": {"weight": state.inverse[n:, n:]},
            },
        }

    def plain(self, learner, state) -> LeastSquaresState:
        weight = {name: fields["weight"] for name, fields in state["projections"].items()}
        return LeastSquaresState(
            jnp.concatenate([weight["input->output"], weight["bias->output"]], 1),
            jnp.block([
                [weight["input->input"], weight["bias->input"]],
                [weight["input->bias"], weight["bias->bias"]],
            ]),
        )  # fmt: skip

    def activities(self, learner, state, stimulus) -> dict[str, jax.Array]:
        return {"input": stimulus, "bias": jnp.full(1, learner.bias)}
