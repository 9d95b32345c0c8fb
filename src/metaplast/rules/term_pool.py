"""A pool of candidate terms from the literature, each with a coefficient."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.positive import Positive, positive
from metaplast.rules.abstract import AbstractRule
from metaplast.source import Source

TERMS = ("e x", "y d", "-e d", "-w", "d", "e y x", "-y² w d²", "-e y w d x", "y (x - y w)", "y s")
"""By pre- and post-synaptic activity x and y, weight w, pre- and post-synaptic message d and
e (*wanted - given*), and what the pre-synaptic cell settled at, s: the pseudo-gradient, six that
mix, decay, Oja's rule for one cell, and for a subspace."""


class TermPool(AbstractRule):
    r"""A weighted sum of ten candidate terms that one synapse can compute.

    $\Delta w_{ij} = \eta \sum_r \theta_r F_r$ with, in order, $e x$, $y d$, $-e d$, $-w$, $d$, $e y
    x$, $-y^2 w d^2$, $-e y w d x$, $y (x - y w)$, $y s$, where $x$ and $y$ are pre- and
    post-synaptic activity, $d$ and $e$ the two cells' messages and $s$ what the pre-synaptic cell
    settled at. Starts as the delta rule: $\theta = (1, 0, \dots)$. The source's search, thinned by
    an L1 penalty, kept $e x$, $-e d$ and Oja's rule for a subspace.

    Where we deviate from the source: errors are *wanted - given*, the source's with the sign
    turned. Its sixth to eighth terms sum over a layer; here they have a form of one synapse, and
    Oja's rule for one cell is another one. Its tenth, $y (x - \sum_k y_k w_{kj})$, takes the
    weights of other cells, which no synapse knows; $y s$ is that term only where the pre-synaptic
    cell settles at the remainder (`examples/shervani_tabar_2023.py` hands it over, and so
    cheats); at cells that settle at what they do it is plain Hebb.

    Args:
        rate: $\eta$.
        theta: coefficients of the ten terms.

    References: Shervani-Tabar & Rosenbaum (2023) doi:10.1038/s41467-023-37562-1.
    """

    source: ClassVar[Source] = Source(
        "Shervani-Tabar & Rosenbaum", 2023, "Meta-learning biologically plausible plasticity "
        "rules with random feedback pathways", "10.1038/s41467-023-37562-1",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)
    theta: Float[Array, " terms"] = eqx.field(
        default=(1.0,) + (0.0,) * 9, converter=lambda c: jnp.asarray(c, float)
    )

    def __check_init__(self) -> None:
        if self.theta.shape != (len(TERMS),):
            raise ValueError(
                f"theta has the shape {self.theta.shape}: expected {len(TERMS)} coefficients, of "
                f"{', '.join(TERMS)}"
            )

    def __call__(self, synapse, memory):
        x, y, w = synapse.pre.activity, synapse.post.activity, synapse.weight
        d, e = synapse.pre.message, synapse.post.message
        c = self.rate.value * self.theta
        # Ordered so that most products are those of one cell, not of a pair.
        to_x = c[0] * e + c[5] * e * y + c[8] * y
        to_d = c[1] * y - c[2] * e + c[4]
        to_w = c[3] + c[8] * y * y
        pairs = (c[6] * y * y) * (d * d) + (c[7] * e * y) * (d * x)
        settled = (c[9] * y) * synapse.pre.settled
        return to_x * x + settled + to_d * d - w * (to_w + pairs), memory
