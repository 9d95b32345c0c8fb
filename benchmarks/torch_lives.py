"""The rule of `peer_meta_gradient.py` as a PyTorch user writes it, in three ways.

A life is a Python loop over moments that makes new weights out of old ones, so that the tape
holds the whole life. Written for one life and mapped (`torch.func`), for all lives at once with
torchopt's updates, and as the latter with every moment compiled (`torch.compile`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torchopt

RATE = 0.01
"""Of the Adam that takes the meta-steps."""


class Lives(NamedTuple):
    """What is given: births and experience, leading axis the lives."""

    weights: tuple[torch.Tensor, ...]
    feedback: tuple[torch.Tensor, ...]
    stimuli: torch.Tensor
    wanted: torch.Tensor
    """One-hot targets `[lives, moments, classes]`."""


Theta = dict[str, torch.Tensor]
"""`coefficients` and `log_decays`, each of the hidden projections and of the readout."""


def mapped(theta: Theta, lives: Lives) -> tuple[torch.Tensor, Theta]:
    """Losses `[lives]` and mean gradient by `vmap` of `torch.func.grad` of one life."""
    one = torch.func.grad_and_value(one_life)
    gradients, losses = torch.func.vmap(one, (None, 0, 0, 0, 0))(theta, *lives)
    return losses, {name: leaf.mean(0) for name, leaf in gradients.items()}


def one_life(theta: Theta, weights, feedback, stimuli, wanted) -> torch.Tensor:
    """Mean loss of one life."""
    (a, b, c), (down, across) = weights, feedback
    hidden, readout = theta["coefficients"]
    keep_hidden, keep_readout = 1 - theta["log_decays"].exp()
    total = torch.zeros(())
    for x, y in zip(stimuli, wanted, strict=True):
        first = torch.tanh(a @ x)
        second = torch.tanh(b @ first)
        answer = c @ second
        total = total + torch.logsumexp(answer, 0) - answer @ y
        error = y - torch.softmax(answer, 0)
        of_second = (1 - second**2) * (across @ error)
        of_first = (1 - first**2) * (down @ of_second)
        a = keep_hidden * a + hidden * torch.outer(of_first, x)
        b = keep_hidden * b + hidden * torch.outer(of_second, first)
        c = keep_readout * c + readout * torch.outer(error, second)
    return total / len(stimuli)


def batched(theta: Theta, lives: Lives, moment: Callable | None = None):
    """Losses `[lives]` and mean gradient by one backward pass through all lives at once."""
    moment = moment or one_moment
    theta = {name: leaf.detach().requires_grad_() for name, leaf in theta.items()}
    weights, total = lives.weights, torch.zeros(lives.stimuli.shape[0])
    for t in range(lives.stimuli.shape[1]):
        changes, loss = moment(
            theta, weights, lives.feedback, lives.stimuli[:, t], lives.wanted[:, t]
        )
        weights = torchopt.apply_updates(weights, changes, inplace=False)
        total = total + loss
    losses = total / lives.stimuli.shape[1]
    # The rule needs no gradient of its own; otherwise it would be taken with create_graph=True.
    gradients = torch.autograd.grad(losses.mean(), list(theta.values()))
    return losses.detach(), dict(zip(theta, gradients, strict=True))


def one_moment(theta: Theta, weights, feedback, x, y):
    """Changes of weights and losses `[lives]` at one moment of all lives."""
    (a, b, c), (down, across) = weights, feedback
    hidden, readout = theta["coefficients"]
    lost_hidden, lost_readout = theta["log_decays"].exp()
    first = torch.tanh(times(a, x))
    second = torch.tanh(times(b, first))
    answer = times(c, second)
    error = y - torch.softmax(answer, 1)
    of_second = (1 - second**2) * times(across, error)
    of_first = (1 - first**2) * times(down, of_second)
    changes = (
        hidden * outer(of_first, x) - lost_hidden * a,
        hidden * outer(of_second, first) - lost_hidden * b,
        readout * outer(error, second) - lost_readout * c,
    )
    return changes, torch.logsumexp(answer, 1) - (answer * y).sum(1)


def compiling() -> Callable | None:
    """`one_moment` compiled, with its derivative; None where there is no C++ compiler."""
    if not (shutil.which("g++") or shutil.which("clang++")):
        return None
    torch.compiler.config.force_disable_caches = True  # or compiling could not be timed
    return torch.compile(one_moment)


def times(weights, vectors):
    return torch.bmm(weights, vectors[:, :, None])[:, :, 0]


def outer(post, pre):
    return post[:, :, None] * pre[:, None, :]


def profile(gradient: Callable, theta: Theta, lives: Lives) -> tuple[float, dict[str, float]]:
    """Operations a moment that PyTorch starts, forward and backward, and the share of its time
    that each kind takes by itself, the largest first."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        gradient(theta, lives)
    rows = [r for r in seen.key_averages() if r.key.startswith("aten::")]
    whole = sum(r.self_cpu_time_total for r in rows)
    started = [r for r in rows if r.self_cpu_time_total > 0]
    shares = {r.key.removeprefix("aten::"): r.self_cpu_time_total / whole for r in started}
    count = sum(r.count for r in started) / lives.stimuli.shape[1]
    return count, dict(sorted(shares.items(), key=lambda pair: -pair[1]))


class MetaStep:
    """Gradient, and Adam on theta, at a number of threads; every call takes the same step."""

    def __init__(self, gradient: Callable, lives: Lives, theta: dict[str, np.ndarray]):
        self.gradient, self.lives, self.threads = gradient, lives, 1
        self.theta = {name: torch.tensor(leaf) for name, leaf in theta.items()}
        self.adam = torchopt.adam(RATE)
        self.memory = self.adam.init(self.theta)

    def __call__(self) -> tuple:
        torch.set_num_threads(self.threads)
        _, gradient = self.gradient(self.theta, self.lives)
        step, memory = self.adam.update(gradient, self.memory, inplace=False)
        return torchopt.apply_updates(self.theta, step, inplace=False), memory
