"""No output shows a key: one is planted in each attribute that may hold one, and looked for in all that commands print.

Not here: recordings themselves, which hold keys and are their owner's alone (``tests/capture``).
"""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.capture.write import PcapngWriter
from nlmon.compare.evidence.hidden import shown_bytes
from nlmon.engine.run import replay_capture
from nlmon.events import Event, GenericInfo
from nlmon.names.secret import SECRETS
from nlmon.report.jsonout import report_bytes
from nlmon.testing.messages import attr, family, generic, message, nested
from nlmon.testing.zoo import ZOO
from nlmon.testing.zoo.base import changing
from nlmon.wire import Datagram
from support.command import nlmon

# Nothing else has these bytes, in either direction.
KEY = bytes.fromhex("5ec2e7a1b39d48f0c6178e2ab4d390fe")
NUMBERS = {name: 20 + n for n, name in enumerate(SECRETS)}
ALGORITHM = b"cbc(aes)".ljust(64, b"\0") + (8 * len(KEY)).to_bytes(4, "little")
XFRM, SOCK_DIAG, GENERIC = 6, 4, 16
# Implementations that say something wrong of messages that hold keys.
WRONG = [name for name, bad in ZOO.items() if bad.protocol in {4, 6, 16} or "drop" in name or "twice" in name]
WRONG += ["name of a family", "raw attributes cut", "command of nl80211"]
CASES = [(kind, number) for kind, numbers in SECRETS.items() for number in numbers]


def planted(kind: str, number: int, where: bytes = KEY) -> tuple[int, bytes]:
    """Protocol and message with a key in an attribute of a kind."""
    if kind == "xfrm":
        return XFRM, message(16, bytes(224) + attr(number, ALGORITHM + where))
    if kind == "sock_diag":
        return SOCK_DIAG, message(20, bytes([2]) + bytes(71) + attr(number, bytes(20) + where))
    inside = nested(number, nested(1, attr(2, where)))
    return GENERIC, generic(NUMBERS[kind], 1, attr(number, where), inside)


def shapes() -> list[bytes]:
    """A key in every form in which it may be printed."""
    found = []
    for key in (KEY, KEY[::-1]):
        encoded = [base64.b64encode(bytes(n) + key)[4:-4] for n in range(3)]
        found += [key, key.hex().encode(), key.hex(" ").encode(), key.hex(":").encode(), *encoded]
    # A part of it is a key, too.
    return found + [KEY[at : at + 5].hex(between).encode() for at in range(12) for between in (" ", ":")]


def seen(data: bytes) -> list[bytes]:
    """The forms of the key that are in an output."""
    return [shape for shape in shapes() if shape in data.lower() or shape in data]


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every attribute with a key, whole, and cut inside of the key; families with names, and one without."""
    path = tmp_path_factory.mktemp("keys") / "keys.pcapng"
    with PcapngWriter(path, metadata={}) as writer:
        sockets = {protocol: writer.add_socket(str(protocol), protocol) for protocol in (XFRM, SOCK_DIAG, GENERIC)}
        rows = [(GENERIC, family(number, name)) for name, number in NUMBERS.items()]
        for kind, number in CASES:
            protocol, data = planted(kind, number)
            rows += [(protocol, data), (protocol, data[:-20]), (protocol, data[:-8] + bytes(4))]
        rows.append((GENERIC, generic(99, 1, attr(3, KEY))))
        rows.append((XFRM, message(2, bytes(4) + planted("xfrm", 1)[1])))
        for n, (protocol, data) in enumerate(rows, 1):
            writer.write(socket=sockets[protocol], timestamp=n, data=data, direction="in")
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("decode",),
        ("decode", "--select", "all"),
        ("decode", "-i", "legacy", "--select", "all"),
        ("replay",),
        ("replay", "--format", "json"),
        ("replay", "--format", "jsonl", "--both-ways"),
        ("replay", "--format", "json", "-i", "legacy", "--against", "libnl"),
        ("replay", "--format", "json", "--select", "all"),
        ("capture", "info"),
        ("capture", "info", "--format", "json"),
        ("capture", "stats", "--format", "json"),
        ("coverage", "-v"),
        ("coverage", "--format", "json"),
        ("debug", "layout"),
        ("scenario", "new", "--from"),
    ],
    ids=" ".join,
)
def test_no_command_prints_a_key(capture: Path, words: tuple[str, ...]) -> None:
    """Neither on stdout nor on stderr, in no format."""
    done = nlmon(*words, capture)

    assert seen((done.stdout + done.stderr).encode()) == []
    assert "Traceback" not in done.stderr
    assert done.stdout + done.stderr != ""


def other_attributes(event: Event) -> Event:
    """An event of a generic message with one attribute less."""
    payload = event.payload
    if not isinstance(payload, GenericInfo) or not isinstance(payload.attributes, tuple):
        return event
    return structs.replace(event, payload=structs.replace(payload, attributes=payload.attributes[1:]))


@pytest.mark.slow
def test_no_difference_prints_a_key(capture: Path) -> None:
    """Nor what differs, when implementations do: values, what is inside of them, and the bytes in evidence."""
    shown, hidden = [], []
    for make in (*(ZOO[name].make for name in WRONG), changing(other_attributes), changing(lambda _: None)):
        with open_capture(capture) as reader:
            reports = replay_capture(reader, "keys", partial(create, "legacy"), make, select="all")
        shown += [report_bytes(one) for one in reports]
        hidden += [part.name for one in reports for e in one.examples for part in e.attributes if part.hidden]

    assert [seen(one) for one in shown] == [[] for _ in shown]
    assert {"XFRMA_ALG_AUTH", "INET_DIAG_MD5SIG", "WGDEVICE_A_PRIVATE_KEY"} <= set(hidden)
    assert b" bytes)" in b"".join(shown)


def test_a_key_is_shown_as_its_length(capture: Path) -> None:
    """Where an implementation keeps an attribute as it is, and where evidence shows its bytes."""
    assert '[3,"(16 bytes)"]' in nlmon("decode", "--select", "all", capture).stdout


@pytest.mark.parametrize(("kind", "number"), CASES)
def test_no_evidence_has_a_key(kind: str, number: int) -> None:
    """Wherever the window begins and ends, and wherever the message was cut; all else is shown."""
    protocol, data = planted(kind, number)
    names = {NUMBERS[kind]: {kind}}.get
    for cut in range(len(data)):
        for one in (data[: len(data) - cut], data[:20] + data[20 + cut :]):
            shown = shown_bytes(Datagram(1, 0, protocol, one), 0, len(one), "little", lambda n: names(n) or ())
            assert seen(shown.encode()) == []
    shown = shown_bytes(Datagram(1, 0, protocol, data), 0, 16, "little", lambda n: names(n) or ())
    assert shown == data[:16].hex(" ")


def test_a_family_without_a_name_may_have_keys() -> None:
    """So no attribute of it is shown, while those of other families are."""
    data = generic(30, 1, attr(1, KEY))
    shown = [
        shown_bytes(Datagram(1, 0, GENERIC, data), 0, len(data), "little", lambda _, name=name: name)
        for name in ((), ("devlink",))
    ]

    assert shown == [f"{data[:24].hex(' ')} (16 bytes)", data.hex(" ")]
