"""Messages of syslog as bytes: by RFC 5424 for servers, and as syslog(3) writes them for the socket of this host.

Rules:
1. A message is printable ASCII, whatever an event holds: JSON escapes the rest.
2. What is longer than a server must take is cut, and then ends in ``...``.

Not here: sending (``syslog``).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from nlmon.events import Event
from nlmon.exporters.layout import exported_line
from nlmon.names import message_type

__all__ = ["FACILITIES", "SEVERITIES", "Sender", "ascii_json"]


def _words(text: str) -> list[str]:
    return text.split()


# RFC 5424, 6.2.1; what syslog.h has no name for is left out.
FACILITIES: Mapping[str, int] = MappingProxyType(
    {
        **{
            name: n
            for n, name in enumerate(_words("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp"))
        },
        **{f"local{n}": 16 + n for n in range(8)},
    }
)
SEVERITIES: Mapping[str, int] = MappingProxyType(
    {name: n for n, name in enumerate(_words("emerg alert crit err warning notice info debug"))}
)
# Bytes of a message, of which receivers take 2,048 by the RFC and 8,192 by default (rsyslog).
LONGEST = 8192
CUT: Final = b"..."
# Seconds since 1970 of the year 10000, which RFC 3339 has no room for. No clock says so, but a capture may.
NO_YEAR = 253_402_300_800
_MONTHS = _words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")


class Sender(Struct, frozen=True):
    """Who sends: names, and the numbers of facility and severity."""

    host: str
    app: str
    pid: int
    facility: int = FACILITIES["local0"]
    severity: int = SEVERITIES["info"]

    def rfc5424(self, event: Event) -> bytes:
        """An event for a server. The message type is the MSGID; there is no structured data."""
        seconds, rest = divmod(event.timestamp, 1_000_000_000)
        stamp = "-"  # a time that cannot be written
        if 0 <= seconds < NO_YEAR:
            stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest // 1000:06d}Z"
        kind = message_type(event.protocol, event.msg_type)
        head = (
            f"<{self.facility * 8 + self.severity}>1 {stamp} {_word(self.host, 255)} {_word(self.app, 48)} {self.pid} "
            f"{_word(event.type if event.type != 'netlink' else kind, 32)} - "
        )
        return _cut(head.encode() + ascii_json(event))

    def local(self, event: Event) -> bytes:
        """An event for the socket of this host, in the form of syslog(3)."""
        at = time.localtime(min(max(event.timestamp // 1_000_000_000, 0), NO_YEAR))
        stamp = f"{_MONTHS[at.tm_mon - 1]} {at.tm_mday:2d} {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
        head = f"<{self.facility * 8 + self.severity}>{stamp} {_word(self.app, 48)}[{self.pid}]: "
        return _cut(head.encode() + ascii_json(event))


def ascii_json(event: Event) -> bytes:
    """The line of an event without its newline, in ASCII."""
    line = exported_line(event)[:-1]
    return line if line.isascii() else _NOT_ASCII.sub(lambda found: _escaped(found[0]), line.decode()).encode()


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _word(text: str, longest: int) -> str:
    """A text as a field of the header, where a space ends it: printable ASCII, or ``-`` for none."""
    return re.sub(r"[^!-~]", "?", text)[:longest] or "-"


def _cut(message: bytes) -> bytes:
    return message if len(message) <= LONGEST else message[: LONGEST - len(CUT)] + CUT
