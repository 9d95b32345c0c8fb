"""What was inferred, as text: every coefficient, how sure it is, and what cannot be known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metaplast.inference.fit import Inferred


def report(found: Inferred, true: Sequence[float] | np.ndarray | None = None) -> str:
    """A table of coefficients, then the combinations that nothing recorded depends on.

    Args:
        found: what `infer` returned.
        true: the coefficients of the rule that made the recordings, where they are known.
    """
    width = max(len(name) for name in found.names)
    told = "" if true is None else f"{'true':>10}"
    lines = [f"{'term':<{width}}{told}{'found':>10}  {'95 % interval':^22}".rstrip()]
    for i, name in enumerate(found.names):
        known = "" if true is None else f"{true[i]:>10.4f}"
        sure = found.identifiability.determined[i]
        span = f"[{found.lower[i]:.4f}, {found.upper[i]:.4f}]" if sure else "not determined"
        lines.append(f"{name:<{width}}{known}{found.values[i]:>10.4f}  {span:^22}".rstrip())
    lines.append(f"variance explained {found.explained:.4f}, noise left {found.noise:.3g}")
    if not found.converged:
        lines.append("the fit has not converged: this is provisional; allow more evaluations")
    for direction in found.identifiability.null:
        parts = [
            f"{value:+.2f} ({name})"
            for name, value in zip(found.names, direction, strict=True)
            if value
        ]
        lines.append(f"nothing recorded depends on: {' '.join(parts)}")
    return "\n".join(lines)
