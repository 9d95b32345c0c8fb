"""Ways back that become the transposed ways forth, and the cells and synapses that do it."""

from __future__ import annotations

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast.audit import audit
from metaplast.audit.networks import from_network
from metaplast.circuits import Circuit, twinned
from metaplast.delivery import Delivering
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Decorrelated, Offering, Output, Rate, Slopeless, Twinned
from metaplast.rules import Decorrelation, Offered

SIZES = (6, (5, 4), 3)
PAIRS = {"hidden1->hidden2": "hidden1=>hidden2", "hidden2->output": "hidden2=>output"}
"""Ways forth, and their twins."""
BACK = {"hidden1=>hidden2": "hidden2~>hidden1", "hidden2=>output": "output~>hidden2"}
"""Twins, and ways back."""


def genome(copying: float = 1.0, twins: bool = True, plain: float = 0.1) -> Genome:
    """Ways forth that descend and regress, twins that copy by least squares; without descent, the
    copy is exact after as many moments as there are cells below."""
    relay = Offering(Decorrelated(Rate("linear"), 300.0 if plain else 1e8), plain, 1.0)
    cells = {
        "input": Offering(Rate("linear"), 0.1, 0.0),
        "hidden": Twinned(Rate(), copying), "relay": relay, "relay_readout": relay,
        "output": Twinned(Output(), copying),
    }  # fmt: skip
    forth = dict.fromkeys(("forward", "readout"), Offered())
    copies = {"twin": Offered(1), "feedback": Offered(1, back=True)} if twins else {}
    return Genome(cells, {**forth, **copies, "lateral": Decorrelation()})


def network(**options) -> PlasticNetwork:
    return PlasticNetwork(twinned(*SIZES), genome(**options))


@eqx.filter_jit
def lived(net: PlasticNetwork, moments: int):
    task, key = Easy(moments=moments, noise=1.0), jax.random.key(1)
    state = live(net, task, task.sample(key), key)[1]
    return net.born(jax.random.split(key)[0]).weights, state


def weights(net: PlasticNetwork, moments: int):
    with jax.enable_x64(True):
        born, state = lived(net, moments)
        return jax.tree.map(np.asarray, (born, state.weights))


def test_the_way_back_is_the_transposed_twin_at_every_age():
    for moments in (1, 7, 40):
        _, after = weights(network(), moments)
        for twin, back in BACK.items():
            assert np.abs(after[back]).max() > 1e-2
            np.testing.assert_allclose(after[back], after[twin].T, atol=1e-12)


def lacking(after, forth: str) -> float:
    """How far a twin is from the way forth, in units of that."""
    found = after[PAIRS[forth]] - after[forth]
    return float(np.linalg.norm(found) / np.linalg.norm(after[forth]))


@pytest.mark.parametrize(("plain", "moments", "most"), [(0.0, 5, 1e-4), (0.1, 200, 0.05)])
def test_the_twin_says_what_the_way_forth_says(plain, moments, most):
    """Both learn meanwhile."""
    born, after = weights(network(plain=plain), moments)
    for forth, twin in PAIRS.items():
        assert not born[twin].any() and np.abs(after[forth] - born[forth]).max() > 0.1
        assert lacking(after, forth) < most


def test_without_copying_it_says_what_has_been_learned_alone():
    """Negative control: what the way forth was born with is missing."""
    born, after = weights(network(copying=0.0), 60)
    for forth, twin in PAIRS.items():
        learned = after[forth] - born[forth]
        assert np.abs(learned).max() > 0.1
        if forth == "hidden2->output":
            np.testing.assert_allclose(after[twin], learned, atol=1e-12)
        assert lacking(after, forth) > 0.3


def test_without_twins_nothing_comes_back():
    """Negative control."""
    _, after = weights(network(twins=False), 40)
    assert not any(after[back].any() for back in BACK.values())
    assert after["hidden2->output"].any()


def test_what_comes_back_is_the_gradient():
    """Of the cross-entropy by what hidden cells are driven by, once the twin has copied."""
    task, net = Easy(noise=1.0), network()
    with jax.enable_x64(True):
        episode = task.sample(jax.random.key(0))
        state = lived(net, 200)[1]
        stimulus, target = episode.test_stimuli[0].astype(float), episode.test_targets[0]
        through = Delivering(state.weights)
        cells = net.hear(state.cells, stimulus, target, task, None, through).cells

        def surprise(drive):
            second = state.weights["hidden1->hidden2"] @ jnp.tanh(drive)
            readout = state.weights["hidden2->output"] @ jnp.tanh(second)
            return -jax.nn.log_softmax(readout)[target]

        gradient = jax.grad(surprise)(cells["hidden1"].drive)
    size = np.linalg.norm(gradient)
    assert size > 1e-2
    assert np.linalg.norm(cells["hidden1"].message + gradient) < 0.05 * size


def test_a_twin_hears_nothing_for_its_base():
    cell = Twinned(Rate("linear"), 0.5)
    state = cell.init(jnp.asarray(0.0), jnp.asarray(0.2))
    state, fired = cell.fire(state, jnp.asarray(2.0), None)
    state, settled = cell.settle(state, fired, jnp.asarray(0.8))
    plain = cell.base.settle(state.inner, fired, jnp.asarray(0.0))[1]
    assert settled.activity == plain.activity == 2.0
    said = cell.reply(state, settled, jnp.asarray(3.0), jnp.zeros(4), jnp.zeros(1))[1]
    np.testing.assert_allclose(said.post, [3.0, 3.0 + 0.5 * (2.0 - 0.8)], rtol=1e-6)


def test_an_offer_is_activity_and_what_another_cell_would_offer():
    base = Decorrelated(Rate("linear"), 3.0)

    def offered(cell):
        state = cell.init(jnp.asarray(0.0), jnp.asarray(0.2))
        state, said = cell.fire(state, jnp.asarray(2.0), None)
        state, said = cell.settle(state, said, jnp.asarray(0.1))
        pool = jnp.asarray([0.4, 0.0, 0.0, 1.0])
        return cell.reply(state, said, jnp.asarray(1.0), pool, jnp.zeros(1))[1].pre

    (own,) = offered(base)
    assert own > 0.1
    np.testing.assert_allclose(offered(Offering(base, 0.5, 0.25)), [1.0 + 0.25 * own], rtol=1e-6)


def test_a_synapse_multiplies_what_its_cells_offer():
    task, net = Easy(), network()
    episode = task.sample(jax.random.key(0))
    state = live(net, task, episode, jax.random.key(1))[1]
    through = Delivering(state.weights)
    heard = net.hear(
        state.cells, episode.test_stimuli[0], episode.test_targets[0], task, None, through
    )
    after = net.moment(state, episode.test_stimuli[0], episode.test_targets[0], task)[0]
    below, above = heard.cells["hidden1_relay"].pre[:, 0], heard.cells["hidden2"].post
    for name, product in {
        "hidden1->hidden2": jnp.outer(above[:, 0], below),
        "hidden1=>hidden2": jnp.outer(above[:, 1], below),
        "hidden2~>hidden1": jnp.outer(below, above[:, 1]),
    }.items():
        assert np.abs(product).max() > 1e-4
        np.testing.assert_allclose(after.weights[name] - state.weights[name], product, atol=1e-6)
    assert np.abs(above[:, 0] - above[:, 1]).max() > 1e-6, "else one could stand for the other"


def test_a_signal_that_nobody_offers_changes_nothing_and_one_before_the_first_is_refused():
    rules = genome().rules | {"forward": Offered(7)}
    net = PlasticNetwork(twinned(*SIZES), Genome(genome().neurons, rules))
    born, after = weights(net, 20)
    np.testing.assert_array_equal(after["hidden1->hidden2"], born["hidden1->hidden2"])
    assert np.abs(after["hidden2->output"] - born["hidden2->output"]).max() > 1e-2
    with pytest.raises(ValueError, match="signal = -1: expected 0 or more"):
        Offered(-1)


# -- what the audit says ---------------------------------------------------------------------


def transported(inputs: int, hidden: tuple[int, ...], outputs: int) -> Circuit:
    """The same with transposed weights on the way back, to relay cells as well."""
    honest = twinned(inputs, hidden, outputs)
    forth = {
        (q.pre, q.post): q.name for q in honest.projections if q.kind in ("forward", "readout")
    }
    return Circuit(honest.populations, tuple(
        dataclasses.replace(q, wiring="transpose", of=forth[q.post, q.pre])
        if q.kind == "feedback" else q
        for q in honest.projections
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("build", "status"), [(twinned, "upheld"), (transported, "violated")],
    ids=["twins", "transposed weights"],
)  # fmt: skip
def test_the_audit_tells_a_twin_from_a_copy(build, status):
    rules = genome()
    slopeless = eqx.tree_at(lambda g: g.neurons["hidden"], rules, Twinned(Slopeless(ceiling=0.8)))
    subject = from_network("twins", slopeless, build)
    names = ["no_weight_transport", "synaptic_locality", "no_derivative_knowledge"]
    verdicts = {v.constraint: v for v in audit(subject, names).verdicts}
    assert verdicts["no_weight_transport"].status.value == status
    if build is twinned:
        assert all(v.status.value == "upheld" for v in verdicts.values())
        degrees = int(verdicts["no_weight_transport"].value.split("°")[0].split()[-1])
        assert degrees < 30, "and yet they are aligned at the end"
