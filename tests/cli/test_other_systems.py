"""Commands that read recordings run where there is no Linux: without netlink, fork, fcntl and the signals of POSIX.
Commands that listen to a kernel, which has to be Linux, say so.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.command import nlmon
from support.paths import CAPTURES

CAPTURE = CAPTURES / "linux-6.12" / "06-xfrm.pcap.zst"
WITHOUT = """
import ctypes, os, select, signal, socket, sys
for name in ("fcntl", "resource", "grp", "pwd", "termios", "tty", "pty"):
    sys.modules[name] = None
def remove(module, *names):
    for name in names:
        if hasattr(module, name): delattr(module, name)
remove(socket, "AF_NETLINK", "SOCK_CLOEXEC", "send_fds", "recv_fds")
remove(os, "fork", "forkpty", "geteuid", "getegid", "getuid", "getgid", "uname", "memfd_create", "pidfd_open", "setsid",
       "O_CLOEXEC", "O_NOFOLLOW", "O_PATH", "sched_getaffinity", "register_at_fork")
remove(select, "poll", "epoll")
remove(signal, "SIGHUP", "SIGPIPE", "SIGKILL", "SIGALRM", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGXFSZ",
       "SIG_BLOCK", "SIG_SETMASK", "pthread_sigmask", "sigtimedwait", "setitimer", "alarm")
sys.platform = "darwin"
from nlmon.cli.main import main
sys.argv = ["nlmon", *sys.argv[1:]]
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("replay", CAPTURE, "--format", "json"),
        ("replay", CAPTURE, "--both-ways"),
        ("replay", CAPTURE, "--format", "jsonl", "--recover"),
        ("decode", CAPTURE),
        ("capture", "info", CAPTURE),
        ("capture", "stats", CAPTURE, "--format", "json"),
        ("coverage", CAPTURE),
        ("schema", "event"),
        ("scenario", "new", "--from", CAPTURE),
    ],
    ids=lambda words: " ".join(str(word) for word in words if word != CAPTURE),
)
def test_recordings_are_read_without_linux(words: tuple[object, ...]) -> None:
    """With the same output and exit code."""
    line = [sys.executable, "-c", WITHOUT, *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    here = nlmon(*words)

    assert (done.returncode, done.stdout, done.stderr) == (here.returncode, here.stdout, here.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("words", [("live",), ("live", "--protocol", "route"), ("record", "out.pcapng")], ids=" ".join)
def test_what_listens_needs_linux(words: tuple[str, ...], tmp_path: Path) -> None:
    """An error with a code and no traceback, and nothing is left behind."""
    line = [sys.executable, "-c", WITHOUT, *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (4, "", [])
    assert done.stderr.startswith("error[NLM-T001]: this operating system has no netlink;")


@pytest.mark.slow
def test_a_report_is_written_without_linux(tmp_path: Path) -> None:
    """Whole, under another name first."""
    report = tmp_path / "report.json"
    line = [sys.executable, "-c", WITHOUT, "replay", str(CAPTURE), "--format", "json", "--report", str(report)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr, report.read_text(encoding="utf-8")) == (0, "", done.stdout)
