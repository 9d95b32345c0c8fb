"""How much of a life a backward pass keeps."""

from __future__ import annotations

import equinox as eqx
import jax
import numpy as np
import pytest
from learners.easy import Easy

from core.small import CASES, parts, plain
from metaplast.circuits import layered
from metaplast.kept import FLOOR, ROOT, SHORT, Kept, Residuals, kept
from metaplast.network import Genome, PlasticNetwork
from metaplast.objective import Objective
from metaplast.rules import Decay, Factored, Total

BIG = Residuals(state=10**7, moment=10**6, whole=True)
RELIVED = Residuals(state=10**7, moment=4 * 10**7, whole=False)
SMALL = Residuals(state=55_000, moment=4000, whole=True)
"""About what 64-64-64-10 leaves: 4000 moments of it would fit into `FLOOR`."""
MIDDLE = Residuals(state=280_000, moment=18_000, whole=True)
"""About what the experiment `digits` leaves: 1000 moments would fit."""
MOMENTS = 120


@pytest.mark.parametrize("residuals", [BIG, RELIVED])
def test_memory_grows_no_faster_than_the_square_root_of_the_horizon(residuals):
    for moments in (250, 4000, 64000):
        taken = residuals.bytes(moments, kept(moments, residuals))
        assert FLOOR < taken <= 5.2 * residuals.state * moments**0.5


def test_where_blocks_are_kept_whole_it_stays_within_its_multiple_of_the_states():
    tight = [BIG.bytes(n, kept(n, BIG)) / (BIG.state * n**0.5) for n in (250, 4000, 64000)]
    assert min(tight) > 1.0 and max(tight) <= ROOT
    assert BIG.bytes(4000, Kept(63, 4000)) > 2 * ROOT * BIG.state * 4000**0.5  # control: one block


def test_in_one_block_it_grows_with_the_horizon():
    """Negative control."""
    whole = [BIG.bytes(n, Kept(round(n**0.5), n)) for n in (250, 4000)]
    assert whole[1] > 8 * whole[0]


@pytest.mark.parametrize("residuals", [SMALL, MIDDLE])
def test_small_networks_do_not_grow_with_the_horizon_either(residuals):
    def taken(moments):
        return residuals.bytes(moments, kept(moments, residuals))

    assert 0.02 * FLOOR < taken(250) < FLOOR
    assert taken(4000) <= 4 * taken(250) and taken(16_000) <= 8 * taken(250)
    assert taken(1000) <= 0.1 * 1000 * residuals.state  # where every state is kept
    whole = residuals.bytes(4000, kept(4000, residuals, budget=1e12))  # control: in one block
    assert whole > 6 * taken(250)


@pytest.mark.parametrize("residuals", [SMALL, MIDDLE])
@pytest.mark.parametrize("segment", [None, 20])
def test_short_lives_are_lived_once_wherever_they_fit(residuals, segment):
    for moments in (1, 2, 120, 250, 407, 473, SHORT):
        assert kept(moments, residuals, segment=segment).block == moments
    assert kept(SHORT + 100, residuals, segment=segment).block < SHORT  # control: longer
    assert kept(SHORT, BIG, segment=segment).block < SHORT  # control: larger


def test_a_life_of_twice_that_has_two_blocks():
    for residuals in (SMALL, MIDDLE):
        assert kept(2 * SHORT, residuals) == Kept(20, SHORT)
    assert kept(2 * SHORT, SMALL, budget=FLOOR).block == 2 * SHORT  # control: it would fit


def test_a_life_that_fits_is_lived_once():
    small = Residuals(state=10**4, moment=10**3, whole=True)
    assert kept(300, small) == Kept(20, 300)
    assert kept(300, small, segment=30) == Kept(30, 300)


def test_parts_are_alike_where_the_horizon_allows_it():
    """A shorter part at the end would be compiled beside the others."""
    for residuals in (BIG, RELIVED):
        for moments in (300, 1000, 4000):
            segment, block = kept(moments, residuals)
            assert moments % block == 0 and block % segment == 0
            assert moments**0.25 < segment < moments
    assert kept(250, RELIVED, segment=16) == Kept(10, 250)
    assert kept(307, RELIVED, segment=16) == Kept(16, 307)  # control: a prime number
    assert kept(307, RELIVED) == Kept(18, 307)
    assert kept(2 * 307, RELIVED) == Kept(25, 614)  # control: its half is far from the root


def test_a_smaller_budget_makes_more_blocks():
    roomy, tight = kept(4000, BIG, budget=6e9), kept(4000, BIG, budget=2e9)
    assert roomy.block == 4000 and tight.block < 4000
    assert BIG.bytes(4000, tight) <= 2e9 < BIG.bytes(4000, roomy)


def test_without_any_budget_least_memory_is_taken():
    least = kept(4000, BIG, budget=1.0)
    others = (kept(4000, BIG, budget=budget) for budget in (5e8, 1e9, 2e9))
    assert BIG.bytes(4000, least) <= min(BIG.bytes(4000, other) for other in others)


def test_what_is_computed_again_counts_for_one_segment():
    """As the traces of synapses are."""
    without, traced = SMALL, SMALL._replace(again=50_000)
    for segment in (2, 100):
        cut = Kept(segment, 300)
        assert traced.bytes(300, cut) - without.bytes(300, cut) == segment * 50_000
    tight = kept(3000, traced, budget=4e6, segment=100)
    assert traced.bytes(3000, tight) > 4e6 and tight.block < 3000, "such a segment never fits"
    assert without.bytes(3000, kept(3000, without, budget=4e6, segment=100)) <= 4e6


def by_vectors():
    """Weights can be rebuilt: every rule multiplies what two cells know."""
    rules = {"forward": Factored((0.2,), 0.01), "readout": Factored((0.3,), 0.01)}
    return layered(6, (6,), 3), Genome(plain().neurons, rules)


def by_traces():
    """So they can where some change by traces of such products."""
    return CASES["layered"]((6,))


def lived_again():
    """A sum of such traces and a leak is no such rule."""
    circuit, genome = by_traces()
    rules = {**genome.rules, "forward": Total((genome.rules["forward"], Decay(0.01)))}
    return circuit, eqx.tree_at(lambda g: g.rules, genome, rules)


@pytest.fixture(scope="module", params=[by_vectors, by_traces, lived_again])
def gradients(request):
    """Of one life: in one block, in several, and what XLA planned to allocate for each."""
    circuit, genome = request.param()
    assert PlasticNetwork(circuit, genome).rebuildable == (request.param is not lived_again)
    theta, fixed = parts(genome)

    def of(memory):
        objective = Objective(Easy(moments=MOMENTS), circuit, 2.0, memory=memory)

        def loss(theta):
            return objective(eqx.combine(theta, fixed), jax.random.key(3))[0]

        program = jax.jit(jax.grad(loss)).lower(theta).compile()
        return jax.tree.leaves(program(theta)), program.memory_analysis().temp_size_in_bytes

    return of(100.0), of(1e-3)


def test_blocks_change_no_gradient_and_take_less_memory(gradients):
    (whole, much), (cut, little) = gradients
    size = max(float(np.abs(leaf).max()) for leaf in whole)
    assert size > 1e-4 and little < 0.8 * much
    for a, b in zip(whole, cut, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5 * size)


def test_bad_memory():
    with pytest.raises(ValueError, match=r"memory = -1\.0: expected megabytes"):
        Objective(Easy(), CASES["layered"]((4,))[0], memory=-1.0)
