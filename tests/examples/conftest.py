"""The example that a test file is about, and what it says to bad input."""

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def examples():
    """Imports a module of the folder of examples by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module


@pytest.fixture(scope="module")
def example(request, examples):
    """What the test file names `EXAMPLE`."""
    return examples(request.module.EXAMPLE)


@pytest.fixture
def refused(capsys):
    """The one line that an example says to arguments that it refuses."""

    def told(example, *arguments: str) -> str:
        with pytest.raises(SystemExit) as stopped:
            example.main(list(arguments))
        assert stopped.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return told
