"""What the tests of agreement share: a replay that feeds every message to both implementations, and damage.

Not here: what is fed (``test_agreement``, ``test_agreement_beyond_route``).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial

from nlmon.backends.registry import create
from nlmon.capture import ByteOrder, open_capture
from nlmon.capture.base import Frame
from nlmon.compare.difference import Difference, Severity
from nlmon.engine.replay import Replay
from support.paths import FIXTURES

__all__ = ["FIXTURES", "KERNELS", "disagreements", "mutated", "recorded", "replay_all"]

KERNELS = ("linux-6.1", "linux-6.12")
LARGEST = 16384


def replay_all(byteorder: ByteOrder = "little", on_difference: Callable[[Difference], None] | None = None) -> Replay:
    """A replay in which both implementations get every message."""
    legacy, libnl = partial(create, "legacy"), partial(create, "libnl")
    return Replay(legacy, libnl, byteorder=byteorder, select="all", on_difference=on_difference)


def disagreements(
    datagrams: Iterable[bytes], byteorder: ByteOrder = "little", protocol: int = 0, before: Sequence[bytes] = ()
) -> list[str]:
    """What a replay of these datagrams calls a regression; ``before`` is fed first and not judged."""
    differences: list[Difference] = []
    replay = replay_all(byteorder, differences.append)
    for count, data in enumerate(before, 1):
        replay.play([Frame(count, 0, protocol, data)])
    found = []
    for count, data in enumerate(datagrams, 1 + len(before)):
        differences.clear()
        replay.play([Frame(count, 0, protocol, data)])
        bad = [d for d in differences if d.cls.severity is not Severity.INFO]
        found += [f"{data.hex()}: {d.cls.label} {d.field} {d.reference} / {d.candidate} {d.reason}" for d in bad]
    return found


@cache
def recorded(protocol: int, *names: str) -> tuple[bytes, ...]:
    """Distinct datagrams of a protocol that real kernels and programs sent, in order, at most 16 KiB each."""
    found: dict[bytes, None] = {}
    for kernel in KERNELS:
        for name in names:
            with open_capture(FIXTURES / "captures" / kernel / f"{name}.pcap.zst") as reader:
                found.update((f.data, None) for f in reader if f.protocol == protocol and len(f.data) <= LARGEST)
    return tuple(found)


def mutated(data: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    """The datagram with bits flipped, bytes set, a cut, a splice or a repeated slice."""
    out = bytearray(data)
    for _ in range(random_.randint(1, 4)):
        at = random_.randrange(max(1, len(out)))
        choice = random_.randrange(5)
        if choice == 0 and out:
            out[at] ^= 1 << random_.randrange(8)
        elif choice == 1 and out:
            out[at] = random_.choice((0, 1, 3, 4, 5, 8, 127, 255))
        elif choice == 2:
            del out[at:]
        elif choice == 3:
            other = random_.choice(others)
            cut = random_.randrange(0, max(1, len(other)), 4)
            out[at & ~3 :] = other[cut:]
        else:
            out[at:at] = out[at : at + random_.randrange(1, 64)]
    if random_.randrange(2) and len(out) >= 16:
        out[0:4] = len(out).to_bytes(4, "little")  # a message that is whole again, so that its attributes are read
    return bytes(out[: 2 * LARGEST])
