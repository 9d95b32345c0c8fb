"""Somebody's own class or function, by `FILE.py:Name` or `module:Name`.

Running a file is running its author's code; who writes the name of a file into an experiment asks
for that.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from metaplast import own_source
from metaplast.own_source import Reference, absolute, reference
from metaplast.spec import near

FORMS = '"FILE.py:Name" or "module:Name"'


class CodeError(ValueError):
    """Code of the user's that cannot be used; the text is one line with the remedy."""


class _Loaded(NamedTuple):
    """A module, and the digest of its source when it was run."""

    module: ModuleType
    home: str
    digest: str


_loaded: dict[str, _Loaded] = {}
"""By home. A file is run again only if its source, or that of a neighbor, was edited since."""


def load(text: str) -> Any:
    """What a reference names.

    Args:
        text: `FILE.py:Name`, a relative file being looked for in the current folder; or
            `module:Name`.

    Raises:
        CodeError: no such file or module, one that raises (with exception and line), or nothing of
            that name in it (with near misses).
    """
    asked = reference(text)
    if asked is None:
        raise CodeError(f"{text!r}: expected {FORMS}")
    module = _file(asked) if asked.file else _module(asked)
    missing = object()
    found = getattr(module, asked.name, missing)
    if found is missing:
        there = [
            name for name, item in vars(module).items()
            if callable(item) and getattr(item, "__module__", "") == module.__name__
        ]  # fmt: skip
        raise CodeError(f"no {asked.name!r} in {asked.home}; {near(asked.name, there)}")
    return found


def origin(module: str) -> tuple[str, str] | None:
    """Home and digest of the source that a loaded class comes from.

    Args:
        module: the `__module__` of the class.

    Returns:
        None where that cannot be told: it is not part of anything that `load` ran, or its source
        was edited since.
    """
    top = module.split(".")[0]
    for loaded in _loaded.values():
        names = {loaded.module.__name__.split(".")[0]}
        if loaded.home.endswith(".py"):
            names |= own_source.neighbors(loaded.home)
        if top in names:
            now = own_source.digest(loaded.home)
            return (loaded.home, now) if now == loaded.digest else None
    return None


def told(fault: BaseException) -> str:
    """The kind of an exception and the first line of its text."""
    lines = str(fault).strip().splitlines() or [""]
    return f"{type(fault).__name__}: {lines[0].rstrip('.')}".rstrip(": ")


def form(tree: Any) -> str:
    """Structure, types and shapes of what somebody's code was given or made, such as `float32[3]`
    or `(float32[3], int32[])`: what has to stay the same from one step to the next."""
    import jax
    import jax.numpy as jnp

    leaves, structure = jax.tree.flatten(tree)
    kinds = [f"{jnp.result_type(leaf)}{list(jnp.shape(leaf))}" for leaf in leaves]
    shown = str(structure).removeprefix("PyTreeDef(").removesuffix(")")
    for kind in kinds:
        shown = shown.replace("*", kind, 1)
    return shown


def line(fault: BaseException, folder: Path | None = None) -> str:
    """The last line of the user's own code on the way to an exception, as `, at FILE:LINE`.

    Args:
        fault: the exception.
        folder: only lines of files in it count; by default all outside of installed packages.
    """
    if isinstance(fault, SyntaxError) and fault.filename:
        return f", at {fault.filename}:{fault.lineno}"
    package = Path(__file__).parent
    frames = [
        f for f in traceback.extract_tb(fault.__traceback__)
        if (Path(f.filename).is_relative_to(folder) if folder else True)
        and "site-packages" not in f.filename
        and not Path(f.filename).is_relative_to(package)
        and not f.filename.startswith("<")
    ]  # fmt: skip
    return f", at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _file(asked: Reference) -> ModuleType:
    file = absolute(asked.home)
    if not file.is_file():
        raise CodeError(
            f"no file {asked.home!r}; give its path, relative to the experiment file or to the "
            "current folder"
        )
    home = str(file)
    now = own_source.digest(home)
    known = _loaded.get(home)
    if known and known.digest == now:
        return known.module
    if known:
        _forget(own_source.neighbors(home), file.parent)
    module = _run(file)
    _check_neighbors(file)
    _loaded[home] = _Loaded(module, home, now)
    return module


def _run(file: Path) -> ModuleType:
    """A file as a module under a name of its own. Its folder is searched for what it imports
    while it is run, and not afterwards."""
    name = f"own_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise CodeError(f"{file}: not a Python file; give one whose name ends in .py")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        with _beside(file.parent):
            # Not by the loader, which takes a compiled file for a source of the same age and size.
            exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    except BaseException as fault:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        if isinstance(fault, KeyboardInterrupt):
            raise
        raise CodeError(
            f"{file} does not import: {told(fault)}{line(fault, file.parent)}"
        ) from fault
    return module


@contextlib.contextmanager
def _beside(folder: Path):
    """Modules are looked for in this folder first; what they print is no output of ours, and
    nothing is written beside them."""
    written = sys.dont_write_bytecode
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.dont_write_bytecode = written
        sys.path.remove(str(folder))


def _forget(names: set[str], folder: Path) -> None:
    """Let the neighbors of a file be imported anew."""
    for name, module in list(sys.modules.items()):
        place = getattr(module, "__file__", None)
        if name.split(".")[0] in names and place and Path(place).is_relative_to(folder):
            del sys.modules[name]


def _check_neighbors(file: Path) -> None:
    """Refuse a file that was given another module than the one that lies beside it."""
    for name in sorted(own_source.neighbors(str(file))):
        place = getattr(sys.modules.get(name), "__file__", None)
        package = file.parent / name
        if package.is_dir() and not (package / "__init__.py").exists():
            continue  # Python prefers any package that says it is one
        if place and not Path(place).is_relative_to(file.parent):
            raise CodeError(
                f"{file} imports {name}, which was loaded from {place} before, expected the one "
                "beside it; rename one of them"
            )


def _module(asked: Reference) -> ModuleType:
    if asked.home.split(".")[0] in sys.stdlib_module_names:
        raise CodeError(f"{asked.home} is a part of Python, and holds no part of a network; "
                        "give a file or a module of your own")  # fmt: skip
    now = own_source.digest(asked.home)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            module = importlib.import_module(asked.home)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as fault:
        if not (fault.name and f"{asked.home}.".startswith(f"{fault.name}.")):
            raise CodeError(f"{asked.home} does not import: {told(fault)}{line(fault)}") from fault
        file = f"{asked.home.replace('.', '/')}.py"
        meant = f"perhaps you meant {file}:{asked.name}" if Path(file).is_file() else (
            "install it, put its folder into PYTHONPATH, or give a file, FILE.py:Name"
        )  # fmt: skip
        raise CodeError(f"no module {fault.name!r}; {meant}") from None
    except BaseException as fault:
        raise CodeError(f"{asked.home} does not import: {told(fault)}{line(fault)}") from fault
    known = _loaded.setdefault(asked.home, _Loaded(module, asked.home, now))
    if known.digest != now:
        raise CodeError(
            f"{asked.home} was edited since this process imported it; start Python anew"
        )
    return module
