"""What a kept result depends on, as one hash: this package, what it computes with, and the input.

A result that was kept from an earlier run may only be used where nothing that made it has changed.
So the hash takes too much rather than too little, and refuses what it cannot see through.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from metaplast import kernel, own_code, own_source

PACKAGES = ("jax", "jaxlib", "equinox", "optax", "jaxtyping", "evosax", "numpy", "scipy")
"""What programs and verdicts are made with, beside the source of this package."""
OPTIONS = (
    "jax_enable_x64", "jax_default_matmul_precision", "jax_default_prng_impl",
    "jax_threefry_partitionable", "jax_numpy_dtype_promotion", "jax_numpy_rank_promotion",
    "jax_debug_nans", "jax_debug_infs", "jax_disable_jit",
)  # fmt: skip
"""Options of JAX that change what a program is."""


class Opaque(TypeError):
    """A value that cannot be fingerprinted: of a class whose source is not known."""


def fingerprint(source: str, *values: Any) -> str:
    """SHA-256 of the values, of everything that computes with them, and of this machine's kind.

    Args:
        source: hash of the source that computes, from `source_hash`; when it was read decides
            whether it is that of the loaded code (`shelf.opened`).
        values: plain values, arrays, random keys, and modules of this package or of a file of the
            user's (`own_code`); nested as they like. A text that names such a file stands for its
            source as well.

    Raises:
        Opaque: somebody else's class, whose source may change without a trace here.
    """
    total = hashlib.sha256(f"{source} {_circumstances()}".encode())
    for value in values:
        feed(total, value)
    return total.hexdigest()


def source_hash() -> str:
    """SHA-256 of the source of this package, as it is on disk at this moment."""
    package = Path(__file__).parent
    files = sorted(package.rglob("*.py"))
    return _hashed(package, tuple((path, path.stat().st_mtime_ns) for path in files))


@functools.lru_cache(maxsize=1)
def _hashed(package: Path, files: tuple[tuple[Path, int], ...]) -> str:
    """Of files as they are at these times: they are read again only if one was written since."""
    total = hashlib.sha256()
    for path, _ in files:
        content = path.read_bytes()
        total.update(f"{path.relative_to(package)} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()


def _circumstances() -> str:
    facts = {
        "python": platform.python_version(),
        "machine": _machine(),
        "backend": jax.default_backend(),
        "packages": _versions(),
        "options": {name: str(getattr(jax.config, name, None)) for name in OPTIONS},
        "kernel": kernel.wanted(),
        "flags": sorted(
            (name, value)
            for name, value in os.environ.items()
            if name.startswith(("JAX_", "XLA_")) and "CACHE" not in name
        ),
    }
    return repr(facts)


@functools.cache
def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in PACKAGES}


@functools.cache
def _machine() -> str:
    """The kind of processor with its abilities: what is compiled for one may not run on another."""
    kind = f"{platform.machine()} {platform.processor()}"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()  # Linux
    except OSError:
        return kind
    return f"{kind} {sorted({line for line in lines if line.startswith(('flags', 'Features'))})}"


def feed(total, value: Any) -> None:
    """Everything about a value: its type, its parts, its bits.

    Args:
        total: a hash of `hashlib`, which takes it in.
        value: as in `fingerprint`.

    Raises:
        Opaque: somebody else's class.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        total.update(f"{type(value).__name__} {value!r}\n".encode())
        if named := own_source.reference(value):
            total.update(f"{_own(named.home, own_source.digest(named.home))}\n".encode())
    elif isinstance(value, (jax.Array, np.ndarray, np.generic)):
        _array(total, value)
    elif isinstance(value, dict):
        total.update(f"dict {len(value)}\n".encode())
        for key in sorted(value, key=repr):
            feed(total, key)
            feed(total, value[key])
    elif isinstance(value, (tuple, list)):
        total.update(f"{_name(value)} {len(value)}\n".encode())
        for part in value:
            feed(total, part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        total.update(f"{_name(value)} {len(fields)}\n".encode())
        for field in fields:
            feed(total, field.name)
            feed(total, getattr(value, field.name, None))
    else:
        raise Opaque(f"{value!r}: cannot tell whether it is the same as before")


def _array(total, array) -> None:
    weak = getattr(array, "weak_type", False)
    kind = str(array.dtype)
    if isinstance(array, jax.Array) and jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        array = jax.random.key_data(array)
    content = np.asarray(array, order="C")
    total.update(f"array {kind} {content.shape} {weak}\n".encode())
    total.update(content.tobytes())


def _name(value: Any) -> str:
    """The full name of a value's class.

    Raises:
        Opaque: it is neither plain nor ours.
    """
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if kind in (tuple, list) or _ours(kind.__module__):
        return name
    loaded = own_code.origin(kind.__module__)
    if loaded is None:
        raise Opaque(f"{name}: a class whose source is not known")
    return f"{name} {_own(*loaded)}"


def _own(home: str, digest: str) -> str:
    """Digest of the source of a user's own file or module.

    Raises:
        Opaque: it imports packages that are accounted for nowhere.
    """
    if others := own_source.unseen(home, ("metaplast", *PACKAGES)):
        raise Opaque(f"{home}: imports {', '.join(sorted(others))}, whose source is not known")
    return digest


def _ours(module: str) -> bool:
    return module.split(".")[0] == "metaplast"
