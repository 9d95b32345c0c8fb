"""Weight sharing, the control that no brain has: one receptive field at every place."""

from __future__ import annotations

from metaplast.circuits.anatomy import Circuit
from metaplast.circuits.choices import checked
from metaplast.circuits.local import Feedback, pictured
from metaplast.source import Source

SOURCE: Source = Source(
    "LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel", 1989,
    "Backpropagation applied to handwritten zip code recognition", "10.1162/neco.1989.1.4.541",
)  # fmt: skip


@checked
def convolutional(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    patch: int = 3,
    stride: int = 1,
    feedback: Feedback = "direct",
    channels: int = 1,
) -> Circuit:
    """The circuit `local` with one weight for all places: what a cell learns, all its like know.

    The weight changes by the sum over all places of the products of what two cells know, which with
    the delta rule is the gradient of a convolution; it leaks (`Decay`, the decay of `Factored`) by
    the mean over places, as one weight does. Rules with a memory or a network in every synapse
    only say how much a synapse is to change, so there everything is summed, a leak as well: divide
    its rate by the number of places. The audit says that weights are shared: `no_weight_sharing` is
    violated.

    Args:
        inputs: input cells.
        hidden: cells *at each place* of every hidden layer: channels.
        outputs: output cells, one a class.
        patch: side of the kernel, in places.
        stride: places from one receptive field to the next.
        feedback: as in `local`; `backward`, `symmetric` and `signs` share weights, too: with the
            delta rule `symmetric` is gradient descent.
        channels: as in `local`.

    Kinds: those of `layered`.

    References: LeCun et al. (1989) doi:10.1162/neco.1989.1.4.541.
    """
    return pictured(inputs, hidden, outputs, patch, stride, feedback, channels, "shared")
