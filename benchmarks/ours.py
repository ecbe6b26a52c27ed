"""What nlmon does with a capture file, each in a process that does nothing else.

*Warm*: this process has decoded the capture once. *Cold*: the capture's first message is the first that is decoded, so
all that is compiled or learned from messages is within the time. Modules are loaded before the clock starts.

Every decoding starts at the file, or where it says so at messages in memory, as peers have them, and ends at ``Event``
objects, which are dropped as a callback would.

Not here: programs of ours that are run as such (``peers.programs``), the running kernel (``live``).
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

from benchmarks.captures import Captures, write_all
from benchmarks.recording import split
from benchmarks.sample import LEAST_SECONDS, Sample, timed
from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.run import replay_capture
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams

__all__ = ["WORK", "adversarial"]

ROUTE, GENERIC = 0, 16
AT_ONCE = 512
ATTRIBUTES_AT = {16: 32, 20: 24, 24: 28, 28: 28}  # where the attributes of a message begin, by RTM_NEW*


def backend(name: str, path: Path, **options: object) -> Backend:
    """An implementation that knows the generic families of a capture."""
    factory = RecordedFactory()
    with open_capture(path) as reader:
        for frame in reader:
            if frame.protocol == GENERIC:
                factory.kernel.learn(Datagrams.of(Datagram(frame.number, frame.timestamp, GENERIC, frame.data)))
            if frame.number > 1:
                break
    made = create(name, factory, BackendOptions(**options))  # type: ignore[arg-type]
    for protocol in made.groups:
        made.enable(protocol)
    return made


def decode(made: Backend, path: Path) -> int:
    """Decode a capture file; the number of messages."""
    count = 0
    with open_capture(path) as reader:
        for batch in reader.batches():
            frames = range(batch.number, batch.number + len(batch.data))
            columns = frames, batch.protocol, batch.timestamps, batch.data
            found = made.decode_all(Datagrams(*columns, batch.truncated))
            count += len(found.events) + found.control + len(found.unknown)
    return count


def warm(name: str, captures: Captures) -> Sample:
    """The second and later times."""
    made = backend(name, captures.pcap)
    decode(made, captures.pcap)
    return timed(lambda: decode(made, captures.pcap), least=LEAST_SECONDS)


def in_memory(name: str, captures: Captures, *, known: bool) -> Sample:
    """Of messages that are in memory, each in a datagram of its own, as a socket gives them: the second and later times
    (``known``), or the first."""
    made = backend(name, captures.pcap)
    import_module("pyroute2")  # libnl's policies are made of its definitions
    messages = list(split(captures.plain.read_bytes()))
    parts = [messages[at : at + AT_ONCE] for at in range(0, len(messages), AT_ONCE)]
    starts = range(1, 1 + len(messages), AT_ONCE)
    frames = [range(start, start + len(part)) for start, part in zip(starts, parts, strict=True)]
    datagrams = [Datagrams(some, ROUTE, some, part) for some, part in zip(frames, parts, strict=True)]

    def work() -> int:
        return sum(len(made.decode_all(some).events) for some in datagrams)

    if known:
        work()
    return timed(work, least=LEAST_SECONDS if known else 0.0)


def cold(captures: Captures) -> Sample:
    """The first time."""
    made = backend("libnl", captures.pcap)
    import_module("pyroute2")  # libnl's policies are made of its definitions
    return timed(lambda: decode(made, captures.pcap))


def replay(path: Path) -> int:
    """Both implementations, compared, with a verdict; raises ``SystemExit`` when they differ."""
    with open_capture(path) as reader:
        (report,) = replay_capture(reader, str(path), partial(create, "legacy"), partial(create, "libnl"))
    if report.messages and report.verdict in {"regression", "error"}:
        raise SystemExit(f"the verdict on {path.name} is {report.verdict}: {report.reason}")
    return report.messages


def dual(captures: Captures) -> Sample:
    """A replay with a verdict."""
    replay(captures.single().pcap)
    return timed(lambda: replay(captures.pcap))


def standard_input(_: Captures) -> Sample:
    """A replay of what is piped in, for its memory."""
    return timed(lambda: replay(Path("-")))


def strangers(messages: Iterator[bytes], count: int) -> Iterator[bytes]:
    """Messages of which no two have the same layout: their attributes in another order each, between new ones."""
    chance = random.Random(7)
    for message, _ in zip(messages, range(count), strict=False):
        length, kind = struct.unpack_from("=IH", message)
        at = ATTRIBUTES_AT[kind & ~3]
        head, attributes = message[4:at], []
        while at + 4 <= length:
            size = struct.unpack_from("=H", message, at)[0]
            attributes.append(message[at : at + (size + 3 & ~3)])
            at += size + 3 & ~3
        for _ in range(3):
            size = chance.randrange(60)
            attributes.append(struct.pack("=HH", 4 + size, 500 + chance.randrange(9000)) + bytes(size + 3 & ~3))
        chance.shuffle(attributes)
        body = head + b"".join(attributes)
        yield struct.pack("=I", 4 + len(body)) + body


def adversarial(captures: Captures, layouts: bool) -> Sample:
    """The first time that messages without a common layout are decoded, with the layout cache or without."""
    made = backend("libnl", captures.pcap, **({} if layouts else {"layouts": 0}))
    import_module("pyroute2")
    return timed(lambda: decode(made, captures.pcap))


def write_strangers(folder: Path, mixed: Captures, count: int) -> Captures:
    """The capture of ``strangers``."""
    return write_all(folder, "strangers", 0, list(strangers(split(mixed.plain.read_bytes()), count)))


WORK: dict[str, Callable[[Captures], Sample]] = {
    "libnl warm": partial(warm, "libnl"),
    "libnl cold": cold,
    "legacy": partial(warm, "legacy"),
    "libnl in memory": partial(in_memory, "libnl", known=True),
    "libnl cold in memory": partial(in_memory, "libnl", known=False),
    "legacy in memory": partial(in_memory, "legacy", known=True),
    "dual": dual,
    "memory": standard_input,
    "layouts on": partial(adversarial, layouts=True),
    "layouts off": partial(adversarial, layouts=False),
}
