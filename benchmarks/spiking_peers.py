"""One spiking network with spike-timing-dependent plasticity, in other people's simulators.

    PYTHON spiking_peers.py NAME SETUP.npz RESULT.npz

Runs with a Python that has the peer, and none of our packages: prints a line when it is ready, then
lives the whole stretch once for every line that it reads. `peer_spiking.py` starts it. Every peer
has the same membranes, traces and weights, in its own parts where it has them, and says here where
it has not.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import sys
import time
import types
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Setup(NamedTuple):
    """What is simulated; times in ms, a step is 1 ms."""

    spikes: np.ndarray
    """Of the input cells, `[steps, pre]`."""
    weight: np.ndarray
    """At birth, `[pre, post]`."""
    tau: float
    tau_plus: float
    tau_minus: float
    up: float
    down: float


Once = Callable[[], tuple[np.ndarray, np.ndarray]]
"""Lives it all from birth: spikes `[steps, post]`, and weights `[pre, post]` at the end."""


def bindsnet(setup: Setup) -> Once:
    """`Network.run` with `PostPre`. `LIFNodes` resets to a value and not by what the threshold is,
    and `PostPre` counts a post-synaptic spike before the pre-synaptic one of the same step: both
    are a subclass of three lines."""
    import torch

    # The package as a whole asks for torchvision, its networks do not.
    found = importlib.util.find_spec("bindsnet")
    whole = types.ModuleType("bindsnet")
    whole.__path__ = list(found.submodule_search_locations)
    sys.modules["bindsnet"] = whole
    importlib.import_module("bindsnet.network")  # before `learning`, which needs it half loaded
    from bindsnet.learning import PostPre
    from bindsnet.network import Network
    from bindsnet.network.monitors import Monitor
    from bindsnet.network.nodes import Input, LIFNodes, Nodes
    from bindsnet.network.topology import Connection

    class Subtracting(LIFNodes):
        def forward(self, x):
            self.v.mul_(self.decay).add_(x)
            self.s = self.v >= self.thresh
            self.v.sub_(self.s.float())
            Nodes.forward(self, x)

    class PreFirst(PostPre):
        def _connection_update(self, **kwargs):
            counted = self.target.x
            self.target.x = counted - self.target.s.float()
            super()._connection_update(**kwargs)
            self.target.x = counted

    steps, pre = setup.spikes.shape
    post = setup.weight.shape[1]
    spikes = torch.as_tensor(setup.spikes)

    def once():
        network = Network(dt=1.0)
        source = Input(n=pre, traces=True, traces_additive=True, tc_trace=setup.tau_plus)
        target = Subtracting(n=post, traces=True, traces_additive=True, tc_trace=setup.tau_minus,
                             thresh=1.0, rest=0.0, tc_decay=setup.tau)  # fmt: skip
        synapses = Connection(source, target, w=torch.tensor(setup.weight), update_rule=PreFirst,
                              nu=(setup.down, setup.up))  # fmt: skip
        network.add_layer(source, "pre")
        network.add_layer(target, "post")
        network.add_connection(synapses, "pre", "post")
        seen = Monitor(target, ("s",), time=steps)
        network.add_monitor(seen, "post")
        network.run({"pre": spikes.clone()}, time=steps, one_step=True)
        return seen.get("s").reshape(steps, post).numpy(), synapses.w.numpy()

    return _fastest(once, torch)


def snntorch(setup: Setup) -> Once:
    """`Leaky` cells. snnTorch has no plasticity of spike timing: the products are two `addr_`."""
    import torch
    from snntorch import Leaky

    spikes = torch.as_tensor(setup.spikes)
    kept = [math.exp(-1.0 / tau) for tau in (setup.tau_plus, setup.tau_minus)]
    post = setup.weight.shape[1]

    @torch.no_grad()
    def once():
        cells = Leaky(math.exp(-1.0 / setup.tau), reset_mechanism="subtract", reset_delay=False)
        weight, mem = torch.tensor(setup.weight), torch.zeros(post)
        before, after, seen = torch.zeros(spikes.shape[1]), torch.zeros(post), []
        for x in spikes:
            z, mem = cells(x @ weight, mem)
            before.mul_(kept[0]).add_(x)
            after.mul_(kept[1])
            weight.addr_(before, z, alpha=setup.up).addr_(x, after, alpha=-setup.down)
            after.add_(z)
            seen.append(z)
        return torch.stack(seen).numpy(), weight.numpy()

    return _fastest(once, torch)


def spyx(setup: Setup) -> Once:
    """`nn.run` of one module. Its `LIF` spikes a step late and its reset does not fade; the
    module has its spike function and our membrane. The plasticity is ours to write."""
    import jax
    import jax.numpy as jnp
    from spyx import axn, nn

    spike = axn.superspike()
    alpha, plus, minus = (
        math.exp(-1.0 / tau) for tau in (setup.tau, setup.tau_plus, setup.tau_minus)
    )

    class Plastic:
        def __call__(self, x, state):
            v, before, after, weight = state
            x = x[0]
            v = alpha * v + x @ weight
            z = spike(v - 1.0)
            before, after = plus * before + x, minus * after
            weight = weight + setup.up * jnp.outer(before, z) - setup.down * jnp.outer(x, after)
            return z[None], (v - z, before, after + z, weight)

    pre, post = setup.weight.shape
    begin = (jnp.zeros(post), jnp.zeros(pre), jnp.zeros(post), jnp.asarray(setup.weight))
    spikes = jnp.asarray(setup.spikes)[:, None]
    program = jax.jit(lambda spikes, begin: nn.run(Plastic(), spikes, begin))

    def once():
        seen, (_, _, _, weight) = program(spikes, begin)
        return np.asarray(seen)[:, 0], np.asarray(weight)

    return once


def brian2(setup: Setup) -> Once:
    """The STDP synapses of its documentation, compiled by its fastest runtime target, Cython; in
    an order of events in which spikes arrive before cells fire in a step."""
    return _brian2(setup, standalone=False)


def brian2_standalone(setup: Setup) -> Once:
    """The same as a C++ program; what is timed is the program, a process of its own."""
    return _brian2(setup, standalone=True)


def _brian2(setup: Setup, standalone: bool) -> Once:
    import tempfile

    import brian2 as b2

    folder = tempfile.mkdtemp()
    if standalone:
        b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    else:
        b2.prefs.codegen.target = "cython"
    b2.defaultclock.dt = b2.ms
    steps, pre = setup.spikes.shape
    post = setup.weight.shape[1]
    at, who = np.nonzero(setup.spikes)
    names = {"tau": setup.tau * b2.ms, "plus": setup.tau_plus * b2.ms,
             "minus": setup.tau_minus * b2.ms, "up": setup.up, "down": setup.down}  # fmt: skip
    source = b2.SpikeGeneratorGroup(pre, who, at * b2.ms, when="start")
    target = b2.NeuronGroup(post, "dv/dt = -v / tau : 1", threshold="v >= 1", reset="v -= 1",
                            method="exact", namespace=names)  # fmt: skip
    synapses = b2.Synapses(
        source, target,
        """w : 1
        dbefore/dt = -before / plus : 1 (event-driven)
        dafter/dt = -after / minus : 1 (event-driven)""",
        on_pre="v_post += w; before += 1; w -= down * after",
        on_post="w += up * before; after += 1",
        namespace=names,
    )  # fmt: skip
    synapses.connect()
    synapses.pre.when, synapses.pre.order = "groups", 1
    synapses.w = setup.weight.ravel()  # source by source, as `connect` makes them
    seen = b2.SpikeMonitor(target)
    network = b2.Network(source, target, synapses, seen)

    def result():
        spikes = np.zeros((steps, post))
        spikes[np.round(np.asarray(seen.t / b2.ms)).astype(int), np.asarray(seen.i)] = 1
        return spikes, np.asarray(synapses.w[:]).reshape(pre, post)

    if standalone:
        network.run(steps * b2.ms)
        b2.device.build(directory=folder, run=False)

        def once():
            b2.device.run(folder)
            return result()
    else:
        network.store()

        def once():
            network.restore()
            network.run(steps * b2.ms)
            return result()

    return once


def _fastest(once: Once, torch) -> Once:
    """With whichever number of threads is faster: small matrices want one."""
    spent = {}
    for threads in sorted({1, os.cpu_count() or 1}):
        torch.set_num_threads(threads)
        once()
        begun = time.perf_counter()
        once()
        spent[threads] = time.perf_counter() - begun
    torch.set_num_threads(min(spent, key=spent.__getitem__))
    return once


PEERS = {peer.__name__: peer for peer in (bindsnet, snntorch, spyx, brian2, brian2_standalone)}


def main() -> None:
    name, setup, result = sys.argv[1:]
    with np.load(setup) as stored:
        once = PEERS[name](Setup(**{n: stored[n][()] for n in Setup._fields}))
    spikes, weight = once()
    np.savez(result, spikes=spikes, weight=weight)
    print("ready", flush=True)
    for _ in sys.stdin:
        once()
        print("done", flush=True)


if __name__ == "__main__":
    main()
