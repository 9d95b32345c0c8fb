"""Provenance: which places each element of a program's outputs came from.

The analysis follows a jaxpr equation by equation and carries, for every element of every value,
the set of places that can have influenced it. It is sound: an influence that exists is in the
set. It may list an influence that does not exist (an unknown index may point anywhere, a product
with zero depends on both factors).

**Cuts** turn a program into a graph of influences. A learner's step computes a hidden activity
from its inputs, returns it as state, and goes on to use it in the next layer. Without a cut, the
next layer's activity comes from everything that the hidden activity came from. With a cut at that
output, the hidden activity's own entry lists what *it* was computed from, and all that uses it
lists the hidden cells: edges between named places in the stead of their transitive closure. The
value is recognized by being the same variable, also through nested calls, identities and exact
repetitions of the same equation. A value that is computed a second time in another way is not
recognized, and what it is used for lists what it was computed from: the analysis may then refuse
a good rule, but does not pass a bad one.

What a program's *number* of steps, its failure or its time tell is not covered, nor is what host
callbacks do; the latter are listed, and their results are taken to depend on everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jax.extend.core import ClosedJaxpr
from jaxtyping import UInt64

from metaplast.audit.provenance.bits import everywhere, union
from metaplast.audit.provenance.constant import evaluated
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.program import Equation, Program, calls_host, enclosed, flatten
from metaplast.audit.provenance.rules import CONTROL, INCONSTANT, RULES
from metaplast.audit.provenance.witness import Witness, trace

FUNCTIONS = frozenset(RULES) - INCONSTANT - CONTROL
# What a rule raises over parameters that another version of JAX added or renamed. The primitive
# is then unknown, and taken to mix everything.
SURPRISES = (KeyError, IndexError, TypeError, ValueError, AttributeError)


class Cut(NamedTuple):
    """An output whose uses elsewhere in the program are taken to come from places of their own.

    Where one value is several outputs, its uses carry the sets of all cuts at it.
    """

    output: int
    """Position among the flat outputs."""
    bits: UInt64[np.ndarray, "... words"]
    """What uses of this output are relabelled with, of the output's shape."""


class Analysis:
    """Where a program's outputs come from. Made by `analyse`."""

    outputs: list[np.ndarray]
    """For every flat output its sets `[*shape, words]`, as computed (not relabelled by cuts)."""
    unknown: tuple[str, ...]
    """Primitives that are taken to mix everything, because nothing is known of them."""
    callbacks: tuple[str, ...]
    """Primitives that call the host, wherever they stand in the program."""

    def __init__(self, run: Run, program: Program, uses: dict[int, Flow], made: dict[int, Flow]):
        self._run, self._program, self._uses, self._made = run, program, uses, made
        self.outputs = [made[number].bits for number in program.outputs]
        self.unknown = tuple(sorted(run.unknown))
        self.callbacks = tuple(sorted(run.callbacks))
        if run.mutable:
            self.outputs = [everywhere(run.everything, bits.shape[:-1]) for bits in self.outputs]

    def witness(
        self,
        output: int,
        element: tuple[int, ...],
        place: int,
        own: UInt64[np.ndarray, " words"] | None = None,
    ) -> Witness:
        """Where in the source `place` moved into an element of an output.

        The way of the place is followed back from the output, through the equations, to where it
        entered. The witness is the first equation on that way (counted from the place) that
        brings it together with anything of another origin: for a weight transport, the product
        of the transported weights with the error, and not the update in which it ends. If it
        meets nothing on its way, the first equation that moved it is meant.

        **Arguments:**

        - `output`, `element`: an element of a flat output.
        - `place`: a place in that element's set.
        - `own`: places whose company does not count as a meeting (say, of the same synapse).

        **Returns:** a `Witness`; an empty one if the place did not pass through any equation.
        """
        return trace(self._run, self._program, self._uses, self._made, output, element, place, own)


def analyse(
    closed_jaxpr: ClosedJaxpr,
    inputs: Sequence[UInt64[np.ndarray, "... words"]],
    cuts: Sequence[Cut] = (),
    consts: Sequence[UInt64[np.ndarray, "... words"] | None] | None = None,
    unroll: int = 64,
) -> Analysis:
    """Follows where every element of every output comes from.

    **Arguments:**

    - `closed_jaxpr`: from `jax.make_jaxpr`.
    - `inputs`: for each flat input, the sets of its elements, uint64 `[*shape, words]`. All sets
      have the same number of words. Empty sets: an input that is of no interest, but varies.
    - `cuts`: outputs whose uses elsewhere are relabelled.
    - `consts`: for each captured constant its sets, or None for a public constant, whose value
      the analysis may use. By default all are public.
    - `unroll`: loops of up to this length are followed round by round.

    **Raises:** `ValueError` if sets do not have the shapes of the values that they are for.
    """
    words = _words(inputs, cuts, consts)
    program = flatten(closed_jaxpr, FUNCTIONS)
    run = Run(words, unroll)
    run.find_callbacks(closed_jaxpr)

    flows: dict[int, Flow] = {}
    _check("inputs", inputs, closed_jaxpr.in_avals, words)
    flows.update(zip(program.inputs, map(Flow, inputs), strict=True))
    for number, value in program.constants.items():
        flows[number] = Flow.constant(value, words)
    if consts is not None:
        _check("consts", consts, [var.aval for var in closed_jaxpr.jaxpr.constvars], words)
        for number, bits in zip(program.captured, consts, strict=True):
            if bits is not None:
                flows[number] = Flow(bits)
    run.everything = np.zeros(words, np.uint64)
    for bits in [*(flow.bits for flow in flows.values()), *(cut.bits for cut in cuts)]:
        run.everything = run.everything | union(bits)

    relabelled: dict[int, Flow] = {}
    for cut in cuts:
        _check("cuts", [cut.bits], [closed_jaxpr.out_avals[cut.output]], words)
        number = program.outputs[cut.output]
        if number in relabelled:  # one value is two outputs: its uses are uses of both
            cut = cut._replace(bits=cut.bits | relabelled[number].bits)
        relabelled[number] = Flow(cut.bits)
    uses, made = run.follow(program, flows, relabelled)
    return Analysis(run, program, uses, made)


class Run:
    """One analysis under way: what the rules need of it, and what they find."""

    def __init__(self, words: int, unroll: int):
        self.words, self.unroll = words, unroll
        self.everything = np.zeros(words, np.uint64)
        self.unknown: set[str] = set()
        self.callbacks: set[str] = set()
        self.mutable = False
        # The jaxpr is kept with its program, so that its identity is not given to another.
        self._programs: dict[int, tuple[ClosedJaxpr, Program]] = {}
        self.rounds: list[tuple[Program, dict[int, Flow], dict[int, Flow]]] | None = None

    def program(self, closed: ClosedJaxpr) -> Program:
        """The program of a loop's body or of a branch, flattened once."""
        if id(closed) not in self._programs:
            self._programs[id(closed)] = closed, flatten(closed, FUNCTIONS)
        return self._programs[id(closed)][1]

    def enter(self, closed: ClosedJaxpr, operands: list[Flow]) -> list[Flow]:
        """The outputs of a nested program."""
        program = self.program(closed)
        flows = {n: Flow.constant(value, self.words) for n, value in program.constants.items()}
        flows.update(zip(program.inputs, operands, strict=True))
        quiet = self if self.rounds is None else self.quiet()
        uses, made = quiet.follow(program, flows, {})
        if self.rounds is not None:
            self.rounds.append((program, uses, made))
        return [made[number] for number in program.outputs]

    def follow(
        self, program: Program, flows: dict[int, Flow], relabelled: dict[int, Flow]
    ) -> tuple[dict[int, Flow], dict[int, Flow]]:
        """Every variable as its uses see it, and as it was made."""
        self.mutable |= program.mutable
        made, uses = dict(flows), dict(flows)
        uses.update((n, _relabelled(flows[n], cut)) for n, cut in relabelled.items() if n in flows)
        for equation in program.equations:
            results = self.apply(equation, [uses[number] for number in equation.inputs])
            for number, flow in zip(equation.outputs, results, strict=True):
                made[number] = flow
                cut = relabelled.get(number)
                uses[number] = flow if cut is None else _relabelled(flow, cut)
        return uses, made

    def apply(self, equation: Equation, flows: list[Flow]) -> list[Flow]:
        """The results of one equation."""
        name = equation.name
        if name in FUNCTIONS and all(flow.value is not None for flow in flows):
            return evaluated(equation, flows, self.words)
        if name in self.callbacks:
            return [Flow(everywhere(self.everything, shape)) for shape in equation.shapes]
        rule = RULES.get(name)
        if rule is not None:
            try:
                given = rule(equation, flows, self)
                results = [part if isinstance(part, Flow) else Flow(part) for part in given]
                if [flow.shape for flow in results] == equation.shapes:
                    return results
            except SURPRISES:
                pass
        self.unknown.add(name)
        total = np.zeros(self.words, np.uint64)
        for flow in flows:
            total = total | union(flow.bits)
        return [Flow(everywhere(total, shape)) for shape in equation.shapes]

    def quiet(self) -> Run:
        """A run whose findings are its own, which shares the programs."""
        run = Run(self.words, self.unroll)
        run.everything, run.callbacks, run._programs = (
            self.everything,
            self.callbacks,
            self._programs,
        )
        return run

    def recorder(self) -> Run:
        """A run that records what happens in the nested programs of its next equation."""
        run = self.quiet()
        run.rounds = []
        return run

    def probe(self, words: int) -> Run:
        """A run for places of another kind, of which a host callback returns all."""
        run = self.quiet()
        run.words, run.everything = words, ~np.zeros(words, np.uint64)
        return run

    def find_callbacks(self, closed: ClosedJaxpr) -> None:
        """Host calls anywhere in the program, also in branches that are never taken."""
        pending = [closed.jaxpr]
        while pending:
            for equation in pending.pop().eqns:
                if calls_host(equation):
                    self.callbacks.add(equation.primitive.name)
                pending.extend(enclosed(equation))


def _relabelled(flow: Flow, cut: Flow) -> Flow:
    """The flow that uses of a cut value see. What comes from nowhere tells nothing: a zero that
    fills two fields is one value in the program, and not a way from the one to the other."""
    informed = flow.bits.any(axis=-1, keepdims=True)
    if not informed.any():
        return flow
    return Flow(np.where(informed, cut.bits, np.zeros_like(cut.bits)))


def _words(*groups: Any) -> int:
    """The number of words that all sets have."""
    parts = [part for group in groups for part in group or () if part is not None]
    sizes = {(part.bits if isinstance(part, Cut) else part).shape[-1] for part in parts}
    if len(sizes) > 1:
        raise ValueError(f"sets of places have {sorted(sizes)} words: give all the same number")
    return sizes.pop() if sizes else 1


def _check(what: str, given: Sequence[Any], avals: Sequence[Any], words: int) -> None:
    """Sets must fit the values that they are for."""
    if len(given) != len(avals):
        raise ValueError(f"{what}: {len(given)} arrays of sets for {len(avals)} values")
    for number, (bits, aval) in enumerate(zip(given, avals, strict=True)):
        expected = (*getattr(aval, "shape", ()), words)
        if bits is not None and bits.shape != expected:
            raise ValueError(
                f"{what}[{number}]: sets of shape {bits.shape}, expected {expected}, "
                "the value's shape and the number of words"
            )
