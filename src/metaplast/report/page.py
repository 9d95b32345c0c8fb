"""One HTML file: everything inline, nothing loaded from anywhere."""

from __future__ import annotations

import json
import platform
import shlex
from html import escape
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

from metaplast import __version__, coverage, hint, own_source, rulefile, spec
from metaplast.report.certificate import CERTIFICATE, certificate_section
from metaplast.report.estimators import ESTIMATORS, estimators_figures, estimators_section
from metaplast.report.figures import learning_curves, meta_training
from metaplast.report.tables import bench_table, facts_table, genome_table
from metaplast.report.verdict import outcome, verdict
from metaplast.run_folder import CHECKPOINT
from metaplast.spec import Spec

PAGE = "report.html"
BREEDERS = ("Evolution", "Genetic", "LearnedSelection", "MapElites")
"""Meta-optimizers that deal out candidates (`meta.AbstractGenerations`), by name: a page is written
without loading them."""


class Beside(NamedTuple):
    """The backprop that the search showed beside its own accuracy (`reference.Beside`)."""

    accuracy: float
    lived: str


def write(folder: Path) -> Path:
    """Write `report.html` from what a run folder holds, and return its path.

    Needs `spec.toml`, `log.jsonl`, `rule.safetensors` and `bench.json`; shows `certificate.json`,
    `estimators.json` and the numbers of `start.safetensors` where there are. Imports no JAX.
    """
    experiment = spec.load(folder / "spec.toml")
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    result = json.loads((folder / "bench.json").read_text())
    rule = rulefile.read(folder / rulefile.RULE)
    certified = folder / CERTIFICATE
    certificate = json.loads(certified.read_text()) if certified.exists() else None
    measured = folder / ESTIMATORS
    estimators = json.loads(measured.read_text()) if measured.exists() else None
    start = rulefile.read(folder / rulefile.START) if (folder / rulefile.START).exists() else None
    backprop = _backprop(folder, experiment)
    page = render(folder, experiment, log, result, rule, backprop, certificate, estimators, start)
    rulefile.replace(folder / PAGE, page.encode())
    return folder / PAGE


def render(
    folder: Path,
    experiment: Spec,
    log: list[dict[str, Any]],
    result: dict[str, Any],
    rule: rulefile.Contents,
    backprop: Beside | None,
    certificate: dict[str, Any] | None = None,
    estimators: dict[str, Any] | None = None,
    start: rulefile.Contents | None = None,
) -> str:
    """The text of the page."""
    figures: dict[str, Any] = {}
    body = [_header(experiment, result)]
    for index, cell in enumerate(result["cells"]):
        figures[f"curves{index}"] = learning_curves(cell)
        body.append(_comparison(cell, f"curves{index}"))
    figures["meta"] = meta_training(log, *backprop) if backprop else meta_training(log)
    if certificate:
        body.append(certificate_section(certificate, experiment["constraints"]))
    if estimators:
        figures |= estimators_figures(estimators)
        body.append(estimators_section(estimators))
    body += [_search(experiment, log, backprop), _genome(rule, start)]
    body.append(_again(folder, experiment, rule))
    return document(f"{escape(experiment.name)}: a found learning rule", "".join(body), figures)


def document(title: str, body: str, figures: dict[str, Any]) -> str:
    """One HTML file with everything in it.

    Args:
        title: as HTML.
        body: as HTML, with an element of the id of every figure.
        figures: plotly's data and layout, by that id.
    """
    from plotly.offline import get_plotlyjs

    style = (resources.files("metaplast.report") / "page.css").read_text()
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
<script>{get_plotlyjs()}</script>
</head>
<body>
<main>
{body}
</main>
<script type="application/json" id="figures">{_embedded(figures)}</script>
<script>
const figures = JSON.parse(document.getElementById("figures").textContent);
for (const [id, figure] of Object.entries(figures)) {{
  Plotly.newPlot(id, figure.data, figure.layout, {{responsive: true, displaylogo: false}});
}}
</script>
</body>
</html>
"""


def _header(experiment: Spec, result: dict[str, Any]) -> str:
    outcomes = {outcome(cell) for cell in result["cells"]}
    mark = outcomes.pop() if len(outcomes) == 1 else "undecided"
    kind = f"{experiment['meta'].get('type')} over {experiment['task'].get('type')}"
    return (
        f"<header><h1>{escape(experiment.name)}: a found learning rule</h1>"
        f'<p class="sub">{escape(kind)}, hidden layers {list(experiment.hidden)}, '
        f"seed {experiment.seed}</p></header>"
        f'<section class="verdict {mark}">{escape(verdict(result))}</section>'
    )


def _comparison(cell: dict[str, Any], figure: str) -> str:
    sizes = ", ".join(map(str, cell["hidden"])) or "none"
    return (
        f"<section><h2>{escape(cell['data'])}: {cell['moments']} moments, hidden {sizes}</h2>"
        '<p class="note">'
        f"{cell['lives']} lives, the same for every learner; each example is predicted before it "
        "is learned, one at a time, in one pass. Bands and intervals: 95 % bootstrap over lives. "
        "What a rival leaves open is tuned in hindsight on these very lives. Click a name to show "
        f'or hide it.{escape(_remarks(cell))}</p><div class="plot" id="{figure}"></div>'
        f"{bench_table(cell)}</section>"
    )


def _remarks(cell: dict[str, Any]) -> str:
    """What a reader of the intervals and of the rows has to know, if anything."""
    told = []
    if caution := coverage.caution(cell["lives"]):
        told.append(f" {caution[0].upper()}{caution[1:]}.")
    if any(entry.get("told") for entry in cell["learners"]):
        told.append(
            " The task is taught by reward: who hears the target all the same is no rival, but an "
            "upper bound."
        )
    return "".join(told)


def _search(experiment: Spec, log: list[dict[str, Any]], backprop: Beside | None) -> str:
    seconds = sum(row.get("seconds") or 0.0 for row in log)
    lost = sum(row.get("lost") or 0.0 for row in log) / max(1, len(log))
    told = f" {100 * lost:.1f} % {_lost(experiment['meta'])}." if lost else ""
    guide = ""
    if backprop is not None:
        of = f" {escape(backprop.lived)}" if backprop.lived else ""
        guide = (
            f"Backprop is Adam, roughly tuned, on lives of the search's own task{of}: a guide for "
            "the eye, tuned less than the backprop of the comparison above."
        )
    return (
        "<section><h2>The search</h2>"
        f"<p class='note'>{len(log)} meta-steps in {seconds:.0f} s of computation.{told} "
        f"{guide}</p>"
        '<div class="plot" id="meta"></div></section>'
    )


def _lost(meta: dict[str, Any]) -> str:
    """What was lost in a search, and what became of it, by what its meta-steps deal out."""
    while isinstance(meta.get("of"), dict):
        meta = meta["of"]
    kind = str(meta.get("type"))
    if kind in BREEDERS:
        return "of the candidates were lost: a life's loss was not finite, and they ranked last"
    if own_source.reference(kind):
        return "of what was lived was lost: not finite"
    return "of the lives were lost: not finite, and left out"


def _genome(rule: rulefile.Contents, start: rulefile.Contents | None) -> str:
    count = sum(int(array.size) for array in rule.tensors.values())
    table = genome_table(rule.tensors, start.tensors if start else None)
    return (
        f"<section><h2>The rule: {count} numbers</h2>"
        '<p class="note">Rates and gains are shown as such; the file holds their logarithms.</p>'
        f'<div class="genome">{table}</div></section>'
    )


def _again(folder: Path, experiment: Spec, rule: rulefile.Contents) -> str:
    name = shlex.quote(str(folder))
    typed = {
        hint.anew(folder): "the same search again",
        f"metaplast bench {name} backprop --data digits": "the comparison, on any data",
        f"metaplast audit {name}": "the certificate",
        f"metaplast show {name}": "what it found",
    }
    width = max(map(len, typed))
    commands = "\n".join(f"{line:<{width}}   # {what}" for line, what in typed.items())
    facts = {
        "metaplast": __version__,
        "Python": platform.python_version(),
        "machine": platform.platform(),
        **{name: metadata.version(name) for name in ("jax", "jaxlib", "equinox", "optax", "numpy")},
        "seed": experiment.seed,
        "meta-steps of the rule": rule.manifest.get("step"),
        "SHA-256 of the rule's file": rule.manifest["hash"],
    }
    return (
        f"<section><h2>Run it again</h2><pre>{escape(commands)}</pre>"
        f'<div class="facts">{facts_table(facts)}</div>'
        f"<details><summary>spec.toml</summary><pre>{escape(spec.dump(experiment))}</pre></details>"
        "</section>"
    )


def _backprop(folder: Path, experiment: Spec) -> Beside | None:
    """The accuracy of backprop that the search showed beside its own. None where it is not known
    what of several episodes or settings it lived, as of a run of an earlier version."""
    several = experiment["variants"] or experiment["objective"].get("episodes", 1) > 1
    try:
        position = json.loads((folder / CHECKPOINT / "manifest.json").read_text())["position"]
        lived = position["backprop_lived"] if several else ""
        return Beside(float(position["backprop_accuracy"]), str(lived))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _embedded(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, allow_nan=False).replace("</", "<\\/")
