"""Starts that passed the audit for what their experiment demands, so as not to audit them again."""

from __future__ import annotations

import json

from metaplast.shelf import Shelf
from metaplast.spec import Spec


def passed(spec: Spec, shelf: Shelf | None) -> bool:
    """Whether this very experiment passed before, under this very source and these versions.

    Only a start is taken at its word; what a search found is always audited afresh.
    """
    return shelf is not None and shelf.read(_name(spec, shelf)) == _content(spec)


def remember(spec: Spec, shelf: Shelf | None) -> None:
    """To be called when `audit.demands.demand` has found nothing against the spec."""
    if shelf is not None:
        shelf.write(_name(spec, shelf), _content(spec))


def _name(spec: Spec, shelf: Shelf) -> str | None:
    return shelf.name("passed", spec.tables)


def _content(spec: Spec) -> bytes:
    return json.dumps({"experiment": spec.name, "passed": spec["constraints"]}).encode()
