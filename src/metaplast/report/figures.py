"""Figures as plain plotly data: lists and numbers, so that drawing needs no plotly here."""

from __future__ import annotations

from typing import Any

FOUND, ORACLE = "#0b7a53", "#1d2433"
PALETTE = ("#b5483a", "#c98a1b", "#3b6fb6", "#7a4fa3", "#5b8c8c", "#a0607f", "#8a7a52", "#6d7f99")
TRIVIAL = ("nearest_class_mean", "recursive_least_squares", "nearest_neighbor")

HEIGHT, ROW = 420, 30
"""Pixels of a figure, and of a line of its legend, which is cut where it does not fit."""

LAYOUT = {
    "template": "none",
    "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#1d2433"},
    "margin": {"l": 60, "r": 16, "t": 40, "b": 48},  # the tools stand above, beside no legend
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "hovermode": "x unified",
    "legend": {"orientation": "v", "x": 1.02, "y": 1, "font": {"size": 12}},
    "height": HEIGHT,
}
ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}}
"""A legend above the figure, where the right side has an axis of its own."""
AXIS = {"gridcolor": "#e4e7ec", "zeroline": False, "linecolor": "#9aa3b2", "ticks": "outside"}


def learning_curves(cell: dict[str, Any]) -> dict[str, Any]:
    """Accuracy over the life, a band for the 95 % interval, one line per learner."""
    traces: list[dict[str, Any]] = []
    colors = iter(PALETTE * 4)
    for entry in sorted(cell["learners"], key=lambda e: -e["online_accuracy"]):
        oracle = entry["name"] == cell["best_backprop"]
        color = FOUND if entry["found"] else ORACLE if oracle else next(colors)
        shown = entry["found"] or oracle or entry["name"] in TRIVIAL
        traces += _banded(entry, color, shown, entry["found"] or oracle)
    layout = {
        **LAYOUT,
        "height": max(HEIGHT, 100 + ROW * len(cell["learners"])),
        "xaxis": {**AXIS, "title": {"text": "moment (examples seen)"}},
        "yaxis": {**AXIS, "title": {"text": "accuracy before learning"}, "tickformat": ".0%"},
    }
    return {"data": traces, "layout": layout}


def _banded(entry: dict[str, Any], color: str, shown: bool, wide: bool) -> list[dict[str, Any]]:
    curve, group = entry["curve"], entry["name"]
    label = f"found: {group}" if entry["found"] else group
    visible: Any = True if shown else "legendonly"
    band = {
        "x": curve["moment"] + curve["moment"][::-1],
        "y": curve["upper"] + curve["lower"][::-1],
        "fill": "toself", "fillcolor": _faint(color), "line": {"width": 0}, "hoverinfo": "skip",
        "legendgroup": group, "showlegend": False, "visible": visible, "type": "scatter",
        "mode": "lines",
    }  # fmt: skip
    line = {
        "x": curve["moment"], "y": curve["accuracy"], "name": label, "legendgroup": group,
        "line": {"color": color, "width": 3 if wide else 1.6,
                 "dash": "dot" if group in TRIVIAL else "solid"},
        "visible": visible, "type": "scatter", "mode": "lines",
        "hovertemplate": "%{y:.1%}",
    }  # fmt: skip
    return [band, line]


def meta_training(
    log: list[dict[str, Any]], backprop: float | None = None, lived: str = ""
) -> dict[str, Any]:
    """Accuracy and loss of the rule over the meta-steps, and a line for backprop, with what of the
    search's lives it lived."""
    steps = [row["step"] for row in log]
    accuracy = [row["accuracy"] for row in log]
    loss = [row["loss"] for row in log]
    traces: list[dict[str, Any]] = [
        _line(steps, accuracy, "accuracy, each meta-step", _faint(FOUND, 0.35), 1.0, "y"),
        _line(steps, smooth(accuracy), "accuracy, mean", FOUND, 3.0, "y"),
        _line(steps, smooth(loss), "loss, mean (right)", "#c98a1b", 1.6, "y2"),
    ]
    if backprop is not None and steps:
        ends = [steps[0], steps[-1]]
        name = ", ".join(["Adam, roughly tuned", *([lived] if lived else [])])
        level = _line(ends, [backprop] * 2, f"backprop ({name})", ORACLE, 1.6, "y")
        level["line"]["dash"] = "dash"
        traces.append(level)
    layout = {
        **LAYOUT,
        "xaxis": {**AXIS, "title": {"text": "meta-step"}},
        "yaxis": {**AXIS, "title": {"text": "mean accuracy over the life"}, "tickformat": ".0%"},
        "yaxis2": {"title": {"text": "loss", "standoff": 18}, "tickformat": ".4~g",
                   "nticks": 6, "tickmode": "auto", "overlaying": "y", "side": "right",
                   "showgrid": False, "zeroline": False},
        "margin": {**LAYOUT["margin"], "r": 84, "t": 64},
        "legend": ABOVE,
    }  # fmt: skip
    return {"data": traces, "layout": layout}


def smooth(values: list[float | None], window: int = 10) -> list[float | None]:
    """Mean over the last `window` values that are numbers."""
    means: list[float | None] = []
    for i in range(len(values)):
        near = [v for v in values[max(0, i + 1 - window) : i + 1] if v is not None]
        means.append(sum(near) / len(near) if near else None)
    return means


def _line(x: list, y: list, name: str, color: str, width: float, axis: str) -> dict[str, Any]:
    return {
        "x": x, "y": y, "name": name, "yaxis": axis, "type": "scatter", "mode": "lines",
        "line": {"color": color, "width": width}, "hovertemplate": "%{y:.3f}",
    }  # fmt: skip


def _faint(color: str, opacity: float = 0.14) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
