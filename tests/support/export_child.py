"""Exports without end, for a test that ends it: ``python -m support.export_child KIND PATH FIRST SIZE``.

Events are those of a recording again and again, each with a number for its time, from ``FIRST`` on. After each hundred
this prints how many are out; on SIGTERM it closes the queue and prints its status.

Not here: what a killed process leaves (``tests/exporters/test_killed.py``).
"""

from __future__ import annotations

import json
import signal
import sys
import time
from itertools import cycle
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nlmon.exporters.files import JsonLinesExporter, PcapngExporter
from nlmon.exporters.queue import ExportQueue
from nlmon.exporters.rotation import Rotation
from support.exported import BASIC, received

__all__ = ()


def main(kind: str, path: str, first: int, size: int) -> None:
    """Export until SIGTERM."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    rotation = Rotation(size=size, count=400, compress=kind == "compressed")
    make = PcapngExporter if kind == "pcap" else JsonLinesExporter
    queue = ExportQueue(make(Path(path), rotation))
    queue.exporter.open()
    queue.start()
    for number, (event, datagram) in enumerate(cycle(received(BASIC, "legacy")), first):
        if ended:
            break
        if number % 100 == 0:
            while queue.status().waiting > 500 and not ended:
                time.sleep(0.001)
            sys.stdout.write(f"{queue.exporter.written}\n")
            sys.stdout.flush()
        queue.put(replace(event, timestamp=number, frame=number), datagram)
    status = queue.close(60)
    sys.stdout.write(json.dumps({**msgspec.to_builtins(status), "put": number - first}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
