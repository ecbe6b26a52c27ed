"""A recording through a whole monitor with its configuration, faster than real time.

    status = play(config, Path("events.pcapng"))

Rules:
1. What comes of it is a function of configuration and recording: the time is that of the events, and nothing depends on
   this host but where the exports write.
2. A recording can wait, so no event is dropped for want of room; an export that cannot be opened is an error, and one
   that fails is given up after its tries, so that no recording takes for ever.
3. No control socket, no signals, no log: who plays has his own.
4. Where a later configuration chooses the other implementation, both are fed from the beginning, and from that frame on
   events come of the other one: as if its sockets had been open beside the old ones (``exchange``).

Not here: feeding an implementation (``nlmon.engine.feed``), and the running kernel (``sources``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from nlmon.aside import each_aside, prints_aside
from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import CaptureReader, open_capture
from nlmon.capture.base import Batch
from nlmon.compare.side import Side
from nlmon.config.model import Config
from nlmon.engine.feed import Feed, Step
from nlmon.errors import InternalError, NlmonError
from nlmon.events import Event
from nlmon.exporters.metrics import Counts, Durations
from nlmon.exporters.queue import ExportQueue, Patience
from nlmon.monitor.counted import ProcessFacts, metrics, status_of
from nlmon.monitor.exports import Exports
from nlmon.monitor.pipeline import Pipeline
from nlmon.monitor.plan import Listening, Plan, plan
from nlmon.monitor.status import MonitorStatus
from nlmon.transport.base import TransportFactory

__all__ = ["PATIENCE", "play", "play_plan", "shared_options"]

# Seconds that exports may take for what waits at the end, beside the recording.
PATIENCE = 60.0
BeforeClose = Callable[[Sequence[ExportQueue]], None]
# Makes an implementation by its name, instead of the registry.
MakeByName = Callable[[str, TransportFactory, BackendOptions], Backend]


def play(
    config: Config,
    capture: CaptureReader | Path,
    *,
    batches: Iterable[Batch] | None = None,
    make: MakeByName = create,
    before_close: BeforeClose | None = None,
    reloads: Mapping[int, Config] | None = None,
) -> MonitorStatus:
    """Play a recording, and give the last status.

    ``batches``: what is read of it, None: all. ``make``: makes the implementations that the configurations name.
    ``before_close``: given the queues when all is out and nothing is closed. ``reloads``: by the number of a frame the
    configuration that is in force from there on; the protocols that are listened to stay, and so do the options of an
    implementation.

    Raises ``InputError`` for a configuration or a recording that cannot be played, and for a damaged one when what is
    before the damage was played; ``ExportError`` for an export that cannot be opened, ``InternalError`` when the
    implementation crashes.
    """
    plans = {frame: plan(one) for frame, one in (reloads or {}).items()}
    return play_plan(plan(config), capture, batches=batches, make=make, before_close=before_close, reloads=plans)


def play_plan(
    first: Plan,
    capture: CaptureReader | Path,
    *,
    batches: Iterable[Batch] | None = None,
    make: MakeByName = create,
    before_close: BeforeClose | None = None,
    reloads: Mapping[int, Plan] | None = None,
) -> MonitorStatus:
    """Play a recording by a plan; see ``play``."""
    with ExitStack() as stack:
        reader = stack.enter_context(open_capture(capture)) if isinstance(capture, Path) else capture
        player = _Player(first, reader, make, reloads or {})
        stack.callback(player.close)
        player.play(reader.batches() if batches is None else batches)
        status = player.end(before_close)
        if reader.damage is not None:
            raise reader.damage
        return status


class _Player:
    """One recording on its way through a monitor."""

    def __init__(self, first: Plan, reader: CaptureReader, make: MakeByName, reloads: Mapping[int, Plan]) -> None:
        listening = first.listening
        self._plan = first
        # The first one for each implementation; the lanes are in the same order.
        listens = {one.listening.implementation: one.listening for one in (*reversed([*reloads.values()]), first)}
        self._names = sorted(listens, key=lambda name: name != listening.implementation)
        self._reloads = sorted(reloads.items(), reverse=True)
        self._exports = Exports(first.queue, patience=Patience(for_good=True), counts=self._counts)
        self._feed = Feed(
            [partial(_made, make, listens[name]) for name in self._names],
            reader.info.byteorder,
            protocols=listening.protocols,
            options=shared_options([one.options for one in listens.values()]),
            answers=False,
        )
        self._errors: dict[int, Counter[str]] = {}
        try:
            self._exports.change(first.exports, strict=True)
        except NlmonError:
            self._exports.close()
            raise
        self._pipeline = Pipeline(first, self._exports.queues, wait=True)

    def play(self, batches: Iterable[Batch]) -> None:
        """Feed everything."""
        with prints_aside():
            started = self._feed.start()
        self._take(started[self._active])
        for batch in batches:
            for step in each_aside(self._feed.steps(batch)):
                self._step(step)
        for step in each_aside(self._feed.flush()):
            self._step(step)
        with prints_aside():
            ended = self._feed.end()
        last = ended[self._active]
        if last is not None:
            self._take(last)

    def end(self, before_close: BeforeClose | None) -> MonitorStatus:
        """Bring everything out, and say what came of it."""
        for queue in self._exports.queues:
            queue.drained(PATIENCE)
        if before_close is not None:
            before_close(self._exports.queues)
        lane = self._feed.lanes[self._active]
        counts = lane.backend.status()
        exports = self._exports.close()
        return status_of(ProcessFacts(), self._plan, lane.backend, counts, self._pipeline, exports)

    def close(self) -> None:
        """Close what is open, whatever has ended it."""
        self._exports.close()
        with prints_aside():
            self._feed.close()

    def _step(self, step: Step) -> None:
        datagrams = step.datagrams
        if not step.results:
            return
        results = step.results[self._active]
        if results.others or self._reloads:
            data = dict(zip(datagrams.frames, datagrams.data, strict=True))
            sides = [list(one.sides()) for one in step.results]
            for number, frame in enumerate(datagrams.frames):
                self._reload(frame)
                self._take(sides[self._active][number], data, datagrams.protocol)
        else:
            events = filter(None, results.events)  # each datagram gave one
            self._pipeline.take_all(list(zip(events, datagrams.data, strict=True)))

    def _take(self, side: Side, data: Mapping[int, bytes] | None = None, protocol: int = -1) -> None:
        """What came of one datagram. Raises ``InternalError`` when the implementation crashed."""
        if side.events:
            self._pipeline.take_all([(event, _datagram(event, data or {})) for event in side.events])
        if side.errors:
            self._errors.setdefault(protocol, Counter()).update(error.code for error in side.errors)
        if side.crash:
            raise InternalError("NLM-X002", f"{side.name} raised {side.crash}", where=side.trace)

    def _reload(self, frame: int) -> None:
        while self._reloads and self._reloads[-1][0] <= frame:
            _, self._plan = self._reloads.pop()
            for queue in self._exports.queues:  # what is closed by it has all the time of a recording
                queue.drained(PATIENCE)
            self._exports.change(self._plan.exports, limit=self._plan.queue, strict=True)
            self._pipeline.change(self._plan, self._exports.queues)

    @property
    def _active(self) -> int:
        """The lane of the implementation that the monitor has now."""
        return self._names.index(self._plan.listening.implementation)

    def _counts(self) -> Counts:
        status = self._feed.lanes[self._active].backend.status()
        return metrics(self._plan, status, self._errors, self._exports.status(), Durations())


def shared_options(options: Sequence[BackendOptions]) -> BackendOptions:
    """What the recording has to be played for: what one of the implementations looks at, the recorded kernel keeps, and
    what one of them receives is left out of none."""
    families = [one.generic_families for one in options]
    named = None if None in families else tuple(dict.fromkeys(name for names in families for name in names or ()))
    sizes = [one.message_pool_size for one in options if one.message_pool_size is not None]
    return replace(
        options[0],
        generic_families=named,
        caches=tuple(dict.fromkeys(kind for one in options for kind in one.caches)),
        resync=any(one.resync for one in options),
        message_pool_size=min(sizes, default=None),
    )


def _made(make: MakeByName, listening: Listening, factory: TransportFactory, _: BackendOptions) -> Backend:
    """An implementation with its own options, and not those of the one that the monitor begins with."""
    return make(listening.implementation, factory, listening.options)


def _datagram(event: Event, data: Mapping[int, bytes]) -> bytes:
    """The datagram of an event; empty for one that was in none."""
    return b"" if event.synthetic or event.type != "netlink" else data.get(event.frame, b"")
