"""Backprop online in PyTorch: a module for one life, mapped functions for many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional


class Stream(NamedTuple):
    """Weights at birth and what is seen; leading axis the lives."""

    weights: tuple[torch.Tensor, ...]
    stimuli: torch.Tensor
    targets: torch.Tensor

    @classmethod
    def of(cls, weights, stimuli, targets) -> Stream:
        tensors = tuple(torch.tensor(np.asarray(w)) for w in weights)
        classes = torch.tensor(np.asarray(targets), dtype=torch.int64)
        return cls(tensors, torch.tensor(np.asarray(stimuli)), classes)

    def first(self, moments: int) -> Stream:
        return self._replace(stimuli=self.stimuli[:, :moments], targets=self.targets[:, :moments])


def one_life(stream: Stream, rate: float) -> torch.Tensor:
    """Losses `[1, moments]` of a module that `torch.optim.Adam` trains example by example."""
    layers: list[torch.nn.Module] = []
    for (weight,) in stream.weights:
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            linear.weight.copy_(weight)
            linear.bias.zero_()
        layers += [linear, torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    adam = torch.optim.Adam(network.parameters(), rate)
    losses = []
    for stimulus, target in zip(stream.stimuli[0], stream.targets[0], strict=True):
        adam.zero_grad()
        loss = functional.cross_entropy(network(stimulus), target)
        loss.backward()
        adam.step()
        losses.append(loss.detach())
    return torch.stack(losses)[None]


def many_lives(stream: Stream, rate: float) -> torch.Tensor:
    """Losses `[lives, moments]` of one network for each life, mapped over the lives."""
    one = torch.func.grad_and_value(loss_of)
    step = torch.func.vmap(one)
    weights = [*stream.weights, *(torch.zeros(w.shape[:2]) for w in stream.weights)]
    mean = [torch.zeros_like(w) for w in weights]
    square = [torch.zeros_like(w) for w in weights]
    losses = []
    for t in range(stream.stimuli.shape[1]):
        gradient, loss = step(weights, stream.stimuli[:, t], stream.targets[:, t])
        losses.append(loss)
        adam(weights, gradient, mean, square, t + 1, rate)
    return torch.stack(losses, 1)


def loss_of(weights: list[torch.Tensor], stimulus, target):
    half = len(weights) // 2
    heard = stimulus
    for weight, bias in zip(weights[: half - 1], weights[half:-1], strict=True):
        heard = torch.relu(weight @ heard + bias)
    return functional.cross_entropy(weights[half - 1] @ heard + weights[-1], target)


def adam(weights, gradient, mean, square, age: int, rate: float) -> None:
    """One step of Adam, in place."""
    for w, g, m, s in zip(weights, gradient, mean, square, strict=True):
        m.mul_(0.9).add_(g, alpha=0.1)
        s.mul_(0.999).addcmul_(g, g, value=0.001)
        unbiased = s.div(1 - 0.999**age).sqrt_().add_(1e-8)
        w.addcdiv_(m, unbiased, value=-rate / (1 - 0.9**age))
