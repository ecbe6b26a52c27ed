"""The log of a running monitor: levels by module, one line for each message, and how often the same is said.

    log = open_log(config.logging)
    messages.started(...)
    log.apply(new.logging)      # after a reload
    log.close()

Rules:
1. ``logging`` of the standard library under the names ``nlmon.monitor`` and ``nlmon.monitor.MODULE``, with one handler
   of ours. Nothing goes up to the root, and no handler of a program that imports us is touched. Until a log is open
   nothing is printed.
2. A message never waits. What could not be written at once is lost, and how many there were is said later.
3. The same message, by its code and what it is about, is said ``OFTEN`` times in ``WINDOW`` seconds; then it is
   counted, and how many there were is said.
4. What came from the kernel or a file is printable, and a message is bounded.

A line is TIME LEVEL MODULE CODE TEXT. Under systemd a message goes to the journal with fields, and its text is the line
without the time.

Not here: what is said (``messages``), and writing without waiting (``journal``).
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from msgspec import Struct

from nlmon.config.model import Logging
from nlmon.monitor.journal import SOCKET, Journal, is_journal, write_line
from nlmon.printable import printable

__all__ = [
    "DEBUG",
    "ERROR",
    "INFO",
    "MODULES",
    "TRACE",
    "WARNING",
    "Log",
    "LogStatus",
    "Repeats",
    "enabled",
    "open_log",
    "say",
]

TRACE, DEBUG, INFO, WARNING, ERROR = 5, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR
# By level its name in the configuration and the priority of syslog.
_LEVELS = MappingProxyType({TRACE: ("trace", 7), DEBUG: ("debug", 7), INFO: ("info", 6), WARNING: ("warning", 4)})
_ERROR = ("error", 3)
_NUMBERS = {name: number for number, (name, _) in (*_LEVELS.items(), (ERROR, _ERROR))}
# ``monitor`` is everything that belongs to no other; its level is logging.level.
MODULES = ("monitor", "netlink", "libnl", "legacy", "filters", "exports", "config")
NAME = "nlmon.monitor"

# How often the same is said in so many seconds, and of how many messages that is known.
OFTEN, WINDOW, SAMES_KEPT = 5, 30.0, 256
# Characters of a text; a line then fits into what is written at once.
TEXT_KEPT = 2000


class _Said(Struct, frozen=True):
    """What a record of ``logging`` carries for our handler. ``same``: what the message is about; ``asked``: it is said
    whatever level and however often."""

    module: str
    code: str
    same: str
    asked: bool
    fields: Mapping[str, str]


class LogStatus(Struct, frozen=True):
    """Counters of a log: messages that were said, were lost since they could not be written at once, or were not said
    since they were the same."""

    said: int
    lost: int
    repeated: int


_ROOT = logging.getLogger(NAME)
_ROOT.propagate = False
_ROOT.addHandler(logging.NullHandler())
_LOGGERS = {module: _ROOT if module == "monitor" else _ROOT.getChild(module) for module in MODULES}


def enabled(module: str, level: int) -> bool:
    """Whether a message of a module would be said, for those that cost something to put together."""
    return _LOGGERS[module].isEnabledFor(level)


def say(module: str, level: int, code: str, text: str, *, same: str = "", asked: bool = False, **fields: str) -> None:
    """Say a message. ``same``: what it is about, such as a protocol; ``asked``: say it whatever the levels are, and as
    often as it comes; ``fields``: further fields of the journal."""
    logger = _LOGGERS[module]
    if not asked and not logger.isEnabledFor(level):
        return
    said = _Said(module, code, same, asked, MappingProxyType(fields))
    logger.handle(logger.makeRecord(logger.name, level, "", 0, text, (), None, extra={"nlmon": said}))


class Repeats:
    """What was said lately, and how often the same came after that. Time is in seconds, of any clock."""

    def __init__(self, often: int = OFTEN, window: float = WINDOW, kept: int = SAMES_KEPT) -> None:
        self._often = often
        self._window = window
        self._kept = kept
        # By message when its window ends, how often it came in it, and the module, level and text of the last one.
        self._seen: dict[tuple[str, str], tuple[float, int, tuple[str, int, str]]] = {}

    def may_say(self, code: str, same: str, now: float, last: tuple[str, int, str]) -> bool:
        """Whether a message is said now, and not only counted."""
        key = (code, same)
        end, count, _ = self._seen.get(key, (now + self._window, 0, last))
        if key not in self._seen and len(self._seen) >= self._kept:
            return True  # of so many different ones none is the flood
        self._seen[key] = end, count + 1, last
        return count < self._often

    def ended(self, now: float) -> Iterator[tuple[str, tuple[str, int, str], int]]:
        """Messages whose window has ended, with the last one and how many were only counted; they are forgotten."""
        for key, (end, count, last) in list(self._seen.items()):
            if end <= now:
                del self._seen[key]
                if count > self._often:
                    yield key[0], last, count - self._often


class Log(logging.Handler):
    """The handler of a monitor's messages. ``descriptor``: where lines go; ``journal``: where entries go, if there is
    one; then a line has the priority that the journal reads before it, and no time."""

    def __init__(
        self,
        descriptor: int,
        journal: Journal | None = None,
        *,
        under_systemd: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._journal = journal
        self._under_systemd = under_systemd
        self._clock = clock
        self._repeats = Repeats()
        self._next_look = 0.0
        self._said = self._lost = self._repeated = 0
        # Of the lost ones so many were reported.
        self._lost_said = 0

    def apply(self, config: Logging) -> None:
        """Take on the levels of a configuration."""
        _ROOT.setLevel(_NUMBERS[config.level])
        for module in MODULES[1:]:
            _LOGGERS[module].setLevel(_NUMBERS.get(getattr(config.modules, module), logging.NOTSET))

    def emit(self, record: logging.LogRecord) -> None:
        """Write what a record says, unless the same was said often."""
        said = getattr(record, "nlmon", None)
        if not isinstance(said, _Said):  # of a program that uses our name
            said = _Said(record.name.removeprefix(NAME).lstrip(".") or "monitor", "", "", False, {})
        text = _bounded(record.getMessage())
        now = self._clock()
        self._say_ended(now)
        last = (said.module, record.levelno, text)
        if said.asked or self._repeats.may_say(said.code or text, said.same, now, last):
            self._write(record.created, said.module, record.levelno, said.code, text, said.fields)
        else:
            self._repeated += 1

    def flush(self) -> None:
        """Say how often the same came, where its time is over; for a timer."""
        self.acquire()
        try:
            self._say_ended(self._clock())
        finally:
            self.release()

    def status(self) -> LogStatus:
        """The counters as they are now."""
        return LogStatus(self._said, self._lost, self._repeated)

    def close(self) -> None:
        """Say what was only counted, and take the handler and the levels away."""
        if self in _ROOT.handlers:
            self.acquire()
            try:
                self._say_ended(float("inf"))
            finally:
                self.release()
            _ROOT.removeHandler(self)
            for logger in _LOGGERS.values():
                logger.setLevel(logging.NOTSET)
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        super().close()

    def _say_ended(self, now: float) -> None:
        if now < self._next_look:
            return
        self._next_look = self._clock() + 1.0
        self._say_lost()
        for code, (module, level, text), count in self._repeats.ended(now):
            about = {"NLMON_REPEATED_CODE": code}
            were = "was" if count == 1 else "were"
            self._write(
                *(time.time(), module, level, "NLM-M051", f"{count} more like this {were} not said: {text}"), about
            )

    def _say_lost(self) -> None:
        """Say how many messages could not be written, as soon as there is room for that."""
        lost = self._lost
        if lost > self._lost_said:
            text = f"{lost - self._lost_said} messages of the log were lost: who reads it is too slow"
            self._write(time.time(), "monitor", WARNING, "NLM-M057", text, {})
            # What could not be said counts as lost, too.
            self._lost_said = lost if self._lost == lost else self._lost_said

    def _write(self, when: float, module: str, level: int, code: str, text: str, fields: Mapping[str, str]) -> None:
        name, priority = _LEVELS.get(level, _ERROR)
        line = " ".join(filter(None, (name, module, code, text)))
        done = self._send(line, priority, module, code, fields)
        if not done:
            start = f"<{priority}>" if self._under_systemd else f"{_time(when)} "
            done = write_line(self._descriptor, (start + line).encode("utf-8", "replace"))
        self._said += done
        self._lost += not done

    def _send(self, line: str, priority: int, module: str, code: str, fields: Mapping[str, str]) -> bool:
        """Whether the journal took a message. What it has no room for may still get there by standard error, and there
        may be none."""
        if self._journal is None:
            return False
        entry = {
            "MESSAGE": line,
            "PRIORITY": str(priority),
            "SYSLOG_IDENTIFIER": "nlmon",
            "NLMON_CODE": code,
            "NLMON_MODULE": module,
            **fields,
        }
        try:
            return self._journal.send((field, value) for field, value in entry.items() if value)
        except OSError:  # it is gone; what is written to standard error is read when it is back
            return False


def _bounded(text: str) -> str:
    shown = printable(text[: TEXT_KEPT + 1])
    return shown if len(shown) <= TEXT_KEPT else shown[:TEXT_KEPT] + "…"


def _time(when: float) -> str:
    return datetime.fromtimestamp(when).astimezone().isoformat(timespec="milliseconds")


def open_log(
    config: Logging, *, environ: Mapping[str, str] = os.environ, descriptor: int | None = None, journal: str = SOCKET
) -> Log:
    """The log of a monitor, in force until it is closed: the journal if standard error goes there, else lines on
    standard error. ``descriptor``: another one instead; ``journal``: its socket."""
    if descriptor is None:
        try:
            descriptor = sys.stderr.fileno()
        except (AttributeError, OSError, ValueError):  # there is none, or it is no file
            descriptor = -1
    under_systemd = is_journal(descriptor, environ)
    sink = None
    if under_systemd:
        try:
            sink = Journal(journal)
        except OSError:
            sink = None
    log = Log(descriptor, sink, under_systemd=under_systemd)
    log.apply(config)
    _ROOT.addHandler(log)
    return log
