"""Pictures from files, through Pillow, which is optional."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")


def pillow(reader: str):
    """Pillow's `Image` module.

    Args:
        reader: who needs it, for the message.

    Raises:
        ImportError: where Pillow is not installed.
    """
    try:
        return importlib.import_module("PIL.Image")
    except ImportError:
        raise ImportError(
            f"{reader}: needs Pillow, which is not installed; "
            "try: python -m pip install 'metaplast[data]'"
        ) from None


def picture(path: Path, size: tuple[int, int], color: bool) -> np.ndarray:
    """One picture `[height, width, channels]` in [0, 1], squeezed or stretched to `size`.

    Args:
        path: a file that Pillow reads.
        size: new height and width in pixels.
        color: red, green and blue, or one channel of grey.

    Raises:
        ImportError: Pillow is missing.
        ValueError: no picture.
    """
    image = pillow(str(path))
    try:
        with image.open(path) as opened:
            shown = opened.convert("RGB" if color else "L")
            if shown.size != size[::-1]:
                shown = shown.resize(size[::-1], image.Resampling.BILINEAR)
            pixels = np.asarray(shown, np.float32) / np.float32(255)
    except (OSError, SyntaxError, ValueError) as fault:
        raise ValueError(
            f"data = {str(path)!r}: no picture that can be read ({type(fault).__name__}); "
            "remove or repair it"
        ) from None
    return pixels.reshape(*size, -1)
