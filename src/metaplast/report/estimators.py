"""Which estimator of the meta-gradient suits an experiment: a section, and a page of its own."""

from __future__ import annotations

from html import escape
from typing import Any

from metaplast.report.figures import ABOVE, AXIS, FOUND, LAYOUT, ORACLE
from metaplast.report.tables import html_table

ESTIMATORS = "estimators.json"
FIGURES = ("agreement", "quality")


def estimators_section(facts: dict[str, Any]) -> str:
    """The advice, both figures and the table, as HTML."""
    rows = [
        ("found" if cells[0] == facts["recommended"] else "", [escape(cell) for cell in cells])
        for cells in facts["cells"]
    ]
    return (
        "<section><h2>Estimators of the meta-gradient</h2>"
        f"<p>{escape(facts['advice'])}</p>"
        '<p class="note">Measured where the search begins, with '
        f"{facts['budget']['lives']} lives at once and {facts['budget']['cycles']} repetitions. "
        "Bias, its noise and variance are relative to the length of the exact gradient; a bias "
        "below its noise cannot be told from none. Largest Lyapunov exponent of learning: "
        f"{growth(facts)}.</p>"
        f'<div class="plot" id="{FIGURES[0]}"></div><div class="plot" id="{FIGURES[1]}"></div>'
        f"{html_table(list(facts['columns']), rows)}</section>"
    )


def growth(facts: dict[str, Any]) -> str:
    """The largest Lyapunov exponent, in words; none is known where all lives explode."""
    exponent = facts["lyapunov"]
    return "unknown" if exponent is None else f"{exponent:.2g} per moment"


def estimators_figures(facts: dict[str, Any]) -> dict[str, Any]:
    """Both figures, by the id of their place."""
    return {FIGURES[0]: over_horizon(facts), FIGURES[1]: quality(facts)}


def over_horizon(facts: dict[str, Any]) -> dict[str, Any]:
    """How well derivatives predict finite differences, up to every horizon; the growth of small
    differences beside it."""
    moments = facts["agreement"]["moments"]
    traces = [
        {"x": moments, "y": facts["agreement"]["correlation"], "type": "scatter",
         "mode": "lines+markers", "name": "derivative against finite differences",
         "line": {"color": FOUND, "width": 3}},
        {"x": moments, "y": facts["lyapunov_over_life"], "type": "scatter", "mode": "lines",
         "name": "growth of small differences, per moment (right)", "yaxis": "y2",
         "line": {"color": "#c98a1b", "width": 1.6}},
    ]  # fmt: skip
    layout = {
        **LAYOUT,
        "xaxis": {**AXIS, "title": {"text": "horizon, moments"}},
        "yaxis": {**AXIS, "title": {"text": "correlation"}, "range": [-1.05, 1.05]},
        "yaxis2": {"title": {"text": "log growth per moment"}, "overlaying": "y", "side": "right",
                   "tickmode": "auto", "tickformat": ".4~g",
                   "showgrid": False, "zeroline": False},
        "legend": ABOVE,
        "margin": {**LAYOUT["margin"], "r": 84, "t": 64},
    }  # fmt: skip
    return {"data": traces, "layout": layout}


def quality(facts: dict[str, Any]) -> dict[str, Any]:
    """Seconds of an estimate against its relative squared error."""
    traces = []
    for row in facts["estimators"]:
        best = row["name"] == facts["recommended"]
        if row["variance"] is None:  # it would stand where there is no error
            continue
        error = row["variance"] + (row["bias"] or 0.0) ** 2
        traces.append({
            "x": [row["seconds"]], "y": [error], "type": "scatter", "mode": "markers+text",
            "name": row["name"], "text": [row["name"]], "textposition": "top center",
            "marker": {"size": 14 if best else 9, "color": FOUND if best else ORACLE},
            "showlegend": False,
        })  # fmt: skip
    layout = {
        **LAYOUT,
        "hovermode": "closest",
        "xaxis": {**AXIS, "title": {"text": "seconds of an estimate"}, "type": "log"},
        "yaxis": {**AXIS, "title": {"text": "variance + bias², relative"}, "type": "log"},
    }
    return {"data": traces, "layout": layout}


def page(facts: dict[str, Any]) -> str:
    """A page of its own."""
    from metaplast.report.page import document

    name = escape(facts["experiment"])
    title = f"{name}: estimators of the meta-gradient"
    body = f"<header><h1>{title}</h1></header>{estimators_section(facts)}"
    return document(title, body, estimators_figures(facts))
