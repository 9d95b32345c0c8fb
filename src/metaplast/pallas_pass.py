"""Weights are changed and deliver in one pass over them: the kernel for NVIDIA GPUs.

Every program of it takes a band of rows from the first column to the last, some columns at a time.
What a band receives from the pre-synaptic side it has to itself. What it delivers back is added up
over bands afterwards: programs do not wait for one another, and a sum must not depend on who was
first.

Written in Pallas for its Triton backend, which JAX 0.10 to 0.12 have; since 0.11 JAX warns that a
later one will not. `one_pass.plain` is what this has to equal.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax.experimental import pallas
from jax.experimental.pallas import triton

SPAN = 128
"""Most weights of a row that a program holds at once."""
HELD = 4096
"""Weights that it holds at once, in all its rows: 32 in each of its threads."""
WARPS = 4
"""Of 32 threads each, in a program."""


def passed(weight, keep, post, pre, right, left, interpret: bool = False):
    """The pass over one matrix, which is changed in place where nobody else needs it.

    Args:
        weight: `[post, pre]`.
        keep: `[post]`.
        post: `[channels, post]`.
        pre: `[channels, pre]`.
        right: `[right, pre]`.
        left: `[left, post]`.
        interpret: run it step by step, on any machine, to see that it is right.

    Returns:
        The changed weights, `[right, post]` and `[left, pre]`.
    """
    rows, columns = weight.shape
    width = min(SPAN, pallas.next_power_of_2(columns))
    height = min(HELD // width, pallas.next_power_of_2(rows))
    bands = -(-rows // height)

    def made(*shape):
        return jax.ShapeDtypeStruct(shape, weight.dtype)

    # Arrays without elements are left out: what a GPU would make of them nobody says.
    given = keep, *([vectors] if len(vectors) else [] for vectors in (post, pre, right, left))
    leaves = (
        made(rows, columns),
        [made(len(right), rows)] if len(right) else [],
        [made(len(left), bands, columns)] if len(left) else [],
    )
    changed, forth, back = pallas.pallas_call(
        partial(_band, height, width),
        leaves,
        grid=(bands,),
        input_output_aliases={len(jax.tree.leaves(given)): 0},
        interpret=interpret,
        compiler_params=triton.CompilerParams(num_warps=WARPS),
        name="change_and_deliver",
    )(*given, weight)
    none = jnp.zeros((0, rows), weight.dtype), jnp.zeros((0, columns), weight.dtype)
    return changed, forth[0] if forth else none[0], back[0].sum(1) if back else none[1]


def _band(height, width, keep, post, pre, right, left, weight, changed, forth, back):
    """One program: some rows of the weights. All but `keep` and the weights are lists of at most
    one array."""
    (rows, columns), number = weight.shape, pallas.program_id(0)
    own = pallas.ds(number * height, height)
    ours = number * height + jnp.arange(height) < rows
    stays = triton.load(keep.at[own], mask=ours, other=0.0)
    posts, lefts = (_each(vectors, own, ours) for vectors in (post, left))

    def block(step, totals):
        along = pallas.ds(step * width, width)
        there = step * width + jnp.arange(width) < columns
        both = ours[:, None] & there[None, :]
        held = stays[:, None] * triton.load(weight.at[own, along], mask=both, other=0.0)
        for a, b in zip(posts, _each(pre, along, there), strict=True):
            held = held + a[:, None] * b[None, :]
        triton.store(changed.at[own, along], held, mask=both)
        for index, a in enumerate(lefts):
            share = jnp.sum(a[:, None] * held, 0)
            where = back[0].at[pallas.ds(index, 1), pallas.ds(number, 1), along]
            triton.store(where, share[None, None], mask=there[None, None])
        # Columns are added up at the end, once: threads would have to meet for it.
        heard = zip(totals, _each(right, along, there), strict=True)
        return [total + held * signal[None, :] for total, signal in heard]

    count = right[0].shape[0] if right else 0
    totals = [jnp.zeros((height, width), weight.dtype) for _ in range(count)]
    totals = jax.lax.fori_loop(0, -(-columns // width), block, totals)
    for index, total in enumerate(totals):
        where = forth[0].at[pallas.ds(index, 1), own]
        triton.store(where, jnp.sum(total, 1)[None], mask=ours[None])


def _each(vectors, along, there):
    """A stretch of every vector, zero where there is nothing."""
    # As a slice of one vector, for JAX cannot interpret a masked load at a number.
    return [
        triton.load(ref.at[pallas.ds(index, 1), along], mask=there[None], other=0.0)[0]
        for ref in vectors
        for index in range(ref.shape[0])
    ]
