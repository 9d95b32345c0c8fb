"""What examples must be before anybody learns from them, said in one line where they are not."""

from __future__ import annotations

import operator

import numpy as np


def at_least(argument: str, value, least: int, fix: str) -> int:
    """Return `value` as an int, or say what is wrong with it.

    Raises:
        ValueError: where it is no integer, or smaller than `least`.
    """
    try:
        if isinstance(value, bool) or operator.index(value) < least:
            raise TypeError
    except TypeError:
        raise ValueError(
            f"{argument} = {value!r}: expected an integer of {least} or more; {fix}"
        ) from None
    return operator.index(value)


def check_examples(x: np.ndarray, y: np.ndarray, classes: int, pool: str) -> None:
    """Refuse a pool of examples that no learner could be judged on.

    Args:
        x: stimuli `[examples, inputs]`.
        y: labels `[examples]`, 0 to `classes - 1`.
        classes: number of classes.
        pool: `train` or `test`, for the message.

    Raises:
        ValueError: shapes that do not fit, no examples, values that are not numbers,
            labels that are not integers or out of range.
    """
    xs, ys = f"x_{pool}", f"y_{pool}"
    if x.ndim != 2 or x.shape[1] == 0:
        raise ValueError(f"{xs}: shape {x.shape}, expected [examples, inputs]; flatten each image")
    if y.ndim != 1:
        kept = f"{ys}.argmax(1)" if y.ndim == 2 and y.shape[1] > 1 else f"{ys}.reshape(-1)"
        raise ValueError(
            f"{ys}: shape {y.shape}, expected [examples], one label for each example; save {kept}"
        )
    if not np.issubdtype(y.dtype, np.integer):
        raise ValueError(
            f"{ys}: type {y.dtype}, expected integer labels; save them with {ys}.astype('int64')"
        )
    if x.shape[0] != y.shape[0]:
        raise ValueError(
            f"{ys}: {y.shape[0]} labels, expected {x.shape[0]}, one for each row of {xs}; "
            "give as many labels as examples"
        )
    if x.shape[0] == 0:
        raise ValueError(f"{xs}: 0 examples, expected 1 or more; give some")
    broken = int(np.count_nonzero(~np.isfinite(x).all(axis=1)))
    if broken:
        raise ValueError(
            f"{xs}: NaN or infinite values in {broken} of {x.shape[0]} examples, expected finite "
            "numbers; remove or repair these examples"
        )
    wrong = y[(y < 0) | (y >= classes)]
    if wrong.size:
        raise ValueError(
            f"{ys}: label {wrong[0]}, expected 0 to {classes - 1}; "
            "number the classes from 0, the same in train and test"
        )


def check_width(x_train: np.ndarray, x_test: np.ndarray) -> None:
    """Train and test stimuli must drive the same input cells.

    Raises:
        ValueError: where they differ in width.
    """
    if x_train.shape[1:] != x_test.shape[1:]:
        raise ValueError(
            f"x_test: shape {x_test.shape}, expected {x_train.shape[1:]} for each example as in "
            "x_train; give both the same shape"
        )


def count_classes(labels: np.ndarray, where: str) -> int:
    """The highest label and one; labels that skip numbers are a mistake more often than not.

    A small pool may lack a class by chance, so a gap is refused where there are ten
    examples for each class, or where more than half of the classes have none.

    Args:
        labels: those of the train pool, of any shape.
        where: what the message begins with.

    Returns:
        1 for labels that are none: not integers, negative, not there. Others say so.

    Raises:
        ValueError: where labels skip numbers.
    """
    if labels.dtype.kind not in "iu" or labels.size == 0 or labels.min() < 0:
        return 1
    classes = int(labels.max()) + 1
    seen = np.unique(labels)
    if len(seen) < classes and (labels.size >= 10 * classes or len(seen) < classes / 2):
        absent = int(np.setdiff1d(np.arange(min(classes, len(seen) + 1)), seen)[0])
        raise ValueError(
            f"{where}: label {classes - 1} out of range, for none has label {absent}, "
            f"expected every label from 0; number the {len(seen)} classes from 0 to {len(seen) - 1}"
        )
    return classes
