"""Writes docs/matrix.md: what the harnesses in .harnesses and nlmon's own implementations make of the recordings, and
harnesses/findings: of each disagreement the first message that shows it, alone in a capture.

    tools/harnesses && .venv/bin/python tools/matrix.py             the page and the captures
    .venv/bin/python tools/matrix.py --sample                       of one recording, the page to stdout

A capture is called by the implementation, and by what it gives wrongly: a field of a kind, or a problem with messages.

Not here: building the harnesses (``tools/harnesses``), and the comparison (``nlmon matrix``).
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nlmon.capture import open_capture

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "matrix.md"
FINDINGS = REPOSITORY / "harnesses" / "findings"
HEAD = """# Libraries beside each other

What netlink libraries and programs make of the recordings of this repository, beside nlmon's own implementations: each
value that anybody gives is held against the bytes of its message. The page is made by `tools/matrix.py`;
[Compare libraries](how-to/compare-libraries.md) says how to do the same with yours, and
[harnesses/FINDINGS.md](../harnesses/FINDINGS.md) describes the findings one by one, each with a capture of one message.

The worst comes first. *Errored* are datagrams of which a library gave no answer that counts, since it crashed, was
late or broke the protocol. A value that is *wrong* is not what the message holds. What a library does not provide is
no fault; how much each gives is counted behind the faults.

"""
# Recordings of sockets that carry nothing that a harness reads.
LEFT_OUT = ("09-untapped-audit-uevent-connector",)
# Linktype 253 of a capture, and what stands before a datagram in it: from the kernel to a program, and the protocol.
LINKTYPE, COOKED = 253, struct.Struct(">HH10xH")
TO_USER, ARPHRD_NETLINK = 6, 824


class Finding(NamedTuple):
    """What one implementation gives wrongly, and where it does so first; ``offset`` -1: of the whole datagram."""

    name: str
    capture: str
    frame: int
    offset: int


def recordings() -> list[str]:
    """The recordings of three kernels, and behind them those by hand, by their path."""
    folder = REPOSITORY / "fixtures" / "captures"
    found = [path for path in folder.rglob("*.pcap*") if not path.name.startswith(LEFT_OUT)]
    found.sort(key=lambda path: (path.parent.name == "by-hand", path))
    return [str(path.relative_to(REPOSITORY)) for path in found]


def harnesses() -> list[str]:
    """The programs that ``tools/harnesses`` has built."""
    folder = Path(os.environ.get("NLMON_HARNESSES", REPOSITORY / ".harnesses"))
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    programs = [path for path in there if path.is_file() and os.access(path, os.X_OK) and path.suffix != ".so"]
    return [f"exec:{path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path}" for path in programs]


def findings(report: dict[str, Any]) -> Iterator[Finding]:
    """Each implementation with each thing that it gives wrongly, and the first place of that."""
    for row in report["rows"]:
        for name in row["wrong"]:
            for one in row["examples"]:
                if one["said"].get(name) not in {None, one["bytes_say"], "(not provided)"}:
                    what = f"{name}.{row['kind']}.{row['field']}"
                    yield Finding(what, one["capture"], one["frame"], one["offset"])
                    break
    for row in report["whole"]:
        if one := row["example"]:
            what = f"{row['implementation']}.{row['kind']}.({row['problem']})"
            yield Finding(what, one["capture"], one["frame"], one["offset"])
    for one in report["failures"]:
        yield Finding(f"{one['implementation']}.(errored)", one["capture"], one["frame"], -1)


def alone(finding: Finding) -> bytes:
    """A capture of its message alone."""
    with open_capture(REPOSITORY / finding.capture) as reader:
        frame = next(one for one in reader if one.number == finding.frame)
    data = frame.data
    if finding.offset >= 0:
        (length,) = struct.unpack_from("<I", data, finding.offset)
        data = data[finding.offset : finding.offset + length]
    packet = COOKED.pack(TO_USER, ARPHRD_NETLINK, frame.protocol) + data
    seconds, nanoseconds = divmod(frame.timestamp, 10**9)
    head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, LINKTYPE)
    return head + struct.pack("<IIII", seconds, nanoseconds, len(packet), len(packet)) + packet


def write_findings(report: dict[str, Any]) -> None:
    """Write a capture for each, and no other."""
    FINDINGS.mkdir(exist_ok=True)
    for path in FINDINGS.glob("*.pcap"):
        path.unlink()
    for one in findings(report):
        path = FINDINGS / f"{one.name.replace('(', '').replace(')', '')}.pcap"
        if not path.exists():
            path.write_bytes(alone(one))


def main() -> int:
    """Run the matrix; its exit code is that of the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", action="store_true", help="one recording, to stdout")
    sample = parser.parse_args().sample
    captures = ["fixtures/captures/linux-6.18/01-rules-routes-neighbours.pcapng.zst"] if sample else recordings()
    named = [word for name in ("legacy", "libnl", *harnesses()) for word in ("-i", name)]
    command = [sys.executable, "-m", "nlmon", "matrix", *captures, *named, "--format", "markdown"]
    command += ["--explained", "harnesses/explained.toml"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command += ["--report", f"json:{report}"]
        done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode not in {0, 1}:
            return done.returncode
        if sample:
            sys.stdout.write(done.stdout)
        else:
            PAGE.write_text(HEAD + done.stdout, encoding="utf-8")
            write_findings(json.loads(report.read_bytes()))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
