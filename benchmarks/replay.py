"""Replay of a burst through both implementations: messages per second, and memory against length.

    python benchmarks/replay.py [CAPTURE]

Runs each measurement in a process of its own and prints Markdown: one lane alone, both with a verdict, and both on
a recording ten times as long (the same packets written ten times over). Ratios within one run are what counts;
absolute figures belong to the machine that printed them.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from nlmon.backends.base import create
from nlmon.capture import open_capture
from nlmon.capture.write import PcapngWriter
from nlmon.events import Datagram
from nlmon.replay import replay_capture
from nlmon.transport.replay import ReplayFactory

BURST = Path(__file__).parent.parent / "fixtures" / "captures" / "linux-6.12" / "07-burst.pcap.zst"
ROUNDS = 5
TIMES = 10


def longer(source: Path, target: Path, times: int) -> None:
    """Write the packets of a capture several times over."""
    with PcapngWriter(target, metadata={}) as writer:
        socket = writer.add_socket("tap", 0)
        for _ in range(times):
            with open_capture(source) as reader:
                for frame in reader:
                    writer.write(
                        socket=socket,
                        timestamp=frame.timestamp,
                        protocol=frame.protocol,
                        data=frame.data,
                        direction=frame.direction,
                    )


def measure(what: str, path: Path) -> dict[str, float]:
    """One measurement in this process: seconds, messages, peak resident memory in KiB."""
    start = time.perf_counter()
    if what == "dual":
        with open_capture(path) as reader:
            report = replay_capture(reader, str(path), partial(create, "legacy"), partial(create, "libnl"))
        messages = report.messages
    else:
        with open_capture(path) as reader:
            backend = create(what, ReplayFactory(reader.info.byteorder))
            messages = 0
            for frame in reader:
                decoded = backend.decode(Datagram(frame.number, frame.timestamp, frame.protocol, frame.data))
                messages += len(decoded.events) + decoded.control + len(decoded.unknown)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "messages": messages,
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def run(what: str, path: Path) -> dict[str, float]:
    """``measure`` in a fresh process."""
    command = [sys.executable, __file__, "--measure", what, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Print the table, or one measurement for the parent process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("capture", nargs="?", type=Path, default=BURST)
    parser.add_argument("--measure", choices=("legacy", "libnl", "dual"))
    arguments = parser.parse_args()
    if arguments.measure:
        sys.stdout.write(json.dumps(measure(arguments.measure, arguments.capture)))
        return
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "longer.pcapng"
        longer(arguments.capture, long, TIMES)
        rounds = [{what: run(what, arguments.capture) for what in ("legacy", "libnl", "dual")} for _ in range(ROUNDS)]
        ten = run("dual", long)
    out = ["| what | messages/s, median | of legacy | peak RSS, MiB |", "|---|---|---|---|"]
    for what in ("legacy", "libnl", "dual"):
        rate = statistics.median(r[what]["messages"] / r[what]["seconds"] for r in rounds)
        ratio = statistics.median(
            (r[what]["messages"] / r[what]["seconds"]) / (r["legacy"]["messages"] / r["legacy"]["seconds"])
            for r in rounds
        )
        rss = statistics.median(r[what]["rss"] for r in rounds) / 1024
        out.append(f"| {what} | {rate:,.0f} | {ratio:.2f} | {rss:.1f} |")
    once = statistics.median(r["dual"]["rss"] for r in rounds)
    out.append(f"| dual, {TIMES} times as long | {ten['messages'] / ten['seconds']:,.0f} | | {ten['rss'] / 1024:.1f} |")
    out.append("")
    out.append(f"Peak memory, {TIMES} times as long against once: {ten['rss'] / once:.3f}")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
