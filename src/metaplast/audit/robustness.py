"""How much of what a learner knows an intervention costs."""

from __future__ import annotations

import numpy as np

from metaplast.audit.evidence import Evidence

MARGIN = 0.1
"""A learner that is not this far above chance has nothing to lose."""


def chance(evidence: Evidence) -> float:
    """The accuracy of a learner that always names the most frequent class of each life."""
    targets = np.asarray(evidence.experiences["target"])
    targets = targets[:, targets.shape[1] // 2 :]
    return float(np.mean([np.bincount(life).max() / life.size for life in targets]))


def lost(evidence: Evidence, intervention: str) -> tuple[float, float]:
    """Percent of the accuracy above chance that is gone under an intervention, and its standard
    error over lives.

    $100 (a - a') / (a - c)$ with the accuracies $a$ and $a'$ over the second half of the same
    lives, and the accuracy $c$ of chance. Negative where the intervention helps.
    """
    gone = evidence.accuracies() - evidence.accuracies(intervention)
    scale = 100 / (evidence.accuracy() - chance(evidence))
    return scale * float(gone.mean()), scale * float(gone.std(ddof=1) / np.sqrt(len(gone)))


def beyond(evidence: Evidence, intervention: str, tolerated: float) -> str:
    """What an intervention cost, in words, if that is more than is tolerated by more than the
    standard error of what was measured; else nothing."""
    gone, error = lost(evidence, intervention)
    if gone - error <= tolerated:
        return ""
    return (
        f"{intervention} cost {gone:.0f} ± {error:.0f} % of the accuracy above chance, expected "
        f"at most {tolerated:.0f} %"
    )


def shown(evidence: Evidence, intervention: str) -> str:
    """Accuracies before and after, in words."""
    return f"accuracy {evidence.accuracy():.2f} -> {evidence.accuracy(intervention):.2f}"
