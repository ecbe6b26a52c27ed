"""What makes an implementation of a name for a replay: also of ``events:FILE``, a log of what a program made of it, and
of ``live:COMMAND``, a program that prints such a log when it is played the recording.

    recording, once ─► what each message is about ─┐
                                                   ├─► what the log gives of each message ─► the replay, as of any other
    log ───────────────────────────────────────────┘

Rules:
1. Which line belongs to which message is known only when both are known as a whole, so the recording is read twice, and
   a log of very many lines is refused. A program is played it before.

Not here: which line belongs to which message (``nlmon.compare.sequences``), and the replay (``replay``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import EVENTS, create, is_log, is_without_bytes
from nlmon.capture import CaptureReader
from nlmon.compare.side import Side
from nlmon.engine.feed import Feed
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.read import read_capture
from nlmon.engine.segments import Select
from nlmon.errors import InputError, UsageError
from nlmon.events import OVERRUN, Event

if TYPE_CHECKING:  # start-up: most replays have no log
    from nlmon.harness.lines import Ready
    from nlmon.harness.logfile import Log

__all__ = ["compares_answers", "maker_of", "reader_of"]


def reader_of(
    opened: Callable[[], CaptureReader],
    *,
    select: Select,
    protocols: Sequence[int] | None,
    options: BackendOptions,
) -> Callable[[BackendMaker], Iterator[Side]]:
    """What reads a recording through one implementation as a replay with these options would; ``opened``: opens it."""

    def read(make: BackendMaker) -> Iterator[Side]:
        with opened() as reader:
            byteorder = reader.info.byteorder
            feed = Feed((make,), byteorder, select=select, protocols=protocols, options=options, answers=False)
            try:
                yield from read_capture(feed, reader)
            finally:
                feed.close()

    return read


def maker_of(
    name: str, read: Callable[[BackendMaker], Iterable[Side]], options: BackendOptions, folder: str = ""
) -> BackendMaker:
    """What makes the implementation called ``name``. ``read``: reads the recording through one; ``options``: those of
    the replay; ``folder``: that a log is relative to, by default the current one.

    Raises ``InputError`` (NLM-N050) for a log that cannot be read, ``UsageError`` (NLM-N059) for options by which
    events come without a message, and what ``nlmon.harness.played`` raises for a program."""
    if not is_without_bytes(name):
        return partial(create, name)
    # Start-up: most replays have no log.
    from nlmon.harness.events import EventsBackend, Reader, given_by  # noqa: PLC0415
    from nlmon.harness.logfile import LINES_KEPT, read_log  # noqa: PLC0415

    if options.resync or options.caches or options.message_pool_size is not None:
        what = "a log does not go with caches, recovery and message pools"
        raise UsageError("NLM-N059", what, why="their events come without a message, or later than theirs")
    log = read_log(name.removeprefix(EVENTS), folder) if is_log(name) else _played(name, read)
    messages: list[Event] = []
    for side in read(partial(Reader, name=name, ready=log.ready)):
        messages += [event for event in side.events if event.type != OVERRUN]
        if len(messages) > LINES_KEPT:
            what = f"a recording of more than {LINES_KEPT:,} messages is compared with no log"
            raise InputError("NLM-N059", what, hint="compare a part: nlmon capture cut")
    return partial(EventsBackend, name=name, ready=log.ready, given=given_by(log, messages))


def _played(name: str, read: Callable[[BackendMaker], Iterable[Side]]) -> Log:
    """What a program prints of the recording."""
    from nlmon.harness.played import Gathering, Put, played  # noqa: PLC0415  (start-up: as above)

    def write(ready: Ready, put: Put) -> None:
        for _ in read(partial(Gathering, name=name, ready=ready, put=put)):
            pass

    return played(name, write)


def compares_answers(names: Iterable[str]) -> bool:
    """Whether answers to dumps can be compared: a log says nothing of them."""
    return not any(map(is_without_bytes, names))
