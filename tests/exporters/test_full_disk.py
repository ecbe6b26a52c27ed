"""A full disk: reported, counted, and no matter of the other exports; when there is room again, writing goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.namespaces import inside
from support.requirements import require_mounts

SMALL = """
import json, subprocess, sys, time
from contextlib import suppress
from pathlib import Path
from nlmon.capture import open_capture
from nlmon.exporters.files import JsonLinesExporter, PcapngExporter
from nlmon.exporters.queue import ExportQueue, Patience
from nlmon.exporters.rotation import Rotation
from support.exported import received

kind, small, elsewhere = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
(small / "ballast").write_bytes(bytes(2 << 20))
make = PcapngExporter if kind == "pcap" else JsonLinesExporter
reported = []
full = ExportQueue(
    make(small / "events", Rotation(size=40_000, count=99)),
    patience=Patience(tries=2, first=0.01, longest=0.02),
    on_change=lambda status: reported.append((status.state, status.error)),
)
other = ExportQueue(JsonLinesExporter(elsewhere / "events"))
for queue in (full, other):
    queue.exporter.open()
    queue.start()

def put(count=None):
    for event, datagram in received()[:count]:
        full.put(event, datagram)
        other.put(event, datagram)

def until(fact):
    deadline = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < deadline, full.status()
        time.sleep(0.002)

put(20)
until(lambda: full.status().written == 20)
with (small / "ballast").open("ab", buffering=0) as file, suppress(OSError):
    while file.write(bytes(4096)):
        pass
while not reported:
    put(5)
    time.sleep(0.01)
until(lambda: full.status().dropped.get("failed", 0) > 0)
(small / "ballast").unlink()
while full.status().state != "working":
    put(5)
    time.sleep(0.01)
put(20)
ends = full.close(60), other.close(60)

def read(path):
    if kind != "pcap":
        return [json.loads(line)["timestamp"] for line in path.read_bytes().splitlines()]
    with open_capture(path) as reader:
        found = [time for batch in reader.batches() for time in batch.timestamps]
        assert reader.damage is None, reader.damage
    return found

names = sorted(path.name for path in small.iterdir())
print(json.dumps({
    "reported": reported,
    "names": names,
    "read": sum(len(read(small / name)) for name in names),
    "full": [ends[0].state, ends[0].written, ends[0].waiting, dict(ends[0].dropped), ends[0].failures > 0],
    "other": [ends[1].state, ends[1].waiting, dict(ends[1].dropped), ends[1].failures],
    "put": ends[1].written,
}))
"""


@pytest.mark.live
@pytest.mark.parametrize("kind", ["json", "pcap"])
def test_a_full_disk_is_reported_and_writing_goes_on_when_there_is_room(tmp_path: Path, kind: str) -> None:
    """All files can be read and hold what counts as written; the other export has everything."""
    small, elsewhere = tmp_path / "small", tmp_path / "elsewhere"
    small.mkdir()
    elsewhere.mkdir()
    found: dict[str, Any] = inside(SMALL, kind, str(small), str(elsewhere), prefix=require_mounts())
    state, written, waiting, dropped, failed = found["full"]

    assert [name for name, _ in found["reported"]][:2] == ["failing", "working"]
    assert found["reported"][0][1].startswith("NLM-O005") and "No space left on device" in found["reported"][0][1]
    assert (state, waiting, failed, found["read"]) == ("closed", 0, True, written)
    assert (set(dropped), written + sum(dropped.values())) == ({"failed"}, found["put"])
    assert found["other"] == ["closed", 0, {}, 0]
