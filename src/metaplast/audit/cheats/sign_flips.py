"""Synapses that excite today and inhibit tomorrow.

The spiking learner, whose weights are all born excitatory; but nothing stops a weight that
shrinks from growing on beyond zero.
"""

from __future__ import annotations

from metaplast.audit.cheats import spiking

BREAKS = ("dales_law",)
KEEPER = "spiking"


def subject():
    return spiking.subject_of("sign_flips", bounded=lambda weight: weight)
