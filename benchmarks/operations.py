"""How many operations a compiled program starts, loops counted as often as they turn."""

from __future__ import annotations

import re

FREE = {
    "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "while", "call",
    "conditional", "partition-id", "replica-id",
}  # fmt: skip
"""Opcodes that start nothing by themselves."""
COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) .*\{$")
INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?[\w.\-]+ = .*?\s([a-z][a-z\-0-9]*)\(")
TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
BODY = re.compile(r"body=%?([\w.\-]+)")
CALLED = re.compile(r"to_apply=%?([\w.\-]+)")


def operations(text: str) -> int:
    """Operations that a program starts.

    Args:
        text: the program in XLA's words (`jax.stages.Compiled.as_text`).

    Raises:
        ValueError: a loop does not say how often it turns.
    """
    lines, entry = _computations(text)

    def started(name: str) -> int:
        total = 0
        for line in lines[name]:
            found = INSTRUCTION.match(line)
            opcode = found.group(1) if found else "parameter"
            total += opcode not in FREE
            if opcode == "while":
                trips = TRIPS.search(line)
                if trips is None:
                    raise ValueError(f"no known_trip_count: {line.strip()[:80]}")
                total += int(trips.group(1)) * started(BODY.search(line).group(1))
            elif opcode == "call":
                total += started(CALLED.search(line).group(1))
        return total

    return started(entry)


def _computations(text: str) -> tuple[dict[str, list[str]], str]:
    lines, entry, inside = {}, "", None
    for line in text.splitlines():
        begins = COMPUTATION.match(line)
        if begins:
            inside = lines.setdefault(begins.group(2), [])
            entry = begins.group(2) if begins.group(1) else entry
        elif line.startswith("}"):
            inside = None
        elif inside is not None:
            inside.append(line)
    return lines, entry
