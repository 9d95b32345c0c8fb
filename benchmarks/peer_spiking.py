"""Spiking moments per second: the same network with spike-timing-dependent plasticity elsewhere.

    python benchmarks/peer_spiking.py [--quick] [--json]

Integrate-and-fire cells hear given spikes over plastic synapses, pair-based STDP, steps of 1 ms,
one life. Peers live in processes of their own, in the environments that `make spiking-peers` makes;
the variables BINDSNET_PYTHON, SNNTORCH_PYTHON, SPYX_PYTHON and BRIAN2_PYTHON name another Python
that has one. That spikes and weights agree is asserted first.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from agreement import agreement
from interleaved import Contender, compiled, interleave, short
from section import Claim, Section, run, say
from spiking_peers import PEERS, Setup

from metaplast.circuits import Circuit, Population, Projection
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import LIF, Rate, Traced
from metaplast.rules import PairSTDP
from metaplast.types import Teaching

OURS = "metaplast"
ROOT = Path(__file__).parents[1]
SIZES = ((100, 100), (400, 400))
AIMS = {"bindsnet": 5.0, "snntorch": 5.0, "brian2": 5.0, "spyx": 1.0}
"""How many times our speed should be theirs, at least."""
CHANCE = 0.05
"""Of an input spike in a step."""
AGREED = 100
"""Steps after which spikes and weights have to agree. Later on a membrane that was close to the
threshold may be rounded to its other side, and then nothing stays alike."""


def measure(quick: bool) -> Section:
    steps, repetitions = (200, 3) if quick else (2000, 7)
    section = Section("Spiking networks with STDP: BindsNET, snnTorch, spyx, Brian2")
    names = [name for name in PEERS if python_of(name)]
    section.write(
        f"{steps} steps of 1 ms of one life: integrate-and-fire cells, all of which hear all of as "
        f"many input cells (each spikes in a step with the chance {CHANCE}) over plastic synapses, "
        "pair-based STDP. Microseconds per step, from birth to the last weights. All spikes of "
        f"the first {AGREED} steps agree, and the weights after them as the column *differs by* "
        "says. Peers run in processes of their own, at whichever number of threads is faster. "
        "`brian2` is its Cython runtime, `brian2_standalone` a C++ program whose start is timed "
        "with it. What a peer lacks (STDP in snnTorch and spyx, a reset by subtraction in "
        "BindsNET) is written in its own terms in `benchmarks/spiking_peers.py`."
    )
    rows = []
    for pre, post in SIZES[:1] if quick else SIZES:
        say(f"peer_spiking: {pre} to {post} cells with {', '.join(names) or 'nobody'}")
        rows += rows_for(section, setup_of(pre, post, steps), names, repetitions)
    section.table(
        ("cells", "", "us per step", "theirs / ours", "differs by", "to prepare, s"), rows
    )
    for name in PEERS:
        if name not in names:
            section.write(
                f"Not measured: {name}, for there is no {module_of(name)}; `make "
                f"spiking-peers`, or set {variable_of(name)} to a Python that has it."
            )
    return section


def rows_for(section: Section, setup: Setup, names: list[str], repetitions: int) -> list[list]:
    pre, post = setup.weight.shape
    worst = agreed(setup._replace(spikes=setup.spikes[:AGREED]), names)
    program, begin = ours(setup)
    with among(setup, names) as peers:
        contenders = [compiled(OURS, program, *begin)]
        contenders += [Contender(name, peer.prepare) for name, peer in peers.items()]
        times = interleave(contenders, repetitions)
    where = f"{pre} to {post} cells"
    section.claims += [
        Claim(f"{name} / metaplast, {where}", times.ratio(name, OURS), least=AIMS.get(name))
        for name in names
    ]
    scale = 1e6 / len(setup.spikes)
    return [
        [f"{pre}, {post}", name, short(times.of(name).median * scale), times.ratio(name, OURS),
         f"{worst[name]:.0e}" if name in worst else "", short(times.preparing[name])]
        for name in (OURS, *names)
    ]  # fmt: skip


def agreed(setup: Setup, names: list[str]) -> dict[str, float]:
    """How far each peer's changes of weights are from ours; all spikes have to be the same."""
    program, begin = ours(setup)
    spikes, weight = (np.asarray(a) for a in jax.jit(program)(*begin))
    assert 0.01 < spikes.mean() < 0.5, f"spikes in a step: {spikes.mean()}"
    with among(setup, names) as peers:
        for peer in peers.values():
            peer.prepare()()
        return {
            name: peer.disagreement(spikes, weight - setup.weight) for name, peer in peers.items()
        }


@contextlib.contextmanager
def among(setup: Setup, names: list[str]) -> Iterator[dict[str, Peer]]:
    """The peers, until they are no longer needed."""
    with tempfile.TemporaryDirectory() as folder:
        peers = {name: Peer(name, setup, Path(folder)) for name in names}
        try:
            yield peers
        finally:
            for peer in peers.values():
                peer.stop()


def setup_of(pre: int, post: int, steps: int) -> Setup:
    """Random input, and random weights for which cells spike now and then."""
    rng = np.random.default_rng(0)
    spikes = (rng.random((steps, pre)) < CHANCE).astype(np.float32)
    weight = (rng.random((pre, post)) * 4.0 / pre).astype(np.float32)
    rate = 0.04 / pre
    return Setup(spikes, weight, tau=20.0, tau_plus=16.8, tau_minus=33.7, up=rate, down=0.5 * rate)


def ours(setup: Setup):
    """A function of the newborn's state and the input, and these."""
    pre, post = setup.weight.shape
    circuit = Circuit(
        (Population("pre", pre, "pre"), Population("post", post, "post")),
        (Projection("pre->post", "forward", "pre", "post", "basal"),),
    )

    def traced(cell):
        return Traced(cell, tau_plus=setup.tau_plus, tau_minus=setup.tau_minus)

    rule = PairSTDP(float(setup.up), float(setup.down / setup.up))
    neurons = {"pre": traced(Rate("linear")), "post": traced(LIF(float(setup.tau)))}
    network = PlasticNetwork(circuit, Genome(neurons, {"forward": rule}))
    state = network.born(jax.random.key(0))
    state = state._replace(weights={"pre->post": jnp.asarray(setup.weight.T)})

    def life(state, spikes):
        def step(state, seen):
            cells = {}

            def record(population, phase, cell):
                cells[population, phase] = cell

            state = network.moment(state, seen, jnp.asarray(0), Untaught(), record=record)[0]
            return state, cells["post", "reply"].activity

        state, seen = jax.lax.scan(step, state, spikes)
        return seen, state.weights["pre->post"].T

    return life, (state, jnp.asarray(setup.spikes))


class Untaught:
    """Nobody tells the network anything."""

    def teach(self, readout, target) -> Teaching:
        return Teaching(jnp.zeros_like(readout), jnp.zeros(1))

    def loss(self, readout, target):
        return jnp.zeros(())


class Peer:
    """A peer in a process of its own."""

    def __init__(self, name: str, setup: Setup, folder: Path):
        self.name, self.result = name, folder / f"{name}.npz"
        self.setup = folder / "setup.npz"
        np.savez(self.setup, **setup._asdict())
        self.process: subprocess.Popen[str] | None = None

    def prepare(self):
        script = Path(__file__).with_name("spiking_peers.py")
        command = [python_of(self.name), str(script), self.name, str(self.setup), str(self.result)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._hear("ready")
        return self._once

    def _once(self) -> None:
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        self._hear("done")

    def _hear(self, word: str) -> None:
        for line in self.process.stdout:  # compilers may have something to say before
            if line.strip() == word:
                return
        raise RuntimeError(f"{self.name} ended with code {self.process.wait()}")

    def disagreement(self, spikes: np.ndarray, change: np.ndarray) -> float:
        """Relative distance of the changes of weights; spikes have to be the same."""
        with np.load(self.result) as theirs, np.load(self.setup) as setup:
            agreement(f"spikes of {self.name}", spikes, theirs["spikes"])
            return agreement(f"weights of {self.name}", change, theirs["weight"] - setup["weight"])

    def stop(self) -> None:
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


def python_of(name: str) -> str | None:
    """The Python that has a peer: the one that is named, its environment's, or ours; or None."""
    if named := os.environ.get(variable_of(name)):
        return named
    made = ROOT / (".venv-brian2" if module_of(name) == "brian2" else ".venv-spiking")
    if (made / "ready").exists():
        return str(made / "bin" / "python")
    return sys.executable if importlib.util.find_spec(module_of(name)) else None


def module_of(name: str) -> str:
    return name.partition("_")[0]


def variable_of(name: str) -> str:
    return f"{module_of(name).upper()}_PYTHON"


if __name__ == "__main__":
    run(measure, __doc__)
