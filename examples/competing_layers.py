"""Layers that learn by soft competition at every place of a picture, in two ways."""

from __future__ import annotations

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metaplast.circuits import layered
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Competing, Rate
from metaplast.rules import SoftHebb
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Episode

POWERS, SHARPNESS, PATCHES = (0.7, 1.4), (1.0, 0.65), (5, 3)
"""Of the first and the second layer, as in the authors' demo (NeuromorphicComputing/SoftHebb)."""
NORM = 25.0
"""Length of a cell's weights at birth, as in the demo; at its end learning brings it to 1."""


class Layer(NamedTuple):
    """What one layer has learned."""

    weight: Float[Array, "cells heard"]
    mean: Float[Array, " channels"]
    scale: Float[Array, " channels"]


class Patches(AbstractTask):
    """Patches of pictures, one a moment; there is nothing to answer."""

    pool: Float[Array, "patches inputs"]
    inputs: int = eqx.field(static=True)
    moments: int = eqx.field(static=True)
    classes: int = eqx.field(static=True)

    def sample(self, key):
        chosen = jax.random.randint(key, (self.moments,), 0, self.pool.shape[0])
        nothing = jnp.zeros(self.moments, int)
        return Episode(self.pool[chosen], nothing, self.pool[:1], nothing[:1])


def patched(pictures, side: int):
    """The patch around every place `[pictures, rows, columns, heard]`, zeros beyond the edge."""
    return jax.lax.conv_general_dilated_patches(
        pictures, (side, side), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def pooled(said):
    """The largest of 4 x 4 places, every second place."""
    return jax.lax.reduce_window(
        said, -jnp.inf, jax.lax.max, (1, 4, 4, 1), (1, 2, 2, 1), ((0, 0), (1, 1), (1, 1), (0, 0))
    )


def drives(weight, pictures, side: int):
    """What arrives at every cell `[pictures, rows, columns, cells]`."""
    kernel = weight.reshape(-1, pictures.shape[-1], side, side)
    return jax.lax.conv_general_dilated(
        pictures, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "OIHW", "NHWC")
    )


@functools.partial(jax.jit, static_argnames="index")
def _said(layer: Layer, pictures, index: int):
    drive = drives(layer.weight, (pictures - layer.mean) / layer.scale, PATCHES[index])
    above = jnp.maximum(drive - jnp.mean(drive, -1, keepdims=True), 0.0)
    return pooled(above ** POWERS[index])


def says(layer: Layer, pictures, index: int, batch: int = 200) -> np.ndarray:
    """What a layer says to the next one: how far a cell is driven more than the mean of its place,
    to a power; the largest around every second place."""
    parts = range(0, len(pictures), batch)
    return np.concatenate([_said(layer, pictures[i : i + batch], index) for i in parts])


def born(pictures, cells: int, index: int, key) -> Layer:
    """Normal weights, and the statistics of what arrives."""
    heard = PATCHES[index] ** 2 * pictures.shape[-1]
    weight = NORM * jax.random.normal(key, (cells, heard)) / heard**0.5
    mean = pictures.mean((0, 1, 2))
    return Layer(weight, jnp.asarray(mean), jnp.asarray(pictures.std((0, 1, 2)) + 1e-3))


def change(weight, x, sharpness, losers: float = -1.0):
    """What soft competition asks of the weights, its largest change scaled to 1.

    Args:
        weight: `[cells, heard]`.
        x: patches `[patches, heard]`.
        sharpness: of the competition, per unit of drive.
        losers: by what the change is multiplied in cells that do not win: -1 is anti-Hebbian.
    """
    drive = x @ weight.T
    share = jax.nn.softmax(sharpness * drive)
    won = jax.nn.one_hot(jnp.argmax(drive, -1), weight.shape[0])
    share = share * jnp.where(won > 0, 1.0, losers)
    moved = share.T @ x - jnp.sum(share * drive, 0)[:, None] * weight
    return moved / (jnp.max(jnp.abs(moved)) + 1e-30)


@functools.partial(jax.jit, static_argnames="index")
def soft_hebb(layer: Layer, batches, rate, index: int) -> Layer:
    """One pass over pictures `[steps, batch, rows, columns, channels]` with the paper's rule."""

    def step(weight, pictures):
        x = patched((pictures - layer.mean) / layer.scale, PATCHES[index])
        x = x.reshape(-1, x.shape[-1])
        length = jnp.linalg.norm(weight, axis=1, keepdims=True)
        own = rate * jnp.sqrt(jnp.abs(length - 1.0))
        return weight + own * change(weight, x, SHARPNESS[index]), None

    return layer._replace(weight=jax.lax.scan(step, layer.weight, batches)[0])


def some_patches(layer: Layer, pictures, index: int, count: int, key):
    """Patches of unit length, from anywhere, the dull half left out."""
    picture_key, place_key = jax.random.split(key)
    chosen = jax.random.permutation(picture_key, len(pictures))[: max(count // 20, 1)]
    x = patched((pictures[np.asarray(chosen)] - layer.mean) / layer.scale, PATCHES[index])
    x = x.reshape(-1, x.shape[-1])
    x = x[jax.random.permutation(place_key, len(x))[: 2 * count]]
    length = jnp.linalg.norm(x, axis=1)
    best = jnp.argsort(-length)[: len(x) // 2]
    return x[best] / (length[best, None] + 1e-6)


def winner_alone(layer: Layer, pictures, rate, index: int, moments: int, key) -> Layer:
    """The library's rule in the library's cells: one life of patches."""
    patch_key, life_key = jax.random.split(key)
    pool = some_patches(layer, pictures, index, moments, patch_key)
    cells, heard = layer.weight.shape
    task = Patches(pool, heard, moments, cells)
    neurons = {"input": Rate("linear"), "output": Competing(8.0)}
    circuit = layered(heard, (), cells)
    network = PlasticNetwork(circuit, Genome(neurons, {"readout": SoftHebb(rate)}))
    return layer._replace(weight=_lived(network, task, life_key))


@eqx.filter_jit
def _lived(network, task, key):
    return live(network, task, task.sample(key), key)[1].weights["input->output"]
