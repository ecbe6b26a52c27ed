"""``python -m benchmarks.switch``: what a switch loses, and what a restart with another configuration loses.

Both happen in a network namespace while addresses come and go without a pause, and a third listener records. The gap is
the time between the last event of the old implementation and the first one of the new, as the recording has them.

Rules:
1. One kind after the other, in turns, on the same churn; medians are printed, and all that is missing is counted.

Not here: whether a switch is right, which tests say (``tests/live/test_switch.py``).
"""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.namespace import namespace

ROUNDS = 5
CHURN = "\n".join(f"addr add 10.{n >> 14}.{n >> 6 & 255}.{n & 63}/32 dev lo" for n in range(1 << 15))
NLMON = [sys.executable, "-m", "nlmon"]


def main() -> None:
    """Measure in a namespace of its own, and print a table."""
    if sys.argv[1:] != ["inside"]:
        sys.exit(subprocess.run([*namespace(), sys.executable, "-m", __spec__.name, "inside"], check=False).returncode)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    rounds = [{kind: _measured(kind) for kind in ("switch", "restart")} for _ in range(ROUNDS)]
    print("|  | events | missing | twice | gap in ms |\n|---|---|---|---|---|")  # noqa: T201
    for kind in ("switch", "restart"):
        found = [one[kind] for one in rounds]
        events, missing, twice = (sum(one[name] for one in found) for name in ("events", "missing", "twice"))
        gap = statistics.median(one["gap"] for one in found)
        print(f"| {kind} | {events:,} | {missing:,} | {twice:,} | {gap:,.1f} |")  # noqa: T201


def _measured(kind: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="nlmon-") as name:
        folder = Path(name)
        out, capture = folder / "out.json", folder / "third.pcapng"
        record = ["record", str(capture), "--protocol", "route", "--receive-buffer", str(64 << 20), "--no-final-dump"]
        with _running(record, "recording"), _churn():
            options = ["--config", str(folder / "nlmon.yaml"), "--socket", str(folder / "nlmon.sock")]
            _write(folder, "legacy")
            with _running(options, "started"):
                _until_lines(out, 100)
                if kind == "switch":
                    subprocess.run([*NLMON, "switch", "libnl", *options[2:]], check=True, stdout=subprocess.DEVNULL)
                    _until_lines(out, _lines(out) + 100)
            if kind == "restart":
                before = _lines(out)
                _write(folder, "libnl")
                with _running(options, "started"):
                    _until_lines(out, before + 100)
        subprocess.run(["ip", "addr", "flush", "dev", "lo"], check=True)
        return _counted(out, capture)


def _counted(out: Path, capture: Path) -> dict[str, Any]:
    """What is missing between the first and the last event of an export, and the longest time without one."""
    decoded = subprocess.run([*NLMON, "decode", str(capture)], capture_output=True, text=True, check=True).stdout
    received = [(_address(one), one["timestamp"]) for one in map(json.loads, decoded.splitlines()) if _address(one)]
    got = Counter(_address(one) for one in map(json.loads, out.read_text(encoding="utf-8").splitlines()))
    got.pop("", None)
    places = [place for place, (address, _) in enumerate(received) if address in got]
    between = received[places[0] : places[-1] + 1]
    times = [time for address, time in between if address in got]
    return {
        "events": len(between),
        "missing": sum(address not in got for address, _ in between),
        "twice": sum(count - 1 for count in got.values()),
        "gap": max(later - time for time, later in itertools.pairwise(times)) / 1e6,
    }


def _address(event: dict[str, Any]) -> str:
    netlink = event["netlink"]
    return netlink["addr"]["addr"] if netlink and netlink["msg_type"] == "RTM_NEWADDR" else ""


def _write(folder: Path, implementation: str) -> None:
    text = f"netlink: {{use_libnl: {str(implementation == 'libnl').lower()}, buffer_size: {{receive: 10MB}}}}\n"
    text += f"export: {{console: {{enabled: false}}, json: {{file: {folder}/out.json}}}}\n"
    new = folder / "new"
    new.write_text(text, encoding="utf-8")
    # A monitor that runs sees nothing of it: only the next one reads it.
    new.replace(folder / "nlmon.yaml")


def _lines(out: Path) -> int:
    return out.read_bytes().count(b"\n") if out.exists() else 0


def _until_lines(out: Path, count: int) -> None:
    while _lines(out) < count:
        pass


@contextmanager
def _running(options: list[str], words: str) -> Iterator[None]:
    """A command that runs once it has said some words, and until the block ends."""
    with subprocess.Popen([*NLMON, *options], stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        try:
            for line in child.stderr:
                if words in line:
                    break
            yield
        finally:
            child.terminate()
            child.communicate()


@contextmanager
def _churn() -> Iterator[None]:
    """Addresses that are added until the block ends, or there are enough."""
    with subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL) as child:
        assert child.stdin is not None
        feeder = subprocess.Popen(
            [sys.executable, "-c", _FEED], stdin=subprocess.PIPE, stdout=child.stdin.fileno(), text=True
        )
        assert feeder.stdin is not None
        feeder.stdin.write(CHURN)
        feeder.stdin.close()
        try:
            yield
        finally:
            feeder.kill()
            feeder.wait()
            child.kill()


# A line each half a millisecond, so that no implementation has too much to do.
_FEED = """
import sys, time
for line in sys.stdin.read().splitlines():
    sys.stdout.write(line + "\\n")
    sys.stdout.flush()
    time.sleep(0.0005)
"""

if __name__ == "__main__":
    main()
