"""`metaplast infer`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

from tyro.conf import Positional, UseAppendAction


@dataclasses.dataclass(frozen=True)
class Infer:
    """Recover the plasticity rule of a network from its stimuli, activity and weights, and say
    which coefficients the recordings determine, how well, and which combinations they do not.

    The experiment describes the network that was recorded; its rule of the kind that is asked for
    is the family, and where the fit begins. docs/inference.md says which arrays a file holds.

    Examples:
      metaplast infer my.toml cells.npz --kind readout --blank
      metaplast infer my.toml cells.npz --kind readout --activity-noise 0.1 --weight-noise 0.01
      metaplast infer my.toml cells.npz --kind readout --out inferred.safetensors
      metaplast audit inferred.safetensors
    """

    experiment: Positional[str]
    """A TOML file, or the name of a built-in experiment (metaplast list experiments)."""
    recordings: Positional[Path]
    """The .npz: stimuli, targets, born/PROJECTION, activity/POPULATION, weights/PROJECTION."""
    kind: str
    """Kind of the projections whose rule is unknown: an entry of genome.rules."""
    blank: bool = False
    """Begin with all numbers of that rule at zero, and not with those of the experiment."""
    activity_noise: float = 1.0
    """Noise level of recorded activity; only its ratio to the other one matters for the fit."""
    weight_noise: float = 1.0
    """Noise level of recorded weights."""
    evaluations: int = 100
    """Most steps of the fit."""
    seed: int = 0
    """Seed of the bootstrap that the intervals come from."""
    set: UseAppendAction[tuple[str, ...]] = ()
    """Replace one value of the experiment, as path=value with a TOML value; may be repeated."""
    out: Path | None = None
    """Write what was inferred as a found rule, for show, bench and audit; must not exist."""
    json: bool = False
    """Print one JSON document on standard output; progress goes to standard error."""

    def run(self) -> None:
        self._check()
        from metaplast.cli.overridden import overridden

        spec = overridden(self.experiment, self.set)
        from metaplast import compile_cache

        compile_cache.switch_on()
        network, task = _recorded(spec, self.kind, self.blank)
        from metaplast.inference import infer, load

        seen = load(self.recordings, network)
        count, moments = seen.targets.shape
        print(f"fitting  {count} recordings of {moments} moments", file=sys.stderr, flush=True)
        found = infer(
            network, self.kind, task, seen, self.activity_noise, self.weight_noise,
            self.evaluations, self.seed,
        )  # fmt: skip
        saved = {}
        try:
            saved = self._saved(spec, network, found.rule)
        finally:  # whatever was in the way of the file, what was inferred is told
            self._tell(spec.name, found, saved)

    def _tell(self, experiment: str, found: Any, saved: dict[str, str]) -> None:
        if self.json:
            from metaplast.cli.output import document

            document({"experiment": experiment, "kind": self.kind, **_facts(found), **saved})
            return
        from metaplast.inference import report

        print(report(found))
        if saved:
            print(f"wrote {saved['file']}: hash {saved['hash'][:12]}")

    def _check(self) -> None:
        """Refuse a file that could not be written; `infer` looks at all else."""
        if self.out is None:
            return
        from metaplast.cli.output import writable_file

        if self.out.exists():
            raise ValueError(f"out = {self.out}: exists already; give another file")
        if not self.out.absolute().parent.is_dir():
            raise ValueError(f"out = {self.out}: there is no such folder; make it, or give another")
        writable_file(self.out, "out")

    def _saved(self, spec: Any, network: Any, rule: Any) -> dict[str, str]:
        if self.out is None:
            return {}
        from metaplast.spec import Spec
        from metaplast.store import save_rule

        # What the fit did is what an audit should hear of: it differentiated lives, in forward
        # mode and in one step, whatever outer loop the experiment names.
        spec = Spec({**spec.tables, "meta": {"type": "Forward"}}, spec.origin)
        rules = {**network.genome.rules, self.kind: rule}
        genome = dataclasses.replace(network.genome, rules=rules)
        return {"file": str(self.out), "hash": save_rule(self.out, genome, spec, 1)}


def _recorded(spec: Any, kind: str, blank: bool) -> tuple[Any, Any]:
    """The network of an experiment, with its rule where the fit begins, and who taught it."""
    from metaplast.experiment import build_circuit, build_genome, check_fit, construct
    from metaplast.network import PlasticNetwork
    from metaplast.spec import near

    if spec["presentation"]:
        raise ValueError(
            "presentation: what was recorded has one moment for each stimulus, expected no such "
            "table; leave it out, and write the stimulus of every moment"
        )
    genome = build_genome(spec["genome"])
    if kind not in genome.rules:
        raise ValueError(f"kind = {kind!r}: genome.rules has none; {near(kind, genome.rules)}")
    if blank:
        rules = {**genome.rules, kind: _blank(genome.rules[kind])}
        genome = dataclasses.replace(genome, rules=rules)
    task = construct("tasks", spec["task"], "task")
    circuit = build_circuit(spec["anatomy"], task.inputs, spec.hidden, task.classes)
    check_fit(genome, circuit)
    return PlasticNetwork(circuit, genome), task


def _blank(rule: Any) -> Any:
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    return jax.tree.map(lambda x: jnp.zeros_like(x) if eqx.is_inexact_array(x) else x, rule)


def _facts(found: Any) -> dict[str, Any]:
    """Plain values: infinite ends of intervals become null."""
    known = found.identifiability
    columns = zip(
        found.names, found.values, found.lower, found.upper, known.error, known.determined,
        strict=True,
    )  # fmt: skip
    keys = ("name", "value", "lower", "upper", "error", "determined")
    null = [
        {name: part for name, part in zip(found.names, direction, strict=True) if part}
        for direction in known.null
    ]
    return {
        "family": type(found.rule).__name__,
        "coefficients": [dict(zip(keys, row, strict=True)) for row in columns],
        "null": null,
        "explained": found.explained,
        "noise": found.noise,
        "converged": found.converged,
    }
