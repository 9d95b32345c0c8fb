"""Who is audited: a subject by its name.

| name | who |
|---|---|
| `backprop`, `feedback_alignment`, ... | the learners of comparisons |
| `honest`, `spiking` | further ones that only the audit knows |
| `bidirectional`, `learned_feedback`, `message_passing` | families, where a search begins |
| `Oja`, `Factored`, ... | a rule of `metaplast.rules` at every forward synapse |
| `zoo/online`, a rule's file, a run folder | what a search has found |
| `cheats/<name>` | a learner that breaks a constraint |
| an experiment, `my.toml` | its network where a search would begin |
| `path/to/file.py:MyRule` | a rule of the user's, as `Oja` is |
| `path/to/file.py:function` | a function of the user's, with a function that makes its state |
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

import jax

from metaplast import learners, own_code, rules
from metaplast.audit import cheats
from metaplast.audit.function import from_files
from metaplast.audit.learners import (
    BackpropNaming,
    BidirectionalNaming,
    ForwardForwardNaming,
    LeastSquaresNaming,
    MessagePassingNaming,
    MicrocircuitNaming,
    Naming,
    NearestMeanNaming,
    NearestNeighborNaming,
    PerceptronNaming,
    from_learner,
)
from metaplast.audit.networks import from_network
from metaplast.audit.subject import Scale, Subject
from metaplast.circuits import layered
from metaplast.learners import feedback_alignment as networks
from metaplast.learners.backprop import Backprop
from metaplast.learners.difference_target_propagation import simplified_target_propagation
from metaplast.learners.frozen import Frozen
from metaplast.learners.nearest_class_mean import NearestClassMean
from metaplast.learners.nearest_neighbor import NearestNeighbor
from metaplast.learners.recursive_least_squares import RecursiveLeastSquares
from metaplast.learners.spiking import spiking
from metaplast.network import Genome
from metaplast.neurons import Learned, Output, Rate
from metaplast.own_source import reference
from metaplast.rules import AbstractRule

RATES = {"sgd": 0.1, "momentum": 0.02, "adam": 0.02}
RATE = 0.1
ALONE = (
    "a rule alone is audited at every forward synapse of a layered network of rate cells with "
    "fixed random feedback: signs, slopes and the way back are those of this network, whether the "
    "rule heeds them or not; audit an experiment (my.toml) for cells and a circuit of your own"
)
"""What a verdict on a rule without an experiment is about."""
CELLS_DECIDE = ("Factored",)
"""Rules that leave the decisions to the cells, which are learned ones then."""
ALIASES = {"backprop": "backprop_sgd"}


def resolve(name: str, state: str | None = None) -> Subject:
    """The subject of a name.

    Args:
        name: see the table above.
        state: the function that makes a newborn, for a function of the user's.

    Raises:
        ValueError: an unknown name, with near misses; or whatever is wrong with a file or a
            function, in one line.
    """
    if reference(name) and not Path(name).exists():
        return from_files(name, state) if state is not None else _own_rule(name)
    if state is not None:
        raise ValueError(
            f"state = {state!r}: only a function FILE.py:FUNCTION takes one, and {name!r} is none; "
            "leave it out"
        )
    if name in LEARNERS:
        return LEARNERS[name](name)
    if name in families():
        return family(name)
    if name.startswith("cheats/") and name.removeprefix("cheats/") in cheats.__all__:
        subject = getattr(cheats, name.removeprefix("cheats/")).subject()
        return dataclasses.replace(subject, name=name)
    if name.endswith(".toml"):
        return beginning(name)
    if name.startswith("zoo/") or Path(name).exists():
        return found(name)
    raise ValueError(unknown(name))


def names() -> tuple[str, ...]:
    """Every name that stands for a subject without a file: learners, rules, cheats."""
    return (*LEARNERS, *families(), *(f"cheats/{name}" for name in cheats.__all__))


def unknown(name: str) -> str:
    """One line for a name that is nobody's."""
    known = {n.lower(): n for n in names()}
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    close = [n for n in close if n == name.lower()] or close
    near = " or ".join(known[n] for n in close)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(LEARNERS)}"
    return f"learner = {name!r}: no learner, rule, cheat, file or folder of that name; {hint}"


def families() -> tuple[str, ...]:
    """Rules by class name."""
    return tuple(name for name in rules.__all__ if not name.startswith("Abstract"))


def family(name: str) -> Subject:
    """A rule at every forward synapse of a layered network with random feedback."""
    return _everywhere(name, _rule(name))


def _everywhere(name: str, rule: AbstractRule) -> Subject:
    cells = Learned(Rate()) if name in CELLS_DECIDE else Rate()
    neurons = {"input": Rate("linear"), "hidden": cells, "output": Output(rate=RATE)}
    genome = Genome(neurons, {"forward": rule, "readout": rule})
    return from_network(name, genome, layered, note=ALONE)


def found(name: str) -> Subject:
    """A rule from a file, in its anatomy; with its experiment where a search has found it."""
    from metaplast import store
    from metaplast.audit.demands import subject_of

    rule = store.load(name)
    subject = subject_of(rule.spec, rule.genome, name)
    return subject if rule.searched else dataclasses.replace(subject, spec=None)


def beginning(name: str) -> Subject:
    """The network of an experiment, where a search would begin."""
    from metaplast.audit.demands import subject_of
    from metaplast.spec import load

    return subject_of(load(name), name=name)


def _own_rule(name: str) -> Subject:
    """A rule of the user's, with its defaults.

    Raises:
        ValueError: it cannot be loaded or made, or is no rule; one line.
    """
    from metaplast.experiment import construct

    try:
        thing = own_code.load(name)
    except own_code.CodeError as fault:
        raise ValueError(
            f"learner = {name!r}: {fault} (a function needs --state FILE.py:FUNCTION as well)"
        ) from fault
    if inspect.isclass(thing) and issubclass(thing, AbstractRule):
        return _everywhere(name, construct("rules", {"type": name}, "learner"))
    if inspect.isclass(thing):
        raise ValueError(
            f"learner = {name!r}: a class that is no AbstractRule, expected a rule or a function; "
            "other parts are audited in their experiment (my.toml), and learners as a function "
            "with --state FILE.py:FUNCTION"
        )
    raise ValueError(
        f"learner = {name!r}: a function needs a newborn state; add --state FILE.py:FUNCTION"
    )


def _rule(name: str) -> AbstractRule:
    if name == "Total":
        return rules.Total((rules.Delta(RATE), rules.Decay()))
    return getattr(rules, name)()


def _network(feedback: Literal["random", "direct", "none"]) -> Callable[[str], Subject]:
    def subject(name: str) -> Subject:
        build = getattr(networks, name)
        genome = build(1, (1,), 2, RATE).genome  # which knows no sizes
        return from_network(name, genome, functools.partial(layered, feedback=feedback))

    return subject


def _spiking_eprop(name: str) -> Subject:
    """The network alone: how long it is shown a stimulus is the affair of who presents it."""
    from metaplast.audit.demands import unseen

    shown = cast(Any, spiking(1, (1,), 2).learner)
    return from_network(
        name, shown.network.genome, functools.partial(layered, feedback="direct"),  # no sizes
        note=unseen(shown),
    )  # fmt: skip


def _sizes(scale: Scale) -> tuple[int, ...]:
    return (scale.inputs, *scale.hidden, scale.outputs)


def _learner(
    build: Callable[[Scale], Any], naming: Naming, family: bool = False
) -> Callable[[str], Subject]:
    return lambda name: from_learner(ALIASES.get(name, name), build, naming, family=family)


def _backprop(optimizer: str, shortcut: bool = False) -> Callable[[str], Subject]:
    def build(scale: Scale) -> Backprop:
        return Backprop(_sizes(scale), optimizer, RATES[optimizer], "tanh", shortcut)

    return _learner(build, BackpropNaming())


def _taught(
    learner: Callable[..., Any],
    phi: str = "tanh",
    rate: float = RATE,
    naming: Naming | None = None,
) -> Callable[[str], Subject]:
    """A learner that teaches a perceptron."""

    def build(scale: Scale) -> Any:
        return learner(learners.Perceptron(_sizes(scale), phi), rate)

    return _learner(build, PerceptronNaming() if naming is None else naming)


LEARNERS: dict[str, Callable[[str], Subject]] = {
    "backprop": _backprop("sgd"),
    "backprop_sgd": _backprop("sgd"),
    "backprop_momentum": _backprop("momentum"),
    "backprop_adam": _backprop("adam"),
    "backprop_shortcut": _backprop("sgd", shortcut=True),
    "feedback_alignment": _network("random"),
    "direct_feedback_alignment": _network("direct"),
    "readout_only": _network("none"),
    "sign_symmetric": _taught(learners.SignSymmetric),
    "kolen_pollack": _taught(learners.KolenPollack),
    "weight_mirror": _taught(learners.WeightMirror),
    "predictive_coding": _taught(learners.PredictiveCoding),
    "equilibrium_propagation": _taught(learners.EquilibriumPropagation),
    "difference_target_propagation": _taught(learners.DifferenceTargetPropagation),
    "simplified_target_propagation": _taught(simplified_target_propagation),
    "node_perturbation": _taught(learners.NodePerturbation, rate=0.02),
    "weight_perturbation": _taught(learners.WeightPerturbation, rate=0.005),
    "reinforce": _taught(learners.Reinforce),
    "forward_forward": _learner(
        lambda s: learners.ForwardForward(s.inputs, s.hidden, s.outputs, 0.02),
        ForwardForwardNaming(),
    ),
    "pepita": _taught(learners.Pepita),
    "dendritic_microcircuit": _taught(learners.DendriticMicrocircuit, naming=MicrocircuitNaming()),
    "burst_dependent_plasticity": _taught(learners.BurstDependentPlasticity, "sigmoid"),
    "spiking_eprop": _spiking_eprop,
    "frozen": _learner(lambda s: Frozen(Backprop(_sizes(s))), BackpropNaming()),
    "nearest_class_mean": _learner(
        lambda s: NearestClassMean(s.inputs, s.outputs), NearestMeanNaming()
    ),
    "recursive_least_squares": _learner(
        lambda s: RecursiveLeastSquares(s.inputs, s.outputs), LeastSquaresNaming()
    ),
    "nearest_neighbor": _learner(
        lambda s: NearestNeighbor(s.inputs, s.outputs, s.horizon), NearestNeighborNaming()
    ),
    "bidirectional": _learner(
        lambda s: learners.Bidirectional.delta(_sizes(s), RATE, told="error"),
        BidirectionalNaming(),
        family=True,
    ),
    "learned_feedback": _learner(
        lambda s: learners.LearnedFeedback(_sizes(s), jax.random.key(0), RATE, "tanh"),
        PerceptronNaming(direct=True),
        family=True,
    ),
    "message_passing": _learner(
        lambda s: learners.MessagePassing(_sizes(s), rate=RATE), MessagePassingNaming(), family=True
    ),
    "honest": lambda name: cheats.base.subject(),
    "spiking": lambda name: cheats.spiking.subject(),
}
"""By name, a function of the name."""
