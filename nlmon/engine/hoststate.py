"""The state of the host of a recording, as one implementation reads it, at a frame or at its end.

The implementation is replayed beside itself, so that the state is folded, held against recorded dumps and corrected by
them as it is in a comparison.

Not here: how the state is printed (``nlmon.state.listing``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from nlmon.aside import prints_aside
from nlmon.capture import CaptureReader
from nlmon.capture.base import Batch
from nlmon.compare.difference import Class, Difference
from nlmon.engine.bounds import Watch
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.replay import Replay
from nlmon.errors import InternalError
from nlmon.state.tables import State
from nlmon.uapi import NETLINK_ROUTE

__all__ = ["HostState", "host_state", "up_to"]


class HostState(Struct, frozen=True):
    """A state, and what it is made of: ``events``, and ``answers`` to dumps and requests; ``frame``: the last one that
    was read, 0 if there is none; ``lacking``: by kind of object what the implementation does not provide of all that
    tells them apart, so that none is here."""

    state: State
    frame: int
    events: int
    answers: int
    lacking: Mapping[str, Sequence[str]]


@prints_aside()
def host_state(
    reader: CaptureReader,
    make: BackendMaker,
    watch: Watch,
    *,
    frame: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> HostState:
    """Read an open capture to its end, or to a ``frame``, as far as ``watch`` lets it be read. Raises ``InternalError``
    when the implementation raised, ``HarnessError`` when it is a program that failed."""
    crashes: list[Difference] = []

    def note(difference: Difference) -> None:
        if difference.cls is Class.CRASH:
            crashes.append(difference)

    replay = Replay(make, make, byteorder=reader.info.byteorder, protocols=(NETLINK_ROUTE,), on_difference=note)
    last = 0
    for batch in watch.batches(up_to(reader.batches(), frame)):
        last = batch.number + len(batch.data) - 1
        replay.add(batch)
        watch.look(replay.held, replay.states.bytes_held)
        if on_progress is not None:
            on_progress(reader.position)
        if crashes:
            break
    replay.finish()
    lane = replay.lanes[0]
    failure = next((one.problems.failure for one in replay.lanes if one.problems.failure is not None), None)
    if failure is not None:
        raise failure
    if crashes:
        first = crashes[0]
        raise InternalError("NLM-X002", f"{lane.name} raised {first.reference}", where=f"frame {first.frame}")
    lacking = lane.guarded.statement.cannot_identify()
    return HostState(replay.states.both[0], last, lane.counts["events"], lane.counts["answers"], lacking)


def up_to(batches: Iterable[Batch], frame: int | None) -> Iterator[Batch]:
    """Batches as far as a frame, that one included; None: to their end."""
    for batch in batches:
        if frame is None:
            yield batch
            continue
        if batch.number > frame:
            return
        part = batch.part(0, min(len(batch.data), frame - batch.number + 1))
        yield part
        if len(part.data) < len(batch.data) or batch.number + len(batch.data) > frame:
            return
