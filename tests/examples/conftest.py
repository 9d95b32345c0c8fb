"""The example that a test file is about."""

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
