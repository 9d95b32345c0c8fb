"""An experiment as plain tables: read from TOML, overridden, written back.

Nothing here imports JAX; `metaplast.experiment` turns a spec into objects.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import re
import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from metaplast import toml_text
from metaplast.seeds import check_seed
from metaplast.settled import settled

TABLES = (
    "name", "seed", "hidden", "constraints", "variants",
    "anatomy", "genome", "presentation", "task", "objective", "meta", "bench",
)  # fmt: skip
ONE = ("name", "seed", "constraints", "variants", "meta", "bench")
"""Of these there is one for all variants."""
REQUIRED = ("name", "hidden", "anatomy", "genome", "task", "meta")
BENCH = {
    "data": ["digits"],
    "moments": [300],
    "lives": 16,
    "learners": [
        "backprop",
        "backprop_shortcut",
        "feedback_alignment",
        "direct_feedback_alignment",
        "readout_only",
        "frozen",
    ],
}
"""What a found rule is compared on, and with whom beside the trivial learners."""

OPEN = (["objective"], ["presentation"], ["genome", "gains"], ["genome", "rules"])
"""Tables without a type in which an override may give what the file leaves out."""

MANY = 20
"""Names that are too many to list beside near misses."""

_WORD = re.compile(r"([A-Za-z_]|/|\.\.?/)[A-Za-z0-9_./-]*(:[A-Za-z_]\w*)?\Z")
"""A bare word, a path, or a reference `FILE.py:Name`."""


class SpecError(ValueError):
    """Something is wrong with an experiment; the text is one line and names the place."""


@dataclasses.dataclass(frozen=True)
class Spec:
    """An experiment, as the plain nested table that its TOML file holds."""

    tables: dict[str, Any]
    origin: str = "spec"
    """The file it came from, for messages."""

    def __post_init__(self) -> None:
        complete = {
            "seed": 0, "constraints": [], "variants": [], "presentation": {}, "objective": {},
            **self.tables,
        }  # fmt: skip
        complete["bench"] = {**BENCH, **_table(complete, "bench", {}, self.origin)}
        _check(complete, self.origin)
        ordered = {name: copy.deepcopy(complete[name]) for name in TABLES}
        object.__setattr__(self, "tables", ordered)

    @property
    def name(self) -> str:
        return self.tables["name"]

    @property
    def seed(self) -> int:
        return self.tables["seed"]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Cells in each hidden layer."""
        return tuple(self.tables["hidden"])

    def __getitem__(self, name: str) -> Any:
        return self.tables[name]


def load(path_or_name: str | Path) -> Spec:
    """Read an experiment: the path of a TOML file, or the name of a built-in one.

    Files that it names are looked for in its own folder, else in the current one, and their paths
    made absolute (`settled`).

    Raises:
        SpecError: the file is absent, is no TOML, or lacks a table.
    """
    text, origin = _text(path_or_name)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise SpecError(f"{origin}: not valid TOML: {fault}") from None
    if origin not in builtin():
        tables = settled(tables, [Path(origin).parent, Path()])
    return Spec(tables, origin)


def settle(spec: Spec) -> Spec:
    """A spec that means the same from any folder: files of the current one by their whole path."""
    return Spec(settled(spec.tables, [Path()]), spec.origin)


def builtin() -> list[str]:
    """Names of the experiments that come with the package."""
    folder = resources.files("metaplast") / "experiments"
    return sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml"))


def dump(spec: Spec) -> str:
    """The complete, re-runnable TOML text of an experiment."""
    return toml_text.dumps(spec.tables)


def with_overrides(spec: Spec, overrides: Iterable[str]) -> Spec:
    """A spec with values replaced: each override reads `dotted.path=value`, value as TOML.

    A bare word is taken as text, for shells eat quotes; files are looked for in the current folder
    first; a number in the path is a
    position in a list. Options that the file leaves out may be given where their table
    has a `type`, whose constructor judges them later, and in the tables of `OPEN`.

    Raises:
        SpecError: no such path, or a value that is not TOML.
    """
    tables = copy.deepcopy(spec.tables)
    for override in overrides:
        path, equals, text = override.partition("=")
        if not (equals and path.strip() and text.strip()):
            raise SpecError(f"--set {override}: expected path=value, such as meta.steps=500")
        steps, folders = path.strip().split("."), [Path(), Path(spec.origin).parent]
        new = settled(_parse(text.strip(), override), folders, steps[-1])
        _put(tables, steps, new, override)
    return Spec(tables, spec.origin)


def variants(spec: Spec) -> list[Spec]:
    """The specs of all variants of an experiment: its own tables, with theirs merged into them. A
    table that has a `type` takes the place of the other.

    Raises:
        SpecError: what a variant says cannot be part of a spec.
    """

    def merged(old: Any, new: Any) -> Any:
        if not (isinstance(old, dict) and isinstance(new, dict)) or "type" in new:
            return copy.deepcopy(new)
        return old | {name: merged(old.get(name), value) for name, value in new.items()}

    plain = {**spec.tables, "variants": []}
    return [
        Spec(merged(plain, other), f"{spec.origin}: variants.{place}")
        for place, other in enumerate(spec["variants"])
    ]


def near(name: str, valid: Iterable[str]) -> str:
    """The tail of a message about an unknown name: near misses, and what there is, if few."""
    valid = sorted(valid)
    folded = {v.lower(): v for v in valid}
    close = [folded[c] for c in difflib.get_close_matches(name.lower(), folded, 3, 0.5)]
    meant = f"perhaps you meant {' or '.join(close)}; " if close else ""
    if close and len(valid) > MANY:
        return meant.removesuffix("; ")
    return f"{meant}there is {', '.join(valid) or 'none'}"


def _text(path_or_name: str | Path) -> tuple[str, str]:
    name, path = str(path_or_name), Path(path_or_name)
    if name in builtin():
        return (resources.files("metaplast") / "experiments" / f"{name}.toml").read_text(), name
    if not name.endswith(".toml") and not path.exists():
        raise SpecError(
            f"experiment = {name!r}: neither a TOML file nor a built-in experiment; "
            f"{near(name, builtin())}"
        )
    try:
        return path.read_text(encoding="utf-8"), name
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "not UTF-8 text"
        raise SpecError(f"experiment = {name!r}: {reason}; give the path of a TOML file") from None


def _table(tables: dict, name: str, default: Any, origin: str) -> dict:
    found = tables.get(name, default)
    if not isinstance(found, dict):
        raise SpecError(f"{origin}: {name} = {found!r}: expected a table [{name}]")
    return found


def _check(tables: dict[str, Any], origin: str) -> None:
    for name in tables:
        if name not in TABLES:
            raise SpecError(f"{origin}: unknown entry {name!r}; {near(name, TABLES)}")
    missing = [name for name in REQUIRED if name not in tables]
    if missing:
        raise SpecError(f"{origin}: {', '.join(missing)} missing; an experiment needs {REQUIRED}")
    for name in ("anatomy", "genome", "presentation", "task", "objective", "meta"):
        _table(tables, name, None, origin)
    for name in tables["bench"]:
        if name not in BENCH:
            raise SpecError(f"{origin}: bench.{name}: unknown entry; {near(name, BENCH)}")
    # It becomes the name of a folder, and `.` and `..` are folders that exist.
    if not (isinstance(tables["name"], str) and re.match(r"(?!\.+\Z)[\w.-]+\Z", tables["name"])):
        raise SpecError(
            f"{origin}: name = {tables['name']!r}: expected letters, digits, '.', '_' or '-'"
        )
    try:
        check_seed(tables["seed"])
    except ValueError as fault:
        raise SpecError(f"{origin}: {fault}") from None
    hidden = tables["hidden"]
    if not (isinstance(hidden, (list, tuple)) and all(_whole(n, 1) for n in hidden)):
        raise SpecError(f"{origin}: hidden = {hidden!r}: expected a list of sizes such as [64, 64]")
    if not _names(tables["constraints"]):
        raise SpecError(
            f"{origin}: constraints = {tables['constraints']!r}: expected a list of names such as "
            '["no_weight_transport"]'
        )
    variants = tables["variants"]
    if not (isinstance(variants, list) and all(isinstance(v, dict) and v for v in variants)):
        raise SpecError(
            f"{origin}: variants = {variants!r}: expected a list of tables with what is other, "
            "such as [{ hidden = [64, 64, 64] }]"
        )
    for place, other in enumerate(variants):
        for name in (n for n in ONE if n in other):
            raise SpecError(
                f"{origin}: variants.{place}.{name}: there is one for all variants; write it once, "
                "outside of them"
            )
    bench = tables["bench"]
    for name in ("data", "learners"):
        if not _names(bench[name]):
            raise SpecError(f"{origin}: bench.{name} = {bench[name]!r}: expected a list of names")
    if not (isinstance(bench["moments"], list) and all(_whole(m, 1) for m in bench["moments"])):
        raise SpecError(f"{origin}: bench.moments = {bench['moments']!r}: expected [300, ...]")
    if not _whole(bench["lives"], 2):
        raise SpecError(f"{origin}: bench.lives = {bench['lives']!r}: expected 2 or more")


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _whole(number: Any, least: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= least


def _parse(text: str, override: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        if _WORD.match(text):
            return text
        raise SpecError(
            f"--set {override}: {text!r} is not a TOML value; "
            "write a number, text, [list] or {table}"
        ) from None


def _put(tables: Any, path: list[str], new: Any, override: str) -> None:
    place, seen = tables, []
    for step in path[:-1]:
        if [*seen, step] in OPEN and isinstance(place, dict):
            place.setdefault(step, {})  # a file need not have it
        place = _enter(place, step, seen, override)
        seen.append(step)
    last = path[-1]
    if not isinstance(place, dict):
        _enter(place, last, seen, override)
        place[int(last)] = new
        return
    if last not in place and not ("type" in place or seen in OPEN):
        where = ".".join(seen) or "the experiment"
        raise SpecError(f"--set {override}: {where} has no {last!r}; {near(last, place)}")
    place[last] = new


def _enter(place: Any, step: str, seen: list[str], override: str) -> Any:
    where = ".".join(seen) or "the experiment"
    if isinstance(place, list):
        if not (step.isdigit() and int(step) < len(place)):
            raise SpecError(f"--set {override}: {where} has entries 0 to {len(place) - 1}")
        return place[int(step)]
    if not isinstance(place, dict):
        raise SpecError(f"--set {override}: {where} = {place!r} is a value and has no {step!r}")
    if step not in place:
        raise SpecError(f"--set {override}: {where} has no {step!r}; {near(step, place)}")
    return place[step]
