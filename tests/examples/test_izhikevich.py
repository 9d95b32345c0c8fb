"""Who earns a reward, when it comes, and what it makes of a tag."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

EXAMPLE = "izhikevich_2007"
KEY = jax.random.key(0)
EXCITATORY, INHIBITORY, TAU = 4, 2, 1000.0


@pytest.fixture(scope="module")
def network(example):
    return example.brain(EXCITATORY, INHIBITORY, TAU)


@pytest.fixture(scope="module")
def quiet(example, network):
    """A brain that hears no noise, and whose cells do not hear each other."""
    brain = example.born(network, KEY)
    assert jnp.abs(brain.network.weights["outside->excitatory"]).max() == 1.0
    nothing = {name: jnp.zeros_like(w) for name, w in brain.network.weights.items()}
    return brain._replace(network=brain.network._replace(weights=nothing))


def poked(brain, cell: int):
    """The brain, a cell of which is about to spike."""

    def membrane(brain):
        return brain.network.cells["excitatory"].state.inner.membrane

    return eqx.tree_at(membrane, brain, membrane(brain).at[cell].set(29.0))


@pytest.mark.parametrize(
    ("lag", "earns"), [(1, True), (19, True), (20, False), (0, False), (-1, False)]
)
def test_a_spike_soon_after_the_other_earns_a_reward_that_comes_late(
    example, network, quiet, lag, earns
):
    """The pre-synaptic cell spikes in the 5th moment, the post-synaptic one `lag` later."""
    post, pre = example.WATCHED
    lived, brain, delays, fired = eqx.filter_jit(example.lived), quiet, [], []
    for now in range(30):
        for cell, at in ((pre, 5), (post, 5 + lag)):
            brain = poked(brain, cell) if now == at else brain
        brain, delay, spikes = lived(network, brain, jnp.asarray(now), jax.random.fold_in(KEY, now))
        delays.append(int(delay))
        fired.append(np.asarray(spikes))
    fired = np.asarray(fired)
    assert [np.flatnonzero(fired[:, cell])[0] for cell in (pre, post)] == [5, 5 + lag]
    assert np.sum(np.asarray(delays) > 0) == earns
    assert all(1000 <= delay <= 3000 for delay in delays if delay)


@pytest.mark.parametrize("neighbors", [False, True])
def test_dopamine_makes_weight_of_what_is_left_of_a_tag(example, network, quiet, neighbors):
    """Two brains; both have a tag, the first one has a reward to come."""
    come, (post, pre) = 7, example.WATCHED
    tags = jnp.zeros((EXCITATORY, EXCITATORY)).at[post, pre].set(1.0)
    tagged = eqx.tree_at(lambda b: b.network.memory["E->E"], quiet, tags)
    brains = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), tagged)
    brains = brains._replace(due=brains.due.at[0, come].set(1))
    after, _ = example.second(network, brains, jnp.asarray(0), KEY, jnp.asarray(neighbors))
    assert after.rewards.tolist() == [1, 0], "what is due is due, whoever earned it"

    since = np.arange(1000) - come
    # Dopamine is heard from the moment after that at which it came.
    dopamine = np.where(since > 0, example.DOPAMINE * np.exp(-(since - 1) / example.LASTS), 0.0)
    tag = np.exp(-np.arange(1, 1001) / TAU)
    gained = [0.01 * np.sum((example.TONIC + level) * tag) for level in (dopamine, 0.0)]
    weights = np.asarray(after.network.weights["E->E"])
    assert gained[1] > 0.01 and gained[0] > 0.8
    np.testing.assert_allclose(weights[:, post, pre], gained, rtol=1e-3)
    others = np.delete(weights.reshape(2, -1), post * EXCITATORY + pre, axis=1)
    np.testing.assert_array_equal(others, 0.0)


def test_a_neighbor_gets_what_was_earned(example, network, quiet):
    post, pre = example.WATCHED
    brains = jax.tree.map(lambda *leaves: jnp.stack(leaves), poked(poked(quiet, post), pre), quiet)
    brains = brains._replace(since=jnp.asarray([5.0, jnp.inf]))
    # Both cells of the first one spike in moment 0, and the one before had spiked.
    for neighbors, lucky in ((False, 0), (True, 1)):
        copied = jax.tree.map(jnp.copy, brains)
        after, _ = example.second(network, copied, jnp.asarray(0), KEY, jnp.asarray(neighbors))
        assert after.due.sum(1).tolist() == [lucky == 0, lucky == 1]


@pytest.mark.parametrize("option", ["--networks=1", "--excitatory=1", "--seconds=0"])
def test_a_bad_option_is_one_line_and_code_2(example, option, refused):
    assert option.replace("=", " ") in refused(example, option)
