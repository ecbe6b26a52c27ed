"""A recording as the peers need it: its frames, its log, and what each implementation makes of every message.

Rules of this file:
1. Events are found by their place, frame and offset, never by a value that is compared.
2. Everything is read once and kept, since several peers look at the same recording.

Not here: what a peer says (one module per protocol), and comparing (``table``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import zstandard

from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.capture.base import Frame
from nlmon.capture.conversation import Conversation
from nlmon.capture.segment import Place, Role
from nlmon.engine.recorded import RecordedLane
from nlmon.events import Event
from nlmon.framing import MessageHeader, messages
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams
from support.paths import CAPTURES

__all__ = ["BACKENDS", "CAPTURES", "KERNELS", "Message", "Recording", "recording"]

KERNELS = ("linux-6.1", "linux-6.12")
BACKENDS = ("legacy", "libnl")
NLM_F_REQUEST = 1
# When a log says that a command ended, the last packet of its dump may have a time a little later.
SLACK = 0.05


class Message(NamedTuple):
    """One netlink message: where it is, what its datagram is in its conversation, its header, its bytes."""

    frame: Frame
    place: Place
    header: MessageHeader

    @property
    def key(self) -> tuple[int, int]:
        """Frame and offset."""
        return self.frame.number, self.header.offset

    @property
    def data(self) -> bytes:
        """The whole message."""
        return self.frame.data[self.header.offset : self.header.offset + self.header.length]

    @property
    def asks(self) -> bool:
        """Whether a program sent it."""
        return bool(self.header.flags & NLM_F_REQUEST)


class Recording:
    """A capture and the log beside it."""

    def __init__(self, kernel: str, name: str) -> None:
        self.name = name
        self.path = CAPTURES / kernel / f"{name}.pcap.zst"
        conversation = Conversation("little")
        with open_capture(self.path) as reader:
            self.frames = [(frame, conversation.place(frame)) for frame in reader]
        self.messages = [
            Message(frame, place, header) for frame, place in self.frames for header in messages(frame.data, "little")
        ]
        self._decoded: dict[str, tuple[dict[tuple[int, int], Event], Counter[str], list[str]]] = {}

    @property
    def log(self) -> list[dict[str, Any]]:
        """Every command of the run, in order."""
        path = self.path.with_name(self.path.name.replace(".pcap.zst", ".log.jsonl.zst"))
        with path.open("rb") as raw:
            text = zstandard.ZstdDecompressor().stream_reader(raw).read().decode()
        return [json.loads(line) for line in text.splitlines()]

    def commands(self, beginning: str) -> Iterator[dict[str, Any]]:
        """The commands that begin with a text."""
        return (row for row in self.log if row.get("cmd", "").startswith(beginning))

    def during(self, row: dict[str, Any], protocol: int) -> list[Message]:
        """Messages of the kernel, of a protocol, while a command ran."""
        return [one for one in self._while(row, protocol) if not one.asks]

    def asked_during(self, row: dict[str, Any], protocol: int) -> list[Message]:
        """Messages of programs, of a protocol, while a command ran."""
        return [one for one in self._while(row, protocol) if one.asks]

    def _while(self, row: dict[str, Any], protocol: int) -> list[Message]:
        begin, end = row["t"] * 1e9, (row["t_end"] + SLACK) * 1e9
        ours = (one for one in self.messages if one.frame.protocol == protocol)
        return [one for one in ours if begin <= one.frame.timestamp <= end]

    def notifications(self, protocol: int) -> list[Message]:
        """Notifications of a protocol; copies for other listeners, which follow one another, are left out."""
        found: list[Message] = []
        for one in self.messages:
            mine = one.frame.protocol == protocol and one.place.role is Role.NOTIFICATION
            if mine and (not found or found[-1].data != one.data):
                found.append(one)
        return found

    def devices(self) -> dict[str, int]:
        """The index of every device by its name, from the route messages beside."""
        pairs = ((getattr(e.payload, "ifname", None), getattr(e.payload, "ifindex", 0)) for e in self._links())
        return {name: index for name, index in pairs if name}

    def _links(self) -> list[Event]:
        return [event for event in self.events("legacy").values() if event.protocol == 0]

    def events(self, backend: str) -> dict[tuple[int, int], Event]:
        """What an implementation makes of every message, requests and answers included."""
        return self._decode(backend)[0]

    def unknown(self, backend: str) -> Counter[str]:
        """Messages that give no event, by name."""
        return self._decode(backend)[1]

    def errors(self, backend: str) -> list[str]:
        """What an implementation could not read."""
        return self._decode(backend)[2]

    def _decode(self, backend: str) -> tuple[dict[tuple[int, int], Event], Counter[str], list[str]]:
        if backend not in self._decoded:
            kernel = RecordedKernel("little")
            lane = RecordedLane(partial(create, backend), RecordedFactory(kernel, select_all=True))
            lane.start(lane.backend.groups)
            found: dict[tuple[int, int], Event] = {}
            errors: list[str] = []
            for frame, place in self.frames:
                if not lane.supports(frame.protocol):
                    continue
                datagram = Datagram(frame.number, frame.timestamp, frame.protocol, frame.data, request=place.request)
                datagrams = Datagrams.of(datagram)
                if place.role is not Role.REQUEST:
                    kernel.learn(datagrams)
                side = lane.feed(datagrams).side(0)
                found |= {(event.frame, event.offset): event for event in side.events}
                errors += [side.crash] if side.crash else [str(error) for error in side.errors]
            lane.close()
            self._decoded[backend] = found, lane.unknown, errors
        return self._decoded[backend]


recording = cache(Recording)
