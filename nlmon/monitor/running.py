"""A monitor that runs on this host's kernel, from its start to its end.

    monitor = RunningMonitor(loaded, planned, control=control)
    monitor.open()
    why = monitor.run(wake, seconds)
    monitor.close(why)

Rules:
1. The control socket is opened first, since it says whether there is such a monitor already; then the sockets of the
   kernel. Then the monitor becomes an ordinary user, while there is no second thread, and opens the exports as he will
   open them again. What cannot be opened ends the start, but for exports.
2. A reload changes what has changed and leaves everything else as it is, and so does a switch to the other
   implementation. With any error all stays as it was.
3. The end takes less than a second, where a processor is free: what waits in the sockets is read and what waits in the
   exports brought out; what is not out by then is counted, and said.

Not here: reading a configuration (``nlmon.config``), and the options (``nlmon.cli.monitor_run``).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from nlmon.config import Loaded, Problem, reload
from nlmon.config.model import JsonExport
from nlmon.config.names import USE_LIBNL
from nlmon.config.problems import Position, error
from nlmon.errors import NlmonError
from nlmon.events import Event
from nlmon.exporters.metrics import Counts, Durations
from nlmon.migrate.model import Implementation
from nlmon.monitor import messages
from nlmon.monitor.control import ControlSocket, Request, refusal
from nlmon.monitor.counted import ProcessFacts, metrics, status_of
from nlmon.monitor.exports import Exports
from nlmon.monitor.files import FileWatch
from nlmon.monitor.gap import last_event
from nlmon.monitor.log import Log
from nlmon.monitor.loop import Loop, Part
from nlmon.monitor.parts import Asked, ChangedFiles, Every, Read, Reloads, Signalled
from nlmon.monitor.phases import begun, so_far
from nlmon.monitor.pipeline import RATE_LIMIT, Pipeline
from nlmon.monitor.plan import Listening, Plan, plan_loaded
from nlmon.monitor.privileges import RunsAs
from nlmon.monitor.resident import resident
from nlmon.monitor.service import Notifier
from nlmon.monitor.sources import Exchanged, KernelSource
from nlmon.monitor.status import MemoryStatus, MonitorStatus, PhaseStatus, status_json
from nlmon.monitor.switching import SwitchReport, report_json, switched, would_lose
from nlmon.monitor.tracing import datagram_traces, event_traces
from nlmon.transport.base import TransportFactory
from nlmon.transport.kernel.transport import KernelFactory

__all__ = ["RunningMonitor", "open_kernel"]

# Seconds between two looks at what is only counted at first, and said later.
LOOK = 5.0
# How often counters are asked for that change meanwhile.
TRIES = 3
# Seconds of a processor for what waits in the sockets at the end, and seconds for counting what is left of it.
FINISH, COUNT = 0.15, 0.1


def open_kernel(listening: Listening) -> TransportFactory:
    """What opens sockets of the running kernel."""
    return KernelFactory(all_nsid=listening.all_namespaces)


class RunningMonitor:
    """A monitor; see the module. ``loaded``: its configuration, ``planned`` the plan of it, with or without a
    ``terminal``; without ``control`` nobody can ask it, and nothing is read again."""

    def __init__(
        self,
        loaded: Loaded,
        planned: Plan,
        *,
        control: ControlSocket | None = None,
        kernel: Callable[[Listening], TransportFactory] = open_kernel,
        log: Log | None = None,
        standing: RunsAs | None = None,
        terminal: bool = True,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._loaded = loaded
        self._plan = planned
        self._control = control
        self._log = log
        self._standing = standing
        self._terminal = terminal
        self._notifier = Notifier(environ if control is not None else {})
        self._environ = environ
        self._durations = Durations()
        self._began = time.monotonic()
        self._exports = Exports(planned.queue, counts=self._counts, on_change=messages.export_changed)
        self._pipeline = Pipeline(planned, ())
        self._trace: Callable[[Event], None] | None = None
        self._source = KernelSource(planned.listening, self._take, kernel)
        self._run = ProcessFacts(
            instance="" if control is None else str(control.path),
            pid=os.getpid(),
            started=time.time_ns(),
            # Who asks may be in another folder.
            files=tuple(str(path.absolute()) for path in loaded.files),
            notices=self._notices(loaded, planned),
            configured=planned.listening.implementation,
            configured_by=loaded.origins.get(USE_LIBNL, ""),
            phases=(PhaseStatus(planned.listening.implementation, time.time_ns()),),
        )

    def open(self) -> None:
        """Open everything. Raises ``PlatformError``, and then nothing is open."""
        try:
            if self._control is not None:
                self._control.open()
            self._source.open()
            self._become()
            self._say_not_listening()
            self._exports.change(self._plan.exports)
        except NlmonError:
            self._close()
            raise
        self._follow(self._plan)
        self._run = replace(self._run, memory=_memory(None))
        names = [one.name for one in self._plan.exports]
        listening = self._plan.listening
        messages.started(listening.implementation, listening.protocols, names, self._loaded.files)
        self._notifier.ready(f"listening by {listening.implementation}")

    def run(self, wake: socket.socket, seconds: float | None = None) -> str:
        """Listen until a signal, or for so many seconds; why it ended. ``wake``: receives the numbers of signals."""
        parts: list[Part] = []
        loop = Loop(parts)
        reloads = Reloads(self.reload)
        hangup = reloads.ask if self._control is not None else lambda: loop.end("SIGHUP")
        parts += [Signalled(wake, loop.end, hangup), Read(self._source)]
        watch = None
        if self._control is not None:
            watch = FileWatch(self._loaded.files)
            if self._loaded.files and not watch.descriptors():
                messages.not_watched()
            if self._is_outdated():
                reloads.ask()
            parts += [Asked(self._control, self._answer), ChangedFiles(watch, reloads.ask), reloads]
        parts.append(Every(LOOK, self._look))
        if self._notifier.interval is not None:
            parts.append(Every(self._notifier.interval, self._notifier.watchdog))
        try:
            return loop.run(seconds)
        finally:
            if watch is not None:
                watch.close()

    def _is_outdated(self) -> bool:
        """Whether the files have changed since they were read and before they were watched, without a notification."""
        return reload(self._loaded, self._environ).config not in (None, self._loaded.config)

    def reload(self) -> None:
        """Read the configuration again, and change what has changed; with any error all stays as it was."""
        self._notifier.reloading()
        self._reload()
        self._notifier.ready()

    def _reload(self) -> None:
        new = reload(self._loaded, self._environ)
        if new.version == self._loaded.version or new.config is None:
            self._refuse(new)
            return
        try:
            changed = self._put_in_force(new)
        except NlmonError as failed:
            self._refuse(replace(new, problems=(error(failed.code, failed.text, Position()),)))
            return
        configured = self._plan.listening.implementation
        by = new.origins.get(USE_LIBNL, "")
        self._run = replace(self._run, reloads=self._run.reloads + 1, configured=configured, configured_by=by)
        for one in _noticed(new, self._plan):
            messages.notice(one)
        messages.reloaded(new.version, changed)

    def _put_in_force(self, new: Loaded) -> list[str]:
        """Go on by a configuration; the sections that are not as before. Raises ``NlmonError``, and then all is as it
        was."""
        assert new.config is not None
        before = self._plan
        exchanged = None
        try:
            planned = plan_loaded(new, terminal=self._terminal)
            self._exports.change(planned.exports, limit=planned.queue)
            # What the old sockets have received is decided by the plan before, and goes to what is open now.
            self._pipeline.change(before, self._exports.queues)
            if planned.listening != before.listening:
                exchanged = self._source.change(planned.listening, self._serve)
        except NlmonError:
            # What was opened for the new one goes; the exports that were closed for it are opened again.
            self._exports.change(before.exports, limit=before.queue)
            self._pipeline.change(before, self._exports.queues)
            raise
        if self._log is not None:
            self._log.apply(new.config.logging)
        self._follow(planned)
        changed = _changed(self._loaded, new)
        self._loaded, self._plan = new, planned
        self._run = replace(self._run, version=new.version, notices=self._notices(new, planned))
        if exchanged is not None and planned.listening.implementation != before.listening.implementation:
            self._note_switch(before.listening.implementation, planned.listening.implementation, exchanged)
        return changed

    def _note_switch(self, before: str, after: str, exchanged: Exchanged) -> None:
        phases = begun(self._run.phases, after, exchanged, self._pipeline.events)
        self._run = replace(self._run, switches=self._run.switches + 1, phases=phases)
        seconds = (exchanged.closed - exchanged.attached) / 1e9
        messages.switched(before, after, seconds, exchanged.both, exchanged.settled, exchanged.dropped)

    def switch(self, to: Implementation, *, force: bool = False) -> SwitchReport:
        """Go on with an implementation, whatever the files say; what came of it. With ``force`` although filters or
        exports would lose something."""
        config, before = self._loaded.config, self._plan.listening.implementation
        assert config is not None
        report = partial(
            SwitchReport,
            instance=self._run.instance,
            before=before,
            configured=self._run.configured,
            files=self._run.files,
        )
        if to == before:
            return report(state="already", after=before, events=self._pipeline.events)
        findings = tuple(would_lose(config, to, ", ".join(self._run.files)))
        wrong = [one for one in findings if one.severity == "error"]
        if wrong and not force:
            messages.not_switched(to, wrong[0].what)
            return report(state="refused", after=before, events=self._pipeline.events, findings=findings)
        try:
            self._put_in_force(switched(self._loaded, to))
        except NlmonError as failed:
            messages.not_switched(to, str(failed))
            return report(state="failed", after=before, events=self._pipeline.events, error=str(failed))
        *_, old, new = self._run.phases
        return report(
            state="switched",
            after=to,
            began=old.until - new.took,
            attached=new.since,
            closed=old.until,
            both=new.both,
            settled=new.settled,
            dropped=new.dropped,
            events=self._pipeline.events,
            findings=findings,
        )

    def status(self) -> MonitorStatus:
        """The counters as they are now."""
        phases = so_far(self._run.phases, self._pipeline.events)
        run = replace(self._run, memory=_memory(self._run.memory), phases=phases)
        source = self._source
        exports = self._exports.status()
        return status_of(run, self._plan, source.backend, source.status(), self._pipeline, exports, source.reconnects)

    def close(self, why: str) -> MonitorStatus:
        """End, and give the last status. ``why``: such as SIGTERM."""
        self._notifier.stopping()
        with ExitStack() as stack:
            # Whatever is met in what waits, the exports bring out what they have.
            stack.callback(self._close)
            # What waits was there before the end; what is too much is counted, and said.
            self._source.drain(FINISH)
            unread = self._source.unread(COUNT)
            last = self.status()
            self._source.close()
            self._pipeline.end()
            exports = self._exports.close()
        lost = sum(max(0, one.dropped) for one in last.protocols)
        # What an exporter still has in hand ends with this process.
        dropped = {one.name: sum(one.dropped.values()) + one.waiting for one in exports}
        dropped[RATE_LIMIT] = last.dropped.get(RATE_LIMIT, 0)
        messages.stopped(why, time.monotonic() - self._began, last.events, lost, dropped, unread)
        return replace(last, exports=exports)

    def _close(self) -> None:
        with ExitStack() as stack:
            # Whatever an implementation raises when it is closed.
            if self._control is not None:
                stack.callback(self._control.close)
            stack.callback(self._exports.close)
            self._source.close()

    def _follow(self, planned: Plan) -> None:
        """Decide by a plan what becomes of events, and what is said of them."""
        self._pipeline.change(planned, self._exports.queues)
        self._source.trace(datagram_traces(planned, lambda: self._source.backend))
        self._trace = event_traces(planned)

    def _become(self) -> None:
        """Go on as the user that was chosen."""
        if self._standing is not None:
            user = self._standing.user
            if self._control is not None:
                self._control.give(user.number, user.group)
            self._standing.drop()
            self._run = replace(self._run, user=self._standing.text())

    def _take(self, event: Event, datagram: bytes) -> None:
        if self._trace is not None:
            self._trace(event)
        self._pipeline.take(event, datagram)
        # The clock may have been set back meanwhile.
        self._durations.add(max(0.0, (time.time_ns() - event.timestamp) / 1e9))

    def _look(self) -> None:
        self._pipeline.settle(time.time_ns())
        self._notifier.again()
        if self._log is not None:
            self._log.flush()

    def _answer(self, request: Request) -> bytes:
        if request.command == "status":
            return status_json(self.status())
        if request.command == "switch" and request.to in {"legacy", "libnl"}:
            return report_json(self.switch("libnl" if request.to == "libnl" else "legacy", force=request.force))
        return refusal("unknown command")

    def _serve(self) -> None:
        """Answer who asks while sockets are exchanged, which may take seconds where much comes."""
        if self._control is not None:
            for descriptor in self._control.descriptors():
                self._control.serve(descriptor, self._answer_meanwhile)

    def _answer_meanwhile(self, request: Request) -> bytes:
        if request.command != "switch":
            return self._answer(request)
        run, now = self._run, self._plan.listening.implementation
        error = "the sockets are being exchanged; ask again"
        report = SwitchReport(
            instance=run.instance, state="failed", before=now, after=now, configured=run.configured, error=error
        )
        return report_json(report)

    def _say_not_listening(self) -> None:
        """Say since when nobody has listened, as the files say that are written on."""
        for one in self._plan.exports:
            if isinstance(one.section, JsonExport) and (since := last_event(Path(one.place))):
                messages.not_listening(one.place, since)

    def _notices(self, loaded: Loaded, planned: Plan) -> tuple[str, ...]:
        """The notices of a configuration, and of who the monitor runs as, which no reload changes."""
        standing = () if self._standing is None else self._standing.notices
        return tuple(f"{one.code}: {one.text}" for one in (*_noticed(loaded, planned), *standing))

    def _refuse(self, found: Loaded) -> None:
        messages.reload_refused(found.problems)
        self._run = replace(self._run, reloads=self._run.reloads + 1, reload_failures=self._run.reload_failures + 1)

    def _counts(self) -> Counts:
        """The counters for who scrapes them, in a thread of the export."""
        source, exports = self._source, self._exports.status()
        for _ in range(TRIES):
            with suppress(RuntimeError):  # a protocol was enabled just now
                return metrics(self._plan, source.status(), source.errors, exports, self._durations)
        return Counts(exports=exports)


def _noticed(loaded: Loaded, planned: Plan) -> list[Problem]:
    """What there is to notice about a configuration that is in order."""
    return [one for one in (*loaded.problems, *planned.notices) if one.severity == "notice"]


def _changed(old: Loaded, new: Loaded) -> list[str]:
    """The sections that are not as before."""
    if old.config is None or new.config is None:
        return []
    return [name for name in new.config.__struct_fields__ if getattr(old.config, name) != getattr(new.config, name)]


def _memory(before: MemoryStatus | None) -> MemoryStatus:
    """Memory now, at the start, and at most so far."""
    now, peak = resident()
    return MemoryStatus(now, now if before is None else before.at_start, peak)
