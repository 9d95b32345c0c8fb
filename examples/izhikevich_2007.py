"""Izhikevich (2007): a reward that comes seconds late strengthens the one synapse that earned it.

Solving the distal reward problem through linkage of STDP and dopamine signaling.
Cerebral Cortex 17, 2443-2452. doi:10.1093/cercor/bhl152

Cells that excite and cells that inhibit spike in one recurrent network, at random, for noise is all
that they hear from outside. One synapse among thousands is watched, and begins without weight:
whenever its pre-synaptic cell fires and the post-synaptic one soon after, dopamine is due, but one
to three seconds later, when every cell has fired several times. Dopamine reaches all synapses
alike. Spikes tag synapses, tags fade within a second, and what is left of them when dopamine comes
turns into weight.

    python examples/izhikevich_2007.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import functools
import time
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from beside import NOT_GIVEN, heading, last, row
from command import Command, as_command
from jaxtyping import Array, Float, Int

from metaplast.circuits import Circuit, Population, Projection
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Izhikevich, Rate, Traced
from metaplast.rules import RewardSTDP
from metaplast.types import Cell, Teaching

LARGEST = 4.0
"""Weight at which synapses that excite stop, in mV; they begin at 1."""
WATCHED = 0, 1
"""Post- and pre-synaptic cell of the synapse that earns rewards."""
SOON = 20
"""How soon after the pre-synaptic spike the other one earns a reward, in ms."""
LATE = 1000, 3000
"""Between which delays a reward comes, in ms."""
DOPAMINE, LASTS, TONIC = 0.5, 200.0, 0.002
"""What a reward releases, how long it lasts in ms, and what is there without a reward."""
NOISE = 6.5
"""Largest input from outside, in mV; drawn evenly from both signs."""
TRACE = 20.0
"""Of spikes, in ms: the windows of potentiation and of depression."""
SECOND = 1000
"""Moments in a second."""

DEVIATIONS = """\
Deviations from the paper: 80 cells that excite and 20 that inhibit for its 800 and 200, but all to
all, so that a cell hears as many others as there; inhibition does not reach inhibitory cells; tags
turn into weight every ms for every 10. Numbers of the rule are those of the author's program. That
the synapse reaches the largest weight within an hour is what the paper's Figure 1 shows."""


class Brain(NamedTuple):
    """A network, and what became of its rewards."""

    network: tuple
    """State of the `PlasticNetwork`."""
    since: Float[Array, ""]
    """ms since the watched pre-synaptic cell fired."""
    due: Int[Array, " delays"]
    """Rewards by the moment at which they come, in a ring."""
    dopamine: Float[Array, ""]
    rewards: Int[Array, ""]
    """How many came."""


class Teacher:
    """Tells everybody how much dopamine there is."""

    def __init__(self, dopamine):
        self.dopamine = dopamine

    def teach(self, readout, target) -> Teaching:
        return Teaching(jnp.zeros_like(readout), jnp.reshape(self.dopamine, (1,)))


def circuit(excitatory: int, inhibitory: int) -> Circuit:
    """Everybody hears everybody, but for inhibitory cells among themselves; one input a cell."""
    exciting, cells = {"sign": 1, "delay": 1}, excitatory + inhibitory
    return Circuit(
        (
            Population("outside", cells, "outside"),
            Population("inhibitory", inhibitory, "inhibitory"),
            Population("excitatory", excitatory, "excitatory"),
        ),
        (
            Projection("outside->inhibitory", "noise", "outside", "inhibitory", "basal"),
            Projection("outside->excitatory", "noise", "outside", "excitatory", "basal"),
            Projection("E->I", "exciting", "excitatory", "inhibitory", "basal", **exciting),
            Projection("E->E", "exciting", "excitatory", "excitatory", "basal", **exciting),
            Projection("I->E", "inhibiting", "inhibitory", "excitatory", "basal", sign=-1, delay=1),
        ),
    )  # fmt: skip


def brain(excitatory: int, inhibitory: int, tau: float) -> PlasticNetwork:
    """The network of one row; tags last for `tau` ms."""

    def cell(a: float, d: float):
        return Traced(Izhikevich(a=a, d=d, gain=1.0), tau_plus=TRACE, tau_minus=TRACE)

    # A pair of spikes is worth 0.1, and a tenth of a tag times dopamine is gained every ms.
    rule = RewardSTDP(0.01, tau, 1.0, ratio=1.5, hears="reward")
    cells = {"outside": Rate("linear"), "inhibitory": cell(0.1, 2.0), "excitatory": cell(0.02, 8.0)}
    return PlasticNetwork(circuit(excitatory, inhibitory), Genome(cells, {"exciting": rule}))


def born(network: PlasticNetwork, key) -> Brain:
    """All weights that excite 1, all that inhibit -1, the watched one 0."""
    state = network.born(key)
    anatomy = network.circuit
    inhibitory, excitatory = anatomy["inhibitory"].size, anatomy["excitatory"].size
    weights = dict(state.weights)
    identity = jnp.eye(inhibitory + excitatory)
    weights["outside->inhibitory"] = identity[:inhibitory]
    weights["outside->excitatory"] = identity[inhibitory:]
    weights["I->E"] = -jnp.ones_like(weights["I->E"])
    weights["E->I"] = jnp.ones_like(weights["E->I"])
    weights["E->E"] = jnp.ones_like(weights["E->E"]).at[WATCHED].set(0.0)
    zero = jnp.zeros((), int)
    return Brain(
        state._replace(weights=weights), jnp.asarray(jnp.inf), jnp.zeros(LATE[1] + 1, int),
        jnp.zeros(()), zero,
    )  # fmt: skip


def lived(network: PlasticNetwork, before: Brain, now, key) -> tuple[Brain, Array, Array]:
    """One ms: the brain after it, whether a reward was earned, and who of the excitatory fired.

    What was earned is not yet due: whose reward it is, is for the caller to say.
    """
    noise_key, delay_key = jax.random.split(key)
    fired = {}

    def heard(population, phase, value):
        if isinstance(value, Cell):
            fired[population] = value.activity

    cells = network.circuit["outside"].size
    noise = jax.random.uniform(noise_key, (cells,), minval=-NOISE, maxval=NOISE)
    teacher = Teacher(before.dopamine + TONIC)
    state, _ = network.moment(before.network, noise, jnp.asarray(0), teacher, None, heard)
    stopped = {
        name: jnp.minimum(state.weights[name], LARGEST) if name in ("E->E", "E->I") else weight
        for name, weight in state.weights.items()
    }
    post, pre = WATCHED
    spikes = fired["excitatory"]
    since = jnp.where(spikes[pre] > 0, 0.0, before.since + 1.0)
    earned = (spikes[post] > 0) & (before.since + 1.0 < SOON)

    at = now % before.due.shape[0]
    come = before.due[at]
    dopamine = before.dopamine * jnp.exp(-1 / LASTS) + DOPAMINE * come
    after = Brain(
        state._replace(weights=stopped), since, before.due.at[at].set(0), dopamine,
        before.rewards + come,
    )  # fmt: skip
    delay = jax.random.randint(delay_key, (), *LATE)
    return after, jnp.where(earned, delay, 0), spikes


@functools.partial(eqx.filter_jit, donate="all")
def second(network: PlasticNetwork, brains: Brain, number, key, neighbors: bool) -> tuple:
    """All networks after one more second, and how often their excitatory cells fired.

    Args:
        network: of all of them.
        brains: their states, `[networks]`.
        number: of the second.
        key: of this second, the same for all rows.
        neighbors: whether each gets the rewards that the next one earns.
    """
    count = brains.rewards.shape[0]

    def moment(carry, at):
        brains, fired = carry
        now = number * SECOND + at
        keys = jax.random.split(jax.random.fold_in(key, at), count)
        brains, delays, spikes = jax.vmap(lived, (None, 0, None, 0))(network, brains, now, keys)
        delays = jnp.where(neighbors, jnp.roll(delays, 1), delays)
        places = (now + delays) % brains.due.shape[1]
        due = brains.due.at[jnp.arange(count), places].add((delays > 0).astype(int))
        return (brains._replace(due=due), fired + spikes.mean(1)), None

    begin = (brains, jnp.zeros(count))
    return jax.lax.scan(moment, begin, jnp.arange(SECOND))[0]


class Row(NamedTuple):
    """How one row of the table differs."""

    tau: float
    """How long a tag lasts, in ms."""
    neighbors: bool = False
    """Whether dopamine is what another network has earned."""
    paper: str = NOT_GIVEN


ROWS = {
    "rewarded": Row(1000.0, paper="4, the largest"),
    "another network's rewards": Row(1000.0, neighbors=True),
    "tags of 20 ms": Row(20.0),
}


def hour(options, tau: float, neighbors: bool):
    """Weights `[networks, post, pre]` between excitatory cells in the end, rewards that came to
    each network, and how often its cells fired, in Hz."""
    network = brain(options.excitatory, options.inhibitory, tau)
    birth_key, life_key = jax.random.split(jax.random.key(options.seed))
    keys = jax.random.split(birth_key, options.networks)
    brains = jax.vmap(lambda key: born(network, key))(keys)
    total = np.zeros(options.networks)
    for number in range(options.seconds):
        key = jax.random.fold_in(life_key, number)
        brains, fired = second(network, brains, jnp.asarray(number), key, jnp.asarray(neighbors))
        total += np.asarray(fired)
    weights = np.asarray(brains.network.weights["E->E"])
    return weights, np.asarray(brains.rewards), total / options.seconds


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    plastic = options.excitatory * (options.excitatory + options.inhibitory)
    print(f"{options.networks} networks of {options.excitatory} + {options.inhibitory} cells, "
          f"{plastic} plastic synapses in each, {options.seconds} s", flush=True)  # fmt: skip
    heading("weight of the watched synapse, mV")
    others = {}
    for name, one in ROWS.items():
        weights, rewards, hertz = hour(options, one.tau, one.neighbors)
        post, pre = WATCHED
        watched = weights[:, post, pre]
        weaker = 100 * np.mean(weights < watched[:, None, None], axis=(1, 2))
        others[name] = weights.mean((1, 2)), weaker, rewards, hertz
        row(name, one.paper, watched)
    for number, what in enumerate((
        "mean of all weights among cells that excite, mV",
        "synapses among them that are weaker than the watched one, %",
        "rewards that came", "spikes of a cell that excites, Hz",
    )):  # fmt: skip
        heading(what)
        for name, values in others.items():
            row(name, NOT_GIVEN, values[number])
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("excitatory", 80, "cells that excite", least=2)
    command.count("inhibitory", 20, "cells that inhibit")
    command.count("seconds", 3600, "of a life")
    command.count("networks", 4, "that live at once", least=2)
    command.count("seed", 0, least=0)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
