"""Traces one notification from the capture to the verdict: which functions of nlmon are called, and in which modules.

    python tools/trace_notification.py [CAPTURE] [--frame N] [--verbose]

The packets before it are replayed first, one by one, so that layouts and shapes are compiled as they are in the midst
of a capture. Counting begins when the replay is handed the batch that holds this packet alone, and ends when the packet
was judged and folded into the states. A generator that goes on counts as a call, as does a function that nlmon made at
run time (``<layout>``); functions of other packages do not.

It traces the nlmon that its Python imports, also one of older checkouts: run it with the Python of that checkout.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import nlmon
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.capture import open_capture
from nlmon.capture.base import Batch, Frame

ROOT = Path(nlmon.__file__).parent
# An RTM_NEWROUTE of IPv4 with one hop, like hundreds before it.
CAPTURE, FRAME = ROOT.parent / "fixtures" / "captures" / "linux-6.12" / "07-burst.pcap.zst", 14_307
# Where the replay is, or was.
MODULES = ("nlmon.engine.replay", "nlmon.replay")
# Asks whether a method is still the one that nlmon defined. Older checkouts have it.
CHECK = "_is_still"


def replay_class() -> Any:
    """``Replay`` of this checkout."""
    for name in MODULES:
        try:
            return importlib.import_module(name).Replay
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
    raise SystemExit("trace_notification: this nlmon has no Replay")


def module_of(frame: FrameType) -> str | None:
    """The module of nlmon that a function is in, or ``<layout>`` and the like; None if it is of somebody else."""
    name = frame.f_code.co_filename
    if name.startswith("<"):
        return None if name.startswith("<frozen") else name
    path = Path(name)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else None


def calls_for(replay: Any, frame: Frame) -> list[tuple[str, str]]:
    """Module and function of every call that one packet costs."""
    found: list[FrameType] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            found.append(frame)

    batch = Batch.of((frame,))
    sys.setprofile(note)
    try:
        replay.take(batch)
    finally:
        sys.setprofile(None)
    named = [(module_of(one), one.f_code.co_qualname) for one in found]
    return [(module, function) for module, function in named if module is not None]


def trace(path: Path, number: int) -> list[tuple[str, str]]:
    """Replay a capture up to a packet, and list the calls that this one costs."""
    with open_capture(path) as reader:
        replay = replay_class()(LegacyBackend, LibnlBackend, byteorder=reader.info.byteorder)
        for frame in reader:
            if frame.number == number:
                return calls_for(replay, frame)
            replay.take(Batch.of((frame,)))
    raise SystemExit(f"trace_notification: {path.name} has no packet {number}")


def main() -> None:
    """Print the figures, and with ``--verbose`` every call."""
    parser = argparse.ArgumentParser(description="Trace one notification from the capture to the verdict.")
    parser.add_argument("capture", nargs="?", type=Path, default=CAPTURE)
    parser.add_argument("--frame", type=int, default=FRAME, metavar="N", help="packet of the capture, from 1")
    parser.add_argument("--verbose", action="store_true", help="print every call")
    options = parser.parse_args()

    calls = trace(options.capture, options.frame)
    modules = [module for module, _ in calls]
    if options.verbose:
        runs: list[tuple[tuple[str, str], int]] = []
        for call in calls:
            if runs and runs[-1][0] == call:
                runs[-1] = call, runs[-1][1] + 1
            else:
                runs.append((call, 1))
        for (module, function), times in runs:
            sys.stdout.write(f"{module:40} {function}{f'  ({times} times)' if times > 1 else ''}\n")
    sys.stdout.write(f"calls              {len(calls)}\n")
    sys.stdout.write(f"modules            {len(set(modules))}\n")
    sys.stdout.write(f"changes of module  {sum(one != other for one, other in pairwise(modules))}\n")
    sys.stdout.write(f"checks of methods  {sum(CHECK in function for _, function in calls)}\n")


if __name__ == "__main__":
    main()
