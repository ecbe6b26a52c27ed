"""Changes one field of one class of events or payloads at a time, and says which changes a comparison does not find.

    PYTHONPATH=tests python -m support.mutations

Each value is replaced by others of its type, by equal ones of other types, by narrower and wider numbers, by None and
by UNSET, inside of tuples and structures, too. A change that stands in ``NO_CHANGE`` makes nothing wrong.

Exit code: 0 all were found, 1 some were not.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from msgspec import UNSET, Struct, structs

from nlmon.backends.base import Backend
from nlmon.backends.groups import EXTRA_GROUPS
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.capture import open_capture
from nlmon.capture.base import Frame
from nlmon.compare.difference import Severity
from nlmon.engine.replay import Replay
from nlmon.events import Decoded, Event
from nlmon.wire import Datagram
from support.paths import CAPTURES

__all__ = ["NO_CHANGE", "RECORDINGS", "Mutation", "is_found", "mutations"]

RECORDINGS = (
    *("01-route-basic", "02-route-topology", "03-nl80211", "04-conntrack", "05-sock_diag", "06-generic", "06-xfrm"),
    *("08-tc", "09-untapped-audit-uevent-connector"),
)
OPTIONS = BackendOptions(extra_groups=tuple(EXTRA_GROUPS))
# Of each kind of message so many are replayed, in the order of the recording.
FRAMES = 12
# Changes that leave what is given right. A number that is -1 has all bits set before and after.
NO_CHANGE = {("RuleInfo", "suppress_prefixlen", "wide")}


class Mutation(NamedTuple):
    """Another value for a field of all events, or payloads, of one class: the name of the class and of the field, and
    which of the ``variants`` of what is there."""

    holder: str
    field: str
    variant: str


class _Int(int):
    pass


class _Str(str):
    __slots__ = ()


def variants(value: Any) -> Iterator[tuple[str, Any]]:
    """Other values than this one, each with a name."""
    if isinstance(value, bool):
        yield from (("other", not value), ("int", int(value)))
    elif isinstance(value, int):
        yield from (("other", value + 1), ("float", float(value)), ("sub", _Int(value)))
        yield from (("negative", value - (1 << 32)), ("wide", value | 1 << 40))
        if value in {0, 1}:
            yield "bool", bool(value)
    elif isinstance(value, str):
        yield from (
            ("other", value + "x"),
            ("bytes", value.encode()),
            ("sub", _Str(value)),
            ("empty", "" if value else "y"),
        )
    elif isinstance(value, tuple):
        yield from (("list", list(value)), ("cut", value[:-1] if value else (0,)))
        if value:
            yield from ((f"in.{name}", (other, *value[1:])) for name, other in variants(value[0]))
    elif isinstance(value, Struct):
        for field in value.__struct_fields__:
            inner = getattr(value, field)
            others = [("given", 1)] if inner in (None, UNSET) else variants(inner)
            yield from ((f"{field}.{name}", structs.replace(value, **{field: other})) for name, other in others)
    elif value is None:
        yield from (("one", 1), ("text", "x"))
    if value is not None and value is not UNSET:
        yield "None", None
    if value is not UNSET:
        yield "UNSET", UNSET


def _mutated(event: Event, mutation: Mutation) -> Event:
    holder: Any = next((one for one in (event, event.payload) if type(one).__name__ == mutation.holder), None)
    found = {} if holder is None else dict(variants(getattr(holder, mutation.field)))
    if mutation.variant not in found:
        return event
    made = structs.replace(holder, **{mutation.field: found[mutation.variant]})
    return made if holder is event else structs.replace(event, payload=made)


@cache
def frames(recording: str) -> Sequence[Frame]:
    """The first messages of each kind, and all of nlctrl."""
    seen: Counter[Any] = Counter()
    with open_capture(CAPTURES / "linux-6.12" / f"{recording}.pcap.zst") as reader:
        whole = list(reader)
    for frame in whole:
        seen[frame.protocol, frame.data[4:6], frame.direction] += 1
    found, seen = [], Counter()
    for frame in whole:
        key = frame.protocol, frame.data[4:6], frame.direction
        seen[key] += 1
        if seen[key] <= FRAMES or (frame.protocol == 16 and frame.data[4:6] == b"\x10\0"):
            found.append(frame)
    return found


def _replayed(recording: str, candidate: type[Backend]) -> Replay:
    legacy = issubclass(candidate, LegacyBackend)
    pair = (candidate, LibnlBackend) if legacy else (LegacyBackend, candidate)
    replay = Replay(*pair, byteorder="little", options=OPTIONS)
    replay.play(frames(recording))
    replay.finish()
    return replay


def mutations(recording: str, base: type[Backend] = LibnlBackend) -> list[Mutation]:
    """All changes of what an implementation gives of a recording, in an order that is always the same."""
    found: set[Mutation] = set()

    class Looking(base):  # type: ignore[misc, valid-type]
        def decode(self, datagram: Datagram) -> Decoded:
            decoded: Decoded = super().decode(datagram)
            for event in decoded.events:
                for holder in (event, event.payload):
                    for field in holder.__struct_fields__:
                        if field != "payload":
                            names = (name for name, _ in variants(getattr(holder, field)))
                            found.update(Mutation(type(holder).__name__, field, name) for name in names)
            return decoded

    _replayed(recording, Looking)
    return sorted(found)


def is_found(recording: str, mutation: Mutation, base: type[Backend] = LibnlBackend) -> bool:
    """Whether a replay of a recording has a regression for a change."""

    class Changing(base):  # type: ignore[misc, valid-type]
        def decode(self, datagram: Datagram) -> Decoded:
            decoded = super().decode(datagram)
            return structs.replace(decoded, events=[_mutated(event, mutation) for event in decoded.events])

    return any(cls.severity is Severity.REGRESSION for cls in _replayed(recording, Changing).judge.counts)


def main() -> int:
    """Try all; a change must be found by one of the recordings."""
    done: set[Mutation] = set()
    missed: set[Mutation] = set()
    for recording in RECORDINGS:
        for mutation in mutations(recording):
            if mutation not in done and mutation not in NO_CHANGE:
                (done if is_found(recording, mutation) else missed).add(mutation)
    for one in sorted(missed - done):
        sys.stdout.write(f"not found: {one.holder}.{one.field}: {one.variant}\n")
    sys.stdout.write(f"{len(done):,} changes were found, {len(missed - done)} were not\n")
    return 1 if missed - done else 0


if __name__ == "__main__":
    sys.exit(main())
