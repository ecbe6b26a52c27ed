"""Audit records in the libnl implementation: a text behind the message header."""

from __future__ import annotations

import pytest

from nlmon.errors import UsageError
from nlmon.events import AuditInfo
from nlmon.testing.messages import message
from support.decoding import ORDERS, backend, decode, event, findings, payload

AUDIT = 9
SYSCALL, EOE, CONFIG_CHANGE, USER = 1300, 1320, 1305, 1112
SECOND = 1_000_000_000


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("text", "time", "serial", "rest"),
    [
        (b"audit(1700000000.123:456): arch=c000003e", 1_700_000_000 * SECOND + 123_000_000, 456, "arch=c000003e"),
        (b"audit(1700000000.007:1): ", 1_700_000_000 * SECOND + 7_000_000, 1, ""),
        (b"audit(0.000:0):x", 0, 0, "x"),
        (b"audit(1700000000.123:456): a=b\0tail", 1_700_000_000 * SECOND + 123_000_000, 456, "a=b"),
        (b'audit(1.000:2): name="caf\xc3\xa9" \xff', SECOND, 2, 'name="café" \\xff'),
        (b"pid=1 uid=0", None, None, "pid=1 uid=0"),
        (b" audit(1.000:2): x", None, None, " audit(1.000:2): x"),
        (b"audit(1.00:2): x", None, None, "audit(1.00:2): x"),
        (b"audit(-1.000:2): x", None, None, "audit(-1.000:2): x"),
        (b"audit(1.000:): x", None, None, "audit(1.000:): x"),
        (b"audit(" + b"9" * 19 + b".000:2): x", None, None, "audit(" + "9" * 19 + ".000:2): x"),
        (b"audit(1.000:" + b"9" * 5000 + b"): x", None, None, "audit(1.000:" + "9" * 5000 + "): x"),
        ("audit(\u0661.000:2): x".encode(), None, None, "audit(\u0661.000:2): x"),
        (b"", None, None, ""),
        (b"\0audit(1.000:2): x", None, None, ""),
    ],
)
def test_record(text: bytes, time: int | None, serial: int | None, rest: str, order: str) -> None:
    """Time in nanoseconds, serial number and text; a record without the stamp is text alone."""
    found = event("libnl", AUDIT, message(SYSCALL, text, byteorder=order), order)
    assert (found.payload, found.interface) == (AuditInfo(SYSCALL, time, serial, rest), None)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [USER, SYSCALL, CONFIG_CHANGE, EOE, 1000, 65535, 16])
def test_type_of_the_message_is_that_of_the_record(kind: int, order: str) -> None:
    """Any type above the control messages is a record."""
    assert payload("libnl", AUDIT, message(kind, b"x", byteorder=order), order) == AuditInfo(kind, None, None, "x")


def test_records_of_one_event_share_a_serial() -> None:
    """Several records in a datagram are several events, padding between them is nobody's text."""
    parts = [b"audit(1.500:9): a=1", b"audit(1.500:9): b=22", b"audit(1.500:9): "]
    data = b"".join(message(kind, text) for kind, text in zip((SYSCALL, 1307, EOE), parts, strict=True))
    decoded = decode("libnl", AUDIT, data)
    assert findings(decoded) == []
    stamp = (SECOND * 3 // 2, 9)
    assert [one.payload for one in decoded.events] == [
        *(AuditInfo(SYSCALL, *stamp, "a=1"), AuditInfo(1307, *stamp, "b=22"), AuditInfo(EOE, *stamp, "")),
    ]


def test_legacy_does_not_support_it() -> None:
    """Enabling is refused, and bytes of it give nothing but a count."""
    with pytest.raises(UsageError):
        backend("legacy").enable(AUDIT)
    decoded = decode("legacy", AUDIT, message(SYSCALL, b"audit(1.000:2): x"))
    assert (decoded.events, decoded.errors, len(decoded.unknown)) == ([], [], 1)
