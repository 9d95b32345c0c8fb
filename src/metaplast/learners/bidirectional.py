"""Cells and synapses of several states, moved in both directions by one small genome."""

from __future__ import annotations

import itertools
from typing import ClassVar, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.perceptron import NONLINEARITIES, Perceptron
from metaplast.source import Source

Cells = Float[Array, "_cells _states"]
Synapses = Float[Array, "_states _post _pre"]
Mixing = Float[Array, "states states"]


class BidirectionalState(NamedTuple):
    forward: list[Synapses]
    """Of every layer; the last pre-synaptic cell of each always says 1."""
    backward: list[Synapses]
    """`[states, below, above]` of every layer but the first; empty where there is one set."""


class Bidirectional(eqx.Module):
    r"""Cells of $k$ states and synapses of $k$ states; matrices of the genome mix them.

    Forward: $n_j^l \leftarrow \phi(\sum_{i,k} w_{ji}^l\, n_i^k \nu_{kl})$ from the stimulus, which
    is state 0 of the input. At the output, state 0 is what was answered and state 1 what was
    wanted (or the error). Backward: $n_i^l \leftarrow \phi(f n_i^l + \eta \sum_{j,k} v_{ij}^l\,
    n_j^k \mu_{kl})$. Then synapses: $w_{ji}^o \leftarrow \tilde f w_{ji}^o + \tilde\eta\,
    (\sum_k \tilde\nu_{ko} n_i^k)(\sum_l \tilde\mu_{ol} n_j^l)$, and backward ones $v$ the same
    with the roles of their cells exchanged. States are forgotten from moment to moment.

    The $4 k^2 + 4$ numbers of the genome are all that a search moves: 20 at two states. Points of
    it: gradient descent on one layer (`delta`), and, with `symmetric` and
    `multiplicative`, backprop through any depth (`backprop`). There the second state is
    $\phi'$, and what comes back multiplies it.

    Where we deviate from the source: one example a moment and not a batch of hundreds; a softmax at
    the output; synapses are neither normalized nor saturated.

    Args:
        sizes: cells of the input, of every hidden layer, and of the output.
        states: $k$, 2 or more.
        seed: of the matrices, which are normal.
        nonlinearity: $\phi$ of hidden cells.
        symmetric: one set of weights for all states and both directions: weight transport.
        multiplicative: whether what comes back multiplies all states but the first.
        told: state 1 of the output cells when they are taught: what was wanted, or the error.

    References: Sandler et al. (2021) ICML, arXiv:2104.04657.
    """

    source: ClassVar[Source] = Source(
        "Sandler, Vladymyrov, Zhmoginov, Miller, Jackson, Madams & Aguera y Arcas", 2021,
        "Meta-learning bidirectional update rules", "10.48550/arXiv.2104.04657",
    )  # fmt: skip
    up: Mixing
    """$\\nu$."""
    down: Mixing
    """$\\mu$."""
    pre: Mixing
    """$\\tilde\\nu$."""
    post: Mixing
    """$\\tilde\\mu$."""
    cell_keep: Float[Array, ""]
    cell_rate: Float[Array, ""]
    keep: Float[Array, ""]
    rate: Float[Array, ""]
    sizes: tuple[int, ...] = eqx.field(static=True)
    nonlinearity: str = eqx.field(static=True)
    symmetric: bool = eqx.field(static=True)
    multiplicative: bool = eqx.field(static=True)
    told: Literal["wanted", "error"] = eqx.field(static=True)

    def __init__(
        self,
        sizes: tuple[int, ...],
        states: int = 2,
        rate: float | Float[Array, ""] = 0.01,
        seed: int = 0,
        nonlinearity: str = "tanh",
        symmetric: bool = False,
        multiplicative: bool = False,
        told: Literal["wanted", "error"] = "wanted",
    ):
        if states < 2:
            raise ValueError(f"states = {states}: expected 2 or more, for one is the teacher's")
        if told not in ("wanted", "error"):
            raise ValueError(f"told = {told!r}: expected 'wanted' or 'error'; give one")
        Perceptron(sizes, nonlinearity)  # refuses wrong sizes
        drawn = jax.random.normal(jax.random.key(seed), (4, states, states))
        self.up, self.down, self.pre, self.post = drawn
        self.cell_keep, self.cell_rate, self.keep = jnp.ones((3,))
        self.rate = jnp.asarray(rate, float)
        self.sizes, self.nonlinearity = tuple(sizes), nonlinearity
        self.symmetric, self.multiplicative, self.told = symmetric, multiplicative, told

    @classmethod
    def delta(
        cls,
        sizes: tuple[int, ...],
        rate,
        states: int = 2,
        told: Literal["wanted", "error"] = "error",
        **options,
    ) -> Bidirectional:
        """The genome at which the last layer follows the negative gradient, hidden cells hear the
        errors without a slope, and synapses stay apart.

        Where output cells are told what was `wanted`, all cells take the difference of their two
        states for the error. That is so at the output only: hidden layers unlearn what their own
        cells answered, so this is for a single layer.
        """
        learner = cls(sizes, states, rate, told=told, **options)
        first, second = jnp.eye(states)[:2]
        error = second if told == "error" else second - first
        # The second state is the slope, or what a cell answers to nothing (of `tanh` and `relu`,
        # nothing) until an error comes back.
        up = jnp.outer(first, jnp.ones(states) if learner.multiplicative else first)
        down = jnp.outer(error, second)
        # All states of a synapse learn alike.
        pre, post = jnp.outer(first, jnp.ones(states)), jnp.outer(jnp.ones(states), error)
        return eqx.tree_at(lambda b: (b.up, b.down, b.pre, b.post), learner, (up, down, pre, post))

    @classmethod
    def backprop(cls, sizes: tuple[int, ...], rate, nonlinearity: str = "tanh") -> Bidirectional:
        """The genome that is backprop, over shared weights."""
        options = {"symmetric": True, "multiplicative": True, "told": "error"}
        return cls.delta(sizes, rate, nonlinearity=nonlinearity, **options)

    @property
    def states(self) -> int:
        return self.up.shape[0]

    @property
    def synapses(self) -> int:
        """Forward ones, those from the cells that always say 1 among them, and backward ones where
        there are such; all of them plastic."""
        shapes = Perceptron(self.sizes, self.nonlinearity).shapes
        forward = sum(post * (pre + 1) for post, pre in shapes)
        return forward + (0 if self.symmetric else sum(post * pre for post, pre in shapes[1:]))

    def born(self, key) -> BidirectionalState:
        """Each state of a synapse is drawn as a weight of a `Perceptron`; offsets are zero."""
        sets = 1 if self.symmetric else 2 * self.states
        born = jax.vmap(Perceptron(self.sizes, self.nonlinearity).born)(jax.random.split(key, sets))
        offset = [((0, 0), (0, 0), (0, 1))] * len(born.weights)
        every = [jnp.pad(w, pad) for w, pad in zip(born.weights, offset, strict=True)]
        if self.symmetric:
            return BidirectionalState(every, [])
        k = self.states
        back = [jnp.swapaxes(w[k:, :, :-1], 1, 2) for w in every[1:]]
        return BidirectionalState([w[:k] for w in every], back)

    def predict(self, state, stimulus):
        return self.forward(state, stimulus)[1]

    def moment(self, state, stimulus, target, task, key=None):
        cells, readout = self.forward(state, stimulus)
        cells = self.backward(state, cells, readout, target, task)
        return self._changed(state, cells), readout

    def forward(self, state, stimulus) -> tuple[list[Cells], Float[Array, " classes"]]:
        """States of the input and hidden cells, and the drive of the output's first state."""
        cells = [jnp.zeros((stimulus.shape[0], self.states)).at[:, 0].set(stimulus)]
        drive = jnp.zeros(())
        for synapses in state.forward:
            drive = _delivered(synapses, _with_one(cells[-1]) @ self.up)
            cells.append(self._fired(drive))
        return cells[:-1], drive[:, 0]

    def _fired(self, drive: Cells) -> Cells:
        phi = NONLINEARITIES[self.nonlinearity]
        if not self.multiplicative:
            return phi(drive)
        slope = jax.jvp(phi, (drive,), (jnp.ones_like(drive),))[1]
        return jnp.where(jnp.arange(self.states) == 0, phi(drive), slope)

    def backward(self, state, cells: list[Cells], readout, target, task) -> list[Cells]:
        """States of all cells after what the layers above, or a teacher, have told them."""
        answer = jax.nn.softmax(readout)
        wanted = task.teach(readout, target).signal
        second = wanted - answer if self.told == "error" else wanted
        rest = jnp.zeros((self.states - 2, answer.shape[0]))
        cells = [*cells, jnp.stack([answer, second, *rest], 1)]
        for layer in range(len(cells) - 2, 0, -1):
            heard = self.cell_rate * _delivered(
                self._back(state, layer), cells[layer + 1] @ self.down
            )
            before = cells[layer]
            if self.multiplicative:
                cells[layer] = jnp.where(jnp.arange(self.states) == 0, before, before * heard)
            else:
                phi = NONLINEARITIES[self.nonlinearity]
                cells[layer] = phi(self.cell_keep * before + heard)
        return cells

    def _back(self, state, layer: int) -> Synapses:
        if self.symmetric:
            return jnp.swapaxes(state.forward[layer][:, :, :-1], 1, 2)
        return state.backward[layer - 1]

    def _changed(self, state, cells: list[Cells]) -> BidirectionalState:
        ends = list(itertools.pairwise(cells))
        forward = [
            self._learned(synapses, _with_one(below), above)
            for synapses, (below, above) in zip(state.forward, ends, strict=True)
        ]
        back = [
            self._learned(synapses, above, below)
            for synapses, (below, above) in zip(state.backward, ends[1:], strict=False)
        ]
        return BidirectionalState(forward, back)

    def _learned(self, synapses: Synapses, pre: Cells, post: Cells) -> Synapses:
        sent, met = pre @ self.pre, post @ self.post.T
        count = synapses.shape[0]  # one where all states share a weight
        product = jnp.einsum("jo,io->oji", met[:, :count], sent[:, :count])
        return self.keep * synapses + self.rate * product


def _with_one(cells: Cells) -> Cells:
    """One more cell, whose first state is 1."""
    return jnp.concatenate([cells, jnp.zeros((1, cells.shape[1])).at[0, 0].set(1.0)])


def _delivered(synapses: Synapses, sent: Cells) -> Cells:
    """What arrives, state by state; a single set of weights serves all states."""
    weights = jnp.broadcast_to(synapses, (sent.shape[1], *synapses.shape[1:]))
    return jnp.einsum("lji,il->jl", weights, sent)
