"""Excitation and inhibition in one layer, both of which hear the output cells."""

from __future__ import annotations

from typing import Literal

from metaplast.circuits.anatomy import Circuit, Population, Projection, Site
from metaplast.source import Source

SOURCE: Source = Source(
    "Vogels, Sprekeler, Zenke, Clopath & Gerstner", 2011,
    "Inhibitory plasticity balances excitation and inhibition in sensory pathways and memory "
    "networks",
    "10.1126/science.1211095",
)  # fmt: skip


def balanced(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    share: float = 0.25,
    density: float = 1.0,
    shortcut: bool = False,
) -> Circuit:
    """Layers of excitatory and inhibitory cells under Dale's law, with direct feedback.

    The inhibitory cells of a layer hear what drives it and, a moment late, its excitatory cells;
    they inhibit the latter and whoever hears them, next layer or output. Input and output cells
    excite, so feedback from the output, which reaches all hidden cells, can only excite. All
    weights are born random, with a declared sign that they keep whatever the rules.

    Args:
        inputs: input cells; their activity should not be negative.
        hidden: excitatory cells of every layer; one layer at least.
        outputs: output cells, one a class.
        share: inhibitory cells of a layer, as a share of its excitatory ones; one at least.
        density: share of the layer below that an excitatory cell hears, drawn at random: the fewer,
            the more do cells differ whose weights all have one sign.
        shortcut: whether the output hears the input directly as well.

    Kinds: populations `input`, `inhibitory`, `hidden`, `output`; projections `excite` (onto hidden
    cells), `recruit` (onto inhibitory ones), `compete` (hidden onto inhibitory cells of their
    layer), `inhibit` (hidden cells), `readout`, `veto` (inhibitory cells onto the output),
    `shortcut`, `feedback`.

    References: Vogels et al. (2011) doi:10.1126/science.1211095; Cornford et al. (2021) ICLR,
    doi:10.1101/2020.11.02.364968; Nøkland (2016) arXiv:1609.01596 (direct feedback).
    """
    if not hidden:
        raise ValueError("hidden = []: expected one layer or more; give [100]")
    if not 0 < share <= 1:
        raise ValueError(f"share = {share}: expected more than 0 and at most 1; give 0.25")
    if not 0 < density <= 1:
        raise ValueError(f"density = {density}: expected more than 0 and at most 1; give 0.5")
    pops, wires = [Population("input", inputs, "input")], []

    def wire(kind: str, pre: str, post: str, sign: Literal[-1, 1], site: Site = "basal", **options):
        arrow = "~>" if site == "apical" else "->"
        name = f"{pre}{arrow}{post}"
        wires.append(Projection(name, kind, pre, post, site, sign=sign, **options))

    exciting, calming = "input", ""
    for number, size in enumerate(hidden, 1):
        cells, inner = f"hidden{number}", f"inhibitory{number}"
        pops += [Population(inner, max(1, round(share * size)), "inhibitory"),
                 Population(cells, size, "hidden")]  # fmt: skip
        wire("recruit", exciting, inner, 1)
        wire("compete", cells, inner, 1, delay=1)
        some = {"wiring": "sparse", "density": density} if density < 1 else {}
        wire("excite", exciting, cells, 1, **some)
        wire("inhibit", inner, cells, -1)
        if calming:
            wire("inhibit", calming, cells, -1)
        exciting, calming = cells, inner
    wire("readout", exciting, "output", 1)
    wire("veto", calming, "output", -1)
    if shortcut:
        wire("shortcut", "input", "output", 1)
    for p in pops[1:]:
        wire("feedback", "output", p.name, 1, site="apical")
    return Circuit((*pops, Population("output", outputs, "output")), tuple(wires))
