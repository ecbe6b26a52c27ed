"""Windows of loss: a recording replayed with recovery, each time with other messages lost, and no verdict may accuse an
implementation of what only the loss made different.

    PYTHONPATH=tests python -m support.windows [--recordings 30] [--places 60] [--seed N]

makes live recordings of churn, each in a fresh network namespace, and tries windows of 1, 5 and 40 messages at so many
places each. What accuses is printed with the objects that it names; such a recording is kept.

Exit code: 0 no verdict was a regression, 1 one was.

Not here: what happens in a recording (``support.churn``).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.capture.segment import Role
from nlmon.capture.segmenter import Segmenter
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.run import replay_capture
from nlmon.report.model import CaptureReport
from nlmon.transport.recorded.faults import Fault
from support.paths import TESTS
from support.requirements import require_netns, require_program

__all__ = ["SIZES", "accusations", "churn", "main", "replayed", "windows"]

SIZES = (1, 5, 40)
RECORDINGS, PLACES, CHANGES = 30, 60, 400
OPTIONS = BackendOptions(resync=True, resync_interval=0.0)
legacy: BackendMaker = partial(create, "legacy")
libnl: BackendMaker = partial(create, "libnl")


def churn(out: Path, seed: int, changes: int = CHANGES) -> Path:
    """A live recording of so many changes."""
    require_program("ip")
    command = [*require_netns(), sys.executable, "-P", "-m", "support.churn", str(out), str(seed), str(changes)]
    path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    subprocess.run(command, check=True, timeout=120, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.DEVNULL)
    return out


def windows(path: Path, places: int, sizes: Sequence[int] = SIZES) -> Iterator[Fault]:
    """Windows of each size that begin at so many notifications, spread over the recording."""
    with open_capture(path) as reader:
        segmenter = Segmenter(reader.info.byteorder)
        frames = [
            frame
            for batch in reader.batches()
            for segment in segmenter.segments(batch, bulk=False)
            if segment.place.role is Role.NOTIFICATION
            for frame in segment.datagrams.frames
        ]
    for size in sizes:
        number = min(places, len(frames))
        yield from (Fault(frames[place * len(frames) // number], size) for place in range(number))


def replayed(path: Path, *faults: Fault, candidate: BackendMaker = libnl) -> CaptureReport:
    """The report on a recording with recovery and these faults."""
    with open_capture(path) as reader:
        return replay_capture(reader, path.name, legacy, candidate, options=OPTIONS, faults=faults)[0]


def accusations(path: Path, faults: Sequence[Fault]) -> dict[str, list[str]]:
    """The windows after which the verdict is a regression, and what it names."""
    found = {}
    for fault in faults:
        report = replayed(path, fault)
        if report.verdict == "regression":
            rows = [f"{one.message} {one.field}: {one.reason}" for one in report.details if one.cls == "state"]
            found[str(fault)] = rows or [report.reason]
    return found


def _sweep(folder: str, seed: int, places: int) -> tuple[int, Path, dict[str, list[str]]]:
    path = churn(Path(folder) / f"churn-{seed}.pcapng", seed)
    faults = list(windows(path, places))
    return len(faults), path, accusations(path, faults)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make recordings and try all windows, with a process for each CPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=int, default=RECORDINGS)
    parser.add_argument("--places", type=int, default=PLACES)
    parser.add_argument("--seed", type=int, help="of the first recording; a random one unless given")
    options = parser.parse_args(arguments)
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    tried = wrong = 0
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor() as pool:
        seeds = range(seed, seed + options.recordings)
        for number, path, found in pool.map(partial(_sweep, folder, places=options.places), seeds):
            tried, wrong = tried + number, wrong + len(found)
            if found:
                sys.stdout.write(f"{shutil.copy(path, path.name)}\n")
            for fault, names in found.items():
                sys.stdout.write("\n    ".join((f"  {fault}", *names)) + "\n")
    sys.stdout.write(f"seed {seed}: {tried} windows of loss in {options.recordings} recordings, {wrong} accuse\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
