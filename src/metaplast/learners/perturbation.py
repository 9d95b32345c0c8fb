"""Perturbation: something is disturbed at random; all are told how much worse the answer was."""

# No postponed annotations here: equinox must see `AbstractVar` itself, not its name.

import abc
from typing import Any

import equinox as eqx

from metaplast.learners.bare import AbstractBare
from metaplast.learners.perceptron import Layers, Sweep


class AbstractPerturbation(AbstractBare):
    """A second sweep of the same stimulus, with noise; what it did to the loss is all that is fed
    back, one number, the same for all synapses."""

    noise: eqx.AbstractVar[float]
    """Standard deviation."""

    def __check_init__(self) -> None:
        if not self.noise > 0:
            raise ValueError(f"noise = {self.noise}: expected a positive number")

    @abc.abstractmethod
    def disturbed(self, layers: Layers, stimulus, key) -> Sweep:
        """The second sweep."""

    def told(self, state, sweep: Sweep, target, task, key) -> dict[str, Any]:
        """What cells say when something is disturbed, and to everybody, how much worse that is."""
        disturbed = self.disturbed(state, sweep.heard[0], key)
        harm = task.loss(disturbed.readout, target) - task.loss(sweep.readout, target)
        return {"disturbed": [*disturbed.heard[1:], disturbed.readout], "harm": harm}
