"""A meta-step of the same rule through the same lives: metaplast against PyTorch.

    python benchmarks/peer_meta_gradient.py [--quick] [--json]

Layered 64-64-64-10, tanh, softmax output, fixed random feedback; the rule is `Factored` with one
channel and a decay, searchable are both numbers of both kinds of projection. That losses and
meta-gradients agree is asserted before anything is timed.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from agreement import agreement
from factored_lives import genome, problem
from given_lives import drawn, loss_of
from interleaved import Contender, Times, compiled, interleave, short
from section import Claim, Section, run, say
from torch_lives import RATE, Lives, MetaStep, batched, compiling, mapped, profile
from torch_threads import fastest

from metaplast.objective import Objective
from metaplast.spread import everywhere, spread, use_cores

AIM = 20.0
OURS, COMPILED = "metaplast", "torchopt, every moment compiled"
PLAIN = "metaplast, lives alone"
WEIGHTS = ("input->hidden1", "hidden1->hidden2", "hidden2->output")
FEEDBACK = ("hidden2~>hidden1", "output~>hidden2")


def measure(quick: bool) -> Section:
    moments, lives, repetitions = (30, 8, 3) if quick else (300, 32, 7)
    use_cores()
    section = Section("A meta-gradient against PyTorch")
    objective, theta = problem(moments)
    keys = jax.random.split(jax.random.key(0), lives)
    begun = jax.jit(jax.vmap(lambda key: drawn(objective, genome(theta), key)))(keys)
    given = in_torch(*begun)
    peers = {"torch.func, vmap": mapped, "torchopt, batched": batched}
    if moment := compiling():
        peers[COMPILED] = lambda theta, lives: batched(theta, lives, moment)
    else:
        section.write("There is no C++ compiler here: `torch.compile` was left out.")
    say("peer_meta_gradient: do we agree?")
    worst = {name: disagreement(objective, theta, begun, given, keys, peer)
             for name, peer in peers.items()}  # fmt: skip
    torch.compiler.reset()  # so that compiling is timed once more
    threads: dict[str, int] = {}
    contenders = [ours(objective, theta, begun, keys), alone(objective, theta, begun, keys)]
    contenders += [theirs(name, peer, given, theta, threads) for name, peer in peers.items()]
    say(f"peer_meta_gradient: {lives} lives of {moments} moments")
    times = interleave(contenders, repetitions)
    section.write(
        f"One meta-step (meta-gradient and Adam) of the same rule through the same {lives} lives "
        f"of {moments} moments in 64-64-64-10. Losses and meta-gradients agree to the relative "
        "difference in the last column. PyTorch runs at whichever number of threads is faster."
    )
    rows = [[OURS, short(1 / times.of(OURS).median), "1", short(times.preparing[OURS]), "", ""]]
    for name in peers:
        ratio = times.ratio(name, OURS)
        rows.append([
            f"PyTorch: {name}", short(1 / times.of(name).median), ratio,
            short(times.preparing[name]), threads[name], f"{worst[name]:.0e}",
        ])  # fmt: skip
        section.claims.append(Claim(f"PyTorch ({name}) / metaplast, meta-step", ratio, least=AIM))
    header = ("", "meta-steps / s", "time / ours", "to prepare, s", "threads", "differs by")
    section.table(header, rows)
    few = given._replace(stimuli=given.stimuli[:, :30], wanted=given.wanted[:, :30])
    count, shares = profile(
        batched, {name: torch.tensor(leaf) for name, leaf in theta.items()}, few
    )
    largest = ", ".join(f"{name} {share:.0%}" for name, share in list(shares.items())[:8])
    section.write(
        f"What bounds it, by PyTorch's own profile of 30 moments of *torchopt, batched*: it starts "
        f"{count:.0f} operations a moment, and spends its time in {largest}. Arrays of "
        "weights are written anew at every moment and kept for the backward pass; compiled, that "
        "is one pass over them, and nearest to ours. " + bound(times, lives * moments)
    )
    return section


def bound(times: Times, moments: int) -> str:
    """What ours is bound by, and what was tried, by the microseconds of a moment of a life."""
    each = {name: 1e6 * times.of(name).median / moments for name in times.names}
    ours, plain = each.pop(OURS), each.pop(PLAIN)
    told = ", ".join(f"{short(took)} us (*{name}*)" for name, took in each.items())
    twentieth = short(min(each.values()) / AIM)
    return (
        f"A moment of a life takes ours {short(ours)} us, its part of the gradient included, and "
        f"PyTorch {told}. A twentieth of the fastest would be {twentieth} us; without any "
        f"derivative ours takes {short(plain)}. What ours is bound by, and what was tried: *A "
        "meta-gradient against plain lives*. PyTorch gains more by the second core: "
        "where both CPUs are threads of one, *torch.func* took 20.1 times as long as ours "
        "([lab notes](lab-notes.md), *a start on two real cores*)."
    )


def gradients(objective: Objective, theta, begun, keys):
    """Losses `[lives]` and gradients `[lives, ...]` of our lives."""

    def loss(theta, state, episode, key):
        return loss_of(objective, genome(theta), state, episode, key)

    return spread(lambda life: jax.value_and_grad(loss)(theta, *life), (*begun, keys))


def ours(objective: Objective, theta, begun, keys) -> Contender:
    adam = optax.adam(RATE)

    def meta_step(theta, memory, begun):
        _, gradient = gradients(objective, theta, begun, keys)
        step, memory = adam.update(jax.tree.map(lambda g: jnp.mean(g, 0), gradient), memory)
        return optax.apply_updates(theta, step), memory

    theta = jax.tree.map(jnp.asarray, theta)
    return compiled(OURS, meta_step, *everywhere((theta, adam.init(theta), begun)))


def alone(objective: Objective, theta, begun, keys) -> Contender:
    """The same lives of ours, without a derivative."""

    def lived(theta, begun):
        def loss(life):
            state, episode, key = life
            return loss_of(objective, genome(theta), state, episode, key)

        return spread(loss, (*begun, keys))

    return compiled(PLAIN, lived, *everywhere((jax.tree.map(jnp.asarray, theta), begun)))


def theirs(name: str, peer, given: Lives, theta, threads: dict[str, int]) -> Contender:
    def prepare():
        few = given._replace(stimuli=given.stimuli[:, :10], wanted=given.wanted[:, :10])
        step = MetaStep(peer, given, theta)
        step.threads = threads[name] = fastest(lambda: peer(step.theta, few))
        step()
        return step

    return Contender(name, prepare)


def in_torch(state, episode) -> Lives:
    """The same births and experience as tensors."""
    wanted = np.eye(10, dtype=np.float32)[np.asarray(episode.targets)]

    def tensors(names):
        return tuple(torch.tensor(np.asarray(state.weights[name])) for name in names)

    stimuli = torch.tensor(np.asarray(episode.stimuli))
    return Lives(tensors(WEIGHTS), tensors(FEEDBACK), stimuli, torch.tensor(wanted))


def disagreement(objective, theta, begun, given: Lives, keys, peer) -> float:
    """Largest distance of losses and gradients, relative to the length of each."""
    losses, gradient = gradients(objective, theta, begun, keys)
    expected = {"losses": losses, **jax.tree.map(lambda g: jnp.mean(g, 0), gradient)}
    losses, gradient = peer({name: torch.tensor(leaf) for name, leaf in theta.items()}, given)
    theirs = {"losses": losses, **gradient}
    return max(agreement(name, expected[name], theirs[name]) for name in theirs)


if __name__ == "__main__":
    run(measure, __doc__)
