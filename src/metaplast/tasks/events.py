"""Events of a camera that reports changes, counted in frames."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Integer


def frames(
    x: Integer[np.ndarray, " events"],
    y: Integer[np.ndarray, " events"],
    t: np.ndarray,
    p: np.ndarray,
    size: tuple[int, int],
    bins: int,
) -> Float[np.ndarray, "bins polarities height width"]:
    """How many events each pixel reported in each of `bins` equal spans of the recording.

    Args:
        x, y: column and row `[events]`, from 0.
        t: times `[events]` in any unit and order; the first and the last are the recording's.
        p: polarity `[events]`: brighter where above 0, else darker (0 or -1).
        size: height and width of the camera in pixels.
        bins: frames of the recording.

    Returns:
        Counts; darker is polarity 0, brighter is polarity 1.

    Raises:
        ValueError: lengths that differ, pixels outside of the camera, times or polarities that
            are not finite: they would be counted in the first bin, or as darker.
    """
    lengths = {len(x), len(y), len(t), len(p)}
    if len(lengths) != 1:
        raise ValueError(
            f"x, y, t, p: {len(x)}, {len(y)}, {len(t)}, {len(p)} events, expected as many of each; "
            "give the four of the same events"
        )
    if len(x) == 0:
        return np.zeros((bins, 2, *size), np.float32)
    if min(x.min(), y.min()) < 0 or y.max() >= size[0] or x.max() >= size[1]:
        raise ValueError(
            f"x, y: from ({x.min()}, {y.min()}) to ({x.max()}, {y.max()}), expected 0 to less than "
            f"{size[1]} and {size[0]}; give the size of the camera"
        )
    for field, name in ((t, "t"), (p, "p")):
        finite = np.isfinite(field)
        if not finite.all():
            at = int(np.argmin(finite))
            raise ValueError(
                f"{name}: {field[at]} at event {at}, expected finite numbers; repair or remove it"
            )
    t = np.asarray(t, np.float64) - np.min(t)
    when = np.minimum((t / max(t.max(), 1e-30) * bins).astype(np.int64), bins - 1)
    brighter = (np.asarray(p) > 0).astype(np.int64)
    place = ((when * 2 + brighter) * size[0] + y.astype(np.int64)) * size[1] + x
    counts = np.bincount(place, minlength=bins * 2 * size[0] * size[1])
    return counts.reshape(bins, 2, *size).astype(np.float32)
