"""What a service manager is notified of, read from a socket as it would."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nlmon.monitor.service import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The value of NOTIFY_SOCKET, and the socket behind it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(60)
        name = str(tmp_path / "notify")
        receiver.bind(name if request.param == "path" else f"\0{name}")
        yield (name if request.param == "path" else f"@{name}"), receiver


def test_what_is_sent(manager: tuple[str, socket.socket]) -> None:
    """Each message is a datagram of its own with the lines of sd_notify(3)."""
    name, receiver = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.ready("listening")
    notifier.ready()
    notifier.stopping()
    notifier.status("127 events")
    notifier.watchdog()

    assert [receiver.recv(1000) for _ in range(5)] == [
        *(b"READY=1\nSTATUS=listening", b"READY=1", b"STOPPING=1", b"STATUS=127 events", b"WATCHDOG=1"),
    ]


def test_a_reload_has_its_time(manager: tuple[str, socket.socket]) -> None:
    """systemd compares it with when it has asked, on the clock that both have."""
    name, receiver = manager
    before = time.monotonic_ns() // 1000
    Notifier({"NOTIFY_SOCKET": name}).reloading()
    first, second = receiver.recv(1000).decode().split("\n")

    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


def test_a_text_says_nothing_else(manager: tuple[str, socket.socket]) -> None:
    """A line end in a text does not begin a message, and a long one is cut."""
    name, receiver = manager
    Notifier({"NOTIFY_SOCKET": name}).status("a\nMAINPID=1" + "x" * 1000)
    (line,) = receiver.recv(4000).decode().split("\n")

    assert line.startswith("STATUS=a\\nMAINPID=1x") and len(line) < 300


@pytest.mark.parametrize(
    "name", ["", "relative", "vsock:2:1234", "/no/such/socket", "@nobody-listens", "/" + "x" * 500]
)
def test_where_nobody_listens_nothing_happens(name: str) -> None:
    """The monitor runs without a manager, with one that is gone, and with an address that is none."""
    Notifier({"NOTIFY_SOCKET": name} if name else {}).ready("x")


def test_a_manager_that_is_busy_is_notified_later(tmp_path: Path) -> None:
    """Its queue is full after some messages, and nobody waits until there is room; then it is sent what counts, in
    order, and the watchdog has its turn again."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.setblocking(False)
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(1000):
            notifier.watchdog()
        notifier.ready()
        notifier.stopping()
        notifier.watchdog()
        full = _received(receiver)
        notifier.again()
        later = _received(receiver)
        notifier.watchdog()

        assert (set(full), later) == ({b"WATCHDOG=1"}, [b"READY=1", b"STOPPING=1"])
        assert _received(receiver) == [b"WATCHDOG=1"]


def _received(receiver: socket.socket) -> list[bytes]:
    found = []
    with suppress(BlockingIOError):
        while True:
            found.append(receiver.recv(1000))
    return found


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "me"}, None),
    ],
)
def test_the_watchdog_is_notified_twice_as_often_as_it_wants(environ: dict[str, str], interval: float | None) -> None:
    """And not at all if it means another process, or nobody listens."""
    assert Notifier({"NOTIFY_SOCKET": "/x", **environ}).interval == interval
    assert Notifier(environ).interval is None
