"""What a report says beside the verdict, and that it is true.

Not here: notes on losses (``tests/transport/recorded/test_faults.py``), and on live runs (``test_live``).
"""

from __future__ import annotations

import struct
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.run import replay_capture
from nlmon.report.model import CaptureReport
from nlmon.testing.messages import link, message
from support.paths import CAPTURES

ROUTE, XFRM, GENERIC = 0, 6, 16
ANSWERS = "only recorded answers were compared"


def replayed(name: str, *protocols: int, names: tuple[str, str] = ("legacy", "libnl"), **more: Any) -> CaptureReport:
    """The report on a recording of Linux 6.12."""
    with open_capture(CAPTURES / "linux-6.12" / f"{name}.pcap.zst", byteorder=more.pop("byteorder", None)) as reader:
        reference, candidate = (partial(create, one) for one in names)
        return replay_capture(reader, name, reference, candidate, protocols=protocols or None, **more)[0]


@pytest.mark.parametrize(
    ("name", "protocol", "notes"),
    [
        ("08-tc", ROUTE, [f"no notification is of a multicast group that is joined; {ANSWERS}"]),
        ("05-sock_diag", ROUTE, [f"no notification of these protocols was recorded; {ANSWERS}"]),
        ("01-route-basic", GENERIC, [f"no notification of these protocols was recorded; {ANSWERS}"]),
        ("09-untapped-audit-uevent-connector", XFRM, []),
        ("09-untapped-audit-uevent-connector", GENERIC, []),
    ],
)
def test_why_only_answers_were_compared(name: str, protocol: int, notes: list[str]) -> None:
    """The recording has notifications that nobody would receive, or none; without answers there is nothing to say."""
    assert replayed(name, protocol).notes == notes


def test_a_comparison_with_itself_is_said() -> None:
    """It is no evidence about a move; where it is meant, it says whether anything differs without a reason."""
    same, other = (replayed("01-route-basic", names=("libnl", name)) for name in ("libnl", "legacy"))
    meant = replayed("01-route-basic", names=("libnl", "libnl"), control=True)

    assert (same.verdict, same.reason) == (
        *("inconclusive", "libnl is compared with itself, which says nothing about a move"),
    )
    assert (meant.verdict, meant.reason, meant.notes) == ("equivalent", "", same.notes)
    assert same.notes == ["libnl is compared with itself; a mistake that it makes on both sides cannot show"]
    assert other.notes == []


def test_families_that_nobody_joins_have_names() -> None:
    """Those that nlctrl gave them in the recording."""
    report = replayed("06-generic", options=BackendOptions(generic_families=("nl80211",)))

    assert report.not_subscribed == {"family TASKSTATS": 3, "family ethtool": 3}


@pytest.mark.parametrize(
    ("keep", "verdict", "reason"),
    [
        (20, "error", "its packets are truncated (snap length), and none holds a whole message"),
        (
            60,
            "inconclusive",
            "no event was compared: no notification could be read; 2 packets are truncated (snap length)",
        ),
    ],
)
def test_the_reason_of_a_snap_length(tmp_path: Path, keep: int, verdict: str, reason: str) -> None:
    """What is truncated is no other type, and no other byte order."""
    done, one = message(3, bytes(4)), message(16, link(1, "a"))
    records = b""
    for data in (one, done, one):
        packet = struct.pack(">HH10xH", 0, 824, 0) + data
        kept = packet[:keep]
        records += struct.pack("<IIII", 0, 0, len(kept), len(packet)) + kept
    path = tmp_path / "a.pcap"
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 253) + records)
    with open_capture(path) as reader:
        report, *_ = replay_capture(reader, "a", partial(create, "legacy"), partial(create, "libnl"))

    assert (report.verdict, report.reason) == (verdict, reason)


def test_the_reason_of_a_wrong_byte_order() -> None:
    """It is said with that of the file."""
    report = replayed("01-route-basic", byteorder="big")

    assert (report.verdict, report.state, report.reason) == (
        "error",
        None,
        "nothing in it reads as netlink in big-endian byte order; "
        "the file itself says little-endian, which is read without --byteorder",
    )
