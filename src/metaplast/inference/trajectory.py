"""What a network with a given rule would have done with the same stimuli, from the same birth."""

from __future__ import annotations

from typing import NamedTuple

import jax
from jaxtyping import Array, Float, Int

from metaplast.network import NetworkState, PlasticNetwork
from metaplast.spec import near
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Cell

LAST = "rebalance"
"""The phase after which an activity is final."""


class Trajectory(NamedTuple):
    """Time is the leading axis."""

    activity: dict[str, Float[Array, "*recordings moments cells"]]
    """By population."""
    weights: dict[str, Float[Array, "*recordings moments post pre"]]
    """By projection, after each moment."""


def trajectory(
    network: PlasticNetwork,
    task: AbstractTask,
    born: NetworkState,
    stimuli: Float[Array, "moments inputs"],
    targets: Int[Array, " moments"],
    populations: tuple[str, ...],
    projections: tuple[str, ...],
) -> Trajectory:
    """Live, and keep the activity of some populations and the weights of some projections.

    Args:
        network: without noisy cells.
        task: who teaches.
        born: where it begins.
        stimuli, targets: one episode.
        populations, projections: whose, by name.

    Raises:
        ValueError: the circuit has none of that name, or a projection of that name has no weights.
    """
    circuit = network.circuit
    _check("populations", populations, [p.name for p in circuit.populations])
    _check("projections", projections, [q.name for q in circuit.weighted])

    def moment(state, seen):
        stimulus, target = seen
        activity = {}

        def heard(population, phase, value):
            if population in populations and phase == LAST and isinstance(value, Cell):
                activity[population] = value.activity

        state, _ = network.moment(state, stimulus, target, task, None, heard)
        return state, Trajectory(activity, {name: state.weights[name] for name in projections})

    return jax.lax.scan(moment, born, (stimuli, targets))[1]


def _check(argument: str, names: tuple[str, ...], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{argument}: no {name!r} in the circuit; {near(name, known)}")
