"""Nothing comes from a later moment."""

from __future__ import annotations

from typing import ClassVar

import jax
import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.places import Kind
from metaplast.audit.provenance import analyse, holds, nothing, one, words_for
from metaplast.audit.reads import Found, Reads
from metaplast.audit.subject import Subject, path_name, world
from metaplast.audit.tracing import Untraceable
from metaplast.audit.verdict import Grade, upheld, violated
from metaplast.source import Source

MOMENTS = 5
"""Length of the life whose dataflow is followed."""


class Causality(AbstractConstraint):
    """No moment reads what a later one brings, and no answer reads the target that it is asked for.

    A learner that lives moment by moment is given the present only. Of a learner that gets a
    whole life at once, the dataflow of a short life is followed. The target comes after the
    answer; an answer made of it would be right for free.
    """

    name: ClassVar[str] = "causality"
    claim: ClassVar[str] = (
        "nothing that happens at a moment depends on a later one, and no answer on its own target"
    )
    source: ClassVar[Source] = Source(
        "Lillicrap & Santoro", 2019, "Backpropagation through time and the brain",
        "10.1016/j.conb.2019.01.011",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.CONSTRUCTION, Grade.PROOF)

    def check(self, evidence):
        foretold = self._foretold(evidence.reads)
        if foretold:
            return violated(Grade.PROOF, foretold, "the answer knows its target")
        if evidence.subject.life is None:
            return upheld(Grade.CONSTRUCTION, "given the present only")
        ahead = self._ahead(evidence.subject)
        if ahead:
            return violated(Grade.PROOF, ahead)
        return upheld(Grade.PROOF, f"followed through {MOMENTS} moments")

    def _foretold(self, reads: Reads) -> str:
        """How the target of a moment comes into the answer to it; empty if it does not."""
        p, rows = reads.places, reads.rows
        population, name = reads.subject.output
        answer = p.where(kind=Kind.CELL, owner=population, field=name, now=True)[rows]
        target = p.where(kind=Kind.WORLD, owner="target")
        before = reads.upstream(answer)
        if not (before & target).any():
            return ""
        knowing = np.flatnonzero((answer | before[reads.first :]) & reads.matrix[:, target].any(1))
        read = np.flatnonzero(reads.matrix[knowing[0]] & target)[0]
        witness = reads.witness(Found(int(rows[knowing[0]]), int(read)))
        return f"the answer depends on its target: {witness}"

    def _ahead(self, subject: Subject) -> str:
        """What a moment of a life reads of a later one, and where; empty if nothing."""
        state, experience, key = arguments = jax.eval_shape(
            lambda key: (subject.born(key), world(subject, MOMENTS, key), key), jax.random.key(0)
        )
        assert subject.life is not None
        try:
            program, shapes = jax.make_jaxpr(subject.life, return_shape=True)(*arguments)
        except Exception as fault:
            line = (str(fault).strip().splitlines() or [type(fault).__name__])[0]
            raise Untraceable(f"{subject.name}: a whole life does not trace: {line}") from fault
        fields = jax.tree_util.tree_leaves_with_path(experience)
        words = words_for(MOMENTS * len(fields))
        inputs = [nothing(leaf.shape, words) for leaf in jax.tree.leaves(state)]
        for number, (_, leaf) in enumerate(fields):
            moments = np.stack([one([number * MOMENTS + t], words) for t in range(MOMENTS)])
            moments = moments.reshape(MOMENTS, *(1,) * (leaf.ndim - 1), words)
            inputs.append(np.broadcast_to(moments, (*leaf.shape, words)))
        inputs.append(nothing(key.shape, words))
        analysis = analyse(program, inputs)
        for output, (path, leaf) in enumerate(jax.tree_util.tree_leaves_with_path(shapes)):
            if leaf.shape[:1] != (MOMENTS,):
                raise Untraceable(
                    f"{subject.name}: a life of {MOMENTS} moments returns {path_name(path)} of "
                    f"shape {list(leaf.shape)}, expected the states after every moment"
                )
            for number, (field, _) in enumerate(fields):
                for later in range(1, MOMENTS):
                    read = holds(analysis.outputs[output], number * MOMENTS + later)[:later]
                    if read.any():
                        element = tuple(int(i) for i in np.argwhere(read)[0])
                        where = analysis.witness(output, element, number * MOMENTS + later)
                        return (
                            f"{path_name(path)} at moment {element[0]} reads the "
                            f"{path_name(field)} of moment {later}, {where}"
                        )
        return ""
