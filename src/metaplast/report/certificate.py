"""The certificate of a found rule on its page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from metaplast.report.tables import facts_table, html_table

CERTIFICATE = "certificate.json"
"""Its name in a run folder."""


def certificate_section(certificate: dict[str, Any], demanded: Sequence[str] = ()) -> str:
    """All verdicts as a table; those that the experiment demanded carry a badge.

    Args:
        certificate: as `Certificate.to_json` makes it.
        demanded: names of constraints.
    """
    verdicts = certificate["verdicts"]
    broken = [v["constraint"] for v in verdicts if v["status"] == "violated"]
    rows = [(v["status"].replace(" ", "-"), _row(v, demanded)) for v in verdicts]
    headings = ["constraint", "verdict", "grade", "value", "witness"]
    sizes = certificate["circuit"]["populations"]
    facts = {
        "audited at": ", ".join(f"{n} {size}" for n, size in sizes.items() if "/" not in n),
        "seed": certificate["seed"],
        f"SHA-256 of {certificate.get('rule_hash_of', 'the audited numbers')}": certificate[
            "rule_hash"
        ],
        "taught in the sampled lives": certificate.get("taught", "not recorded"),
        **({"note": certificate["note"]} if certificate.get("note") else {}),
        "operations taken to mix everything": ", ".join(certificate["unknown_primitives"])
        or "none",
    }
    return (
        '<section class="certificate"><h2>Certificate: '
        f"{len(verdicts) - len(broken)} of {len(verdicts)} constraints not violated</h2>"
        '<p class="note">Proof: shown on the traced program, for all values of its inputs. '
        "Test: seen on sampled lives. Construction: the parts cannot express the opposite. A "
        "witness says what was violated, by whom, and at which line of the source.</p>"
        f'{html_table(headings, rows)}<div class="facts">{facts_table(facts)}</div></section>'
    )


def _row(verdict: dict[str, Any], demanded: Sequence[str]) -> list[str]:
    badge = ""
    if verdict["constraint"] in demanded:
        badge = ' <span class="badge">demanded</span>'
    return [
        f"{escape(verdict['constraint'])}{badge}"
        f'<div class="claim">{escape(verdict["claim"])}</div>',
        escape(verdict["status"]),
        escape(verdict["grade"]),
        escape(verdict["value"]),
        escape(verdict["witness"]),
    ]
