"""What has to be said to JAX before it is imported."""

from __future__ import annotations

import os
from pathlib import Path


def prepare() -> None:
    """Keep compiled programs in the user's cache folder, unless the user decided otherwise."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(home) / "metaplast" / "jax")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")
