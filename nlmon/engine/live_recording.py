"""What a comparison on the running kernel keeps of what it reads, so that it can be replayed.

Not here: the form of the file (``nlmon.capture.write``), and what is read (``live``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from nlmon.transport.recorder import Sink, Way

__all__ = ["LiveRecording"]

# The sockets of a recording: one for what is announced and one for what is asked, of each protocol.
Kind: TypeAlias = Literal["events", "requests"]


class LiveRecording:
    """A recording of both lanes, each datagram once; ``sink``: where it goes, None: nothing is kept."""

    def __init__(self, sink: Sink | None) -> None:
        self._sink = sink
        self._sockets: dict[tuple[Kind, int], int] = {}

    def keep(self, kind: Kind, protocol: int, timestamp: int, data: bytes, direction: Way) -> int:
        """Keep a datagram; the number of its socket in the recording, 0 where nothing is kept."""
        if self._sink is None:
            return 0
        socket = self._sockets.get((kind, protocol))
        if socket is None:
            socket = self._sockets[kind, protocol] = self._sink.add_socket(f"{kind}-{protocol}", protocol)
        self._sink.write(socket=socket, timestamp=timestamp, data=data, direction=direction)
        return socket

    def keep_drops(self, drops: Sequence[Mapping[int, int]]) -> None:
        """Keep how much no lane has read: of each protocol, the least that any of its sockets lost; ``drops``: of each
        lane, by protocol."""
        for (kind, protocol), socket in self._sockets.items():
            lost = [dropped[protocol] for dropped in drops if protocol in dropped]
            if self._sink is not None and kind == "events" and lost:
                self._sink.lost(socket, min(lost))
