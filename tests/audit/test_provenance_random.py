"""Every influence that perturbation finds must be in the analysis.

Each operation takes 3x3 arrays and returns one, so that any sequence of them is a program. Between
them they use every primitive that has a rule (a test makes sure). What perturbation finds is a
lower bound of the truth, so the check has no tolerance: one influence too few is a failure.
"""

from __future__ import annotations

import jax
import jax.extend.random
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from metaplast.audit.provenance import analyse, holds, interpreter, singletons, words_for
from metaplast.audit.provenance.program import enclosed
from metaplast.audit.provenance.rules import RULES

N = 3
PROBES = (1e-3, -0.4, 0.6, 3.0, np.nan, np.inf)


@pytest.fixture(autouse=True)
def errors_in_rules_are_not_forgiven(monkeypatch):
    """Outside of tests, a rule that fails counts as an unknown primitive."""
    monkeypatch.setattr(interpreter, "SURPRISES", ())


def index(x, low=-1):
    """Whole numbers from data, one beyond either end included."""
    return jnp.nan_to_num(jnp.abs(x) * 7).astype(jnp.int32) % (N + 2) + low


def positive(x):
    return jnp.abs(x) + 0.3


def mixed(x):
    """A well-conditioned matrix with all of x in it."""
    return x + 4 * jnp.eye(N, dtype=x.dtype)


def as_key(x):
    return jax.random.wrap_key_data(as_words(x[..., :2]))


def as_words(x):
    return lax.bitcast_convert_type(x, jnp.uint32)


def floats(x):
    """Bits as moderate floats, every bit pattern another one in practice."""
    return x.astype(jnp.uint32).astype(jnp.float32) / 2.0**31


def real(x):
    return jnp.real(x) + 2 * jnp.imag(x)


def unary(function):
    return lambda x, y: function(x)


ELEMENTWISE = {
    name: unary(function)
    for name, function in {
        "trigonometric": lambda x: jnp.sin(x) + jnp.cos(x) * jnp.tan(x) - jnp.sinh(x) / jnp.cosh(x),
        "inverse": lambda x: jnp.arcsin(x / 9) + jnp.arccos(x / 9) * jnp.arctan(x),
        "hyperbolic": lambda x: jnp.arcsinh(x) + jnp.arccosh(1 + x * x) + jnp.arctanh(x / 9),
        "roots": lambda x: lax.cbrt(x) + lax.rsqrt(positive(x)) - jnp.sqrt(positive(x)),
        "exponential": lambda x: jnp.exp(x) + jnp.exp2(x) - jnp.expm1(x) + lax.logistic(x),
        "logarithm": lambda x: jnp.log(positive(x)) - jnp.log1p(positive(x)),
        "errors": lambda x: lax.erf(x) + lax.erfc(x) * lax.erf_inv(x / 9),
        "factorial": lambda x: lax.lgamma(positive(x)),
        "bessel": lambda x: lax.bessel_i0e(x) - lax.bessel_i1e(x) + lax.digamma(positive(x)),
        "rounding": lambda x: jnp.floor(3 * x) + jnp.ceil(x) - lax.round(x) + jnp.sign(x),
        "precision": lambda x: lax.reduce_precision(x, 8, 3) + lax.stop_gradient(-x),
        "powers": lambda x: lax.integer_pow(x, 3) + lax.square(x) + jnp.abs(x) ** 1.5,
        "complex": lambda x: real(lax.conj(lax.complex(x, 2 * x))),
        "counts": lambda x: (lax.clz(index(x)) + lax.population_count(index(x))).astype(x.dtype),
        "finite": lambda x: jnp.where(jnp.isfinite(x), x, 1.0),
        "bitcast": lambda x: floats(lax.bitcast_convert_type(x, jnp.uint16)).sum(-1),
        "bitcast_wide": lambda x: floats(
            lax.bitcast_convert_type(lax.bitcast_convert_type(x, jnp.uint8), jnp.uint32)
        ),
    }.items()
} | {
    "arithmetic": lambda x, y: x + y * x - y / positive(x),
    "comparison": lambda x, y: jnp.where((x > y) ^ ~((x <= 0) & (y >= 0)), x, 2 * y),
    "equality": lambda x, y: ((jnp.round(x) == jnp.round(y)) | (x != y) & (x < y)) * x,
    "extremes": lambda x, y: jnp.maximum(x, y) - jnp.minimum(y, 0.2),
    "angles": lambda x, y: jnp.arctan2(x, y) + lax.rem(x, positive(y)) + lax.nextafter(x, y),
    "power": lambda x, y: lax.pow(positive(x), y),
    "clamp": lambda x, y: lax.clamp(-0.5, x, 0.5) + lax.clamp(x, y, x + 1),
    "gammas": lambda x, y: lax.igamma(positive(x), positive(y)) - lax.igammac(positive(y), x * x),
    "gamma_gradient": lambda x, y: jax.vmap(
        jax.vmap(jax.grad(lambda a, b: lax.igamma(a, b)), (0, 0)), (0, 0)
    )(positive(x), positive(y)),
    "zetas": lambda x, y: lax.zeta(1 + positive(x), positive(y)) + lax.polygamma(1.0, positive(y)),
    "betas": lambda x, y: lax.betainc(positive(x), positive(y), jnp.full_like(x, 0.4)),
    "shifts": lambda x, y: floats(
        (lax.shift_left(index(x), index(y, 0)) ^ lax.shift_right_logical(index(y), index(x, 0)))
        | lax.shift_right_arithmetic(index(x), index(y, 0))
    ),
    "select": lambda x, y: lax.select_n(index(x, 0) % 3, x, y, x * y),
    "select_known": lambda x, y: lax.select_n(np.eye(N, dtype=bool), x, y),
    "select_scalar": lambda x, y: lax.cond(x[0, 1] > y[2, 2], lambda: x, lambda: y) + 0 * x,
    "select_one": lambda x, y: lax.select_n(x[0, 1] > y[2, 2], x, y),
}

MOVES = {
    "reshape": lambda x, y: jnp.concatenate([x.reshape(9)[2:], y.reshape(9)[:2]]).reshape(N, N),
    "transpose": lambda x, y: x.T,
    "broadcast": lambda x, y: jnp.broadcast_to(x[1], (N, N)),
    "outer": lambda x, y: x[:, :1] + jnp.squeeze(y[2:], 0),
    "reverse": lambda x, y: lax.rev(x, (0,)),
    "slice": lambda x, y: jnp.concatenate([x[::2], y[1:2]]),
    "split": lambda x, y: jnp.concatenate(jnp.split(x, [1], axis=1)[::-1], axis=1),
    "tile": lambda x, y: jnp.tile(x[:1], (N, 1)),
    "pad": lambda x, y: lax.pad(x, y[1, 1], ((-1, 1, 0), (1, -3, 1))),
    "dynamic_slice": lambda x, y: lax.dynamic_slice(jnp.concatenate([x, y]), (2, 1), (N, N)),
    "dynamic_update": lambda x, y: lax.dynamic_update_slice(x, y[:2, :1], (5, 1)),
    "gather": lambda x, y: x[np.array([2, 0, 0])] [:, np.array([1, 1, 2])],
    "gather_points": lambda x, y: jnp.stack([x[np.arange(3), [2, 0, 1]]] * N),
    "gather_fill": lambda x, y: x.at[np.array([0, 5, 1])].get(mode="fill", fill_value=0.3),
    "gather_clip": lambda x, y: x.at[:, np.array([0, 5, 1])].get(mode="clip"),
    "gather_batch": lambda x, y: jnp.take_along_axis(x, np.array([[0, 2, 2]] * N), axis=1),
    "gather_windows": lambda x, y: jax.vmap(lambda i: lax.dynamic_slice(x, (i, 0), (1, N))[0])(
        jnp.array([2, 2, 1])
    ),
    "scatter": lambda x, y: x.at[np.array([2, 0])].set(y[:2]),
    "scatter_points": lambda x, y: x.at[np.arange(3), [2, 0, 1]].set(y[0]),
    "scatter_add": lambda x, y: x.at[np.array([1, 1, 7])].add(y),
    "scatter_clip": lambda x, y: x.at[np.array([7])].set(y[0], mode="clip"),
    "scatter_batch": lambda x, y: jax.vmap(lambda a, b: a.at[np.array([2, 0])].set(b[:2]))(x, y),
    "lax_split": lambda x, y: jnp.concatenate(lax.split(x, (2, 1), axis=0)[::-1]),
    "unstack": lambda x, y: jnp.stack(jnp.unstack(x, axis=1)),
    "put": lambda x, y: jax.device_put(x),
    "barrier": lambda x, y: lax.optimization_barrier(x),
}  # fmt: skip
"""Operations whose analysis must be exact, not only sound."""

UNKNOWN_INDEX = {
    "slice_unknown": lambda x, y: lax.dynamic_slice(
        jnp.concatenate([x, x], 1), (1, index(y[0, 0])), (2, N)
    )[np.array([0, 1, 1])],
    "update_unknown": lambda x, y: lax.dynamic_update_slice(x, y[:1, :2], (index(x[2, 2]), 1)),
    "gather_unknown": lambda x, y: x[index(y[0])],
    "gather_both": lambda x, y: x[index(y), index(x)],
    "gather_half": lambda x, y: x[np.arange(N)[:, None], index(y)],
    "gather_along": lambda x, y: jnp.take_along_axis(x, index(y), axis=0),
    "gather_filled": lambda x, y: x.at[index(y[1])].get(mode="fill", fill_value=0.0),
    "gather_vmapped": lambda x, y: jax.vmap(lambda a, i: a[i])(x, index(y)),
    "scatter_unknown": lambda x, y: x.at[index(y[0])].set(y),
    "scatter_half": lambda x, y: x.at[np.arange(N), index(y[0])].set(y[1]),
    "scatter_sum": lambda x, y: x.at[index(y[2]), index(x[1])].add(y[0]),
    "scatter_mul": lambda x, y: x.at[index(y[2])].multiply(y, mode="clip"),
    "scatter_extremes": lambda x, y: x.at[index(y[0])].min(y).at[:, index(x[1])].max(y[2, 2]),
    "scatter_sub": lambda x, y: x.at[index(y[2])].subtract(x),
    "scatter_vmapped": lambda x, y: jax.vmap(lambda a, i, b: a.at[i].set(b))(x, index(y), y),
    "scatter_apply": lambda x, y: x.at[index(y[0])].apply(lambda a: a * 2),
}

WINDOW = {"window_dimensions": (2, 2), "window_strides": (1, 1)}


def convolve(x, y, **options):
    arguments = {"window_strides": (1, 1), "padding": "SAME"} | options
    return lax.conv_general_dilated(x[None, None], y[None, None, :2], **arguments)[0, 0]


def grouped(x, y, **groups):
    """Three channels; batch of three, one position each."""
    image = x[:, :, None] if "feature_group_count" in groups else x.T[:, :, None]
    kernel = y[:, :1, None] if "feature_group_count" in groups else y[:, :, None]
    out = lax.conv_general_dilated(image, kernel, (1,), ((1, 0),), rhs_dilation=(2,), **groups)
    return jnp.broadcast_to(out[..., -1], (N, N))


MIXING = {
    "fft": lambda x, y: real(jnp.fft.fft(x)) + jnp.fft.irfft(jnp.fft.rfft(y), N),
    "matmul": lambda x, y: x @ y,
    "batched_matmul": lambda x, y: jnp.einsum("bi,bij->bj", x, jnp.stack([y, x, y.T])),
    "convolution": lambda x, y: convolve(x, y),
    "convolution_dilated": lambda x, y: convolve(
        x, y, padding=((1, 1), (2, 2)), lhs_dilation=(1, 2), rhs_dilation=(2, 1)
    )[:N, :N],
    "convolution_grouped": lambda x, y: grouped(x, y, feature_group_count=N),
    "convolution_batched": lambda x, y: grouped(x, y, batch_group_count=N),
    "sums": lambda x, y: x.sum(0) + y.max(1)[:, None] - x.min() + jnp.prod(y, 0),
    "logical": lambda x, y: (x > 0).all(0) + jnp.where((y > 0).any(1)[:, None], x, y),
    "parity": lambda x, y: x * lax.reduce_xor(index(y), (0,)) + 0.1,
    "argmax": lambda x, y: x * jnp.argmax(y, 0) - jnp.argmin(x, 1)[:, None],
    "reduce": lambda x, y: y
    + lax.reduce((x, y), (x[0, 0], 1.0), lambda a, b: (a[0] + b[1], a[1] * b[1]), (1,))[0],
    "cumulative": lambda x, y: jnp.cumsum(x, 0) + jnp.cumprod(y, 1) - lax.cummax(x, 1),
    "cumulative_back": lambda x, y: lax.cummin(x, 0, reverse=True) + lax.cumlogsumexp(y, 1),
    "sort": lambda x, y: jnp.sort(x, 0),
    "sort_pairs": lambda x, y: lax.sort((x, y, y.T), dimension=1, num_keys=2)[2],
    "argsort": lambda x, y: jnp.argsort(x, 1) * y,
    "top_k": lambda x, y: lax.top_k(x, 2)[0][:, np.array([0, 1, 1])] + lax.top_k(y, 3)[1],
    "approx_top_k": lambda x, y: lax.approx_max_k(x, 3)[0],
    "pooling": lambda x, y: lax.reduce_window(
        x, y[0, 0], lambda a, b: a * b, (2, 2), (1, 1), "SAME"
    ),
    "max_pooling": lambda x, y: lax.reduce_window(
        x, -jnp.inf, lax.max, (2, 1), (1, 1), "SAME"
    ) - lax.reduce_window(
        y, jnp.inf, lax.min, (1, 2), (1, 1), ((0, 0), (1, 1)), window_dilation=(1, 2)
    ),
    "sum_pooling": lambda x, y: lax.reduce_window(
        x, 0.0, lax.add, (2, 2), (2, 2), ((1, 1), (1, 1)), base_dilation=(2, 2)
    ),
    "pooling_gradient": lambda x, y: jax.vjp(
        lambda a: lax.reduce_window(a, -jnp.inf, lax.max, (2, 2), (1, 1), "SAME"), x
    )[1](y)[0],
    "pooling_tangent": lambda x, y: jax.jvp(
        lambda a: lax.reduce_window(a, -jnp.inf, lax.max, (2, 2), (1, 1), "SAME"), (x,), (y,)
    )[1],
}  # fmt: skip

ALGEBRA = {
    "cholesky": lambda x, y: lax.linalg.cholesky(mixed(x @ x.T)),
    "triangular": lambda x, y: lax.linalg.triangular_solve(mixed(x), y, left_side=True),
    "triangular_right": lambda x, y: lax.linalg.triangular_solve(mixed(x), y),
    "householder": lambda x, y: lax.linalg.householder_product(x, y[0]),
    "pivots": lambda x, y: lax.linalg.lu_pivots_to_permutation(index(x[0], 0) % N, N) * y,
    "lu": lambda x, y: lax.linalg.lu(mixed(x))[0] * lax.linalg.lu(x)[2],
    "solve": lambda x, y: jnp.linalg.solve(mixed(x), y),
    "qr": lambda x, y: lax.linalg.qr(mixed(x))[1],
    "eigh": lambda x, y: lax.linalg.eigh(mixed(x))[1] ** 2,
    "svd": lambda x, y: lax.linalg.svd(mixed(x), compute_uv=False) * y,
    "eig": lambda x, y: real(lax.linalg.eig(mixed(x))[0]) * y,
    "schur": lambda x, y: lax.linalg.schur(mixed(x))[0],
    "hessenberg": lambda x, y: lax.linalg.hessenberg(x)[0],
    "tridiagonal": lambda x, y: lax.linalg.tridiagonal(x)[0],
    "tridiagonal_solve": lambda x, y: lax.linalg.tridiagonal_solve(
        x[0], positive(x[1]) + 3, x[2], y
    ),
}

RANDOM = {
    "draw": lambda x, y: jax.random.uniform(as_key(x[0]), (N, N)) + y,
    "split": lambda x, y: jnp.stack(
        [jax.random.normal(key, (N,)) for key in jax.random.split(as_key(x[1]), N)]
    ),
    "fold_in": lambda x, y: jax.random.uniform(
        jax.random.fold_in(as_key(x[2]), index(y[1, 1])), (N, N)
    ),
    "batched_keys": lambda x, y: jax.vmap(lambda k: jax.random.uniform(k, (N,)))(as_key(x)),
    "seed": lambda x, y: floats(
        jax.random.key_data(jax.random.clone(jax.random.key(index(x[1, 2])))).sum()
    )
    + y,
    "permutation": lambda x, y: jax.random.permutation(as_key(x[0]), y),
    "gamma": lambda x, y: jax.random.gamma(as_key(x[0]), positive(y)),
    "known_key": lambda x, y: x[jax.random.permutation(jax.random.key(3), N)],
    "threefry": lambda x, y: floats(jax.random.bits(jax.random.key(index(x[0, 0])), (N, N))),
    "threefry_words": lambda x, y: floats(
        jax.extend.random.threefry_2x32(
            as_words(x[0, :2]), jnp.arange(9, dtype=jnp.uint32)
        ).reshape(N, N)
    ),
    "generator": lambda x, y: y
    * floats(lax.rng_bit_generator(as_words(jnp.append(x[0], y[0, 0])), (N,))[1]),
}  # fmt: skip


@jax.custom_jvp
def squashed(x):
    return jnp.tanh(x) * x.sum(0)


squashed.defjvp(lambda primals, tangents: (squashed(*primals), tangents[0].T))


@jax.custom_vjp
def passed(x):
    return jnp.tanh(x[::-1])


passed.defvjp(lambda x: (passed(x), x[0]), lambda row, grad: (grad * row,))


def rotate(carry, row):
    carry = jnp.roll(carry, 1, 0) * 0.5 + row
    return carry, carry[0] * row


def count(x, y):
    """A loop that runs while its data say so; its third carry is not touched."""

    def body(carry):
        number, value, kept = carry
        return number + 1, value.at[number].set(value[number] * 0.5 + kept[0]), kept

    return lax.while_loop(
        lambda carry: (carry[0] < N) & (carry[1][0, 0] < y[1, 1] + carry[0]), body, (0, x, y)
    )[1]


CONTROL = {
    "cond": lambda x, y: lax.cond(x[0, 0] > y[0, 0], lambda a, b: a.T, lambda a, b: b, x, y),
    "switch": lambda x, y: lax.switch(
        index(x[1, 1]), [lambda a: a, lambda a: a[::-1], lambda a: a @ a], y
    ),
    "cond_passed": lambda x, y: lax.cond(
        x[0, 0] > 0, lambda a, b: (a, b), lambda a, b: (a, b * 2), x, y
    )[0],
    "scan": lambda x, y: lax.scan(rotate, x, y[0])[0],
    "scan_rows": lambda x, y: lax.scan(rotate, x[0], y)[1],
    "scan_back": lambda x, y: lax.scan(rotate, x[0], y, reverse=True)[1],
    "scan_long": lambda x, y: lax.scan(rotate, x, jnp.tile(y[0], 30))[1][50:53],
    "fori": lambda x, y: lax.fori_loop(0, N, lambda i, v: v.at[i].set(v[i - 1] + y[i, 0]), x),
    "while_known": lambda x, y: lax.while_loop(
        lambda c: c[0] < 2, lambda c: (c[0] + 1, c[1].at[c[0]].add(y[0])), (0, x)
    )[1],
    "while": count,
    "while_long": lambda x, y: lax.fori_loop(
        0, 70 + index(x[0, 0]), lambda i, v: jnp.roll(v, 1, 0) * 0.99, y
    ),
    "jit": lambda x, y: jax.jit(lambda a: (a * 2, a))(x)[1] + jax.nn.relu(y),
    "remat": lambda x, y: jax.grad(lambda a: jax.checkpoint(jnp.tanh)(a @ y).sum())(x),
    "custom_jvp": lambda x, y: squashed(x) + jax.jvp(squashed, (x,), (y,))[1],
    "custom_vjp": lambda x, y: passed(x) + jax.grad(lambda a: (passed(a) * y).sum())(x),
    "vmap": lambda x, y: jax.vmap(lambda a, b: lax.scan(rotate, a, b)[0])(x, y),
    "platform": lambda x, y: lax.platform_dependent(x, cpu=jnp.sin, default=jnp.cos),
}

OPERATIONS = {
    **ELEMENTWISE, **MOVES, **UNKNOWN_INDEX, **MIXING, **ALGEBRA, **RANDOM, **CONTROL
}  # fmt: skip


OTHER_VERSIONS = """
approx_top_k empty2 eq_to geqp3 geqrf log2 le_to lt_to mulhi pvary rng_uniform scatter_add
scatter_max scatter_min scatter_mul scatter_sub scatter-sub
unstack stack split tile square integer_pow
"""
"""Primitives that no public function of some version of JAX calls, or not in this form."""


def program(names, wiring):
    """Applies operations in turn, each to two of the values so far."""

    def run(x, y):
        values = [x, y]
        for name, (first, second) in zip(names, wiring, strict=True):
            value = OPERATIONS[name](values[first], values[second])
            values.append(jnp.sin(jnp.broadcast_to(value, (N, N))))
        return values[-1]

    return run


def generated(seed, length=5):
    rng = np.random.default_rng(seed)
    # XLA on the CPU refuses some transforms of transposed arrays (RET_CHECK in fft_thunk).
    names = rng.choice(sorted(set(OPERATIONS) - {"fft"}), length).tolist()
    wiring = [(i + 1, int(rng.integers(0, i + 2))) for i in range(length)]
    return program(names, wiring)


def together(functions):
    """One function that returns what each of them returns: one compilation serves all."""
    return lambda x, y: [jnp.broadcast_to(function(x, y), (N, N)) for function in functions]


def points(seed):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1.5, 1.5, (2, N, N)).astype(np.float32)


def found_influences(run, x, y):
    """For each output, whether its elements change with each of the 18 inputs: `[3, 3, 18]`."""
    inputs = np.concatenate([x.ravel(), y.ravel()])
    # Unoptimized: compiles faster, and leaves out nothing that the program does.
    compiled = jax.jit(run, compiler_options={"xla_backend_optimization_level": 0})

    def outputs(values):
        halves = values[: N * N].reshape(N, N), values[N * N :].reshape(N, N)
        return np.stack(jax.device_get(compiled(*halves)))

    base = outputs(inputs)
    found = np.zeros((*base.shape, inputs.size), bool)
    for place in range(inputs.size):
        for probe in PROBES:
            moved = inputs.copy()
            moved[place] += np.float32(probe)
            after = outputs(moved)
            found[..., place] |= ~((after == base) | (np.isnan(after) & np.isnan(base)))
    return found


def listed_influences(run, x, y):
    """The same, as the analysis has it."""
    words = words_for(2 * N * N)
    sets = [singletons((N, N), 0, words), singletons((N, N), N * N, words)]
    analysis = analyse(jax.make_jaxpr(run)(x, y), sets)
    assert analysis.unknown == ()
    bits = np.stack(analysis.outputs)
    return np.stack([holds(bits, place) for place in range(2 * N * N)], -1)


def compare(functions, seed):
    """Names and influences of those functions of which the analysis misses one."""
    x, y = points(seed)
    run = together(functions.values())
    found, listed = found_influences(run, x, y), listed_influences(run, x, y)
    missed = found & ~listed
    wrong = {
        name: np.argwhere(missed[number]).tolist()
        for number, name in enumerate(functions)
        if missed[number].any()
    }
    return wrong, found, listed


FAMILIES = {
    "elementwise": ELEMENTWISE,
    "moves": MOVES,
    "unknown index": UNKNOWN_INDEX,
    "mixing": MIXING,
    "algebra": ALGEBRA,
    "random": RANDOM,
    "control": CONTROL,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_no_influence_is_missed_in_any_operation(family):
    wrong, found, listed = compare(FAMILIES[family], seed=1)
    assert not wrong
    assert found.any((1, 2, 3)).all()  # an operation that nothing influences tests nothing
    if family == "moves":
        inexact = (found != listed).any((1, 2, 3))
        assert not inexact.any(), np.array(list(MOVES))[inexact]


def test_no_influence_is_missed_in_random_programs():
    wrong, found, listed = compare({seed: generated(seed) for seed in range(16)}, seed=2)
    assert not wrong
    assert found.any((1, 2, 3)).sum() > 10
    assert not listed.all((1, 2, 3)).all()  # the programs do not all mix everything


def test_the_operations_use_every_primitive_that_has_a_rule():
    pending, seen = [jax.make_jaxpr(together(OPERATIONS.values()))(*points(0)).jaxpr], set()
    while pending:
        for equation in pending.pop().eqns:
            seen.add(equation.primitive.name)
            pending.extend(enclosed(equation))
    assert set(RULES) - seen <= set(OTHER_VERSIONS.split())


def without_operand(rule, which):
    """The rule, made blind for one operand."""

    def broken(equation, flows, run):
        flows = list(flows)
        flows[which] = flows[which]._replace(bits=np.zeros_like(flows[which].bits), columns=())
        return rule(equation, flows, run)

    return broken


BREAKS = {
    "mul": (0, lambda x, y: x * y),
    "select_n": (0, lambda x, y: jnp.where(x > 0, y, 2 * y)),
    "reduce_sum": (0, lambda x, y: x.sum(0) * y),
    "gather": (1, OPERATIONS["gather_unknown"]),
    "scatter-add": (2, OPERATIONS["scatter_add"]),
    "dot_general": (1, OPERATIONS["matmul"]),
    "cond": (0, OPERATIONS["cond"]),
    "scan": (0, OPERATIONS["scan_rows"]),
    "while": (0, OPERATIONS["while"]),
    "sort": (0, OPERATIONS["sort_pairs"]),
    "random_fold_in": (1, OPERATIONS["fold_in"]),
    "dynamic_update_slice": (1, OPERATIONS["dynamic_update"]),
}
"""An operand to leave out of a rule, and a function that shows it."""


@pytest.mark.parametrize("blind", [True, False])
def test_a_rule_that_drops_an_operand_is_caught(monkeypatch, blind):
    if blind:
        for name, (which, _) in BREAKS.items():
            monkeypatch.setitem(RULES, name, without_operand(RULES[name], which))
    wrong, _, _ = compare({name: function for name, (_, function) in BREAKS.items()}, seed=1)
    assert set(wrong) == (set(BREAKS) if blind else set())
