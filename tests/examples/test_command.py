"""Every example refuses bad numbers in one line, and takes the others."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
WITH_OPTIONS = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if "__main__" in path.read_text() and not path.stem.startswith("audit_")
)


class Accepted(Exception):
    """A command and its options, in place of the experiment."""


@pytest.fixture
def accepted(examples, monkeypatch):
    """The command of an example and the options that it takes from arguments; no experiment."""
    command = examples("command").Command
    parsed = command.parsed

    def stopped(self, arguments, **least):
        raise Accepted(self, parsed(self, arguments, **least))

    monkeypatch.setattr(command, "parsed", stopped)

    def taken(name: str, *arguments: str):
        with pytest.raises(Accepted) as given:
            examples(name).main(list(arguments))
        return given.value.args

    return taken


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_a_whole_number_is_at_least_its_least(name, examples, accepted, refused):
    command, defaults = accepted(name)
    whole = {action.dest for action in command._actions if action.type is int}
    assert whole == set(command.least) and whole
    for dest, least in command.least.items():
        option = f"--{dest.replace('_', '-')}"
        assert getattr(defaults, dest) >= least
        told = refused(examples(name), option, str(least - 1))
        assert told == f"{option} {least - 1}: expected {least} or more"
        _, options = accepted(name, option, str(least))
        assert getattr(options, dest) == least


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_what_is_no_number_is_one_line(name, examples, accepted, refused):
    command, _ = accepted(name)
    options = [action.option_strings[0] for action in command._actions if action.type]
    assert len(options) >= len(command.least)
    for option in options:
        told = refused(examples(name), option, "few")
        assert option in told and "few" in told
    assert "--nowhere" in refused(examples(name), "--nowhere", "1")


def test_what_the_library_refuses_is_one_line(examples, capsys):
    command = examples("command")

    def started():
        raise ValueError("rate = -1.0:\n    expected 0 or more")

    with pytest.raises(SystemExit) as stopped:
        command.as_command(started)
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "rate = -1.0: expected 0 or more\n"
    with pytest.raises(ZeroDivisionError):  # the control: a fault of ours is told in full
        command.as_command(lambda: 1 // 0)


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_every_example_answers_as_a_command(name):
    assert "    as_command(main)\n" in (FOLDER / f"{name}.py").read_text()
