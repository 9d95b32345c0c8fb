"""What every place of a learner reads, proven on the traced program of one moment.

The step is traced once, every value that it returns is cut (`provenance.Cut`), and so each place
lists the places that *it* was computed from, and not all that these were computed from in turn.

One value may be several fields: a relay says what it hears, and JAX makes no copy. Then the program
does not tell who read whom, and the anatomy does (`Reads._relayed`).
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Int

from metaplast.audit.anatomy import Bundle
from metaplast.audit.intervention import WEIGHT
from metaplast.audit.places import Kind, Places
from metaplast.audit.provenance import Cut, analyse, singletons, words_for
from metaplast.audit.provenance.interpreter import FUNCTIONS
from metaplast.audit.provenance.program import flatten
from metaplast.audit.subject import Subject, world
from metaplast.audit.tracing import Untraceable, traced


class Found(NamedTuple):
    """One influence that should not be there."""

    reader: int
    """The place that was computed."""
    read: int
    """The place that it was computed from."""


class Reads:
    """The influences between the places of one moment.

    Attributes:
        places: their names.
        matrix: bool `[made, places]`: whether a place made at this moment reads a place.
        rows: the place numbers of the rows.
        unknown: primitives that the analysis did not know and took to mix everything.
        values: by position of the flat output, a number: the same one where it is the same value.
        traced: the matrix before values that are several fields were given to those who hear them.
    """

    def __init__(self, subject: Subject):
        self.subject = subject
        # Shapes are enough, and are had without compiling anything.
        arguments = jax.eval_shape(lambda key: _first_moment(subject, key), jax.random.key(0))
        self.program, outputs = traced(subject, arguments)
        self.places = Places(subject.anatomy, arguments, outputs)
        places, words = self.places, words_for(self.places.count)
        sets = [singletons(leaf.shape, leaf.first, words) for leaf in places.leaves]
        made = sets[places.inputs :]
        given = {id(v): number for number, v in enumerate(self.program.jaxpr.invars)}
        sources = [given.get(id(v)) for v in self.program.jaxpr.outvars]
        # The same value has the same number, also where a nested call handed it on.
        flat = flatten(self.program, FUNCTIONS)
        self.values = tuple(flat.outputs)
        for number, value in enumerate(flat.outputs):
            if value in flat.inputs:
                source = flat.inputs.index(value)
                if places.leaves[source].kind is Kind.WORLD:
                    sources[number] = source
        cuts = [Cut(number, made[number]) for number, s in enumerate(sources) if s is None]
        # Input cells that send the stimulus as it is: whoever uses it, hears these cells.
        self.sent = sent = {
            number: s for number, s in enumerate(sources)
            if s is not None and places.leaves[s].kind is Kind.WORLD
        }  # fmt: skip
        heard = list(sets[: places.inputs])
        for source in set(sent.values()):
            heard[source] = np.bitwise_or.reduce([made[n] for n, s in sent.items() if s == source])
        self.analysis = analyse(self.program, heard, cuts)
        for number, source in sent.items():
            self.analysis.outputs[number] = sets[source]
        if self.analysis.callbacks:
            raise Untraceable(
                f"{subject.name}: the step calls the host ({', '.join(self.analysis.callbacks)}), "
                "which cannot be analysed; remove prints and callbacks"
            )
        self.unknown = self.analysis.unknown
        bits = [b.reshape(-1, words) for b in self.analysis.outputs]
        unpacked = np.unpackbits(
            np.concatenate(bits).view(np.uint8), axis=1, bitorder="little", count=places.count
        )
        self.matrix: Bool[np.ndarray, "made places"] = unpacked.astype(bool)
        self.first = places.made[0].first
        self.rows = np.arange(self.first, places.count)
        self.traced = self.matrix
        cut = [n for n, s in enumerate(sources) if s is None or n in sent]
        self._relayed({number: self.values[number] for number in cut})

    def of(self, row: int) -> np.ndarray:
        """The places that a made place reads."""
        return np.flatnonzero(self.matrix[row - self.first])

    def beyond(self, permitted: Bool[np.ndarray, "made places"]) -> list[Found]:
        """Influences that are not permitted, in order of places."""
        rows, columns = np.nonzero(self.matrix & ~permitted)
        return [Found(int(r) + self.first, int(c)) for r, c in zip(rows, columns, strict=True)]

    def witness(self, found: Found) -> str:
        """An influence in words, with the line of the source at which it came about."""
        leaf = self.places.leaves[self.places.leaf[found.reader]]
        element = np.unravel_index(found.reader - leaf.first, leaf.shape)
        output = int(self.places.leaf[found.reader]) - self.places.inputs
        as_it_is = not self.traced[found.reader - self.first, found.read]
        if as_it_is or (output in self.sent and self.places.kind[found.read] == Kind.WORLD):
            return f"{self.places.describe(found.reader)} is {self.places.describe(found.read)}"
        where = self.analysis.witness(output, tuple(int(i) for i in element), found.read)
        sentence = f"{self.places.describe(found.reader)} reads {self.places.describe(found.read)}"
        return f"{sentence}, {where}" if str(where) else sentence

    def upstream(self, made: Bool[np.ndarray, " made"]) -> Bool[np.ndarray, " places"]:
        """All that some places made at this moment depend on within it, at any remove."""
        reached, front = np.zeros(self.places.count, bool), made
        while front.any():
            new = self.matrix[front].any(0) & ~reached
            reached |= new
            front = new[self.first :]
        return reached

    def downstream(self, made: Bool[np.ndarray, " made"]) -> Bool[np.ndarray, " made"]:
        """The places made at this moment that depend on some made before them, at any remove."""
        reached, front = np.zeros(len(self.rows), bool), made
        while front.any():
            new = self.matrix[:, self.first :][:, front].any(1) & ~reached
            reached |= new
            front = new
        return reached

    def ever(
        self, source: Bool[np.ndarray, " places"], past: Bool[np.ndarray, " made"] | None = None
    ) -> Bool[np.ndarray, " made"]:
        """The places that depend on some others at any remove, at this moment or an earlier one.

        Args:
            source: the others.
            past: places at which a way ends; none, if left out.
        """
        count = len(self.rows)
        within = self.matrix[:, :count] | self.matrix[:, self.first :]
        onward = np.ones(count, bool) if past is None else ~past
        reached = np.asarray(self.matrix[:, source].any(1))
        while True:
            more = reached | within[:, reached & onward].any(1)
            if (more == reached).all():
                return reached
            reached = more

    def _relayed(self, values: dict[int, int]) -> None:
        """Gives a value that is several fields to those who may know it: as the same program would
        be seen to, if every relay made a copy.

        Whoever uses the value reads those of its fields that the anatomy lets it read, if there is
        one. A field that its owner could not have computed is read from another one that its owner
        may read; the first is one that its owner could compute.

        Args:
            values: by position of the flat output, the number of its variable.
        """
        together: dict[int, list[int]] = {}
        for output, value in values.items():
            if self.places.made[output].size:
                together.setdefault(value, []).append(output)
        several = [outputs for outputs in together.values() if len(outputs) > 1]
        if not several:
            return
        permitted = self.to_cells & self.to_synapses
        self.matrix = self.matrix.copy()
        for outputs in several:
            columns = np.stack([self._columns(output) for output in outputs])
            read = self.matrix[:, columns]
            heard = read & permitted[:, columns]
            self.matrix[:, columns] = np.where(heard.any(1, keepdims=True), heard, read)
        for outputs in several:
            mine = {output: self._columns(output) for output in outputs}
            able = {
                output: not (self.matrix[c - self.first] & ~permitted[c - self.first]).any()
                for output, c in mine.items()
            }
            # What is broadcast was said by somebody, if one of the fields has an owner.
            owned = [o for o in outputs if self.places.made[o].kind is not Kind.BROADCAST]
            known = [o for o in owned if able[o]] or owned[:1] or outputs[:1]
            waiting = [o for o in outputs if o not in known and not (o in owned and able[o])]
            while waiting:
                pairs = ((o, k) for k in known for o in waiting
                         if permitted[mine[o] - self.first, mine[k]].all())  # fmt: skip
                output, source = next(pairs, (None, None))
                if output is None or source is None:
                    break
                self.matrix[mine[output] - self.first] = False
                self.matrix[mine[output] - self.first, mine[source]] = True
                waiting.remove(output)
                known.append(output)

    def _columns(self, output: int) -> np.ndarray:
        """The places of a flat output."""
        leaf = self.places.made[output]
        return leaf.first + np.arange(leaf.size)

    @functools.cached_property
    def adding(self) -> Bool[np.ndarray, " made"]:
        """The values that are made of what they were: what was learned, and what is summed up."""
        columns = np.arange(len(self.rows))  # what is carried comes first, in the order it is made
        return self.matrix[columns, columns]

    @functools.cached_property
    def listeners(self) -> Int[np.ndarray, " made"]:
        """The population of the cells that hear by way of a place, or -1: theirs, if it is a cell;
        that of the post-synaptic cell, if it is a synaptic value that this cell reads while it is
        made, such as a current. One that is read at the next moment only counts unless it is
        `adding`: what a synapse learned of a message is not the message.

        Which cell it is, `Places.post` says of both.
        """
        p, cells = self.places, self._is(Kind.CELL)
        names = [g.name for g in p.anatomy.groups]
        ends = np.array([names.index(b.post) for b in p.anatomy.bundles], int)
        synapses = np.flatnonzero(self._is(Kind.SYNAPSE))
        own, post = ends[p.owner[self.rows[synapses]]], p.post[self.rows]
        # Whose value it may stand for: of its cell, or of another value of the same synapse that
        # lies between, as a conductance does before a current.
        mine = self.same_owner[:, self.rows[synapses]].copy()
        mine |= (np.where(cells, p.owner[self.rows], -1)[:, None] == own) & (
            post[:, None] == post[synapses]
        )
        now = self.matrix[:, self.rows[synapses]] & mine
        before = self.matrix[:, : len(self.rows)][:, synapses] & mine
        prompt, late = cells.copy(), np.zeros(len(cells), bool)
        while True:
            at_once = now[prompt].any(0)
            after = (now[late] | before[late]).any(0) | before[prompt].any(0)
            after &= ~self.adding[synapses]
            if not (at_once & ~prompt[synapses]).any() and not (after & ~late[synapses]).any():
                break
            prompt[synapses] |= at_once
            late[synapses] |= after
        found = np.where(cells, p.owner[self.rows], -1)
        heard = (prompt | late)[synapses]
        found[synapses[heard]] = own[heard]
        return found

    @functools.cached_property
    def currents(self) -> Bool[np.ndarray, " made"]:
        """The synaptic values that are made anew at every moment, of what the pre-synaptic cell
        says, for the post-synaptic cell."""
        p, found = self.places, np.zeros(len(self.rows), bool)
        names = [g.name for g in p.anatomy.groups]
        starts = np.array([names.index(b.pre) for b in p.anatomy.bundles], int)
        anew = np.flatnonzero((self.listeners >= 0) & self._is(Kind.SYNAPSE) & ~self.adding)
        row = self.rows[anew, None]
        from_there = (p.kind == Kind.CELL) & (p.owner == starts[p.owner[row]])
        from_there &= p.post == p.pre[row]
        new = (self.matrix[anew] & from_there).any(1)
        between = self.matrix[anew, self.first :] & self.same_owner[anew, self.first :]
        while (new & ~found[anew]).any():
            found[anew] |= new
            new = between[:, found].any(1)  # a current that is made of another one
        return found

    @functools.cached_property
    def efficacies(self) -> dict[str, int]:
        """By projection, the position of the flat output that holds the weights of its synapses:
        the field that their post-synaptic cells read, or the `currents` that these read. Where
        that are several, it is `weight`, or else the first one that is no current; where there is
        none, `weight`. A current that fades cannot be told from what was learned, but by a field
        `weight` of which it is made."""
        p = self.places
        heard = np.asarray(self.matrix[self._is(Kind.CELL) | self.currents].any(0))
        fading = (self.listeners >= 0) & self._is(Kind.SYNAPSE) & self.adding
        called = np.asarray(self.matrix[fading].any(0)) & p.where(kind=Kind.SYNAPSE, field=WEIGHT)
        heard |= called
        found: dict[str, list[tuple[bool, bool, bool, int]]] = {}
        # The state comes first among what the step is given, in the order in which it returns it.
        for position, (now, before) in enumerate(zip(p.made, p.leaves, strict=False)):
            read = bool(heard[now.numbers].any() or heard[before.numbers].any())
            if now.kind is Kind.SYNAPSE and now.size and (read or now.field == WEIGHT):
                fleeting = bool(self.currents[now.first - self.first :][: now.size].any())
                rank = (not read, now.field != WEIGHT, fleeting, position)
                found.setdefault(now.owner, []).append(rank)
        return {name: min(ranks)[-1] for name, ranks in found.items()}

    @functools.cached_property
    def feedback(self) -> tuple[Bundle, ...]:
        """Bundles that lead back: those of the anatomy, and driving ones that deliver what was
        relayed from a population which the stimulus reaches by way of the one where they end."""
        anatomy = self.places.anatomy
        return tuple(
            b for b in anatomy.bundles
            if b in anatomy.feedback or (
                b.way == "driving" and any(
                    anatomy.leads(b.post, origin) and self._carries(b, origin)
                    for origin in anatomy.relayed(b.pre)
                )
            )
        )  # fmt: skip

    @functools.cached_property
    def wired_back(self) -> tuple[Bundle, ...]:
        """Wires over which cells on the way to the output hear what the output cells say."""
        anatomy, output = self.places.anatomy, self.subject.output[0]
        return tuple(
            b for b in anatomy.bundles
            if b.way == "wire" and anatomy.leads(b.post, output) and self._carries(b, output)
        )  # fmt: skip

    def _carries(self, bundle: Bundle, origin: str) -> bool:
        """Whether what is heard over a bundle is of some population, or made of what that says."""
        p = self.places
        into = [n for n, b in enumerate(p.anatomy.bundles) if b.post == bundle.post]
        listening = p.where(kind=Kind.CELL, owner=bundle.post)
        listening |= (p.kind == Kind.SYNAPSE) & np.isin(p.owner, into)
        heard = self.matrix[listening[self.rows]].any(0)
        heard &= p.where(kind=Kind.CELL, owner=bundle.pre)
        said = heard[self.first :].copy()
        for now, before in zip(p.made, p.leaves, strict=False):  # the state comes first
            said[now.first - self.first :][: now.size] |= heard[before.numbers]
        made_of = self.upstream(said) | heard
        return bool((made_of & p.where(kind=Kind.CELL, owner=origin)).any())

    @functools.cached_property
    def same_owner(self) -> Bool[np.ndarray, "made places"]:
        """Reader and read belong to the same cell, synapse or broadcast."""
        p, r = self.places, self.rows
        same = (p.kind[r, None] == p.kind) & (p.owner[r, None] == p.owner)
        same &= (p.post[r, None] == p.post) & (p.pre[r, None] == p.pre)
        broadcast = (p.kind[r, None] == Kind.BROADCAST) & (p.kind == Kind.BROADCAST)
        return same | broadcast

    @functools.cached_property
    def to_cells(self) -> Bool[np.ndarray, "made places"]:
        """What an anatomy lets cells read: themselves, the synapses that they own as
        post-synaptic cell, the cells at the other end of these, broadcasts, noise; the stimulus
        where they are input cells, and the target where they are output cells."""
        p = self.places
        allowed = self._shared()
        for number, group in enumerate(p.anatomy.groups):
            mine = self._rows(Kind.CELL, number)
            cells = p.post[self.rows[mine]]
            for other, heard in enumerate(p.anatomy.groups):
                hears = p.anatomy.hears(group.name, heard.name)
                columns = np.flatnonzero((p.kind == Kind.CELL) & (p.owner == other))
                allowed[np.ix_(mine, columns)] |= hears[np.ix_(cells, p.post[columns])]
            for bundle, wires in enumerate(p.anatomy.bundles):
                if wires.post == group.name:
                    columns = np.flatnonzero((p.kind == Kind.SYNAPSE) & (p.owner == bundle))
                    allowed[np.ix_(mine, columns)] |= cells[:, None] == p.post[columns]
            if group is p.anatomy.input:
                columns = np.flatnonzero(p.where(kind=Kind.WORLD, owner="stimulus"))
                allowed[np.ix_(mine, columns)] |= cells[:, None] == p.post[columns]
            if group.name == self.subject.output[0]:
                columns = np.flatnonzero(p.where(kind=Kind.WORLD, owner="target"))
                allowed[np.ix_(mine, columns)] = True
        return allowed | (self.same_owner & self._is(Kind.CELL)[:, None]) | self._others(Kind.CELL)

    @functools.cached_property
    def to_synapses(self) -> Bool[np.ndarray, "made places"]:
        """What an anatomy lets synapses read: themselves, their two cells, broadcasts, noise."""
        p = self.places
        allowed = self._shared()
        names = [g.name for g in p.anatomy.groups]
        for number, bundle in enumerate(p.anatomy.bundles):
            mine = self._rows(Kind.SYNAPSE, number)
            for end, index in ((bundle.post, p.post), (bundle.pre, p.pre)):
                columns = np.flatnonzero((p.kind == Kind.CELL) & (p.owner == names.index(end)))
                allowed[np.ix_(mine, columns)] |= index[self.rows[mine], None] == p.post[columns]
        own = self.same_owner & self._is(Kind.SYNAPSE)[:, None]
        return allowed | own | self._others(Kind.SYNAPSE)

    def _shared(self) -> np.ndarray:
        """Broadcasts and noise, which everybody hears."""
        everybody = (self.places.kind == Kind.BROADCAST) | (self.places.kind == Kind.KEY)
        return np.repeat(everybody[None], len(self.rows), 0)

    def _is(self, kind: Kind) -> np.ndarray:
        return self.places.kind[self.rows] == kind

    def _others(self, kind: Kind) -> np.ndarray:
        """Rows of which a claim about one kind of owner says nothing."""
        return ~self._is(kind)[:, None] & np.ones((1, self.places.count), bool)

    def _rows(self, kind: Kind, owner: int) -> np.ndarray:
        p = self.places
        return np.flatnonzero((p.kind[self.rows] == kind) & (p.owner[self.rows] == owner))


def _first_moment(subject: Subject, key):
    """What the first step of a life is given."""
    moment = jax.tree.map(lambda a: a[0], world(subject, 1, key))
    return subject.born(key), moment, key
