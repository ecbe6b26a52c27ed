"""Layouts against policies: the same datagrams, whole and damaged, into one backend with layouts and one without, each
by itself and many at a time.

    PYTHONPATH=tests python -m support.layouts [--datagrams 1000000] [--seed 1]

prints what was tried and how often a layout was used; it ends with 1 at the first difference.

Not here: what a layout is (``nlmon.backends.libnl.layouts``).
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.groups import EXTRA_GROUPS
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import ByteOrder
from nlmon.errors import NlmonError
from nlmon.events import Decoded, Event
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams
from support.agreement import mutated, recorded
from support.recorded import notify

__all__ = ["RECORDED", "Pair", "damaged", "differences"]

# Places of a recording that are played again and again, datagrams of each, and datagrams until others are.
PLACES, NEAR, PER_PAIR = 8, 4, 2000
# Datagrams that are decoded at once.
MANY = 25

# Recordings by protocol.
RECORDED: dict[int, tuple[str, ...]] = {
    0: ("01-route-basic", "02-route-topology", "08-tc"),
    4: ("05-sock_diag",),
    6: ("06-xfrm",),
    9: ("09-untapped-audit-uevent-connector",),
    12: ("04-conntrack",),
    16: ("03-nl80211", "06-generic"),
}


class Player:
    """A backend that receives everything, and what it made of the last datagram."""

    def __init__(self, layouts: int, byteorder: ByteOrder, extra: tuple[str, ...]) -> None:
        self.factory = RecordedFactory(RecordedKernel(byteorder), select_all=True)
        self.backend: Backend = create("libnl", self.factory, BackendOptions(layouts=layouts, extra_groups=extra))
        self.backend.set_callback(self._event, self._error)
        for protocol in self.backend.groups:
            self.backend.enable(protocol)
        self.found: list[Any] = []

    def _event(self, event: Event) -> None:
        self.found.append(event)

    def _error(self, error: NlmonError) -> None:
        self.found.append((type(error), str(error), vars(error)))

    def play(self, datagram: Datagram) -> list[Any]:
        """Events and errors of one datagram, and what is not known."""
        self.found = []
        notify(self.factory, datagram)
        while self.backend.process(datagram.protocol):
            pass
        unknown = self.backend.status().protocols[datagram.protocol].unknown
        return [*self.found, sum(unknown.values())]


class Pair:
    """The two backends. ``layouts``: how many keys one of them keeps."""

    def __init__(self, layouts: int = 1024, byteorder: ByteOrder = "little", extra: tuple[str, ...] = ()) -> None:
        self.fast = Player(layouts, byteorder, extra)
        self.plain = Player(0, byteorder, extra)
        self.count = 0

    def differences(self, protocol: int, data: bytes, nsid: int | None = None) -> list[str]:
        """What the two make of a datagram, if that is not the same."""
        self.count += 1
        datagram = Datagram(self.count, self.count, protocol, data, nsid=nsid)
        fast, plain = self.fast.play(datagram), self.plain.play(datagram)
        return [] if fast == plain else [f"{protocol} {data.hex()}\n{fast}\n{plain}"]

    def differences_in_bulk(self, protocol: int, data: Sequence[bytes]) -> list[str]:
        """The same of many that are decoded in bulk by one and one by one by the other."""
        datagrams = Datagrams(range(self.count, self.count + len(data)), protocol, range(len(data)), data)
        fast = _shown(self.fast.backend.decode_all(datagrams))
        plain = list(map(_shown, map(self.plain.backend.decode, datagrams)))
        each = [[one for decoded in plain for one in decoded[part]] for part in range(4)]
        return [] if fast == each else [f"{protocol} {[one.hex() for one in data]}\n{fast}\n{each}"]


def _shown(found: Decoded) -> list[list[Any]]:
    errors = [(type(error), str(error), vars(error)) for error in found.errors]
    return [[*found.events], errors, [*found.unknown], ["control"] * found.control]


def damaged(datagrams: Sequence[bytes], random_: random.Random) -> Iterator[bytes]:
    """Real datagrams without end, of a few places of a recording: whole ones, so that their layouts are known, with
    changed values, cut, spliced, repeated, and several in one."""
    starts = [random_.randrange(len(datagrams)) for _ in range(PLACES)]
    while True:
        start = random_.choice(starts)
        near = datagrams[start : start + NEAR]
        yield from near
        for _ in range(64):
            data = random_.choice(near)
            choice = random_.randrange(6)
            if choice < 3:
                yield changed(data, random_)
            elif choice < 5:
                yield mutated(data, datagrams, random_)
            else:
                pad = bytes(-len(data) % 4)
                yield data + pad + changed(random_.choice(near), random_)


def changed(data: bytes, random_: random.Random) -> bytes:
    """The datagram with a few other bytes behind the message header."""
    out = bytearray(data)
    for _ in range(random_.randint(1, 4)):
        if len(out) > 16:
            at = random_.randrange(16, len(out))
            out[at] = random_.choice((out[at] ^ 1 << random_.randrange(8), 0, 255, random_.randrange(256)))
    return bytes(out)


def differences(
    protocol: int, datagrams: Sequence[bytes], size: int, count: int, random_: random.Random, used: Counter[str]
) -> Iterator[str]:
    """What ``count`` datagrams show, with a new pair of backends for every ``PER_PAIR``; ``used`` takes the counters of
    the layouts."""
    while count > 0:
        pair = Pair(size, extra=tuple(EXTRA_GROUPS))
        many: list[bytes] = []
        for data, _ in zip(damaged(datagrams, random_), range(min(count, PER_PAIR)), strict=False):
            yield from pair.differences(protocol, data)
            many.append(data)
            if len(many) == MANY:
                yield from pair.differences_in_bulk(protocol, many)
                many = []
        count -= PER_PAIR
        status = pair.fast.backend.status().layouts
        assert status is not None
        used.update(structs.asdict(status))


def main() -> int:
    """Run as many datagrams as were asked for, of every protocol, with large, small and tiny caches."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datagrams", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    sizes, random_ = (1024, 8, 1), random.Random(arguments.seed)
    share = arguments.datagrams // (len(RECORDED) * len(sizes))
    tried = 0
    for protocol, names in RECORDED.items():
        datagrams = recorded(protocol, *names)
        for size in sizes:
            used: Counter[str] = Counter()
            for found in differences(protocol, datagrams, size, share, random_, used):
                sys.stdout.write(found + "\n")
                return 1
            tried += share
            sys.stdout.write(f"protocol {protocol}, {size} keys, {tried:,} datagrams so far: {dict(used)}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
