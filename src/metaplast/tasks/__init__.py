"""Tasks: distributions of experience. The names exported here are the registry."""

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.arrays import arrays
from metaplast.tasks.class_subset import ClassSubset
from metaplast.tasks.clusters import Clusters
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.digits import digits
from metaplast.tasks.label_permutation import LabelPermutation
from metaplast.tasks.mixture import Mixture
from metaplast.tasks.mnist1d import mnist1d
from metaplast.tasks.named import named
from metaplast.tasks.padding import Padding
from metaplast.tasks.pixel_noise import PixelNoise
from metaplast.tasks.pixel_permutation import PixelPermutation
from metaplast.tasks.random_projection import RandomProjection
from metaplast.tasks.resize import Resize
from metaplast.tasks.teacher import Teacher
from metaplast.tasks.with_moments import with_moments
from metaplast.tasks.wrapper import AbstractWrapper

__all__ = [
    "AbstractTask",
    "AbstractWrapper",
    "ClassSubset",
    "Clusters",
    "Dataset",
    "LabelPermutation",
    "Mixture",
    "Padding",
    "PixelNoise",
    "PixelPermutation",
    "RandomProjection",
    "Resize",
    "Teacher",
    "arrays",
    "digits",
    "mnist1d",
    "named",
    "with_moments",
]
