"""Traces one notification from the capture to the verdict: which functions of nlmon are called, and in which modules.

    python tools/trace_notification.py [CAPTURE] [--frame N] [--packets N] [--verbose]

The packets before it are replayed first, one by one, so that layouts and shapes are compiled as they are in the midst
of a capture. Counting begins when the replay is handed the batch that holds this packet alone, and ends when the packet
was judged and folded into the states. A generator that goes on counts as a call, as does a function that nlmon made at
run time (``<layout>``); functions of other packages do not.

With ``--packets`` the capture is read in its own batches, and the figures are the calls of that many packets for each
notification among them, requests and acknowledgements included: what a notification costs in a long recording, where
many are decoded at once.

It traces the nlmon that its Python imports, also one of older checkouts: run it with the Python of that checkout.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import nlmon
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.capture import open_capture
from nlmon.capture.base import Batch, Frame

ROOT = Path(nlmon.__file__).parent
# An RTM_NEWROUTE of IPv4 with one hop, like hundreds before it.
CAPTURE, FRAME = Path(__file__).parents[1] / "fixtures" / "captures" / "linux-6.12" / "07-burst.pcap.zst", 14_307
# Where the replay is, or was.
MODULES = ("nlmon.engine.replay", "nlmon.replay")
# linux/netlink.h; not from nlmon.uapi, which older checkouts lack.
NLMSG_MIN_TYPE, NLM_F_REQUEST, NLM_F_MULTI = 0x10, 0x01, 0x02
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


def add(replay: Any) -> Callable[[Batch], None]:
    """The method of a replay that takes a batch, by the name that it has in this checkout."""
    found: Callable[[Batch], None] = replay.add if hasattr(replay, "add") else replay.take
    return found


def module_of(frame: FrameType) -> str | None:
    """The module of nlmon that a function is in, or ``<layout>`` and the like; None if it is of somebody else."""
    name = frame.f_code.co_filename
    if name.startswith("<"):
        return None if name.startswith("<frozen") else name
    path = Path(name)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else None


def calls_for(replay: Any, batch: Batch) -> list[tuple[str, str]]:
    """Module and function of every call that a batch costs."""
    found: list[FrameType] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            found.append(frame)

    sys.setprofile(note)
    try:
        add(replay)(batch)
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
                return calls_for(replay, Batch.of((frame,)))
            add(replay)(Batch.of((frame,)))
    raise SystemExit(f"trace_notification: {path.name} has no packet {number}")


def trace_stretch(path: Path, number: int, packets: int) -> tuple[list[tuple[str, str]], int]:
    """Replay a capture, in the batches it is read in, up to the one that holds a packet, and list the calls that this
    one and the next cost; and how many notifications are in them."""
    calls: list[tuple[str, str]] = []
    notifications = 0
    with open_capture(path) as reader:
        replay = replay_class()(LegacyBackend, LibnlBackend, byteorder=reader.info.byteorder)
        for batch in reader.batches():
            frames = [batch.frame(place) for place in range(len(batch.data))]
            if frames[-1].number < number:
                add(replay)(batch)
            elif frames[0].number < number + packets:
                calls += calls_for(replay, batch)
                notifications += sum(is_notification(frame, reader.info.byteorder) for frame in frames)
            else:
                return calls, notifications
    raise SystemExit(f"trace_notification: {path.name} has no packet {number + packets}")


def is_notification(frame: Frame, order: Literal["little", "big"]) -> bool:
    """Whether the kernel reports a change: no request, no part of a dump, and none of netlink's own messages."""
    kind, flags = (int.from_bytes(frame.data[at : at + 2], order) for at in (4, 6))
    return kind >= NLMSG_MIN_TYPE and not flags & (NLM_F_REQUEST | NLM_F_MULTI)


def main() -> None:
    """Print the figures, and with ``--verbose`` every call."""
    parser = argparse.ArgumentParser(description="Trace one notification from the capture to the verdict.")
    parser.add_argument("capture", nargs="?", type=Path, default=CAPTURE)
    parser.add_argument("--frame", type=int, default=FRAME, metavar="N", help="packet of the capture, from 1")
    parser.add_argument(
        "--packets", type=int, default=0, metavar="N", help="figures for each notification of N packets"
    )
    parser.add_argument("--verbose", action="store_true", help="print every call")
    options = parser.parse_args()

    notifications = 1
    if options.packets:
        calls, notifications = trace_stretch(options.capture, options.frame, options.packets)
    else:
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
    changes = sum(one != other for one, other in pairwise(modules))
    checks = sum(CHECK in function for _, function in calls)
    if options.packets:
        sys.stdout.write(f"notifications      {notifications}\n")
    for name, count in (("calls", len(calls)), ("changes of module", changes), ("checks of methods", checks)):
        shown = f"{count / notifications:.1f}" if options.packets else str(count)
        sys.stdout.write(f"{name:<18} {shown}\n")
    sys.stdout.write(f"modules            {len(set(modules))}\n")


if __name__ == "__main__":
    main()
