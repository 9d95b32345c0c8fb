"""The inner loop: one learner living one episode from birth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeGuard, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast import fast_weights, kernel
from metaplast.answers import right
from metaplast.deferred import Deferred
from metaplast.delivery import Alongside, AtOnce, Recording, trace_of
from metaplast.kept import Residuals
from metaplast.layers import apart, as_loops, together
from metaplast.network import NetworkState, PlasticNetwork
from metaplast.reverse import backward_only
from metaplast.segments import in_segments
from metaplast.types import Episode, Key, Life, State, Teaching

BOUND = 1e6
"""A readout beyond this, or one that is not a number, ends a life."""


@runtime_checkable
class Judge(Protocol):
    """What a life needs of its task: the teacher's signal, and the loss of an answer."""

    def teach(self, readout: Array, target: Array) -> Teaching:
        """What the learner hears after it has answered with `readout`."""
        ...

    def loss(self, readout: Array, target: Array) -> Array:
        """Cost of the answer, in nats."""
        ...


@runtime_checkable
class Remembering(Judge, Protocol):
    """A judge whose teaching depends on earlier answers; see `tasks.AbstractTask`."""

    def memory(self) -> State:
        """What it remembers before anything has happened; None where it never does."""
        ...

    def recalled(self, memory: State) -> Judge:
        """The judge at a moment before which `memory` was kept."""
        ...

    def remember(self, memory: State, readout: Array, target: Array) -> State:
        """What is remembered after an answer."""
        ...


@runtime_checkable
class Learner(Protocol):
    """Anything that lives an episode: a plastic network, backprop, a frozen network."""

    def born(self, key: Key) -> State:
        """State of a newborn learner."""
        ...

    def moment(
        self, state: State, stimulus: Array, target: Array, task: Judge, key: Key | None
    ) -> tuple[State, Array]:
        """Answer, be taught, change: the new state and the readout given before learning."""
        ...

    def predict(self, state: State, stimulus: Array) -> Array:
        """Readout of a stimulus, without learning."""
        ...


def live(
    learner: Learner,
    task: Judge,
    episode: Episode,
    key: Key,
    segment: int | None = None,
    block: int | None = None,
) -> tuple[Life, State]:
    """Live one whole episode from birth, as one scan over its moments.

    Args:
        learner: who lives.
        task: the teacher and judge; its episodes are not sampled here.
        episode: stimuli `[moments, inputs]` and targets `[moments]`.
        key: birth and noise of this life.
        segment: where given, how many moments lie between two copies of the weights that a
            backward pass can rely on, see `unroll`; else it stores everything. With 0 nothing is
            lived in a way of our own, so that there are forward derivatives, too.
        block: where given beside it, how many moments are differentiated at once; the rest of the
            life is known by its state at the begin of every block, and lived again from there.

    Returns:
        The life, and the learner's last state.
    """
    birth_key, noise_key = jax.random.split(key)
    state = learner.born(birth_key)
    begin = (state, jnp.asarray(True), jnp.asarray(0))
    (state, alive, died_at), (correct, loss) = unroll(
        learner, task, begin, (episode.stimuli, episode.targets), noise_key, segment, block
    )
    return Life(correct, loss, ~alive, died_at), state


def unroll(
    learner: Learner,
    task: Judge,
    begin,
    experience,
    key: Key,
    segment: int | None = None,
    block: int | None = None,
):
    """Live a stretch of moments from `begin`: `(state, whether alive, age)`.

    A task that remembers (`AbstractTask.memory`) begins to do so with the stretch; see `onward`.

    Returns:
        The same three afterwards, and `(correct, loss)` of every moment.
    """
    state, *rest = begin
    begun = (state, memory_of(task)), *rest
    ((state, _), *rest), out = onward(learner, task, begun, experience, key, segment, block)
    return (state, *rest), out


def onward(
    learner: Learner,
    task: Judge,
    begin,
    experience,
    key: Key,
    segment: int | None = None,
    block: int | None = None,
):
    """Live on for a stretch of moments from `begin`: `((state, memory), whether alive, age)`.

    A task that remembers is recalled at every moment; for others the memory is None, and nothing
    is carried.

    Where `segment` is given, its derivative takes memory for the vectors of all moments and the
    weights of every `segment`-th one if all plasticity is products of two cells, or traces of such
    (`fast_weights`); else, and for other learners, it keeps the state of every `segment`-th moment
    and lives the rest again.
    Where `block` is given too, it does so for one block of moments at a time; of the others it
    keeps the first state.

    Where `METAPLAST_KERNEL` is `pallas`, changes of separable plasticity wait for the next moment's
    delivery (`deferred`), which is another order of the same sums; traces do not wait. It has no
    forward derivative; with `segment = 0` nothing waits.

    Returns:
        The same three afterwards, and `(correct, loss)` of every moment.
    """
    waits = kernel.wanted() == kernel.PALLAS
    if segment == 0:
        through = _whole(learner, task, key)
    elif _told_apart(learner, waits) and (waits or segment):
        through = _apart(learner, task, key, segment, Deferred() if waits else AtOnce())
    elif segment is None:
        through = _whole(learner, task, key)
    else:
        through = _reliving(learner, task, key, segment)
    if block is None or block >= jax.tree.leaves(experience)[0].shape[0]:
        return through(begin, experience)
    again = jax.checkpoint(through, prevent_cse=False)
    return in_segments(again, begin, experience, block)


def _told_apart(learner: Learner, waits: bool) -> TypeGuard[PlasticNetwork]:
    """Whether `_apart` lives it: a derivative can rebuild its weights; where changes wait, no trace
    may have to."""
    if not isinstance(learner, PlasticNetwork):
        return False
    return learner.separable if waits else learner.rebuildable


def _whole(learner: Learner, task: Judge, key: Key):
    """A stretch of moments of which a backward pass stores everything."""

    def moment(carry, seen):
        (state, memory), alive, age = carry
        stimulus, target = seen
        now = jax.random.fold_in(key, age)
        state, readout = learner.moment(state, stimulus, target, recalled(task, memory), now)
        memory = remembered(task, memory, readout, target)
        return _judged(task, (state, memory), alive, age, readout, target)

    return lambda begin, experience: jax.lax.scan(moment, begin, experience)


def _reliving(learner: Learner, task: Judge, key: Key, segment: int):
    """A stretch of moments that a backward pass lives again, segment by segment."""
    whole = _whole(learner, task, key)

    def backward(begin, experience):
        with backward_only():
            return whole(begin, experience)

    through = jax.checkpoint(backward, prevent_cse=False)
    return lambda begin, experience: in_segments(through, begin, experience, segment)


def _apart(network: PlasticNetwork, task: Judge, key: Key, segment: int | None, holding: AtOnce):
    """A stretch of moments that tells apart what cells do and what synapses make of it. Where
    `segment` is given, a backward pass rebuilds the weights from vectors."""
    network = as_loops(network) if segment else network
    searched, others = eqx.partition(network, eqx.is_inexact_array)

    def through(begin, experience):
        (state, memory), alive, age = begin
        state = together(network.circuit, state)
        fixed = {n: w for n, w in state.weights.items() if n not in network.plastic}
        # Only arrays may pass as constants; the rest is static.
        constants, static = eqx.partition((others, task, fixed, key), eqx.is_array)

        def step(searched, constants, state, seen, deliver):
            others, task, fixed, key = eqx.combine(constants, static)
            network = eqx.combine(searched, others)
            (cells, memory), alive, age = state
            stimulus, target = seen
            now = jax.random.fold_in(key, age)
            judge, synapses = recalled(task, memory), Alongside(fixed, deliver)
            heard = network.hear(cells, stimulus, target, judge, now, synapses)
            after = heard.states, remembered(task, memory, heard.readout, target)
            state, out = _judged(task, after, alive, age, heard.readout, target)
            return state, out, network.changes(heard, traces=True)

        plastic = {n: w for n, w in state.weights.items() if n not in fixed}
        plastic |= {trace_of(name): state.memory[name] for name in network.traced}
        start = (state.cells, memory), alive, age
        carry, out = fast_weights.scan(
            step, searched, constants, start, plastic, experience, segment, holding
        )
        ((cells, memory), alive, age), plastic = carry
        traces = {name: plastic.pop(trace_of(name)) for name in network.traced}
        state = NetworkState(cells, {**fixed, **plastic}, {**state.memory, **traces})
        return ((apart(network.circuit, state), memory), alive, age), out

    return through


RELIVED = 4
"""Bytes that the derivative of a moment takes per byte of state where every synapse has a rule of
its own: new weights, their derivatives, and what lies between."""


def residuals(learner: Learner, task: Judge, experience, key: Key) -> Residuals:
    """What a life leaves behind for its backward pass.

    Args:
        learner: who lives.
        task: its teacher.
        experience: stimuli `[moments, inputs]` and targets `[moments]`.
        key: of its birth.
    """
    state = jax.eval_shape(learner.born, key)
    if not _told_apart(learner, waits=kernel.wanted() == kernel.PALLAS):
        return Residuals(_bytes(state), RELIVED * _bytes(state), whole=False)

    def vectors(state, experience, key):
        stimulus, target = (a[0] for a in experience)
        deliver = Recording(state.weights)
        judge = recalled(task, memory_of(task))
        heard = learner.hear(state.cells, stimulus, target, judge, key, deliver)
        return heard.states, deliver.products, learner.changes(heard, traces=True)

    moment = jax.eval_shape(vectors, state, experience, key)
    traces = _bytes([state.memory[name] for name in learner.traced])
    return Residuals(_bytes(state), _bytes(moment), whole=True, again=traces)


def _bytes(tree) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def memory_of(task: Judge) -> State:
    """What a task remembers before anything has happened; None where it never does."""
    return task.memory() if isinstance(task, Remembering) else None


def recalled(task: Judge, memory: State) -> Judge:
    """The judge of a moment before which that was remembered."""
    return task.recalled(memory) if isinstance(task, Remembering) and memory is not None else task


def remembered(task: Judge, memory: State, readout, target) -> State:
    """What a task remembers after an answer; None where it never does."""
    if isinstance(task, Remembering) and memory is not None:
        return task.remember(memory, readout, target)
    return None


def _judged(task: Judge, state, alive, age, readout, target):
    """What a moment was worth, and whether the learner is still alive after it."""
    sound = jnp.all(jnp.isfinite(readout) & (jnp.abs(readout) < BOUND))
    alive = alive & sound
    answer = jnp.where(sound, readout, 0.0)
    correct = alive & (jnp.argmax(answer) == target)
    # The dead name nothing correctly; their loss is that of a flat readout.
    loss = jnp.where(alive, task.loss(answer, target), jnp.log(float(readout.shape[0])))
    return (state, alive, age + alive), (correct, loss)


def asked(
    learner: Learner, state: State, stimuli, key: Key | None = None
) -> Float[Array, "stimuli classes"]:
    """Readouts of stimuli, without learning.

    Args:
        learner: who answers.
        state: its state, the same for every stimulus.
        stimuli: what is asked for `[stimuli, inputs]`.
        key: for the noise of those who have some (`noisy`).
    """
    if key is None or not getattr(learner, "noisy", False):
        return jax.vmap(lambda x: learner.predict(state, x))(stimuli)
    keys = jax.random.split(key, stimuli.shape[0])
    answer: Callable[..., Array] = learner.predict
    return jax.vmap(lambda x, k: answer(state, x, k))(stimuli, keys)


def test_accuracy(
    learner: Learner, state: State, episode: Episode, key: Key | None = None
) -> Float[Array, ""]:
    """Fraction of the held-out examples that a learner names correctly, without learning.

    Args:
        learner: who answers.
        state: its state, the same for every example.
        episode: whose held-out examples are asked for.
        key: for the noise of those who have some (`noisy`).
    """
    readouts = asked(learner, state, episode.test_stimuli, key)
    return jnp.mean(right(readouts, episode.test_targets).astype(jnp.float32))
