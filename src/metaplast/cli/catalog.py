"""What there is, read from the source text: nothing is imported, so a listing is instant."""

from __future__ import annotations

import ast
import dataclasses
import itertools
from pathlib import Path

from metaplast import own_source, spec
from metaplast.own_source import reference
from metaplast.rulefile import shipped

PACKAGE = Path(__file__).resolve().parents[1]
NAMESPACES = ("neurons", "rules", "tasks", "meta")
KINDS = (*NAMESPACES, "circuits", "learners", "constraints", "cheats", "experiments", "zoo")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One thing that a spec, a command or a program can name."""

    kind: str
    name: str
    line: str
    """First line of the docstring."""
    source: str = ""
    """Whose work it is."""
    docstring: str = ""
    options: tuple[tuple[str, str, str], ...] = ()
    """Name, type and default of every constructor argument, as written."""
    file: Path | None = None
    grades: tuple[str, ...] = ()
    """The kinds of evidence that the verdicts on a constraint can rest on."""

    @property
    def facts(self) -> dict:
        """Plain values for JSON."""
        return {"kind": self.kind, "name": self.name, "line": self.line, "source": self.source}


def entries(kind: str) -> list[Entry]:
    """Everything of one kind, by name."""
    if kind in NAMESPACES:
        found = _namespace(kind)
    elif kind == "circuits":
        found = _circuits()
    elif kind == "learners":
        found = _learners()
    elif kind == "constraints":
        found = _constraints()
    elif kind == "cheats":
        found = _cheats()
    elif kind == "experiments":
        found = [_experiment(name) for name in spec.builtin()]
    else:
        found = [Entry(kind, name, "a rule, shipped", file=f) for name, f in shipped().items()]
    return sorted(found, key=lambda e: e.name.lower())


def own(text: str) -> Entry:
    """A class or function of the user's, `FILE.py:Name` or `module:Name`, which is not run either.

    Raises:
        ValueError: no such file, one that is no Python, or nothing of that name in it.
    """
    asked = reference(text)
    assert asked is not None, "asked for by its form"
    path = own_source.located(asked.home)
    if path is None:
        raise ValueError(f"thing = {text!r}: no file {asked.home!r}; give its path")
    try:
        defined = _defined(path)
    except SyntaxError as fault:
        raise ValueError(f"thing = {text!r}: {fault.msg}, at {path}:{fault.lineno}") from None
    if asked.name not in defined:
        raise ValueError(
            f"thing = {text!r}: no {asked.name!r} in {asked.home}; {spec.near(asked.name, defined)}"
        )
    node = defined[asked.name]
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    above = {ast.unparse(base).split(".")[-1] for base in bases}
    for kind in NAMESPACES:
        folder = PACKAGE / kind
        if above & {name for file in folder.glob("*.py") for name in _defined(file)}:
            return _whole(_entry(kind, node, path), node, folder)
    return _entry("own", node, path)


def _namespace(kind: str) -> list[Entry]:
    """The exports of a package, without its contracts."""
    found = []
    for node in _parse(PACKAGE / kind / "__init__.py").body:
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        file = PACKAGE.joinpath(*node.module.split(".")[1:]).with_suffix(".py")
        if not file.exists():
            continue
        defined = _defined(file)
        for alias in node.names:
            if alias.name in defined and not alias.name.startswith("Abstract"):
                entry = _entry(kind, defined[alias.name], file)
                found.append(_whole(entry, defined[alias.name], PACKAGE / kind))
    return found


def _whole(entry: Entry, node: ast.ClassDef | ast.FunctionDef, folder: Path) -> Entry:
    """An entry with the options that its class inherits."""
    options = {name: (name, *rest) for name, *rest in (*_inherited(node, folder), *entry.options)}
    return dataclasses.replace(entry, options=tuple(options.values()))


def _defined(file: Path) -> dict[str, ast.ClassDef | ast.FunctionDef]:
    """The classes and functions of a file, by name."""
    return {d.name: d for d in _parse(file).body if isinstance(d, (ast.ClassDef, ast.FunctionDef))}


def _inherited(node: ast.ClassDef | ast.FunctionDef, folder: Path) -> list[tuple[str, str, str]]:
    """Options that a class has of abstract classes of its package, the farthest first."""
    found: list[tuple[str, str, str]] = []
    for base in node.bases if isinstance(node, ast.ClassDef) else []:
        name = ast.unparse(base)
        homes = [file for file in sorted(folder.glob("*.py")) if name in _defined(file)]
        if name.startswith("Abstract") and homes:
            above = _defined(homes[0])[name]
            found += [*_inherited(above, folder), *_options(above)]
    return found


def _circuits() -> list[Entry]:
    """The functions that the package of circuits exports: a file each, which says whose it is."""
    found = []
    for name in _exports(PACKAGE / "circuits"):
        file = PACKAGE / "circuits" / f"{name}.py"
        for node in _parse(file).body if file.exists() else ():
            if isinstance(node, ast.FunctionDef) and node.name == name:
                about = _entry("circuits", node, file)
                source = _cited(_parse(file), "SOURCE")
                found.append(dataclasses.replace(about, source=source))
    return found


def _learners() -> list[Entry]:
    """The names of the registry, each documented by the class or function of that name."""
    documented: dict[str, Entry] = {}
    for file in sorted((PACKAGE / "learners").glob("*.py")):
        for node in _parse(file).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name[0] != "_":
                documented[_snake(node.name)] = _entry("learners", node, file)
    registry = _parse(PACKAGE / "learners" / "registry.py")
    groups, rows = _keys(registry, "EXPANDED"), _keys(registry, "ROWS")
    found = []
    for name in dict.fromkeys([*groups, *rows]):
        about = documented.get(name) or documented[name.split("_")[0]]
        line = (
            f"{about.line} Every optimizer, the best one counts." if name in groups else about.line
        )
        found.append(dataclasses.replace(about, name=name, line=line))
    return found


def _constraints() -> list[Entry]:
    """The constraints by the names that a user types, each with its claim and grades."""
    folder, found = PACKAGE / "audit" / "constraints", []
    exports = _exports(folder)
    for file in sorted(folder.glob("*.py")):
        module = _parse(file)
        for node in module.body:
            if not isinstance(node, ast.ClassDef) or node.name not in exports:
                continue
            told = {
                item.target.id: item.value
                for item in node.body
                if isinstance(item, ast.AnnAssign)
                and isinstance(item.target, ast.Name)
                and item.value is not None
            }
            found.append(
                dataclasses.replace(
                    _entry("constraints", node, file),
                    name=ast.literal_eval(told["name"]),
                    line=_written(told["claim"], module),
                    options=(),
                    grades=tuple(g.lower() for g in _members(told["grades"], "Grade")),
                )
            )
    return found


def _written(text: ast.expr, module: ast.Module) -> str:
    """A text as it is written, constants of its module put in."""
    if not isinstance(text, ast.JoinedStr):
        return ast.literal_eval(text)
    return "".join(
        str(_constant(part.value, module) if isinstance(part, ast.FormattedValue) else part.value)
        for part in text.values
        if isinstance(part, (ast.Constant, ast.FormattedValue))
    )


def _constant(named: ast.expr, module: ast.Module):
    """The literal behind a name, in its module or in the one that it is imported from."""
    name = ast.unparse(named)
    for item in module.body:
        if isinstance(item, ast.ImportFrom) and name in [alias.name for alias in item.names]:
            steps = (item.module or "").split(".")[1:]
            return _assigned(_parse(PACKAGE.joinpath(*steps).with_suffix(".py")), name)
    return _assigned(module, name)


def _members(value: ast.expr, owner: str) -> list[str]:
    """The members of an enumeration in an expression, in order."""
    return [
        node.attr
        for node in ast.walk(value)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == owner
    ]


def _cheats() -> list[Entry]:
    """The cheats of the audit: a file each, documented by the file."""
    folder, found = PACKAGE / "audit" / "cheats", []
    for name in _exports(folder):
        file = folder / f"{name}.py"
        module = _parse(file)
        said = ast.get_docstring(module) or ""
        broken = ", ".join(_assigned(module, "BREAKS"))
        text = f"{said}\n\nbreaks: {broken}"
        found.append(Entry("cheats", name, _first_sentence(said), docstring=text, file=file))
    return found


def _exports(folder: Path) -> list[str]:
    """The `__all__` of a package."""
    return list(_assigned(_parse(folder / "__init__.py"), "__all__"))


def _assigned(module: ast.Module, name: str):
    """The literal that a module assigns to a name."""
    return next(
        ast.literal_eval(item.value)
        for item in module.body
        if isinstance(item, (ast.Assign, ast.AnnAssign)) and item.value is not None
        for target in (item.targets if isinstance(item, ast.Assign) else [item.target])
        if isinstance(target, ast.Name) and target.id == name
    )


def _keys(module: ast.Module, name: str) -> list[str]:
    """Keys of the dictionary literal that a module assigns to `name`."""
    for node in module.body:
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Assign):
            targets = node.targets
        else:
            continue
        named = any(isinstance(t, ast.Name) and t.id == name for t in targets)
        if named and isinstance(node.value, ast.Dict):
            return [ast.literal_eval(key) for key in node.value.keys if key is not None]
    return []


def _experiment(name: str) -> Entry:
    file = PACKAGE / "experiments" / f"{name}.toml"
    text = file.read_text()
    remark = itertools.takewhile(lambda row: row.startswith("#"), text.splitlines())
    said = " ".join(row.lstrip("# ") for row in remark)
    tables = spec.load(name)
    built = f"{tables['meta'].get('type')} on {tables['task'].get('type')}"
    return Entry("experiments", name, _first_sentence(said) or built, docstring=text, file=file)


def _entry(kind: str, node: ast.ClassDef | ast.FunctionDef, file: Path) -> Entry:
    docstring = ast.get_docstring(node) or ""
    return Entry(
        kind, node.name, _first_sentence(docstring), _source(node), docstring, _options(node), file
    )


def _first_sentence(docstring: str) -> str:
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    return paragraph if len(paragraph) < 160 else paragraph[:157] + "..."


def _source(node: ast.ClassDef | ast.FunctionDef) -> str:
    """The citation of a class."""
    return _cited(node, "source")


def _cited(node: ast.ClassDef | ast.FunctionDef | ast.Module, name: str) -> str:
    """The text of `name = Source(...)` in a body; of the project's own work, its name."""
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and ast.unparse(item.target) == name:
            if isinstance(item.value, ast.Call):
                told = [a.value for a in item.value.args if isinstance(a, ast.Constant)]
                doi = f" doi:{told[3]}" if len(told) > 3 and told[3] else ""
                return f"{told[0]} ({told[1]}){doi}"
            return "metaplast"
    return ""


def _options(node: ast.ClassDef | ast.FunctionDef) -> tuple[tuple[str, str, str], ...]:
    if isinstance(node, ast.FunctionDef):
        return _arguments(node)
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return _arguments(item)[1:]
    found = []
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            kind = ast.unparse(item.annotation)
            if not (kind.startswith("ClassVar") or "AbstractVar" in kind or _made(item.value)):
                found.append((item.target.id, kind, _default(item.value)))
    return tuple(found)


def _arguments(node: ast.FunctionDef) -> tuple[tuple[str, str, str], ...]:
    given = [*node.args.args, *node.args.kwonlyargs]
    defaults = [ast.unparse(d) for d in node.args.defaults]
    defaults = [""] * (len(node.args.args) - len(defaults)) + defaults
    defaults += [ast.unparse(d) if d else "" for d in node.args.kw_defaults]
    kinds = [ast.unparse(a.annotation) if a.annotation else "" for a in given]
    return tuple(zip([a.arg for a in given], kinds, defaults, strict=True))


def _made(value: ast.expr | None) -> bool:
    """Whether a field is none of its class's arguments."""
    return isinstance(value, ast.Call) and any(
        k.arg == "init" and ast.unparse(k.value) == "False" for k in value.keywords
    )


def _default(value: ast.expr | None) -> str:
    if isinstance(value, ast.Call) and ast.unparse(value.func) in ("eqx.field", "field"):
        for keyword in value.keywords:
            if keyword.arg in ("default", "default_factory"):
                return ast.unparse(keyword.value)
        return ""
    return ast.unparse(value) if value is not None else ""


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))
