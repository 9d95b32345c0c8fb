"""Predictive coding: cells relax to what explains both input and target, then synapses learn."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.bare import AbstractBare
from metaplast.learners.perceptron import Layers, Perceptron, Sweep, Vectors, learned
from metaplast.source import Source

PACE = 0.1
"""Length of one step of the relaxation, in time constants of the cells."""


class PredictiveCoding(AbstractBare):
    r"""Every layer predicts the next one; what is left unpredicted moves cells, then synapses.

    With potentials $x_l$ and predictions $\mu_l = W_l \phi(x_{l-1}) + b_l$, errors are
    $\epsilon_l = x_l - \mu_l$ in hidden layers and wanted less softmax of $\mu_L$ at the output.
    Cells begin where the stimulus alone puts them, and descend the sum of all squared errors
    (cross-entropy at the output), $\dot x_l = -\epsilon_l + \phi'(x_l) \circ W_{l+1}^\top
    \epsilon_{l+1}$; then $\Delta W_l = \eta\, \epsilon_l \phi(x_{l-1})^\top$. The answer is what
    the network says before the target is shown. Where errors are small, hidden ones are those of
    backprop for what is left of the output's error.

    Cells of the output that are expected to vary by $\Sigma$, those of hidden layers by 1, weigh
    their error less: $\epsilon_L$ is divided by $\Sigma$ and the rate multiplied by it. The larger
    $\Sigma$, the less the target moves the cells, and the nearer the changes are to backprop's.

    Deviations: the output is softmax with cross-entropy (Gaussian in the paper); the relaxation is
    a fixed number of Euler steps.

    Args:
        network: who is taught.
        rate: learning rate $\eta$. An array leaf.
        steps: of the relaxation, each a tenth of the cells' time constant.
        fixed_prediction: whether predictions and slopes stay as they were before the target was
            shown; then errors relax to exactly those of backprop.
        variance: $\Sigma$ of the output.

    References: Whittington & Bogacz (2017) doi:10.1162/NECO_a_00949; for fixed predictions
    Millidge, Tschantz & Buckley (2022) doi:10.1162/neco_a_01497.
    """

    source: ClassVar[Source] = Source(
        "Whittington & Bogacz", 2017,
        "An approximation of the error backpropagation algorithm in a predictive coding network "
        "with local Hebbian synaptic plasticity", "10.1162/NECO_a_00949",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.05, converter=lambda r: jnp.asarray(r, float))
    steps: int = eqx.field(static=True, default=32)
    fixed_prediction: bool = eqx.field(static=True, default=False)
    variance: float = eqx.field(static=True, default=1.0)

    def __check_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps = {self.steps}: expected 1 or more")
        if not 0 < self.variance < jnp.inf:
            raise ValueError(f"variance = {self.variance}: expected a positive number; give 1.0")

    def moment(self, state, stimulus, target, task, key=None):
        sweep = self.network.sweep(state, stimulus)
        wanted = task.teach(sweep.readout, target).signal
        errors, heard = self.unpredicted(state, self.relaxed(state, sweep, wanted), sweep, wanted)
        return learned(state, heard, errors, self.variance * self.rate), sweep.readout

    def relaxed(self, layers: Layers, sweep: Sweep, wanted: Float[Array, " classes"]) -> Vectors:
        """Potentials of the hidden layers when they have settled with the target shown."""

        def step(_, potentials):
            errors, _ = self.unpredicted(layers, potentials, sweep, wanted)
            answered = sweep.drives if self.fixed_prediction else potentials
            return [
                x + PACE * (self.network.slope(at) * (weight.T @ above) - error)
                for x, at, weight, above, error in zip(
                    potentials, answered, layers.weights[1:], errors[1:], errors[:-1], strict=True
                )
            ]

        return jax.lax.fori_loop(0, self.steps, step, sweep.drives)

    def unpredicted(
        self,
        layers: Layers,
        potentials: Vectors,
        sweep: Sweep,
        wanted: Float[Array, " classes"],
    ) -> tuple[Vectors, Vectors]:
        """Errors of all layers but the input, and what the synapses that predict them hear."""
        if self.fixed_prediction:
            heard, predicted = sweep.heard, [*sweep.drives, sweep.readout]
        else:
            heard = [sweep.heard[0], *(self.network.says(x) for x in potentials)]
            predicted = [
                weight @ said + bias for weight, bias, said in zip(*layers, heard, strict=True)
            ]
        errors = [x - mean for x, mean in zip(potentials, predicted[:-1], strict=True)]
        missing = (wanted - jax.nn.softmax(predicted[-1])) / self.variance
        return [*errors, missing], heard
