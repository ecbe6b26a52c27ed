"""The log of a monitor: its levels, its lines and entries, and how often the same is said."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nlmon.config.model import Logging, LogModules
from nlmon.monitor.journal import Journal
from nlmon.monitor.log import (
    DEBUG,
    ERROR,
    INFO,
    MODULES,
    OFTEN,
    SAMES_KEPT,
    TEXT_KEPT,
    TRACE,
    WARNING,
    WINDOW,
    Log,
    LogStatus,
    Repeats,
    enabled,
    open_log,
    say,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes of Linux")
ROOT = logging.getLogger("nlmon.monitor")


class Written:
    """A pipe to write lines into, and what is in it."""

    def __init__(self) -> None:
        self._read, self.descriptor = os.pipe()
        os.set_blocking(self._read, False)

    def lines(self) -> list[str]:
        """The lines that were written since the last call."""
        try:
            return os.read(self._read, 1 << 20).decode().splitlines()
        except BlockingIOError:
            return []

    def close(self) -> None:
        """Close both ends."""
        os.close(self._read)
        os.close(self.descriptor)


@pytest.fixture
def written() -> Iterator[Written]:
    """A pipe for lines."""
    made = Written()
    yield made
    made.close()


def opened(written: Written, config: Logging | None = None) -> Log:
    """A log with plain lines."""
    return open_log(config or Logging(), environ={}, descriptor=written.descriptor)


def test_a_line_has_time_level_module_code_and_text(written: Written) -> None:
    """The time with milliseconds and the distance from UTC."""
    log = opened(written)
    say("netlink", WARNING, "NLM-M043", "a text")
    log.close()
    (line,) = written.lines()

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d warning netlink NLM-M043 a text", line)


LEVELS = [
    ("info", {}, {TRACE: "", DEBUG: "", INFO: "nl", WARNING: "nl", ERROR: "nl"}),
    ("error", {"netlink": "trace"}, {TRACE: "n", DEBUG: "n", INFO: "n", WARNING: "n", ERROR: "nl"}),
    ("trace", {"libnl": "warning"}, {TRACE: "n", DEBUG: "n", INFO: "n", WARNING: "nl", ERROR: "nl"}),
    ("debug", {"libnl": "trace"}, {TRACE: "l", DEBUG: "nl", INFO: "nl", WARNING: "nl", ERROR: "nl"}),
]


@pytest.mark.parametrize(("level", "modules", "said"), LEVELS)
def test_levels_by_module(written: Written, level: str, modules: dict[str, str], said: dict[int, str]) -> None:
    """``logging.modules`` wins over ``logging.level``; trace is below debug."""
    log = opened(written, Logging(level=level, modules=LogModules(**modules)))
    for number in said:
        for module in ("netlink", "libnl"):
            say(module, number, "NLM-M042", str(number), same=f"{module} {number}")
    log.close()
    found = dict.fromkeys(said, "")
    for line in written.lines():
        _, _, module, _, number = line.split()
        found[int(number)] += module[0]

    assert found == said


def test_every_module_of_the_configuration_has_a_level() -> None:
    """The names of ``logging.modules``, and one for the rest."""
    assert ("monitor", *LogModules.__struct_fields__) == MODULES


def test_levels_change_on_a_reload(written: Written) -> None:
    """And go with the log."""
    log = opened(written)
    before = enabled("filters", TRACE)
    log.apply(Logging(modules=LogModules(filters="trace")))
    after = enabled("filters", TRACE)
    log.close()

    assert (before, after, logging.getLogger("nlmon.monitor.filters").level) == (False, True, logging.NOTSET)


def test_what_is_asked_for_is_said_whatever_the_level(written: Written) -> None:
    """And as often as it comes."""
    log = opened(written, Logging(level="error"))
    for _ in range(2 * OFTEN):
        say("libnl", DEBUG, "NLM-M052", "bytes", asked=True)
    log.close()

    assert len(written.lines()) == 2 * OFTEN


def test_handlers_of_others_are_left_alone(written: Written, capfd: pytest.CaptureFixture[str]) -> None:
    """Those of the root get nothing of ours, and without a log nothing is printed at all."""
    seen: list[logging.LogRecord] = []
    other = logging.Handler()
    other.emit = seen.append  # type: ignore[method-assign]
    root = logging.getLogger()
    root.addHandler(other)
    try:
        say("netlink", ERROR, "NLM-M045", "before")
        log = opened(written)
        inside = list(root.handlers)
        say("netlink", ERROR, "NLM-M045", "text")
        log.close()
    finally:
        root.removeHandler(other)

    assert (seen, other in inside, capfd.readouterr().err) == ([], True, "")
    assert log not in ROOT.handlers
    assert len(written.lines()) == 1


def test_a_record_of_another_program_under_our_name_is_a_line(written: Written) -> None:
    """Without a code."""
    log = opened(written)
    logging.getLogger("nlmon.monitor.plugin").warning("from %s", "outside")
    log.close()

    assert [line.split(" ", 1)[1] for line in written.lines()] == ["warning plugin from outside"]


def test_a_text_is_printable_and_bounded(written: Written) -> None:
    """An escape sequence in a name obeys nobody, and a long text is cut."""
    log = opened(written)
    say("config", ERROR, "NLM-G010", "a\x1b[2Jb\nc")
    say("config", ERROR, "NLM-G011", "x" * 3 * TEXT_KEPT)
    log.close()
    first, second = (line.split(" ", 4)[4] for line in written.lines())

    assert first == r"a\x1b[2Jb\nc"
    assert second == "x" * TEXT_KEPT + "…"


def test_a_log_that_nobody_reads_loses_lines_and_says_how_many(written: Written) -> None:
    """It waits for nobody, and says so when there is room again."""
    now = [0.0]
    log = Log(written.descriptor, clock=lambda: now[0])
    ROOT.addHandler(log)
    log.apply(Logging())
    for number in range(100):
        say("config", ERROR, "NLM-G010", "x" * 1900, same=str(number))
    status = log.status()
    written.lines()
    now[0] = 2.0
    log.flush()
    log.close()

    assert (status.said + status.lost, status.lost > 0) == (100, True)
    assert [line.split(" ", 1)[1] for line in written.lines()] == [
        f"warning monitor NLM-M057 {status.lost} messages of the log were lost: who reads it is too slow"
    ]


# -- the same again --------------------------------------------------------------------------------------------------


def test_the_same_message_is_said_some_times_and_then_counted(written: Written) -> None:
    """Per code and what it is about; when the time is over, one line says how many there were."""
    now = [0.0]
    log = Log(written.descriptor, clock=lambda: now[0])
    ROOT.addHandler(log)
    log.apply(Logging())
    for _ in range(OFTEN + 3):
        say("netlink", WARNING, "NLM-M043", "again", same="0")
    say("netlink", WARNING, "NLM-M043", "another", same="16")
    during = [line.split(" ", 4)[4] for line in written.lines()]
    now[0] = WINDOW + 1
    log.flush()
    after = [line.split(" ", 1)[1] for line in written.lines()]
    say("netlink", WARNING, "NLM-M043", "again", same="0")
    log.close()
    end = [line.split(" ", 4)[4] for line in written.lines()]

    assert during == [*["again"] * OFTEN, "another"]
    assert after == ["warning netlink NLM-M051 3 more like this were not said: again"]
    assert end == ["again"]
    assert log.status() == LogStatus(said=OFTEN + 3, lost=0, repeated=3)


def test_what_was_only_counted_is_said_at_the_end(written: Written) -> None:
    """However short the time was."""
    log = opened(written)
    for _ in range(OFTEN + 1):
        say("netlink", WARNING, "NLM-M043", "again")
    log.close()

    assert written.lines()[-1].split(" ", 3)[3] == "NLM-M051 1 more like this was not said: again"


def test_many_different_messages_are_not_remembered() -> None:
    """What is new beyond the bound is said each time, and nothing is kept of it."""
    repeats = Repeats(often=1, window=10, kept=2)
    about = ("netlink", WARNING, "text")
    said = [repeats.may_say("NLM-M043", str(number), 0.0, about) for number in (1, 2, 3, 3, 1)]

    assert said == [True, True, True, True, False]
    assert [count for *_, count in repeats.ended(10.0)] == [1]
    assert SAMES_KEPT > 200


# -- systemd -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def under_systemd(written: Written, tmp_path: Path) -> Callable[[], Log]:
    """Opens a log whose descriptor systemd has connected with the journal."""
    status = os.fstat(written.descriptor)
    environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    where = str(tmp_path / "socket")
    return lambda: open_log(Logging(), environ=environ, descriptor=written.descriptor, journal=where)


@pytest.mark.skipif(sys.platform != "linux", reason="the journal is Linux's")
def test_under_systemd_a_message_is_an_entry(
    written: Written, tmp_path: Path, under_systemd: Callable[[], Log]
) -> None:
    """With fields that journalctl can search; fields without a value are not there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "socket"))
        log = under_systemd()
        say("netlink", WARNING, "NLM-M043", "a text", PROTOCOL="NETLINK_ROUTE", NLMON_DROPS="")
        entry = server.recv(4096).decode().splitlines()
        log.close()

    assert entry == [
        "MESSAGE=warning netlink NLM-M043 a text",
        "PRIORITY=4",
        "SYSLOG_IDENTIFIER=nlmon",
        "NLMON_CODE=NLM-M043",
        "NLMON_MODULE=netlink",
        "PROTOCOL=NETLINK_ROUTE",
    ]
    assert written.lines() == []


@pytest.mark.skipif(sys.platform != "linux", reason="the journal is Linux's")
def test_without_its_socket_lines_have_the_priority(
    written: Written, tmp_path: Path, under_systemd: Callable[[], Log]
) -> None:
    """As systemd reads standard error (sd-daemon(3)); also when the journal goes later."""
    log = under_systemd()
    say("netlink", ERROR, "NLM-M045", "first")
    log.close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "socket"))
        log = under_systemd()
    say("netlink", TRACE + 15, "NLM-M042", "second")
    log.close()

    assert written.lines() == ["<3>error netlink NLM-M045 first", "<6>info netlink NLM-M042 second"]


@pytest.mark.skipif(sys.platform != "linux", reason="the journal is Linux's")
def test_a_full_journal_is_not_waited_for(written: Written, tmp_path: Path) -> None:
    """What it could not take goes to standard error, as long as there is room, and is then counted."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "socket"))
        log = Log(written.descriptor, Journal(str(tmp_path / "socket")), under_systemd=True)
        ROOT.addHandler(log)
        for number in range(3000):
            say("netlink", ERROR, "NLM-M045", "text", same=str(number))
        status = log.status()
        log.close()

    lines = written.lines()

    assert (status.said + status.lost, status.lost > 0) == (3000, True)
    assert (len(lines) > 1000, lines[0], len(lines) < status.said) == (True, "<3>error netlink NLM-M045 text", True)
