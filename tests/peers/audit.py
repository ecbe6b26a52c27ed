"""Audit records by tshark, which shows a record's bytes, and by the commands that caused them.

Not here: comparing (``table``), and uevents and connector messages of the same recording, which we do not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nlmon.events import AuditInfo, Event
from peers.pieces import header_by_tshark
from peers.recording import Recording
from peers.table import Case, Witness
from peers.tshark import dissected

__all__ = ["CASES"]

AUDIT = 9
USER, CONFIG_CHANGE = 1005, 1305


def is_record(event: Event, _: Recording) -> bool:
    """An audit record."""
    return isinstance(event.payload, AuditInfo)


def by_tshark(source: Recording) -> Iterator[Witness]:
    """Every record: ``audit(SECONDS.MILLISECONDS:SERIAL): TEXT``; a record that a program sent has no such head."""
    wanted = {one.key for one in source.messages if one.frame.protocol == AUDIT}
    for m in dissected(source):
        if m.key not in wanted:
            continue
        whole = (m.rest or b"").split(b"\0")[0].decode()
        head, _, text = whole.partition("): ") if whole.startswith("audit(") else ("", "", whole)
        numbers = [int(word) for word in re.split(r"[.:]", head.removeprefix("audit("))] if head else []
        yield Witness(
            m.key,
            {
                **header_by_tshark(m),
                "record": m.header["type"],
                "time": numbers[0] * 10**9 + numbers[1] * 10**6 if numbers else None,
                "serial": numbers[2] if numbers else None,
                "text": text,
            },
        )


def by_auditctl(source: Recording) -> Iterator[Witness]:
    """The rules that ``auditctl`` made, by the key it gave them, and the message it sent, in order."""
    for row in source.commands("auditctl "):
        key = re.search(r"^auditctl -[aw] .* -k (\w+)$", row["cmd"])
        said = re.search(r'^auditctl -m "(.*)"$', row["cmd"])
        if key is None and said is None:
            continue
        kind = CONFIG_CHANGE if key else USER
        (record,) = [one for one in source.during(row, AUDIT) if one.header.type == kind]
        yield Witness(record.key, {"record": kind, "key": key and key[1], "said": said and said[1]})


def found(pattern: str) -> Any:
    """What a pattern finds in a record."""

    def derived(payload: Any) -> str | None:
        hit = re.search(pattern, payload.text)
        return None if hit is None else hit[1]

    return derived


DERIVED = {"key": found(r'op=add_rule key="(\w+)"'), "said": found(r"(hello from h1)")}
CAPTURE = ("09-untapped-audit-uevent-connector",)
NO_HEADER = {"event.msg_flags", "event.seq", "event.pid"}
CASES = (
    Case("audit", "tshark (bytes)", CAPTURE, ("libnl",), 375, by_tshark, is_record, silent=NO_HEADER),
    Case("audit", "auditctl", CAPTURE, ("libnl",), 6, by_auditctl, derived=DERIVED),
)
