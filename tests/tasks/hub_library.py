"""The library `datasets` as tests use it: without the network, and with a cache of its own.

Import this before the library, which reads both settings once.
"""

import os
import tempfile

NO_HUB = "the library `datasets` is not installed (240 MB): make test-hub"
"""Why tests of `hub` are skipped."""

_CACHE = tempfile.TemporaryDirectory(prefix="metaplast-hub-")
os.environ["HF_HOME"] = _CACHE.name
os.environ["HF_HUB_OFFLINE"] = "1"
