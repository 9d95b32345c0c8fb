"""Experiments as text: complete, re-runnable, and strict about what they do not know."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaplast import spec as specs
from metaplast import toml_text
from metaplast.circuits import layered
from metaplast.experiment import build, build_genome, check_fit
from metaplast.network import Genome
from metaplast.neurons import LIF, Rate
from metaplast.spec import Spec, SpecError

TINY = Path(__file__).resolve().parents[1] / "tiny.toml"

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
plain = st.one_of(
    st.booleans(), st.integers(-(2**62), 2**62), st.floats(allow_nan=False), text
)  # fmt: skip
tables = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(text.filter(bool), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(text, tables, max_size=4))
def test_any_table_survives_being_written(table):
    assert tomllib.loads(toml_text.dumps(table)) == table


def test_what_toml_has_no_form_for_is_refused():
    with pytest.raises(TypeError, match="object"):
        toml_text.dumps({"a": object()})


@pytest.mark.parametrize("name", specs.builtin())
def test_builtin_experiments_are_complete_and_build(name, tmp_path):
    spec = specs.load(name)
    again = tmp_path / "spec.toml"
    again.write_text(specs.dump(spec))
    assert specs.load(again).tables == spec.tables
    experiment = build(spec)
    assert experiment.name == name and experiment.steps > 0


def test_overrides_are_toml_values_at_paths():
    spec = specs.load(TINY)
    changed = specs.with_overrides(
        spec,
        [
            "meta.steps=5", "genome.rules.forward.coefficients=[0.5, 0.25]", "meta.clip=0.5",
            "task.split=bench", 'task={type="Mixture", tasks=[{type="digits"}, {type="mnist1d"}]}',
            "task.tasks.1.moments=7", "genome.gains.readout=2.0",
        ],
    )  # fmt: skip
    assert changed["meta"]["steps"] == 5 and changed["meta"]["clip"] == 0.5
    assert changed["genome"]["rules"]["forward"]["coefficients"] == [0.5, 0.25]
    assert changed["task"]["tasks"][1] == {"type": "mnist1d", "moments": 7}
    assert changed["genome"]["gains"]["readout"] == 2.0
    assert spec["meta"]["steps"] != 5 and "readout" not in spec["genome"]["gains"]


def test_overrides_may_give_tables_that_a_file_leaves_out():
    tables = specs.load(TINY).tables
    genome = {name: part for name, part in tables["genome"].items() if name != "gains"}
    spec = Spec({**tables, "genome": genome}, "my.toml")
    assert "gains" not in spec["genome"] and spec["presentation"] == {}
    changed = specs.with_overrides(spec, ["presentation.steps=4", "genome.gains.readout=2.0"])
    assert changed["presentation"] == {"steps": 4}
    assert changed["genome"]["gains"] == {"readout": 2.0}
    for override in ("genome.gain.readout=2.0", "genome.gains.readout.x=1", "presentatoin.steps=4"):
        with pytest.raises(SpecError, match="--set"):
            specs.with_overrides(changed, [override])
    with pytest.raises(SpecError, match=r"presentation.stps.*steps"):  # its constructor judges it
        build(specs.with_overrides(spec, ["presentation.stps=4"]))


def test_nested_tables_become_objects():
    import jax.numpy as jnp

    genome = build_genome(
        {
            "neurons": {"hidden": {"type": "Learned", "width": 2, "base": {"type": "Rate"}}},
            "rules": {"forward": {"type": "Total", "rules": [{"type": "Oja"}, {"type": "Decay"}]}},
            "gains": {"forward": 2.0},
        }
    )
    assert type(genome.neurons["hidden"].base).__name__ == "Rate"
    assert [type(r).__name__ for r in genome.rules["forward"].rules] == ["Oja", "Decay"]
    assert jnp.allclose(jnp.exp(genome.log_gains["forward"]), 2.0)


def _digits(**changes) -> dict:
    return {**specs.load(TINY).tables, **changes}


WRONG = {
    "unknown entry": ({"hiden": [3]}, "perhaps you meant hidden"),
    "sizes": ({"hidden": [0]}, "hidden = [0]"),
    "seed": ({"seed": -1}, "seed = -1"),
    "seed as truth": ({"seed": True}, "seed = True"),
    "name": ({"name": "../x"}, "name = '../x'"),
    "no table": ({"meta": 3}, "meta = 3"),
    "bench entry": ({"bench": {"life": 3}}, "perhaps you meant lives"),
    "bench data": ({"bench": {"data": "digits"}}, "bench.data"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_spec_names_the_place(case):
    changes, told = WRONG[case]
    with pytest.raises(SpecError) as refused:
        Spec(_digits(**changes), "my.toml")
    assert told in str(refused.value) and str(refused.value).startswith("my.toml: ")


def test_what_is_missing_is_named():
    tables = _digits()
    del tables["task"]
    with pytest.raises(SpecError, match="task missing"):
        Spec(tables)


def test_text_that_is_no_toml(tmp_path):
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(SpecError, match="not valid TOML"):
        specs.load(tmp_path / "bad.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not UTF-8"):
        specs.load(tmp_path / "binary.toml")


GENOMES = {
    "no type": ({"neurons": {"input": {}}}, "genome.neurons.input: no type"),
    "not a table": ({"neurons": {"input": "Rate"}}, "genome.neurons.input = 'Rate'"),
    "unknown type": ({"neurons": {"input": {"type": "Rat"}}}, "perhaps you meant Rate"),
    "contract": ({"neurons": {"input": {"type": "AbstractNeuron"}}}, "unknown"),
    "unknown part": ({"neuron": {}}, "perhaps you meant neurons"),
    "unknown option": (
        {"rules": {"forward": {"type": "Oja", "rat": 1.0}}},
        "genome.rules.forward.rat: Oja has no such option; perhaps you meant rate",
    ),
    "negative rate": (
        {"rules": {"forward": {"type": "Oja", "rate": -1.0}}},
        "genome.rules.forward: rate = -1.0",
    ),
    "missing option": ({"rules": {"forward": {"type": "Total"}}}, "Total needs 'rules'"),
    "nested": (
        {"rules": {"forward": {"type": "Total", "rules": [{"type": "Oja"}, {"type": "Decoy"}]}}},
        "genome.rules.forward.rules[1].type = 'Decoy': unknown; perhaps you meant Decay",
    ),
    "truth for a number": (
        {"rules": {"forward": {"type": "Oja", "rate": True}}},
        "rate = True: expected a number",
    ),
    "gain": ({"gains": {"forward": 0}}, "genome.gains.forward = 0"),
}


@pytest.mark.parametrize("case", GENOMES)
def test_a_wrong_genome_names_the_place(case):
    tables, told = GENOMES[case]
    with pytest.raises(SpecError) as refused:
        build_genome(tables)
    assert told in str(refused.value) and "\n" not in str(refused.value)


def _in_ms(**dt) -> tuple:
    """A genome of parts that know how long a moment is, and a circuit for it."""
    cells = {"type": "Traced", "base": {"type": "LIF", "dt": dt.get("cell", 0.5)},
             "dt": dt.get("trace", 0.5)}  # fmt: skip
    output = {"type": "Leaky", "base": {"type": "Output"}, "dt": dt.get("output", 0.5)}
    kernel = {"type": "Total", "rules": [{"type": "EProp", "dt": dt.get("rule", 0.5)}]}
    neurons = {"input": {"type": "Rate"}, "hidden": cells, "output": output}
    return build_genome({"neurons": neurons, "rules": {"forward": kernel}}), layered(3, (2,), 2)


@pytest.mark.parametrize(
    ("other", "place"),
    [("cell", "neurons.hidden.base"), ("output", "neurons.output"),
     ("rule", "rules.forward.rules[0]")],
)  # fmt: skip
def test_moments_of_two_lengths_are_refused(other, place):
    check_fit(*_in_ms())
    with pytest.raises(SpecError) as refused:
        check_fit(*_in_ms(**{other: 1.0}))
    told = str(refused.value)
    assert f"genome.{place}: dt = 1.0, but 0.5 at genome.neurons.hidden;" in told
    assert "\n" not in told


def test_a_dt_of_somebody_elses_may_be_in_other_units():
    """Negative control: only ours are known to be in ms."""

    class Theirs(Rate):
        dt: float = 0.001

    genome, circuit = _in_ms()
    check_fit(Genome({**genome.neurons, "input": Theirs()}, genome.rules), circuit)
    with pytest.raises(SpecError, match=r"genome.neurons.hidden: dt = 0.5, but 1.0 at .*input"):
        check_fit(Genome({**genome.neurons, "input": LIF()}, genome.rules), circuit)
