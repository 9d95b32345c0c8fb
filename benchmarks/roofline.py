"""Draw the roofline of a moment, from what `limit.py` has measured.

python benchmarks/roofline.py runs/limit.json docs/roofline.svg

Left, the classic figure: operations per second over operations per byte. Every moment does the
same few operations with each weight, so its points stand nearly on one line; right, they are drawn
over the bytes of weights that a moment goes through, which decide what memory they come from.

Reference: Williams, Waterman & Patterson (2009) doi:10.1145/1498765.1498785.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

INK, CHUNKED = "#444444", "#d0352b"
MARKERS = {1: "o", 4: "s", 16: "D", 64: "^", 256: "v", 1024: "P", 4096: "X"}
"""By the number of lives."""


def draw(found: dict, picture: Path) -> None:
    """Both panels.

    Args:
        found: `points` (dictionaries of `crowd.Point`), `rates` by name in operations or bytes per
            second, and `sizes` in bytes of the levels of memory among them, the last one unbounded.
        picture: SVG file to write.
    """
    widths = sorted({p["width"] for p in found["points"]})
    colors = dict(zip(widths, plt.cm.viridis(np.linspace(0.0, 0.92, len(widths))), strict=True))
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 5.4), sharey=True, width_ratios=(1, 1.6), facecolor="white"
    )
    for axis, across in ((left, "intensity"), (right, "bytes")):
        for p in sorted(found["points"], key=lambda p: p["chunk"] is not None):
            edge = {"mec": CHUNKED, "mew": 1.6} if p["chunk"] else {"mec": "white", "mew": 0.5}
            axis.plot(
                p[across], p["flops"] / 1e9, MARKERS[p["lives"]], ms=7, color=colors[p["width"]],
                zorder=3, **edge,
            )  # fmt: skip
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.grid(alpha=0.2, lw=0.5)
        axis.spines[["top", "right"]].set_visible(False)
        axis.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    stairs(right, found)
    left.set_ylabel("GFLOP/s, of the operations counted")
    left.set_xlabel("operations per byte")
    right.set_xlabel("weights that one moment goes through")
    keys(figure, colors)
    left.set_xlim(0.1, 50)
    figure.tight_layout(rect=(0, 0.13, 1, 1))
    roofs(left, found)  # when the panel has its shape: its labels follow the lines
    with plt.rc_context({"svg.hashsalt": "roofline"}):
        figure.savefig(picture, facecolor="white", metadata={"Date": None})
    plt.close(figure)


def roofs(axis, found: dict) -> None:
    """What the machine permits: each memory's bandwidth, up to the rate of matrix products."""
    top = found["rates"]["matrix"] / 1e9
    for index, name in enumerate(found["sizes"]):
        slope = found["rates"][name] / 1e9
        axis.plot([0.1, top / slope], [0.1 * slope, top], color=INK, lw=1.2)
        # Caches are nearly equally fast: above the first line, below the others.
        (x0, y0), (x1, y1) = axis.transData.transform([(0.1, 0.1 * slope), (0.2, 0.2 * slope)])
        axis.annotate(
            f"{name}, {slope:.0f} GB/s", (0.14, 0.14 * slope), (-4, 5) if index == 0 else (5, -4),
            textcoords="offset points", rotation=math.degrees(math.atan2(y1 - y0, x1 - x0)),
            rotation_mode="anchor", va="bottom" if index == 0 else "top", fontsize=8, color=INK,
        )  # fmt: skip
    lowest = top / max(found["rates"][name] / 1e9 for name in found["sizes"])
    axis.plot([lowest, 50], [top, top], color=INK, lw=1.2)
    axis.annotate(
        f"matrix products, {top:.0f} GFLOP/s", (50, top), (0, 5), textcoords="offset points",
        ha="right", fontsize=8, color=INK,
    )  # fmt: skip


def stairs(axis, found: dict) -> None:
    """The roof over the weights' size: that of the smallest memory that holds them."""
    sizes = [p["bytes"] for p in found["points"]]
    intensity = float(np.median([p["intensity"] for p in found["points"]]))
    begin, last = 0.6 * min(sizes), 1.6 * max(sizes)
    xs, ys = [], []
    for name, size in found["sizes"].items():
        end = min(size or last, last)
        height = min(found["rates"][name] * intensity, found["rates"]["matrix"]) / 1e9
        xs += [begin, end]
        ys += [height, height]
        axis.annotate(
            f"roof of {name}", (math.sqrt(begin * end), height), (0, 5),
            textcoords="offset points", ha="center", fontsize=8, color=INK,
        )  # fmt: skip
        begin = end
    axis.plot(xs, ys, color=INK, lw=1.2)
    axis.set_xlim(0.6 * min(sizes), last)
    axis.xaxis.set_major_locator(FixedLocator([2.0**k for k in range(10, 40, 3)]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda v, _: binary(v)))


def binary(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:g} {unit}"
        size /= 1024
    return f"{size:g} GiB"


def keys(figure, colors: dict) -> None:
    """Color says the width, shape says the lives, a red rim says chunks."""
    dots = [Line2D([], [], ls="", marker="o", ms=7, color=c, label=w) for w, c in colors.items()]
    shapes = [Line2D([], [], ls="", marker=m, ms=7, color=INK, label=n) for n, m in MARKERS.items()]
    rim = Line2D([], [], ls="", marker="o", ms=7, color="white", mec=CHUNKED, mew=1.6,
                 label="in chunks, at the size of a chunk")  # fmt: skip
    style = {"loc": "lower left", "fontsize": 8, "frameon": False, "columnspacing": 1.2,
             "handletextpad": 0.3}  # fmt: skip
    for x, y, name, handles in ((0.04, 0.06, "width", dots), (0.04, 0.0, "lives", [*shapes, rim])):
        figure.text(x, y + 0.026, name, fontsize=8, weight="bold", color=INK)
        figure.legend(handles=handles, ncols=8, bbox_to_anchor=(x + 0.045, y), **style)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
