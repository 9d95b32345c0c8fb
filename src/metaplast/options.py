"""What a constructor's annotations say of the values that a table gives it."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from metaplast.spec import SpecError, near

PLAIN = {"int", "float", "str", "bool"}
FEW = 4
"""Most makers that are named because they have an option that another one lacks."""
LISTED = re.compile(r"tuple\[(\w+)((?:, (?:\w+|\.\.\.))*)\](?: \| None)?")
"""The annotation of a list of equal things: what they are, and how many or `...`."""


def checked(
    maker: Callable[..., Any],
    options: dict[str, Any],
    path: str,
    hide: Collection[str] = (),
    others: Mapping[str, Callable[..., Any]] | None = None,
) -> dict[str, Any]:
    """The options, if a maker takes them; whole numbers as reals where it wants reals.

    Args:
        maker: a class or function.
        options: values as a table has them, nested tables and lists not yet built.
        path: where the table stands in the file, for messages.
        hide: arguments that are not given by tables.
        others: what else could stand there by name, of which a few may have an unknown option.

    Raises:
        SpecError: an unknown option (with near misses), one that is missing, or a value of another
            kind than its annotation and its default say, where these are plain.
    """
    parameters = {n: p for n, p in inspect.signature(maker).parameters.items() if n not in hide}
    name = maker.__name__
    for option, given in options.items():
        if option not in parameters:
            raise SpecError(
                f"{path}.{option}: {name} has no such option; {near(option, parameters)}"
                + _elsewhere(option, others or {})
            )
        _check_kind(given, parameters[option], f"{path}.{option}")
    for option, parameter in parameters.items():
        if parameter.default is parameter.empty and option not in options:
            raise SpecError(f"{path}: {name} needs {option!r}; add {option} = ...")
    return {n: _real(v, parameters[n], f"{path}.{n}") for n, v in options.items()}


def _elsewhere(option: str, others: Mapping[str, Callable[..., Any]]) -> str:
    """The tail of a message about an unknown option: who has it, if they are few."""
    having = [name for name, made in others.items() if option in inspect.signature(made).parameters]
    if not 0 < len(having) <= FEW:
        return ""
    return f"; {' and '.join(having)} {'have' if len(having) > 1 else 'has'} it"


def _real(given: Any, parameter: inspect.Parameter, path: str) -> Any:
    """A whole number as a real one, where nothing else is wanted: JAX takes whole numbers of
    Python for such of 32 bits."""
    annotated = _annotated(parameter)
    if isinstance(given, list) and str(parameter.annotation).startswith("tuple[float"):
        return [float(one) for one in given]
    if type(given) is not int or "int" in annotated or "float" not in annotated:
        return given
    try:
        return float(given)
    except OverflowError:
        raise SpecError(f"{path} = {given}: expected a number below 1e308") from None


def _check_kind(given: Any, parameter: inspect.Parameter, path: str) -> None:
    """Compare a plain value with the parameter's annotation and default, where both are plain."""
    if given is None:
        return
    if isinstance(given, float) and math.isnan(given):
        raise SpecError(f"{path} = nan: expected a finite number")
    annotated = _annotated(parameter)
    if any(name.startswith("Abstract") for name in annotated):
        _check_table(given, path)
        return
    if listed := LISTED.fullmatch(str(parameter.annotation)):
        _check_list(given, listed[1], listed[2], path)
        return
    expected = annotated & PLAIN
    single = isinstance(parameter.default, (bool, int, float, str))
    if isinstance(given, (dict, list)):
        plain = bool(expected) and not annotated - expected - {"None"}
        one = single and "tuple" not in str(parameter.annotation)
        if single if isinstance(given, dict) else plain or one:
            raise SpecError(f"{path} = {given!r}: expected {_example(parameter, expected)}")
        return
    if parameter.default is not parameter.empty and parameter.default is not None:
        expected.add(type(parameter.default).__name__)
    if not expected or expected - PLAIN:
        return
    if "float" in expected:
        expected.add("int")
    if type(given).__name__ not in expected:
        raise SpecError(f"{path} = {given!r}: expected {_in_words(expected)}")


def _annotated(parameter: inspect.Parameter) -> set[str]:
    return {name.strip() for name in str(parameter.annotation).split("|")}


def _check_table(given: Any, path: str) -> None:
    if not isinstance(given, dict):
        named = given if isinstance(given, str) else "..."
        raise SpecError(f'{path} = {given!r}: expected a table such as {{type = "{named}"}}')


def _check_list(given: Any, kind: str, more: str, path: str) -> None:
    """A list of numbers or of tables, of as many as its annotation names."""
    if not isinstance(given, list):
        raise SpecError(f"{path} = {given!r}: expected a list; put [ ] around it")
    if kind.startswith("Abstract"):
        for place, one in enumerate(given):
            _check_table(one, f"{path}[{place}]")
        return
    count = 1 + more.count(",")
    if "..." not in more and len(given) != count:
        raise SpecError(f"{path} = {given!r}: expected {count} numbers, not {len(given)}")
    kinds = {"int": (int,), "float": (int, float)}.get(kind)
    for place, one in enumerate(given):
        if kinds and (type(one) not in kinds or not math.isfinite(one)):
            wanted = "a finite number" if kind == "float" else _in_words({kind})
            raise SpecError(f"{path}[{place}] = {one!r}: expected {wanted}")


def _example(parameter: inspect.Parameter, expected: set[str]) -> str:
    if isinstance(parameter.default, (bool, int, float, str)):
        return f"one value, such as {parameter.default!r}"
    return _in_words(expected)


def _in_words(expected: set[str]) -> str:
    words = {
        "int": "a whole number",
        "float": "a number",
        "str": "text",
        "bool": "true or false",
    }
    return " or ".join(
        words[t] for t in words if t in expected and not (t == "int" and "float" in expected)
    )
