"""Folders whose sub-folders are classes: which file is of which class, and which are for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

TESTED = 5
"""Where nobody separated the test files, every fifth is one."""
TESTS = ("test", "val")
"""Folders beside `train` whose files are for tests: the first of them that is there."""


class Labelled(NamedTuple):
    """Files and their classes."""

    train: list[tuple[Path, int]]
    test: list[tuple[Path, int]]
    classes: tuple[str, ...]
    """Names of the sub-folders, sorted; a class is a place in it."""


def class_folders(path: Path, suffixes: Sequence[str]) -> Labelled:
    """The files of a folder with one sub-folder for each class.

    Args:
        path: a folder of class folders; or one with the folders `train` and `test` (`val` where
            there is no `test`, as in ImageNet's), each of them such a folder.
        suffixes: endings of the files that count, lower case.

    Returns:
        Files in alphabetical order. Where there are no such folders, a fifth of the files of each
        class is for tests, chosen by one fixed permutation.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no classes, a class without files, test classes that are not those of train.
    """
    if not path.is_dir():
        raise FileNotFoundError(f"data = {str(path)!r}: no such folder; check the path")
    parts = {p.name for p in path.iterdir() if p.is_dir()}
    tests = next((name for name in TESTS if {"train", name} <= parts), None)
    if tests:
        train, test = _files(path / "train", suffixes), _files(path / tests, suffixes)
        if train.keys() != test.keys():
            odd = sorted(train.keys() ^ test.keys())[0]
            raise ValueError(
                f"data = {str(path)!r}: class {odd!r} is in one of train and {tests} alone, "
                "expected the same sub-folders in both; add or remove it"
            )
    else:
        train, test = {}, {}
        for name, files in _files(path, suffixes).items():
            if len(files) < 2:
                raise ValueError(
                    f"data = {str(path / name)!r}: 1 file, expected 2 or more, one of them for "
                    "tests; add files, or separate them into train/ and test/"
                )
            order = np.random.default_rng(0).permutation(len(files))
            held = sorted(order[: max(len(files) // TESTED, 1)])
            test[name] = [files[i] for i in held]
            train[name] = [file for i, file in enumerate(files) if i not in set(held)]
    return Labelled(_numbered(train), _numbered(test), tuple(train))


def _files(path: Path, suffixes: Sequence[str]) -> dict[str, list[Path]]:
    """Files by class, both in alphabetical order."""
    folders = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(folders) < 2:
        raise ValueError(
            f"data = {str(path)!r}: {len(folders)} sub-folders, expected one for each of 2 classes "
            "or more; put the files of each class in a folder of their own"
        )
    found = {}
    for folder in folders:
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in suffixes)
        if not files:
            raise ValueError(
                f"data = {str(folder)!r}: no file that ends in {', '.join(suffixes)}, expected "
                "some in each class; remove the folder or fill it"
            )
        found[folder.name] = files
    return found


def _numbered(files: dict[str, list[Path]]) -> list[tuple[Path, int]]:
    return [(file, label) for label, name in enumerate(files) for file in files[name]]
