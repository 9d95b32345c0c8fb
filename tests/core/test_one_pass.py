"""The kernel does what the plain pass does, forward and backward, and can be lowered for a GPU."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import one_pass, pallas_pass
from metaplast.one_pass import change_and_deliver

INTERPRETED = partial(pallas_pass.passed, interpret=True)
LIVES = 2
SIZES = {
    "no multiple of a block": (37, 203, 2, 1, 2),
    "less than a block": (3, 5, 1, 1, 0),
    "delivered back only": (10, 64, 1, 0, 1),
    "only leaks": (5, 7, 0, 1, 1),
    "nothing delivered": (4, 6, 1, 0, 0),
}
"""Post- and pre-synaptic cells, channels, vectors from either side."""


def given(post: int, pre: int, channels: int, right: int, left: int) -> list[jax.Array]:
    rng = np.random.default_rng(0)
    shapes = (post, pre), (post,), (channels, post), (channels, pre), (right, pre), (left, post)
    weight, keep, *vectors = (
        jnp.asarray(rng.normal(size=(LIVES, *shape)), jnp.float32) for shape in shapes
    )
    return [weight, 0.5 + 0.5 * jax.nn.sigmoid(keep), *vectors]


def lives(passing, *arrays):
    return jax.vmap(partial(change_and_deliver, passing=passing))(*arrays)


def loss(passing, *arrays):
    """Of everything that a pass leaves and delivers, each with derivatives of its own."""
    return sum(jnp.sum(jnp.sin(part)) for part in lives(passing, *arrays))


def near(ours, true, least: float = 1e-2):
    for a, b in zip(ours, true, strict=True):
        assert a.shape == b.shape
        if b.size:
            size = float(jnp.abs(b).max())
            assert size > least
            np.testing.assert_allclose(a, b, atol=2e-6 * size * np.sqrt(b.shape[-1]))


@pytest.fixture(scope="module", params=SIZES)
def arrays(request):
    return given(*SIZES[request.param])


def test_the_kernel_equals_the_plain_pass(arrays):
    ours, true = (jax.jit(partial(lives, how))(*arrays) for how in (INTERPRETED, one_pass.plain))
    near(ours, true)


def test_derivatives_equal_those_of_the_plain_pass(arrays):
    """Of the kernel, by its own rule; of the plain pass, by JAX's."""

    def plainly(*arrays):
        return sum(jnp.sum(jnp.sin(part)) for part in jax.vmap(one_pass.plain)(*arrays))

    every = tuple(range(len(arrays)))
    ours = jax.jit(jax.grad(partial(loss, INTERPRETED), every))(*arrays)
    true = jax.jit(jax.grad(plainly, every))(*arrays)
    near(ours, true)


def test_a_kernel_that_is_a_little_off_is_told():
    """Negative control: a leak that is one in a thousand smaller, and a row that is not summed."""
    arrays = given(*SIZES["no multiple of a block"])
    true = lives(one_pass.plain, *arrays)
    with pytest.raises(AssertionError):
        near(lives(INTERPRETED, arrays[0], 1.001 * arrays[1], *arrays[2:]), true)
    with pytest.raises(AssertionError):
        near(lives(INTERPRETED, arrays[0].at[:, -1].set(0.0), *arrays[1:]), true)


def test_it_is_exact_against_sums_in_float64():
    """A known answer, which no version of ours computed."""
    weight, keep, post, pre, right, left = (
        np.asarray(a, np.float64) for a in given(70, 130, 2, 1, 1)
    )
    true = keep[..., None] * weight + np.einsum("lki,lkj->lij", post, pre)
    ours = lives(INTERPRETED, *given(70, 130, 2, 1, 1))
    near(
        ours, (true, np.einsum("lij,lrj->lri", true, right), np.einsum("lij,lri->lrj", true, left))
    )


def test_layers_in_one_array_are_passed_through_each_on_its_own():
    arrays = given(5, 7, 1, 1, 1)
    near(change_and_deliver(*arrays, passing=one_pass.plain), lives(one_pass.plain, *arrays))


def kernels(function, arrays, platform: str) -> int:
    """How often the program calls the kernel, lowered for a platform that need not be here."""
    lowered = jax.jit(function).trace(*arrays).lower(lowering_platforms=(platform,))
    return lowered.as_text().count("__gpu$xla.gpu.triton") or lowered.as_text().count(
        "triton_kernel"
    )


def test_it_is_lowered_for_cuda_and_nothing_else(arrays):
    """To Triton's language; what the GPU's own compiler makes of that only a GPU can tell."""
    every = tuple(range(len(arrays)))
    forward, backward = partial(lives, None), jax.grad(partial(loss, None), every)
    assert kernels(forward, arrays, "cuda") == 1
    assert kernels(backward, arrays, "cuda") == 2
    assert [kernels(forward, arrays, platform) for platform in ("cpu", "rocm")] == [0, 0]


def test_the_kernel_changes_weights_in_place():
    arrays = given(*SIZES["less than a block"])
    text = (
        jax.jit(partial(lives, None)).trace(*arrays).lower(lowering_platforms=("cuda",)).as_text()
    )
    assert "output_operand_alias" in text
