"""An implementation that may raise in any of its methods: what it raises is kept, and never met by who asks.

Rules:
1. What an answer is not, such as one of another type, is found out here, where it is an exception like any other.
2. Whatever is raised is an exception of the implementation, also what ends a program or a coroutine
   (``SystemExit``, ``GeneratorExit``, ``asyncio.CancelledError``, a ``BaseException`` of its own). Only Ctrl-C is the
   user's; ``KeyboardInterrupt`` goes on to him.
3. What an implementation says in an exception is shown without data of messages, which may be keys
   (``nlmon.names.foreign``).

Not here: reading and decoding, of which a lane says what came of each datagram (``lane``).
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import TypeAlias, TypeVar

from nlmon.backends.base import Backend, ErrorCallback, EventCallback
from nlmon.backends.options import BackendOptions
from nlmon.backends.status import BackendStatus
from nlmon.compare.statement import Statement, named, statement_of
from nlmon.engine.form import check_values
from nlmon.errors import NlmonError, PlatformError
from nlmon.names import unknown_message
from nlmon.names.foreign import raised_text
from nlmon.printable import printable
from nlmon.transport.base import Transport, TransportFactory

__all__ = ["BackendMaker", "Guarded", "crash_of"]

BackendMaker: TypeAlias = Callable[[TransportFactory, BackendOptions], Backend]
T = TypeVar("T")
# Of so many exceptions in one result the text is kept.
RAISED_SHOWN = 10
# A kernel has no more generic families: their numbers are those of types of messages.
FAMILIES = 2**16
# So many lines of an implementation about itself are shown.
NOTES = 10


class Guarded:
    """An implementation, ``backend``, behind its guard. ``name``, ``protocols``: what it is called and what it reads;
    ``caches``: whether it keeps any; ``ours``: its class is nlmon's own, which gives values only; ``statement``: what
    it provides; ``identity``: its class, and what tells it apart from others of that; ``raised``: what it raised since
    somebody took that. Once it is closed, ``unread``: messages that gave no event, by the name of their type;
    ``unresolved``: generic families that it did not find; ``notes``: what it says of itself.

    Raises ``PlatformError`` (NLM-B013) where the implementation cannot be made."""

    def __init__(
        self,
        make: BackendMaker,
        factory: TransportFactory,
        options: BackendOptions,
        callbacks: tuple[EventCallback, ErrorCallback],
    ) -> None:
        try:
            self.backend = make(factory, options)
            self.backend.set_callback(*callbacks)
            self.name = _of_type(str, self.backend.name, "a name")
            check_values([self.name])
            self.protocols = frozenset(_of_type(int, one, "a protocol") for one in self.backend.groups)
            # One that is made at run time says itself what it provides; else its name finds a file, or nothing.
            own = getattr(self.backend, "statement", None)
            self.statement = named(own, self.name) if isinstance(own, Statement) else statement_of(self.name)
            self.identity = type(self.backend), self.backend.identity
            self.caches = bool(self.backend.options.caches)
            self.ours = type(self.backend).__module__.startswith(("nlmon.backends.", "nlmon.harness."))
        except (NlmonError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise PlatformError("NLM-B013", "an implementation cannot be made", why=raised_text(error)) from None
        self.raised: list[BaseException] = []
        self.unread: Counter[str] = Counter()
        self.unresolved: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()

    def call(self, action: Callable[..., object], *arguments: object) -> None:
        """Let it do something."""
        self.ask(partial(action, *arguments), None)

    def ask(self, question: Callable[[], T], instead: T) -> T:
        """What it answers, or ``instead`` where it raises."""
        try:
            return question()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.raised.append(error)
            return instead

    def status(self) -> BackendStatus | None:
        """Its counters, None where it raises."""
        return self.ask(lambda: _of_type(BackendStatus, self.backend.status(), "a status"), None)

    def resyncing(self) -> bool:
        """Whether it is still to dump what a loss concerns."""
        return self.ask(lambda: bool(self.backend.resyncing()), False)

    def in_bulk(self, protocol: int, transport: Transport) -> bool:
        """Whether datagrams of a transport may be decoded in bulk."""
        return self.ask(lambda: bool(self.backend.in_bulk(protocol, transport)), False)

    def fileno(self, protocol: int) -> int:
        """The descriptor of a protocol, -1 where there is none."""
        return self.ask(lambda: int(self.backend.fileno(protocol)), -1)

    def drops(self) -> dict[int, int]:
        """Messages that the kernel dropped, by protocol, as its status says."""

        def found() -> dict[int, int]:
            statuses = self.backend.status().protocols.items()
            return {protocol: int(one.transport.drops) for protocol, one in statuses if one.transport is not None}

        return self.ask(found, {})

    def close(self) -> None:
        """Ask it for the last time, and close it."""
        self.unread = self.ask(self._unread, Counter())
        self.unresolved = self.ask(self._unresolved, ())
        self.notes = self.ask(self._notes, ())
        self.call(self.backend.close)

    def _unresolved(self) -> tuple[str, ...]:
        found = tuple(islice(self.backend.unresolved(), FAMILIES))
        check_values(found)
        return tuple(map(str, found))

    def _notes(self) -> tuple[str, ...]:
        found = tuple(islice(self.backend.notes(), NOTES))
        check_values(found)
        return tuple(map(str, found))

    def _unread(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for protocol, status in self.backend.status().protocols.items():
            for (kind, first), count in status.unknown.items():
                check_values([protocol, kind, first, count])
                found[unknown_message(protocol, kind, first)] += count
        return found


def _of_type(kind: type[T], answer: object, what: str) -> T:
    """What was given for ``what``. Raises ``TypeError`` where it is of another type."""
    if not isinstance(answer, kind) or isinstance(answer, bool):
        raise TypeError(f"a {type(answer).__name__} was given for {what}")
    return answer


def crash_of(raised: Sequence[BaseException]) -> tuple[str, str]:
    """What was raised, and the places where; each once."""
    found: dict[tuple[str, str], None] = {}
    for error in raised[:RAISED_SHOWN]:
        where = traceback.extract_tb(error.__traceback__)[-1:]
        place = "".join(f"{place.filename}:{place.lineno} in {place.name}" for place in where)
        found[raised_text(error), place] = None
    return "; ".join(text for text, _ in found), "; ".join(printable(place) for _, place in found if place)
