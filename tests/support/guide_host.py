"""A host as the migration guide has it, for scripts in namespaces of their own: ``nlmon`` is installed, there are
``/etc/nlmon``, ``/var/log/nlmon`` and a link ``eth0``, and commands are typed into bash.

What is written there is in memory, and gone with the namespaces. There is no systemd, so ``journalctl`` prints what
monitors have said on stderr.

Not here: the namespaces (``support.namespaces``), and the commands (``support.guide``).
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

__all__ = ["CONFIG", "JOURNAL", "LOGS", "Host", "Typed", "done", "ip"]

# Seconds for whatever is waited for.
PATIENCE = 60.0
CONFIG, LOGS = Path("/etc/nlmon"), Path("/var/log/nlmon")
MEMORY, HOME = Path("/mnt"), Path("/mnt/home")
JOURNAL = LOGS / "journal"
# The message of a monitor that is ready.
STARTED = "NLM-M040"
LAID_OVER = ("/etc", "/usr/bin", "/var/log")
JOURNALCTL = f"""#!/bin/bash
case "$*" in
*-f*) exec tail -n +1 -f {JOURNAL} ;;
*-n*) exec tail -n 50 {JOURNAL} ;;
*) exec cat {JOURNAL} ;;
esac
"""
NLMON = f"#!{sys.executable} -P\nimport sys\nfrom nlmon.cli.main import main\nsys.exit(main())\n"
Rows = list[list[str]]


class Typed:
    """A command that was typed and runs, at a terminal of its own: ``said`` is what it has printed so far."""

    def __init__(self, line: str, folder: Path, environment: dict[str, str]) -> None:
        self._terminal, theirs = os.openpty()
        self.said = ""
        self.process = subprocess.Popen(
            ["bash", "-c", line],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, text: str) -> str:
        """Read until it has printed a text, and give all of it."""
        while text not in self.said:
            assert self._read(), f"no {text!r} in {self.said!r}"
        return self.said

    def press(self, keys: str) -> None:
        """Type on."""
        os.write(self._terminal, keys.encode())

    def end(self) -> str:
        """Read to its end, and give all that it has printed."""
        while self._read():
            pass
        self.process.wait(PATIENCE)
        return self.said.replace("\r\n", "\n")

    def _read(self) -> bool:
        """Read what comes next; False at the end, or when nothing comes."""
        if not select.select([self._terminal], [], [], PATIENCE)[0]:
            return False
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # nobody has the other end open any more
            return False
        self.said += data.decode("utf-8", "replace")
        return True

    def close(self) -> None:
        """End all of it that still runs."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._terminal)


class Host:
    """The host; a context manager. Commands are typed in the home of root, ``HOME``."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Host:
        _lay_over()
        for folder in (CONFIG, LOGS):
            folder.mkdir()
        JOURNAL.touch()
        for name, body in {"nlmon": NLMON, "journalctl": JOURNALCTL}.items():
            program = Path("/usr/bin", name)
            program.unlink(missing_ok=True)
            program.write_text(body, encoding="utf-8")
            program.chmod(0o755)
        self.environment = os.environ | {"HOME": str(HOME), "TERM": "xterm", "PATH": "/usr/bin:/usr/sbin:/bin:/sbin"}
        for name in [name for name in self.environment if name.startswith("NLMON_")]:
            del self.environment[name]
        # Addresses of IPv6 come and change by themselves.
        for name in ("all", "default"):
            with suppress(FileNotFoundError):
                Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1", encoding="ascii")
        ip("link set lo up", "link add eth0 type veth peer name peer0", "link set eth0 up")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, path: str | Path, *lines: str) -> None:
        """Write a file, in the home of root unless it says where."""
        (HOME / path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def run(self, line: str) -> dict[str, Any]:
        """Type a command and wait for its end."""
        ran = subprocess.run(
            ["bash", "-c", line],
            cwd=HOME,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * PATIENCE,
        )
        return {"code": ran.returncode, "out": ran.stdout, "said": ran.stderr}

    def type(self, line: str) -> Typed:
        """Type a command that goes on."""
        typed = Typed(line, HOME, self.environment)
        self._stack.callback(typed.close)
        return typed

    def start(self, line: str, monitors: int = 1) -> Typed:
        """Type a command that starts monitors, which say what they have to say into the journal, and wait until each
        has said that all is open."""
        before = JOURNAL.read_text(encoding="utf-8").count(STARTED)
        typed = self.type(f"exec 2>>{JOURNAL}; {line}")
        self.until(lambda: JOURNAL.read_text(encoding="utf-8").count(STARTED) == before + monitors)
        return typed

    def read(self) -> None:
        """Wait until monitors have read all that the kernel has sent them."""
        self.until(lambda: all(row[4] == "0" for row in self._listening()))

    def stop(self) -> list[int]:
        """End all monitors with SIGTERM, and wait until they are gone."""
        pids = monitors()
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        self.until(lambda: not monitors())
        return pids

    def until(self, fact: Callable[[], object]) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not fact():
            assert time.monotonic() < deadline, JOURNAL.read_text(encoding="utf-8")
            time.sleep(0.01)

    def _listening(self) -> Rows:
        """The sockets of NETLINK_ROUTE that have joined a group, as the kernel lists them."""
        lines = Path("/proc/net/netlink").read_text(encoding="ascii").splitlines()[1:]
        return [row for row in map(str.split, lines) if row[1] == "0" and int(row[3], 16)]


def ip(*lines: str) -> None:
    """Let ip(8) do what some lines say."""
    text = "".join(f"{line}\n" for line in lines)
    ran = subprocess.run(["ip", "-batch", "-"], input=text, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def done(result: object) -> None:
    """The script's answer to the test."""
    sys.stdout.write(json.dumps(result))


def monitors() -> list[int]:
    """The processes that run nlmon."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"/usr/bin/nlmon" in words[:3] or words[0] == b"nlmon":
                found.append(int(folder.name))
    return found


def _lay_over() -> None:
    """Let what is written into folders of the machine stay in memory."""
    for folder in (str(MEMORY), "/run"):
        _mount("-t", "tmpfs", "tmpfs", folder)
    HOME.mkdir()
    for number, folder in enumerate(LAID_OVER):
        upper, work = MEMORY / f"{number}-upper", MEMORY / f"{number}-work"
        upper.mkdir()
        work.mkdir()
        _mount("-t", "overlay", "-o", f"lowerdir={folder},upperdir={upper},workdir={work}", "overlay", folder)


def _mount(*words: str) -> None:
    ran = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
