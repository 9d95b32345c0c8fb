"""Known answers: which places each element comes from, and where in the source they moved."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import Primitive

from metaplast.audit.provenance import (
    NOWHERE,
    Cut,
    analyse,
    holds,
    interpreter,
    nothing,
    one,
    places_of,
    singletons,
    union,
    words_for,
)
from metaplast.audit.provenance.location import locate


@pytest.fixture(autouse=True)
def errors_in_rules_are_not_forgiven(monkeypatch):
    """Outside of tests, a rule that fails counts as an unknown primitive."""
    monkeypatch.setattr(interpreter, "SURPRISES", ())


def labelled(*shapes):
    """Sets for inputs of these shapes: every element a place, numbered on from one to the next."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    words, firsts = words_for(sum(sizes)), np.cumsum([0, *sizes])
    pairs = zip(shapes, firsts, strict=False)
    return [singletons(shape, int(first), words) for shape, first in pairs]


def analysed(function, *shapes, cuts=(), **options):
    arguments = [jnp.ones(shape) for shape in shapes]
    return analyse(jax.make_jaxpr(function)(*arguments), labelled(*shapes), cuts, **options)


def sets(bits):
    """Sets as Python's, nested as the array is."""
    return places_of(bits) if bits.ndim == 1 else [sets(row) for row in bits]


def outputs(function, *shapes, **options):
    analysis = analysed(function, *shapes, **options)
    assert analysis.unknown == () and analysis.callbacks == ()
    return [sets(bits) for bits in analysis.outputs]


def line_of(function, text):
    """The line of a function's source in which this text stands, once."""
    lines, first = inspect.getsourcelines(function)
    (offset,) = [number for number, line in enumerate(lines) if text in line]
    return first + offset


# Bits


def test_sets_survive_the_words():
    bits = singletons((3, 50), 10, words_for(160))
    assert bits.shape == (3, 50, 3)
    assert places_of(bits[2, 49]) == [159] and places_of(bits[0, 0]) == [10]
    assert places_of(union(bits)) == list(range(10, 160))
    assert holds(bits, 75).sum() == 1 and holds(bits, 9).sum() == 0
    assert places_of(one([0, 63, 64, 159], 3)) == [0, 63, 64, 159]
    assert words_for(0) == 1 and places_of(nothing((2,), 1)[0]) == []


# Single primitives, where the answer is short enough to read


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x[::-1] * 2.0, [[2], [1], [0]]),
        (lambda x: x - x.mean(), [[0, 1, 2]] * 3),
        (lambda x: jnp.cumsum(x), [[0], [0, 1], [0, 1, 2]]),
        (lambda x: jnp.where(jnp.array([True, False, True]), x, x[1]), [[0], [1], [2]]),
        (lambda x: jnp.where(x[0] > 0, x, 1.0), [[0], [0, 1], [0, 2]]),
        (lambda x: x.at[1].set(x[2]), [[0], [2], [2]]),
        (lambda x: x[jnp.array([2, 0])], [[2], [0]]),
        (lambda x: jnp.roll(x, 1), [[2], [0], [1]]),
        (lambda x: x * 0.0, [[0], [1], [2]]),
        (lambda x: jnp.sort(x)[:1], [[0, 1, 2]]),
        (lambda x: lax.stop_gradient(jnp.zeros(2)), [[], []]),
        (lambda x: jnp.arange(3) + x[0].astype(int), [[0]] * 3),
        (lambda x: jax.nn.one_hot(jnp.argmax(x), 2), [[0, 1, 2]] * 2),
    ],
)
def test_known_answers(function, expected):
    assert outputs(function, (3,)) == [expected]


def test_matrix_product():
    (product,) = outputs(lambda w, x: w @ x, (2, 3), (3,))
    assert product == [[0, 1, 2, 6, 7, 8], [3, 4, 5, 6, 7, 8]]


def test_an_index_that_is_known_in_part():
    """Rows are known, columns are not: a row's answer comes from that row and its index."""
    (picked,) = outputs(lambda x, i: x[jnp.arange(2), i.astype(int)], (2, 3), (2,))
    assert picked == [[0, 1, 2, 6], [3, 4, 5, 7]]


def test_captured_constants_are_public_unless_declared():
    index = jnp.array([2, 0])

    def function(x):
        return x[index]

    jaxpr = jax.make_jaxpr(function)(jnp.ones(3))
    if not jaxpr.consts:
        pytest.skip("this version of JAX writes captured arrays as literals")
    bits = [singletons((3,), 0, 1)]
    assert sets(analyse(jaxpr, bits).outputs[0]) == [[2], [0]]
    secret = analyse(jaxpr, bits, consts=[singletons((2,), 3, 1)])
    assert sets(secret.outputs[0]) == [[0, 1, 2, 3], [0, 1, 2, 4]]


# Nested, differentiated and mapped programs


def test_nested_calls_are_entered():
    @jax.custom_jvp
    def forward(x):
        return x[::-1]

    forward.defjvp(lambda primals, tangents: (forward(*primals), tangents[0]))

    @jax.custom_vjp
    def backward(x):
        return x * 1.0

    backward.defvjp(lambda x: (backward(x), None), lambda _, g: (g[::-1],))

    def function(x):
        y = jax.jit(lambda a: jax.jit(jnp.tanh)(a) + 1)(x)
        return forward(y), jax.grad(lambda a: (backward(a) * a).sum())(y), jax.remat(jnp.sin)(y)

    reverse, gradient, same = outputs(function, (3,))
    assert reverse == [[2], [1], [0]]
    assert gradient == [[0, 2], [1], [0, 2]]  # by the rule that its author gave, not the true one
    assert same == [[0], [1], [2]]


def test_vmap_keeps_lives_apart():
    def life(x):
        return lax.scan(lambda c, row: (c + row, c), jnp.zeros(()), x)[0]

    assert outputs(jax.vmap(life), (2, 3)) == [[[0, 1, 2], [3, 4, 5]]]


def test_loops_are_followed_round_by_round():
    def shift(x):
        return lax.scan(lambda c, _: (jnp.roll(c, 1), c[0]), x, None, length=2)

    assert outputs(shift, (3,)) == [[[1], [2], [0]], [[0], [2]]]
    # Not followed that far, it is any number of rounds.
    assert outputs(shift, (3,), unroll=1) == [[[0, 1, 2]] * 3, [[0, 1, 2]] * 2]


def test_a_loop_that_data_end_depends_on_the_data():
    def run(x, y):
        def body(carry):
            return carry[0] + 1, carry[1] * 2, carry[2]

        return lax.while_loop(lambda carry: carry[0] < y[0], body, (x[0], x, y))

    count, doubled, kept = outputs(run, (2,), (2,))
    assert count == [0, 2]
    assert doubled == [[0, 2], [0, 1, 2]]
    assert kept == [[2], [3]]  # what no round touches says nothing about their number


def test_a_known_branch_is_taken():
    def run(x):
        return lax.cond(jnp.arange(3)[1] == 1, lambda a: a[:1], lambda a: a[1:], x)

    assert outputs(run, (2,)) == [[[0]]]


def two_layers(feedback):
    """The gradient of a two-layer network, by backprop or by feedback alignment."""

    def update(w1, w2, b, x, error):
        hidden = jnp.tanh(w1 @ x)
        back = (b if feedback else w2).T @ error
        return jnp.outer(back * (1 - hidden**2), x), jnp.outer(error, hidden)

    return update


SHAPES = (4, 2), (3, 4), (3, 4), (2,), (3,)
W1, W2, B, X, ERROR = (union(bits) for bits in labelled(*SHAPES))


def test_backprop_reads_the_weights_that_feedback_alignment_does_not():
    def differentiated(w1, w2, b, x, error):
        del b

        def loss(w1):
            return jnp.vdot(error, w2 @ jnp.tanh(w1 @ x))

        return jax.grad(loss)(w1)

    weights = np.arange(12).reshape(3, 4) + 8
    for learner in (differentiated, two_layers(feedback=False)):
        change = analysed(learner, *SHAPES).outputs[0]
        for i in range(4):
            read = places_of(change[i, 1] & W2)
            assert read == weights[:, i].tolist()
    change = analysed(two_layers(feedback=True), *SHAPES).outputs[0]
    assert not (change & W2).any()
    assert places_of(change[2, 1] & B) == [8 + 12 + 2 + 4 * row for row in range(3)]


# Random keys, callbacks, and what is not known


def test_random_numbers_depend_on_their_key_alone():
    def draw(key, x):
        first, second = jax.random.split(key)
        return jax.random.normal(first, (2,)), x + jax.random.normal(second, (2,)), x

    jaxpr = jax.make_jaxpr(draw)(jax.random.key(0), jnp.ones(2))
    noise, noisy, clean = analyse(jaxpr, labelled((), (2,))).outputs
    assert sets(noise) == [[0], [0]]
    assert sets(noisy) == [[0, 1], [0, 2]]
    assert sets(clean) == [[1], [2]]


def test_batched_keys_stay_apart():
    def draw(keys):
        return jax.vmap(lambda key: jax.random.uniform(key, (2,)))(keys)

    jaxpr = jax.make_jaxpr(draw)(jax.random.split(jax.random.key(0), 3))
    assert sets(analyse(jaxpr, labelled((3,))).outputs[0]) == [[[0]] * 2, [[1]] * 2, [[2]] * 2]


def test_host_callbacks_are_named_and_taken_to_know_everything():
    def run(x, y):
        jax.debug.callback(lambda _: None, x)
        seen = jax.pure_callback(lambda a: a, jax.ShapeDtypeStruct((2,), jnp.float32), x)
        hidden = lax.cond(True, lambda a: a, lambda a: jax.pure_callback(lambda b: b, a, a), y)
        return seen, hidden

    analysis = analysed(run, (2,), (1,))
    assert "pure_callback" in analysis.callbacks and "debug_callback" in analysis.callbacks
    assert sets(analysis.outputs[0]) == [[0, 1, 2]] * 2
    # One that stands in a branch that is not taken is named too.
    untaken = analysed(lambda x: lax.cond(False, run, lambda a, b: (a, b), x, x[:1])[1], (2,))
    assert untaken.callbacks == analysis.callbacks
    assert sets(untaken.outputs[0]) == [[0]]
    assert analysed(lambda x: x, (2,)).callbacks == ()


def test_an_unknown_primitive_is_named_and_mixes_everything():
    mystery = Primitive("mystery")
    mystery.def_abstract_eval(lambda x, y: x)

    def run(x, y):
        return mystery.bind(x, y), x

    analysis = analysed(run, (2,), (1,))
    assert analysis.unknown == ("mystery",)
    assert sets(analysis.outputs[0]) == [[0, 1, 2]] * 2
    assert sets(analysis.outputs[1]) == [[0], [1]]

    def loop(x, y):
        return lax.scan(lambda c, _: (run(c, y)[0], None), x, None, 2)

    looped = analysed(loop, (2,), (1,))
    assert looped.unknown == ("mystery",)


def test_what_changes_in_place_is_taken_to_mix_everything():
    def run(x, y):
        store = jax.new_ref(jnp.zeros(2))
        store[...] = y
        return x, store[...]

    analysis = analysed(run, (2,), (2,))
    assert analysis.unknown
    assert [sets(bits) for bits in analysis.outputs] == [[[0, 1, 2, 3]] * 2] * 2


def test_sets_of_another_shape_are_refused():
    jaxpr = jax.make_jaxpr(jnp.sin)(jnp.ones(3))
    with pytest.raises(ValueError, match=r"inputs\[0\].*\(2, 1\), expected \(3, 1\)"):
        analyse(jaxpr, labelled((2,)))
    with pytest.raises(ValueError, match="0 arrays of sets for 1 values"):
        analyse(jaxpr, [])
    with pytest.raises(ValueError, match="same number"):
        analyse(jaxpr, labelled((3,)), [Cut(0, singletons((3,), 0, 2))])


# Cuts


def layered(w1, w2, x):
    """Returns its hidden activity and what the next layer makes of it, fenced in every way."""
    hidden = jax.jit(lambda w, x: jax.jit(jnp.tanh)(w @ x))(w1, x)
    out = jax.checkpoint(lambda w, h: w @ lax.stop_gradient(h))(w2, hidden)
    return hidden, out


def test_a_cut_turns_influence_into_edges():
    shapes = (2, 2), (1, 2), (2,)
    whole = outputs(layered, *shapes)
    assert whole == [[[0, 1, 6, 7], [2, 3, 6, 7]], [[0, 1, 2, 3, 4, 5, 6, 7]]]
    hidden, out = outputs(layered, *shapes, cuts=[Cut(0, singletons((2,), 8, 1))])
    assert hidden == whole[0]  # its own entry is as it was computed
    assert out == [[4, 5, 8, 9]]  # and who uses it reads hidden cells


def test_a_cut_reaches_into_loops_and_through_repetition():
    def run(x, y):
        hidden = jnp.tanh(x)
        summed, _ = lax.scan(lambda c, row: (c + row * hidden, None), y, jnp.ones((3, 2)))
        return hidden, summed, jnp.tanh(x) * 2, jnp.sinh(x) / jnp.cosh(x)

    cut = [Cut(0, singletons((2,), 4, 1))]
    hidden, summed, repeated, otherwise = outputs(run, (2,), (2,), cuts=cut)
    assert hidden == [[0], [1]]
    assert summed == [[2, 4], [3, 5]]
    assert repeated == [[4], [5]]  # the same operation on the same operand is the same value
    assert otherwise == [[0], [1]]  # computed in another way, it is not: refused, never passed


def test_a_cut_at_an_input_and_at_one_value_twice():
    cuts = [Cut(0, singletons((2,), 2, 1)), Cut(1, singletons((2,), 4, 1))]
    first, second, used = outputs(lambda x: (x, x, x * 2), (2,), cuts=cuts)
    assert first == second == [[0], [1]]
    assert used == [[2, 4], [3, 5]]


# Witnesses


def transported(w1, w2, x, error):
    hidden = jnp.tanh(w1 @ x)
    w2 = 0.9 * w2
    back = w2.T @ error  # transport
    signal = back * (1 - hidden**2)
    return jnp.outer(signal, x)


def test_the_witness_is_where_the_place_met_something_else():
    shapes = (4, 2), (3, 4), (2,), (3,)
    analysis = analysed(transported, *shapes)
    weight = 8 + 1 * 4 + 2  # w2[1, 2]
    witness = analysis.witness(0, (2, 1), weight)
    assert witness.file == __file__
    assert witness.line == line_of(transported, "# transport")
    assert witness.primitive == "dot_general"
    expected = ["0.9 * w2", "# transport", "signal = ", "return"]
    lines = [line_of(transported, text) for text in expected]
    passed = [location.line for location in witness.path]
    assert passed[0] == lines[0] and passed[-1] == lines[-1] and set(lines) <= set(passed)
    assert str(witness) == f"test_provenance.py:{witness.line}"
    with pytest.raises(ValueError, match="does not depend"):
        analysis.witness(0, (2, 1), weight + 1)


def test_the_witness_does_not_count_the_company_that_is_allowed():
    def run(w, trace, error):
        scaled = w * trace
        return scaled @ error, scaled  # moved

    shapes = (2, 2), (2, 2), (2,)
    analysis = analysed(run, *shapes)
    assert analysis.witness(0, (0,), 1).line == line_of(run, "scaled = ")
    own = one([1, 5], 1)  # the synapse's weight and its trace
    assert analysis.witness(0, (0,), 1, own).line == line_of(run, "# moved")


def test_the_witness_of_a_mere_move_is_the_move():
    def run(w):
        return (w * 2.0).T[0]

    analysis = analysed(run, (2, 2))
    assert analysis.witness(0, (1,), 2).line == line_of(run, "return")
    untouched = analysed(lambda w: w, (2,)).witness(0, (0,), 0)
    assert untouched.location == NOWHERE and untouched.path == () and untouched.primitive == ""
    assert str(untouched) == "unknown source"


def in_a_loop(w, x):
    def body(carry):
        step, cells, memory = carry
        cells = w @ cells  # meets in the loop
        return step + 1, jnp.tanh(cells), memory + cells[0]

    return lax.while_loop(lambda carry: carry[0] < x[0], body, (0.0, x, jnp.zeros(())))[2]


def in_a_scan(w, x):
    def body(cells, row):
        cells = jnp.tanh(cells)
        cells = w @ cells + row  # meets in the scan
        return cells, cells[0] * 2.0

    return lax.scan(body, x, jnp.zeros((3, 2)))[1]


def in_a_branch(w, x):
    def taken(w, x):
        return w @ x  # meets in the branch

    return lax.cond(x[0] > 0, taken, lambda w, x: x, w, x)


@pytest.mark.parametrize(
    ("function", "text", "element"),
    [
        (in_a_loop, "# meets in the loop", ()),
        (in_a_scan, "# meets in the scan", (2,)),
        (in_a_branch, "# meets in the branch", (1,)),
    ],
)
def test_the_witness_stands_within_loops_and_branches(function, text, element):
    witness = analysed(function, (2, 2), (2,)).witness(0, element, 3)
    assert witness.line == line_of(function, text)


def test_a_function_traced_before_is_witnessed_where_it_is_called():
    def run(x, y):
        first = jnp.linalg.norm(x)
        second = jnp.linalg.norm(jnp.concatenate([y, x])[1:3])  # here
        return second + 0 * first

    analysis = analysed(run, (2,), (2,))
    assert analysis.witness(0, (), 3).line == line_of(run, "# here")


def test_without_source_info_there_is_no_witness():
    assert locate([object(), None]) == NOWHERE
