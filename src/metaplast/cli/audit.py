"""`metaplast audit`."""

from __future__ import annotations

import dataclasses
import json as json_text
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from metaplast.seeds import check_seed


@dataclasses.dataclass(frozen=True)
class Audit:
    """Certify which biological constraints a learner respects, each with the grade of the
    evidence behind the verdict, and with a witness where it fails.

    A learner is a name (metaplast list learners), zoo/NAME, a run folder or the file of a rule,
    an experiment (my.toml: where its search would begin), cheats/NAME, a family of rules such as
    Oja or my_parts.py:MyRule, or a function of your own: my_rule.py:update,
    for JAX code (state, experience, key) -> state whose state has names (docs/audit.md).
    `cheats` stands for all cheats, `matrix` for everything there is. Several learners are
    printed as a matrix, with the witnesses below it.

    Examples:
      metaplast audit zoo/online
      metaplast audit my_rule.py:update --state my_rule.py:state
      metaplast audit backprop feedback_alignment runs/digits --constraint no_weight_transport
      metaplast audit runs/digits --demand synaptic_locality causality
      metaplast audit matrix --markdown
    """

    learners: Positional[tuple[str, ...]]
    """Learners to audit."""
    state: str | None = None
    """For a function of your own: FILE:FUNCTION that makes the state of a newborn from a key."""
    constraint: tuple[str, ...] = ()
    """Only these constraints (metaplast list constraints); all by default."""
    demand: tuple[str, ...] = ()
    """Constraints that must not be violated: exit code 1, and the witness, if one is."""
    seed: int = 0
    """Seed of the sampled lives and births."""
    out: Path | None = None
    """File for the JSON document; a certificate that stands there is replaced."""
    markdown: bool = False
    """Print the matrix as Markdown, without the witnesses."""
    json: bool = False
    """Print one JSON document on standard output; progress goes to standard error."""

    def run(self) -> None:
        from metaplast import compile_cache

        wanted = _constraints(self.constraint, self.demand)
        check_seed(self.seed)
        if not self.learners:
            raise ValueError("learners: none given; try: metaplast audit zoo/online backprop")
        if self.out is not None:
            _check_target(self.out)
        compile_cache.switch_on()
        certificates = _audited(self.learners, self.state, wanted, self.seed)
        found = certificates[0] if len(certificates) == 1 else {"certificates": certificates}
        try:
            if self.out is not None:
                from metaplast.rulefile import replace

                replace(self.out, json_text.dumps(found, indent=1).encode())
        finally:  # whatever was in the way of the file, what was found is told
            self._tell(certificates, found)
        _insist(certificates, self.demand)

    def _tell(self, certificates: list[dict[str, Any]], found: dict[str, Any]) -> None:
        if self.json:
            from metaplast.cli.output import document

            document(found)
        elif self.markdown:
            from metaplast.cli.certified import markdown

            print(markdown(certificates))
            print("".join(f"\n{line}\n" for line in _cheats(certificates)), end="")
        else:
            _print(certificates)


def _constraints(only: Sequence[str], demanded: Sequence[str]) -> list[str] | None:
    """The constraints to look at, None for all; what is demanded is looked at in any case."""
    from metaplast.cli.catalog import entries
    from metaplast.spec import near

    known = [entry.name for entry in entries("constraints")]
    for option, names in (("constraint", only), ("demand", demanded)):
        for name in names:
            if name not in known:
                raise ValueError(f"{option} = {name!r}: unknown; {near(name, known)}")
    return [*only, *demanded] if only else None


def _audited(words: Sequence[str], state: str | None, wanted, seed: int) -> list[dict[str, Any]]:
    """The certificates; whatever can be refused is refused before the first check."""
    from metaplast.audit.certificate import audit
    from metaplast.audit.resolve import resolve
    from metaplast.cli.progress import display

    names = _learners(words)
    subjects = [resolve(name, state) for name in names]
    made = []
    with display() as shown:

        def told(constraint: str, done: int, total: int) -> None:
            if len(subjects) == 1:
                shown.row(constraint, done, total, "audit")
            elif not done:
                shown.row(names[len(made)], len(made), len(subjects), "audit")

        for subject in subjects:
            made.append(audit(subject, wanted, seed, told).to_json())
    return made


def _learners(words: Sequence[str]) -> list[str]:
    """Names of single learners, each once; `cheats` and `matrix` become what they stand for."""
    from metaplast.audit import resolve
    from metaplast.rulefile import shipped

    everybody = [name for name in (*shipped(), *resolve.names()) if name not in resolve.ALIASES]
    cheats = [name for name in everybody if name.startswith("cheats/")]
    stands_for = {"cheats": cheats, "matrix": everybody}
    return list(dict.fromkeys(n for word in words for n in stands_for.get(word, [word])))


def _print(certificates: list[dict[str, Any]]) -> None:
    from metaplast.cli import certified
    from metaplast.cli.output import wide_console

    console = wide_console(160)
    if len(certificates) == 1:
        console.print(certified.table(certificates[0]))
        print(f"\n{certified.footnotes(certificates[0])}")
        return
    console.print(certified.matrix(certificates))
    print(f"\n{certified.LEGEND}\n")
    for number, line in enumerate(certified.numbered(certificates), 1):
        print(f"{number:>3} {line}")
    print("\nviolations:")
    for line in certified.witnesses(certificates) or ["none"]:
        print(f"  {line}")
    for line in _cheats(certificates):
        print(f"\n{line}")


def _cheats(certificates: list[dict[str, Any]]) -> list[str]:
    """How many cheats were caught at what they do, and which were not; nothing if none is here."""
    from metaplast.audit import cheats

    total, missed = 0, []
    for certificate in certificates:
        name = certificate["learner"].removeprefix("cheats/")
        if name not in cheats.__all__:
            continue
        asked = {v["constraint"]: v["status"] for v in certificate["verdicts"]}
        breaks = [c for c in getattr(cheats, name).BREAKS if c in asked]
        total += bool(breaks)
        missed += [f"{name}: {c} is {asked[c]}" for c in breaks if asked[c] != "violated"]
    caught = total - len({line.partition(":")[0] for line in missed})
    told = [f"cheats caught: {caught} of {total}", *(f"not caught: {line}" for line in missed)]
    return told if total else []


def _insist(certificates: list[dict[str, Any]], demanded: Sequence[str]) -> None:
    from metaplast.cli.certified import broken
    from metaplast.cli.failure import Unmet

    lines = [line for certificate in certificates for line in broken(certificate, demanded)]
    if lines:
        raise Unmet("\n".join(lines))


def _check_target(out: Path) -> None:
    """Refuse a file that is no certificate or cannot be written, and a folder that is not there,
    before any work."""
    from metaplast.cli.output import writable_file

    if not out.absolute().parent.is_dir():
        raise ValueError(f"out = {out}: no folder {out.absolute().parent}; make it first")
    writable_file(out, "out")
    if not out.exists():
        return
    try:
        found = json_text.loads(out.read_bytes())
    except (OSError, ValueError):
        found = None
    if not (isinstance(found, dict) and {"verdicts", "certificates"} & set(found)):
        raise ValueError(f"out = {out}: exists and is no certificate; give another file")
