"""A rule that was found by differentiating whole lives.

The rule itself is the honest one, and nothing in it tells how it was found. Its experiment does:
the outer loop is backprop through the moments of a life, which no species has ever done.
"""

from __future__ import annotations

from metaplast.audit.cheats import base

BREAKS = ("evolutionary_outer_loop",)
SPEC = {"meta": {"type": "Backprop", "optimizer": "adam", "rate": 0.01, "steps": 10, "lives": 2}}


def subject():
    return base.subject_of("found_by_gradient", spec=SPEC)
