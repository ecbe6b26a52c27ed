"""A program that runs beside, in the same network namespace, and prints what it makes of what it receives.

    start ─► its ready line ─► lines, as they come ─► the end: it is killed, with its group

Rules:
1. It has a network, as it is to listen; what it writes to standard error is kept for whoever asks what went wrong.
2. It runs until it is ended: one that ends by itself has failed, and so has one that prints what is no event.
3. In a sandbox it joins the network namespace, and the user namespace where it must, and nothing else: who starts it
   trusts it (``--allow-run``).

Not here: what a line is (``lines``), and which message it belongs to (``nlmon.engine.program_lane``).
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from nlmon.backends.registry import LIVE
from nlmon.errors import HarnessError
from nlmon.harness.command import Command, words
from nlmon.harness.lines import Line, LineReader
from nlmon.harness.program import Program

__all__ = ["PATIENCE", "LiveProgram", "namespace_of"]

# Bytes that are read in one go, as many as a pipe may hold (proc(5), pipe-max-size): one that never pauses is read on
# later, when what it printed has been looked at.
AT_ONCE = 1 << 20
# Seconds for the line of a message, from when nlmon's own socket has it, and for the ready line.
PATIENCE, READY = 2.0, 10.0
# linux/sockios.h, linux/nsfs.h: the network namespace of a socket, and the user namespace that owns it.
SIOCGSKNS, NS_GET_USERNS = 0x894C, 0xB701


class LiveProgram:
    """A program called ``live:COMMAND``. ``ready``: what it said of itself, ``reader``: what it printed since;
    ``failure``: what it did wrong first.
    ``namespaces``, ``keep``: how it gets to another network (``namespace_of``); ``timeout``: seconds for its
    first line.

    Raises ``UsageError`` or ``HarnessError`` where it cannot be started, or is not ready in time."""

    def __init__(
        self, name: str, namespaces: Sequence[str] = (), keep: Sequence[int] = (), *, timeout: float = READY
    ) -> None:
        self.name = name
        self.failure: HarnessError | None = None
        self.running = True
        self.reader = LineReader(name)
        command = Command(words(name.removeprefix(LIVE)), timeout=timeout)
        self._program = Program(command, _entering(namespaces), keep)
        try:
            self.reader.read(self._program.read())
            if self.reader.ready is None:
                hint = 'its first line is {"ready": {"name": "mine"}}, once its sockets are open'
                raise HarnessError("NLM-N062", f"{name} does not say that it is ready", hint=hint)
        except BaseException:
            self.close()
            raise
        self.ready = self.reader.ready

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What to wait for."""
        return self._program.descriptors if self.running else ()

    def now(self) -> float:
        """Seconds of a clock that only goes on."""
        return time.monotonic()

    def lines(self) -> list[Line]:
        """The events that it has printed by now and were not given before, of about ``AT_ONCE`` bytes at most."""
        found: list[Line] = []
        size = 0
        while self.running and size < AT_ONCE:
            try:
                texts = self._program.arrived()
            except HarnessError as error:
                self.refuse(error)
                texts = self._program.left()
            for text in texts:
                size += len(text) + 1
                try:
                    line = self.reader.read(text)
                except HarnessError as error:
                    self._failed(error)
                    continue
                if line is not None:
                    found.append(line)
            if not texts:
                break
        return found

    def refuse(self, error: HarnessError) -> None:
        """Read no more of it, for what it did wrong."""
        self._failed(error)
        self.running = False

    def close(self) -> None:
        """End it, and all that it has started."""
        self.running = False
        self._program.kill()

    def _failed(self, error: HarnessError) -> None:
        self.failure = self.failure or error


def _entering(namespaces: Sequence[str]) -> tuple[str, ...]:
    return ("nsenter", *namespaces, "--preserve-credentials", "--") if namespaces else ()


@contextlib.contextmanager
def namespace_of(opener: Callable[..., socket.socket]) -> Iterator[tuple[list[str], list[int]]]:
    """How nsenter(1) gets to the network namespace of the sockets that ``opener`` opens, and the descriptors that it
    needs for that. Raises ``OSError``."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415  (not there on other systems)

        with contextlib.ExitStack() as stack:
            one = stack.enter_context(opener(socket.AF_UNIX, socket.SOCK_DGRAM))
            network = fcntl.ioctl(one.fileno(), SIOCGSKNS)
            stack.callback(os.close, network)
            words, keep = [f"--net=/proc/self/fd/{network}"], [network]
            if os.geteuid():  # else this is the host's root, who needs no privilege there and keeps his files
                user = fcntl.ioctl(network, NS_GET_USERNS)
                stack.callback(os.close, user)
                words, keep = [f"--user=/proc/self/fd/{user}", *words], [user, network]
            yield words, keep
    else:
        raise OSError("there are no namespaces")
