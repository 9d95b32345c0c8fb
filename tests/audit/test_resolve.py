"""Who is audited: every name is a learner, and bad ones are refused in one line."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import learners
from metaplast.audit.anatomy import AnatomyError
from metaplast.audit.function import FunctionError, of_functions
from metaplast.audit.reads import Reads
from metaplast.audit.resolve import ALIASES, names, resolve
from metaplast.audit.subject import LARGE, LONG, SMALL, from_function, world
from metaplast.audit.tracing import Untraceable
from metaplast.learners import NAMES
from metaplast.learners.backprop import Backprop
from metaplast.learners.difference_target_propagation import simplified_target_propagation
from metaplast.learners.nearest_neighbor import NearestNeighbor
from metaplast.learners.recursive_least_squares import RecursiveLeastSquares
from metaplast.types import Teaching

TANH = learners.Perceptron((6, 5, 4, 3), "tanh")
RULE = """
import jax
import jax.numpy as jnp

def state(key, inputs=6, outputs=3):
    return {"populations": {"zebra": {"activity": jnp.zeros(inputs)},
                            "ape": {"activity": jnp.zeros(outputs)}},
            "projections": {"zebra->ape": {"weight": jax.random.normal(key, (outputs, inputs))}}}

def update(state, experience, key):
    weight, x = state["projections"]["zebra->ape"]["weight"], experience["stimulus"]
    y = weight @ x
    return {"populations": {"zebra": {"activity": x}, "ape": {"activity": y}},
            "projections": {"zebra->ape": {"weight": weight + 0.1 * y[:, None] * x}}}
"""


def shapes(subject):
    return jax.tree.map(lambda leaf: leaf.shape, jax.eval_shape(subject.born, jax.random.key(0)))


@pytest.mark.parametrize("name", names())
def test_every_name_is_a_learner_at_every_scale(name):
    subject = resolve(name)
    assert subject.name in (name, ALIASES.get(name))
    assert subject.resized is not None
    large = subject.resized(LARGE)
    assert (subject.anatomy.input.size, subject.classes) == (SMALL.inputs, SMALL.outputs)
    assert (large.anatomy.input.size, large.classes) == (LARGE.inputs, LARGE.outputs)
    state = jax.eval_shape(large.born, jax.random.key(0))
    stimulus = jax.ShapeDtypeStruct((LARGE.inputs,), jnp.float32)
    seen = {"stimulus": stimulus, "target": jax.ShapeDtypeStruct((), jnp.int32)}
    after = jax.eval_shape(large.step, state, seen, jax.random.key(2))
    assert jax.tree.map(lambda a: (a.shape, a.dtype), after) == jax.tree.map(
        lambda a: (a.shape, a.dtype), state
    )


def test_all_learners_of_comparisons_are_there():
    assert set(NAMES) <= set(names())


class Loss:
    """The task of the audit, to give to a learner by hand."""

    def teach(self, readout, target):
        return Teaching(jax.nn.one_hot(target, readout.shape[0]), jnp.zeros(1))

    def loss(self, readout, target):
        return jax.nn.logsumexp(readout) - readout[target]


@pytest.mark.parametrize(("name", "learner"), [
    ("backprop_adam", Backprop((6, 5, 4, 3), "adam", 0.02, "tanh")),
    ("backprop_shortcut", Backprop((6, 5, 4, 3), "sgd", 0.1, "tanh", True)),
    ("recursive_least_squares", RecursiveLeastSquares(6, 3)),
    ("nearest_neighbor", NearestNeighbor(6, 3, 40)),
    ("kolen_pollack", learners.KolenPollack(TANH, 0.1)),
    ("difference_target_propagation", learners.DifferenceTargetPropagation(TANH, 0.1)),
    ("simplified_target_propagation", simplified_target_propagation(TANH, 0.1)),
    ("reinforce", learners.Reinforce(TANH, 0.1)),
    ("pepita", learners.Pepita(TANH, 0.1)),
    ("dendritic_microcircuit", learners.DendriticMicrocircuit(TANH, 0.1)),
    ("forward_forward", learners.ForwardForward(6, (5, 4), 3, 0.02)),
    ("bidirectional", learners.Bidirectional.delta((6, 5, 4, 3), 0.1, told="error")),
    ("learned_feedback", learners.LearnedFeedback((6, 5, 4, 3), jax.random.key(0), 0.1, "tanh")),
    ("message_passing", learners.MessagePassing((6, 5, 4, 3), rate=0.1)),
])  # fmt: skip
def test_names_do_not_change_what_a_learner_does(name, learner):
    subject, key = resolve(name), jax.random.key(3)
    lived = world(subject, 6, jax.random.key(4))

    def as_named(state, seen):
        state = subject.step(state, seen, key)
        return state, state["populations"]["output"]["activity"]

    def plain(state, seen):
        return learner.moment(state, seen["stimulus"], seen["target"], Loss(), key)

    _, answers = jax.lax.scan(as_named, subject.born(key), lived)
    _, expected = jax.lax.scan(plain, learner.born(key), lived)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(answers, expected, rtol=1e-5, atol=1e-6)


@functools.cache
def reads(name: str) -> Reads:
    return Reads(resolve(name))


def not_local(name: str, claim: str) -> list[tuple[str, str]]:
    """Reader and read of every influence beyond the anatomy, in words."""
    found, places = reads(name).beyond(getattr(reads(name), claim)), reads(name).places
    return [(places.describe(f.reader), places.describe(f.read)) for f in found]


def test_backprop_reads_weights_of_other_layers():
    found = not_local("backprop", "to_synapses")
    assert any("input->hidden1" in reader and "hidden2->output" in read for reader, read in found)
    first = reads("backprop").beyond(reads("backprop").to_synapses)[0]
    assert "backprop.py:" in reads("backprop").witness(first)
    # Its forward sweep is an honest one, and is not accused.
    accused = [reader for reader, _ in not_local("backprop", "to_cells")]
    assert accused and not any(reader.startswith("activity") for reader in accused)


@pytest.mark.parametrize("name", ["recursive_least_squares", "nearest_class_mean"])
def test_closed_forms_are_not_local_as_they_are_written(name):
    assert not_local(name, "to_synapses")


@pytest.mark.parametrize("name", ["direct_feedback_alignment", "Oja", "frozen", "honest"])
def test_local_learners_are_not_accused(name):
    assert not not_local(name, "to_synapses") and not not_local(name, "to_cells")


LOCAL = [
    "kolen_pollack", "weight_mirror", "pepita", "node_perturbation", "weight_perturbation",
    "difference_target_propagation", "simplified_target_propagation",
]  # fmt: skip


@pytest.mark.parametrize("name", LOCAL)
def test_synapses_of_local_alternatives_to_backprop_are_not_accused(name):
    assert not not_local(name, "to_synapses")


def test_only_simplified_targets_come_without_the_weights_of_the_output():
    def transported(name):
        return [
            read for reader, read in not_local(name, "to_cells")
            if reader.startswith("target of") and "weight of synapse hidden2->output" in read
        ]  # fmt: skip

    assert transported("difference_target_propagation")
    assert not transported("simplified_target_propagation")


@pytest.mark.parametrize("name", ["sign_symmetric", "reinforce"])
def test_transported_weights_are_found(name):
    found = not_local(name, "to_cells")
    assert any("hidden1" in reader and "hidden2->output" in read for reader, read in found) or any(
        "hidden1" in reader and "hidden1->hidden2" in read for reader, read in found
    )


def test_the_nearest_neighbor_stores_a_whole_life():
    subject = resolve("nearest_neighbor")
    assert shapes(subject)["populations"]["input"]["stored"] == (6, 40)
    assert subject.resized is not None
    assert shapes(subject.resized(LONG))["populations"]["input"]["stored"] == (6, 80)


@pytest.fixture
def rule(tmp_path):
    """Writes a file, and resolves its `update` and `state`."""

    def resolved(text: str = RULE, update: str = "update", state: str = "state"):
        (tmp_path / "mine.py").write_text(text)
        return resolve(f"{tmp_path}/mine.py:{update}", f"{tmp_path}/mine.py:{state}")

    return resolved


def test_a_users_own_function(rule):
    subject = rule()
    # In the order in which they were written, which is not that of the alphabet.
    assert [group.name for group in subject.anatomy.groups] == ["zebra", "ape"]
    assert subject.output == ("ape", "activity")
    assert subject.resized is not None
    assert subject.resized(LARGE).anatomy.input.size == LARGE.inputs
    mine = Reads(subject)
    assert not mine.beyond(mine.to_synapses) and not mine.beyond(mine.to_cells)


def test_a_function_of_one_size_without_key_and_with_a_neighbor(rule, tmp_path):
    (tmp_path / "beside_mine.py").write_text("RATE = 0.5\n")
    text = RULE.replace("(key, inputs=6, outputs=3)", "()").replace("import jax\n", (
        "import jax\nfrom beside_mine import RATE\nkey, inputs, outputs = jax.random.key(0), 6, 3\n"
    ), 1).replace("experience, key)", "experience)")  # fmt: skip
    assert rule(text).resized is None


BAD = {
    "no file": ({"update": "nothing", "state": "state"}, FunctionError, "no 'nothing' in"),
    "near": ({"update": "updat"}, FunctionError, "perhaps you meant update"),
    "constant": ({"text": RULE + "\nX = 3\n", "update": "X"}, FunctionError, "of type int"),
    "syntax": ({"text": "def update(:\n"}, FunctionError, "mine.py:1"),
    "import": ({"text": "x = 1\ny = x / 0\n"}, FunctionError, "mine.py:2"),
    "unnamed": (
        {"text": "def state(key): return 3.0\ndef update(s, e, k): return s\n"},
        AnatomyError, "expected a dictionary",
    ),
    "fields": ({"text": RULE.replace('{"activity": jnp.zeros(inputs)}', "jnp.zeros(inputs)")},
               AnatomyError, "dictionary of fields"),
    "ends": ({"text": RULE.replace("zebra->ape", "zebra->bee")}, AnatomyError, "no population"),
    "shape": ({"text": RULE.replace("(outputs, inputs))", "(inputs, outputs))")},
              AnatomyError, "[post, pre, ...]"),
    "characters": ({"text": RULE.replace("zebra", "layer-1")}, AnatomyError,
                   "without '-', '~', '=', '>' and blanks, by which names of projections are read; "
                   "call it 'layer_1'"),
    "other sizes": (
        {"text": RULE.replace("0.1 * y[:, None]", "0.1 * (jnp.ones(3) - y)[:, None]")},
        Untraceable, "; at inputs 9, outputs 4, which state says it can be asked for",
    ),
    "newborn of other sizes": (
        {"text": RULE.replace("(outputs, inputs))", "(3, 6))")},
        AnatomyError, "or leave the size keywords out",
    ),
    "newborn": ({"text": RULE.replace("jnp.zeros(inputs)", "jnp.zeros(inputs)[99, 99]")},
                FunctionError, "mine.py:6"),
    "step": ({"text": RULE.replace("weight @ x", "weight @ x[:2]")}, Untraceable, "mine.py:12"),
    "branch": ({"text": RULE.replace("weight @ x", "weight @ x if x[0] > 0 else x")},
               Untraceable, "mine.py:12"),
    "host": ({"text": RULE.replace("    y = ", "    jax.debug.print('{}', x)\n    y = ")},
             Untraceable, "remove prints and callbacks"),
    "structure": ({"text": RULE.replace('"ape": {"activity": y}', '"ape": {"other": y}')},
                  Untraceable, "expected a state of the structure"),
    "grown": ({"text": RULE.replace('"ape": {"activity": y}', '"ape": {"activity": y[:2]}')},
              Untraceable, "as at birth"),
    "arguments": ({"text": RULE.replace("state(key, inputs", "state(key, width, inputs")},
                  FunctionError, "give other arguments a default"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_function_is_refused_in_one_line(rule, case):
    given, kind, words = BAD[case]
    with pytest.raises(kind) as refused:
        rule(**given)
    assert words in str(refused.value) and "\n" not in str(refused.value)


UNNAMED = {
    "broadcast": ([jnp.zeros(1)], "state['broadcast'] is of type list"),
    "projections": ([jnp.zeros((3, 3))], "state['projections'] is of type list"),
    "populations": ({"input": jnp.zeros(3)}, "state['populations']['input'] is of type"),
}


@pytest.mark.parametrize("section", UNNAMED)
@pytest.mark.parametrize("made", [of_functions, from_function])
def test_all_of_a_state_has_names(made, section):
    cells = {name: {"activity": jnp.zeros(3)} for name in ("input", "output")}
    parts, words = UNNAMED[section]
    named = {"populations": cells, "broadcast": {"told": jnp.zeros(1), "mood": 0.0}}
    assert made("named", lambda state, *_: state, lambda key: named).anatomy.groups
    with pytest.raises(AnatomyError) as refused:
        made("unnamed", lambda state, *_: state, lambda key: {**named, section: parts})
    assert words in str(refused.value) and "\n" not in str(refused.value)
    with pytest.raises(AnatomyError, match=r"state\['broadcast'\] is of type Array,"):
        made("array", lambda s, *_: s, lambda key: {**named, "broadcast": jnp.zeros(1)})


def test_a_rule_of_one_size_is_tried_at_no_other(rule):
    fixed = RULE.replace("0.1 * y[:, None]", "0.1 * (jnp.ones(3) - y)[:, None]")
    assert rule(fixed.replace("inputs=6, outputs=3", "").replace(
        "jnp.zeros(inputs)", "jnp.zeros(6)").replace("jnp.zeros(outputs)", "jnp.zeros(3)").replace(
        "(outputs, inputs)", "(3, 6)")).resized is None  # fmt: skip


@pytest.mark.parametrize("arguments", [
    "state, experience, key", "state, experience, rng", "state, experience, *, key",
    "state, experience, rate=0.1, key=None", "state, experience, rate=0.1, *, key",
    "state, experience, key=None, /", "*arguments",
])  # fmt: skip
def test_the_key_is_given_to_who_asks_for_it(arguments):
    scope = {"jax": jax, "jnp": jnp}
    name = next(n for n in ("key", "rng", "arguments[2]") if n.split("[")[0] in arguments)
    unpacked = "    state, experience, _ = arguments\n" if "*arguments" in arguments else ""
    text = (
        f"def update({arguments}):\n{unpacked}"
        f"    y = jax.random.normal({name}, (3,))\n"
        "    return {'populations': {**state['populations'], 'output': {'activity': y}}}"
    )
    exec(text, scope)
    cells = {n: {"activity": jnp.zeros(3)} for n in ("input", "output")}
    subject = of_functions("noisy", scope["update"], lambda key: {"populations": cells})
    key = jax.random.key(7)
    after = subject.step({"populations": cells}, {"stimulus": jnp.zeros(3), "target": 0}, key)
    answered = after["populations"]["output"]["activity"]
    np.testing.assert_array_equal(answered, jax.random.normal(key, (3,)))


@pytest.mark.parametrize("update", [
    lambda state: state, lambda key, state, experience: state,
    lambda state, experience, key, rate: state, lambda state, experience, *, rate: state,
])  # fmt: skip
def test_an_update_of_other_arguments_is_refused(update):
    cells = {n: {"activity": jnp.zeros(3)} for n in ("input", "output")}
    with pytest.raises(FunctionError, match=r"expected \(state, experience, key\)"):
        of_functions("odd", update, lambda key: {"populations": cells})


@pytest.mark.parametrize(("name", "state", "words"), [
    ("backprob", None, "did you mean backprop"),
    ("oja", None, "did you mean Oja?"),
    ("cheats/tapes", None, "did you mean cheats/tape"),
    ("nowhere.py:update", "nowhere.py:state", "no file"),
    ("mine.py:update", None, "--state"),
    ("backprop", "mine.py:state", "leave it out"),
])  # fmt: skip
def test_an_unknown_name_is_refused_in_one_line(name, state, words):
    with pytest.raises(ValueError, match=r".") as refused:
        resolve(name, state)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_a_state_that_is_jitted_keeps_input_and_output():
    """Names lose their order under `jit`; `input` and `output` are understood all the same."""

    @jax.jit
    def state(key):
        zero = {"activity": jnp.zeros(3)}
        return {"populations": {"input": zero, "hidden": zero, "output": zero}}

    subject = of_functions("still", lambda state, experience, key: state, state)
    assert [g.name for g in subject.anatomy.groups] == ["input", "hidden", "output"]
