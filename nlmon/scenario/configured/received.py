"""A receiver of syslog for one run: what is sent to it, message by message.

Rules:
1. It listens on the loopback interface or at a socket in the folder of the run, whatever server a configuration names:
   a scenario reaches nobody.
2. By TCP messages have their length before them (octet counting, RFC 6587).

Not here: what messages mean (``output``).
"""

from __future__ import annotations

import re
import selectors
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from types import TracebackType

__all__ = ["Receiver"]

# Bytes of all messages of a run that are kept, and of one read.
SIZE_KEPT = 67_108_864
AT_ONCE = 1 << 16
# Seconds that the end of a connection is waited for.
PATIENCE = 5.0
_COUNT = re.compile(rb"(\d{1,10}) ")


class Receiver:
    """Receives while it is entered. ``path``: of a socket of this host, None: by TCP at a port that is free. ``full``:
    whether more has come than is kept."""

    def __init__(self, path: Path | None = None) -> None:
        self._local = path is not None
        if path is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._socket.bind(("127.0.0.1", 0))
            self._socket.listen()
        else:
            self._socket = socket.socket(getattr(socket, "AF_UNIX", socket.AF_UNSPEC), socket.SOCK_DGRAM)
            self._socket.bind(str(path))
        self.server = str(path) if path else f"tcp://127.0.0.1:{self._socket.getsockname()[1]}"
        self._ends, self._end = socket.socketpair()
        self._found: list[bytes] = []
        self._size = 0
        self.full = False
        self._thread = Thread(target=self._run, name="nlmon-syslog", daemon=True)

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.close()
        self._thread.join(PATIENCE)

    def messages(self) -> list[bytes]:
        """What was received, once it is left."""
        if self._local:
            return self._found
        found, stream, at = [], b"".join(self._found), 0
        while (count := _COUNT.match(stream, at)) is not None:
            at = count.end() + int(count[1])
            found.append(stream[count.end() : at])
        return found

    def _run(self) -> None:
        with selectors.DefaultSelector() as waiting, self._socket, self._ends:
            waiting.register(self._ends, selectors.EVENT_READ, None)
            waiting.register(self._socket, selectors.EVENT_READ, self._read if self._local else self._accept)
            ended = False
            while ready := waiting.select(0 if ended and self._local else PATIENCE if ended else None):
                for key, _ in ready:
                    read: Callable[[selectors.BaseSelector, socket.socket], None] | None = key.data
                    assert isinstance(key.fileobj, socket.socket)
                    if read is not None:
                        read(waiting, key.fileobj)
                    else:
                        ended = True
                        waiting.unregister(key.fileobj)
                if ended and not self._local and len(waiting.get_map()) == 1 and len(ready) == 1:
                    return  # the connections have ended, and none waits to be taken

    def _accept(self, waiting: selectors.BaseSelector, listener: socket.socket) -> None:
        waiting.register(listener.accept()[0], selectors.EVENT_READ, self._read)

    def _read(self, waiting: selectors.BaseSelector, one: socket.socket) -> None:
        data = one.recv(AT_ONCE)
        if not data and not self._local:
            waiting.unregister(one)
            one.close()
        elif self._size + len(data) <= SIZE_KEPT:
            self._size += len(data)
            self._found.append(data)
        else:
            self.full = True
