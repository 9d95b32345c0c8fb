"""Many learners live many lives: the same episodes, the same births, in blocks."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from metaplast.answers import counted, right
from metaplast.bench.trials import trials
from metaplast.lifetime import Learner, live, test_accuracy
from metaplast.mappings import make_room
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.wrapper import example_moments_of
from metaplast.types import Episode, Key

VALUES = 3
"""Learners in a block while tuning."""
LIVES = {"cpu": 4, "other": 64}
"""Most lives in a block while tuning; otherwise four times that."""
BYTES = {"cpu": 2**23, "other": 2**32}
"""Most memory that the states of a block may take; on CPUs, about what caches hold."""
KEPT = 2**30
"""Bytes of episodes that an arena keeps between rows."""


class Outcome(NamedTuple):
    """What became of `learners` in `lives`."""

    correct: np.ndarray
    """Answers, bool `[learners, lives, moments]`; of the moments that ask for one (`answered`),
    where the task says which."""
    test: np.ndarray
    """Accuracy on held-out examples at the end `[learners, lives]`."""
    exploded: np.ndarray
    """Lives that left the finite numbers, bool `[learners, lives]`."""

    @property
    def accuracy(self) -> np.ndarray:
        """Mean online accuracy `[learners, lives]`."""
        return self.correct.mean(axis=-1)


class Stopwatch(NamedTuple):
    """Where the time of a row went."""

    compiling: float = 0.0
    living: float = 0.0
    lives: int = 0


class Arena:
    """A task and a seed, and with them the one fixed episode and birth of every life.

    Life `i` depends on the task, the seed and `i` alone: not on who else lives it, nor
    on how many lives share a block.

    Args:
        task: where episodes come from.
        seed: of episodes and births.
        block: most lives in a block; by default what fits the machine.
    """

    def __init__(self, task: AbstractTask, seed: int, block: int | None = None):
        self.task = task
        self.root = jax.random.key(seed)
        self.block = block
        self.stopwatch = Stopwatch()
        self._programs = {}
        self._sample = eqx.filter_jit(_sample)
        self._kept: dict[int, tuple[Episode, Key]] = {}

    def live(
        self, learners: Sequence[Learner], lives: Sequence[int], tuning: bool = False
    ) -> Outcome:
        """Let every learner live every life.

        Learners must differ in array leaves only. Blocks run on as many threads as the
        CPU has cores, for one life's small steps keep only one core busy. While `tuning`,
        all blocks have one shape, so that all calls share one compilation.
        """
        together = VALUES if tuning else len(learners)
        size = self._lives_per_block(learners[0], together, len(lives), tuning)
        groups = [learners[i : i + together] for i in range(0, len(learners), together)]
        spans = [lives[i : i + size] for i in range(0, len(lives), size)]
        stacked = [_stack(_padded(group, together)) for group in groups]
        program = self._program(stacked[0], together, size)

        def run(job) -> Outcome:
            group, span = job
            answers = jax.device_get(program(group, *self._experience(_padded(span, size))))
            correct, *rest = (part[:, : len(span)] for part in answers)
            return Outcome(np.asarray(counted(correct, self.task)), *rest)

        begun = time.perf_counter()
        with ThreadPoolExecutor(threads()) as pool:
            blocks = list(pool.map(run, [(group, span) for group in stacked for span in spans]))
        self._count(time.perf_counter() - begun, len(learners) * len(lives))
        rows = [_joined(blocks[i : i + len(spans)], 1) for i in range(0, len(blocks), len(spans))]
        return Outcome(*(part[: len(learners)] for part in _joined(rows, 0)))

    def prepare(self, learners: Sequence[Learner]) -> None:
        """Compile for tuning what these learners need, on all cores at once."""
        forms = {_form(stacked): stacked for stacked in (_stack([x] * VALUES) for x in learners)}
        size = self._lives_per_block(learners[0], VALUES, 1, True)
        begun = time.perf_counter()
        with ThreadPoolExecutor(threads()) as pool:
            list(pool.map(lambda stacked: self._program(stacked, VALUES, size), forms.values()))
        spent = time.perf_counter() - begun
        self.stopwatch = self.stopwatch._replace(compiling=spent)

    def beside(self, task: AbstractTask) -> Arena:
        """The same lives of another task."""
        other = Arena(task, 0, self.block)
        other.root = self.root
        return other

    def reset(self) -> Stopwatch:
        """Read the stopwatch and start it anew; programs of the last row are dropped."""
        read, self.stopwatch, self._programs = self.stopwatch, Stopwatch(), {}
        make_room()
        return read

    def _lives_per_block(self, learner: Learner, together: int, lives: int, tuning: bool) -> int:
        kind = "cpu" if jax.default_backend() == "cpu" else "other"
        size = together * _bytes(eqx.filter_eval_shape(learner.born, self.root))
        fitting = max(1, BYTES[kind] // max(size, 1))
        most = self.block or min(fitting, LIVES[kind] * (1 if tuning else 4))
        if tuning or self.block:
            return most
        # Equal blocks, one for each thread at least, rather than one that is mostly padding.
        blocks = max(-(-lives // most), min(lives, threads()))
        return -(-lives // blocks)

    def _program(self, stacked: Learner, count: int, size: int):
        """Compiled block of `count` learners in `size` lives."""
        form = (_form(stacked), count, size)
        if form not in self._programs:
            begun = time.perf_counter()
            episodes, keys = self._experience([0] * size)
            traced = eqx.filter_jit(_block).lower(stacked, count, self.task, episodes, keys)
            program = traced.compile()
            self._programs[form] = lambda learners, episodes, keys: program(
                learners, count, self.task, episodes, keys
            )
            spent = self.stopwatch.compiling + time.perf_counter() - begun
            self.stopwatch = self.stopwatch._replace(compiling=spent)
        return self._programs[form]

    def _experience(self, lives: Sequence[int]) -> tuple[Episode, jax.Array]:
        """Episodes and keys of some lives, stacked."""
        each = [self.life(life) for life in lives]
        episodes = jax.tree.map(lambda *parts: np.stack(parts), *(episode for episode, _ in each))
        return episodes, jnp.stack([key for _, key in each])

    def life(self, life: int) -> tuple[Episode, Key]:
        """Episode and key of one life; kept while they are small, else drawn again."""
        if life in self._kept:
            return self._kept[life]
        episode, key = self._sample(self.task, self.root, jnp.asarray(life))
        episode = jax.device_get(episode)
        if (len(self._kept) + 1) * sum(part.nbytes for part in episode) <= KEPT:
            self._kept[life] = episode, key
        return episode, key

    def _count(self, seconds: float, lives: int) -> None:
        read = self.stopwatch
        self.stopwatch = read._replace(living=read.living + seconds, lives=read.lives + lives)


def _sample(task: AbstractTask, root: Key, life) -> tuple[Episode, Key]:
    """Episode of a life, and the key of birth and noise of whoever lives it."""
    episode_key, life_key = jax.random.split(jax.random.fold_in(root, life))
    return task.sample(episode_key), life_key


def _block(learners: Learner, count: int, task: AbstractTask, episodes: Episode, keys: jax.Array):
    """Outcome `[learners, lives, ...]` of one block of `count` stacked learners."""

    def one_life(episode, key):
        def one_learner(learner):
            life, state = live(learner, task, episode, key)
            return life.correct, held_out(learner, state, task, episode, key), life.exploded

        return eqx.filter_vmap(one_learner, axis_size=count)(learners)

    return jax.vmap(one_life, out_axes=1)(episodes, keys)


def held_out(learner: Learner, state, task: AbstractTask, episode: Episode, key: Key):
    """Accuracy on held-out examples; those that take several moments are lived in order.

    Args:
        learner: who answers, from `state`.
        task: whose moments the life had.
        episode: whose held-out examples are asked for.
        key: of that life; noise is drawn after its last moment.
    """
    noise = noise_at_end(key, task)
    steps = example_moments_of(task)
    if steps == 1:
        return test_accuracy(learner, state, episode, noise)
    readouts = trials(learner, state, task, episode, noise)
    return jnp.mean(right(readouts, episode.test_targets[steps - 1 :: steps]).astype(float))


def noise_at_end(key: Key, task: AbstractTask) -> Key:
    """The key of what is asked after the last moment of a life."""
    return jax.random.fold_in(key, task.moments)


def _form(learner: Learner):
    """What two learners share that can run the same program."""
    arrays, rest = eqx.partition(learner, eqx.is_array)
    shapes = tuple((a.shape, a.dtype) for a in jax.tree.leaves(arrays))
    return shapes, tuple(jax.tree.leaves(rest)), jax.tree.structure(learner)


def _stack(learners: Sequence[Learner]) -> Learner:
    """One learner whose array leaves have a leading axis."""
    parts = [eqx.partition(learner, eqx.is_array) for learner in learners]
    arrays, rests = zip(*parts, strict=True)
    if any(jax.tree.structure(a) != jax.tree.structure(arrays[0]) for a in arrays):
        raise ValueError("learners: they differ in more than array leaves; run them one by one")
    return eqx.combine(jax.tree.map(lambda *leaves: jnp.stack(leaves), *arrays), rests[0])


def _padded(items: Sequence, size: int) -> list:
    """Repeat the last item until there are `size`."""
    return list(items) + [items[-1]] * (size - len(items))


def _joined(parts: Sequence[Outcome], axis: int) -> Outcome:
    return Outcome(*(np.concatenate(same, axis=axis) for same in zip(*parts, strict=True)))


def _bytes(shapes) -> int:
    return sum(
        leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes) if hasattr(leaf, "size")
    )


def threads() -> int:
    """Blocks that run at once."""
    if jax.default_backend() != "cpu":
        return 1
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, 8)
