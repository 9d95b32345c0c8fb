"""Events in HDF5, as DSEC, Prophesee and most converters write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metaplast.tasks.hdf5 import is_dataset, names, numbers, opened, whole

PLACES = ("events", "CD/events")
"""Where events are looked for; the second is Prophesee's."""
NAMES = {"t": ("t", "ts"), "x": ("x", "xs"), "y": ("y", "ys"), "p": ("p", "ps")}


def read_hdf5_events(path: Path, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Read one `.h5` or `.hdf5`: a group `events` of datasets `t x y p` (or `ts xs ys ps`), or a
    dataset of that name with such fields, also under `CD`.

    DSEC is compressed with blosc, which h5py alone does not read: where the package `hdf5plugin` is
    installed, it is used.

    Args:
        path: the file.
        size: height and width of the camera; not used, for `frames` looks at them.

    Returns:
        Columns `x`, rows `y`, times `t` in any unit, polarities `p` (brighter where above 0).

    Raises:
        FileNotFoundError: no such file.
        ImportError: h5py is missing.
        ValueError: no HDF5, no events, an unknown compression, a damaged file.

    References: Gehrig et al. (2021) doi:10.1109/LRA.2021.3068942 (DSEC); Prophesee, HDF5 event
    files, docs.prophesee.ai.
    """
    where = f"data = {str(path)!r}"
    with opened(path) as file:
        held = next((file[place] for place in PLACES if place in file), None)
        if held is None:
            raise ValueError(
                f"{where}: {names(file)} in it, expected a group or a dataset "
                f"{' or '.join(PLACES)}; save events so, or give an .npz of t x y p"
            )
        table = is_dataset(held)
        there = held.dtype.names or () if table else tuple(getattr(held, "keys", tuple)())
        keys = {to: next((n for n in known if n in there), "") for to, known in NAMES.items()}
        absent = [to for to, name in keys.items() if not name]
        if absent:
            raise ValueError(
                f"{where}: {held.name} has {', '.join(map(str, there)) or 'no fields'} and no "
                f"{', '.join(absent)}, expected t, x, y, p; save them under these names"
            )
        if table:
            events = whole(held, where)
            found = {to: events[name] for to, name in keys.items()}
        else:
            found = {to: numbers(held[name], where) for to, name in keys.items()}
    odd = [to for to, array in found.items() if array.ndim != 1 or array.dtype.kind not in "biuf"]
    if odd:
        raise ValueError(
            f"{where}: {', '.join(odd)} of {PLACES[0]}: expected numbers with one axis; save them "
            "so, or give an .npz of t x y p"
        )
    if len(found["t"]) == 0:
        raise ValueError(f"{where}: no events, expected one or more; remove the file")
    return found
