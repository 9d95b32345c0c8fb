"""Tasks: distributions of experience. The names exported here are the registry."""

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.arrays import arrays
from metaplast.tasks.boxed_arrays import boxed_arrays
from metaplast.tasks.cifar10 import cifar10
from metaplast.tasks.class_incremental import ClassIncremental
from metaplast.tasks.class_subset import ClassSubset
from metaplast.tasks.clusters import Clusters
from metaplast.tasks.coco import coco
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.delayed_match import DelayedMatch
from metaplast.tasks.delayed_reward import DelayedReward
from metaplast.tasks.detection import Detection
from metaplast.tasks.digit_scenes import digit_scenes
from metaplast.tasks.digits import digits
from metaplast.tasks.drifting import Drifting
from metaplast.tasks.dvs_gesture import dvs_gesture
from metaplast.tasks.event_folder import event_folder
from metaplast.tasks.few_shot import FewShot
from metaplast.tasks.hub import hub
from metaplast.tasks.image_folder import image_folder
from metaplast.tasks.in_steps import InSteps
from metaplast.tasks.label_permutation import LabelPermutation
from metaplast.tasks.latency_code import LatencyCode
from metaplast.tasks.mixture import Mixture
from metaplast.tasks.mnist1d import mnist1d
from metaplast.tasks.named import named
from metaplast.tasks.nmnist import nmnist
from metaplast.tasks.omniglot import omniglot
from metaplast.tasks.on_off import OnOff
from metaplast.tasks.padding import Padding
from metaplast.tasks.paired_associates import PairedAssociates
from metaplast.tasks.pixel_noise import PixelNoise
from metaplast.tasks.pixel_permutation import PixelPermutation
from metaplast.tasks.random_projection import RandomProjection
from metaplast.tasks.rate_code import RateCode
from metaplast.tasks.reinforced import Reinforced
from metaplast.tasks.resize import Resize
from metaplast.tasks.spike_arrays import spike_arrays
from metaplast.tasks.teacher import Teacher
from metaplast.tasks.wrapper import AbstractWrapper

__all__ = [
    "AbstractTask",
    "AbstractWrapper",
    "ClassIncremental",
    "ClassSubset",
    "Clusters",
    "Dataset",
    "DelayedMatch",
    "DelayedReward",
    "Detection",
    "Drifting",
    "FewShot",
    "InSteps",
    "LabelPermutation",
    "LatencyCode",
    "Mixture",
    "OnOff",
    "Padding",
    "PairedAssociates",
    "PixelNoise",
    "PixelPermutation",
    "RandomProjection",
    "RateCode",
    "Reinforced",
    "Resize",
    "Teacher",
    "arrays",
    "boxed_arrays",
    "cifar10",
    "coco",
    "digit_scenes",
    "digits",
    "dvs_gesture",
    "event_folder",
    "hub",
    "image_folder",
    "mnist1d",
    "named",
    "nmnist",
    "omniglot",
    "spike_arrays",
]
