"""The example of layers that compete softly: its rule by hand, and what it refuses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

EXAMPLE = "journe_2023"


def by_hand(weight, patches, sharpness, losers):
    moved = np.zeros_like(weight)
    for x in patches:
        drive = weight @ x
        share = np.exp(sharpness * drive) / np.exp(sharpness * drive).sum()
        for cell in range(len(weight)):
            sign = 1.0 if cell == drive.argmax() else losers
            moved[cell] += sign * share[cell] * (x - drive[cell] * weight[cell])
    return moved / np.abs(moved).max()


def test_the_winner_moves_to_its_patch_and_losers_away(examples):
    layers = examples("competing_layers")
    random = np.random.default_rng(0)
    weight, patches = random.normal(size=(3, 4)), random.normal(size=(5, 4))
    for losers in (-1.0, 1.0):
        found = layers.change(jnp.asarray(weight), jnp.asarray(patches), 0.7, losers)
        np.testing.assert_allclose(found, by_hand(weight, patches, 0.7, losers), atol=1e-5)
    other = by_hand(weight, patches, 0.7, 1.0)
    assert np.abs(by_hand(weight, patches, 0.7, -1.0) - other).max() > 0.1


def test_layers_find_the_patterns_that_pictures_are_made_of(examples):
    """Pictures of stripes, across or down: after one pass cells are stripes of unit length."""
    layers = examples("competing_layers")
    random = np.random.default_rng(1)
    phase, turned = random.integers(0, 2, 200), random.integers(0, 2, 200)
    stripes = np.where((np.arange(8) + phase[:, None]) % 2, 1.0, -1.0)
    across = np.broadcast_to(stripes[:, :, None], (200, 8, 8))
    x = np.where(turned[:, None, None], across, across.transpose(0, 2, 1))[..., None]
    x = x + 0.1 * random.normal(size=x.shape)
    layer = layers.born(x, 6, 0, jax.random.key(0))
    learned = layers.soft_hebb(layer, jnp.asarray(x.reshape(40, 5, 8, 8, 1)), 0.2, 0)

    def likeness(layer):
        rows, columns = np.mgrid[:5, :5] % 2 * 2.0 - 1.0
        weight = layer.weight / np.linalg.norm(layer.weight, axis=1, keepdims=True)
        both = np.stack([rows.ravel(), columns.ravel()]) / 5.0
        return np.abs(weight @ both.T).max(1)

    assert np.mean(likeness(layer)) < 0.5
    assert np.median(likeness(learned)) > 0.8
    lengths = np.linalg.norm(learned.weight, axis=1)
    assert abs(np.median(lengths) - 1.0) < 0.1 < abs(layers.NORM - 1.0)


@pytest.mark.parametrize("bad", ["--cells 1", "--cells 4,4,4", "--data nowhere"])
def test_bad_input_gives_one_line(example, bad, refused):
    assert bad.split()[1] in refused(example, *bad.split())
