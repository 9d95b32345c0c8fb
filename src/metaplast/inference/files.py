"""Recordings on disk: one .npz, whose arrays are named after populations and projections."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.circuits import Circuit
from metaplast.inference.recording import Recordings
from metaplast.inference.trajectory import Trajectory
from metaplast.network import NetworkState, PlasticNetwork
from metaplast.spec import near
from metaplast.tasks.stored import stored

STIMULI, TARGETS = "stimuli", "targets"
BORN, ACTIVITY, WEIGHTS = "born/", "activity/", "weights/"
AXES = {
    STIMULI: "[recordings, moments, inputs]",
    TARGETS: "[recordings, moments]",
    BORN: "[recordings, post, pre]",
    ACTIVITY: "[recordings, moments, cells]",
    WEIGHTS: "[recordings, moments, post, pre]",
}
"""What an array holds, by its name or by what its name begins with."""


def save(path: str | Path, recordings: Recordings) -> None:
    """Write recordings to an `.npz`, for `load`; a file of that name is replaced.

    The arrays, `R` recordings of `M` moments:

    - `stimuli` `[R, M, inputs]`, `targets` `[R, M]`;
    - `born/PROJECTION` `[R, post, pre]`, weights at the beginning, for every projection that has
      weights (a sparse or local one: `[R, post, fan_in]`);
    - `activity/POPULATION` `[R, M, cells]` and `weights/PROJECTION` `[R, M, post, pre]`, after each
      moment, for those that were recorded.

    States of cells and memories of synapses at birth are not written: see `load`.

    Raises:
        OSError: a place that cannot be written.
    """
    arrays = {STIMULI: recordings.stimuli, TARGETS: recordings.targets}
    for prefix, named in (
        (BORN, recordings.born.weights),
        (ACTIVITY, recordings.seen.activity),
        (WEIGHTS, recordings.seen.weights),
    ):
        arrays |= {prefix + name: value for name, value in named.items()}
    with open(path, "wb") as file:  # NumPy would add a suffix to a path that has none
        np.savez(file, **{name: np.asarray(value) for name, value in arrays.items()})  # type: ignore


def load(path: str | Path, network: PlasticNetwork) -> Recordings:
    """Read recordings of a network from an `.npz` with the arrays that `save` lists.

    `targets` may be absent, and are zeros then: right where neither cells nor synapses listen to a
    teacher. What cells and synapses know at birth beside the weights is not in the file: they begin
    as a newborn of `network` does, at rest and without memories.

    Args:
        path: the file. Nothing in it can run code: pickled objects are refused.
        network: whose populations and projections the arrays are named after.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no `.npz`, arrays that are missing, that the circuit has no place for or that
            have another shape, numbers that are not finite, targets that are no class, nothing
            recorded. One line.
    """
    arrays = stored(Path(path), argument="recordings")
    try:
        _check_names(arrays, network.circuit)
        _check_shapes(arrays, network.circuit)
        return _recordings(arrays, network)
    except _Refused as fault:
        raise ValueError(f"recordings = {str(path)!r}: {fault}") from None


class _Refused(Exception):
    """What is wrong with a file, without its name."""


def _shapes(circuit: Circuit, count: int = 1, moments: int = 1) -> dict[str, tuple[int, ...]]:
    """All arrays that a file about a circuit may hold."""
    shapes: dict[str, tuple[int, ...]] = {
        STIMULI: (count, moments, circuit.input.size),
        TARGETS: (count, moments),
    }
    for p in circuit.populations:
        shapes[ACTIVITY + p.name] = (count, moments, p.size)
    for q in circuit.weighted:
        shapes[BORN + q.name] = (count, *circuit.shape(q))
        shapes[WEIGHTS + q.name] = (count, moments, *circuit.shape(q))
    return shapes


def _axes(name: str) -> str:
    return AXES[name if name in AXES else name.partition("/")[0] + "/"]


def _check_names(arrays: dict[str, np.ndarray], circuit: Circuit) -> None:
    known = _shapes(circuit)
    for name in arrays:
        if name not in known:
            raise _Refused(_unknown(name, known))
    for name in known:
        if name not in arrays and (name == STIMULI or name.startswith(BORN)):
            raise _Refused(f"no array {name!r}, expected {_axes(name)}; save it under that name")
    if not any(name.startswith((ACTIVITY, WEIGHTS)) for name in arrays):
        raise _Refused(
            "nothing was recorded, expected activity/POPULATION, weights/PROJECTION or both; "
            f"save {ACTIVITY + circuit.output.name!r} {AXES[ACTIVITY]}, for one"
        )


def _unknown(name: str, known: dict[str, tuple[int, ...]]) -> str:
    prefix, slash, rest = name.partition("/")
    if prefix + slash not in AXES or not slash:
        return f"array {name!r}: unknown; {near(name, known)}"
    what = "population" if prefix + slash == ACTIVITY else "projection with weights"
    there = [k.removeprefix(prefix + slash) for k in known if k.startswith(prefix + slash)]
    return f"array {name!r}: the circuit has no {what} {rest!r}; {near(rest, there)}"


def _check_shapes(arrays: dict[str, np.ndarray], circuit: Circuit) -> None:
    stimuli = arrays[STIMULI]
    if stimuli.ndim != len(AXES[STIMULI].split(",")) or not stimuli.size:
        raise _Refused(
            f"array {STIMULI!r}: shape {stimuli.shape}, expected {AXES[STIMULI]}, none of them 0; "
            "give an axis of recordings to a single one, too"
        )
    wanted = _shapes(circuit, *stimuli.shape[:2])
    for name, array in arrays.items():
        if array.shape != wanted[name]:
            raise _Refused(
                f"array {name!r}: shape {array.shape}, expected {wanted[name]} {_axes(name)}; save "
                f"it so, change {STIMULI!r}, or describe another network"
            )
        if not np.isfinite(_single(array)).all():
            raise _Refused(
                f"array {name!r}: {_first_bad(array)} is not finite in single precision, expected "
                "numbers; leave that recording out"
            )


def _single(array: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused as such
        return array.astype(np.float32)


def _first_bad(array: np.ndarray) -> str:
    place = np.argwhere(~np.isfinite(_single(array)))[0]
    return f"{array[tuple(place)]} at {place.tolist()}"


def _recordings(arrays: dict[str, np.ndarray], network: PlasticNetwork) -> Recordings:
    count, moments, _ = arrays[STIMULI].shape

    def under(prefix: str):
        names = (name for name in arrays if name.startswith(prefix))
        return {name.removeprefix(prefix): jnp.asarray(_single(arrays[name])) for name in names}

    newborn = network.born(jax.random.key(0))  # the key is for weights alone, which we have
    cells, memory = jax.tree.map(
        lambda leaf: jnp.broadcast_to(leaf, (count, *jnp.shape(leaf))),
        (newborn.cells, newborn.memory),
    )
    taught = arrays.get(TARGETS, np.zeros((count, moments), int))
    targets = _whole(taught, network.circuit.output.size)
    return Recordings(
        NetworkState(cells, under(BORN), memory), jnp.asarray(_single(arrays[STIMULI])), targets,
        Trajectory(under(ACTIVITY), under(WEIGHTS)),
    )  # fmt: skip


def _whole(targets: np.ndarray, classes: int):
    with np.errstate(invalid="ignore"):  # what is too large becomes another number, and is refused
        whole = targets.astype(np.int32)
    if (whole != targets).any():
        wrong = targets[whole != targets][0]
        raise _Refused(
            f"array {TARGETS!r}: {wrong}, expected whole numbers; number what the task taught from "
            "0 on"
        )
    if (strange := whole[(whole < 0) | (whole >= classes)]).size:
        raise _Refused(
            f"array {TARGETS!r}: {strange[0]}, expected 0 to {classes - 1}, for the network has "
            f"{classes} output cells; number what the task taught from 0 on"
        )
    return jnp.asarray(whole)
