"""Learners that a search moves: what the audit says of where the search begins, and why."""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.audit.anatomy import AnatomyError
from metaplast.audit.constraints import (
    GenomeBottleneck,
    NeuronalLocality,
    NonlinearFeedback,
    NoUpdateLocking,
    NoWeightTransport,
    SeparateFeedback,
    SynapticLocality,
    TeachingAtOutput,
)
from metaplast.audit.evidence import Evidence
from metaplast.audit.learners import (
    BidirectionalNaming,
    MessagePassingNaming,
    PerceptronNaming,
    from_learner,
)
from metaplast.audit.resolve import resolve
from metaplast.audit.subject import SMALL
from metaplast.audit.verdict import Status
from metaplast.learners import Bidirectional, LearnedFeedback, MessagePassing

FAMILIES = ["bidirectional", "learned_feedback", "message_passing"]
SIZES = (SMALL.inputs, *SMALL.hidden, SMALL.outputs)


@functools.cache
def evidence(name: str) -> Evidence:
    return Evidence(resolve(name))


def judged(constraint, on: Evidence, witness="", *, status):
    verdict = constraint().verdict(on)
    assert verdict.status is status, verdict
    assert witness in verdict.witness, verdict
    return verdict


kept = functools.partial(judged, status=Status.UPHELD)
broken = functools.partial(judged, status=Status.VIOLATED)
beside = functools.partial(judged, status=Status.NOT_APPLICABLE)


def variant(learner, naming) -> Evidence:
    """Evidence on a learner at its one size."""
    return Evidence(from_learner("variant", lambda scale: learner, naming))


# -- names -------------------------------------------------------------------------------------


def lived(name: str):
    """A learner of a family away from its beginning, its naming, and a state with no zeros."""
    learner, naming = {
        "bidirectional": (Bidirectional(SIZES, 3), BidirectionalNaming()),
        "shared": (Bidirectional.backprop(SIZES, 0.1), BidirectionalNaming()),
        "learned_feedback": (
            LearnedFeedback(SIZES, jax.random.key(1), plastic=True), PerceptronNaming(direct=True)
        ),
        "message_passing": (MessagePassing(SIZES, 2, 3), MessagePassingNaming()),
    }[name]  # fmt: skip
    rng, born = np.random.default_rng(0), jax.eval_shape(learner.born, jax.random.key(2))
    drawn = lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32)  # noqa: E731
    return learner, naming, jax.tree.map(drawn, born)


@pytest.mark.parametrize("name", [*FAMILIES, "shared"])
def test_every_number_of_a_state_has_one_name(name):
    learner, naming, state = lived(name)

    @jax.jit
    def both(state):
        said = {**naming.activities(learner, state, jnp.ones(6)), "output": jnp.zeros(3)}
        named = naming.named(learner, state, said)
        return said, named, naming.plain(learner, named)

    activities, named, again = both(jax.tree.map(jnp.asarray, state))
    assert jax.tree.structure(again) == jax.tree.structure(state)
    jax.tree.map(np.testing.assert_array_equal, again, state)
    numbers = lambda tree: sum(leaf.size for leaf in jax.tree.leaves(tree))  # noqa: E731
    assert numbers(named) == numbers(state) + numbers(activities)


def test_direct_feedback_must_be_said_to_be_direct():
    learner = LearnedFeedback(SIZES, jax.random.key(1))
    with pytest.raises(AnatomyError, match="hidden2~>hidden1"):
        variant(learner, PerceptronNaming())


# -- what all of them share --------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILIES)
def test_synapses_know_their_two_cells_and_cells_their_softmax(name):
    kept(SynapticLocality, evidence(name))
    kept(TeachingAtOutput, evidence(name))
    # As in all learners that compare a softmax with what was wanted: it has no interneuron.
    broken(NeuronalLocality, evidence(name))
    reads = evidence(name).reads
    found = [reads.places.describe(f.reader) for f in reads.beyond(reads.to_cells)]
    sweep = [reader for reader in found if reader.startswith("activity")]
    assert found and not sweep, "the way up is an honest one"


@pytest.mark.parametrize("name", ["bidirectional", "learned_feedback"])
def test_hidden_synapses_wait_for_the_output(name):
    broken(NoUpdateLocking, evidence(name), witness="output")


class Peeking(MessagePassing):
    """Synapses of the first layer know how strong those of the last one are."""

    def moment(self, state, stimulus, target, task, key=None):
        state, readout = super().moment(state, stimulus, target, task, key)
        first = state[0]._replace(weight=state[0].weight + jnp.mean(state[-1].weight))
        return [first, *state[1:]], readout


class Untold:
    """A naming that does not say what cells send down."""

    named = MessagePassingNaming.named
    plain = MessagePassingNaming.plain
    activities = MessagePassingNaming.activities


def test_synapses_that_know_more_are_found():
    broken(
        SynapticLocality, variant(Peeking(SIZES), MessagePassingNaming()), witness="input->hidden1"
    )
    # What passes is what cells are known to say: else synapses would have to know it all.
    broken(SynapticLocality, variant(MessagePassing(SIZES), Untold()), "memory of synapse")


# -- weight transport --------------------------------------------------------------------------


def test_messages_travel_down_over_the_weights_of_the_way_up():
    verdict = broken(NoWeightTransport, evidence("message_passing"), "hidden1->hidden2")
    assert "sent of cell hidden1" in verdict.witness and "message_passing.py:" in verdict.witness
    beside(SeparateFeedback, evidence("message_passing"), "nothing is fed back")


def test_bidirectional_synapses_transport_only_where_one_set_serves_both_directions():
    kept(NoWeightTransport, evidence("bidirectional"))
    kept(SeparateFeedback, evidence("bidirectional"))
    shared = variant(Bidirectional.backprop(SIZES, 0.1), BidirectionalNaming())
    kept(SynapticLocality, shared)
    broken(NoWeightTransport, shared, "taught of cell hidden1")


def test_feedback_that_begins_as_the_transposed_way_up_is_found():
    learner = LearnedFeedback(SIZES, jax.random.key(0))
    aligned = eqx.tree_at(lambda f: f.feedback[-1], learner, learner.birth.weights[-1].T)
    for constraint in (NoWeightTransport, SeparateFeedback):
        broken(constraint, variant(aligned, PerceptronNaming(direct=True)), "output~>hidden2")
    kept(NoWeightTransport, evidence("learned_feedback"))
    kept(SeparateFeedback, evidence("learned_feedback"))


@pytest.mark.parametrize("name", ["bidirectional", "learned_feedback"])
def test_what_comes_back_is_not_what_goes_up(name):
    broken(NonlinearFeedback, evidence(name), "what")


# -- what is inherited -------------------------------------------------------------------------


def test_only_learned_feedback_inherits_a_network():
    verdict = broken(GenomeBottleneck, evidence("learned_feedback"), "at every birth")
    numbers = int(verdict.value.split()[0])
    assert numbers > 64 * 64 + 64 * 64 + 64 * 10
    assert kept(GenomeBottleneck, evidence("bidirectional")).value.startswith("20 numbers")
    # More than one in a hundred synapses of the size at which genomes are compared.
    assert broken(GenomeBottleneck, evidence("message_passing")).value.startswith("107 numbers")
