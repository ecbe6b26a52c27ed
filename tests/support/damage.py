"""Damaged datagrams whose framing is whole, to both good implementations: neither may be accused of anything.

    PYTHONPATH=tests python -m support.damage [--datagrams 100000] [--seed 1]

prints what was tried; it ends with 1 at the first accusation.

Attributes repeat, vanish, change their number, their length or their place at any depth, families are such as nobody
knows, messages of several groups stand in one datagram. A reader may take such a message in several ways, so that
whatever the two make of it is no regression.

Not here: bytes from nowhere (``support.agreement``), and layouts (``support.layouts``).
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence

from nlmon.backends.groups import EXTRA_GROUPS
from nlmon.backends.options import BackendOptions
from nlmon.capture.base import Frame
from nlmon.compare.difference import Difference, Severity
from nlmon.compare.evidence.offsets import XFRM_HEADERS
from nlmon.engine.replay import Replay
from nlmon.engine.segments import Select
from nlmon.framing import align, split_messages, walk_attributes
from nlmon.testing.messages import attr
from support.agreement import mutated, recorded
from support.layouts import RECORDED, changed
from support.verdicts import legacy, libnl

__all__ = ["MODES", "accusations", "damaged"]

# Of a replay: whether all is fed or what the groups carry, and whether libnl joins all groups that it may.
MODES: tuple[tuple[Select, bool], ...] = (("all", True), ("notifications", True), ("notifications", False))
# Datagrams of one replay, and the deepest attribute that is damaged.
PER_REPLAY, DEEPEST = 500, 4
# Families that not every kind of message has; 128 and 129 are those of multicast routing.
FAMILIES = (0, 1, 2, 7, 10, 28, 128, 129)
# Size of the fixed header by protocol, and in NETLINK_ROUTE by the first type of four.
HEADERS = {4: 72, 9: 0, 12: 4, 16: 4}
ROUTE_HEADERS = {16: 16, 20: 8, 36: 20, 40: 20, 44: 20, 80: 4, 84: 8, 88: 4, 100: 20, 104: 8}

Attribute = tuple[int, bytes]


def _header(protocol: int, kind: int) -> int:
    if protocol == 6:
        return align(XFRM_HEADERS.get(kind, 0))
    return HEADERS[protocol] if protocol else ROUTE_HEADERS.get(kind & ~3, 12)


def _parsed(data: bytes) -> list[Attribute]:
    return [(number, data[begin:end]) for number, begin, end in walk_attributes(data, 0, len(data), "little")]


def _is_nested(data: bytes) -> bool:
    found = walk_attributes(data, 0, len(data), "little")
    return bool(found) and align(found[-1][2]) >= len(data) and all(number < 64 for number, _, _ in found)


def _rebuilt(attributes: Sequence[Attribute]) -> bytes:
    return b"".join(attr(number, payload) for number, payload in attributes)


def _other_bytes(data: bytes, random_: random.Random) -> bytes:
    return bytes(random_.choice((byte, 0, 255, random_.randrange(256))) for byte in data)


def _damage(attributes: Sequence[Attribute], random_: random.Random, depth: int = 0) -> list[Attribute]:
    """Attributes of which one or two are changed, or inside of which something is."""
    out = list(attributes)
    for _ in range(random_.randint(1, 2)):
        if not out:
            break
        at = random_.randrange(len(out))
        number, payload = out[at]
        choice = random_.randrange(10)
        if choice < 4 and depth < DEEPEST and _is_nested(payload):
            out[at] = number, _rebuilt(_damage(_parsed(payload), random_, depth + 1))
        elif choice < 2:
            out.insert(random_.randrange(len(out) + 1), (number, _other_bytes(payload, random_)))
        elif choice == 2:
            out.insert(random_.randrange(len(out) + 1), (number, payload))
        elif choice == 3:
            out.pop(at)
        elif choice == 4:
            out[at] = number, payload[: random_.randrange(len(payload) + 1)]
        elif choice == 5:
            out[at] = number, payload + random_.randbytes(random_.choice((1, 2, 4, 8, 12)))
        elif choice == 6:
            out[at] = random_.randrange(64), payload
        elif choice == 7:
            out[at] = number, _other_bytes(payload, random_)
        elif choice == 8:
            out[at] = number ^ random_.choice((0x8000, 0x4000, 0xC000)), payload
        else:
            other = random_.randrange(len(out))
            out[at], out[other] = out[other], out[at]
    return out


def _message(data: bytes, protocol: int, types: Sequence[bytes], random_: random.Random) -> bytes:
    """A message whose attributes or fixed header, type or flags are others; its length is right."""
    begin = min(len(data), 16 + _header(protocol, int.from_bytes(data[4:6], "little")))
    head, attributes = bytearray(data[:begin]), _parsed(data[begin:])
    if random_.random() < 0.8:
        attributes = _damage(attributes, random_)
    if random_.random() < 0.4 and begin > 16:
        if random_.random() < 0.5:
            head[16] = random_.choice(FAMILIES)
        else:
            head[random_.randrange(16, begin)] = random_.randrange(256)
    if random_.random() < 0.1:
        head[4:6] = random_.choice(types)
    if random_.random() < 0.1:
        head[6:8] = random_.randbytes(2)
    out = bytes(head) + _rebuilt(attributes)
    return len(out).to_bytes(4, "little") + out[4:]


def damaged(datagrams: Sequence[bytes], protocol: int, random_: random.Random) -> Iterator[bytes]:
    """Damaged datagrams without end."""
    # Of each length and type one: what is rare is damaged as often as what is frequent.
    kinds = list({data[:6]: data for data in datagrams}.values())
    types = sorted({data[4:6] for data in datagrams})
    while True:
        data = random_.choice(kinds if random_.random() < 0.7 else datagrams)
        choice = random_.random()
        if choice < 0.65:
            each = [_message(one, protocol, types, random_) for _, one in split_messages(data, "little")]
            yield b"".join(one + bytes(-len(one) % 4) for one in each)
        elif choice < 0.8:
            yield changed(data, random_)
        elif choice < 0.9:
            yield mutated(data, datagrams, random_)
        else:
            several = (random_.choice(kinds) for _ in range(random_.randint(2, 3)))
            yield b"".join(one + bytes(-len(one) % 4) for one in several)


def accusations(
    datagrams: Sequence[bytes], protocol: int, select: Select = "all", *, extra_groups: bool = True
) -> list[str]:
    """What a replay of these datagrams calls a regression, each with its datagram."""
    found: list[Difference] = []
    options = BackendOptions(extra_groups=tuple(EXTRA_GROUPS) if extra_groups else ())
    replay = Replay(legacy, libnl, byteorder="little", select=select, options=options, on_difference=found.append)
    replay.play(Frame(number, number, protocol, data) for number, data in enumerate(datagrams, 1))
    replay.finish()
    return [
        f"{protocol} {select}: {one.cls.label} {one.message} {one.field} {one.reference} / {one.candidate} "
        f"{one.reason} {datagrams[one.frame - 1].hex() if one.frame else ''}"
        for one in found
        if one.cls.severity is Severity.REGRESSION
    ]


def main() -> int:
    """Try as many datagrams as were asked for, of every protocol and in every mode."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datagrams", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random_ = random.Random(arguments.seed)
    share = max(1, arguments.datagrams // (len(RECORDED) * len(MODES)))
    for protocol, names in RECORDED.items():
        stream = damaged(recorded(protocol, *names), protocol, random_)
        for select, extra_groups in MODES:
            for begin in range(0, share, PER_REPLAY):
                some = [next(stream) for _ in range(min(PER_REPLAY, share - begin))]
                wrong = accusations(some, protocol, select, extra_groups=extra_groups)
                if wrong:
                    sys.stdout.write(wrong[0] + "\n")
                    return 1
        sys.stdout.write(f"protocol {protocol}: {share * len(MODES):,} datagrams\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
