"""The fixtures are the files that the manifest describes, and hold what was counted when they were recorded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from nlmon.capture import open_capture
from nlmon.cli.capture import summarise

FIXTURES = Path(__file__).parent.parent / "fixtures"
MANIFEST: dict[str, dict[str, Any]] = json.loads((FIXTURES / "manifest.json").read_text(encoding="utf-8"))
CAPTURES = [name for name in MANIFEST if name.endswith(".pcap.zst")]
# Names that the counting program used.
OTHER_NAMES = {"NLMSG_ERROR": "ERROR/ACK", "NLMSG_DONE": "DONE"}


def test_every_file_is_in_the_manifest() -> None:
    """No file without an origin, no row without a file."""
    files = {str(p.relative_to(FIXTURES)) for p in FIXTURES.rglob("*") if p.is_file()} - {"manifest.json"}

    assert files == set(MANIFEST)


@pytest.mark.parametrize("name", MANIFEST)
def test_digests(name: str) -> None:
    """A fixture is byte for byte what was recorded."""
    assert hashlib.sha256((FIXTURES / name).read_bytes()).hexdigest() == MANIFEST[name]["sha256"]


@pytest.mark.parametrize("name", CAPTURES)
def test_counts_by_another_program(name: str) -> None:
    """Messages per protocol and type are those that another program counted in the recording."""
    with open_capture(FIXTURES / name) as reader:
        summary = summarise(reader, name)
    lines = (FIXTURES / name).parent.joinpath("COUNTS.txt").read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(Path(name).name.removesuffix(".zst") + " "))
    counted = dict(word.split("=") for word in lines[at + 1].split())
    head = dict(word.split("=", 1) for word in lines[at].split() if "=" in word)

    ours = {
        f"ROUTE.{OTHER_NAMES.get(kind, kind.removeprefix('RTM_'))}": str(count)
        for kind, count in summary.protocols["NETLINK_ROUTE"].items()
    }
    assert ours == {kind: count for kind, count in counted.items() if kind.startswith("ROUTE.")}
    assert (str(summary.frames), str(summary.messages)) == (head["pkts"], head["msgs"])
    assert (summary.frames, summary.messages, summary.protocols) == tuple(
        MANIFEST[name][key] for key in ("frames", "messages", "protocols")
    )
