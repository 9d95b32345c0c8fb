"""The gated recurrent unit that lives in every synapse."""

from __future__ import annotations

from jaxtyping import Array, Float

from metaplast.squash import squash

UPDATE, RESET, CANDIDATE = 0, 1, 2


def gated(
    inputs: Float[Array, "parts states features"],
    recurrent: Float[Array, "parts states states"],
    bias: Float[Array, "parts states"],
    memory: tuple[Float[Array, "*synapses"], ...],
    heard: tuple[tuple[Float[Array, ...], ...], ...],
) -> tuple[Float[Array, "*synapses"], ...]:
    r"""The states of a synapse after a moment.

    $z = g(W_z f + U_z h + b_z)$, $r = g(W_r f + U_r h + b_r)$,
    $c = s(W_c f + U_c (r \odot h) + b_c)$, $h \leftarrow h + z \odot (c - h)$, with
    $s(v) = v / (1 + |v|)$ and $g = (1 + s) / 2$, which cost a fraction of tanh and the logistic
    function in every one of the n² synapses.

    Args:
        inputs: $W$ of update, reset and candidate.
        recurrent: $U$ of the three.
        bias: $b$ of the three.
        memory: $h$, an array or number for each state.
        heard: the features $f$, in groups of one shape each, which broadcast to that of a state:
            what one cell has to say is added up before it is spread over its synapses.

    References: Cho et al. (2014) arXiv:1406.1078.
    """
    states = range(len(memory))
    squashed = [[squash(feature) for feature in group] for group in heard]

    def total(part, s, remembered):
        weights = iter(inputs[part, s])
        groups = [sum(next(weights) * feature for feature in group) for group in squashed]
        told = sum(u * h for u, h in zip(recurrent[part, s], remembered, strict=True))
        return (groups[0] + bias[part, s]) + sum(groups[1:]) + told

    update = [_gate(total(UPDATE, s, memory)) for s in states]
    reset = [_gate(total(RESET, s, memory)) for s in states]
    kept = [r * h for r, h in zip(reset, memory, strict=True)]
    candidate = [squash(total(CANDIDATE, s, kept)) for s in states]
    return tuple(h + z * (c - h) for h, z, c in zip(memory, update, candidate, strict=True))


def _gate(v):
    """Open at 1, closed at 0."""
    return 0.5 + 0.5 * squash(v)
