"""What the examples `audit_*.py` print: the certificate, beside what the literature says."""

from __future__ import annotations

from rich.console import Console

from metaplast.audit.certificate import audit
from metaplast.audit.function import of_functions
from metaplast.cli.certified import table


def show(name: str, update, state, said: dict[str, str]) -> None:
    """Audit a rule, and print its certificate and where the literature speaks of it.

    Args:
        name: of the rule.
        update: `(state, experience) -> state`.
        state: `key -> state`.
        said: what the literature says, by constraint.
    """
    certificate = audit(of_functions(name, update, state)).to_json()
    Console(width=160).print(table(certificate))
    for verdict in certificate["verdicts"]:
        if verdict["constraint"] in said:
            literature = said[verdict["constraint"]]
            print(f"{verdict['constraint']}: literature {literature}, audit {verdict['status']}")
