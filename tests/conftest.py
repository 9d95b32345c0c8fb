"""What every test needs: shapes checked at run time, and compiled code kept between runs."""

import os
from pathlib import Path

CACHE = Path(__file__).parent / ".jax_cache"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Most of the time goes into compiling, and little into running what was compiled.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

from jaxtyping import install_import_hook  # noqa: E402

# Before anything imports the package, so that each of its signatures is checked.
install_import_hook("metaplast", "beartype.beartype")
