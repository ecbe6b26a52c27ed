"""Decodes audit records: a text behind the message header (linux/audit.h).

Not here: the keys inside a record.
"""

from __future__ import annotations

import re
import struct

from nlmon.backends.libnl.decode.attributes import Decoder, Found
from nlmon.backends.libnl.policies.readers import DecodeContext
from nlmon.backends.libnl.uapi import NLMSG_HDRLEN
from nlmon.backends.reads import Reads
from nlmon.events import AuditInfo

__all__ = ["AuditDecoder"]

# audit(SECONDS.MILLISECONDS:SERIAL): as audit_log_start() writes it
STAMP = re.compile(rb"audit\((\d{1,18})\.(\d{3}):(\d{1,18})\): ?")


class AuditDecoder(Decoder):
    """Decoder of audit records for one byte order."""

    def __init__(self, byteorder: str) -> None:
        super().__init__(byteorder)
        self._u16 = struct.Struct(self.sign + "H").unpack_from

    def reads(self, handler: str, size: int, first: int, family: str) -> Reads | None:
        """A record has no attributes: its text is read as it is."""
        return Reads(size, None)

    def record(self, m: DecodeContext, start: int, end: int) -> Found:
        """One record; the type of the message is the type of the record."""
        (kind,) = self._u16(m.data, start + 4)
        body = m.data[start + NLMSG_HDRLEN : end].split(b"\0", 1)[0]
        stamp = STAMP.match(body)
        if stamp is None:
            return AuditInfo(kind, None, None, body.decode("utf-8", "backslashreplace")), None, None
        seconds, milliseconds, serial = map(int, stamp.groups())
        text = body[stamp.end() :].decode("utf-8", "backslashreplace")
        return AuditInfo(kind, (seconds * 1000 + milliseconds) * 1_000_000, serial, text), None, None
