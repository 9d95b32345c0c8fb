"""The file of a found rule, without JAX: numbers and plain text, never code.

A rule is one safetensors file. Its tensors are the array leaves of the genome; its
header carries one JSON text, the manifest: format, name, spec, versions, seed and a
SHA-256 of everything else. Reading one parses JSON and copies numbers. (`store.load` builds
its parts, and for that alone runs code: this package's, or, where the spec says so, that of a
file of the user's.)
"""

from __future__ import annotations

import hashlib
import json
import os
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from metaplast import hint
from metaplast.spec import near

FORMAT = 1
RULE = "rule.safetensors"
"""Its name in a run folder."""
START = "start.safetensors"
"""The rule at which a search began; a comparison shows what the search added to it."""
KEY = "metaplast"
LARGEST_HEADER = 100_000_000
LARGEST_FILE = 2_000_000_000
TYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "U16": "uint16", "I16": "int16",
    "U32": "uint32", "I32": "int32", "U64": "uint64", "I64": "int64",
    "F16": "float16", "F32": "float32", "F64": "float64",
}  # fmt: skip


class StoreError(ValueError):
    """A file that cannot be used; the text is one line and says what to do."""


class Contents(NamedTuple):
    """What a tensor file holds."""

    manifest: dict[str, Any]
    tensors: dict[str, Any]
    """NumPy arrays by name."""


def write(path: Path, tensors: dict[str, Any], manifest: dict[str, Any]) -> str:
    """Write a tensor file aside, force it to the disk, and rename it into place.

    Args:
        path: where; an existing file is replaced, whole or not at all.
        tensors: NumPy arrays by name.
        manifest: plain JSON values; `format` and `hash` are added.

    Returns:
        The hash.
    """
    from safetensors.numpy import save

    manifest = {"format": FORMAT, **manifest}
    manifest["hash"] = digest(tensors, manifest)
    replace(path, save(tensors, {KEY: json.dumps(manifest, sort_keys=True)}))
    return manifest["hash"]


def read(path: Path) -> Contents:
    """Read and verify a tensor file.

    Raises:
        StoreError: absent, no safetensors file, damaged, not ours, or from a newer format.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise StoreError(f"{path}: {path.stat().st_size} bytes are too many for a rule")
        raw = path.read_bytes()
    except OSError as fault:
        raise StoreError(f"{path}: {fault.strerror}; give the file of a found rule") from None
    header = _header(raw, path)
    manifest = _manifest(header, path)
    try:
        from safetensors.numpy import load

        tensors = load(raw)
    except Exception as fault:  # the parser's own error types differ between versions
        raise StoreError(f"{path}: damaged: {_first_line(fault)}; copy the file again") from None
    if manifest.get("hash") != digest(tensors, manifest):
        raise StoreError(
            f"{path}: damaged: the numbers do not match their hash; copy the file again"
        )
    return Contents(manifest, tensors)


def peek(path: Path) -> Contents:
    """The manifest alone, which costs little: no tensor is read, and no hash verified.

    Raises:
        StoreError: absent, no safetensors file, not ours, or from a newer format.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(8)
            raw += file.read(min(int.from_bytes(raw, "little"), LARGEST_HEADER))
    except OSError as fault:
        raise StoreError(f"{path}: {fault.strerror}; give the file of a found rule") from None
    return Contents(_manifest(_header(raw, path), path), {})


def digest(tensors: dict[str, Any], manifest: dict[str, Any]) -> str:
    """SHA-256 of names, types, shapes and bits of all tensors, and of the manifest."""
    told = {k: v for k, v in manifest.items() if k != "hash"}
    total = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name in sorted(tensors):
        array = tensors[name]
        total.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def replace(path: Path, content: bytes) -> None:
    """Put `content` at `path`, so that a reader, or a crash, sees the old file or the new one.

    Raises:
        OSError: it cannot be written; names `path`.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(aside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as fault:  # a full disk does not say which file it has no room for
        raise OSError(fault.errno, fault.strerror, str(path)) from fault
    finally:
        aside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _header(raw: bytes, path: Path) -> dict[str, Any]:
    remedy = "expected the safetensors file of a found rule (no pickle is ever read)"
    length = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or length > min(len(raw) - 8, LARGEST_HEADER):
        raise StoreError(f"{path}: not a safetensors file; {remedy}")
    try:
        header = json.loads(raw[8 : 8 + length])
    except (ValueError, RecursionError):
        raise StoreError(f"{path}: not a safetensors file; {remedy}") from None
    if not isinstance(header, dict):
        raise StoreError(f"{path}: not a safetensors file; {remedy}")
    for name, entry in header.items():
        if name != "__metadata__" and (
            not isinstance(entry, dict) or str(entry.get("dtype")) not in TYPES
        ):
            raise StoreError(f"{path}: tensor {name!r} has an unknown type; {remedy}")
    return header


def _manifest(header: dict[str, Any], path: Path) -> dict[str, Any]:
    metadata = header.get("__metadata__")
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    try:
        manifest = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict):
        raise StoreError(f"{path}: a safetensors file, but not written by metaplast")
    if manifest.get("format") != FORMAT:
        raise StoreError(
            f"{path}: format {manifest.get('format')!r}, this version reads {FORMAT}; "
            "upgrade metaplast"
        )
    return manifest


def _first_line(fault: BaseException) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0]


def locate(path_or_name: str | Path) -> Path:
    """The file that a run folder, a path or the name of a shipped rule stands for."""
    name, path = str(path_or_name), Path(path_or_name)
    if name in shipped():
        return shipped()[name]
    if path.is_dir():
        if not (path / RULE).exists():
            if not (path / "spec.toml").is_file():
                raise StoreError(
                    f"{path}: a folder without {RULE}, and no run folder, for it has no spec.toml; "
                    "give a run folder, or the file of a rule"
                )
            raise StoreError(
                f"{path}: the folder holds no {RULE} yet; continue with: {hint.resume(path)}"
            )
        return path / RULE
    if not path.exists():
        raise StoreError(
            f"{name}: no such run folder or rule file; shipped: {near(name, shipped())}"
        )
    return path


def shipped() -> dict[str, Path]:
    """The rules that come with the package, by the name `zoo/<name>`."""
    folder = Path(str(resources.files("metaplast"))) / "zoo"
    return {f"zoo/{f.stem}": f for f in sorted(folder.glob("*.safetensors"))}
