"""Every performance comparison, one after the other, and the page that says what came out.

    python benchmarks/performance.py --write docs/performance.md [--only SECTION ...] [--quick]

Each section is a process of its own, and a script of its own. What a section lacks is said in its
place; a section that fails is said to have failed, and so is the whole at its end.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

from section import HEADER, Claim, Section, say, table

FOLDER = Path(__file__).parent
TORCH = ("torch", "torchopt")
SECTIONS: dict[str, tuple[str, ...]] = {
    "moment": (),
    "limit": (),
    "kernel": (),
    "meta_gradient": (),
    "exactness": (),
    "memory": (),
    "depth": (),
    "first_step": (),
    "prototype": (),
    "peer_meta_gradient": TORCH,
    "peer_backprop": TORCH[:1],
    "peer_polynomial": (),
    "peer_evosax": (),
    "estimators": (),
    "evolution": (),
    "peer_spiking": (),
    "synaptic_mlp": (),
}
"""Scripts beside this one, and the modules that each needs beyond the package's own."""
VERSIONS = ("metaplast", "jax", "jaxlib", "equinox", "optax", "evosax", "numpy", *TORCH)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", type=Path, help="the Markdown page; without it, it is printed")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument(
        "--raw",
        type=Path,
        default=FOLDER / "measured",
        help="folder for one file per section; the page is made from all of them",
    )
    parser.add_argument("--quick", action="store_true", help="a short look, no figures to quote")
    given = parser.parse_args()
    begun, failed = time.perf_counter(), []
    whole = given.raw / "quick" if given.quick else given.raw
    raw = whole / "gpu" if gpus() else whole
    raw.mkdir(parents=True, exist_ok=True)
    for name in given.only:
        about, section = machine(), measured(name, given.quick)
        if section is None:
            failed.append(name)
            section = Section(name, ["This section failed; its script says why.", ""])
        keep(raw / f"{name}.json", section, about)
        if given.write:  # after every section, so that a run that is cut short leaves a page
            given.write.write_text(document(whole, given.quick))
    if given.write:
        say(f"wrote {given.write} in {(time.perf_counter() - begun) / 60:.1f} minutes")
    else:
        print(document(whole, given.quick))
    if failed:
        say(f"failed: {', '.join(failed)}")
    return len(failed)


def keep(path: Path, section: Section, about: list[str]) -> None:
    """Write down a section and the machine that it ran on.

    Where it measured nothing, what was measured before is worth more, and stays; why it is not
    from this time is then said in it.
    """
    kept = {"about": about, "section": section.parts()}
    before = json.loads(path.read_text()) if path.exists() else None
    if before and before["section"]["claims"] and not section.claims:
        reason = " ".join(line for line in section.lines if line)
        line = f"On {about[0][2:12]} this was not measured again; what follows is older. {reason}"
        kept = {**before, "missed": line}
    path.write_text(json.dumps(kept, indent=1) + "\n")


def measured(name: str, quick: bool) -> Section | None:
    """What a section found, or the line that says what it lacks; None where it failed."""
    lacking = [module for module in SECTIONS[name] if not installed(module)]
    if lacking:
        say(f"{name}: lacks {', '.join(lacking)}")
        line = f"Not measured: {' and '.join(lacking)} not installed. `make peers` installs them."
        return Section(name, [line, ""])
    # A cache would hide the time of compiling.
    environment = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--json", *["--quick"] * quick]
    begun = time.perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    say(f"{name}: {time.perf_counter() - begun:.0f} s")
    if done.returncode:
        return None
    return Section.of(json.loads(done.stdout))


def machine() -> list[str]:
    """Date, hardware and versions, as lines of a list."""
    versions = [f"{name} {version}" for name in VERSIONS if (version := version_of(name))]
    processors = ", ".join([*gpus(), cpu()])
    return [
        f"- {time.strftime('%Y-%m-%d')}, {processors}, {os.cpu_count()} cores, {memory()}, "
        f"{platform.system()} {platform.machine()}; load when it began: {load()}",
        f"- Python {platform.python_version()}, {', '.join(versions)}",
    ]


def gpus() -> list[str]:
    """Names of the NVIDIA GPUs there are."""
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def version_of(name: str) -> str:
    """Empty where it is not installed, but only on the path."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def cpu() -> str:
    """The processor as Linux names it, elsewhere as Python does."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 2**30:.0f} GiB of memory"


def load() -> str:
    """Processes that ran or waited to run in the last minute: well below 1 on an idle machine."""
    return f"{os.getloadavg()[0]:.1f}"


def document(raw: Path, quick: bool) -> str:
    """The page, from everything that was ever measured: all claims, then section by section, each
    with the machine that it ran on."""
    here = {name: read(raw / f"{name}.json") for name in SECTIONS}
    on_gpu = {name: read(raw / "gpu" / f"{name}.json", ", on a GPU") for name in SECTIONS}
    missing = [name for name in SECTIONS if here[name] is None and on_gpu[name] is None]
    measured = [one for one in (*here.values(), *on_gpu.values()) if one is not None]
    lines = [
        "# Performance",
        "",
        "Written by `make bench` (`benchmarks/performance.py`). Do not edit.",
        "",
        "Contenders run in turn (A B A B ...) in one process, after a repetition that is not "
        "timed, at least 7 times unless a section says otherwise; the ratio is taken within each "
        "repetition. Given are median and quartiles. Preparing (building, compiling, the first "
        "repetition) is timed apart. Claims are ratios within a run, but for a few limits in "
        "seconds that a user feels (a start, a minute of search, a life of `SynapticMLP`); other "
        "seconds are those of one machine on one day. Every section says when and where it was "
        "measured. Where programs are said to do the same, that is asserted.",
        "",
    ]
    if quick:
        lines += ["**A quick look with few repetitions: no figures to quote.**", ""]
    if missing:
        lines += [f"Not measured yet: {', '.join(missing)}.", ""]
    claims = [claim for section, _ in measured for claim in section.claims]
    lines += ["## Claims", "", *claimed(claims), ""]
    if not all(claim.met for claim in claims):
        lines += [
            "Where an aim is missed, its section below says what bounds it, where that was found "
            "out; all that was tried is in the [lab notes](lab-notes.md).", "",
        ]  # fmt: skip
    for section, about in measured:
        lines += [f"## {section.title}", "", *section.lines, *about, ""]
    return "\n".join(lines).rstrip() + "\n"


def read(path: Path, where: str = "") -> tuple[Section, list[str]] | None:
    """A section that was kept, and what machine it ran on; None where nobody measured it."""
    if not path.exists():
        return None
    kept = json.loads(path.read_text())
    section = Section.of(kept["section"])
    section.title += where
    section.claims = [dataclasses.replace(c, text=c.text + where) for c in section.claims]
    if "missed" in kept:
        section.lines = [kept["missed"], "", *section.lines]
    return section, kept["about"]


def claimed(claims: list[Claim]) -> list[str]:
    """The table of all claims, those with an aim first."""
    return table(HEADER, [claim.row() for claim in sorted(claims, key=lambda c: not c.aim)])


if __name__ == "__main__":
    sys.exit(main())
