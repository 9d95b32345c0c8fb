"""That two programs do the same, asserted before they are timed."""

from __future__ import annotations

import numpy as np

NEAR = 1e-3
"""Largest relative distance at which two programs count as the same."""


def agreement(name: str, reference, other) -> float:
    """Distance of two arrays relative to the length of the first, which has to be small.

    Raises:
        AssertionError: they differ; or the comparison would show nothing, because the reference
            is zero, not finite, or so uniform that exchanging its entries would pass as well.
    """
    reference, other = np.asarray(reference, float), np.asarray(other, float)
    assert reference.shape == other.shape, f"{name}: {reference.shape} against {other.shape}"
    length = np.linalg.norm(reference)
    assert np.isfinite(length) and length > 0, f"{name}: a reference of length {length}"
    exchanged = np.roll(reference.ravel(), 1).reshape(reference.shape)
    control = float(np.linalg.norm(reference - exchanged) / length)
    assert control > 10 * NEAR, f"{name}: exchanged entries differ by {control:.1e} only"
    differs = float(np.linalg.norm(reference - other) / length)
    assert differs < NEAR, f"{name}: differs by {differs:.1e} of its length"
    return differs
