"""Weight transport at birth: feedback weights that are drawn as copies of the forward ones.

From then on nobody reads a weight that is not his own, so a look at the rule shows nothing. It is
the birth that has told each synapse what another one is.
"""

from __future__ import annotations

import itertools

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("no_weight_transport", "separate_feedback")


def born(key, scale=SMALL):
    state = base.born(key, scale)
    for above, name in itertools.pairwise(reversed(base.names(state)[1:])):
        mirrored = state["projections"][f"{name}->{above}"]["weight"].T
        state["projections"][f"{above}~>{name}"] = {"weight": mirrored}
    return state


def subject():
    return base.subject_of("born_aligned", born=born)
