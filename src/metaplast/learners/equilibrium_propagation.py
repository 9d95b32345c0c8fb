"""Equilibrium propagation: a network settles free and nudged; synapses learn the difference."""

from __future__ import annotations

import itertools
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

from metaplast.learners.perceptron import Layers, Perceptron, Vectors, learned
from metaplast.source import Source

BIRTH = 0.5
"""Size of weights at birth, in units of those of other perceptrons: twice as large, and the way
back and forth between two layers amplifies, so that cells settle where they like."""
PACE = 0.5
"""Length of one step of settling, in time constants of the cells."""
HOLOMORPHIC = ("linear", "sigmoid", "tanh")
"""Nonlinearities with a derivative at complex potentials, too."""


class EquilibriumPropagation(eqx.Module):
    r"""Synapses of a network with symmetric weights compare two equilibria that its cells find.

    Cells $u_l$ (hidden and output, the stimulus is clamped) descend the energy
    $E = \tfrac12 \sum_l |u_l|^2 - \sum_l \rho(u_l)^\top (W_l \rho(u_{l-1}) + b_l)$, first
    freely, then with the output nudged, $E + \tfrac\beta2 |u_L - \text{wanted}|^2$. Then
    $\Delta W_l = \tfrac\eta\beta [\rho(u_l) \rho(u_{l-1})^\top]^\beta_0$. For small $\beta$ that
    is the negative gradient of the squared error of the free equilibrium. The answer is $u_L$
    of the free equilibrium.

    With `points` $= N$ the nudge goes round a circle instead, $\beta_k = \beta e^{2 \pi i k / N}$,
    cells are complex, and synapses take the first Fourier coefficient,
    $\Delta W_l = \tfrac{\eta}{N \beta} \sum_k e^{-2 \pi i k / N}\,
    \rho(u_l^{\beta_k}) \rho(u_{l-1}^{\beta_k})^\top$ (without conjugation). The error of the
    gradient is of order $\beta^N$, and falls with $N$ at a finite nudge, too, as long as the
    equilibrium is one holomorphic function of the nudge everywhere inside the circle: it is not
    where two equilibria meet, and at $-1$ the output cells have no leak left. Two points are
    centered nudging. The equilibrium at a conjugate nudge is the conjugate one, so that only
    half of the circle is computed.

    The audit's verdicts are the same with and without a circle: symmetric weights are weight
    transport, and neither cells nor synapses are local. What it does not count: every point is one
    more phase within the moment (an oscillation slow enough to settle at every point), complex
    activity is two numbers for each cell (the paper reads them as amplitude and phase of an
    oscillation), and the product without conjugation needs both parts of both cells at the synapse.

    Deviations: cells begin every moment at rest, because a stimulus is never seen twice (in
    the paper every example keeps its equilibrium); one rate for all layers; weights are born
    normal, of variance 1 / (4 fan-in) (uniform, of variance 2 / (fan-in + fan-out) there).

    Args:
        network: shapes and nonlinearity: `tanh`, or another smooth one, is $\rho$ of hidden and
            of output cells.
        rate: learning rate $\eta$. An array leaf.
        hard: whether $\rho$ is instead the paper's hard sigmoid, $\rho(u) = u$ with $u$ kept
            between 0 and 1.
        nudge: $\beta$. An array leaf.
        centered: whether the nudged equilibrium is compared with one that is nudged the other
            way, $-\beta$, and not with the free one: the error of the gradient is then of second
            order in $\beta$. Without effect where there are `points`.
        points: $N$, equilibria on a circle of complex nudges of radius $\beta$; 0: none, or 2 or
            more. Needs a holomorphic $\rho$: `tanh`, `sigmoid` or `linear`.
        free, nudged: steps of settling, each half a time constant.

    References: Scellier & Bengio (2017) doi:10.3389/fncom.2017.00024; for centered nudging
    Laborieux et al. (2021) doi:10.3389/fnins.2021.633674; for the circle Laborieux & Zenke (2022)
    NeurIPS, arXiv:2209.00530.
    """

    source: ClassVar[Source] = Source(
        "Scellier & Bengio", 2017,
        "Equilibrium propagation: bridging the gap between energy-based models and "
        "backpropagation", "10.3389/fncom.2017.00024",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.05, converter=lambda r: jnp.asarray(r, float))
    hard: bool = eqx.field(static=True, default=False)
    nudge: Float[Array, ""] = eqx.field(default=0.2, converter=lambda b: jnp.asarray(b, float))
    centered: bool = eqx.field(static=True, default=True)
    free: int = eqx.field(static=True, default=30)
    nudged: int = eqx.field(static=True, default=10)
    points: int = eqx.field(static=True, default=0)

    def __check_init__(self) -> None:
        if min(self.free, self.nudged) < 1:
            raise ValueError(
                f"free = {self.free}, nudged = {self.nudged}: expected 1 step or more of each"
            )
        if self.points < 0 or self.points == 1:
            raise ValueError(
                f"points = {self.points}: expected 2 or more on the circle, or 0 for no circle"
            )
        if self.points and (self.hard or self.network.nonlinearity not in HOLOMORPHIC):
            given = "hard = True" if self.hard else f"nonlinearity = {self.network.nonlinearity!r}"
            raise ValueError(
                f"{given} with points = {self.points}: a circle of complex nudges needs a "
                f"holomorphic nonlinearity, one of {sorted(HOLOMORPHIC)}; take one, or points = 0"
            )

    @property
    def synapses(self) -> int:
        """Symmetric weights, each counted once."""
        return self.network.synapses

    def born(self, key):
        layers = self.network.born(key)
        return layers._replace(weights=[BIRTH * weight for weight in layers.weights])

    def predict(self, state, stimulus):
        return self.settled(state, stimulus)[-1]

    def moment(self, state, stimulus, target, task, key=None):
        rest = self.settled(state, stimulus)
        wanted = task.teach(rest[-1], target).signal

        def pushed(nudge):
            return self._settle(state, stimulus, rest, self.nudged, nudge, wanted)

        if self.points:
            return self._around(state, stimulus, pushed), rest[-1]
        after = pushed(self.nudge)
        before, apart = (
            (pushed(-self.nudge), 2.0 * self.nudge) if self.centered else (rest, self.nudge)
        )
        grown = self._hebbian(state, stimulus, after, self.rate / apart)
        return self._hebbian(grown, stimulus, before, -self.rate / apart), rest[-1]

    def _around(self, layers: Layers, stimulus, pushed) -> Layers:
        """Synapses grow with the first Fourier coefficient of what their ends say on a circle."""
        half = jnp.arange(self.points // 2 + 1)
        turn = jnp.exp(2j * jnp.pi * half / self.points)
        # The other half is the conjugate one; where a point is its own conjugate, it counts once.
        share = jnp.where((half == 0) | (2 * half == self.points), 1.0, 2.0) / self.points

        def grown(turn, share):
            said = [stimulus, *(self.says(u) for u in pushed(self.nudge * turn))]
            rate = share * self.rate / self.nudge / turn
            weights = [jnp.outer(rate * post, pre).real for pre, post in itertools.pairwise(said)]
            return Layers(weights, [(rate * post).real for post in said[1:]])

        each = jax.vmap(grown)(turn, share)
        return jax.tree.map(lambda leaf, more: leaf + jnp.sum(more, 0), layers, each)

    def settled(self, layers: Layers, stimulus: Float[Array, " inputs"]) -> list:
        """Potentials of all cells but the input's at the free equilibrium."""
        silent = [jnp.zeros_like(bias) for bias in layers.biases]
        return self._settle(layers, stimulus, silent, self.free, 0.0, silent[-1])

    def says(self, potential: Inexact[Array, " cells"]) -> Inexact[Array, " cells"]:
        r"""$\rho(u)$."""
        return potential if self.hard else self.network.says(potential)

    def _settle(self, layers, stimulus, cells, steps, nudge, wanted):
        # Complex where the nudge is.
        cells = [u.astype(jnp.result_type(u, nudge)) for u in cells]

        def step(_, cells):
            said = [stimulus, *(self.says(u) for u in cells)]
            drives = [
                weight @ below + bias
                for weight, below, bias in zip(layers.weights, said, layers.biases, strict=False)
            ]
            for layer, weight in enumerate(layers.weights[1:]):
                drives[layer] += weight.T @ said[layer + 2]
            slopes = [jnp.ones_like(u) if self.hard else self.network.slope(u) for u in cells]
            moves = [s * d - u for s, d, u in zip(slopes, drives, cells, strict=True)]
            moves[-1] += nudge * (wanted - cells[-1])
            moved = [u + PACE * move for u, move in zip(cells, moves, strict=True)]
            return [jnp.clip(u, 0.0, 1.0) for u in moved] if self.hard else moved

        return jax.lax.fori_loop(0, steps, step, cells)

    def _hebbian(self, layers: Layers, stimulus, cells, rate) -> Layers:
        """Synapses grow with what both of their ends say."""
        said = [self.says(u) for u in cells]
        return learned(layers, [stimulus, *said[:-1]], said, rate)

    def activities(self, state, stimulus) -> Vectors:
        """What the input and every hidden layer say at the free equilibrium."""
        return [stimulus, *(self.says(u) for u in self.settled(state, stimulus)[:-1])]
