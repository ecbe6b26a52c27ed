"""The command: its outcome, from this process where that shows nothing, else from one of its own.

Not here: what it prints (``tests/cli``), and what it imports at its start (``tests/cli/test_startup.py``).
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from unittest import mock

from nlmon.cli.main import main

__all__ = ["APART", "nlmon", "process", "typed"]

# These enter namespaces and wait for signals, or start processes that begin with this one's main module.
APART = {"live", "record", "--jobs", "--executor", "--dump-events", "--test-mode"}
# What a shell does with a line, beside splitting it at its blanks.
SHELL = set("<>|&;$*?'\"\\")


def nlmon(*arguments: object, folder: Path | None = None, together: bool = False) -> subprocess.CompletedProcess[str]:
    """The outcome of a command line in ``folder``. A start of Python costs more than most commands do, so this process
    runs it, with files for standard output and standard error, or one for both of them ``together``."""
    words = list(map(str, arguments))
    if not APART.isdisjoint(words):
        return process(*words, cwd=folder)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _place(folder), _streams(out, out if together else err), mock.patch.object(sys, "argv", ["nlmon", *words]):
            code = _exit_code()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess(words, code, *texts)


def process(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """The outcome of a command line in a process of its own, with ``options`` of ``subprocess.run``."""
    command = [sys.executable, "-m", "nlmon", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def typed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The outcome of a line that is typed in a folder, with standard output and error together. A command that needs
    neither a shell nor a process of its own is run by this one."""
    name, *words = line.split()
    if name == "nlmon" and "-" not in words and SHELL.isdisjoint(line) and APART.isdisjoint(words):
        return nlmon(*words, folder=folder, together=True)
    where: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(["bash", "-c", line], cwd=folder, text=True, check=False, **where)


def _exit_code() -> int:
    try:
        main()
    except SystemExit as done:
        assert isinstance(done.code, int)
        return done.code


def _place(folder: Path | None) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if folder is None else contextlib.chdir(folder)


@contextlib.contextmanager
def _streams(out: IO[bytes], err: IO[bytes]) -> Iterator[None]:
    """Descriptors 1 and 2 are these files, as a shell would have it; afterwards all is as it was."""
    before = sys.stdout, sys.stderr, signal.getsignal(signal.SIGPIPE), os.dup(1), os.dup(2)
    for stream in before[:2]:
        stream.flush()
    sys.stdout, sys.stderr = first = [
        io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "utf-8", write_through=True) for number in (1, 2)
    ]
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr, *first):
            stream.close()
        sys.stdout, sys.stderr = before[:2]
        signal.signal(signal.SIGPIPE, before[2])
        for number, kept in ((1, before[3]), (2, before[4])):
            os.dup2(kept, number)
            os.close(kept)
