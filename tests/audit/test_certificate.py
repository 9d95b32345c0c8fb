"""A certificate says what checks found, all of it, and nothing that no check found."""

from __future__ import annotations

import ast
import json
from html import escape
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import metaplast
from metaplast import run as runs
from metaplast import spec as specs
from metaplast.audit.certificate import Certificate, audit, registered, rule_hash
from metaplast.audit.constraints.abstract import AbstractConstraint, Unfounded
from metaplast.audit.constraints.synaptic_locality import SynapticLocality
from metaplast.audit.demands import Refused, demand, subject_of
from metaplast.audit.evidence import Evidence
from metaplast.audit.resolve import resolve
from metaplast.audit.subject import Subject, from_function
from metaplast.audit.tracing import Untraceable
from metaplast.audit.verdict import Finding, Grade, Status, upheld, violated
from metaplast.cli.certified import footnotes
from metaplast.report.certificate import certificate_section

ROOT = Path(metaplast.__file__).parent
TINY = Path(__file__).resolve().parents[1] / "tiny.toml"
INPUTS, HIDDEN, OUTPUTS = 5, 4, 3


def born(key):
    forward, readout = jax.random.split(key)
    return {
        "populations": {
            "input": {"activity": jnp.zeros(INPUTS)},
            "hidden": {"activity": jnp.zeros(HIDDEN)},
            "output": {"activity": jnp.zeros(OUTPUTS), "error": jnp.zeros(OUTPUTS)},
        },
        "projections": {
            "input->hidden": {"weight": jax.random.normal(forward, (HIDDEN, INPUTS))},
            "hidden->output": {"weight": 0.1 * jax.random.normal(readout, (OUTPUTS, HIDDEN))},
        },
    }


def learner(name: str = "honest", rate: float = 0.1, transport: bool = False) -> Subject:
    """A random hidden layer and a readout that learns; with transport, the readout's weights are
    used a second time, to teach the hidden layer."""

    def step(state, experience, key):
        del key
        stimulus = experience["stimulus"]
        below, above = (
            state["projections"][n]["weight"] for n in ("input->hidden", "hidden->output")
        )
        hidden = jnp.tanh(below @ stimulus)
        answer = above @ hidden
        error = jax.nn.one_hot(experience["target"], OUTPUTS) - answer
        if transport:
            below = below + rate * jnp.outer(above.T @ error, stimulus)
        above = above + rate * jnp.outer(error, hidden)
        return {
            "populations": {
                "input": {"activity": stimulus},
                "hidden": {"activity": hidden},
                "output": {"activity": answer, "error": error},
            },
            "projections": {
                "input->hidden": {"weight": below},
                "hidden->output": {"weight": above},
            },
        }

    return from_function(name, step, born)


def line_of(text: str) -> str:
    """`test_certificate.py:LINE` of the first line of this file that holds a text."""
    lines = Path(__file__).read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if text in line)
    return f"{Path(__file__).name}:{number}"


@pytest.fixture(scope="module")
def honest() -> Certificate:
    """All constraints on an honest learner."""
    return audit(learner(), seed=3)


def test_every_constraint_has_a_verdict_with_evidence(honest):
    assert [v.constraint for v in honest.verdicts] == list(registered())
    for verdict in honest.verdicts:
        assert verdict.consulted, verdict.constraint
        assert verdict.grade in registered()[verdict.constraint].grades
        if verdict.status is not Status.UPHELD:  # who is refused is told why
            assert verdict.witness, verdict.constraint
    assert {v.status for v in honest.verdicts} >= {Status.UPHELD, Status.VIOLATED}
    assert honest.violations and honest.seconds > 0


def test_the_document_is_complete_and_plain(honest):
    told = json.loads(json.dumps(honest.to_json(), allow_nan=False))
    assert told["learner"] == "honest" and told["seed"] == 3 and len(told["rule_hash"]) == 64
    assert told["circuit"]["populations"] == {"input": INPUTS, "hidden": HIDDEN, "output": OUTPUTS}
    assert told["circuit"]["projections"]["input->hidden"]["wires"] == INPUTS * HIDDEN
    assert told["versions"]["jax"] == jax.__version__ and told["unknown_primitives"] == []
    for entry, verdict in zip(told["verdicts"], honest.verdicts, strict=True):
        assert entry["claim"] == registered()[entry["constraint"]].claim
        assert (entry["status"], entry["grade"]) == (verdict.status.value, verdict.grade.value)
        assert entry["witness"] == verdict.witness and entry["value"] == verdict.value


def test_the_witness_points_to_the_line():
    names = ["synaptic_locality"]
    (verdict,) = audit(learner("transporter", transport=True), names).violations
    assert line_of("jnp.outer(above.T") in verdict.witness
    assert "input->hidden" in verdict.witness and "hidden->output" in verdict.witness
    assert audit(learner(), names).violations == ()


def test_the_same_seed_gives_the_same_certificate():
    def told(seed):
        found = audit(learner(), ["synaptic_locality"], seed).to_json()
        return [{k: v for k, v in entry.items() if k != "seconds"} for entry in found["verdicts"]]

    assert told(0) == told(0) and told(0)


def test_an_unknown_constraint_is_one_line_with_near_misses():
    with pytest.raises(ValueError, match=r"'synaptic_localty'.*synaptic_locality") as refused:
        audit(learner(), ["synaptic_localty"])
    assert "\n" not in str(refused.value)


def test_names_are_checked_once_each_in_the_order_of_the_registry():
    asked = ["synaptic_locality", "causality", "synaptic_locality"]
    found = audit(learner(), asked)
    assert [v.constraint for v in found.verdicts] == [n for n in registered() if n in asked]


def test_progress_is_told_before_each_check():
    told = []
    audit(learner(), ["synaptic_locality"], progress=lambda *step: told.append(step))
    assert told == [("synaptic_locality", 0, 1)]


# -- hashes --------------------------------------------------------------------------


def _program(subject: Subject):
    return Evidence(subject).reads.program


def test_the_hash_of_a_function_is_that_of_its_program():
    def of(**options):
        return audit(learner(**options), ["synaptic_locality"]).rule_hash

    assert of() == of(name="renamed") != of(rate=0.2)
    assert of() != of(transport=True)


def test_the_hash_of_a_genome_is_that_of_its_numbers():
    program = _program(learner())
    other = _program(learner(rate=0.2))
    numbers = {"rate": jnp.asarray(0.25), "gain": jnp.ones(2)}
    same = rule_hash(numbers, program)
    assert same == rule_hash(dict(numbers), other)
    assert same != rule_hash({**numbers, "rate": jnp.asarray(0.26)}, program)
    assert same != rule_hash({"rat": numbers["rate"], "gain": numbers["gain"]}, program)
    assert same != rule_hash(None, program) != rule_hash(None, other)


# -- no verdict without its check ----------------------------------------------------


class Touched(Exception):
    """The evidence was looked at."""


class Untouchable(Evidence):
    """Evidence that nobody can look at without being noticed."""

    def __getattribute__(self, name):
        if name in ("consulted", "__class__", "__dict__"):
            return super().__getattribute__(name)
        raise Touched(name)


@pytest.mark.parametrize("name", registered())
def test_no_registered_constraint_reaches_a_verdict_without_evidence(name):
    with pytest.raises(Touched):
        registered()[name]().verdict(Untouchable(learner()))


class Careless(AbstractConstraint):
    """Always content."""

    name: ClassVar[str] = "careless"
    claim: ClassVar[str] = "all is well"
    source = SynapticLocality.source
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF,)

    def check(self, evidence) -> Finding:
        return upheld(Grade.PROOF)


class Boastful(Careless):
    """Looks, and claims more than it may."""

    def check(self, evidence) -> Finding:
        assert evidence.subject
        return violated(Grade.TEST, "a test that it does not do")


@pytest.mark.parametrize(("cls", "said"), [(Careless, "without evidence"), (Boastful, "grade")])
def test_a_check_that_makes_up_its_verdict_is_refused(cls, said):
    with pytest.raises(Unfounded, match=said):
        cls().verdict(Evidence(learner()))


def test_evidence_of_another_check_does_not_count():
    evidence = Evidence(learner())
    assert SynapticLocality().verdict(evidence).status is Status.UPHELD
    with pytest.raises(Unfounded):
        Careless().verdict(evidence)


def _makers(names: set[str]) -> set[tuple[str, str]]:
    """Files of the package that call something of these names."""
    return {
        (called, str(file.relative_to(ROOT)))
        for file in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, (ast.Name, ast.Attribute))
        and (called := getattr(node.func, "id", getattr(node.func, "attr", ""))) in names
    }


def test_verdicts_and_certificates_are_made_in_one_place():
    assert _makers({"Verdict", "Certificate"}) == {
        ("Verdict", "audit/constraints/abstract.py"),
        ("Certificate", "audit/certificate.py"),
    }
    assert all("verdict" not in vars(cls) for cls in registered().values())


# -- learners that cannot be audited -------------------------------------------------


def _stepping(step) -> Subject:
    return from_function("broken", step, born)


def test_a_step_that_does_not_trace_is_one_line_with_its_place():
    def step(state, experience, key):
        return state if experience["target"] > 0 else born(key)  # branches on a value

    with pytest.raises(Untraceable) as refused:
        audit(_stepping(step))
    said = str(refused.value)
    assert "\n" not in said and line_of("# branches on a value") in said.replace(
        str(Path(__file__).parent) + "/", ""
    )


def test_a_step_that_calls_the_host_is_refused_by_name():
    def step(state, experience, key):
        jax.debug.print("{}", experience["target"])
        return learner().step(state, experience, key)

    with pytest.raises(Untraceable, match="callback"):
        audit(_stepping(step))


def test_a_bug_in_a_check_is_not_taken_for_a_refusal(monkeypatch):
    def check(self, evidence):
        assert evidence.reads
        raise ZeroDivisionError

    monkeypatch.setattr(SynapticLocality, "check", check)
    with pytest.raises(ZeroDivisionError):
        audit(learner(), ["synaptic_locality"])


# -- experiments that demand constraints ---------------------------------------------


def _layered(feedback: str, *constraints: str) -> specs.Spec:
    """A layered experiment; its other tables are those of the tiny one."""
    rule = {"type": "Delta", "rate": 0.1}
    return specs.Spec(
        {
            **specs.load(TINY).tables,
            "constraints": list(constraints),
            "anatomy": {"type": "layered", "feedback": feedback},
            "genome": {
                "neurons": {
                    "input": {"type": "Rate"},
                    "hidden": {"type": "Rate"},
                    "output": {"type": "Output"},
                },
                "rules": {"forward": rule, "readout": rule},
            },
        },
        "my.toml",
    )


def test_a_start_that_breaks_what_is_demanded_is_refused_before_anything_is_written(tmp_path):
    spec = _layered("symmetric", "no_weight_transport")
    with pytest.raises(Refused) as refused:
        runs.create(tmp_path / "run", spec)
    said = str(refused.value)
    assert said.startswith("my.toml: constraints: no_weight_transport is violated")
    assert "weight of synapse" in said and "delivery.py" in said and "\n" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_keeps_what_is_demanded_is_let_through(tmp_path):
    spec = _layered("random", "neuronal_locality", "synaptic_locality")
    runs.create(tmp_path / "run", spec)
    assert specs.load(tmp_path / "run" / "spec.toml")["constraints"] == spec["constraints"]


def test_a_demand_that_nobody_can_check_is_refused():
    with pytest.raises(specs.SpecError, match=r"'no_weight_transprt'.*no_weight_transport"):
        demand(_layered("random", "no_weight_transprt"))


@pytest.mark.parametrize("value", ["no_weight_transport", [3], {"a": 1}])
def test_constraints_are_a_list_of_names(value):
    with pytest.raises(specs.SpecError, match=r"constraints = .*expected a list of names"):
        specs.Spec({**specs.load(TINY).tables, "constraints": value})


def test_an_experiment_without_demands_has_none():
    assert specs.load(TINY)["constraints"] == []


def test_the_network_of_an_experiment_is_audited_at_small_sizes():
    subject = subject_of(specs.load(TINY))
    sizes = [group.size for group in subject.anatomy.groups if not group.interneuron_of]
    assert max(sizes) < 20 and np.prod(sizes) > 1 and subject.spec == specs.load(TINY).tables


REWARDED = {"type": "Reinforced", "hears": "answer", "task": {"type": "digits"}}


def _rewarded(task) -> specs.Spec:
    """A policy gradient at the readout; its hidden layer is as it was born."""
    spec = _layered("none")
    genome = {
        "neurons": {
            "input": {"type": "Rate", "nonlinearity": "linear"},
            "hidden": {"type": "Rate"},
            "output": {"type": "Output", "rate": 0.1},
        },
        "rules": {"readout": {"type": "PolicyTrace", "rate": 0.5, "tau": 0.01}},
    }
    return specs.Spec({**spec.tables, "genome": genome, "task": task}, "my.toml")


@pytest.mark.parametrize("rewarded", [True, False])
def test_a_network_that_learns_by_reward_is_rewarded_in_the_audit(rewarded):
    """What all hear is the reward of the answer; else (negative control) whether it was wrong."""
    inner = REWARDED if rewarded else {"type": "digits"}
    evidence = Evidence(subject_of(_rewarded({"type": "Padding", "inputs": 100, "task": inner})))
    heard = evidence.lives["broadcast"]["modulator"][..., 0]
    named = evidence.lives["populations"]["output"]["fire drive"].argmax(-1)
    right = named == np.asarray(evidence.experiences["target"])
    assert 0.2 < right.mean() < 0.9
    assert np.array_equal(heard == 1, right if rewarded else ~right)
    assert ("reward alone" in evidence.subject.taught) == rewarded


def test_who_learns_nothing_is_told_how_it_was_taught():
    still = _rewarded(REWARDED)
    still.tables["genome"]["rules"]["readout"]["rate"] = 1e-6
    certificate = audit(subject_of(still), ["noise_tolerance"])
    assert "taught by reward alone" in certificate.verdicts[0].witness
    assert certificate.to_json()["taught"] in certificate.verdicts[0].witness


def test_a_late_reward_is_said_to_come_at_once():
    late = {**REWARDED, "type": "DelayedReward", "delay": 2}
    assert "not 2 moments late" in subject_of(_rewarded(late)).taught
    assert "late" not in subject_of(_rewarded(REWARDED)).taught


@pytest.mark.parametrize("pause", [8, 0])
def test_steps_at_which_nothing_learns_are_said_to_be_outside_of_the_audit(pause):
    shown = _rewarded(REWARDED)
    shown.tables["presentation"] = {"steps": 16, "pause": pause}
    told = audit(subject_of(shown), ["causality"]).to_json()
    assert "outside of the audit" in told["note"] and "the 16 steps at which" in told["note"]
    assert ("the 8 silent steps" in told["note"]) == bool(pause)
    assert told["note"] in footnotes(told) and escape(told["note"]) in certificate_section(told)
    assert "no synapse changes" in resolve("spiking_eprop").note


def test_a_rule_alone_is_said_to_be_in_a_network_that_is_not_its_own():
    """BCM heeds no message; what breaks this claim are the cells that it was given."""
    told = audit(resolve("BCM"), ["no_derivative_knowledge"]).to_json()
    assert told["verdicts"][0]["status"] == "violated" and "reply" in told["verdicts"][0]["witness"]
    assert "those of this network" in told["note"] and told["note"] in footnotes(told)


def test_nothing_is_noted_of_what_is_audited_as_it_lives(honest):
    """Negative control."""
    told = honest.to_json()
    assert told["note"] == "" == subject_of(_rewarded(REWARDED)).note
    assert "<td>note</td>" not in certificate_section(told)
    assert "<td>note</td>" in certificate_section({**told, "note": "something"})
    assert all(line.strip() for line in footnotes(told).splitlines())


def test_the_certificate_says_what_its_hash_is_of(honest):
    assert honest.to_json()["rule_hash_of"] == "the traced program"
    found = audit(subject_of(_rewarded(REWARDED)), ["causality"])
    assert found.rule_hash_of == "the numbers of the rule"


# -- the documentation ---------------------------------------------------------------

DOCS = Path(__file__).resolve().parents[2] / "docs" / "audit.md"


def test_the_documented_rule_gets_a_certificate():
    code = DOCS.read_text().partition("<!-- example -->")[2].split("```")[1].removeprefix("python")
    scope: dict = {}
    exec(compile(code, "my_rule.py", "exec"), scope)
    names = ["synaptic_locality", "neuronal_locality"]
    assert audit(from_function("mine", scope["update"], scope["state"]), names).violations == ()
    hidden = code.replace(', "error": jnp.zeros(3)', "").replace(', "error": error', "")
    exec(compile(hidden, "my_rule.py", "exec"), scope)
    (verdict,) = audit(from_function("mine", scope["update"], scope["state"]), names).violations
    assert verdict.constraint == "synaptic_locality" and "reads the target" in verdict.witness


def test_every_constraint_is_documented():
    rows = [line.split("|") for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    grades = {name.strip(" `"): how.strip() for _, name, how, *_ in rows}
    assert grades == {name: ", ".join(cls.grades) for name, cls in registered().items()}


def test_what_cannot_be_caught_is_documented():
    from metaplast.audit import cheats

    told = DOCS.read_text().partition("<!-- uncatchable -->\n")[2].partition("\n<!--")[0]
    assert told and told in (cheats.__doc__ or "")
