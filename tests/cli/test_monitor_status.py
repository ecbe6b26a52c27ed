"""``nlmon --status``: one monitor that is named, all that run, or none."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from nlmon.monitor import runtime
from nlmon.monitor.runtime import default_path
from nlmon.monitor.status import status_json, status_text
from support.command import nlmon
from support.monitors import STATUS, serving


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this user's control sockets, which is not that of the machine."""
    monkeypatch.setattr(runtime, "SYSTEM_FOLDER", tmp_path / "run" / "nlmon")
    monkeypatch.setattr(runtime, "USERS_FOLDER", tmp_path / "user")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    return tmp_path / "run" / "nlmon"


def test_the_monitor_of_a_configuration(tmp_path: Path) -> None:
    """It is found by its file, and its status is lines for people."""
    config = tmp_path / "nlmon.yaml"
    with serving(default_path([config], os.environ)):
        result = nlmon("--status", "--config", str(config))

    assert (result.returncode, result.stdout, result.stderr) == (0, status_text(STATUS), "")


def test_the_monitor_of_a_socket(tmp_path: Path) -> None:
    """It is found by its socket, and its status is a line of JSON."""
    with serving(tmp_path / "a.sock"):
        result = nlmon("--status", "--socket", str(tmp_path / "a.sock"), "--format", "json")

    assert (result.returncode, json.loads(result.stdout)["implementation"]) == (0, "libnl")


def test_the_section_of_protocols_is_within_ten_lines(tmp_path: Path) -> None:
    """What grep -A 10 shows behind the title has every protocol."""
    with serving(tmp_path / "a.sock"):
        shown = nlmon("--status", "--socket", str(tmp_path / "a.sock")).stdout
    found = subprocess.run(
        ["grep", "-A", "10", "Netlink Protocols"], input=shown, capture_output=True, text=True, check=True
    ).stdout

    assert [found.count(one) for one in ("  route ", "  generic ", "  sock_diag ", "  netfilter ")] == [1] * 4


def test_all_that_run(folders: Path) -> None:
    """Without a file or a socket every monitor of this user is asked; what a dead one has left is passed over."""
    other = replace(STATUS, instance="b")
    with serving(folders / "a.sock"), serving(folders / "b.sock", lambda _: status_json(other)):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(folders / "dead.sock"))
        result = nlmon("--status")

    assert (result.returncode, result.stdout) == (0, status_text(STATUS) + "\n" + status_text(other))


def test_one_that_does_not_answer_is_reported_after_the_others(folders: Path) -> None:
    """The status of those that answer is printed, and the exit code says that it is not all."""
    with serving(folders / "a.sock"), serving(folders / "b.sock", lambda _: b"garbage\n"):
        result = nlmon("--status")

    assert (result.returncode, result.stdout) == (4, status_text(STATUS))
    assert result.stderr.startswith("error[NLM-M026]: ")


def test_none_that_runs() -> None:
    """The exit code says so, and the message what to do."""
    result = nlmon("--status")

    assert (result.returncode, result.stdout) == (4, "")
    whose, more = ("", "\n") if not os.geteuid() else (" of this user", "; ask as root for one that ")
    assert result.stderr.startswith(
        f"error[NLM-M024]: no monitor{whose} runs; start one with nlmon --config FILE{more}"
    )


def test_one_that_is_named_and_does_not_run(tmp_path: Path) -> None:
    """It is named in the message."""
    result = nlmon("--status", "--config", str(tmp_path / "nlmon.yaml"))

    assert result.returncode == 4
    assert result.stderr.startswith("error[NLM-M024]: no monitor runs with this control socket (")


@pytest.mark.parametrize("answer", [b"", b"{}\n", b"\x1b[2J\n", b"[" * 10_000 + b"\n"])
def test_a_hostile_monitor_gets_a_code(tmp_path: Path, answer: bytes) -> None:
    """Whatever answers, nothing of it reaches the terminal as it is."""
    path = tmp_path / "hostile.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        result = nlmon("--status", "--socket", str(path))
        thread.join()

    assert (result.returncode, result.stdout) == (4, "")
    assert result.stderr.startswith(("error[NLM-M025]: ", "error[NLM-M026]: ")) and "\x1b" not in result.stderr


@pytest.mark.slow
def test_silence_ends_in_time(tmp_path: Path) -> None:
    """One that accepts and says nothing is not waited for without end."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "silent.sock"))
        listener.listen()
        result = nlmon("--status", "--socket", str(tmp_path / "silent.sock"))

    assert result.returncode == 4
    assert result.stderr.startswith("error[NLM-M025]: ")
