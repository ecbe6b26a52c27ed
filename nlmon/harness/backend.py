"""A program that speaks the harness protocol as an implementation like ours.

Rules:
1. What the program does wrong is an exception here, and so a crash of its lane: it never counts as agreement.
2. Many datagrams are asked in one go; where that fails, the answers that there were are kept, so that none is asked
   twice, and the mistake is raised at its own datagram.

Not here: which groups a socket joins beyond what nlmon's own implementations do (a program has no socket).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
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
from nlmon.framing import nlmsghdr
from nlmon.harness.conversation import Conversation
from nlmon.harness.program import Command
from nlmon.harness.protocol import Answer, Message, Refusal
from nlmon.harness.values import Values
from nlmon.transport.base import Transport, TransportFactory
from nlmon.uapi import (
    NETLINK_AUDIT,
    NETLINK_GENERIC,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_XFRM,
    NLMSG_HDRLEN,
)
from nlmon.wire import Datagram, Datagrams

__all__ = ["CONTROL", "UNSUPPORTED", "ProgramBackend"]

# Why a message is skipped: the program knows no event for it, or it is NOOP, DONE or an acknowledgement.
UNSUPPORTED, CONTROL = "unsupported", "control"
# What a socket of a program would join: what a monitor is told.
GROUPS: Mapping[int, tuple[int, ...]] = {
    NETLINK_ROUTE: (1, 3, 5, 7, 8, 9, 11, 19),
    NETLINK_SOCK_DIAG: (1, 2, 3, 4),
    NETLINK_XFRM: (1, 2, 3, 4, 5),
    NETLINK_AUDIT: (1,),
    NETLINK_NETFILTER: (1, 2, 3, 4, 5, 6),
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
REFUSED = "NLM-N020"
# As many as a kernel has at most, by and large.
GENERIC_GROUPS = 256


class ProgramBackend(Backend, bulk=True):
    """A program. ``values``: what it gives that is no value of ours, counted.

    Raises ``HarnessError`` or ``UsageError`` where it cannot be started or does not greet."""

    name = "exec"
    groups: ClassVar[Mapping[int, tuple[int, ...]]] = {}

    def __init__(
        self, transports: TransportFactory, options: BackendOptions | None = None, *, command: Command, name: str = ""
    ) -> None:
        super().__init__(transports, options)
        self.conversation = Conversation(command, transports.byteorder)
        hello = self.conversation.hello
        # What a program is called, and reads, is known when it has greeted.
        self.name = name or hello.name  # type: ignore[misc]
        joined = {int(protocol): groups for protocol, groups in hello.groups.items()}
        self.groups = {one: joined.get(one, GROUPS.get(one, ())) for one in hello.netlink}  # type: ignore[misc]
        self.values = Values(hello.absent)
        # Of a batch that failed: what was answered, and the mistake of the one behind, by datagram.
        self._header = nlmsghdr(self.byteorder).unpack_from
        self._kept: dict[int, tuple[bytes, Decoded | HarnessError]] = {}

    def opened(self, protocol: int, transport: Transport) -> None:
        """Of NETLINK_GENERIC every group there is, whatever its family, unless the program named some."""
        for group in range(1, GENERIC_GROUPS + 1) if protocol == NETLINK_GENERIC and not self.groups[protocol] else ():
            try:
                transport.join(group)
            except TransportError:
                break  # beyond the last one

    def decode(self, datagram: Datagram) -> Decoded:
        """What the program makes of a datagram. Raises ``HarnessError``."""
        kept = self._kept.pop(datagram.frame, None)
        if kept is not None and kept[0] is datagram.data:
            if isinstance(kept[1], HarnessError):
                raise kept[1]
            return kept[1]
        (answer,) = self.conversation.ask((datagram,))
        return self._decoded(datagram, answer)

    def decode_all(self, datagrams: Datagrams) -> Decoded:
        """What it makes of many. Raises ``HarnessError``; then ``decode`` gives what was answered of each."""
        self._kept.clear()
        each = list(datagrams)
        found: list[Decoded] = []
        try:
            for answer in self.conversation.ask(each):
                found.append(self._decoded(each[len(found)], answer))
        except HarnessError as error:
            outcomes: list[Decoded | HarnessError] = [*found, error]
            for datagram, outcome in zip(each, outcomes, strict=False):
                self._kept[datagram.frame] = datagram.data, outcome
            raise
        whole = Decoded([], [])
        for one in found:
            whole.add(one)
        return whole

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
        return found

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
            found.unknown.append((message.type, data[at + 16] if at + 16 < len(data) else -1))
        elif message.skip is not None:
            found.control += 1


def _error(name: str, frame: int, offset: int, told: Refusal) -> DecodeError:
    at = offset if told.at is None else told.at
    text = told.text or "no reason is given"
    if told.code == "NLM-D004":
        return KernelError(told.code, text, frame=frame, offset=at, errno=told.errno)
    kind = ERRORS.get(told.code)
    if kind is None:
        return RefusedMessage(REFUSED, f"{name} refuses a message", frame=frame, offset=at, path=told.path, why=text)
    return kind(told.code, text, frame=frame, offset=at, path=told.path)
