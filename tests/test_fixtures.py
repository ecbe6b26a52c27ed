"""The fixtures are the files that the manifest describes, and hold what was counted when they were recorded."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nlmon.capture import open_capture
from nlmon.cli.info import summarise
from nlmon.framing import messages
from nlmon.names import message_type
from support.paths import FIXTURES

MANIFEST: dict[str, dict[str, Any]] = json.loads((FIXTURES / "manifest.json").read_text(encoding="utf-8"))
CAPTURES = [name for name in MANIFEST if name.endswith(".pcap.zst")]
# How the counting program named message types, by protocol number.
COUNTED: dict[int, tuple[str, Callable[[int], str]]] = {
    0: ("ROUTE", lambda kind: message_type(0, kind).removeprefix("RTM_")),
    4: ("SOCK_DIAG", str),
    6: ("XFRM", lambda kind: message_type(6, kind).removeprefix("XFRM_MSG_")),
    9: ("AUDIT", str),
    11: ("CONNECTOR", str),
    12: ("NETFILTER", lambda kind: f"subsys{kind >> 8}.{kind & 0xFF}"),
    16: ("GENERIC", lambda kind: "nlctrl" if kind == 16 else f"family{kind:#x}"),
}
CONTROL = {2: "ERROR/ACK", 3: "DONE"}
# It had no names for these two.
NAMELESS = {"ROUTE.GETDCB": "ROUTE.78", "ROUTE.DELCHAIN": "ROUTE.101"}


def test_every_file_is_in_the_manifest() -> None:
    """No file without an origin, no row without a file."""
    files = {str(p.relative_to(FIXTURES)) for p in FIXTURES.rglob("*") if p.is_file()} - {"manifest.json"}

    assert files == set(MANIFEST)


def test_digests() -> None:
    """A fixture is byte for byte what was recorded."""
    digests = {name: hashlib.sha256((FIXTURES / name).read_bytes()).hexdigest() for name in MANIFEST}

    assert digests == {name: row["sha256"] for name, row in MANIFEST.items()}


@pytest.mark.parametrize("name", CAPTURES)
def test_counts_by_another_program(name: str) -> None:
    """Messages per protocol and type are those that another program counted in the recording."""
    with open_capture(FIXTURES / name) as reader:
        summary = summarise(reader, name)
    lines = (FIXTURES / name).parent.joinpath("COUNTS.txt").read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(Path(name).name.removesuffix(".zst") + " "))
    counted = dict(word.split("=") for word in lines[at + 1].split())
    head = dict(word.split("=", 1) for word in lines[at].split() if "=" in word)

    ours: Counter[str] = Counter()
    with open_capture(FIXTURES / name) as reader:
        for frame in reader:
            for header in messages(frame.data, reader.info.byteorder):
                protocol, naming = COUNTED[frame.protocol]
                kind = f"{protocol}.{CONTROL.get(header.type) or naming(header.type)}"
                ours[NAMELESS.get(kind, kind)] += 1
    assert ours == {kind: int(count) for kind, count in counted.items()}
    assert (str(summary.frames), str(summary.messages)) == (head["pkts"], head["msgs"])
    assert (summary.frames, summary.messages, summary.protocols) == tuple(
        MANIFEST[name][key] for key in ("frames", "messages", "protocols")
    )
