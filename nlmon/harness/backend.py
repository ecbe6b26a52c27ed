"""A program that speaks the harness protocol as an implementation like ours.

Rules:
1. What the program does wrong is an exception here, and so a crash of its lane: it never counts as agreement.
2. Many datagrams are asked in one go. Whoever then takes them one by one is given the same answers, so that none is
   asked twice, and a mistake is raised at its own datagram.

Not here: which groups a socket joins beyond what nlmon's own implementations do (a program has no socket).
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import BACKENDS, PROGRAM
from nlmon.compare.statement import Statement, statement_of_hello
from nlmon.errors import (
    AttributeFormatError,
    DecodeError,
    FramingError,
    HarnessError,
    HeaderError,
    KernelError,
    MessageTooLarge,
    OverrunMessage,
    RefusedMessage,
    TransportError,
    WrappedLength,
)
from nlmon.events import Decoded, Event
from nlmon.framing import messages, nlmsghdr
from nlmon.harness.command import Command
from nlmon.harness.conversation import Conversation
from nlmon.harness.protocol import Answer, Hello, Message, Refusal
from nlmon.harness.values import NEXTHOPS, Values, nexthop_fields
from nlmon.transport.base import Transport, TransportFactory
from nlmon.uapi import (
    AUDIT_NLGRP_READLOG,
    NETLINK_AUDIT,
    NETLINK_GENERIC,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_XFRM,
    NFNLGRP_CONNTRACK_DESTROY,
    NFNLGRP_CONNTRACK_EXP_DESTROY,
    NFNLGRP_CONNTRACK_EXP_NEW,
    NFNLGRP_CONNTRACK_EXP_UPDATE,
    NFNLGRP_CONNTRACK_NEW,
    NFNLGRP_CONNTRACK_UPDATE,
    NLMSG_HDRLEN,
    NLMSG_MIN_TYPE,
    RTNLGRP_IPV4_IFADDR,
    RTNLGRP_IPV4_ROUTE,
    RTNLGRP_IPV4_RULE,
    RTNLGRP_IPV6_IFADDR,
    RTNLGRP_IPV6_ROUTE,
    RTNLGRP_IPV6_RULE,
    RTNLGRP_LINK,
    RTNLGRP_NEIGH,
    SKNLGRP_INET6_TCP_DESTROY,
    SKNLGRP_INET6_UDP_DESTROY,
    SKNLGRP_INET_TCP_DESTROY,
    SKNLGRP_INET_UDP_DESTROY,
    XFRMNLGRP_ACQUIRE,
    XFRMNLGRP_AEVENTS,
    XFRMNLGRP_EXPIRE,
    XFRMNLGRP_POLICY,
    XFRMNLGRP_SA,
)
from nlmon.wire import Datagram, Datagrams

__all__ = ["CONTROL", "UNSUPPORTED", "ProgramBackend", "stated_of"]

# Why a message is skipped: the program knows no event for it, or it is NOOP, DONE or an acknowledgement.
UNSUPPORTED, CONTROL = "unsupported", "control"
# What a socket of a program would join: those that a monitor joins.
GROUPS: Mapping[int, tuple[int, ...]] = {
    NETLINK_ROUTE: (
        *(RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE),
        *(RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE),
    ),
    NETLINK_SOCK_DIAG: (
        *(SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET_UDP_DESTROY),
        *(SKNLGRP_INET6_TCP_DESTROY, SKNLGRP_INET6_UDP_DESTROY),
    ),
    NETLINK_XFRM: (XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_SA, XFRMNLGRP_POLICY, XFRMNLGRP_AEVENTS),
    NETLINK_AUDIT: (AUDIT_NLGRP_READLOG,),
    NETLINK_NETFILTER: (
        *(NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, NFNLGRP_CONNTRACK_DESTROY),
        *(NFNLGRP_CONNTRACK_EXP_NEW, NFNLGRP_CONNTRACK_EXP_UPDATE, NFNLGRP_CONNTRACK_EXP_DESTROY),
    ),
}
# What an error is by its code: those of nlmon's own implementations; any other is a message that was refused.
ERRORS: Mapping[str, type[DecodeError]] = {
    "NLM-D001": FramingError,
    "NLM-D002": HeaderError,
    "NLM-D003": AttributeFormatError,
    "NLM-D005": OverrunMessage,
    "NLM-D006": MessageTooLarge,
    "NLM-D007": WrappedLength,
}
# As many as a kernel has at most, by and large.
GENERIC_GROUPS = 256


class ProgramBackend(Backend, bulk=True):
    """A program. ``values``: what it gives that is no value of ours, counted; ``statement``: what it says that it
    provides; ``unknown_names``: what it says there and no event has.

    Raises ``HarnessError`` or ``UsageError`` where it cannot be started or does not greet."""

    name = "exec"
    # Which of these a program reads, it says; what it reads of their messages, it does not (``reads``).
    groups: ClassVar[Mapping[int, tuple[int, ...]]] = {**GROUPS, NETLINK_GENERIC: ()}

    def __init__(
        self, transports: TransportFactory, options: BackendOptions | None = None, *, command: Command, name: str = ""
    ) -> None:
        super().__init__(transports, options)
        self.conversation = Conversation(command, transports.byteorder)
        hello = self.conversation.hello
        # What a program is called, and reads, is known when it has greeted.
        # Programs that have one name, such as two versions, are two implementations.
        self.identity = command.argv, command.directory
        own = hello.name if hello.name not in BACKENDS else f"{PROGRAM}{hello.name}"
        self.name = name or own  # type: ignore[misc]
        joined = {int(protocol): groups for protocol, groups in hello.groups.items()}
        self.groups = {one: joined.get(one, GROUPS.get(one, ())) for one in hello.netlink}  # type: ignore[misc]
        self.values = Values(hello.absent, hello.shapes)
        self.statement, self.unknown_names = stated_of(hello, self.values, self.name)
        # Of the datagrams that were asked last in one go, what came of each; by frame once somebody asks for one.
        self._asked: tuple[Sequence[Datagram], Sequence[Decoded | HarnessError]] = (), ()
        self._header = nlmsghdr(self.byteorder).unpack_from
        self._kept: dict[int, tuple[bytes, Decoded | HarnessError]] = {}

    def opened(self, protocol: int, transport: Transport) -> None:
        """Of NETLINK_GENERIC every group there is, whatever its family, unless the program named some."""
        for group in range(1, GENERIC_GROUPS + 1) if protocol == NETLINK_GENERIC and not self.groups[protocol] else ():
            try:
                transport.join(group)
            except TransportError as error:
                if error.errno == errno.EINVAL:
                    break  # beyond the last one

    def decode(self, datagram: Datagram) -> Decoded:
        """What the program makes of a datagram. Raises ``HarnessError``."""
        (each, outcomes), self._asked = self._asked, ((), ())
        for asked, outcome in zip(each, outcomes, strict=False):
            self._kept[asked.frame] = asked.data, outcome
        kept = self._kept.pop(datagram.frame, None)
        if kept is not None and kept[0] is datagram.data:
            if isinstance(kept[1], HarnessError):
                raise kept[1]
            return kept[1]
        (answer,) = self.conversation.ask((datagram,))
        return self._decoded(datagram, answer)

    def notes(self) -> list[str]:
        """What it names that no event has, with how often."""
        found = self.values.unknown
        rows = [f"{name} ({found[name]:,})" for name in sorted(found)]
        rows += [f"{name} (said in hello)" for name in self.unknown_names if name not in found]
        return [f"{self.name} gives what no event of nlmon has: {', '.join(rows)}"] if rows else []

    def decode_all(self, datagrams: Datagrams) -> Decoded:
        """What it makes of many. Raises ``HarnessError``; then ``decode`` gives what was answered of each."""
        self._kept.clear()
        each = list(datagrams)
        answers: list[Answer] = []
        failure: HarnessError | None = None
        try:
            for answer in self.conversation.ask(each):
                answers.append(answer)
        except HarnessError as error:
            failure = error
        whole = Decoded([], [])
        outcomes: list[Decoded | HarnessError] = []
        for datagram, answer in zip(each, answers, strict=False):
            try:
                one = self._decoded(datagram, answer)
            except HarnessError as error:
                failure = failure or error
                outcomes.append(error)
            else:
                whole.add(one)
                outcomes.append(one)
        self._asked = each, outcomes
        if failure is None:
            return whole
        outcomes.append(failure)
        raise failure

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        """Reading goes on only where there is a socket."""
        return False

    def close(self) -> None:
        """Close the transports and end the program. Raises ``HarnessError`` where it does not say goodbye."""
        super().close()
        self.conversation.close()

    # -- one answer ------------------------------------------------------------------------------------------

    def _decoded(self, datagram: Datagram, answer: Answer) -> Decoded:
        found = Decoded([], [])
        for message in answer.events:
            self._message(datagram, message, found)
        data = datagram.data
        if not answer.events or int.from_bytes(data[:4], self.byteorder) + 3 < len(data):  # more than one message
            self._unmentioned(datagram, {message.offset for message in answer.events}, found)
        return found

    def _unmentioned(self, datagram: Datagram, offsets: set[int], found: Decoded) -> None:
        """A message of which an answer says nothing was skipped."""
        for one in messages(datagram.data, self.byteorder):
            if one.offset not in offsets and one.type >= NLMSG_MIN_TYPE:
                found.unknown.append(_kind_of(one.type, datagram.data, one.offset))
            elif one.offset not in offsets:
                found.control += 1

    def _message(self, datagram: Datagram, message: Message, found: Decoded) -> None:
        data, at = datagram.data, message.offset
        if not 0 <= at <= len(data):
            what = f"{self.name} gave an event at offset {at} of {len(data)} bytes"
            raise HarnessError("NLM-N005", what, hint="offset is where the nlmsghdr of the message begins")
        if message.error is not None:
            if message.error.code == "crash":
                raise HarnessError("NLM-N011", f"{self.name} caught a crash of its own", why=message.error.text)
            found.errors.append(_error(self.name, datagram.frame, at, message.error))
        if message.fields is not None:
            payload = self.values.payload(message.kind, message.fields)
            if payload is None:
                what = f"{self.name} gave an event of kind {message.kind!r}"
                raise HarnessError("NLM-N005", what, hint="docs/harness.md has the kinds that there are")
            if at + NLMSG_HDRLEN > len(data):
                raise HarnessError("NLM-N005", f"{self.name} gave an event where no header fits", hint="see offset")
            _, msg_type, flags, seq, pid = self._header(data, at)
            head = datagram.timestamp, datagram.protocol, msg_type, flags, seq, pid, datagram.frame, at
            found.events.append(Event(*head, message.interface, payload, "netlink", datagram.nsid))
        elif message.skip == UNSUPPORTED:
            found.unknown.append(_kind_of(message.type, data, at))
        elif message.skip is not None:
            found.control += 1


def _kind_of(msg_type: int, data: bytes, offset: int) -> tuple[int, int]:
    """What messages that give no event are counted by: type, and the first byte behind the header."""
    first = offset + NLMSG_HDRLEN
    return msg_type, data[first] if first < len(data) else -1


def stated_of(hello: Hello, values: Values, name: str) -> tuple[Statement, tuple[str, ...]]:
    """The statement of a program, with its values as events have them, and the names in it that no event has."""
    provides = hello.provides
    if provides is not None and NEXTHOPS in provides.get("route", ()):
        provides = {**provides, "route": (*provides["route"], *nexthop_fields(provides.get("hop")))}
        provides["route"] = tuple(one for one in provides["route"] if one != NEXTHOPS)
    statement, unknown = statement_of_hello(structs.replace(hello, provides=provides, absent=values.absent), name)
    families = {
        place: frozenset(numbers)
        for place, numbers in hello.families.items()
        if statement.provides(*place.partition(".")[::2])
    }
    interfaces = statement.events & frozenset(hello.interfaces)
    return structs.replace(statement, families=families, interfaces=statement.interfaces | interfaces), unknown


def _error(name: str, frame: int, offset: int, refusal: Refusal) -> DecodeError:
    at = offset if refusal.at is None else refusal.at
    text = refusal.text or "no reason is given"
    if refusal.code == "NLM-D004":
        return KernelError(refusal.code, text, frame=frame, offset=at, errno=refusal.errno)
    kind = ERRORS.get(refusal.code)
    if kind is None:
        return RefusedMessage(
            "NLM-N020", f"{name} refuses a message", frame=frame, offset=at, path=refusal.path, why=text
        )
    return kind(refusal.code, text, frame=frame, offset=at, path=refusal.path)
