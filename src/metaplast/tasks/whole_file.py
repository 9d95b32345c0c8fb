"""The bytes of a file of the user's; what keeps them from being read is one line."""

from __future__ import annotations

from pathlib import Path


def whole_file(path: Path, argument: str = "data") -> bytes:
    """All bytes of a file.

    Args:
        path: the file.
        argument: whose value the path is, for messages.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a folder, or a file that may not be read.
    """
    where = f"{argument} = {str(path)!r}"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{where}: no such file; check the path") from None
    except OSError as fault:
        raise ValueError(
            f"{where}: {fault.strerror}, expected a file that may be read; check its rights"
        ) from None
