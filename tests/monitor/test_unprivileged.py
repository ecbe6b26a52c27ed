"""A whole monitor that root has started, seen from outside: who its threads are, what it can still do, and what it
leaves.

Not here: choosing and dropping by themselves (``test_privileges``).
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from nlmon.monitor.asking import ask
from nlmon.monitor.capabilities import ThreadPrivileges, read_thread
from nlmon.monitor.status import MonitorStatus, read_status
from support.command import nlmon
from support.privileged import everybodys_python
from support.requirements import require_program, require_root
from support.users import NOBODY

BOTH = 1 << 12 | 1 << 37
PATIENCE = 60.0


class Running(NamedTuple):
    """A monitor in a network namespace of its own, and its folder."""

    process: subprocess.Popen[str]
    folder: Path

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "nlmon.sock"

    def threads(self) -> list[ThreadPrivileges]:
        """All threads, as the kernel shows them to root."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return [read_thread((task / "status").read_text(encoding="utf-8")) for task in tasks]

    def status(self) -> MonitorStatus:
        return read_status(ask(self.socket, "status", PATIENCE), "here")

    def has_dropped(self) -> bool:
        """Whether it has given its folder away, which is the last thing that it does as root."""
        return self.socket.is_socket() and self.socket.parent.stat().st_uid == NOBODY

    def change(self, *commands: str) -> None:
        """Let commands run in its namespace."""
        for command in commands:
            subprocess.run(["nsenter", "-t", str(self.process.pid), "-n", *command.split()], check=True)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, or the monitor has ended."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.process.kill()
                pytest.fail(f"it never did\n{self.process.communicate()[1]}")
            time.sleep(0.02)


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Starts a monitor of root in a folder that nobody owns, with a Python that nobody may run."""
    prefix = require_root()
    require_program("nsenter")
    command, environment = everybodys_python()
    running: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory(prefix="nlmon-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "log").mkdir(0o700)
        os.chown(folder / "log", NOBODY, NOBODY)
        (folder / "roots").mkdir(0o755)

        def begin(config: str, *arguments: str) -> Running:
            text = config.replace("LOG", str(folder / "log")).replace("ROOTS", str(folder / "roots"))
            (folder / "nlmon.yaml").write_text(text, encoding="utf-8")
            files = ["--config", str(folder / "nlmon.yaml"), "--socket", str(folder / "run" / "nlmon.sock")]
            program = [*prefix, *command, "-m", "nlmon", *files, *arguments]
            process = subprocess.Popen(
                program, env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            running.append(process)
            return Running(process, folder)

        yield begin
        for process in running:
            if process.poll() is None:
                process.kill()
            process.communicate()


def enabled(status: MonitorStatus) -> set[str]:
    """The protocols that are listened to."""
    return {one.name for one in status.protocols if one.enabled}


CONFIG = """
netlink:
  use_libnl: IMPLEMENTATION
  protocols: {route: true, generic: true}
export:
  json: {file: LOG/events.json, rotate_size: 1MB, rotate_count: 3, compress: true}
  pcap: {file: LOG/events.pcapng}
  prometheus: {enabled: true, port: 9191}
"""


@pytest.mark.slow
@pytest.mark.parametrize("implementation", ["libnl", "legacy"])
def test_every_thread_is_an_ordinary_user(start: Callable[..., Running], implementation: str) -> None:
    """Those of the exports, too: nobody, in no other group, with two capabilities and no way to more. Events come, the
    files of the exports are nobody's alone, a reload opens another one and a further socket, and at the end the control
    socket is gone."""
    config = CONFIG.replace("IMPLEMENTATION", str(implementation == "libnl").lower())
    monitor = start(config)
    monitor.until(monitor.has_dropped)
    monitor.until(lambda: monitor.status().user.startswith("nobody "))
    monitor.until(lambda: len(monitor.threads()) > 3)
    monitor.change("ip link set lo up", "ip address add 192.0.2.1/32 dev lo")
    monitor.until(lambda: "192.0.2.1" in (monitor.folder / "log" / "events.json").read_text())

    for thread in monitor.threads():
        assert (thread.users, thread.groups, thread.further_groups) == ((NOBODY,) * 4, (NOBODY,) * 4, ())
        assert (thread.permitted, thread.effective) == (BOTH, BOTH)
        assert (thread.inheritable, thread.bounding, thread.ambient, thread.no_new_privs) == (0, 0, 0, True)
    for path in (monitor.folder / "log").iterdir():
        assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (NOBODY, 0o600)
    assert stat.S_IMODE(monitor.socket.stat().st_mode) == 0o600

    new = config.replace("events.json", "others.json").replace("LOG", str(monitor.folder / "log"))
    new = new.replace("generic: true", "sock_diag: true")
    (monitor.folder / "nlmon.yaml").write_text(new, encoding="utf-8")
    monitor.process.send_signal(signal.SIGHUP)
    monitor.until((monitor.folder / "log" / "others.json").exists)
    monitor.until(lambda: enabled(monitor.status()) == {"NETLINK_ROUTE", "NETLINK_SOCK_DIAG"})
    monitor.change("ip address add 192.0.2.2/32 dev lo")
    monitor.until(lambda: "192.0.2.2" in (monitor.folder / "log" / "others.json").read_text())

    monitor.process.terminate()
    assert monitor.process.wait(PATIENCE) == 0
    assert not monitor.socket.exists()


@pytest.mark.slow
def test_files_rotate_without_root(start: Callable[..., Running]) -> None:
    """A rotated file, compressed, and the one after it are made by the user that the monitor has become."""
    monitor = start(CONFIG.replace("IMPLEMENTATION", "true").replace("1MB", "4KB"))
    log = monitor.folder / "log"
    monitor.until(monitor.has_dropped)
    monitor.until(lambda: monitor.status().user.startswith("nobody "))
    monitor.change(*(f"ip address add 192.0.2.{number}/32 dev lo" for number in range(16)))
    monitor.until(lambda: any(path.suffix == ".gz" for path in log.iterdir()))
    monitor.process.terminate()

    assert monitor.process.wait(PATIENCE) == 0
    for path in log.glob("events.json*"):
        lines = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert path.stat().st_uid == NOBODY
        assert all(json.loads(line) for line in lines.splitlines())


@pytest.mark.slow
def test_where_nobody_may_not_write_root_stays_and_keeps_little(start: Callable[..., Running]) -> None:
    """Every thread is root's with the two capabilities alone; the notice is in the status and on stderr."""
    monitor = start("export: {json: {file: ROOTS/events.json}}\n")
    monitor.until(monitor.socket.is_socket)
    monitor.until((monitor.folder / "roots" / "events.json").exists)
    monitor.until(lambda: "CAP_NET_ADMIN" in monitor.status().user)
    found = monitor.status()

    assert found.user == "root (uid 0), CAP_NET_ADMIN CAP_AUDIT_READ"
    assert [one[:8] for one in found.notices if "M034" in one] == ["NLM-M034"]
    for thread in monitor.threads():
        assert (thread.users, thread.permitted, thread.effective) == ((0,) * 4, BOTH, BOTH)
        assert (thread.inheritable, thread.bounding, thread.ambient, thread.no_new_privs) == (0, 0, 0, True)
    monitor.process.terminate()
    assert monitor.process.wait(PATIENCE) == 0
    assert "NLM-M034 the monitor stays root" in monitor.process.communicate()[1]


@pytest.mark.slow
def test_a_user_that_was_named_and_may_not_write(start: Callable[..., Running]) -> None:
    """The monitor ends with a code before it has opened anything."""
    monitor = start("export: {json: {file: /etc/nlmon-events.json}}\n", "--user", "nobody")

    assert monitor.process.wait(PATIENCE) == 4
    assert "error[NLM-M031]" in monitor.process.communicate()[1]
    assert not monitor.socket.parent.exists()


@pytest.mark.slow
def test_a_trial_is_not_in_the_way_of_the_monitor(start: Callable[..., Running]) -> None:
    """--test-mode of root leaves no file of root where the monitor is going to write as nobody."""
    config = "export: {json: {file: LOG/events.json}, pcap: {file: LOG/events.pcapng}}\n"
    trial = start(config, "--test-mode")
    said = trial.process.communicate(timeout=PATIENCE)

    assert (trial.process.returncode, "ready" in said[0].splitlines()) == (0, True)
    assert list((trial.folder / "log").iterdir()) == []


@pytest.mark.slow
def test_a_trial_says_who_it_cannot_run_as(tmp_path: Path) -> None:
    """A user that there is not is reported before a monitor is started."""
    (tmp_path / "nlmon.yaml").write_text("netlink: {protocols: {route: true}}\n", encoding="utf-8")
    said = nlmon("--config", str(tmp_path / "nlmon.yaml"), "--test-mode", "--user", "no-such-user")

    assert (said.returncode, said.stderr.startswith("error[NLM-M030]: ")) == (2, True)
