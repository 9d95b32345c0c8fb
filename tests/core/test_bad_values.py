"""A wrong value is refused in one line that names the argument and the value."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import neurons, rules
from metaplast.circuits import Circuit, Population, Projection, balanced, layered
from metaplast.experiment import construct
from metaplast.meta import ES, Backprop, Evolution, MapElites
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Learned, Output, Rate
from metaplast.rules import (
    Decay,
    Decorrelation,
    Delta,
    Factored,
    Oja,
    Polynomial,
    SynapticGRU,
    SynapticMLP,
    Taylor,
    TraceKernel,
)
from metaplast.spec import SpecError

TWO = (Population("a", 2, "input"), Population("b", 1, "output"))

REFUSED = {
    "negative rate of Delta": (lambda: Delta(-0.1), "-0.1"),
    "negative rate of Oja": (lambda: Oja(-1.0), "-1.0"),
    "negative rate of NumPy": (lambda: Delta(np.float32(-0.5)), "rate = -0.5"),
    "rates of several": (lambda: Delta(np.array([0.1, 0.2])), "expected one number"),
    "rate of Decay that is no number": (lambda: Decay(float("nan")), "nan"),
    "infinite eta": (lambda: Decorrelation(float("inf")), "inf"),
    "negative decay": (lambda: Factored((1.0,), -2.0), "-2.0"),
    "coefficient that is no number": (lambda: Factored([0.1, float("nan")]), "nan is no finite"),
    "coefficient that is a truth": (lambda: Factored([True]), "True is no finite"),
    "one coefficient without a list": (lambda: Factored(0.1), "coefficients = 0.1: expected"),
    "negative rate of Polynomial": (lambda: Polynomial(-0.5), "-0.5"),
    "rate of Polynomial that is no number": (lambda: Polynomial(float("nan")), "rate = nan"),
    "coefficient of Polynomial": (lambda: Polynomial(theta=(float("nan"),) * 35), "theta: nan"),
    "infinite rate of SynapticMLP": (lambda: SynapticMLP(float("inf")), "rate = inf"),
    "infinite rate of SynapticGRU": (lambda: SynapticGRU(float("inf")), "rate = inf"),
    "ragged Taylor": (lambda: Taylor([[[[1.0], [1.0, 2.0]]]]), "theta: expected numbers in four"),
    "axes of Taylor": (lambda: Taylor([[1.0]]), "theta: shape (1, 1)"),
    "order of Polynomial": (lambda: Polynomial(order=1), "order = 1"),
    "number of coefficients": (lambda: Polynomial(theta=(1.0,)), "theta"),
    "negative rate of SynapticMLP": (lambda: SynapticMLP(-0.5), "-0.5"),
    "width of SynapticMLP": (lambda: SynapticMLP(width=0), "width = 0"),
    "width of Learned": (lambda: Learned(Rate(), width=0), "width = 0"),
    "leak of Output": (lambda: Output(leak=1.0), "leak = 1.0"),
    "bound of Learned": (lambda: Learned(Rate(), bound=0.0), "bound = 0.0"),
    "optimizer": (lambda: Backprop("adamm"), "adamm"),
    "rate of Backprop": (lambda: Backprop(rate=0.0), "rate = 0.0"),
    "lives of Backprop": (lambda: Backprop(lives=0), "lives = 0"),
    "width of Backprop": (lambda: Backprop(lives=4, width=0), "width = 0"),
    "rate of Backprop without an end": (lambda: Backprop(rate=float("inf")), "rate = inf"),
    "optimizer that wants a loss": (lambda: Backprop("lbfgs"), "optimizer = 'lbfgs'"),
    "optimizer that is a schedule": (lambda: Backprop("cosine_decay_schedule"), "cosine_decay"),
    "optimizer that is a function": (lambda: Backprop("apply_updates"), "apply_updates"),
    "rate that is infinite in 32 bits": (lambda: Backprop(rate=1e300), "rate = 1e+300"),
    "part of an optimizer": (lambda: Backprop("scale_by_schedule"), "does not go down"),
    "part that pulls": (lambda: Backprop("add_decayed_weights"), "does not go down"),
    "spread that is nothing in 32 bits": (lambda: ES(spread=1e-30), "spread = 1e-30"),
    "spread whose square is infinite": (lambda: Evolution(spread=1e200), "spread = 1e+200"),
    "spread without an end": (lambda: Evolution(spread=float("inf")), "spread = inf"),
    "spread of pairs without an end": (lambda: ES(spread=float("inf")), "spread = inf"),
    "axis without an end": (lambda: MapElites(low=-float("inf")), "low = -inf"),
    "strategy": (lambda: Evolution("CMA_E"), "CMA_ES"),
    "population": (lambda: Evolution(population=0), "population = 0"),
    "odd population": (lambda: Evolution("Open_ES", 5), "population = 5: Open_ES says"),
    "large odd population": (lambda: Evolution("Open_ES", 101), "population = 101: Open_ES says"),
    "small population": (lambda: Evolution("DifferentialEvolution", 3), "population = 3: "),
    "strategy without numbers": (lambda: Evolution("LM_MA_ES"), "give 'MA_ES'"),
    "strategy around zero": (lambda: Evolution("DiffusionEvolution"), "give 'CMA_ES'"),
    "strategy that needs more": (lambda: Evolution("SV_Open_ES"), "strategy = 'SV_Open_ES': needs"),
    "population of one": (lambda: Evolution(population=1), "population = 1"),
    "time constant": (lambda: TraceKernel(tau=-100.0), "tau = -100.0: "),
    "one of several time constants": (lambda: TraceKernel(tau_pre=(1.0, -3.0)), "tau_pre = -3.0: "),
    "density above one": (lambda: balanced(3, (4,), 2, density=1.5), "density = 1.5"),
    "density that is no number": (lambda: balanced(3, (4,), 2, density=float("nan")), "nan"),
    "no hidden layer": (lambda: balanced(3, (), 2), "hidden = []"),
    "spread": (lambda: Evolution(spread=-1.0), "spread = -1.0"),
    "empty population": (lambda: layered(3, (0,), 2), "size = 0"),
    "one population": (lambda: Circuit(TWO[:1], ()), "two or more"),
    "projection to nowhere": (
        lambda: Circuit(TWO, (Projection("q", "k", "a", "c", "basal"),)),
        "'c' is no population",
    ),
    "missing neuron": (
        lambda: PlasticNetwork(layered(3, (2,), 2), Genome({"input": Rate()}, {})),
        "hidden",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_one_line(what):
    make, told = REFUSED[what]
    with pytest.raises(ValueError) as caught:
        make()
    message = str(caught.value)
    assert told in message
    assert "\n" not in message


def test_unknown_choices_are_refused():
    """Choices are checked by their type where types are checked, and by the class itself."""
    for make in (lambda: Rate("tahn"), lambda: Output("hinge")):
        with pytest.raises(Exception, match=r"tahn|hinge"):
            make()


def test_good_values_are_not_refused():
    """Negative control."""
    Delta(0.0), Factored((1.0,), 0.0), Polynomial(0.0), Rate("relu"), Output("linear")
    Backprop("rmsprop", clip=float("inf")), ES(spread=0.5), MapElites(low=-6.0)
    Evolution("Open_ES", 100), Evolution("CMA_ES", 5), Evolution("DifferentialEvolution", 5)
    Backprop("sgd", lives=4, width=2), Evolution("SNES"), layered(3, (), 2)


def _positive_fields():
    """Every field of an exported neuron or rule that must stay positive."""
    found = []
    for module in (neurons, rules):
        for name in module.__all__:
            fields = getattr(getattr(module, name), "__dataclass_fields__", {}).values()
            found += [(name, f.name) for f in fields if f.init and str(f.type) == "Positive"]
    return found


def test_a_positive_number_is_refused_by_its_own_name():
    seen = set()
    for name, field in _positive_fields():
        make = getattr(neurons, name, None) or getattr(rules, name)
        if any(p.default is p.empty for p in inspect.signature(make).parameters.values()):
            continue  # a wrapper, which needs a neuron first
        make(**{field: 0.5})  # the control: what is positive is taken
        with pytest.raises(ValueError, match=rf"^{field} = -1\.0: "):
            make(**{field: -1.0})
        seen.add(field)
    assert {"rate", "tau", "sharpness", "floor"} <= seen


def test_a_whole_number_is_a_real_one_where_reals_are_meant():
    """JAX would take it for one of 32 bits, and refuse it by a traceback."""
    found = construct("meta", {"type": "ES", "spread": 10**12, "steps": 3}, "meta")
    assert found.spread == 1e12 and type(found.spread) is float and type(found.steps) is int
    with pytest.raises(SpecError, match=r"meta.spread = 1000.*: expected a number below 1e308"):
        construct("meta", {"type": "ES", "spread": 10**400}, "meta")


@pytest.mark.parametrize("number", [np.float32, np.float64, jnp.asarray, float])
def test_a_rate_means_the_same_whoever_made_the_number(number):
    assert float(Delta(number(0.05)).rate.value) == pytest.approx(0.05)
    assert float(Delta(number(0.0)).rate.value) == 0


def test_a_rate_that_is_traced_is_a_rate():
    rates = jnp.asarray([0.01, 0.1])
    np.testing.assert_allclose(jax.vmap(lambda rate: Delta(rate).rate.value)(rates), rates, 1e-5)


def test_whole_numbers_of_a_taylor_series_can_be_searched():
    assert Taylor([[[[0], [1]]]]).theta.dtype == jnp.zeros(()).dtype
