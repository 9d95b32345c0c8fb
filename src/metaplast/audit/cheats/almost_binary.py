"""Spikes that are not quite all or nothing.

The spiking learner with a steep sigmoid where the threshold was. Most messages are zeros and ones
to the second digit, and how far they are from it tells how far the cell was from its threshold.
"""

from __future__ import annotations

import jax

from metaplast.audit.cheats import spiking

BREAKS = ("spikes",)
KEEPER = "spiking"
STEEP = 40.0


def subject():
    return spiking.subject_of("almost_binary", spike=lambda v: jax.nn.sigmoid(STEEP * v))
