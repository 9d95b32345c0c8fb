"""Pictures from files, through Pillow, which is optional."""

from __future__ import annotations

import importlib
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
_ALPHA = ("LA", "PA", "RGBA", "RGBa")


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

    See `upright` and `pixels` for how it is read and what becomes of its values.

    Args:
        path: a file that Pillow reads.
        size: new height and width in pixels.
        color: red, green and blue, or one channel of grey.

    Raises:
        ImportError: Pillow is missing.
        ValueError: no picture, one that is too large, or values of an unknown range.
    """
    where = f"data = {str(path)!r}"
    return pixels(upright(path, where), size, color, where)


def upright(path: Path, where: str) -> Any:
    """A picture of Pillow, turned the way up that its EXIF says; of several in a file the first.

    Args:
        path: a file that Pillow reads.
        where: what messages begin with.

    Raises:
        ImportError: Pillow is missing.
        ValueError: no picture, or one of more pixels than Pillow deems safe.
    """
    library = pillow(str(path))
    turn = importlib.import_module("PIL.ImageOps").exif_transpose
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about tags that nobody reads here
            warnings.simplefilter("error", library.DecompressionBombWarning)
            # Of a path, Pillow would map some files into memory, and garble those that lie.
            with open(path, "rb") as file, library.open(file) as image:
                image.load()
                turn(image, in_place=True)
                return image
    except (library.DecompressionBombError, library.DecompressionBombWarning) as fault:
        raise ValueError(
            f"{where}: too large ({str(fault).split(',')[0]}), expected "
            f"{library.MAX_IMAGE_PIXELS} pixels or fewer; shrink it"
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as fault:
        raise ValueError(
            f"{where}: no picture that can be read ({type(fault).__name__}); remove or repair it"
        ) from None


def pixels(image: Any, size: tuple[int, int], color: bool, where: str) -> np.ndarray:
    """The pixels `[height, width, channels]` of a picture in [0, 1], brought to `size`.

    8 bits are divided by 255 and 16 bits by 65535; floats stay as they are. What is transparent
    is laid on white, as a page shows it.

    Args:
        image: of Pillow, in any mode.
        size: new height and width in pixels.
        color: red, green and blue, or one channel of grey.
        where: what messages begin with.

    Raises:
        ValueError: integers of more than 16 bits, floats outside of [0, 1], colors of a kind that
            Pillow does not turn into red, green and blue.
    """
    library = pillow(where)
    deep = image.mode[0] in "IF"  # more than 8 bits, which `convert` would cut off
    shown = _grey(image, where) if deep else _shallow(image, "RGB" if color else "L", where)
    if shown.size != size[::-1]:
        shown = shown.resize(size[::-1], library.Resampling.BILINEAR)
    values = np.asarray(shown, np.float32)
    if not deep:
        return (values / np.float32(255)).reshape(*size, -1)
    return np.repeat(values.clip(0, 1)[..., None], 3 if color else 1, axis=-1)


def _shallow(image: Any, mode: str, where: str) -> Any:
    """A picture of 8 bits in another mode."""
    try:
        return _on_white(image).convert(mode)
    except ValueError as fault:
        raise ValueError(
            f"{where}: colors of the mode {image.mode} ({fault}), expected RGB or grey; save it so"
        ) from None


def _on_white(image: Any) -> Any:
    """The same picture where nothing of it is transparent."""
    if image.mode not in _ALPHA and "transparency" not in image.info:
        return image
    shown = image.convert("RGBA")
    library = pillow("pictures")
    return library.alpha_composite(library.new("RGBA", shown.size, "white"), shown)


def _grey(image: Any, where: str) -> Any:
    """A picture of 16 bits or of floats as one of floats in [0, 1]."""
    values = np.asarray(image)
    low, high = values.min(), values.max()
    if image.mode == "F" and not (low >= 0 and high <= 1):
        raise ValueError(
            f"{where}: floats from {low:g} to {high:g}, expected 0 to 1; scale them so"
        )
    # Pillow holds 16 bits of some formats in 32, and nothing else of these.
    if image.mode == "I" and image.format not in ("PNG", "PPM"):
        raise ValueError(
            f"{where}: signed or 32-bit integers from {low} to {high}, expected 8 or 16 bits, or "
            "floats in [0, 1]; save it so"
        )
    largest = np.float32(1 if image.mode == "F" else 65535)
    return pillow("pictures").fromarray(values.astype(np.float32) / largest)
