"""Compiled programs are kept in the user's cache folder, so that a second run starts at once.

Only commands that compile call `switch_on`; importing this file does nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

SWITCH = "METAPLAST_CACHE"
"""Environment variable: `off` for no cache at all, or the folder to use; `~` is the user's home."""
FOLDER = "JAX_COMPILATION_CACHE_DIR"
"""JAX's own variable; what it names wins over our folder."""
LEAST_SECONDS = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
"""JAX's own variable; by default programs are kept that took longer to compile than a second."""


def wanted(environment: Mapping[str, str] = os.environ) -> str | None:
    """Where compiled programs go, by the environment alone; None where they go nowhere.

    It may be an address that only JAX understands, such as `gs://...`.
    """
    chosen = environment.get(SWITCH, "").strip()
    if chosen.lower() in ("off", "no", "false", "0"):
        return None
    ours = os.path.expanduser(chosen) or _home(environment)
    return environment.get(FOLDER) or str(Path(ours) / "xla")


def switch_on() -> Path | None:
    """Tell JAX where to keep what it compiles; to be called before it compiles anything.

    Returns:
        The folder; None where there is none on this machine. A folder that cannot be written
        costs one line of warning, and the run goes on without.
    """
    import jax

    place = wanted()
    if place and "://" not in place:
        try:
            _prove_writable(Path(place))
        except OSError as fault:
            print(
                f"metaplast: warning: no compiled program is kept, for {place}: {fault.strerror}; "
                f"set {SWITCH} to a folder that you can write to, or to off",
                file=sys.stderr,
            )
            place = None
    jax.config.update("jax_enable_compilation_cache", place is not None)
    if place is None:
        return None
    jax.config.update("jax_compilation_cache_dir", place)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    if LEAST_SECONDS not in os.environ:
        # Small programs, too: a start has dozens, and reading one is ten times faster.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    return None if "://" in place else Path(place)


def _home(environment: Mapping[str, str]) -> Path:
    """The folder for what can be made again, by the convention of the platform."""
    if sys.platform == "win32":
        base = environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "metaplast"


def _prove_writable(place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=place):
        pass
