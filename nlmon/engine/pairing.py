"""Pairs what two lanes read from the running kernel, by the bytes of the datagrams.

The kernel hands each of its datagrams to every socket of a group, so both lanes get the same ones. Their order is that
of each socket alone: two CPUs may announce at once, and sockets of two protocols have no order in common.

Rules:
1. A datagram is paired with the first unpaired one of the other lane that has the same bytes, whenever that was read.
2. The lanes do not begin and end at the same moment. What one of them read before its first pair or behind its last
   one, before the other one had its socket, or after the end was asked for, may be unpaired without any meaning.
3. Memory is bounded: beyond a limit the oldest unpaired datagram of a lane is given up, and counted.

Not here: judging pairs and what stays unpaired (``live``).
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TypeAlias

from msgspec import Struct

from nlmon.compare.side import Side
from nlmon.transport.tap import Reading
from nlmon.wire import Datagram

__all__ = ["BYTES_KEPT", "DATAGRAMS_KEPT", "Pairing", "Read", "Rest"]

# The most that waits for its twin, of each lane and protocol.
DATAGRAMS_KEPT, BYTES_KEPT = 65_536, 64 * 1024 * 1024

# What makes two datagrams the same: the namespace that they come from, and their bytes.
_Key: TypeAlias = tuple[int | None, bytes]


class Read(Struct, frozen=True):
    """A datagram that a lane has read, and what its implementation made of it."""

    reading: Reading
    side: Side


class Rest(Struct, frozen=True):
    """What stayed unpaired in one lane and protocol. ``within``: between its first pair and its last; ``outside``: how
    many were read at the begin or the end; ``given_up``: how many found no place in memory."""

    lane: int
    protocol: int
    within: list[Read]
    outside: int
    given_up: int


class _Unpaired:
    """What one lane has read of one protocol and waits for its twin. Places count what the lane has read."""

    def __init__(self) -> None:
        self.place = 0
        self.first: int | None = None
        self.last = 0
        self.size = 0
        self.given_up = 0
        self.ended: int | None = None
        self.by_place: dict[int, Read] = {}
        self.by_key: dict[_Key, deque[int]] = {}
        # Datagrams that were read before the other lane had its socket, which may be paired with later ones.
        self.early: Counter[_Key] = Counter()

    def add(self, read: Read) -> None:
        """Keep the datagram that was read last."""
        self.by_place[self.place] = read
        self.by_key.setdefault(_key(read.reading.datagram), deque()).append(self.place)
        self.size += len(read.reading.datagram.data)

    def remove(self, place: int) -> Read:
        """Give the datagram at a place, which is the first of its bytes."""
        read = self.by_place.pop(place)
        key = _key(read.reading.datagram)
        places = self.by_key[key]
        places.popleft()
        if not places:
            del self.by_key[key]
        self.size -= len(read.reading.datagram.data)
        return read

    def paired(self, place: int) -> None:
        """Take note of a pair."""
        self.first = place if self.first is None else min(self.first, place)
        self.last = max(self.last, place)


class Pairing:
    """The unpaired datagrams of two lanes, 0 and 1; at most ``datagrams`` and ``size`` bytes of each lane and
    protocol."""

    def __init__(self, datagrams: int = DATAGRAMS_KEPT, size: int = BYTES_KEPT) -> None:
        self._most = datagrams
        self._most_bytes = size
        self._lanes: tuple[dict[int, _Unpaired], dict[int, _Unpaired]] = ({}, {})

    def twin(self, lane: int, datagram: Datagram) -> Reading | None:
        """The first unpaired datagram of the other lane that has the same bytes."""
        other = self._of(1 - lane, datagram.protocol)
        places = other.by_key.get(_key(datagram))
        return other.by_place[places[0]].reading if places else None

    def add(self, lane: int, read: Read, *, early: bool = False) -> Read | None:
        """Take in what a lane has read, and give its twin if there is one already. ``early``: it may have been said
        before the other lane had its socket."""
        datagram = read.reading.datagram
        mine, other, key = self._of(lane, datagram.protocol), self._of(1 - lane, datagram.protocol), _key(datagram)
        mine.place += 1
        if early:
            mine.early[key] += 1
        places = other.by_key.get(key)
        if not places:
            mine.add(read)
            while len(mine.by_place) > self._most or mine.size > self._most_bytes:
                mine.remove(next(iter(mine.by_place)))
                mine.given_up += 1
            return None
        place = places[0]
        mine.paired(mine.place)
        other.paired(place)
        return other.remove(place)

    def end(self) -> None:
        """From now on datagrams are read only to find the twins of others."""
        for lane in self._lanes:
            for unpaired in lane.values():
                unpaired.ended = unpaired.place

    @property
    def waiting(self) -> bool:
        """Whether any datagram waits for its twin."""
        return any(unpaired.by_place for lane in self._lanes for unpaired in lane.values())

    def rest(self) -> list[Rest]:
        """What stayed unpaired, by lane and protocol."""
        return [
            self._rest(number, protocol, unpaired)
            for number, lane in enumerate(self._lanes)
            for protocol, unpaired in sorted(lane.items())
            if unpaired.by_place or unpaired.given_up
        ]

    def _rest(self, number: int, protocol: int, unpaired: _Unpaired) -> Rest:
        within: list[Read] = []
        early = unpaired.early.copy()
        end = unpaired.last if unpaired.ended is None else min(unpaired.last, unpaired.ended)
        for place, read in unpaired.by_place.items():
            key = _key(read.reading.datagram)
            if early[key]:
                early[key] -= 1
            elif unpaired.first is not None and unpaired.first < place <= end:
                within.append(read)
        return Rest(number, protocol, within, len(unpaired.by_place) - len(within), unpaired.given_up)

    def _of(self, lane: int, protocol: int) -> _Unpaired:
        return self._lanes[lane].setdefault(protocol, _Unpaired())


def _key(datagram: Datagram) -> _Key:
    return datagram.nsid, datagram.data
