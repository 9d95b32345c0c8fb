"""All verdicts on one learner, with what is needed to ask for them again."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
import re
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr

from metaplast import __version__
from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.evidence import Evidence
from metaplast.audit.subject import Subject
from metaplast.audit.verdict import Status, Verdict
from metaplast.seeds import check_seed
from metaplast.spec import near

FORMAT = 1
NUMBERS, PROGRAM = "the numbers of the rule", "the traced program"
"""What `rule_hash` is of."""
Progress = Callable[[str, int, int], None]
"""Told before each check: the constraint, how many are done, how many there are."""

_ADDRESS = re.compile(r"0x[0-9a-f]+")


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What an audit found. Plain data; made by `audit` alone.

    Attributes:
        learner: what was audited.
        rule_hash: SHA-256 of its numbers, or of its program where it has none (`rule_hash`).
        rule_hash_of: which of the two, in words. The file of a found rule has a hash of its own,
            of the numbers and of all that is written beside them.
        versions: of everything that took part.
        seed: of the sampled lives and births; below 2**32.
        taught: how the sampled lives teach.
        note: what a reader of the verdicts has to know of what was audited; empty if nothing.
        circuit: the instance that was looked at: cells by population, and for every projection
            its ends, its way and its number of wires.
        verdicts: one for every constraint that was asked for.
        unknown_primitives: operations that were taken to mix everything.
        seconds: of the whole audit.
    """

    learner: str
    rule_hash: str
    rule_hash_of: str
    versions: dict[str, str]
    seed: int
    taught: str
    note: str
    circuit: dict[str, Any]
    verdicts: tuple[Verdict, ...]
    unknown_primitives: tuple[str, ...]
    seconds: float

    @property
    def violations(self) -> tuple[Verdict, ...]:
        """The verdicts that went against the learner."""
        return tuple(v for v in self.verdicts if v.status is Status.VIOLATED)

    def to_json(self) -> dict[str, Any]:
        """Plain values, complete enough to be read without this package."""
        known = registered()
        return {
            "format": FORMAT,
            "learner": self.learner,
            "rule_hash": self.rule_hash,
            "rule_hash_of": self.rule_hash_of,
            "versions": dict(self.versions),
            "seed": self.seed,
            "taught": self.taught,
            "note": self.note,
            "circuit": self.circuit,
            "verdicts": [
                {
                    "constraint": v.constraint,
                    "claim": known[v.constraint].claim,
                    "status": v.status.value,
                    "grade": v.grade.value,
                    "value": v.value,
                    "witness": v.witness,
                    "consulted": list(v.consulted),
                    "seconds": round(v.seconds, 3),
                }
                for v in self.verdicts
            ],
            "unknown_primitives": list(self.unknown_primitives),
            "seconds": round(self.seconds, 3),
        }


def audit(
    subject: Subject,
    constraints: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress = lambda constraint, done, total: None,
) -> Certificate:
    """Audit a learner: run the checks, and write down what each of them found.

    All checks look at the same evidence, which is made when the first of them asks for it; so
    the seconds of a verdict depend on who asked first.

    Args:
        subject: the learner, from `resolve.resolve`, `networks.from_network` or
            `subject.from_function`.
        constraints: names; all constraints by default.
        seed: of the sampled lives and births; below 2**32.
        progress: told before each check.

    Raises:
        ValueError: an unknown constraint, with near misses; a seed that is none.
        Untraceable: a learner that cannot be analysed; one line that says why, and where.
    """
    check_seed(seed)
    begun = time.perf_counter()
    checks = [cls() for cls in chosen(constraints)]
    evidence = Evidence(subject, seed)
    reads = evidence.reads
    verdicts = []
    for done, check in enumerate(checks):
        progress(check.name, done, len(checks))
        verdicts.append(check.verdict(evidence))
    return Certificate(
        learner=subject.name,
        rule_hash=rule_hash(subject.numbers, reads.program),
        rule_hash_of=NUMBERS if jax.tree.leaves(subject.numbers) else PROGRAM,
        versions=versions(),
        seed=seed,
        taught=subject.taught,
        note=subject.note,
        circuit=_circuit(subject),
        verdicts=tuple(verdicts),
        unknown_primitives=tuple(reads.unknown),
        seconds=time.perf_counter() - begun,
    )


def registered() -> dict[str, type[AbstractConstraint]]:
    """All constraints by name: the namespace is the registry."""
    from metaplast.audit import constraints

    exports = [getattr(constraints, export) for export in constraints.__all__]
    return {
        cls.name: cls
        for cls in exports
        if isinstance(cls, type)
        and issubclass(cls, AbstractConstraint)
        and cls is not AbstractConstraint
    }


def chosen(names: Sequence[str] | None) -> list[type[AbstractConstraint]]:
    """The constraints of the given names, each once, in the order of the registry; all if None.

    Raises:
        ValueError: an unknown name, with near misses.
    """
    known = registered()
    for name in names or ():
        if name not in known:
            raise ValueError(f"constraint = {name!r}: unknown; {near(name, known)}")
    return [cls for name, cls in known.items() if names is None or name in names]


def rule_hash(numbers: Any, program: ClosedJaxpr) -> str:
    """SHA-256 of what makes a rule this rule and no other.

    Args:
        numbers: what a search found. Types, names, shapes and bits count, so the hash is the
            same in circuits of any size.
        program: the traced moment; what counts where there are no numbers. Its text depends on
            the version of JAX.
    """
    leaves = jax.tree_util.tree_leaves_with_path(numbers)
    total = hashlib.sha256()
    if not leaves:
        total.update(_ADDRESS.sub("", str(program.jaxpr)).encode())
        leaves = [((), constant) for constant in program.consts]
    else:
        total.update(_ADDRESS.sub("", str(jax.tree.structure(numbers))).encode())
    for path, leaf in leaves:
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        array = np.asarray(leaf)
        name = jax.tree_util.keystr(path)
        total.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def versions() -> dict[str, str]:
    """Of Python, this package, and what it computes with."""
    packages = {name: metadata.version(name) for name in ("jax", "jaxlib", "equinox", "numpy")}
    return {"metaplast": __version__, "Python": platform.python_version(), **packages}


def _circuit(subject: Subject) -> dict[str, Any]:
    anatomy = subject.anatomy
    return {
        "populations": {group.name: group.size for group in anatomy.groups},
        "projections": {
            bundle.name: {
                "pre": bundle.pre,
                "post": bundle.post,
                "way": bundle.way,
                "weighted": bundle.weighted,
                "wires": int(bundle.mask.sum()),
            }
            for bundle in anatomy.bundles
        },
    }
