"""Estimators of the meta-gradient on a problem whose gradient is known.

    python benchmarks/estimators.py [--quick] [--json]

Influence balancing (Tallec & Ollivier 2017; Vicol, Metz & Sohl-Dickstein 2021, section 5): 23
cells, one number, 100 moments. First, in float64, every estimator against the exact derivative;
then, in float32, how far each of them descends in the same number of meta-steps.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from interleaved import Spread, short
from section import Claim, Section, run, say

from metaplast.estimators.influence import Influence
from metaplast.estimators.sample import sample
from metaplast.meta import ES, NRES, PES, AbstractDescent, Backprop, Forward, Truncated

HORIZON, STRETCH, START = 100, 10, 0.5
UNBIASED = ("ES", "PES", "NRES")


def measure(quick: bool) -> Section:
    section = Section("Estimators of the meta-gradient on influence balancing")
    section.write(
        f"One number drives {Influence().upward} near cells upward and the far ones downward; the "
        f"loss hears the first cell for {HORIZON} moments. Estimators cut lives into stretches of "
        f"{STRETCH} moments. What is far arrives late, so through one stretch the derivative has "
        "the wrong sign."
    )
    with jax.enable_x64(True):
        known(section, quick)
    descended(section, quick)
    return section


def known(section: Section, quick: bool) -> None:
    """Each estimator against the exact derivative, with its own error bar."""
    pairs, cycles = (64, 8) if quick else (512, 32)
    estimators: dict[str, AbstractDescent] = {
        "Backprop": Backprop(lives=2),
        "Forward": Forward(lives=2, stretch=STRETCH),
        "Truncated": Truncated(lives=2, stretch=STRETCH),
        "ES": ES(lives=pairs, width=pairs),
        "PES": PES(lives=pairs, width=pairs, stretch=STRETCH),
        "NRES": NRES(lives=pairs, width=pairs, stretch=STRETCH),
    }
    lives, theta = Influence(HORIZON), {"theta": jnp.asarray(START, float)}
    exact = float(jax.grad(lambda t: lives(t, None)[0])(theta)["theta"])
    rows = []
    for name, meta in estimators.items():
        say(f"estimators: {name}")
        found = sample(meta, lives, theta, cycles, jax.random.key(0))
        mean, error = float(found.mean[0]), float(found.error[0])
        exactly = error < 1e-9 * abs(exact)
        off = (mean - exact) / error if not exactly else float("nan")
        verdict = "exact" if abs(mean - exact) < 1e-6 * abs(exact) else "biased"
        rows.append([name, short(mean), "0" if exactly else short(error),
                     verdict if exactly else f"{off:.2f}"])  # fmt: skip
        if name in UNBIASED:
            apart = Spread(off, off, off)
            section.claims.append(Claim(
                f"({name} − exact gradient) / its standard error", apart, most=3, least=-3,
            ))  # fmt: skip
        if name == "Truncated":
            ratio = Spread(*(mean / exact,) * 3)
            section.claims.append(Claim("truncated backprop / exact gradient", ratio, most=0))
    section.write(
        f"Exact derivative at θ = {START}: {exact:.4f}. Mean over {pairs} pairs of lives and "
        f"{cycles} passes through all stretches; the standard error is over lives."
    )
    section.table(("estimator", "mean", "standard error", "off by, standard errors"), rows)


def descended(section: Section, quick: bool) -> None:
    """The loss of whole lives after the same number of meta-steps."""
    steps, rate, seeds = (300, 0.005, 3) if quick else (1500, 0.005, 10)
    options = {"optimizer": "adam", "rate": rate, "steps": steps, "clip": 1e9}
    estimators: dict[str, AbstractDescent] = {
        "Backprop": Backprop(lives=2, **options),
        "Truncated": Truncated(lives=2, stretch=STRETCH, **options),
        "PES": PES(lives=16, width=16, stretch=STRETCH, **options),
        "NRES": NRES(lives=16, width=16, stretch=STRETCH, **options),
    }
    lives, theta = Influence(HORIZON), {"theta": jnp.asarray(START)}
    begun, rows, ends = float(lives(theta, None)[0]), [], {}
    for name, meta in estimators.items():
        say(f"estimators: descent by {name}")

        def descent(key, meta=meta):
            def step(carry, key):
                theta, state, _ = meta.step(lives, *carry, key)
                return (theta, state), None

            init_key, run_key = jax.random.split(key)
            begin = (theta, strong(meta.init(lives, theta, init_key)))
            (end, _), _ = jax.lax.scan(step, begin, jax.random.split(run_key, steps))
            return lives(end, None)[0], end["theta"]

        losses, numbers = jax.jit(jax.vmap(descent))(jax.random.split(jax.random.key(1), seeds))
        ends[name] = np.asarray(losses)
        rows.append([name, short(float(np.median(losses))), short(float(np.max(losses))),
                     short(float(np.median(numbers)))])  # fmt: skip
    ratio = Spread.of(ends["PES"] / ends["Truncated"])
    section.claims.append(Claim("loss by PES / loss by truncated backprop", ratio, most=0.1))
    section.write(
        f"Then {steps} meta-steps of Adam at rate {rate} from θ = {START} (loss {begun:.3g}), "
        f"{seeds} seeds. The loss of whole lives at the end:"
    )
    section.table(("estimator", "loss, median", "loss, worst seed", "θ, median"), rows)


def strong(tree):
    """Without weak types, which a loop would not give back."""
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), tree)


if __name__ == "__main__":
    run(measure, __doc__)
