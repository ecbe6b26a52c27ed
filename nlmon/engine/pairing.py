"""Pairs what two lanes read from the running kernel, by the bytes of the datagrams.

The kernel hands each of its datagrams to every socket of a group, so both lanes get the same ones. Their order is that
of each socket alone: two CPUs may announce at once, and sockets of two protocols have no order in common.

Rules:
1. A datagram is paired with the first unpaired one of the other lane that has the same bytes, whenever that was read.
2. The lanes do not begin and end at the same moment. What one of them read before its first pair or behind its last
   one, before the other one had its socket, or after the end was asked for, may be unpaired without any meaning.
3. Memory is bounded: beyond a limit the oldest unpaired datagram of a lane is given up, and counted. The other lane may
   read it yet, so its hash is kept: that late one has no counterpart any more, and nothing is missing. Beyond a limit
   of hashes any unpaired datagram of the other lane may be such a late one, and counts as given up.

Not here: judging pairs and what stays unpaired (``live``).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from nlmon.compare.side import Side
from nlmon.transport.tap import Reading
from nlmon.wire import Datagram

__all__ = ["BYTES_KEPT", "DATAGRAMS_KEPT", "Pairing", "Read", "Unmatched", "Unpaired"]

# The most that waits for the other lane, of each lane and protocol.
DATAGRAMS_KEPT, BYTES_KEPT = 65_536, 64 * 1024 * 1024
# The most hashes of datagrams that were given up, of each lane and protocol: some 30 MiB.
HASHES_KEPT = 262_144

# What makes two datagrams the same: the namespace that they come from, and their bytes.
_Key: TypeAlias = tuple[int | None, bytes]


class Read(Struct, frozen=True):
    """A datagram that a lane has read, and what its implementation made of it."""

    reading: Reading
    side: Side


class Unpaired(Struct, frozen=True):
    """What stayed unpaired in one lane and protocol. ``within``: between its first pair and its last; ``outside``: how
    many were read at the begin or the end; ``given_up``: how many found no place in memory, or may belong to one of the
    other lane that found none."""

    lane: int
    protocol: int
    within: list[Read]
    outside: int
    given_up: int


class Unmatched:
    """What only one of two lanes has read. ``unpaired``: what stayed without its counterpart, once it is over;
    ``unread``: datagrams that the other one lost or could read no more, and ``uncompared``: those that nothing could
    be held against for another reason, by the reason."""

    def __init__(self) -> None:
        self.unpaired: list[Unpaired] = []
        self.unread: Counter[str] = Counter()
        self.uncompared: Counter[str] = Counter()


class _Waiting:
    """What one lane has read of one protocol and the other lane has not. Places count what the lane has read."""

    def __init__(self) -> None:
        self.place = 0
        self.first: int | None = None
        self.last = 0
        self.size = 0
        self.given_up = 0
        # Hashes of the datagrams that were given up and that the other lane has not read yet; ``forgotten``: not all.
        self.late: Counter[int] = Counter()
        self.forgotten = False
        self.ended: int | None = None
        self.by_place: dict[int, Read] = {}
        self.by_key: dict[_Key, deque[int]] = {}
        # Datagrams that were read before the other lane had its socket, which may be paired with later ones.
        self.early: Counter[_Key] = Counter()

    def add(self, read: Read) -> None:
        """Keep the datagram that was read last."""
        self.by_place[self.place] = read
        key = _key(read.reading.datagram)
        places = self.by_key.get(key)
        if places is None:
            places = self.by_key[key] = deque()
        places.append(self.place)
        self.size += len(read.reading.datagram.data)

    def remove(self, place: int) -> Read:
        """Return the datagram at a place, which is the first of its bytes, and keep it no longer."""
        read = self.by_place.pop(place)
        key = _key(read.reading.datagram)
        places = self.by_key[key]
        places.popleft()
        if not places:
            del self.by_key[key]
        self.size -= len(read.reading.datagram.data)
        return read

    def give_up_oldest(self) -> None:
        """Keep of the oldest datagram its hash alone."""
        read = self.remove(next(iter(self.by_place)))
        self.given_up += 1
        key = hash(_key(read.reading.datagram))
        if key in self.late or len(self.late) < HASHES_KEPT:
            self.late[key] += 1
        else:
            self.forgotten = True

    def gave_up(self, key: _Key) -> bool:
        """Whether a datagram of these bytes was given up that the other lane has not read yet."""
        return bool(self.late) and hash(key) in self.late

    def read_late(self, key: _Key) -> None:
        """The other lane has read a datagram that was given up."""
        self.late[hash(key)] -= 1
        if not self.late[hash(key)]:
            del self.late[hash(key)]

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
        self._lanes: tuple[dict[int, _Waiting], dict[int, _Waiting]] = ({}, {})
        # What faults keep from a lane for a while, of those that the other lane has not read, by the key of the bytes.
        self._held: tuple[dict[_Key, list[Reading]], dict[_Key, list[Reading]]] = ({}, {})

    def counterpart(self, lane: int, datagram: Datagram, waiting: int = 0) -> Reading | None:
        """What the other lane has read and this one has not: the first that has the same bytes; with ``waiting`` the
        one behind so many, whose counterparts this lane has read and not added yet."""
        other, key = self._lanes[1 - lane].get(datagram.protocol), _key(datagram)
        if other is not None:
            if other.gave_up(key):
                return None
            places = other.by_key.get(key)
            if places and len(places) > waiting:
                return other.by_place[places[waiting]].reading
        held = self._held[1 - lane].get(key)
        return self._release(1 - lane, held[0]) if held else None

    def hold(self, lane: int, reading: Reading) -> None:
        """Take note that a lane has read something which its implementation is given later, or never."""
        self._held[lane].setdefault(_key(reading.datagram), []).append(reading)

    def _release(self, lane: int, reading: Reading) -> Reading:
        """The other lane has read the same, or the implementation was given it."""
        key = _key(reading.datagram)
        kept = [one for one in self._held[lane].get(key, ()) if one.datagram.frame != reading.datagram.frame]
        self._held[lane][key] = kept
        if not kept:
            del self._held[lane][key]
        return reading

    def is_late(self, lane: int, datagram: Datagram) -> bool:
        """Whether the other lane has read this datagram so long ago that it was given up."""
        other = self._lanes[1 - lane].get(datagram.protocol)
        return other is not None and other.gave_up(_key(datagram))

    def add(self, lane: int, read: Read, *, early: bool = False) -> Read | None:
        """Add what a lane has read, and return what the other one has read of the same bytes, if it has. ``early``: it
        may have been sent before the other lane had its socket."""
        datagram = read.reading.datagram
        if self._held[lane]:
            self._release(lane, read.reading)
        mine, other, key = self._of(lane, datagram.protocol), self._of(1 - lane, datagram.protocol), _key(datagram)
        mine.place += 1
        if other.gave_up(key):
            other.read_late(key)
            return None
        if early:
            mine.early[key] += 1
        places = other.by_key.get(key)
        if not places:
            mine.add(read)
            while len(mine.by_place) > self._most or mine.size > self._most_bytes:
                mine.give_up_oldest()
            return None
        place = places[0]
        mine.paired(mine.place)
        other.paired(place)
        return other.remove(place)

    def waits(self, lane: int, protocol: int) -> Callable[[], bool]:
        """What says later whether anything still waits for the other lane that a lane has read up to now."""
        mine = self._of(lane, protocol)
        place = mine.place
        return lambda: next(iter(mine.by_place), place + 1) <= place

    def settle(self) -> None:
        """From now on datagrams are read only to be paired with what was read before."""
        for lane in self._lanes:
            for waiting in lane.values():
                waiting.ended = waiting.place

    @property
    def waiting(self) -> bool:
        """Whether any datagram waits for the other lane."""
        return any(waiting.by_place for lane in self._lanes for waiting in lane.values())

    def unpaired(self) -> list[Unpaired]:
        """What stayed unpaired, by lane and protocol."""
        return [
            self._unpaired(number, protocol, waiting)
            for number, lane in enumerate(self._lanes)
            for protocol, waiting in sorted(lane.items())
            if waiting.by_place or waiting.given_up
        ]

    def _unpaired(self, number: int, protocol: int, waiting: _Waiting) -> Unpaired:
        within: list[Read] = []
        early = waiting.early.copy()
        end = waiting.last if waiting.ended is None else min(waiting.last, waiting.ended)
        for place, read in waiting.by_place.items():
            key = _key(read.reading.datagram)
            if early[key]:
                early[key] -= 1
            elif waiting.first is not None and waiting.first < place <= end:
                within.append(read)
        outside, given_up = len(waiting.by_place) - len(within), waiting.given_up
        if self._of(1 - number, protocol).forgotten:
            within, given_up = [], given_up + len(within)
        return Unpaired(number, protocol, within, outside, given_up)

    def _of(self, lane: int, protocol: int) -> _Waiting:
        found = self._lanes[lane].get(protocol)
        if found is None:
            found = self._lanes[lane][protocol] = _Waiting()
        return found


def _key(datagram: Datagram) -> _Key:
    return datagram.nsid, datagram.data
