"""Factorizations, solutions and transforms: everything within a matrix mixes, nothing between
the matrices of a batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from metaplast.audit.provenance.bits import union
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.program import Equation

Rule = Callable[[Equation, list[Flow], object], list[np.ndarray]]

_OF_MATRICES = "cholesky lu qr geqrf geqp3 eigh eig svd schur hessenberg tridiagonal"


def batched(core: tuple[int, ...]) -> Rule:
    """A rule for operands whose last axes mix (`core[i]` of them in operand i)."""

    def rule(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
        batch = len(flows[0].shape) - core[0]
        total = union(flows[0].bits, range(batch, len(flows[0].shape)))
        for flow, axes in zip(flows[1:], core[1:], strict=True):
            total = total | union(flow.bits, range(len(flow.shape) - axes, len(flow.shape)))
        words = total.shape[-1]
        return [
            np.broadcast_to(
                total.reshape(*total.shape[:-1], *(1 for _ in shape[batch:]), words),
                (*shape, words),
            )
            for shape in equation.shapes
        ]

    return rule


def triangular_solve(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """Each right-hand side is solved for itself."""
    matrix, sides = flows
    total = union(matrix.bits, (matrix.bits.ndim - 3, matrix.bits.ndim - 2), keepdims=True)
    axis = sides.bits.ndim - (3 if equation.params["left_side"] else 2)
    total = total | union(sides.bits, (axis,), keepdims=True)
    return [np.broadcast_to(total, sides.bits.shape)]


def fft(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """The transformed axes are the last ones."""
    axes = len(equation.params["fft_lengths"])
    return batched((axes,))(equation, flows, run)


RULES = dict.fromkeys(_OF_MATRICES.split(), batched((2,))) | {
    "triangular_solve": triangular_solve,
    "householder_product": batched((2, 1)),
    "tridiagonal_solve": batched((1, 1, 1, 2)),
    "lu_pivots_to_permutation": batched((1,)),
    "fft": fft,
}
