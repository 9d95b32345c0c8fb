"""The dendritic microcircuit: apical dendrites hear what interneurons did not foresee."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.perceptron import Layers, Perceptron, Vectors, learned
from metaplast.learners.reciprocal import random_feedback
from metaplast.source import Source

APICAL, SOMATIC = 0.8 / 1.9, 0.8 / 1.9
r"""How much the apical dendrite adds to a soma, $g_A / (g_l + g_B + g_A)$, and how much an
interneuron is pulled by the cell that it predicts, $g_s / (g_l + g_D + g_s)$: the paper's
conductances $g_l = 0.1$, $g_B = g_D = 1$, $g_A = g_s = 0.8$."""
LEFT = APICAL * (1.0 - SOMATIC)
"""What is left of a surprise in the layer below."""
DAMPING = 0.5
"""How far cells move at one step of settling."""


class MicrocircuitState(NamedTuple):
    layers: Layers
    """Basal synapses of the pyramidal cells."""
    descending: list[Float[Array, "below above"]]
    """Apical synapses, from the pyramidal cells above; fixed."""
    predicting: Layers
    """From the pyramidal cells of a hidden layer to its interneurons, one for each cell above."""
    inhibition: list[Float[Array, "below above"]]
    """Apical synapses, from the interneurons of the same layer."""


class Settled(NamedTuple):
    """Potentials of a circuit at rest in its inputs."""

    basal: list[Float[Array, " cells"]]
    somatic: list[Float[Array, " cells"]]
    apical: list[Float[Array, " cells"]]
    """Of hidden layers."""
    foreseen: list[Float[Array, " above"]]
    """Dendrites of the interneurons of hidden layers."""
    interneurons: list[Float[Array, " above"]]


class DendriticMicrocircuit(eqx.Module):
    r"""Pyramidal cells with three compartments, and interneurons that silence the apical one.

    In a hidden layer, $u = v^B + \lambda_A v^A$ with $v^B_l = W_l r_{l-1} + b_l$ and
    $v^A_l = B_l r_{l+1} + P_l r^I_l$; its interneurons $u^I_l = (1-\lambda_I)\, v^I_l +
    \lambda_I u_{l+1}$, $v^I_l = Q_l r_l + c_l$. Rates are $r = \phi(u)$. Output cells are pulled,
    $u_L = v^B_L + \lambda\,(\text{wanted} - \text{softmax}(v^B_L))$, once the free circuit has
    answered. Then $\Delta W_l = \eta_l\, (\phi(u_l) - \phi(v^B_l))\, r_{l-1}^\top$,
    $\Delta Q_l = \eta_{l+1}\, (\phi(u^I_l) - \phi(v^I_l))\, r_l^\top / \lambda_I$, and in the free
    circuit $\Delta P_l = -\eta\, v^A_l {r^I_l}^\top$. The circuit is born self-predicting, $P = -B$
    and $Q_l = W_{l+1}$: as long as nobody teaches, apical dendrites are silent. When somebody does,
    they carry what the interneurons did not foresee, which is to first order the error that travels
    back over $B$, times $\lambda_A (1 - \lambda_I)$ for every layer below the output; so $\eta_L =
    \eta / \lambda$, and every lower layer has that of the layer above divided by this, to the power
    of `undo`. Interneurons follow the basal synapses that they predict at the rate of these.

    Deviations: cells settle (no time constants, no noise); factors that basal weights would have
    to undo are left out; output cells are linear and nudged by the gradient of cross-entropy;
    rates of layers follow from one (the paper chooses each by hand); inhibition learns in the free
    circuit only.

    Args:
        network: sizes and nonlinearity of the pyramidal cells.
        rate: learning rate $\eta$. An array leaf.
        symmetric: whether descending weights are born as the transposed basal ones (then they
            stay as they are); else they are random, of the same scale.
        pull: $\lambda$ of the output cells. An array leaf.
        steps: of settling, in each of the two phases.
        undo: 1 for rates that undo what is lost between layers, 0 for the same rate in all. The
            larger, the larger `pull` has to be: interneurons diverge where their rate exceeds
            twice the inverse square of what they hear. An array leaf.

    References: Sacramento, Ponte Costa, Bengio & Senn (2018) arXiv:1810.11393.
    """

    source: ClassVar[Source] = Source(
        "Sacramento, Ponte Costa, Bengio & Senn", 2018,
        "Dendritic cortical microcircuits approximate the backpropagation algorithm",
        "10.48550/arXiv.1810.11393",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.05, converter=lambda r: jnp.asarray(r, float))
    symmetric: bool = eqx.field(static=True, default=False)
    pull: Float[Array, ""] = eqx.field(default=SOMATIC, converter=lambda p: jnp.asarray(p, float))
    steps: int = eqx.field(static=True, default=20)
    undo: Float[Array, ""] = eqx.field(default=0.0, converter=lambda u: jnp.asarray(u, float))

    def __check_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps = {self.steps}: expected 1 or more")

    @property
    def synapses(self) -> int:
        """Basal synapses, and those onto and from interneurons."""
        above = sum(post * pre for post, pre in self.network.shapes[1:])
        return self.network.synapses + 2 * above

    def born(self, key):
        basal_key, descending_key = jax.random.split(key)
        layers = self.network.born(basal_key)
        descending = random_feedback(self.network, descending_key)
        if self.symmetric:
            descending = [weight.T for weight in layers.weights[1:]]
        predicting = Layers(layers.weights[1:], layers.biases[1:])
        return MicrocircuitState(layers, descending, predicting, [-back for back in descending])

    def predict(self, state, stimulus):
        return self.settled(state, stimulus).somatic[-1]

    def moment(self, state, stimulus, target, task, key=None):
        free = self.settled(state, stimulus)
        readout = free.somatic[-1]
        taught = self.settled(state, stimulus, task.teach(readout, target).signal)
        said = [stimulus, *self.rates(taught.somatic)]
        learning = self.undone(self.surprises(taught.somatic, taught.basal))
        following = self.undone(self.surprises(taught.interneurons, taught.foreseen))
        rate = self.rate / self.pull
        layers = learned(state.layers, said[:-1], learning, rate)
        predicting = learned(state.predicting, said[1:-1], following, rate / SOMATIC)
        inhibition = [
            weight - self.rate * jnp.outer(apical, said)
            for weight, apical, said in zip(
                state.inhibition, free.apical, self.rates(free.interneurons), strict=True
            )
        ]
        return MicrocircuitState(layers, state.descending, predicting, inhibition), readout

    def rates(self, potentials: Vectors) -> Vectors:
        """What cells say whose last layer is linear."""
        return [*(self.network.says(u) for u in potentials[:-1]), *potentials[-1:]]

    def surprises(self, somatic, dendritic) -> Vectors:
        """By how much cells say more than their driving dendrite foretold."""
        pairs = zip(self.rates(somatic), self.rates(dendritic), strict=True)
        return [said - foretold for said, foretold in pairs]

    def undone(self, surprises: Vectors) -> Vectors:
        """What each layer's surprise would be if less, or none, were lost below the output."""
        lost = reversed(range(len(surprises)))
        return [
            surprise / LEFT ** (self.undo * layers)
            for surprise, layers in zip(surprises, lost, strict=True)
        ]

    def settled(
        self,
        state: MicrocircuitState,
        stimulus: Float[Array, " inputs"],
        wanted: Float[Array, " classes"] | None = None,
    ) -> Settled:
        """The circuit when it has come to rest, free or with the output pulled."""
        sweep = self.network.sweep(state.layers, stimulus)
        foreseen = [*sweep.drives, sweep.readout]

        def step(_, cells):
            seen = self._seen(state, stimulus, wanted, *cells)
            aims = ([*seen.somatic], [*seen.interneurons])
            return jax.tree.map(lambda now, aim: now + DAMPING * (aim - now), cells, aims)

        begin = (foreseen, foreseen[1:])
        return self._seen(state, stimulus, wanted, *jax.lax.fori_loop(0, self.steps, step, begin))

    def _seen(self, state, stimulus, wanted, somatic, interneurons) -> Settled:
        """What every compartment makes of what all cells say now."""
        said = [stimulus, *self.rates(somatic)]
        basal = [w @ r + b for w, b, r in zip(*state.layers, said[:-1], strict=True)]
        foreseen = [w @ r + b for w, b, r in zip(*state.predicting, said[1:-1], strict=True)]
        apical = [
            down @ above + inhibiting @ inner
            for down, above, inhibiting, inner in zip(
                state.descending, said[2:], state.inhibition, self.rates(interneurons), strict=True
            )
        ]
        pulled = basal[-1]
        if wanted is not None:
            pulled = pulled + self.pull * (wanted - jax.nn.softmax(pulled))
        moved = [b + APICAL * a for b, a in zip(basal, apical, strict=False)]
        inner = [
            (1.0 - SOMATIC) * v + SOMATIC * u for v, u in zip(foreseen, somatic[1:], strict=True)
        ]
        return Settled(basal, [*moved, pulled], apical, foreseen, inner)
