"""What works on this machine, as plain facts."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from metaplast import __version__, compile_cache, kernel, own_code

NEEDED = (
    "jax", "jaxlib", "equinox", "optax", "jaxtyping", "evosax", "tyro", "rich", "safetensors",
    "flatbuffers",
    "scikit-learn", "mnist1d", "plotly", "numpy",
)  # fmt: skip
DATA = "METAPLAST_DATA"


def examine() -> dict[str, Any]:
    """Versions, machine, devices, data and extras. Imports JAX to ask for its devices."""
    return {
        "metaplast": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "versions": {name: _version(name) for name in NEEDED},
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gib": _memory(),
        "devices": _devices(),
        "kernel": _kernel(),
        "compile_cache": _cache(),
        "bundled_data": {name: _bundled(name) for name in ("digits", "mnist1d")},
        "data_folder": _data_folder(),
        "extras": _extras(),
    }


def text(facts: dict[str, Any]) -> str:
    """The facts, for people."""
    versions = "  ".join(
        f"{name} {found or 'MISSING'}" for name, found in facts["versions"].items()
    )
    memory = f"{facts['memory_gib']} GiB" if facts["memory_gib"] else "memory unknown"
    lines = [
        f"metaplast {facts['metaplast']}   Python {facts['python']}   {facts['platform']}",
        f"machine   {facts['cores']} cores, {memory}",
        f"devices   {', '.join(facts['devices'])}",
        f"versions  {versions}",
    ]
    lines.append(f"kernel    {facts['kernel']['said']}")
    lines.append(f"cache     {facts['compile_cache']['said']}")
    for name, found in facts["bundled_data"].items():
        lines.append(f"data      {name}: {found}")
    folder = facts["data_folder"]
    lines.append(f"data      {DATA}: {folder['said']}")
    for extra in facts["extras"]:
        state = "complete" if not extra["missing"] else f"missing {', '.join(extra['missing'])}"
        install = f"   install: {extra['install']}" if extra["missing"] else ""
        lines.append(f"extra     {extra['name']}: {state}{install}")
    return "\n".join(lines)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None


def _devices() -> list[str]:
    try:
        import jax

        return [f"{device.platform}:{device.id} ({device.device_kind})" for device in jax.devices()]
    except Exception as fault:  # a broken accelerator driver must not break the diagnosis
        return [f"JAX finds none: {own_code.told(fault)}"]


def _kernel() -> dict[str, Any]:
    """What changes the weights of fast plastic layers here."""
    try:
        wanted = kernel.wanted()
    except ValueError as fault:
        return {"wanted": None, "used": None, "said": str(fault)}
    if wanted == kernel.PLAIN:
        said = f"plain; {kernel.SWITCH}={kernel.PALLAS} asks for the one for NVIDIA GPUs"
        return {"wanted": wanted, "used": kernel.PLAIN, "said": said}
    if any("nvidia" in device.lower() for device in _devices()):
        return {"wanted": wanted, "used": wanted, "said": f"pallas, for {kernel.SWITCH} says so"}
    said = f"plain, though {kernel.SWITCH}={wanted}: JAX finds no NVIDIA GPU"
    return {"wanted": wanted, "used": kernel.PLAIN, "said": said}


def _cache() -> dict[str, Any]:
    """Where compiled programs are kept, and how to be rid of them."""
    place = compile_cache.wanted()
    if place is None:
        return {"path": None, "mib": 0.0, "said": f"off, for {compile_cache.SWITCH} says so"}
    files = [p for p in Path(place).rglob("*") if p.is_file()]
    mib = round(sum(p.stat().st_size for p in files) / 2**20, 1)
    said = (
        f"{place}: {mib} MiB; speeds up what was compiled before, and may be deleted at any time; "
        f"{compile_cache.SWITCH}=off does without"
    )
    return {"path": place, "mib": mib, "said": said}


def _bundled(name: str) -> str:
    """Load a bundled data set for real, and say what came."""
    try:
        from metaplast.tasks import named

        task = named(name, moments=10)
        return f"loads, {task.inputs} inputs, {task.classes} classes"
    except Exception as fault:  # whatever it is, it is the finding
        return f"does not load: {own_code.told(fault)}"


def _data_folder() -> dict[str, Any]:
    folder = os.environ.get(DATA)
    if not folder:
        said = "not set; a folder of .npz files or IDX folders makes them known by name"
        return {"path": None, "files": [], "said": said}
    path = Path(os.path.expanduser(folder))
    if not path.is_dir():
        return {"path": folder, "files": [], "said": f"{folder} is no folder; correct {DATA}"}
    files = sorted(p.name for p in path.iterdir() if p.suffix == ".npz" or _holds_idx(p))
    return {
        "path": folder,
        "files": files,
        "said": f"{folder} holds {', '.join(files) or 'no data set'}",
    }


def _holds_idx(path: Path) -> bool:
    return path.is_dir() and any("ubyte" in p.name for p in path.iterdir())


APART = {
    "brian2": "make test-brian2 (in an environment of its own, for it needs another NumPy)",
    "spiking-peers": "make spiking-peers (in environments of their own, for they need another "
    "PyTorch and another NumPy)",
}
"""Extras that do not fit beside the others, and what brings them in a clone of the project."""


def _extras() -> list[dict[str, Any]]:
    """Every optional extra of the distribution, what it lacks here, and how to get it."""
    wanted: dict[str, list[str]] = {}
    for requirement in metadata.requires("metaplast") or [] if _version("metaplast") else []:
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", requirement)
        if extra:
            name = re.match(r"[\w.-]+", requirement)
            wanted.setdefault(extra[1], []).append(name[0] if name else requirement)
    found = []
    for extra, packages in wanted.items():
        missing = [p for p in packages if _version(p) is None]
        apart = APART.get(extra)
        if extra == "brian2" and Path(os.environ.get("BRIAN2_PYTHON", " ")).is_file():
            missing = []  # the Python that its test runs
        install = f"{sys.executable} -m pip install 'metaplast[{extra}]'"
        found.append({
            "name": extra,
            "packages": packages,
            "missing": missing,
            "install": apart or install,
        })  # fmt: skip
    browser = next((p for p in ("/usr/bin/chromium",) if Path(p).exists()), None)
    found.append({
        "name": "browser test of the report",
        "packages": ["playwright", "chromium"],
        "missing": [n for n, there in (
            ("playwright", importlib.util.find_spec("playwright") is not None),
            ("chromium", browser is not None),
        ) if not there],
        "install": f"{sys.executable} -m pip install playwright && apt-get install chromium",
    })  # fmt: skip
    return found
