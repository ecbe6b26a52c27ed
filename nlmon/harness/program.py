"""A child process that speaks in lines: started, written to and read from with a deadline, and ended.

Rules:
1. It has its own process group, a clean environment and, where that is allowed, no network; its standard error is read
   all the time, and its end is kept for whoever asks what went wrong.
2. Both directions move in one loop: neither waits for the other, however much is on its way.
3. A limit of memory is one of resident bytes; one of address space breaks runtimes that reserve much and use little.
4. It goes with us: with whoever started it when that is closed or ends, and on Linux by a signal of the kernel when we
   are killed (prctl(2), PR_SET_PDEATHSIG). What it has started then has the end of its input to go by.
5. A program that is gone is an error of ours and no SIGPIPE, of which the command line would die without a word
   (``gone_is_an_error``).

Not here: what is started (``command``), and what the lines mean (``conversation``).
"""

from __future__ import annotations

import contextlib
import functools
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nlmon.errors import HarnessError, reason_of
from nlmon.harness.command import Command, found
from nlmon.harness.said import Said

__all__ = ["Program", "gone_is_an_error"]

# Bytes: of one line, which is an answer to at most 64 KiB, and of one read.
LONGEST, CHUNK = 16 << 20, 1 << 18
# Seconds between two looks at the memory of a program that is waited for, and until it is killed when it should end.
LOOK, GRACE = 0.05, 2.0
# What to do about a program that does not answer, and about one that has not answered at all.
SLOW = "set timeout, if it is slow by nature"
BUFFERED = (
    "it must read line by line and flush each line that it writes: buffers of input count, too "
    "(such as mawk -W interactive); set timeout, if it is slow by nature"
)


class Program:
    """A running program. ``read_lines``: how many of its lines were read; ``last``: that one. ``before``: words before
    its command, by default those that take the network from it; ``keep``: descriptors that these need.

    Raises ``UsageError`` or ``HarnessError`` where it cannot be started."""

    def __init__(self, command: Command, before: Sequence[str] | None = None, keep: Sequence[int] = ()) -> None:
        if os.name == "nt":
            raise HarnessError("NLM-N012", "programs can be started on Linux and macOS only", hint="use Linux")
        self.command = command
        argv = [found(command), *command.argv[1:]]
        try:
            self._process = subprocess.Popen(
                [*(_without_network() if before is None else before), *_killed_with_us(), *argv],
                pass_fds=keep,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=command.directory,
                env=command.environ(),
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            why = reason_of(error)
            raise HarnessError("NLM-N002", f"{command.text} cannot be started", why=why, hint="see its path") from error
        # One that nobody closes goes with us.
        weakref.finalize(self, _end, self._process)
        streams = self._process.stdin, self._process.stdout, self._process.stderr
        self._in, self._out, self._err = (-1 if one is None else one.fileno() for one in streams)
        if sys.platform != "win32":
            for descriptor in (self._in, self._out, self._err):
                os.set_blocking(descriptor, False)
        self._poll = selectors.DefaultSelector()
        self._poll.register(self._out, selectors.EVENT_READ)
        self._poll.register(self._err, selectors.EVENT_READ)
        self._waiting = bytearray()
        # What is there of a line that has not ended.
        self._begun: list[bytes] = []
        self._lines: deque[bytes] = deque()
        self.read_lines, self.last = 0, b""
        self._said = Said()

    def write(self, line: bytes) -> None:
        """Send a line, as far as the program takes it now; what remains goes while it is read from."""
        self._waiting += line
        self._flush()

    def read(self, times: int = 1) -> bytes:
        """Its next line, for which it has so many times its ``timeout``. Raises ``HarnessError`` where it ends
        (NLM-N003), is late (NLM-N004), uses too much memory (NLM-N008) or writes a line without end (NLM-N005)."""
        if not self._lines:
            self._wait(self.command.timeout * times)
        self.read_lines += 1
        self.last = self._lines.popleft()
        self._said.answered()
        return self.last

    def arrived(self) -> list[bytes]:
        """The lines that it has written by now; nothing is waited for. Raises ``HarnessError`` as ``read`` does."""
        self._take(self._ready(0))
        return self.left()

    def left(self) -> list[bytes]:
        """The lines that were received and not read."""
        found = list(self._lines)
        self.read_lines += len(found)
        self._lines.clear()
        return found

    @property
    def unended(self) -> bytes:
        """What it wrote behind its last whole line."""
        return b"".join(self._begun)

    @property
    def status(self) -> int | None:
        """Its exit status, negative: the signal; None: it runs."""
        return self._process.poll()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What to wait for: its standard output, and standard error until it has closed that."""
        return tuple(key.fd for key in self._poll.get_map().values())

    @property
    def place(self) -> str:
        """Where the line is that was read last, for people."""
        return f"line {self.read_lines} of its output"

    def ended(self) -> int:
        """Its exit status once it has ended by itself; negative: the signal. What it still writes to standard error is
        read. Raises ``HarnessError`` where it stays (NLM-N004) or writes more lines (NLM-N010)."""
        behind = bool(b"".join((*self.left(), *self._begun)).strip())
        stream, self._process.stdin = self._process.stdin, None
        if stream is not None:
            stream.close()
        until = time.monotonic() + self.command.timeout
        while (status := self._process.poll()) is None:
            # A program that waits for a full pipe would never end.
            for descriptor in self._ready(LOOK):
                if descriptor == self._err:
                    self._receive()
                else:
                    behind = self._writes() or behind
            if not self._poll.get_map():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(LOOK)
            if time.monotonic() > until:
                hint = "it must exit with status 0 behind bye; set timeout, if it is slow by nature"
                raise self._late("does not end after its last line", hint)
        if behind or (self._out in self.descriptors and self._writes()):
            what = f"{self.command.text} writes more behind its last line"
            raise HarnessError(
                "NLM-N010", what, hint="standard output holds the lines of the protocol and nothing else"
            )
        return status

    def kill(self) -> None:
        """End it, and all that it has started."""
        _end(self._process)
        self._poll.close()

    @property
    def said(self) -> str:
        """What it wrote to standard error, on one line: see ``Said``."""
        with contextlib.suppress(OSError, ValueError):
            self._receive()
        return self._said.text

    # -- one step --------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        if not self._waiting:
            return
        try:
            del self._waiting[: os.write(self._in, self._waiting)]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._waiting.clear()  # why it went is found out when it is read from

    def _wait(self, seconds: float) -> None:
        """Move both directions until there is a line."""
        until = time.monotonic() + seconds
        while not self._lines:
            if self._waiting:
                self._poll.register(self._in, selectors.EVENT_WRITE)
            ready = self._ready(LOOK)
            if self._waiting:
                self._poll.unregister(self._in)
                self._flush()
            self._take(ready)
            if not self._lines:
                self._look()
                if time.monotonic() > until:
                    what = f"gave no answer in {seconds:g} s"
                    raise self._late(what, SLOW if self.read_lines else BUFFERED)

    def _ready(self, seconds: float) -> list[int]:
        return [key.fd for key, _ in self._poll.select(seconds)]

    def _take(self, ready: Sequence[int]) -> None:
        for descriptor in ready:
            if descriptor == self._err:
                self._receive()
            elif descriptor == self._out:
                data = os.read(self._out, CHUNK)
                if not data:
                    raise self._gone()
                self._split(data)

    def _split(self, data: bytes) -> None:
        """Take what was read apart into lines. Parts of one are put together once, when it has ended."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._lines.append(b"".join((*self._begun, end)))
            self._begun.clear()
        if rest:
            self._begun.append(rest)
        if sum(map(len, self._begun)) > LONGEST:
            what, why = f"{self.command.text} writes a line without end", f"more than {LONGEST >> 20} MiB"
            raise HarnessError("NLM-N005", what, where=self._due, why=why)

    def _writes(self) -> bool:
        """Whether it has written to standard output, which is dropped."""
        try:
            data = os.read(self._out, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._poll.unregister(self._out)
        return bool(data.strip())

    def _receive(self) -> None:
        try:
            data = os.read(self._err, CHUNK)
        except BlockingIOError:
            return
        if not data:
            with contextlib.suppress(KeyError):
                self._poll.unregister(self._err)
        self._said.add(data)

    @property
    def _due(self) -> str:
        """Where the line is that is waited for."""
        return f"line {self.read_lines + len(self._lines) + 1} of its output"

    def _look(self) -> None:
        """See that it is still there, which a child that has its standard output hides, and what it uses."""
        if self._process.poll() is not None and self._out not in self._ready(0):
            raise self._gone()
        used = _resident(self._process.pid)
        if used > self.command.memory:
            what, why = (
                f"{self.command.text} uses {used >> 20:,} MiB of memory",
                f"it may use {self.command.memory >> 20:,}",
            )
            raise HarnessError("NLM-N008", what, where=self._due, why=why, hint="set memory")

    def _late(self, what: str, hint: str) -> HarnessError:
        return HarnessError("NLM-N004", f"{self.command.text} {what}", where=self._due, why=self.said, hint=hint)

    def _gone(self) -> HarnessError:
        try:
            status = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            how = "closed its standard output"
        else:
            how = f"ended with status {status}" if status >= 0 else f"was ended by {_signal_name(-status)}"
        return HarnessError("NLM-N003", f"{self.command.text} {how}", where=self._due, why=self.said)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group."""
    if process.stdout is not None and not process.stdout.closed:
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@functools.cache
def _without_network() -> tuple[str, ...]:
    """What a command begins with so that it has no network; nothing where that is not allowed."""
    if sys.platform == "linux" and (unshare := shutil.which("unshare")) is not None:
        prefix = (unshare, "-n") if os.geteuid() == 0 else (unshare, "--user", "--map-current-user", "--net")
        tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
        return (*prefix, "--") if tried.returncode == 0 else ()
    return ()


@functools.cache
def _killed_with_us() -> tuple[str, ...]:
    """What a command begins with so that the kernel kills it when we end; nothing where there is no setpriv(1)."""
    if sys.platform == "linux" and (setpriv := shutil.which("setpriv")) is not None:
        prefix = (setpriv, "--pdeathsig", "KILL", "--")
        tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
        return prefix if tried.returncode == 0 else ()
    return ()


def _resident(pid: int) -> int:
    """Resident bytes of a process, 0 where the system does not say."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


@contextlib.contextmanager
def gone_is_an_error() -> Iterator[None]:
    """Meanwhile writing to a program that is gone raises ``BrokenPipeError``, though SIGPIPE has its default action, as
    it has in the command line; the action itself is that of the whole process and stays."""
    with contextlib.ExitStack() as stack:
        if sys.platform != "win32":
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
            stack.callback(_unmask, before)
        yield


def _unmask(before: set[Any]) -> None:
    if sys.platform != "win32":
        if signal.SIGPIPE in signal.sigpending() and signal.SIGPIPE not in before:
            signal.sigwait({signal.SIGPIPE})
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
