"""Sign-symmetric feedback: the signs of the forward weights, without their sizes."""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL, Scale, Subject


def _born(key, scale: Scale = SMALL):
    state = base.born(key, scale)
    return {**state, "projections": _followed(state["projections"])}


def _sloped(state, name, cell, heard):
    slope = 1.0 - cell["activity"] ** 2
    return {**cell, "error": slope * heard}


def _changed(state, cells):
    return _followed(base.change(state, cells))


def _followed(projections):
    """Every feedback weight takes the sign of the forward weight that it mirrors."""
    followed = dict(projections)
    for name in projections:
        if "~>" in name:
            above, below = name.split("~>")
            forward = projections[f"{below}->{above}"]["weight"]
            followed[name] = {"weight": jnp.sign(forward.T) / math.sqrt(forward.shape[0])}
    return followed


def sign_symmetric(scale: Scale = SMALL) -> Subject:
    """Backprop in which errors travel over the signs of the forward weights.

    As in the paper, every feedback weight follows its forward weight's sign at every moment. The
    sizes are 1 / sqrt(fan-in) here, and the output's error is that of least squares.

    References: Liao, Leibo & Poggio (2016) doi:10.1609/aaai.v30i1.10279; Xiao et al. (2019)
    arXiv:1811.03567.
    """
    backward = functools.partial(base.backward, reply=_sloped)
    step = functools.partial(base.step, backward=backward, change=_changed)
    return base.subject_of("sign_symmetric", step, _born, scale)
