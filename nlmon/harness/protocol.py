"""The harness protocol, version 1, as values: what is asked, and what is answered.

Rules:
1. Names are fixed: programs that others wrote use them. Keys that begin with ``x-`` and unknown keys are ignored.
2. A line is made by hand where it is a datagram, of which there are many; the structure beside it says what it is.

Not here: bytes on pipes (``program``), values of fields (``values``).
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType

from nlmon.uapi import NETLINK_ROUTE, NLM_F_MULTI
from nlmon.wire import Datagram

__all__ = [
    "END",
    "FLUSH",
    "PROTOCOL",
    "Answer",
    "Ask",
    "AskDatagram",
    "AskEnd",
    "AskFlush",
    "AskHello",
    "Bye",
    "Farewell",
    "Greeting",
    "Hello",
    "Message",
    "Refusal",
    "Role",
    "ask_line",
    "hello_line",
    "payload_of",
    "role_of",
]

PROTOCOL = 1
# Bytes of an nlmsghdr, and of rtnetlink's types the first, and the rest of those that ask (linux/rtnetlink.h).
HEADER, FIRST, GETS = 16, 16, 2
Role: TypeAlias = Literal["notification", "dump", "reply", "request"]


class AskHello(Struct, frozen=True, tag_field="cmd", tag="hello"):
    """The first line to a program. ``byteorder``: that of the messages, which is the recording's."""

    protocol: int = PROTOCOL
    byteorder: Literal["little", "big"] = "little"


class AskDatagram(Struct, frozen=True, tag_field="cmd", tag="datagram"):
    """One datagram. ``n``: its number, from 1 since the last ``hello``; ``netlink``: the protocol, as NETLINK_ROUTE is
    0; ``data``: its bytes in base64; ``request``: of a reply or a dump those of the request, where they are known."""

    n: int
    netlink: int = 0
    role: Role = "notification"
    data: str = ""
    request: str = ""


class AskFlush(Struct, frozen=True, tag_field="cmd", tag="flush"):
    """To a program in ``batch`` mode: now is the time to answer."""


class AskEnd(Struct, frozen=True, tag_field="cmd", tag="end"):
    """That was all."""


Ask: TypeAlias = AskHello | AskDatagram | AskFlush | AskEnd


class Hello(Struct, frozen=True):
    """What a program says of itself. ``netlink``: protocols that it decodes; ``groups``: multicast groups by
    protocol whose notifications it is given; of a protocol that is not named all that a monitor listens to;
    ``mode``: ``stream`` answers each
    datagram, ``batch`` all of them after ``flush``. ``provides``: fields by kind of event; None: whatever it gives;
    ``interfaces``: the kinds whose interface it names; ``families``: by ``kind.field`` the address families in whose
    messages alone it provides a field.
    ``absent``: by ``kind.field`` the value that it gives for what is not in the message. ``shapes``: by kind another
    form than that of nlmon's events; of a route there is ``nexthops``."""

    name: str
    protocol: int
    version: str = ""
    language: str = ""
    netlink: tuple[int, ...] = (0,)
    groups: dict[str, tuple[int, ...]] = {}
    mode: Literal["stream", "batch"] = "stream"
    provides: dict[str, tuple[str, ...]] | None = None
    interfaces: tuple[str, ...] = ()
    families: dict[str, tuple[int, ...]] = {}
    absent: dict[str, Any] = {}
    shapes: dict[str, str] = {}


class Greeting(Struct, frozen=True):
    """The first line of a program."""

    hello: Hello


class Refusal(Struct, frozen=True):
    """What of a message could not be read. ``code``: ``refused``, or ``crash`` where the program caught an exception of
    its own, or one of nlmon's.
    ``at``: bytes into the datagram, None: the message; ``path``: the attribute; ``errno``: of
    the kernel's answer, positive."""

    code: str
    text: str = ""
    at: int | None = None
    path: str = ""
    errno: int = 0


class Message(Struct, frozen=True):
    """What became of one message: an event of ``kind`` with ``fields``, an error, or that it was skipped.

    ``offset``: bytes into the datagram; ``type``: nlmsg_type. ``interface``: name of the interface that it is about,
    where the program knows names. A message may have an event and an error (an attribute that cannot be read)."""

    offset: int
    type: int = -1
    kind: str = ""
    fields: dict[str, Any] | None = None
    interface: str | None | UnsetType = UNSET
    error: Refusal | None = None
    skip: str | None = None


class Answer(Struct, frozen=True):
    """What became of datagram ``n``."""

    n: int
    events: tuple[Message, ...]


class Farewell(Struct, frozen=True):
    """How many datagrams and events there were."""

    datagrams: int
    events: int


class Bye(Struct, frozen=True):
    """The last line of a program."""

    bye: Farewell


END = b'{"cmd":"end"}\n'
FLUSH = b'{"cmd":"flush"}\n'


def hello_line(byteorder: Literal["little", "big"]) -> bytes:
    """The first line to a program."""
    return msgspec.json.encode(AskHello(byteorder=byteorder)) + b"\n"


def ask_line(datagram: Datagram, byteorder: Literal["little", "big"], n: int) -> bytes:
    """The line of one datagram."""
    head = b'{"cmd":"datagram","n":%d,"netlink":%d,"role":"%s","data":"' % (
        n,
        datagram.protocol,
        role_of(datagram, byteorder).encode(),
    )
    line = head + b2a_base64(datagram.data, newline=False)
    if datagram.request:
        line += b'","request":"' + b2a_base64(datagram.request, newline=False)
    return line + b'"}\n'


def payload_of(ask: AskDatagram) -> tuple[bytes, bytes]:
    """The bytes of a datagram and of the request. Raises ``ValueError`` (binascii.Error) for what is no base64."""
    return a2b_base64(ask.data, strict_mode=True), a2b_base64(ask.request, strict_mode=True)


def role_of(datagram: Datagram, byteorder: Literal["little", "big"]) -> Role:
    """What a datagram is in its conversation. The kernel copies the flags of a request to what comes of it, so that
    NLM_F_REQUEST says nothing; of rtnetlink, where each fourth type asks, the type does."""
    data = datagram.data
    if len(data) < HEADER:
        return "notification"
    low, high = (data[6], data[4]) if byteorder == "little" else (data[7], data[5])
    if low & NLM_F_MULTI:
        return "dump"
    if datagram.request:
        return "reply"
    return "request" if datagram.protocol == NETLINK_ROUTE and high >= FIRST and high % 4 == GETS else "notification"
