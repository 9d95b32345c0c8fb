"""Components in order, each of what those before leave unexplained."""

from __future__ import annotations

from typing import Literal

from metaplast.circuits.anatomy import Carried, Circuit, Population, Projection
from metaplast.circuits.choices import checked
from metaplast.source import Source

SOURCE: Source = Source(
    "Sanger", 1989,
    "Optimal unsupervised learning in a single-layer linear feedforward neural network",
    "10.1016/0893-6080(89)90044-0",
)  # fmt: skip


@checked
def hierarchical(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    feedback: Literal["plastic", "symmetric"] = "plastic",
) -> Circuit:
    """Linear components in order, each of which learns from what those before leave unexplained.

    Every component is a population of one cell and hears the stimulus over relay cells of its own,
    which settle at the remainder: that of the component before, less what that component sends
    over its inhibitory projection. All components drive the output cells.

    Args:
        inputs: input cells.
        hidden: one number, that of the components: a population for each, so few of them.
        outputs: output cells.
        feedback: `plastic`, over synapses of their own, zero at birth; `symmetric`, over the
            transposed forward weights: the control that cheats.

    Kinds: populations `input`, `remainder`, `hidden`, `output`; projections `relay`, `forward`,
    `explain`, `readout`.

    References: Sanger (1989) doi:10.1016/0893-6080(89)90044-0.
    """
    if len(hidden) != 1:
        raise ValueError(f"hidden = {hidden}: expected one number, that of the components")
    pops, wires = [Population("input", inputs, "input")], []
    for i in range(1, hidden[0] + 1):
        rest, last, one = f"remainder{i}", f"remainder{i - 1}", f"component{i}"
        source: tuple[str, Carried] = ("input", "activity") if i == 1 else (last, "settled")
        pops += [Population(rest, inputs, "remainder"), Population(one, 1, "hidden")]
        wires += [
            Projection(f"input=>{rest}", "relay", "input", rest, "basal", "one_to_one"),
            Projection(f"{source[0]}=>{rest} settled", "relay", source[0], rest, "lateral",
                       "one_to_one", carries=source[1]),
            Projection(f"{rest}->{one}", "forward", rest, one, "basal"),
            Projection(f"{one}->output", "readout", one, "output", "basal", birth="zero"),
        ]  # fmt: skip
        if i > 1:
            before = f"component{i - 1}"
            own = feedback == "plastic"
            wires.append(
                Projection(f"{before}~>{rest}", "explain", before, rest, "lateral",
                           "dense" if own else "transpose", "zero", 1.0 if own else -1.0,
                           of="" if own else f"{last}->{before}")
            )  # fmt: skip
    pops.append(Population("output", outputs, "output"))
    return Circuit(tuple(pops), tuple(wires))
