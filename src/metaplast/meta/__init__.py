"""Outer loops over any PyTree. The names exported here are the registry."""

from metaplast.meta.abstract import AbstractMetaOptimizer
from metaplast.meta.backprop import Backprop
from metaplast.meta.evolution import Evolution

__all__ = ["AbstractMetaOptimizer", "Backprop", "Evolution"]
