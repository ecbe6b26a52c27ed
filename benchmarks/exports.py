"""Memory of a monitor that exports by the million: ``python -m benchmarks.exports [--events 10000000]``.

The recordings of Linux 6.12 are read over and over by one implementation, as if the host had gone on, and each event
goes through all exporters at once: JSON lines and a capture that rotate, syslog over UDP, and metrics that are scraped.
A Markdown row is printed at every tenth: events, seconds, resident memory, descriptors, threads; at the end what each
exporter brought out.

Rules:
1. A full queue is waited for, as a recording can do and a socket cannot; so every event goes through every exporter.
2. Nobody reads what syslog sends: the kernel drops what has no room in the receiving socket, and notifies no sender.

Not here: speed (``ours``), and memory of a comparison (``soak``).
"""

from __future__ import annotations

import argparse
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from urllib.request import urlopen

from benchmarks.soak import RECORDINGS, ROWS, head, row, say, verdict
from nlmon.backends.registry import BACKENDS, create
from nlmon.capture import open_capture
from nlmon.engine.feed import Feed, Step
from nlmon.events import Event
from nlmon.exporters.files import JsonLinesExporter, PcapngExporter
from nlmon.exporters.metrics import Counts
from nlmon.exporters.prometheus import PrometheusExporter
from nlmon.exporters.queue import ExportQueue
from nlmon.exporters.rotation import Rotation
from nlmon.exporters.syslog import SyslogExporter, parse_server

# So small that files rotate hundreds of times.
ROTATION = Rotation(size=16 << 20, count=2)
# Seconds for what waits at the end.
END = 60.0


def endless(implementation: str) -> Iterator[tuple[Event, bytes]]:
    """Each event of every recording with its datagram, over and over."""
    with closing(Feed((partial(create, implementation),), "little", answers=False)) as feed:
        feed.start()
        while True:
            for path in sorted(RECORDINGS.glob("*.pcap.zst")):
                with open_capture(path) as reader:
                    for batch in reader.batches():
                        for step in feed.steps(batch):
                            yield from _events(step)
                for step in feed.flush():
                    yield from _events(step)


def _events(step: Step) -> Iterator[tuple[Event, bytes]]:
    for results in step.results:
        for side, data in zip(results.sides(), step.datagrams.data, strict=True):
            for event in side.events:
                yield event, data


def exported(total: int, implementation: str) -> None:
    """Let ``total`` events through all exporters."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receiver = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        receiver.bind(("127.0.0.1", 0))
        queues: list[ExportQueue] = []
        metrics = PrometheusExporter(
            implementation, counts=lambda: Counts(exports=[queue.status() for queue in queues]), port=0
        )
        queues += map(
            ExportQueue,
            (
                JsonLinesExporter(folder / "events.json", ROTATION),
                PcapngExporter(folder / "events.pcapng", ROTATION),
                SyslogExporter(parse_server(f"udp://127.0.0.1:{receiver.getsockname()[1]}")),
                metrics,
            ),
        )
        for queue in queues:
            queue.exporter.open()
            queue.start()
        head("events")
        start, sizes = time.perf_counter(), []
        for number, (event, datagram) in enumerate(endless(implementation), 1):
            for queue in queues:
                queue.put(event, datagram, wait=True)
            if number >= total * (len(sizes) + 1) // ROWS:
                urlopen(f"http://127.0.0.1:{metrics.port}/metrics", timeout=END).close()
                sizes.append(row(f"{len(sizes) + 1}/{ROWS}", number, start))
                if len(sizes) == ROWS:
                    break
        statuses = [queue.close(END) for queue in queues]
        counts = (f"{one.name} {one.written:,} written, {sum(one.dropped.values()):,} dropped" for one in statuses)
        verdict(sizes, "; ".join(counts))


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exports", description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("-i", "--implementation", choices=list(BACKENDS), default="libnl")
    arguments = parser.parse_args()
    say(f"{arguments.implementation}, {arguments.events:,} events\n")
    exported(arguments.events, arguments.implementation)


if __name__ == "__main__":
    main()
