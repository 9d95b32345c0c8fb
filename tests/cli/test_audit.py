"""Certificates from the command line: one learner, several, demands, and a search that ends so."""

from __future__ import annotations

import json
from pathlib import Path

import equinox as eqx
import jax
import pytest

from metaplast import spec as specs
from metaplast.audit.certificate import registered
from metaplast.audit.demands import demand
from metaplast.cli import certified, main
from metaplast.cli.audit import _cheats
from metaplast.cli.catalog import entries
from metaplast.experiment import build

TINY = Path(__file__).resolve().parents[1] / "tiny.toml"
RULE = """
import jax
import jax.numpy as jnp


def state(key):
    return {
        "populations": {
            "input": {"activity": jnp.zeros(5)},
            "hidden": {"activity": jnp.zeros(4)},
            "output": {"activity": jnp.zeros(3), "error": jnp.zeros(3)},
        },
        "projections": {
            "input->hidden": {"weight": jax.random.normal(key, (4, 5))},
            "hidden->output": {"weight": jnp.zeros((3, 4))},
        },
    }


def _moment(state, experience, transport):
    x = experience["stimulus"]
    w, v = (state["projections"][n]["weight"] for n in ("input->hidden", "hidden->output"))
    h = jnp.tanh(w @ x)
    y = v @ h
    error = jax.nn.one_hot(experience["target"], 3) - y
    if transport:
        w = w + 0.1 * jnp.outer(v.T @ error, x)
    v = v + 0.1 * jnp.outer(error, h)
    return {
        "populations": {
            "input": {"activity": x}, "hidden": {"activity": h},
            "output": {"activity": y, "error": error},
        },
        "projections": {"input->hidden": {"weight": w}, "hidden->output": {"weight": v}},
    }


def update(state, experience, key):
    return _moment(state, experience, False)


def cheat(state, experience, key):
    return _moment(state, experience, True)


def stuck(state, experience, key):
    return state if experience["target"] > 0 else None
"""
ONE = ["--constraint", "synaptic_locality"]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder with somebody's rule in it; the words that audit one of its functions."""
    (tmp_path / "my_rule.py").write_text(RULE)
    monkeypatch.chdir(tmp_path)
    return lambda *names: [
        "audit", *(f"my_rule.py:{name}" for name in names), "--state", "my_rule.py:state", *ONE,
    ]  # fmt: skip


def test_one_learner_is_a_table(mine, capsys):
    assert main(mine("cheat")) == 0
    said = capsys.readouterr().out
    assert "synaptic_locality" in said and "violated" in said and "proof" in said
    assert "input->hidden" in said and "my_rule.py" in said and "input 5, hidden 4" in said


def test_several_learners_are_a_matrix_with_witnesses(mine, capsys):
    assert main(mine("update", "cheat")) == 0
    printed = capsys.readouterr()
    rows = {line.split()[0]: line.split()[1:] for line in printed.out.splitlines() if line.strip()}
    assert rows["my_rule.py:update"] == ["P"] and "audit 2/2" in printed.err
    assert certified.LEGEND in printed.out
    table, _, told = printed.out.partition("violations:")
    assert "✗" in table and "my_rule.py:cheat: synaptic_locality: weight of synapse" in told
    assert "update" not in told


def test_cheats_are_counted(mine, capsys):
    assert (
        main(["audit", "cheats/softmax", "cheats/tape", "--constraint", "neuronal_locality"]) == 0
    )
    assert "cheats caught: 1 of 1\n" in capsys.readouterr().out  # the tape breaks another one
    verdicts = [{"constraint": "neuronal_locality", "status": "upheld"}]
    told = _cheats([{"learner": "cheats/softmax", "verdicts": verdicts}])
    assert told == [
        "cheats caught: 0 of 1", "not caught: softmax: neuronal_locality is upheld",
    ]  # fmt: skip
    assert _cheats([{"learner": "honest", "verdicts": verdicts}]) == []


def test_a_matrix_as_markdown(mine, capsys):
    assert main([*mine("update", "cheat"), "--markdown"]) == 0
    said = capsys.readouterr().out
    assert "| `my_rule.py:update` | P |" in said and "| `my_rule.py:cheat` | ✗ |" in said
    assert "1. `synaptic_locality`: the change of a synapse" in said


def test_one_document_and_a_file(mine, capsys, tmp_path):
    for _ in range(2):  # a certificate may be replaced
        assert main([*mine("update"), "--json", "--out", "mine.json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told == json.loads((tmp_path / "mine.json").read_text())
        assert [v["status"] for v in told["verdicts"]] == ["upheld"]
    assert main([*mine("update", "cheat"), "--json"]) == 0
    both = json.loads(capsys.readouterr().out)["certificates"]
    assert [c["learner"] for c in both] == ["my_rule.py:update", "my_rule.py:cheat"]
    assert both[0]["rule_hash"] != both[1]["rule_hash"]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_full_disk_costs_the_file_and_not_the_certificate(mine, capsys, monkeypatch, form):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    assert main([*mine("update"), *form]) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr("metaplast.rulefile.replace", full)
    assert main([*mine("update"), *form, "--out", "mine.json"]) == 2
    printed = capsys.readouterr()
    assert "No space left" in printed.err and not Path("mine.json").exists()
    assert "synaptic_locality" in whole and "synaptic_locality" in printed.out
    assert printed.out.count("\n") == whole.count("\n")


def test_a_demand_decides_the_exit_code(mine, capsys):
    demand = ["--demand", "synaptic_locality"]
    assert main([*mine("update"), *demand]) == 0
    assert main([*mine("cheat"), *demand, "--json"]) == 1
    printed = capsys.readouterr()
    assert "synaptic_locality is violated: weight of synapse" in printed.err
    assert "Traceback" not in printed.err


REFUSED = {
    "nobody": (["audit"], ["learners", "none given"]),
    "unknown constraint": (
        ["audit", "backprop", "--constraint", "dale_law"],
        ["constraint = 'dale_law'", "dales_law"],
    ),
    "unknown demand": (["audit", "backprop", "--demand", "spike"], ["demand = 'spike'", "spikes"]),
    "seed": (["audit", "backprop", "--seed=-1"], ["seed = -1"]),
    "folder that is not there": (["audit", "backprop", "--out", "no/x.json"], ["out = no/x.json"]),
    "file that is no certificate": (
        ["audit", "backprop", "--out", "my_rule.py"],
        ["my_rule.py", "no certificate"],
    ),
    "unknown learner": (["audit", "bakprop"], ["bakprop", "backprop"]),
    "function without a state": (["audit", "my_rule.py:update"], ["my_rule.py:update", "--state"]),
    "function that is not there": (
        ["audit", "my_rule.py:updat", "--state", "my_rule.py:state"],
        ["updat", "update"],
    ),
    "function that does not trace": (
        ["audit", "my_rule.py:stuck", "--state", "my_rule.py:state"],
        ["my_rule.py:stuck", "does not trace", f"my_rule.py:{RULE.count(chr(10))}"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_line(mine, capsys, case):
    words, told = REFUSED[case]
    assert main(words) == 2
    printed = capsys.readouterr()
    said = [line for line in printed.err.splitlines() if not line.startswith("audit ")]
    assert printed.out == "" and len(said) == 1 and said[0].startswith("metaplast: error: ")
    for text in told:
        assert text in said[0]


# -- what is listed ------------------------------------------------------------------


def test_the_catalog_tells_of_every_constraint_what_its_class_says():
    listed = {entry.name: entry for entry in entries("constraints")}
    assert set(listed) == set(registered())
    for name, cls in registered().items():
        entry = listed[name]
        assert entry.line == cls.claim and entry.source.startswith(cls.source.authors)
        assert entry.grades == tuple(grade.value for grade in cls.grades)


def test_the_catalog_lists_every_cheat():
    from metaplast.audit import cheats

    assert {entry.name for entry in entries("cheats")} == set(cheats.__all__)


def test_show_a_constraint(capsys):
    assert main(["show", "synaptic_locality"]) == 0
    said = capsys.readouterr().out
    assert "claim: the change of a synapse" in said and "grades: proof" in said
    assert "source: Bengio" in said
    assert main(["show", "synaptic_locality", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"][0]["grades"] == ["proof"]


# -- constraints of a search ---------------------------------------------------------

TRANSPORT = [
    "anatomy={type='layered', feedback='symmetric'}",
    "genome={neurons={input={type='Rate'}, hidden={type='Rate'}, output={type='Output'}}, "
    "rules={forward={type='Delta'}, readout={type='Delta'}}}",
    "constraints=['synaptic_locality', 'no_weight_transport']",
]


def test_a_search_that_breaks_its_own_demands_is_refused_with_the_witness(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    words = [word for override in TRANSPORT for word in ("--set", override)]
    assert main(["search", str(TINY), *words]) == 2
    *progress, said = capsys.readouterr().err.strip().splitlines()
    assert "no_weight_transport is violated before the search" in said
    assert "weight of synapse" in said and progress == [
        "auditing the start for synaptic_locality, no_weight_transport"
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_search_for_a_constraint_that_nobody_can_check_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["search", str(TINY), "--set", "constraints=['synaptic_localty']"]) == 2
    said = capsys.readouterr().err
    assert "constraint = 'synaptic_localty'" in said and "synaptic_locality" in said
    assert list(tmp_path.iterdir()) == []


def test_demands_do_not_change_what_is_searched():
    """A search is a function of the built experiment, and of nothing else."""
    free = build(specs.load(TINY))
    spec = specs.with_overrides(specs.load(TINY), ["constraints=['synaptic_locality']"])
    demand(spec)
    bound = build(spec)
    assert eqx.tree_equal(free, bound) and jax.tree.leaves(free)
    other = specs.with_overrides(spec, ["genome.gains.relay_input=1.5"])
    assert not eqx.tree_equal(free, build(other))


def test_the_certificate_of_a_run_stands_on_its_page():
    from metaplast.report.certificate import certificate_section

    verdict = {
        "constraint": "spikes", "claim": "0 < 1", "status": "violated", "grade": "test",
        "value": "", "witness": "a & b", "consulted": ["lives"], "seconds": 0.1,
    }  # fmt: skip
    certificate = {
        "learner": "x", "rule_hash": "abc", "seed": 0, "unknown_primitives": ["mystery"],
        "circuit": {"populations": {"input": 6, "input/interneurons": 3}}, "verdicts": [verdict],
    }  # fmt: skip
    page = certificate_section(certificate, ["spikes"])
    assert "0 of 1 constraints" in page and "a &amp; b" in page and "0 &lt; 1" in page
    assert "demanded" in page and "mystery" in page and "interneurons" not in page
    assert "demanded" not in certificate_section(certificate)
