"""What a monitor says: each message with its code, and the commands of the guide find them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nlmon.config.model import Logging, LogModules
from nlmon.config.problems import Position, error, notice
from nlmon.errors import FramingError, Overrun, TransportError
from nlmon.events import Event
from nlmon.exporters.base import ExportStatus
from nlmon.monitor import messages
from nlmon.monitor.log import open_log
from nlmon.testing.messages import attr, message
from nlmon.wire import Datagram

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes of Linux")
ROUTE, XFRM, GENERIC = 0, 6, 16
EVENT = Event(0, ROUTE, 16, 0, 0, 0, 1, 0, "eth0", None)
ERROR = TransportError("NLM-T002", "the kernel refuses a socket for protocol 0", why="Too many open files")
OVERRUN = Overrun("NLM-T010", "the receive buffer was full and the kernel dropped 50 messages", drops=50)
PLACE = Position("nlmon.yaml", 3, 5)
MISTAKE = error("NLM-G011", "use_libln is no key of netlink", PLACE)
NOTICE = notice("NLM-G031", "core.worker_threads has no effect", PLACE)
DATAGRAM = Datagram(7, 0, ROUTE, message(16, bytes(16)))


@pytest.fixture
def said(tmp_path: Path) -> Iterator[Callable[[], list[str]]]:
    """The lines without their time that were said, by a log that says everything."""
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    log = open_log(Logging(level="trace"), environ={}, descriptor=descriptor)
    yield lambda: [line.split(" ", 1)[1] for line in path.read_text().splitlines()]
    log.close()
    os.close(descriptor)


SAID = [
    (
        lambda: messages.started("libnl", [ROUTE, GENERIC], ["json", "syslog"], ["nlmon.yaml"]),
        "info monitor NLM-M040 started: libnl listens to NETLINK_ROUTE, NETLINK_GENERIC, events go to json, syslog "
        "(configuration nlmon.yaml)",
    ),
    (
        lambda: messages.started("legacy", [ROUTE], [], []),
        "info monitor NLM-M040 started: legacy listens to NETLINK_ROUTE, events go to no export "
        "(no configuration file)",
    ),
    (
        lambda: messages.stopped("SIGTERM", 61.25, 1, 50, {"json": 0, "syslog": 1, "rate limit": 1}),
        "info monitor NLM-M041 stopped by SIGTERM after 61.2 s: 1 event, 50 messages lost, 2 events dropped "
        "(syslog 1, rate limit 1)",
    ),
    (
        lambda: messages.stopped("SIGTERM", 1.0, 7, 0, {}, (3987, False)),
        "warning monitor NLM-M041 stopped by SIGTERM after 1.0 s: 7 events, 0 messages lost, 0 events dropped, "
        "at least 3987 datagrams left unread",
    ),
    (
        lambda: messages.stopped("SIGTERM", 1.0, 7, 0, {}, (0, False)),
        "warning monitor NLM-M041 stopped by SIGTERM after 1.0 s: 7 events, 0 messages lost, 0 events dropped, "
        "at least 0 datagrams left unread",
    ),
    (
        lambda: messages.listening(ROUTE, 5, 65536),
        "info netlink NLM-M042 listening to NETLINK_ROUTE: descriptor 5, receive buffer 65536 bytes",
    ),
    (
        lambda: messages.reconnecting(ROUTE, 1, 5, "Bad file descriptor"),
        "warning netlink NLM-M043 NETLINK_ROUTE lost its socket, reconnecting (try 1 of 5, 4 left): "
        "Bad file descriptor",
    ),
    (
        lambda: messages.reconnecting(30, 2),
        "warning netlink NLM-M043 netlink protocol 30 lost its socket, reconnecting (try 2)",
    ),
    (
        lambda: messages.reconnected(ROUTE, 3),
        "warning netlink NLM-M044 NETLINK_ROUTE reconnected after 3 tries; messages of the meantime are lost",
    ),
    (
        lambda: messages.given_up(ROUTE, 5, ERROR),
        "error netlink NLM-M045 NETLINK_ROUTE is not listened to any more, no reconnect after 5 tries: NLM-T002: the "
        "kernel refuses a socket for protocol 0: Too many open files",
    ),
    (
        lambda: messages.given_up(ROUTE, 0, ERROR),
        "error netlink NLM-M045 NETLINK_ROUTE is not listened to any more, reconnect is not possible: NLM-T002: the "
        "kernel refuses a socket for protocol 0: Too many open files",
    ),
    (
        lambda: messages.overrun(ROUTE, OVERRUN, 32768),
        "error netlink NLM-T010 NETLINK_ROUTE: the receive buffer was full and the kernel dropped 50 messages; raise "
        "netlink.buffer_size.receive, which is 32768",
    ),
    (
        lambda: messages.unresolved("nl80211"),
        "warning netlink NLM-B004 Failed to resolve family 'nl80211': no kernel module that is loaded provides it; it "
        "is joined when one does",
    ),
    (
        lambda: messages.problem(ERROR, ROUTE),
        "error netlink NLM-T002 NETLINK_ROUTE: the kernel refuses a socket for protocol 0: Too many open files",
    ),
    (
        lambda: messages.problem(FramingError("NLM-D001", "a message is cut", frame=3, offset=16), ROUTE, "libnl"),
        "warning libnl NLM-D001 NETLINK_ROUTE: a message is cut (frame 3, offset 0x10)",
    ),
    (
        lambda: messages.notice(NOTICE),
        "warning config NLM-G031 core.worker_threads has no effect (nlmon.yaml:3:5)",
    ),
    (
        lambda: messages.reloaded(2, ["filters", "export.json"]),
        "info config NLM-M046 the configuration was reloaded, version 2: filters, export.json",
    ),
    (
        lambda: messages.reloaded(3, []),
        "info config NLM-M046 the configuration was reloaded, version 3: nothing has changed",
    ),
    (
        lambda: messages.alert("uplink", EVENT),
        "warning filters NLM-M048 alert: rule uplink matches RTM_NEWLINK of eth0",
    ),
    (
        lambda: messages.notice(notice("NLM-M003", "the filter uplink: it never holds", Position(), key="filters")),
        "warning filters NLM-M003 the filter uplink: it never holds",
    ),
    (
        lambda: messages.rate_limited(250, 1000),
        "warning monitor NLM-M049 250 events dropped: core.rate_limit is 1000 a second",
    ),
    (
        lambda: messages.export_changed(ExportStatus("json", "failing", 1, 2, {}, 1, "NLM-O005: events wait: full")),
        "error exports NLM-O005 export json: events wait: full",
    ),
    (
        lambda: messages.export_changed(ExportStatus("json", "working", 1, 2, {"failed": 12}, 1)),
        "info exports NLM-M050 export json works again, 12 events dropped so far",
    ),
    (
        lambda: messages.called_back(EVENT),
        "debug libnl NLM-M053 callback of NETLINK_ROUTE: RTM_NEWLINK of eth0",
    ),
    (
        messages.not_watched,
        "warning config NLM-M059 the files of the configuration are not watched, since the kernel gives no inotify "
        "for them; SIGHUP reloads them",
    ),
    (lambda: messages.received(DATAGRAM), "trace netlink NLM-M054 NETLINK_ROUTE: datagram 7 of 32 bytes"),
    (
        lambda: messages.decoded("legacy", EVENT),
        "trace legacy NLM-M055 NETLINK_ROUTE: datagram 1 gives RTM_NEWLINK of eth0",
    ),
    (lambda: messages.filtered(EVENT, []), "trace filters NLM-M056 RTM_NEWLINK of eth0: matched by no rule"),
    (lambda: messages.filtered(EVENT, ["a", "b"]), "trace filters NLM-M056 RTM_NEWLINK of eth0: matched by a, b"),
]


@pytest.mark.parametrize(("call", "line"), SAID, ids=[line.split(" NLM-")[1][:12] for _, line in SAID])
def test_a_message(call: Callable[[], None], line: str, said: Callable[[], list[str]]) -> None:
    """Its level, module, code and text."""
    call()

    assert said() == [line]


def test_a_refused_reload_says_each_mistake(said: Callable[[], list[str]]) -> None:
    """And then that the old configuration stays; notices of what is not taken are no matter."""
    messages.reload_refused([MISTAKE, NOTICE])

    assert said() == [
        "error config NLM-G011 use_libln is no key of netlink (nlmon.yaml:3:5)",
        "error config NLM-M047 the configuration was not reloaded: 1 mistake; the one in force stays",
    ]


def test_no_message_but_a_failure_has_the_word_error() -> None:
    """So that those who grep for it find what they mean."""
    wrong = [line for _, line in SAID if "error" in line.split(" ", 1)[1].lower() and not line.startswith("error")]

    assert wrong == []


def test_bytes_are_said_at_any_level(tmp_path: Path) -> None:
    """``netlink.debug`` asks for them; the line has the first ones."""
    descriptor = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    log = open_log(Logging(modules=LogModules(libnl="error")), environ={}, descriptor=descriptor)
    messages.dumped(Datagram(1, 0, ROUTE, message(16, bytes(4))))
    messages.dumped(Datagram(2, 0, ROUTE, message(16, bytes(600))))
    log.close()
    os.close(descriptor)
    first, second = (tmp_path / "log").read_text().splitlines()

    assert first.split(" ", 1)[1].startswith("debug libnl NLM-M052 NETLINK_ROUTE, 20 bytes: 14 00 00 00 10 00 ")
    assert (second.endswith(" …"), len(second) < 1000) == (True, True)


KEY = bytes.fromhex("5ec4e75ec4e75ec4")
# The algorithm of an IPsec state, whose attribute holds the key behind its name.
STATE = message(16, bytes(224) + attr(2, b"cbc(aes)".ljust(64, b"\0") + (64).to_bytes(4, sys.byteorder) + KEY))
UNNAMED = message(40, bytes(4) + attr(1, KEY))


@pytest.mark.parametrize(("protocol", "data"), [(XFRM, STATE), (GENERIC, UNNAMED)], ids=["ipsec", "unnamed family"])
def test_keys_are_never_said(protocol: int, data: bytes, said: Callable[[], list[str]]) -> None:
    """Of an attribute that holds one, or may, the length is."""
    messages.dumped(Datagram(1, 0, protocol, data))
    (line,) = said()

    assert KEY.hex(" ") not in line
    assert "bytes)" in line


# -- the commands of the guide --------------------------------------------------------------------------------------

# As they are written behind ``journalctl -u nlmon``, and the codes of the messages that they find.
GUIDE = [
    (
        "grep -i netlink",
        {"M042", "M043", "M044", "M045", "T010", "T002", "B004", "M040", "D001", "M053", "M054", "M055", "G011"},
    ),
    ("grep reconnect", {"M043", "M044", "M045"}),
    ("grep -i error", {"M045", "T010", "T002", "O005"}),
    ("grep \"Failed to resolve family 'nl80211'\"", {"B004"}),
]


@pytest.mark.parametrize(("command", "codes"), GUIDE, ids=[command for command, _ in GUIDE])
def test_a_command_of_the_guide_finds_its_messages(
    command: str, codes: set[str], said: Callable[[], list[str]]
) -> None:
    """In what journalctl prints: the text of an entry is the line without the time."""
    for call, _ in SAID:
        call()
    lines = [f"Nov 30 01:45:36 host nlmon[12]: {line}\n" for line in said()]
    done = subprocess.run(["bash", "-c", command], input="".join(lines), capture_output=True, text=True, check=True)
    found = {word.removeprefix("NLM-") for line in done.stdout.splitlines() for word in line.split()[7:8]}

    assert found == codes - {"G011"}


def test_an_export_that_a_reload_has_closed_is_reported_if_it_lost_events(said: Callable[[], list[str]]) -> None:
    """With everything that did not get out."""
    messages.export_changed(ExportStatus("syslog", "closed", 5, 2, {"closed": 3}, 0))
    messages.export_changed(ExportStatus("json", "closed", 5, 0, {}, 1, "NLM-O001: no file"))

    assert said() == ["warning exports NLM-M058 export syslog was closed by a reload, 5 events dropped"]
