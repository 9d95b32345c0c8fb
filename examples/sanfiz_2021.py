"""Sanfiz & Akrout (2021): rules that transport no weights, in a convolutional network.

Benchmarking the accuracy and robustness of feedback alignment algorithms (BioTorch).
doi:10.48550/arXiv.2108.13446

In LeNet, errors travel back over the weights themselves (backprop), over their signs, all of one
size (uSF), over kernels of their own (feedback alignment), or from the output cells
straight to every layer (direct feedback alignment).

    python examples/sanfiz_2021.py

prints both sides: what the paper reports, and what was measured just now. Needs MNIST and CIFAR-10
in the folder that METAPLAST_DATA names. Whoever has ImageNet there, as a folder `imagenet` with the
folders `train` and `val`, says `--data imagenet`; the paper's network for it is a ResNet-18.
"""

from __future__ import annotations

import time

from beside import last
from command import as_command
from pictures import FIRST, Rule, channels, command, delta_rule, run

from metaplast.circuits import convolutional

DEVIATIONS = """\
Deviations from the paper: stride 2 for pooling; the channels of its LeNet for MNIST (6, 16, 120,
84) on both data sets, where it has more for CIFAR-10; relu in all hidden layers, no bias but in the
output; 12 000 moments of one picture each (of CIFAR-10, 6000 pictures twice), plain steps without
momentum and decay, where it trains on all pictures for many passes (CIFAR-10: 250). Weights are
drawn with variance 1 / fan-in, so are those of feedback, and signs have that size.
"Readout alone" leaves the hidden layers as they were born. Rates are the best of a grid on other
pictures. The last column: difference to backprop, paired life by life, with its 95 % interval."""


def rules(data: str, inputs: int, classes: int, options) -> dict[str, Rule]:
    """The rows of the table."""

    def delta(feedback: str, deep: bool = True):
        circuit = convolutional(inputs, options.hidden, classes, options.patch, options.stride,
                                feedback, channels(data))  # fmt: skip
        return lambda rate: delta_rule(circuit, rate, "relu", deep)

    return {
        FIRST: Rule({"mnist": "0.91", "cifar10": "14.2", "imagenet": "30.4"}, delta("symmetric")),
        "sign-symmetric, uSF": Rule(
            {"mnist": "0.94", "cifar10": "16.2", "imagenet": "35.0"}, delta("signs")
        ),
        "feedback alignment": Rule(
            {"mnist": "1.7", "cifar10": "46.7", "imagenet": "85.3"}, delta("backward")
        ),
        "direct feedback alignment": Rule(
            {"mnist": "1.61", "cifar10": "54.2", "imagenet": "82.5"}, delta("direct")
        ),
        "readout alone": Rule({}, delta("none", deep=False)),
    }


def main(arguments: list[str] | None = None) -> None:
    begun = time.perf_counter()
    rates = "0.00003,0.0001,0.0003,0.001,0.003,0.01,0.03,0.1"
    parser = command(__doc__, "mnist,cifar10", "6,16,120,84", rates, 12_000)
    run(parser, arguments, rules)
    last(DEVIATIONS, begun)


if __name__ == "__main__":
    as_command(main)
