"""How a command ends: bad input is one line and exit code 2; a bug keeps its traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

UNMET, BAD_INPUT, STOPPED = 1, 2, 130
EXHAUSTED = "RESOURCE_EXHAUSTED"
"""What XLA says when it gets no memory."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says when a file has no room: on the disk, or for its owner."""
ROOM = "free some room there, or raise the limit, and give the command again"
TOLD = 200
"""Characters of a message of somebody else's that are passed on."""


class Stopped(Exception):
    """The user asked to stop, and everything is saved; the text says how to go on."""


class Unmet(Exception):
    """All is done and printed, but a constraint that was demanded is violated."""


class Code:
    """The exit code, filled in when the block ends."""

    value = 0


@contextlib.contextmanager
def reported() -> Iterator[Code]:
    """Turn what goes wrong inside into a line on standard error and an exit code."""
    code = Code()
    try:
        yield code
    except Stopped as stop:
        print(stop, file=sys.stderr)
        code.value = STOPPED
    except Unmet as demand:
        print(f"metaplast: {demand}", file=sys.stderr)
        code.value = UNMET
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        code.value = STOPPED
    except BrokenPipeError:
        # The reader of our output is gone, `| head` for one: nothing left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (MemoryError, RuntimeError) as fault:
        if not (isinstance(fault, MemoryError) or EXHAUSTED in str(fault)):
            raise
        told = _line(fault)[:TOLD] or "nobody says what for"
        print(
            f"metaplast: error: out of memory ({told}); give fewer or shorter lives, a smaller "
            "population, or smaller layers",
            file=sys.stderr,
        )
        code.value = BAD_INPUT
    except (ValueError, OSError) as fault:
        if not _expected(fault):
            raise
        print(f"metaplast: error: {_line(fault)}", file=sys.stderr)
        code.value = BAD_INPUT


def _expected(fault: BaseException) -> bool:
    """Whether we refused something on purpose: a `raise` of ours. All else is a bug.

    JAX hides its own frames, so that the last frame is ours does not say that much.
    """
    if isinstance(fault, OSError):
        return True
    last = traceback.extract_tb(fault.__traceback__)[-1]
    ours = Path(last.filename).resolve().is_relative_to(Path(__file__).resolve().parents[1])
    return ours and (last.line or "").startswith("raise")


def _line(fault: BaseException) -> str:
    if isinstance(fault, OSError) and fault.strerror:
        name = f"{fault.filename}: " if fault.filename else ""
        full = f"; {ROOM}" if fault.errno in FULL else ""
        return f"{name}{fault.strerror}{full}"
    return " ".join(str(fault).split())
