"""From words to one command, at the price of one parser: the others are never built."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import os
import re
from typing import Any

from metaplast.spec import near

COMMANDS = {
    "search": "find a learning rule, and compare it with backprop",
    "resume": "continue a search that was stopped or killed",
    "bench": "compare learners on the same lives",
    "audit": "certify which biological constraints a learner respects",
    "estimators": "which estimator of the meta-gradient suits an experiment",
    "infer": "recover a rule from recordings, and which of its terms they determine",
    "archive": "the best rule of every cost, from a search for quality and diversity",
    "selection": "train the selection that an evolutionary search is decided by",
    "list": "everything there is: rules, neurons, tasks, learners, constraints, ...",
    "show": "one of these things, a found rule, or a run, in detail",
    "doctor": "what works on this machine, and what is missing",
}


class UsageError(ValueError):
    """Words that are no command line; one line."""


def overview() -> str:
    """The text of `metaplast --help`."""
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {line}" for name, line in COMMANDS.items())
    return f"""usage: metaplast COMMAND [OPTIONS]

Describe a network and the constraints it must respect; let gradient descent or
evolution design its learning rule; see what the rule is worth.

commands:
{rows}

examples:
  metaplast search digits                          find a rule; ends with a table and a page
  metaplast search digits --set meta.steps=500 --seed 3 --out runs/x
  metaplast resume runs/x                          after Ctrl-C or a power cut
  metaplast bench runs/x backprop --data digits    same lives, paired intervals
  metaplast audit runs/x backprop                  constraints: verdicts and witnesses
  metaplast list rules                             what a spec can name
  metaplast show Oja                               its formula, options and source

`metaplast COMMAND --help` explains each command. A rule, task, learner or any other part of
your own is named FILE.py:Name, in an experiment and on the command line. Data sets of
your own are .npz files (x_train, y_train, x_test, y_test) or IDX folders; METAPLAST_DATA
may name the folder in which bare names such as `mnist` are looked up."""


def chosen(arguments: list[str]) -> Any:
    """The command that the words ask for, its options parsed.

    Raises:
        UsageError: no such command, or options it does not have.
    """
    name = arguments[0]
    if name not in COMMANDS:
        raise UsageError(f"command = {name!r}: unknown; {near(name, COMMANDS)}")
    module = importlib.import_module(f"metaplast.cli.{name}")
    return _parsed(getattr(module, name.capitalize()), name, arguments[1:])


def _parsed(command: type, name: str, arguments: list[str]) -> Any:
    import tyro

    said = io.StringIO()
    wide = _without_wrapping() if "-h" not in arguments and "--help" not in arguments else None
    with contextlib.redirect_stderr(said), wide or contextlib.nullcontext():
        try:
            return tyro.cli(
                command,
                prog=f"metaplast {name}",
                description=inspect.getdoc(command),
                args=arguments,
                config=(tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes),
            )
        except SystemExit as end:
            if not end.code:
                raise
    raise UsageError(f"{_one_line(said.getvalue())}; see: metaplast {name} --help")


@contextlib.contextmanager
def _without_wrapping():
    """Let the parser write long lines, for its boxed text becomes one line here."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "10000"
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def _one_line(boxed: str) -> str:
    """What the parser says in a box, as one line: the fault and the near misses."""
    words = []
    for line in boxed.splitlines():
        text = line.strip("│╭╮╰╯─ \t")
        if text.startswith(("Argument helptext", "For full helptext")):
            break
        if text and not line.startswith(("╭", "╰")):
            words.append(text)
    return _plainly(" ".join(words)) or "the options are not understood"


KINDS = {"int": "a whole number", "float": "a number"}
"""What the parser calls a type, and what we call it."""
_PARSING = r"Error parsing --([\w-]+): "
_WRONG_KIND = (
    _PARSING + r"invalid literal for (int)\(\) with base 10: (.*)",
    _PARSING + r"could not convert string to (float): (.*)",
    _PARSING + r"no type matching \{None\}\|(INT|FLOAT) .* from \[(.*?)\]\..*",
)


def _plainly(said: str) -> str:
    """The common mistakes in the form of all our messages; what else is said stays."""
    for form in _WRONG_KIND:
        if found := re.fullmatch(form, said):
            name, kind, value = found.groups()
            return f"{name} = {value}: expected {KINDS[kind.lower()]}"
    if found := re.fullmatch(
        _PARSING + r"Could not find valid parse for arguments: \[(.*)\]", said
    ):
        return f"{found[1]} = {found[2]}: one of them is not what is expected here"
    if found := re.fullmatch(r"Unrecognized options: (--[^\s,]+).*?Perhaps you meant: (.*)", said):
        meant = dict.fromkeys(re.findall(r"(?<!\S)--[a-z-]+", found[2]))
        return f"{found[1]}: no such option; perhaps you meant {' or '.join(meant)}"
    return said
