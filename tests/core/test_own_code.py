"""Code of the user's own: found, run when its source is new, and part of every name on a shelf."""

from __future__ import annotations

import importlib.util
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from metaplast import own_code, own_source
from metaplast import spec as specs
from metaplast.experiment import build, construct
from metaplast.fingerprint import Opaque, fingerprint, source_hash
from metaplast.own_code import CodeError, load
from metaplast.own_source import reference
from metaplast.passed import passed, remember
from metaplast.rules import AbstractRule, Delta
from metaplast.search import begin, traced
from metaplast.shelf import Shelf
from metaplast.spec import Spec, SpecError

PARTS = """
import equinox as eqx
import jax.numpy as jnp
from metaplast.circuits import layered
from metaplast.positive import Positive, positive
from metaplast.rules import AbstractSeparable
from metaplast.neurons import Rate
from metaplast.meta import Backprop
from metaplast.tasks import AbstractWrapper, digits
from beside_parts import POWER


class Gated(AbstractSeparable):
    rate: Positive = eqx.field(default=0.05, converter=positive)

    def post(self, cell, modulator):
        return (self.rate.value * cell.message * jnp.exp(-cell.activity**POWER))[None]

    def pre(self, cell):
        return cell.activity[None]


def cell(nonlinearity="tanh"):
    return Rate(nonlinearity)


def direct(inputs, hidden, classes):
    return layered(inputs, hidden, classes, "direct")


def eights(moments=8):
    return digits(moments=moments, split="search")


def outer(steps=2):
    return Backprop(steps=steps, lives=2)


def no_rule():
    return 3


def clumsy():
    return {}["nothing"]


NUMBER = 3
"""

TABLES = {
    "name": "mine", "hidden": [4], "anatomy": {"type": "{file}:direct"},
    "genome": {
        "neurons": {
            "input": {"type": "Rate", "nonlinearity": "linear"},
            "hidden": {"type": "Learned", "width": 2, "base": {"type": "{file}:cell"}},
            "output": {"type": "Output"},
        },
        "rules": {
            "forward": {
                "type": "Total", "rules": [{"type": "{file}:Gated", "rate": 0.1}, {"type": "Decay"}]
            },
            "readout": {"type": "Delta"},
        },
    },
    "task": {"type": "Padding", "size": 70, "task": {"type": "{file}:eights", "moments": 5}},
    "meta": {"type": "{file}:outer"},
}  # fmt: skip


def filled(item, file):
    """The tables, the file put in."""
    if isinstance(item, dict):
        return {name: filled(value, file) for name, value in item.items()}
    if isinstance(item, list):
        return [filled(value, file) for value in item]
    return item.replace("{file}", str(file)) if isinstance(item, str) else item


@pytest.fixture
def parts(tmp_path):
    (tmp_path / "beside_parts.py").write_text("POWER = 2\n")
    (tmp_path / "my_parts.py").write_text(PARTS)
    yield tmp_path / "my_parts.py"
    sys.modules.pop("beside_parts", None)


@pytest.mark.parametrize(("text", "home"), [
    ("my_parts.py:MyRule", "my_parts.py"), ("/a b/my.parts.py:x", "/a b/my.parts.py"),
    ("package.module:Name", "package.module"), ("module:Name", "module"),
    ("Oja", None), ("os.system", None), ("my_parts.py:", None), (":x", None), ("a-b:x", None),
    ("a.py:x y", None), ("x = {a:b}\ny:z", None), (3, None), ("a" * 5000 + ".py:x", None),
])  # fmt: skip
def test_what_is_a_reference(text, home):
    found = reference(text)
    assert (found and found.home) == home


def test_own_parts_stand_wherever_a_table_has_a_type(parts):
    experiment = build(Spec(filled(TABLES, parts)))
    gated = load(f"{parts}:Gated")
    rule = experiment.genome.rules["forward"].rules[0]
    assert type(rule) is gated and float(rule.rate.value) == pytest.approx(0.1)
    assert type(experiment.genome.neurons["hidden"].base).__name__ == "Rate"
    assert experiment.objective.task.moments == 5 and experiment.objective.task.inputs == 70
    assert experiment.meta.steps == 2
    sources = {q.source for q in experiment.objective.circuit.projections if q.kind == "feedback"}
    assert sources == {"output"}
    (tmp := dict(filled(TABLES, parts)))["anatomy"] = {"type": "layered"}
    tmp["genome"] = {**tmp["genome"], "rules": {"forward": {"type": "Delta"}}}
    control = build(Spec(tmp)).genome.rules["forward"]
    assert type(control) is Delta, "negative control: a name of ours is ours"


def test_variants_may_name_own_parts(parts):
    tables = filled(TABLES, parts)
    tables["meta"] = {"type": "Backprop", "steps": 1, "lives": 2}
    tables["variants"] = [{"task": {"type": f"{parts}:eights", "moments": 6}}]
    assert build(Spec(tables)).objective is not None
    tables["variants"] = [{"task": {"type": f"{parts}:eight", "moments": 6}}]
    with pytest.raises(SpecError, match=r"variants.0: task.type.*perhaps you meant eights"):
        build(Spec(tables))


def test_a_file_is_run_once_and_again_when_it_or_its_neighbor_was_edited(parts):
    first = load(f"{parts}:Gated")
    assert load(f"{parts}:Gated") is first and own_code.origin(first.__module__) is not None
    parts.write_text(PARTS.replace("NUMBER = 3", "NUMBER = 4"))  # of the very same size
    assert own_code.origin(first.__module__) is None, "what was loaded is no longer what is there"
    assert load(f"{parts}:NUMBER") == 4 and load(f"{parts}:Gated") is not first
    (parts.parent / "beside_parts.py").write_text("POWER = 6\n")
    assert load(f"{parts}:POWER") == 6
    assert not list(parts.parent.glob("__pycache__")), "nothing is written beside the user's file"


def test_of_a_package_all_files_count(tmp_path, monkeypatch):
    package = tmp_path / "own_package_of_tests"
    (package / "deep").mkdir(parents=True)
    for file in ("__init__.py", "deep/__init__.py"):
        (package / file).write_text("")
    (package / "deep" / "parts.py").write_text("from metaplast.rules import Oja as Mine\n")
    name = "own_package_of_tests.deep.parts"
    with pytest.raises(CodeError, match="no module 'own_package_of_tests'"):
        load(f"{name}:Mine")
    monkeypatch.syspath_prepend(tmp_path)
    assert issubclass(load(f"{name}:Mine"), AbstractRule)
    assert own_source.located(name) == package / "deep" / "parts.py"
    before = own_source.digest(name)
    (package / "__init__.py").write_text("x = 1\n")
    assert before and own_source.digest(name) != before
    with pytest.raises(CodeError, match="start Python anew"):
        load(f"{name}:Mine")


def test_a_neighbor_of_another_folder_is_not_taken_for_ones_own(parts, tmp_path):
    load(f"{parts}:Gated")
    other = tmp_path / "other"
    other.mkdir()
    (other / "beside_parts.py").write_text("POWER = 9\n")
    (other / "my_parts.py").write_text("from beside_parts import POWER\n")
    with pytest.raises(CodeError, match="rename one of them") as refused:
        load(f"{other}/my_parts.py:POWER")
    assert str(parts.parent / "beside_parts.py") in str(refused.value)
    (other / "alone.py").write_text("POWER = 9\n")
    assert load(f"{other}/alone.py:POWER") == 9


def test_what_a_file_prints_is_no_output_of_a_command(parts, capsys):
    parts.write_text("print('hello')\nX = len\n")
    load(f"{parts}:X")
    said = capsys.readouterr()
    assert said.out == "" and "hello" in said.err


# -- what is kept --------------------------------------------------------------------


@pytest.fixture
def mine(tmp_path) -> Shelf:
    return Shelf(tmp_path / "kept", source_hash())


def test_the_source_is_part_of_every_fingerprint(parts):
    def prints():
        rule, tables = construct("rules", {"type": f"{parts}:Gated"}, "x"), filled(TABLES, parts)
        return fingerprint("", rule), fingerprint("", tables)

    first = prints()
    assert prints() == first
    parts.write_text(PARTS.replace("NUMBER = 3", "NUMBER = 4"))
    second = prints()
    (parts.parent / "beside_parts.py").write_text("POWER = 4\n")
    third = prints()
    for one, other in ((first, second), (second, third), (first, third)):
        assert one[0] != other[0] and one[1] != other[1]
    (parts.parent / "beside_parts.py").write_text("POWER = 2\n")
    parts.write_text(PARTS)
    assert prints() == first, "negative control: the same text, the same name"


def test_what_imports_unknown_packages_is_not_kept(parts, mine):
    load(f"{parts}:Gated")
    assert mine.name("thing", {"type": f"{parts}:Gated"}) is not None
    parts.write_text("import rich\n" + PARTS)
    with pytest.raises(Opaque, match="rich"):
        fingerprint("", {"type": f"{parts}:Gated"})
    assert mine.name("thing", {"type": f"{parts}:Gated"}) is None


@pytest.mark.skipif(
    importlib.util.find_spec("flatbuffers") is None, reason="traced programs need flatbuffers"
)
def test_an_edited_rule_is_traced_anew(parts, mine):
    def kept() -> set[str]:
        experiment = build(Spec(filled(TABLES, parts)))
        place = experiment.objective, experiment.genome, experiment.meta
        traced(*place, begin(*place, jax.random.key(0)), shelf=mine)
        return {path.name for path in mine.folder.glob("program-*")}

    first = kept()
    assert len(first) == 1 and kept() == first, "read, not traced"
    parts.write_text(PARTS.replace("jnp.exp(-", "jnp.exp(-2*"))
    edited = kept()
    assert len(edited) == 2
    (parts.parent / "beside_parts.py").write_text("POWER = 4\n")
    assert len(kept()) == 3


def test_an_edited_start_has_not_passed_before(parts, mine):
    spec = Spec({**filled(TABLES, parts), "constraints": ["synaptic_locality"]})
    remember(spec, mine)
    assert passed(spec, mine)
    parts.write_text(PARTS + "\n# edited\n")
    assert not passed(spec, mine)
    parts.write_text(PARTS)
    assert passed(spec, mine)


# -- bad input -----------------------------------------------------------------------

BAD = {
    "no file": ("rules", "nothing.py:Gated", ["no file", "nothing.py", "relative to"]),
    "near": ("rules", "{file}:Gatd", ["no 'Gatd'", "perhaps you meant Gated"]),
    "another kind": ("neurons", "{file}:Gated", ["a class", "a subclass of AbstractNeuron"]),
    "a number": ("rules", "{file}:NUMBER", ["of type int", "a subclass of AbstractRule"]),
    "a class for a circuit": ("circuits", "{file}:Gated", ["a class", "returns a Circuit"]),
    "a function that makes something else": (
        "rules", "{file}:no_rule", ["of type int", "expected an AbstractRule"],
    ),
    "a function that raises": (
        "rules", "{file}:clumsy", ["KeyError: 'nothing'", "my_parts.py:44"],
    ),
    "the contract": ("rules", "{file}:AbstractSeparable", ["abstract"]),
    "a part of Python": ("rules", "os:system", ["os is a part of Python"]),
    "no module": ("rules", "no_such_module.parts:X", ["no module 'no_such_module'"]),
    "no colon": ("rules", "Gated", ["unknown", "FILE.py:Name"]),
}  # fmt: skip


def _construct(namespace: str, name: str):
    if namespace == "circuits":
        from metaplast.experiment import build_circuit

        return build_circuit({"type": name}, 2, (3,), 2)
    return construct(namespace, {"type": name}, "here")


@pytest.mark.parametrize("case", BAD)
def test_bad_code_is_refused_in_one_line(parts, case):
    namespace, name, told = BAD[case]
    assert _construct("rules", f"{parts}:Gated") is not None
    with pytest.raises(SpecError) as refused:
        _construct(namespace, name.replace("{file}", str(parts)))
    said = str(refused.value)
    assert "\n" not in said
    for text in told:
        assert text in said


BROKEN = {
    "raises": ("x = 1\ny = x / 0\n", ["ZeroDivisionError: division by zero", "my_parts.py:2"]),
    "syntax": ("def f(:\n", ["SyntaxError", "my_parts.py:1"]),
    "its neighbor raises": ("from beside_parts import NOTHING\n", ["NOTHING", "my_parts.py:1"]),
    "ends Python": ("import sys\nsys.exit(3)\n", ["SystemExit", "my_parts.py:2"]),
    "needs what is not there": ("import no_such_thing\n", ["no_such_thing", "my_parts.py:1"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_does_not_import_is_refused_with_its_line(parts, case):
    text, told = BROKEN[case]
    parts.write_text(text)
    with pytest.raises(SpecError) as refused:
        construct("rules", {"type": f"{parts}:Gated"}, "here")
    said = str(refused.value)
    assert said.startswith("here.type = ") and "does not import" in said and "\n" not in said
    for word in told:
        assert word in said
    parts.write_text(PARTS)
    assert construct("rules", {"type": f"{parts}:Gated"}, "here") is not None


def test_a_module_that_is_a_file_here_is_told_apart(parts, monkeypatch):
    monkeypatch.chdir(parts.parent)
    with pytest.raises(CodeError, match=r"perhaps you meant my_parts.py:Gated"):
        load("my_parts:Gated")
    assert issubclass(load("my_parts.py:Gated"), eqx.Module)


def test_the_command_line_takes_a_reference_without_quotes(parts):
    tables = filled(TABLES, parts)
    spec = specs.with_overrides(Spec(tables), [f"genome.rules.readout.type={parts}:Gated"])
    assert spec["genome"]["rules"]["readout"]["type"] == f"{parts}:Gated"


def test_the_form_of_what_was_made_is_its_structure_types_and_shapes():
    flat, nested = jnp.zeros(3), {"a": jnp.zeros(3), "b": (jnp.zeros((), int), None)}
    assert own_code.form(flat) == "float32[3]" and own_code.form(None) == "None"
    assert own_code.form(nested) == "{'a': float32[3], 'b': (int32[], None)}"
    assert own_code.form(flat) != own_code.form((flat,))  # the same arrays, but not in one place
    assert own_code.form(jax.eval_shape(lambda: nested)) == own_code.form(nested)
