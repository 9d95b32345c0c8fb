"""The count of a moment's work is that of the compiled program, as XLA reports it."""

from __future__ import annotations

import jax
import pytest
from learners.easy import Easy

from core.small import plain
from metaplast.circuits import Projection, associative, layered
from metaplast.cost import FLOAT, Counts, counts, weight_bytes
from metaplast.network import Genome, PlasticNetwork
from metaplast.rules import Delta, Factored, Oja, Total

RULES = {
    1: {kind: Factored((0.01,)) for kind in ("forward", "readout")},
    2: {kind: Total((Delta(0.01), Oja(0.01))) for kind in ("forward", "readout")},
}
"""Rules by how many outer products they make of a moment."""


def circuit_of(width: int):
    return layered(64, (width, width), 10)


def channels_of(count: int) -> dict[str, int]:
    return dict.fromkeys(("forward", "readout"), count) if count else {}


def planned(width: int, count: int) -> Counts:
    """Work of one moment, as XLA analyses the program that it has compiled."""
    network = PlasticNetwork(circuit_of(width), Genome(plain().neurons, RULES[count]))
    task = Easy(inputs=64, classes=10, moments=1)
    episode = task.sample(jax.random.key(1))

    def moment(state, stimulus, target):
        return network.moment(state, stimulus, target, task, None)

    # Donated, as a scan does, so that no copy of the state is counted as work.
    program = jax.jit(moment, donate_argnums=0).lower(
        network.born(jax.random.key(0)), episode.stimuli[0], episode.targets[0]
    )
    analysis = program.compile().cost_analysis()
    return Counts(int(analysis["flops"]), int(analysis["bytes accessed"]))


@pytest.mark.parametrize("width", [32, 256])
@pytest.mark.parametrize("count", RULES)
def test_operations_are_those_of_the_compiled_program(width, count):
    true = planned(width, count)
    assert true.flops > 10_000
    assert true.flops == pytest.approx(counts(circuit_of(width), channels_of(count)).flops, rel=0.1)


@pytest.mark.parametrize("width", [32, 256])
@pytest.mark.parametrize("count", RULES)
def test_a_count_that_forgets_an_outer_product_is_caught(width, count):
    forgetful = channels_of(count - 1)
    true = planned(width, count)
    assert true.flops > 1.1 * counts(circuit_of(width), forgetful).flops


@pytest.mark.parametrize("width", [64, 256])
def test_the_compiled_program_moves_no_less_and_at_most_reads_changing_weights_twice(width):
    circuit = circuit_of(width)
    least = counts(circuit, channels_of(1)).bytes
    changing = sum(
        circuit.size(q.pre) * circuit.size(q.post)
        for q in circuit.dense
        if q.kind in ("forward", "readout")
    )
    moved = planned(width, 1).bytes
    assert moved > least > 2 * FLOAT * changing
    # What it delivers and what it changes are two passes.
    assert moved == pytest.approx(least + FLOAT * changing, rel=0.1)
    # A count without plasticity is not what it does.
    assert counts(circuit, {}).bytes + FLOAT * changing < 0.9 * moved


def test_counted_by_hand():
    # 3 -> 2 -> 2 cells: 6 + 4 synapses that change, 4 that feed back.
    circuit = layered(3, (2,), 2)
    got = counts(circuit, {"forward": 2, "readout": 1})
    assert got.flops == 2 * (6 + 4 + 4) + 6 * 5 + 4 * 3 + 4 * 7
    assert got.bytes == 4 * (2 * 6 + 2 * 4 + 4 + 3)
    assert got.intensity == got.flops / got.bytes
    assert weight_bytes(circuit) == 4 * 14


def test_borrowed_weights_are_read_again_and_relays_have_none():
    own, borrowed = (layered(3, (2,), 2, f) for f in ("random", "symmetric"))
    assert counts(own, {}) == counts(borrowed, {})
    assert weight_bytes(own) - weight_bytes(borrowed) == 4 * 4
    bare = layered(3, (), 3)
    relayed = type(bare)(
        bare.populations,
        (*bare.projections, Projection("relay", "relay", "input", "output", "basal", "one_to_one")),
    )
    assert counts(relayed, {}).bytes == counts(bare, {}).bytes
    assert counts(relayed, {}).flops - counts(bare, {}).flops == 3


def test_the_slower_of_computing_and_moving_is_the_limit():
    work = Counts(flops=600, bytes=100)
    assert work.seconds(flop_rate=100.0, byte_rate=100.0) == 6.0
    assert work.seconds(flop_rate=1000.0, byte_rate=100.0) == 1.0


def test_a_kind_that_does_not_exist_is_refused_by_name():
    with pytest.raises(ValueError, match=r"\['fowrard'\].*'forward'"):
        counts(associative(4, (3,), 2), {"fowrard": 1})
    # A relay is wiring without weights: nothing can change there.
    with pytest.raises(ValueError, match="relay_input"):
        counts(associative(4, (3,), 2), {"relay_input": 1})
    assert counts(associative(4, (3,), 2), {"forward": 1}).flops > 0
