"""Ways round a check that no cheat of `audit.cheats` takes, each beside a learner that does no such
thing and is written alike."""

from __future__ import annotations

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.audit.alignment import cosine, dependence, dependence_up_to_factors
from metaplast.audit.anatomy import parsed
from metaplast.audit.cheats import base, born_aligned, learned_weights
from metaplast.audit.constraints import (
    GenomeBottleneck,
    NoDerivativeKnowledge,
    NoStoredActivations,
    NoWeightSharing,
    NoWeightTransport,
    OnePhase,
    Spikes,
    TeachingAtOutput,
    UnsignedMessages,
)
from metaplast.audit.constraints.genome_bottleneck import _inherited
from metaplast.audit.evidence import BIRTHS, Evidence
from metaplast.audit.places import Kind, Leaf
from metaplast.audit.subject import SMALL, from_function


def judged(constraint, step, born=base.born):
    return constraint().verdict(Evidence(base.subject_of("variant", step, born)))


def replying(reply):
    return functools.partial(base.step, backward=functools.partial(base.backward, reply=reply))


# -- numbers that are not finite ---------------------------------------------------------------


def with_holes(born, value):
    """A birth at which the first synapse of each bundle is no finite number, and a step to which
    such synapses are not there."""

    def newborn(key, scale=SMALL):
        state = born(key, scale)
        holed = jax.tree.map(lambda w: w.at[0, 0].set(value), state["projections"])
        return {**state, "projections": holed}

    def step(state, experience, key):
        before = state["projections"]
        there = jax.tree.map(lambda w: jnp.where(jnp.isfinite(w), w, 0.0), before)
        after = base.step({**state, "projections": there}, experience, key)
        kept = jax.tree.map(
            lambda was, now: jnp.where(jnp.isfinite(was), now, was), before, after["projections"]
        )
        return {**after, "projections": kept}

    return step, newborn


@pytest.mark.parametrize(("born", "status"), [(base, "upheld"), (born_aligned, "violated")])
def test_one_synapse_without_a_number_does_not_hide_alignment(born, status):
    verdict = judged(NoWeightTransport, *with_holes(born.born, jnp.nan))
    assert verdict.status == status, verdict
    assert ("at birth" in verdict.witness) == (status == "violated")
    assert status == "violated" or "° at the end" in verdict.value


def test_what_is_not_finite_does_not_count_in_a_correlation():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 64, 4, 5))
    holes = one.copy()
    # Another synapse at every birth.
    holes.reshape(64, -1)[np.arange(64), rng.integers(0, 20, 64)] = np.nan
    assert dependence(holes, one).correlation > 0.999
    assert dependence(holes, other).probability > 1e-4
    assert dependence_up_to_factors(holes, 3 * one).probability < 1e-9
    assert dependence_up_to_factors(holes, other).probability == 1.0
    np.testing.assert_allclose(cosine(holes, one), 1.0)
    assert dependence(one * np.nan, one).probability == 1.0
    assert np.isnan(cosine(one * np.nan, one)).all()


@pytest.mark.parametrize(("born", "status"), [(base, "upheld"), (learned_weights, "violated")])
def test_one_infinite_synapse_does_not_hide_inherited_weights(born, status):
    verdict = judged(GenomeBottleneck, *with_holes(born.born, jnp.inf))
    assert verdict.status == status, verdict
    assert status == "violated" or "permuted hidden1, hidden2" in verdict.value


@pytest.mark.parametrize("draw", ["normal", "lognormal", "rare"])
def test_a_few_large_weights_are_not_inherited(draw):
    """A mean of its own is one in every part of the births, whatever weights are drawn from."""
    leaf = Leaf(Kind.SYNAPSE, "a->b", "weight", (30, 20), True, 0)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(BIRTHS, 30, 20))
        if draw == "lognormal":
            values = np.exp(1.5 * values)
        if draw == "rare":
            values = 1.0 * (values > 2.6)
        assert not _inherited(leaf, values), seed
        values[:, 3, 4] += 1.5 * values.std()
        assert "synapse a->b[3, 4] is" in _inherited(leaf, values), seed
        # Another birth that lacks it, and a part of the births that is not known.
        values[5, 3, 4] = 0.0
        values[: BIRTHS // 4, 3, 4] = np.nan
        assert "synapse a->b[3, 4] is" in _inherited(leaf, values), seed


@pytest.mark.parametrize(("born", "status"), [(1.0, "violated"), (jnp.inf, "violated")])
@pytest.mark.parametrize("learns", ["by phase", "always"])
def test_a_phase_may_be_infinite(born, status, learns):
    def reply(state, name, cell, heard):
        phase = state["populations"][name]["phase"]
        heard = jnp.where(phase > 0, heard, 0.0) if learns == "by phase" else heard
        return {**cell, "phase": -phase, "error": heard}

    def newborn(key, scale=SMALL):
        state = base.born(key, scale)
        for name in base.names(state)[1:-1]:
            cells = state["populations"][name]
            cells["phase"] = jnp.full_like(cells["activity"], born)
        return state

    verdict = judged(OnePhase, replying(reply), newborn)
    assert verdict.status == (status if learns == "by phase" else "upheld"), verdict


def announcing(told, beside):
    """Hidden cells hear two broadcasts: `told(target, output)` and `beside(output)`."""

    def newborn(key, scale=SMALL):
        return {
            **base.born(key, scale), "broadcast": {"beside": jnp.zeros(1), "told": jnp.zeros(1)}
        }  # fmt: skip

    def step(state, experience, key):
        said = {}

        def backward(state, cells, experience):
            cells = base.backward(state, cells, experience)
            output = cells["output"]
            said["told"] = told(experience["target"] + 0 * output["error"][0], output)[None]
            said["beside"] = beside(output)[None]
            for name in base.names(state)[1:-1]:
                heard = jnp.where(jnp.isfinite(said["told"][0]), said["told"][0] % 10, 0.0)
                error = cells[name]["error"] + 0.1 * heard + 0.1 * said["beside"][0]
                cells[name] = {**cells[name], "error": error}
            return cells

        return {**base.step(state, experience, key, backward=backward), "broadcast": said}

    return step, newborn


def loss(output):
    return jnp.mean(output["error"] ** 2)


@pytest.mark.parametrize("rarely", [jnp.inf, jnp.nan, 1e6])
def test_a_label_is_heard_that_is_told_nearly_always(rarely):
    def told(target, output):
        return jnp.where(output["activity"].max() > 1.05, rarely + target, target)

    verdict = judged(TeachingAtOutput, *announcing(told, loss))
    assert verdict.status == "violated", verdict
    assert "broadcast told[0] tells which class" in verdict.witness


def test_who_is_told_how_wrong_it_was_is_not_told_the_label():
    def told(target, output):
        return loss(output) + 0 * target

    assert judged(TeachingAtOutput, *announcing(told, loss)).status == "upheld"


def rewarding(outputs, told):
    """Hidden cells are rewarded for what noisy output cells answered, or told the label."""

    def newborn(key):
        state = base.born(key, dataclasses.replace(SMALL, outputs=outputs))
        return {**state, "broadcast": {"told": jnp.zeros(1)}}

    def step(state, experience, key):
        said = {}

        def forward(state, experience):
            cells = base.forward(state, experience)
            noise = 0.1 * jax.random.normal(key, (outputs,))
            cells["output"]["activity"] = cells["output"]["drive"] + noise
            return cells

        def backward(state, cells, experience):
            cells = base.backward(state, cells, experience)
            said["told"] = told(experience["target"], cells["output"])[None]
            for name in base.names(state)[1:-1]:
                cells[name] = {**cells[name], "error": cells[name]["activity"] * said["told"]}
            return cells

        after = base.step(state, experience, key, forward=forward, backward=backward)
        return {**after, "broadcast": said}

    return Evidence(from_function("rewarding", step, newborn))


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_a_reward_is_no_label_however_many_outputs_there_are(outputs):
    verdict = TeachingAtOutput().verdict(rewarding(outputs, lambda _, output: -loss(output)))
    assert (verdict.status, verdict.grade) == ("upheld", "test"), verdict


@pytest.mark.parametrize("outputs", [2, 3])
def test_a_label_is_one_however_many_outputs_there_are(outputs):
    told = lambda target, output: target + 1e-4 * output["activity"].sum()  # noqa: E731
    verdict = TeachingAtOutput().verdict(rewarding(outputs, told))
    assert (verdict.status, verdict.grade) == ("violated", "test"), verdict


# -- weights that are tied, or only decay ------------------------------------------------------


def twins(tied):
    """The first hidden population twice; the synapses onto both learn the same way."""

    def newborn(key, scale=SMALL):
        state = base.born(key, scale)
        state["populations"]["twin"] = {
            "activity": jnp.zeros_like(state["populations"]["hidden1"]["activity"])
        }
        weight = state["projections"]["input->hidden1"]["weight"]
        other = weight if tied else jax.random.normal(jax.random.fold_in(key, 1), weight.shape)
        state["projections"]["input->twin"] = {"weight": other + 0.0}
        return state

    def step(state, experience, key):
        after = base.step(state, experience, key)
        before, now = state["projections"], after["projections"]
        x = experience["stimulus"]
        heard = jnp.tanh(before["input->twin"]["weight"] @ x)
        weight = now["input->hidden1"]["weight"]
        if not tied:
            change = weight - before["input->hidden1"]["weight"]
            weight = before["input->twin"]["weight"] + change
        cells = {**after["populations"], "twin": {"activity": heard}}
        return {**after, "populations": cells,
                "projections": {**now, "input->twin": {"weight": weight + 0.0}}}  # fmt: skip

    return step, newborn


@pytest.mark.parametrize(("tied", "status"), [(True, "violated"), (False, "upheld")])
def test_weights_may_be_tied_across_bundles(tied, status):
    step, newborn = twins(tied)
    subject = base.subject_of("twins", step, newborn)
    evidence = Evidence(subject)
    assert NoWeightSharing().verdict(evidence).status == status
    if tied:
        witness = NoWeightSharing().verdict(evidence).witness
        assert "input->hidden1[0, 0] and input->twin[0, 0] are always the same" in witness


def test_reciprocal_and_undrawn_synapses_may_be_the_same():
    anatomy = parsed({"a": 2, "b": 3, "c": 3}, {"a->b": True, "b~>a": True, "a->c": True})
    rng = np.random.default_rng(0)
    lived, drawn = rng.normal(size=(2, 9, 3, 2)), rng.normal(size=(4, 3, 2))
    silent = np.zeros((4, 3, 2))
    same = NoWeightSharing()._same
    both = {"a->b": lived, "b~>a": np.swapaxes(lived, -1, -2)}
    assert same(anatomy, both, {"a->b": drawn, "b~>a": np.swapaxes(drawn, -1, -2)}) == (None, [])
    relayed = {"a->b": lived, "a->c": lived}
    found, alike = same(anatomy, relayed, {"a->b": silent, "a->c": silent})
    assert found is None and (("a->b", 0, 0), ("a->c", 0, 0)) in alike
    found, _ = same(anatomy, relayed, {"a->b": drawn, "a->c": silent})
    assert found == (("a->b", 0, 0), ("a->c", 0, 0))


def leaking(kind, dtype=float):
    """A readout that is born alike and leaks, of cells of which some are always silent and others
    never; or one of which the synapses of a cell are tied in some way."""

    def newborn(key):
        cells = {
            "input": {"activity": jnp.zeros(6)},
            "hidden": {"activity": jnp.zeros(8)},
            "output": {"activity": jnp.zeros(3), "error": jnp.zeros(3)},
        }
        cells["hidden"]["kept"] = jnp.zeros(8)
        return {"populations": cells, "projections": {
            "input->hidden": {"weight": jax.random.normal(key, (8, 6))},
            "hidden->output": {"weight": jnp.full((3, 8), 0.1).astype(dtype)}}}  # fmt: skip

    def step(state, experience, key):
        w, v = (state["projections"][n]["weight"] for n in ("input->hidden", "hidden->output"))
        v, x = v.astype(float), experience["stimulus"]
        h = 1.0 * (w @ x > jnp.where(jnp.arange(8) < 4, 99.0, -99.0))
        y = v @ h
        error = jax.nn.one_hot(experience["target"], 3) - y
        kept = 0.9 * state["populations"]["hidden"]["kept"] + h
        change = jnp.outer(error, h)
        if kind == "one change":
            change = jnp.broadcast_to(jnp.outer(error, h).mean(0), (3, 8))
        now = {
            "local": 0.999 * v + 0.1 * change,
            "one change": 0.999 * v + 0.1 * change,
            "held by their cell": jnp.broadcast_to(kept, (3, 8)),
        }[kind].astype(dtype)
        cells = {"input": {"activity": x}, "hidden": {"activity": h, "kept": kept},
                 "output": {"activity": y, "error": error}}  # fmt: skip
        return {"populations": cells, "projections": {
            "input->hidden": {"weight": w}, "hidden->output": {"weight": now}}}  # fmt: skip

    return from_function("leaking", step, newborn)


@pytest.mark.parametrize(("kind", "status"), [
    ("local", "upheld"), ("one change", "violated"), ("held by their cell", "violated"),
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_synapses_of_silent_cells_are_not_tied(kind, status, dtype):
    evidence = Evidence(leaking(kind, dtype))
    verdict = NoWeightSharing().verdict(evidence)
    assert verdict.status == status, verdict
    assert status == "upheld" or "always the same" in verdict.witness
    lived = evidence.lives["projections"]["hidden->output"]["weight"]
    np.testing.assert_array_equal(lived[..., 0, 0], lived[..., 1, 0])
    assert (lived[:, -1] != lived[:, 0]).any()


def decaying(factor, aged=False):
    """Feedback weights that only decay; with `aged`, cells count their moments and forget them."""

    def newborn(key, scale=SMALL):
        state = base.born(key, scale)
        for name in base.names(state)[1:-1]:
            cells = state["populations"][name]
            cells["count"] = jnp.zeros_like(cells["activity"])
        return state

    def reply(state, name, cell, heard):
        count = 0.98 * state["populations"][name]["count"] + 1.0
        return {**cell, "count": count, "error": heard / count if aged else heard}

    def change(state, cells):
        changed = base.change(state, cells)
        return {
            n: {"weight": f["weight"] * factor} if "~>" in n else f for n, f in changed.items()
        }  # fmt: skip

    backward = functools.partial(base.backward, reply=reply)
    return functools.partial(base.step, backward=backward, change=change), newborn


@pytest.mark.parametrize(
    ("factor", "aged", "status"),
    [(0.999, False, "upheld"), (0.9, False, "upheld"), (-1.0, False, "violated"),
     (1.01, False, "violated"), (0.999, True, "violated")],
)  # fmt: skip
def test_a_weight_that_only_decays_is_no_clock(factor, aged, status):
    verdict = judged(OnePhase, *decaying(factor, aged))
    assert verdict.status == status, verdict


# -- gradients along a population --------------------------------------------------------------


@pytest.mark.parametrize(
    ("slowness", "status"),
    [
        (lambda n: jnp.linspace(1.0, 9.0, n), "upheld"),
        (lambda n: jnp.geomspace(1.0, 100.0, n), "upheld"),
        (lambda n: -jnp.geomspace(1.0, 100.0, n), "upheld"),
        (lambda n: jnp.arange(1.0, n + 1) ** 2, "violated"),
        (lambda n: jnp.arange(n) % 2 + 1.0, "violated"),
    ],
    ids=["line", "logarithm", "negative", "square", "two kinds"],
)
def test_time_constants_may_go_along_a_population(slowness, status):
    def newborn(key, scale=SMALL):
        state = base.born(key, scale)
        for name in base.names(state)[1:-1]:
            cells = state["populations"][name]
            cells["tau"] = slowness(cells["activity"].shape[0])
        return state

    def reply(state, name, cell, heard):
        tau = state["populations"][name]["tau"]
        return {**cell, "tau": tau, "error": heard * tau / 9}

    assert judged(GenomeBottleneck, replying(reply), newborn).status == status


# -- input cells that do more than to send the stimulus ----------------------------------------


def recurrent(where, slope):
    """A recurrent population, whose cells hear the stimulus: the input cells themselves, or others
    that are wired to them."""
    entrance = where == "input"

    def newborn(key, scale=SMALL):
        i, o = scale.inputs, scale.outputs
        state = {
            "populations": {
                "input": {"activity": jnp.zeros(i)},
                "output": {"activity": jnp.zeros(o), "error": jnp.zeros(o)},
            },
            "projections": base.drawn(key, {
                f"{where}->{where}": (i, i), f"{where}->output": (o, i), f"output~>{where}": (i, o)
            }),
        }  # fmt: skip
        cells = state["populations"].setdefault(where, {})
        cells |= {"rate": jnp.zeros(i), "error": jnp.zeros(i)}
        if not entrance:
            state["projections"]["input=>hidden"] = {}
        return state

    def step(state, experience, key):
        before = state["populations"][where]["rate"]
        weights = {n: f["weight"] for n, f in state["projections"].items() if f}
        x = experience["stimulus"]
        rate = jnp.tanh(weights[f"{where}->{where}"] @ before + x)
        said = weights[f"{where}->output"] @ rate
        error = jax.nn.one_hot(experience["target"], said.shape[0]) - said
        back = weights[f"output~>{where}"] @ error
        back = back * (1 - rate**2) if slope else back
        cells = {"input": {"activity": x}, "output": {"activity": said, "error": error}}
        cells.setdefault(where, {}).update(rate=rate, error=back)
        changed = {
            f"{where}->{where}": 0.05 * jnp.outer(back, before),
            f"{where}->output": 0.05 * jnp.outer(error, rate),
        }
        kept = {n: {"weight": w + changed.get(n, 0)} for n, w in weights.items()}
        return {"populations": cells, "projections": {**state["projections"], **kept}}

    return Evidence(from_function("recurrent", step, newborn))


@pytest.mark.parametrize("where", ["input", "hidden"])
def test_what_input_cells_make_of_others_is_a_message(where):
    evidence = recurrent(where, slope=True)
    for constraint in (Spikes, UnsignedMessages, NoDerivativeKnowledge):
        verdict = constraint().verdict(evidence)
        assert verdict.status == "violated" and where in verdict.witness, verdict
    assert NoDerivativeKnowledge().verdict(recurrent(where, slope=False)).status == "upheld"


def test_what_input_cells_are_shown_is_no_message():
    evidence = recurrent("input", slope=True)
    shown = {
        leaf.field for n, leaf in enumerate(evidence.reads.places.made) if evidence.shown(n)
    }  # fmt: skip
    assert shown == {"activity"}


# -- a tape, a slope at the listener, a number in spikes ---------------------------------------


def taping(shifts, fields=1):
    """Hidden cells keep values in one field or in several, of which each becomes the next one, or
    all of them fade."""

    def newborn(key, scale=SMALL):
        state = base.born(key, scale)
        for name in base.names(state)[1:-1]:
            cells = state["populations"][name]
            for n in range(fields):
                cells[f"kept{n}"] = jnp.zeros((cells["activity"].shape[0], 6 // fields))
        return state

    def reply(state, name, cell, heard):
        before = state["populations"][name]
        old = jnp.concatenate([before[f"kept{n}"] for n in range(fields)], 1)
        if shifts:
            new = jnp.concatenate([heard[:, None], old[:, :-1]], 1) + 0 * old
        else:
            new = old + (heard[:, None] - old) / jnp.arange(2.0, 8.0)
        kept = {f"kept{n}": part for n, part in enumerate(jnp.split(new, fields, 1))}
        return {**cell, **kept, "error": new @ 0.5 ** jnp.arange(6)}

    return replying(reply), newborn


@pytest.mark.parametrize(
    ("shifts", "fields", "status"),
    [(True, 1, "violated"), (True, 3, "violated"), (True, 6, "violated"), (False, 1, "upheld")],
)
def test_a_tape_is_seen_whatever_else_it_reads(shifts, fields, status):
    verdict = judged(NoStoredActivations, *taping(shifts, fields))
    assert verdict.status == status, verdict
    assert status == "upheld" or "at the moment before" in verdict.witness


def bent_where_heard(slope, bend=jnp.tanh):
    """Cells send what drives them; who hears it bends it."""

    def forward(state, experience):
        cells, said = {"input": {"activity": experience["stimulus"]}}, experience["stimulus"]
        for pre, post in itertools.pairwise(base.names(state)):
            drive = state["projections"][f"{pre}->{post}"]["weight"] @ said
            cells[post] = {"drive": drive, "activity": drive + 0.0}
            said = bend(cells[post]["activity"])
        return cells

    def reply(state, name, cell, heard):
        return {**cell, "error": heard * jax.vmap(jax.grad(bend))(cell["activity"])} if slope else {
            **cell, "error": heard
        }  # fmt: skip

    def change(state, cells):
        bent = {n: {**c, "activity": bend(c["activity"])} for n, c in cells.items()}
        return base.change(state, bent | {"input": cells["input"]})

    backward = functools.partial(base.backward, reply=reply)
    return functools.partial(base.step, forward=forward, backward=backward, change=change)


@pytest.mark.parametrize(
    ("slope", "bend", "status"),
    [(True, jnp.tanh, "violated"), (False, jnp.tanh, "upheld"),
     (True, lambda drive: 1.0 * drive, "not applicable")],
    ids=["slope", "none", "line"],
)  # fmt: skip
def test_the_slope_of_what_listeners_make_of_a_message_is_known(slope, bend, status):
    verdict = judged(NoDerivativeKnowledge, bent_where_heard(slope, bend))
    assert verdict.status == status, verdict


def spelling(lines):
    """Spiking cells that send the drive of their cell in so many binary digits, or as one spike."""

    def newborn(key, scale=SMALL):
        return {
            "populations": {
                "input": {"activity": jnp.zeros(scale.inputs)},
                "hidden": {"axon": jnp.zeros((4, lines))},
                "output": {"activity": jnp.zeros(scale.outputs)},
            },
            "projections": base.drawn(key, {
                "input->hidden": (4, scale.inputs), "hidden->output": (scale.outputs, 4)
            }),
        }  # fmt: skip

    def step(state, experience, key):
        up, out = (state["projections"][n]["weight"] for n in ("input->hidden", "hidden->output"))
        digits = 2.0 ** jnp.arange(lines)
        level = jnp.floor(jax.nn.sigmoid(up @ experience["stimulus"]) * 2**lines)
        axon = jnp.floor(level[:, None] / digits) % 2
        said = out @ (axon @ digits / 2**lines)
        error = jax.nn.one_hot(experience["target"], said.shape[0]) - said
        kept = out + 0.05 * jnp.outer(error, axon @ digits / 2**lines)
        return {
            "populations": {
                "input": {"activity": experience["stimulus"]}, "hidden": {"axon": axon},
                "output": {"activity": said},
            },
            "projections": {"input->hidden": {"weight": up}, "hidden->output": {"weight": kept}},
        }  # fmt: skip

    return Evidence(from_function("spelling", step, newborn))


@pytest.mark.parametrize(("lines", "status"), [(1, "upheld"), (3, "upheld"), (12, "violated")])
def test_a_number_spelled_in_spikes_is_none(lines, status):
    verdict = Spikes().verdict(spelling(lines))
    assert verdict.status == status, verdict
    assert status == "upheld" or "hidden speaks over 12 lines" in verdict.witness
