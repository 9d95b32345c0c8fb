"""Our `Polynomial` rule against a Taylor expansion written the straightforward way.

    python benchmarks/peer_polynomial.py [--quick] [--json]

The straightforward way stacks the powers 0, 1, 2 of what a synapse senses, contracts them with a
tensor of coefficients, maps that over synapses, and differentiates a plain scan. It has all 81
products of powers up to 2, ours the 35 terms of order up to 3; the coefficients that only one of
them has are zero. That lives and meta-gradients agree is asserted first.

Reference: Mehta, Tyulmankov, Rajagopalan, Turner, Fitzgerald & Funke (2024) NeurIPS, "Model based
inference of synaptic plasticity rules", for the form of the rule.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from agreement import agreement
from given_lives import drawn, loss_of
from interleaved import compiled, interleave, short
from section import Claim, Section, run, say

from metaplast.circuits import layered
from metaplast.network import Genome, NetworkState
from metaplast.neurons import Output, Rate
from metaplast.objective import Objective
from metaplast.rules import Polynomial
from metaplast.rules.polynomial import powers
from metaplast.tasks import Clusters

OURS, THEIRS = "Polynomial", "straightforward"
RATE, ORDER = 0.02, 3
SHARED = [(i, p) for i, p in enumerate(powers(ORDER)) if max(p) <= 2]
"""Place in our vector and exponents (x, y, w, m) of the terms that both have."""
LAYERS = ("input->hidden1", "hidden1->hidden2", "hidden2->output")
FEEDBACK = ("hidden2~>hidden1", "output~>hidden2")


def measure(quick: bool) -> Section:
    lives, moments, repetitions = (2, 20, 3) if quick else (2, 300, 15)
    objective = Objective(Clusters(inputs=64, moments=moments), layered(64, (64, 64), 10))
    keys = jax.random.split(jax.random.key(0), lives)
    begun = jax.jit(jax.vmap(lambda key: drawn(objective, genome(start()), key)))(keys)
    theta = start()
    say("peer_polynomial: do we agree?")
    worst = disagreement(objective, theta, begun, keys)
    say(f"peer_polynomial: {lives} lives of {moments} moments")
    spread = spread_out(theta)
    kinds = {"lives": lambda f: f, "meta-gradient": jax.grad}
    contenders = []
    for kind, of in kinds.items():
        ours = jax.vmap(of(our_loss(objective)), (None, 0, 0, 0))
        theirs = jax.vmap(of(their_loss), (None, 0, 0))
        contenders += [
            compiled(f"{OURS}, {kind}", ours, theta, *begun, keys),
            compiled(f"{THEIRS}, {kind}", theirs, spread, *begun),
        ]
    times = interleave(contenders, repetitions, settled=True)
    section = Section("A polynomial rule against its straightforward form")
    section.write(
        f"{lives} lives of {moments} moments in 64-64-64-10, a rule of the kind that "
        "MetaLearnPlasticity infers (Mehta et al. 2024): every synapse the same Taylor expansion "
        "of what it senses (pre- and post-synaptic activity, weight, message). Ours has the 35 "
        "terms of order up to 3, the straightforward one the 81 products of powers up to 2; what "
        "only one of them has is zero. Every contender runs once more, untimed, before each of its "
        f"{repetitions} repetitions, so that nothing is timed that the one before it, which may "
        "keep far more memory, leaves behind. "
        f"Lives and meta-gradients agree to {worst:.0e}."
    )
    rows = []
    for kind in kinds:
        names = f"{OURS}, {kind}", f"{THEIRS}, {kind}"
        ratio = times.ratio(names[1], names[0])
        section.claims.append(Claim(f"straightforward / Polynomial, {kind}", ratio))
        rows.append([kind, *(short(times.of(n).median) for n in names), ratio,
                     ", ".join(short(times.preparing[n]) for n in names)])  # fmt: skip
    header = ("", f"{OURS} s", f"{THEIRS} s", "theirs / ours", "to prepare, s")
    section.table(header, rows)
    return section


def start() -> dict[str, jax.Array]:
    """Coefficients of both kinds of projection: the delta rule, and a little of every term that
    both forms have."""
    drawn = np.random.default_rng(0).normal(size=(2, len(SHARED))) * 0.01
    theta = np.zeros((2, len(powers(ORDER))), np.float32)
    theta[:, [i for i, _ in SHARED]] = drawn
    theta[:, powers(ORDER).index((1, 0, 0, 1))] = 1.0
    return dict(zip(("forward", "readout"), jnp.asarray(theta), strict=True))


def spread_out(theta: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Our coefficients as the tensors `[x, y, w, m]` of the other form."""
    places = tuple(np.array([p for _, p in SHARED]).T)
    ours = np.array([i for i, _ in SHARED])
    return {k: jnp.zeros((3,) * 4).at[places].set(leaf[ours]) for k, leaf in theta.items()}


# -- ours -------------------------------------------------------------------------------


def genome(theta: dict[str, jax.Array]) -> Genome:
    neurons = {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output("softmax")}
    return Genome(neurons, {kind: Polynomial(RATE, ORDER, leaf) for kind, leaf in theta.items()})


def our_loss(objective: Objective):
    def loss(theta, state, episode, key):
        return loss_of(objective, genome(theta), state, episode, key)

    return loss


# -- the straightforward way ------------------------------------------------------------


def their_loss(theta: dict[str, jax.Array], state: NetworkState, episode) -> jax.Array:
    """Mean loss of one life, as a plain scan."""
    down, across = (state.weights[name] for name in FEEDBACK)

    def moment(weights, seen):
        stimulus, target = seen
        a, b, c = weights
        first = jnp.tanh(a @ stimulus)
        second = jnp.tanh(b @ first)
        logits = c @ second
        answer = jax.nn.softmax(logits)
        error = jax.nn.one_hot(target, 10) - answer
        of_second = (1 - second**2) * (across @ error)
        of_first = (1 - first**2) * (down @ of_second)
        hidden, readout = theta["forward"], theta["readout"]
        weights = [
            a + RATE * over_synapses(hidden, stimulus, first, a, of_first),
            b + RATE * over_synapses(hidden, first, second, b, of_second),
            c + RATE * over_synapses(readout, second, answer, c, error),
        ]
        return weights, jax.nn.logsumexp(logits) - logits[target]

    weights = [state.weights[name] for name in LAYERS]
    return jnp.mean(jax.lax.scan(moment, weights, (episode.stimuli, episode.targets))[1])


def change(theta, x, y, w, m):
    """One synapse: the powers of what it senses, contracted with the coefficients."""
    x, y, w, m = (jnp.stack([jnp.ones_like(v), v, v**2]) for v in jnp.tanh(jnp.stack([x, y, w, m])))
    return jnp.einsum("abcd,a,b,c,d->", theta, x, y, w, m)


over_synapses = jax.vmap(jax.vmap(change, (None, 0, None, 0, None)), (None, None, 0, 0, 0))


def disagreement(objective: Objective, theta, begun, keys) -> float:
    """Largest distance of losses and of meta-gradients, relative to their length."""
    ours = jax.jit(jax.vmap(jax.value_and_grad(our_loss(objective)), (None, 0, 0, 0)))
    theirs = jax.jit(jax.vmap(jax.value_and_grad(their_loss), (None, 0, 0)))
    losses, gradient = ours(theta, *begun, keys)
    their_losses, tensors = theirs(spread_out(theta), *begun)
    places = [place for place, _ in SHARED]
    exponents = tuple(np.array([exponents for _, exponents in SHARED]).T)
    pairs = [(losses, their_losses)]
    pairs += [(gradient[k][:, places], tensors[k][:, *exponents]) for k in gradient]
    names = ("losses", *gradient)
    return max(agreement(name, *pair) for name, pair in zip(names, pairs, strict=True))


if __name__ == "__main__":
    run(measure, __doc__)
