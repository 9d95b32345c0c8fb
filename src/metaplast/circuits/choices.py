"""Words that a circuit function takes, checked: another word would be another circuit, silently."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Literal, ParamSpec

from metaplast.circuits.anatomy import Circuit

P = ParamSpec("P")


def checked(wiring: Callable[P, Circuit]) -> Callable[P, Circuit]:
    """The function, which refuses words that its annotations do not name.

    Raises:
        ValueError: an argument that is none of its `Literal`; the text names those.
    """
    hints = typing.get_type_hints(wiring)
    choices = {n: typing.get_args(h) for n, h in hints.items() if typing.get_origin(h) is Literal}
    signature = inspect.signature(wiring)

    @functools.wraps(wiring)
    def wired(*args: P.args, **options: P.kwargs) -> Circuit:
        given = signature.bind(*args, **options).arguments
        for name in choices.keys() & given.keys():
            if given[name] not in choices[name]:
                known = ", ".join(map(repr, choices[name]))
                raise ValueError(f"{name} = {given[name]!r}: expected one of {known}; give one")
        return wiring(*args, **options)

    return wired
