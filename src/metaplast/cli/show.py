"""`metaplast show`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tyro.conf import Positional

from metaplast import hint
from metaplast.run_folder import CHECKPOINT


@dataclasses.dataclass(frozen=True)
class Show:
    """Show one thing in detail: a rule, neuron, task, circuit, outer loop, learner, constraint
    or cheat by name; an experiment; or the facts and numbers of a found rule or a run folder.

    What is shown for an experiment is a complete experiment file.

    Examples:
      metaplast show Factored
      metaplast show no_weight_transport
      metaplast show online > my.toml        (then: metaplast search my.toml)
      metaplast show my_parts.py:MyRule
      metaplast show runs/digits
    """

    thing: Positional[str]
    """A name from `metaplast list`, a TOML file, a run folder, the file of a rule, zoo/NAME, or a
    class or function of your own, FILE.py:Name."""
    json: bool = False
    """Print one JSON document on standard output."""

    def run(self) -> None:
        from metaplast.own_source import reference
        from metaplast.rulefile import shipped

        named = _named(self.thing)
        if named:
            facts = {"entries": [_facts(entry) for entry in named]}
            text = _text(named)
        elif self.thing.endswith(".toml") and Path(self.thing).is_file():
            from metaplast import spec as specs

            spec = specs.load(self.thing)
            facts, text = spec.tables, specs.dump(spec).rstrip()
        elif self.thing in shipped() or Path(self.thing).exists():
            facts = _found(self.thing)
            text = _aligned(facts)
        elif reference(self.thing):
            from metaplast.cli.catalog import own

            entry = own(self.thing)
            facts, text = {"entries": [_facts(entry)]}, _described(entry)
        else:
            raise ValueError(_unknown(self.thing))
        if self.json:
            from metaplast.cli.output import document

            document(facts)
        else:
            print(text)


def _aligned(facts: dict) -> str:
    """One fact a line, and below them the numbers of the rule, if there is one."""
    lines = [f"{name:<12} {value}" for name, value in facts.items() if name != PARTS]
    width = max(map(len, facts.get(PARTS, ())), default=0)
    lines += [f"  {part:<{width}}  {value}" for part, value in facts.get(PARTS, {}).items()]
    return "\n".join(lines)


PARTS = "parts"
"""The numbers of a rule, rates and gains as such and not as logarithms."""


def _named(thing: str) -> list:
    """Everything of that name: `digits` is a task and an experiment."""
    from metaplast.cli.catalog import KINDS, entries

    kinds = [kind for kind in KINDS if kind != "zoo"]
    return [entry for kind in kinds for entry in entries(kind) if entry.name == thing]


def _unknown(thing: str) -> str:
    from metaplast.cli.catalog import KINDS, entries
    from metaplast.spec import near

    names = sorted({entry.name for kind in KINDS for entry in entries(kind)})
    return f"thing = {thing!r}: neither a name nor a file; {near(thing, names)}"


def _facts(entry) -> dict:
    options = [{"name": n, "type": t, "default": d} for n, t, d in entry.options]
    grades = {"grades": list(entry.grades)} if entry.grades else {}
    return {
        **entry.facts,
        **grades,
        "docstring": entry.docstring,
        "options": options,
        "file": str(entry.file),
    }


def _text(named: list) -> str:
    """Everything of one name. Where an experiment is among it, the rest is comments of TOML."""
    if not any(entry.kind == EXPERIMENTS for entry in named):
        return "\n\n".join(_described(entry) for entry in named)
    first = sorted(named, key=lambda entry: entry.kind == EXPERIMENTS)  # it comes last
    return "\n\n".join(
        _experiment(entry) if entry.kind == EXPERIMENTS else _commented(_described(entry))
        for entry in first
    )


EXPERIMENTS = "experiments"


def _experiment(entry) -> str:
    head = f"{entry.name}  ({entry.kind})\nfile: {entry.file}"
    return f"{_commented(head)}\n\n{entry.docstring.strip()}"


def _commented(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.splitlines())


def _described(entry) -> str:
    parts = [f"{entry.name}  ({entry.kind})", ""]
    if entry.grades:
        parts += [f"claim: {entry.line}", "", f"grades: {', '.join(entry.grades)}", ""]
    parts.append(entry.docstring)
    if entry.options:
        width = max(len(name) for name, _, _ in entry.options)
        parts += ["", "options:"]
        parts += [
            f"  {name:<{width}}  {kind}{f' = {default}' if default else '   (required)'}"
            for name, kind, default in entry.options
        ]
    if entry.source:
        parts += ["", f"source: {entry.source}"]
    parts += ["", f"file: {entry.file}"]
    return "\n".join(parts)


def _found(thing: str) -> dict:
    """The facts of a rule file or of a run folder, finished or not."""
    folder = Path(thing)
    if folder.is_dir() and not (folder / "spec.toml").exists():
        raise ValueError(f"thing = {thing!r}: a folder, but no run folder, for it has no spec.toml")
    facts = _standing(folder) if folder.is_dir() else {}
    from metaplast import rulefile
    from metaplast.report.tables import genome_numbers

    if folder.is_dir() and not (folder / rulefile.RULE).exists():
        return facts
    path = rulefile.locate(thing)
    contents = rulefile.read(path)
    told = contents.manifest
    if not isinstance(told.get("spec"), dict):  # a checkpoint, or a selection
        raise ValueError(
            f"thing = {thing!r}: holds no rule; give a run folder, or its {rulefile.RULE}"
        )
    numbers = sum(int(array.size) for array in contents.tensors.values())
    return {
        **facts,
        "rule": str(path),
        "name": told.get("name"),
        "anatomy": told["spec"]["anatomy"]["type"],
        "numbers": numbers,
        "seed": told.get("seed"),
        "step": told.get("step"),
        "metaplast": told.get("metaplast"),
        "jax": told.get("jax"),
        "hash": told["hash"],
        "hash of": "the file of the rule: its numbers, and all that is written beside them",
        PARTS: genome_numbers(contents.tensors),
    }


def _reached(manifest: Path) -> int | str:
    """The meta-step of a checkpoint, without its tensors."""
    import json

    try:
        return int(json.loads(manifest.read_text())["position"]["step"])
    except (ValueError, KeyError, TypeError):
        return f"an unknown number ({manifest} is damaged)"


def _standing(folder: Path) -> dict:
    import json

    from metaplast import spec as specs
    from metaplast.cli.certified import tally

    spec = specs.load(folder / "spec.toml")
    manifest = folder / CHECKPOINT / "manifest.json"
    step = _reached(manifest) if manifest.exists() else 0
    steps = spec["meta"].get("steps", "the default number of")
    report = folder / "report.html"
    certificate = folder / "certificate.json"
    certified = tally(json.loads(certificate.read_text())) if certificate.exists() else "not yet"
    return {
        "run": str(folder),
        "name": spec.name,
        "seed": spec.seed,
        "searched": f"{step} of {steps} meta-steps",
        "certificate": certified,
        "report": str(report) if report.exists() else "not yet",
        "continue": hint.resume(folder),
    }
