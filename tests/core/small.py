"""Small genomes for small circuits: the core is tested on lives of a few moments."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from metaplast.circuits import Circuit, associative, layered
from metaplast.network import Genome
from metaplast.neurons import Association, Exemplar, Innovation, Learned, Output, Rate, Sensory
from metaplast.rules import Decorrelation, Delta, Factored, OneShot
from metaplast.search import searchable


def plain(rate: float = 0.1, nonlinearity: str = "tanh", output: Output | None = None) -> Genome:
    """Feedback alignment."""
    neurons = {"input": Rate("linear"), "hidden": Rate(nonlinearity), "output": output or Output()}
    return Genome(neurons, {"forward": Delta(rate), "readout": Delta(rate)})


def decided(base, seed: int = 0) -> Learned:
    """A learned cell whose decisions are already far from zero."""
    return Learned(base, width=3, start=0.5, seed=seed)


def layered_genome() -> Genome:
    """A learned cell everywhere, and every kind of memory that a synapse may have."""
    return Genome(
        {"input": Sensory(), "hidden": decided(Rate()), "output": decided(Output(rate=0.1), 7)},
        {
            "forward": Factored((0.2, 0.1), 0.01, traced=True),
            "readout": Factored((0.3,), 0.01),
        },
        {"feedback": jnp.asarray(0.2)},
    )


def associative_genome() -> Genome:
    """Exemplar cells, association cells and learned corrections of both."""
    return Genome(
        {
            "input": decided(Sensory()),
            "hidden": decided(Exemplar(), 3),
            "innovation": Innovation(),
            "association": Association(),
            "output": decided(Output("linear", 0.02), 5),
        },
        {
            "forward": Factored((0.05, 1.0), 0.01),
            "skip": Factored((0.05, 1.0), 0.01),
            "novelty": OneShot(),
            "lateral": Decorrelation(0.9),
            "readout": Factored((1.0,), 0.01),
        },
        {"relay_input": jnp.asarray(0.1), "relay_hidden": jnp.asarray(0.3)},
    )


def layered_case(hidden: tuple[int, ...] = (4, 3)) -> tuple[Circuit, Genome]:
    return layered(6, hidden, 3), layered_genome()


def associative_case(hidden: tuple[int, ...] = (4, 3)) -> tuple[Circuit, Genome]:
    return associative(6, hidden, 3), associative_genome()


CASES = {"layered": layered_case, "associative": associative_case}


def parts(genome: Genome):
    """What a search may move, and the rest."""
    return eqx.partition(genome, searchable)
