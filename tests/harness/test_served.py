"""Our implementations through the protocol: what is compared over two pipes is what is compared directly."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.errors import InputError
from nlmon.harness.backend import ProgramBackend
from nlmon.harness.command import Command
from nlmon.harness.protocol import END, Greeting, Hello, ask_line, hello_line, role_of
from nlmon.harness.schema import protocol_schema
from nlmon.harness.serve import served
from nlmon.report.model import CaptureReport
from nlmon.testing.messages import addr, link, message
from nlmon.transport.base import TransportFactory
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram
from support.paths import CAPTURES
from support.verdicts import legacy, libnl, verdict

DIRECT = {"legacy": legacy, "libnl": libnl}
SMALL = {"linux-6.12/06-xfrm", "by-hand/01-rare-values"}
RECORDINGS = [
    pytest.param(name, marks=() if name in SMALL else pytest.mark.long)
    for name in sorted(f"{path.parent.name}/{path.name.partition('.pcap')[0]}" for path in CAPTURES.glob("*/*.pcap*"))
]


def through(name: str, transports: TransportFactory, options: BackendOptions) -> Backend:
    """An implementation of ours, as a program."""
    argv = (sys.executable, "-m", "nlmon", "serve", "-i", name)
    return ProgramBackend(transports, options, command=Command(argv, timeout=60), name=f"{name} served")


def plain(report: CaptureReport) -> dict[str, object]:
    """What a report says of the comparison, but for blind spots, which nobody looks for in what a program reads."""
    names = {"legacy served": "legacy", "libnl served": "libnl"}
    return {
        "verdict": report.verdict,
        "reason": report.reason.replace(" served", ""),
        "state": report.state,
        "differences": report.differences,
        "events": {names.get(name, name): count for name, count in report.events.items()},
        "enhancements": report.enhancements,
        "services": report.services,
        "messages": report.messages,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("role", ["candidate", "reference"])
def test_ours_through_the_protocol_is_ours(name: str, role: str) -> None:
    """Legacy against libnl, one of them as a program: the same verdict, differences and counts."""
    reference, candidate = (
        (legacy, partial(through, "libnl")) if role == "candidate" else (partial(through, "legacy"), libnl)
    )

    assert plain(verdict(name, reference=reference, candidate=candidate)) == plain(verdict(name))


MESSAGES = (
    message(16, link(7, "d0")),
    message(20, addr(7, "192.0.2.7"), flags=2) + message(3, bytes(4), flags=2),
    message(16, link(7, "d0"))[:30],
    message(9999, bytes(8)),
    message(2, bytes(20)),
    b"",
)


def conversation(name: str) -> list[bytes]:
    """Every line of a conversation about the messages, both ways."""
    datagrams = [Datagram(0, 0, 0, data) for data in MESSAGES]
    asked = [
        hello_line("little"),
        *(ask_line(one, "little", n) for n, one in enumerate(datagrams, 1)),
        END,
    ]
    answers = served(lambda kernel: create(name, RecordedFactory(kernel)), asked)
    return [*asked, *answers]


@pytest.mark.parametrize("name", DIRECT)
def test_every_line_keeps_the_schema(name: str) -> None:
    """In both directions; a line that is none does not."""
    validator = Draft202012Validator(protocol_schema())
    lines = [json.loads(line) for line in conversation(name)]

    assert [line for line in lines if list(validator.iter_errors(line))] == []
    assert list(validator.iter_errors({"n": 1})) != []
    assert list(validator.iter_errors({"n": 1, "events": [{"offset": 0, "kind": "link", "fields": {"mtu": []}}]})) != []


def _outcome(entry: dict[str, Any]) -> tuple[str, str]:
    """What became of a message."""
    if "error" in entry:
        return "error", entry["error"]["code"]
    return ("kind", entry["kind"]) if "kind" in entry else ("skip", entry["skip"])


def test_each_datagram_has_an_answer_and_bye_counts() -> None:
    """What gives no event is skipped, and what is damaged is an error at its offset."""
    answers = [json.loads(line) for line in conversation("legacy")[len(MESSAGES) + 3 :]]
    *events, bye = answers
    said = [[_outcome(entry) for entry in answer["events"]] for answer in events]

    assert [answer["n"] for answer in events] == [1, 2, 3, 4, 5, 6]
    assert said == [
        [("kind", "link")],
        [("kind", "addr"), ("skip", "control")],
        [("error", "NLM-D001")],
        [("skip", "unsupported")],
        [("skip", "control")],
        [],
    ]
    assert bye == {"bye": {"datagrams": 6, "events": 6}}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([b"listening"], "no line of the protocol (line 1): JSON is malformed"),
        ([b'{"cmd": "greet"}'], "no line of the protocol (line 1): Invalid value 'greet'"),
        ([b'{"cmd": "datagram", "n": 1}'], "the first line is no hello (line 1)"),
        ([b'{"cmd": "hello"}', b'{"cmd": "datagram", "n": 1, "data": "*"}'], "data is no base64 (line 2)"),
    ],
)
def test_a_mistake_of_whoever_asks_is_said(lines: list[bytes], said: str) -> None:
    """With the line."""
    with pytest.raises(InputError) as caught:
        list(served(lambda kernel: create("legacy", RecordedFactory(kernel)), lines))

    assert str(caught.value).startswith(f"NLM-N015: {said}")


@pytest.mark.parametrize(
    ("protocol", "data", "request_", "role"),
    [
        (0, message(16, link(7, "d0")), b"", "notification"),
        (0, message(16, link(7, "d0"), flags=2), b"", "dump"),
        (0, message(16, link(7, "d0")), b"asked", "reply"),
        (0, message(18, bytes(16), flags=0x301), b"", "request"),
        (12, message(18, bytes(16), flags=0x301), b"", "notification"),
        (0, b"", b"", "notification"),
    ],
)
def test_the_role_of_a_datagram(protocol: int, data: bytes, request_: bytes, role: str) -> None:
    """As far as it shows in the datagram."""
    assert role_of(Datagram(1, 0, protocol, data, request=request_), "little") == role


def test_what_is_left_out_of_hello_has_a_default() -> None:
    """A name and the version of the protocol are enough."""
    (found,) = structs.astuple(msgspec.json.decode(b'{"hello": {"name": "a", "protocol": 1, "new": 2}}', type=Greeting))

    assert found == Hello(name="a", protocol=1)
    assert (found.netlink, found.mode, found.provides) == ((0,), "stream", None)
