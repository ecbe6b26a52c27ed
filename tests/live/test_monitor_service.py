"""A running monitor as a service manager sees it, and in a user namespace, where there is no other user."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nlmon.monitor.capabilities import read_thread
from support.requirements import missing, require_netns

PATIENCE = 60.0


@contextmanager
def notified(folder: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """The socket of a service manager, and the environment that it gives, with a watchdog of 0.4 seconds."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(PATIENCE)
        yield manager, os.environ | {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "400000"}


def next_line(manager: socket.socket, *, watchdog: bool = False) -> str:
    """The first line of the next message, that of the watchdog left out or waited for."""
    while True:
        line = manager.recv(4096).decode().split("\n")[0]
        if (line == "WATCHDOG=1") is watchdog:
            return line


@contextmanager
def started(folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A monitor in a namespace of its own."""
    (folder / "nlmon.yaml").write_text(f"export: {{json: {{file: {folder}/events.json}}}}\n", encoding="utf-8")
    arguments = ["--config", str(folder / "nlmon.yaml"), "--socket", str(folder / "run" / "nlmon.sock")]
    command = [*require_netns(), sys.executable, "-P", "-m", "nlmon", *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_what_a_service_manager_is_sent(tmp_path: Path) -> None:
    """Ready when all is open, alive twice in the time of the watchdog, a reload with its end, and the end."""
    with notified(tmp_path) as (manager, environment), started(tmp_path, environment) as process:
        assert next_line(manager) == "READY=1"
        assert (tmp_path / "run" / "nlmon.sock").is_socket() and (tmp_path / "events.json").exists()
        assert [next_line(manager, watchdog=True) for _ in range(3)] == ["WATCHDOG=1"] * 3

        process.send_signal(signal.SIGHUP)
        assert [next_line(manager) for _ in range(2)] == ["RELOADING=1", "READY=1"]

        process.terminate()
        assert next_line(manager) == "STOPPING=1"
        assert process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_in_a_user_namespace_it_keeps_the_two_capabilities(tmp_path: Path) -> None:
    """Every thread has them alone, of those of root in the namespace; the monitor says that it stays root."""
    if "--user" not in require_netns():
        missing("the kernel refuses user namespaces")
    with notified(tmp_path) as (manager, environment), started(tmp_path, environment) as process:
        assert next_line(manager) == "READY=1"
        threads = [
            read_thread((task / "status").read_text(encoding="utf-8"))
            for task in Path(f"/proc/{process.pid}/task").iterdir()
        ]
        process.terminate()
        assert process.wait(PATIENCE) == 0
        said = process.communicate()[1]

    assert len(threads) > 1
    for thread in threads:
        assert (thread.permitted, thread.effective) == (1 << 12 | 1 << 37,) * 2
        assert (thread.inheritable, thread.bounding, thread.ambient, thread.no_new_privs) == (0, 0, 0, True)
    assert "NLM-M034 the monitor stays root" in said
