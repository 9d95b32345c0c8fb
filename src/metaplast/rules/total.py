"""Several rules at one synapse."""

from __future__ import annotations

from typing import ClassVar

from metaplast.rules.abstract import AbstractRule
from metaplast.source import OWN, Source


class Total(AbstractRule):
    """The sum of what several rules do: `Total(rules=(Delta(0.01), Decay(1e-4)))`."""

    source: ClassVar[Source] = OWN
    rules: tuple[AbstractRule, ...]

    def init(self):
        return tuple(rule.init() for rule in self.rules)

    def separated(self):
        parts = [rule.separated() for rule in self.rules]
        if any(part is None for part in parts):
            return None
        return tuple(rule for part in parts if part is not None for rule in part)

    def __call__(self, synapse, memory):
        changes, memories = zip(
            *(rule(synapse, m) for rule, m in zip(self.rules, memory, strict=True)), strict=True
        )
        return sum(changes), memories
