"""What is judged does not depend on the type of the numbers: whole, short, true or not, keys."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.audit.cheats import base, learned_weights
from metaplast.audit.constraints import (
    DalesLaw,
    GenomeBottleneck,
    NoDerivativeKnowledge,
    NoiseTolerance,
    NoWeightTransport,
    SynapticPrecision,
)
from metaplast.audit.evidence import Evidence
from metaplast.audit.living import as_stored
from metaplast.audit.subject import SMALL

ONE = 1024
"""The whole number that stands for a weight of one."""


def sloped(state, name, cell, heard):
    return {**cell, "error": heard * (1 - cell["activity"] ** 2)}


def stored(state, dtype):
    """The state with its weights in another type; whole numbers count in units of 1 / ONE."""
    one = ONE if jnp.issubdtype(dtype, jnp.integer) else 1

    def kept(weight):
        return (jnp.rint(one * weight) if one > 1 else weight).astype(dtype)

    return {**state, "projections": jax.tree.map(kept, state["projections"])}


def weighed(state):
    def read(weight):
        one = ONE if jnp.issubdtype(weight.dtype, jnp.integer) else 1
        return weight.astype(jnp.float32) / one

    return {**state, "projections": jax.tree.map(read, state["projections"])}


@functools.cache
def typed(dtype, born=base.born, reply=base.reply) -> Evidence:
    """The honest learner, whose weights are kept in some type."""
    backward = functools.partial(base.backward, reply=reply)

    def step(state, experience, key):
        after = base.step(weighed(state), experience, key, backward=backward)
        return stored(after, dtype)

    def newborn(key, scale=SMALL):
        return stored(born(key, scale), dtype)

    return Evidence(base.subject_of(f"{dtype}", step, newborn))


def test_slopes_are_found_over_whole_weights():
    assert NoDerivativeKnowledge().verdict(typed("int32")).status == "upheld"
    verdict = NoDerivativeKnowledge().verdict(typed("int32", reply=sloped))
    assert verdict.status == "violated" and "slope" in verdict.witness, verdict


def test_whole_weights_are_rounded_and_lost():
    precision = SynapticPrecision().verdict(typed("int32"))
    assert precision.status != "not applicable", precision
    before, after = precision.value.removeprefix("accuracy ").split(",")[0].split(" -> ")
    assert float(after) < float(before)
    assert "lost synapses: accuracy" in NoiseTolerance().verdict(typed("int32")).value


def test_whole_numbers_that_nothing_is_done_to_keep_every_digit():
    large = jnp.array([2**30 + 1, 3, -7], jnp.int32)
    same = as_stored(large * jnp.ones(3), large)
    np.testing.assert_array_equal(same, large)
    lost = as_stored(large * jnp.array([1.0, 0.0, 0.6]), large)
    np.testing.assert_array_equal(lost, [2**30 + 1, 0, -4])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_inherited_weights_are_seen_in_short_numbers(dtype):
    assert GenomeBottleneck().verdict(typed(dtype)).status == "upheld"
    verdict = GenomeBottleneck().verdict(typed(dtype, learned_weights.born))
    assert verdict.status == "violated" and "at every birth" in verdict.witness, verdict


def with_mask(key, scale=SMALL):
    """Synapses that are there or not, as somebody once found to be best."""
    state = base.born(key, scale)
    for name, fields in state["projections"].items():
        grid = sum(np.indices(fields["weight"].shape))
        fields["there"] = jnp.array(grid % 3 > 0 if name == "input->hidden1" else grid > -1)
    return state


def through_mask(state, experience, key):
    shown = {
        n: {**f, "weight": f["weight"] * f["there"]} for n, f in state["projections"].items()
    }  # fmt: skip
    after = base.step({**state, "projections": shown}, experience, key)
    kept = {n: {**f, "weight": f["weight"] * f["there"]} for n, f in after["projections"].items()}
    return {**after, "projections": kept}


def test_an_inherited_mask_is_seen():
    verdict = GenomeBottleneck().verdict(
        Evidence(base.subject_of("masked", through_mask, with_mask))
    )
    assert verdict.status == "violated", verdict
    assert "there of synapse input->hidden1" in verdict.witness


def with_keys(key, scale=SMALL):
    """Hidden cells that carry a source of noise each."""
    state = base.born(key, scale)
    for number, name in enumerate(base.names(state)[1:-1]):
        cells = state["populations"][name]["activity"].shape[0]
        own = jax.random.split(jax.random.fold_in(key, number), cells)
        state["populations"][name]["noise"] = own
    return state


def noisy(state, name, cell, heard):
    own = state["populations"][name]["noise"]
    drawn = jax.vmap(jax.random.normal)(own)
    return {**cell, "noise": jax.vmap(lambda k: jax.random.split(k, 1)[0])(own),
            "error": heard + 0.01 * drawn}  # fmt: skip


@pytest.mark.parametrize(
    "constraint", [DalesLaw, GenomeBottleneck, NoDerivativeKnowledge, NoWeightTransport]
)
def test_cells_that_carry_random_keys_are_judged(constraint):
    assert constraint().verdict(keyed()).status in ("upheld", "violated")


@functools.cache
def keyed() -> Evidence:
    backward = functools.partial(base.backward, reply=noisy)
    return Evidence(
        base.subject_of("keyed", functools.partial(base.step, backward=backward), with_keys)
    )
