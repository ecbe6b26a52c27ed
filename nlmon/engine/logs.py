"""What makes an implementation of a name for a replay: also of ``events:FILE``, a log of what a program made of it.

    recording, once ─► what each message is about ─┐
                                                   ├─► what the log gives of each message ─► the replay, as of any other
    log ───────────────────────────────────────────┘

Rules:
1. Which line belongs to which message is known only when both are known as a whole, so the recording is read twice, and
   a log of very many lines is refused.

Not here: which line belongs to which message (``nlmon.compare.sequences``), and the replay (``replay``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import EVENTS, create, is_log
from nlmon.capture import CaptureReader
from nlmon.compare.side import Side
from nlmon.engine.feed import Feed
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.read import read_capture
from nlmon.engine.segments import Select
from nlmon.errors import InputError, UsageError
from nlmon.events import OVERRUN, Event

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
    events come without a message."""
    if not is_log(name):
        return partial(create, name)
    # Start-up: most replays have no log.
    from nlmon.harness.events import EventsBackend, Reader, given_by  # noqa: PLC0415
    from nlmon.harness.logfile import LINES_KEPT, read_log  # noqa: PLC0415

    if options.resync or options.caches or options.message_pool_size is not None:
        what = "a log does not go with caches, recovery and message pools"
        raise UsageError("NLM-N059", what, why="their events come without a message, or later than theirs")
    log = read_log(name.removeprefix(EVENTS), folder)
    messages: list[Event] = []
    for side in read(partial(Reader, name=name, ready=log.ready)):
        messages += [event for event in side.events if event.type != OVERRUN]
        if len(messages) > LINES_KEPT:
            what = f"a recording of more than {LINES_KEPT:,} messages is compared with no log"
            raise InputError("NLM-N059", what, hint="compare a part: nlmon capture cut")
    return partial(EventsBackend, name=name, ready=log.ready, given=given_by(log, messages))


def compares_answers(names: Iterable[str]) -> bool:
    """Whether answers to dumps can be compared: a log says nothing of them."""
    return not any(map(is_log, names))
