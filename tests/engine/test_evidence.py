"""A report shows what its differences rest on: the recorded message, the place of what differs, and both events.

Not here: how one message is shown (``tests/compare/evidence``), and keys in it (``tests/cli/test_keys``).
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import pytest

from nlmon.capture import open_capture
from nlmon.capture.write import PcapngWriter
from nlmon.compare.known import KnownDifferences
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.run import replay_capture
from nlmon.report.model import CaptureReport
from nlmon.testing.messages import link, message
from nlmon.testing.zoo import ZOO
from support.paths import CAPTURES
from support.sampled import one_in
from support.verdicts import legacy, libnl

TOPOLOGY = CAPTURES / "linux-6.12" / "02-route-topology.pcap.zst"
CONFLICT = "MTU in the other byte order"
# Implementations with one mistake each, and a recording that shows it.
CASES = {
    CONFLICT: "02-route-topology",
    "no event": "02-route-topology",
    "twice": "02-route-topology",
    "no RTM_DELLINK": "02-route-topology",
    "RouteInfo.metrics: only the first": "02-route-topology",
    "raises once": "02-route-topology",
    "no nl80211": "03-nl80211",
    "ConntrackInfo.reply: mirrored": "04-conntrack",
    "XfrmStateInfo.selector: ports swapped": "06-xfrm",
}


@cache
def reports(path: Path, candidate: BackendMaker = libnl) -> tuple[CaptureReport, ...]:
    """Both directions of a replay."""
    both = KnownDifferences(), KnownDifferences()
    with open_capture(path) as reader:
        return replay_capture(reader, path.name, legacy, candidate, known=both)


@pytest.mark.slow
@pytest.mark.parametrize("name", one_in(4, CASES, pytest.mark.long))
def test_an_example_is_of_the_first_of_its_group(name: str) -> None:
    """With the bytes that were recorded, the place that its row names, and an event of each that gave one."""
    path = CAPTURES / "linux-6.12" / f"{CASES[name]}.pcap.zst"
    with open_capture(path) as reader:
        recorded = {frame.number: frame.data for frame in reader}
    for report in reports(path, ZOO[name].make):
        rows = {(g.first.code, g.message, g.field): g.first for g in report.groups}
        examples = [one for one in report.examples if one.bytes]

        assert examples
        for one in examples:
            first = rows[one.code, one.message, one.field]
            assert (one.frame, one.offset) == (first.frame, first.offset)
            message_ = bytearray(recorded[one.frame][one.offset :][: one.length])
            for part in one.attributes:
                if part.hidden:
                    message_[part.offset + 4 : part.offset + part.length] = bytes(part.length - 4)
            assert bytes.fromhex(one.bytes) == message_
            assert sum(part.length for part in one.attributes if not part.depth) <= one.length
            if first.attribute_offset < 0:
                assert one.at is None
            else:
                assert one.at is not None
                begin, length = one.at
                assert begin == first.attribute_offset - first.offset
                shown = bytes.fromhex(first.hex.removesuffix(" …"))
                assert bytes.fromhex(one.bytes)[begin : begin + length].startswith(shown)
            if one.code in {"NLD101", "NLD102"}:
                assert None not in (one.reference_event, one.candidate_event)
            if one.code in {"NLD103", "NLD104"}:
                assert (one.reference_event is None, one.candidate_event is None) == (
                    first.reference != "an event",
                    first.candidate != "an event",
                )


@pytest.mark.slow
def test_both_directions_have_the_same_examples() -> None:
    """With the sides exchanged."""
    forward, back = reports(TOPOLOGY, ZOO[CONFLICT].make)

    assert [(e.code, e.bytes, e.reference_event, e.candidate_event) for e in back.examples] == [
        (e.code, e.bytes, e.candidate_event, e.reference_event) for e in forward.examples
    ]


def test_an_example_of_a_state_has_both_objects() -> None:
    """As they are in the end, and no message."""
    forward, _ = reports(TOPOLOGY, ZOO[CONFLICT].make)
    (one,) = [example for example in forward.examples if example.code == "NLD105"]

    assert (one.message, one.field, one.bytes, one.attributes) == ("link", "mtu", "", ())
    assert one.reference_event is not None
    assert one.candidate_event is not None
    assert one.reference_event["ifname"] == one.candidate_event["ifname"]
    assert one.reference_event["mtu"] != one.candidate_event["mtu"]


def test_what_agrees_has_no_examples() -> None:
    """Nor differences on its timeline; when it was, and of which file, is said all the same."""
    forward, back = reports(TOPOLOGY)
    with open_capture(TOPOLOGY) as reader:
        times = [frame.timestamp for frame in reader]

    assert (forward.examples, back.examples) == ([], [])
    assert forward.timeline is not None
    assert forward.timeline.differences == {}
    assert forward.time == back.time == (times[0], times[-1])
    assert forward.digest == back.digest == hashlib.sha256(TOPOLOGY.read_bytes()).hexdigest()


@pytest.mark.parametrize(("metadata", "host"), [({}, ""), ({"host": "router7"}, "router7")])
def test_a_recording_may_say_its_host(tmp_path: Path, metadata: dict[str, str], host: str) -> None:
    """As ours do."""
    path = tmp_path / "a.pcapng"
    with PcapngWriter(path, metadata=metadata) as writer:
        writer.write(socket=writer.add_socket("0", 0), timestamp=1, data=message(16, link(1, "lo")), direction="in")

    assert [report.host for report in reports(path)] == [host, host]
