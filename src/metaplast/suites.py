"""The suites: which tasks, how long a life, how deep a network. Importing this loads no JAX."""

from __future__ import annotations

from typing import Literal, NamedTuple

from metaplast.spec import near

FOUND = "zoo/online"
"""The found rule of every suite."""


class Setting(NamedTuple):
    """One column of the matrix: what all learners live."""

    data: str
    """A name that `tasks.named` knows, or a TOML table."""
    moments: int = 300
    """Length of a life, where the table does not say it."""
    hidden: tuple[int, ...] = (64, 64)
    judged: Literal["online", "held_out"] = "online"
    """What rivals are tuned by and rows are sorted by."""
    needs: str = ""
    """The file, by its bare name, that must lie in the folder of data sets."""
    only_found: bool = False
    """Whether found rules alone live it, for it is about them."""
    lives: int | None = None
    """Where it takes another number of lives than the suite."""


FILES = {
    "cifar10": "cifar10_jpeg_full", "nmnist": "nmnist_small", "omniglot": "omniglot28_background",
}  # fmt: skip
"""Data sets whose file has a name of its own."""


def _from_file(name: str) -> Setting:
    return Setting(name, needs=FILES.get(name, name))


BUNDLED = (Setting("digits"), Setting("mnist1d"))
IMAGES = (_from_file("mnist"), _from_file("fashion-mnist"))
OTHERS = (_from_file("cifar10"), _from_file("fsdd_mel"))
SMALL = (*BUNDLED, *IMAGES)
"""Those that need no patience."""


def _inside(wrapper: str, inner: Setting, moments: int, options: str = "") -> Setting:
    """The same data set, wrapped."""
    task = f'{{type = "named", data = "{inner.data}", moments = {moments}}}'
    return inner._replace(data=f'{{type = "{wrapper}", task = {task}{options}}}')


def _few(data: str, ways: int, shots: int, split: str = "all") -> Setting:
    task = f'{{type = "{data}", split = "{split}"}}'
    table = f'{{type = "FewShot", task = {task}, ways = {ways}, shots = {shots}}}'
    return Setting(table, judged="held_out", needs="" if data == "digits" else FILES[data])


def _layers(count: int) -> tuple[int, ...]:
    """Hidden layers of a network of `count` layers of synapses."""
    return (64,) * (count - 1)


def _code(code: str) -> str:
    return f'{{type = "{code}", task = {{type = "digits", moments = 300}}, steps = 8}}'


CODES = (_code("RateCode"), _code("LatencyCode"))
_EVENTS = '{type = "nmnist", moments = 300, bins = 3}'

SUITES: dict[str, tuple[Setting, ...]] = {
    "recognition": (*SMALL, *OTHERS),
    "few-shot": (
        # Images that no search saw, for shipped rules were found on all ten classes.
        _few("digits", 5, 1, "bench"), _few("digits", 5, 5, "bench"),
        _few("omniglot", 5, 1), _few("omniglot", 5, 5), _few("omniglot", 20, 1),
    ),
    "depth": tuple(
        data._replace(hidden=_layers(layers)) for layers in (2, 5, 8, 16) for data in SMALL
    ),
    "horizon": (
        *(data._replace(moments=moments) for moments in (300, 1500) for data in SMALL),
        Setting("digits", 500),
        *(data._replace(moments=moments) for moments in (500, 2000) for data in IMAGES),
        Setting("digits", 20_000, only_found=True, lives=64),
    ),
    "continual": (
        *(_inside("Drifting", data, 300) for data in SMALL),
        *(
            _inside("ClassIncremental", data, 500, ", stages = 5")._replace(judged="held_out")
            for data in (BUNDLED[0], *IMAGES)
        ),
    ),
    "detection": (
        Setting('{type = "digit_scenes", moments = 1000}'),
        Setting('{type = "boxed_arrays", path = "bccd_det", moments = 1000}', needs="bccd_det"),
    ),
    "spiking": (
        *(Setting(code) for code in CODES),
        *(Setting(f'{{type = "InSteps", task = {code}, steps = 8}}') for code in CODES),
        Setting('{type = "nmnist", moments = 300, bins = 1}', needs=FILES["nmnist"]),
        Setting(f'{{type = "InSteps", task = {_EVENTS}, steps = 3}}', needs=FILES["nmnist"]),
    ),
}  # fmt: skip


def suite(name: str) -> tuple[Setting, ...]:
    """The settings of a suite.

    Raises:
        ValueError: an unknown name, with near misses.
    """
    if name not in SUITES:
        raise ValueError(f"suite = {name!r}: unknown; {near(name, SUITES)}")
    return SUITES[name]
