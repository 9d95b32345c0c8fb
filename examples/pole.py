"""A cart with a pole, and how long a plastic network keeps the pole up.

Barto, Sutton & Anderson (1983) doi:10.1109/TSMC.1983.6313077
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.network import NetworkState, PlasticNetwork
from metaplast.types import Teaching

GRAVITY, STEP = 9.8, 0.02
"""m/s², s."""
FALLEN, TRACK = 12 * jnp.pi / 180, 2.4


class Body(NamedTuple):
    """What is to be balanced: newton, kg, kg, m."""

    force: float | Float[Array, ""] = 10.0
    mass: float | Float[Array, ""] = 0.1
    """Of the pole."""
    cart: float | Float[Array, ""] = 1.0
    half: float | Float[Array, ""] = 0.5
    """Of the length of the pole."""


ORDINARY = Body()


class Nobody:
    """A teacher who says nothing."""

    def teach(self, readout, target) -> Teaching:
        return Teaching(jnp.zeros_like(readout), jnp.zeros(1))


def pushed(place: Float[Array, " 4"], right, body: Body = ORDINARY) -> Float[Array, " 4"]:
    """Position, speed, angle and angular speed, 20 ms after a push to the right or left."""
    speed, angle, turning = place[1:]
    total, moment = body.cart + body.mass, body.mass * body.half
    push = jnp.where(right, body.force, -body.force)
    lag = (push + moment * turning**2 * jnp.sin(angle)) / total
    turn = (GRAVITY * jnp.sin(angle) - jnp.cos(angle) * lag) / (
        body.half * (4.0 / 3.0 - body.mass * jnp.cos(angle) ** 2 / total)
    )
    move = lag - moment * turn * jnp.cos(angle) / total
    return place + STEP * jnp.stack([speed, move, turning, turn])


def share_standing(
    network: PlasticNetwork,
    born: NetworkState,
    moments: int,
    lesion: float,
    start_key,
    cut_key,
    body: Body = ORDINARY,
) -> Float[Array, ""]:
    """Fraction of the time for which the pole stands.

    Args:
        network: four inputs and two outputs, of which the larger one says where to push.
        born: the network at birth.
        moments: longest life.
        lesion: share of the synapses that are cut at birth.
        start_key: of where the pole is at first.
        cut_key: of which synapses are cut.
        body: what is to be balanced.
    """
    cuts = {
        name: jax.random.bernoulli(jax.random.fold_in(cut_key, index), lesion, w.shape)
        for index, (name, w) in enumerate(born.weights.items())
    }
    scale = jnp.asarray([TRACK, 1.0, FALLEN, 1.0])

    def moment(carry, _):
        state, place, stands = carry
        intact = {name: jnp.where(cuts[name], 0.0, w) for name, w in state.weights.items()}
        seen = state._replace(weights=intact)
        state, readout = network.moment(seen, place / scale, jnp.asarray(0), Nobody())
        state = state._replace(weights={n: bounded(w) for n, w in state.weights.items()})
        place = pushed(place, readout[1] > readout[0], body)
        fits = (jnp.abs(place[2]) < FALLEN) & (jnp.abs(place[0]) < TRACK)
        stands = stands & fits & jnp.all(jnp.isfinite(readout))
        return (state, jnp.where(stands, place, 0.0), stands), stands

    place = jax.random.uniform(start_key, (4,), minval=-0.05, maxval=0.05)
    _, stood = jax.lax.scan(moment, (born, place, jnp.asarray(True)), None, moments)
    return jnp.mean(stood.astype(jnp.float32))


def bounded(weight: Float[Array, "post pre"]) -> Float[Array, "post pre"]:
    """Divided by the largest where that is beyond 1, as by Najarro & Risi (2020)."""
    return weight / jnp.maximum(1.0, jnp.max(jnp.abs(weight)))
