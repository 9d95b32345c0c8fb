"""Certificates in the terminal: one as a table, several as a matrix. From JSON; loads no JAX."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

SYMBOLS = {"construction": "C", "proof": "P", "test": "T"}
"""How a constraint is upheld, by the grade of the evidence."""
VIOLATED, NOT_APPLICABLE, NOT_ASKED = "✗", "–", ""
COLORS = {"upheld": "green", "violated": "red", "not applicable": "dim"}
LEGEND = (
    f"{SYMBOLS['construction']} upheld by construction, {SYMBOLS['proof']} by proof, "
    f"{SYMBOLS['test']} in tests; {VIOLATED} violated; {NOT_APPLICABLE} not applicable"
)


def table(certificate: dict[str, Any]):
    """One learner: each constraint with verdict, grade, value and witness."""
    from rich.markup import escape
    from rich.table import Table

    shown = Table(
        title=escape(f"{certificate['learner']}: {tally(certificate)}"),
        title_justify="left", title_style="bold", box=None, padding=(0, 1),
    )  # fmt: skip
    for column in ("constraint", "verdict", "grade", "value", "witness"):
        shown.add_column(column, overflow="fold", no_wrap=column in ("constraint", "verdict"))
    for verdict in certificate["verdicts"]:
        status = verdict["status"]
        told = [verdict["grade"], verdict["value"], verdict["witness"]]
        shown.add_row(
            verdict["constraint"], f"[{COLORS[status]}]{status}[/]", *(escape(t) for t in told)
        )
    return shown


def footnotes(certificate: dict[str, Any]) -> str:
    """What the table does not say: the instance, the seed, and what was not understood."""
    sizes = certificate["circuit"]["populations"]
    lines = [
        "audited at "
        + ", ".join(f"{name} {size}" for name, size in sizes.items() if "/" not in name)
        + f"; seed {certificate['seed']}; {certificate['seconds']:.1f} s",
        f"SHA-256 of {certificate.get('rule_hash_of', 'the rule')}: {certificate['rule_hash']}",
    ]
    if "taught" in certificate:  # not in those of earlier versions
        lines.append(f"accuracies: of small lives in which it is {certificate['taught']}")
    if certificate.get("note"):
        lines.append(certificate["note"])
    if certificate["unknown_primitives"]:
        unknown = ", ".join(certificate["unknown_primitives"])
        lines.append(f"taken to mix everything, because nothing is known of them: {unknown}")
    return "\n".join(lines)


def tally(certificate: dict[str, Any]) -> str:
    """How many verdicts of each kind, in words."""
    told = [v["status"] for v in certificate["verdicts"]]
    return ", ".join(f"{told.count(s)} {s}" for s in COLORS if s in told)


def matrix(certificates: list[dict[str, Any]]):
    """Learners by constraints; the constraints are numbered, and `numbered` names them."""
    from rich.markup import escape
    from rich.table import Table

    shown = Table(box=None, padding=(0, 0), pad_edge=False)
    shown.add_column("", no_wrap=True)
    names = constraints(certificates)
    for number in range(1, len(names) + 1):
        shown.add_column(f"{number:>3}", justify="right")
    for certificate in certificates:
        cells = _cells(certificate, names)
        colored = [f"[red]{cell}[/]" if cell == VIOLATED else cell for cell in cells]
        shown.add_row(escape(certificate["learner"]), *colored)
    return shown


def numbered(certificates: list[dict[str, Any]]) -> list[str]:
    """The constraints of a matrix, each with its claim."""
    claims = {v["constraint"]: v["claim"] for c in certificates for v in c["verdicts"]}
    return [f"{name}: {claims[name]}" for name in constraints(certificates)]


def witnesses(certificates: Iterable[dict[str, Any]]) -> list[str]:
    """Every violation of every learner, one line each."""
    return [
        f"{c['learner']}: {v['constraint']}: {v['witness']}"
        for c in certificates
        for v in c["verdicts"]
        if v["status"] == "violated"
    ]


def broken(certificate: dict[str, Any], demanded: Collection[str]) -> list[str]:
    """Violations of what was demanded, one line each."""
    return [
        f"demanded of {certificate['learner']}: {v['constraint']} is violated: {v['witness']}"
        for v in certificate["verdicts"]
        if v["constraint"] in demanded and v["status"] == "violated"
    ]


def markdown(certificates: list[dict[str, Any]]) -> str:
    """The matrix, its legend and its constraints as Markdown."""
    names = constraints(certificates)
    head = [" ", *(str(number) for number in range(1, len(names) + 1))]
    rows = [head, ["---", *[":-:"] * len(names)]]
    rows += [[f"`{c['learner']}`", *_cells(c, names)] for c in certificates]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    listed = [
        f"{number}. `{name}`:{claim}"
        for number, line in enumerate(numbered(certificates), 1)
        for name, _, claim in [line.partition(":")]
    ]
    return "\n".join([*lines, "", f"{LEGEND}.", "", *listed])


def constraints(certificates: list[dict[str, Any]]) -> list[str]:
    """The constraints that were asked for, in order."""
    return list(dict.fromkeys(v["constraint"] for c in certificates for v in c["verdicts"]))


def _cells(certificate: dict[str, Any], names: list[str]) -> list[str]:
    symbols = {v["constraint"]: _symbol(v) for v in certificate["verdicts"]}
    return [symbols.get(name, NOT_ASKED) for name in names]


def _symbol(verdict: dict[str, Any]) -> str:
    if verdict["status"] == "violated":
        return VIOLATED
    return SYMBOLS[verdict["grade"]] if verdict["status"] == "upheld" else NOT_APPLICABLE
