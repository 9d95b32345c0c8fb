"""Integrate-and-fire cells in Brian2: run with a Python that has it; drives come and go as JSON."""

import json
import sys

import brian2 as b2
import numpy as np

b2.prefs.codegen.target = "numpy"
setup = json.load(sys.stdin)
current = b2.TimedArray(np.asarray(setup["current"]), dt=b2.ms)
tau, tau_adaptation = setup["tau"] * b2.ms, setup["tau_adaptation"] * b2.ms
strength = setup["strength"]
cells = b2.NeuronGroup(
    1,
    """dv/dt = (current(t) - v) / tau : 1
    da/dt = -a / tau_adaptation : 1""",
    threshold="v >= 1 + strength * a",
    reset="v -= 1; a += 1",
    refractory=setup["refractory"] * b2.ms,
    method="exact",
    dt=b2.ms,
)
seen = b2.StateMonitor(cells, ("v", "a"), record=True, when="end")
spikes = b2.SpikeMonitor(cells)
b2.run(len(setup["current"]) * b2.ms)
json.dump(
    {"v": list(seen.v[0]), "a": list(seen.a[0]), "spikes": [round(t / b2.ms) for t in spikes.t]},
    sys.stdout,
)
