"""What a service manager is notified of: sd_notify(3), without its library.

    notifier = Notifier(os.environ)
    notifier.ready("listening to route")
    notifier.watchdog()                     # every ``notifier.interval`` seconds, if that is not None

Rules:
1. Where nobody has asked for it, nothing is sent; where nobody listens any more, that is no matter of the monitor.
2. A message is one datagram and is not waited for longer than ``PATIENCE``; that of the watchdog not at all, since the
   next one follows. What a manager that is busy does not take is kept, and sent before what follows and by ``again``.

Not here: when it is notified (the loop), and the unit (``packaging/nlmon.service``).
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping

from nlmon.printable import printable

__all__ = ["PATIENCE", "Notifier"]

# Seconds.
PATIENCE = 0.2
# Characters of a text that systemctl(1) shows, and messages that are kept.
STATUS_SHOWN, WAITING = 200, 8


class Notifier:
    """Who is to be notified, by the environment that the service manager has given. ``interval``: seconds between two
    messages of the watchdog, half of what it allows; None: there is none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self.interval = _interval(environ) if self._address else None
        self._kept: deque[bytes] = deque(maxlen=WAITING)

    def ready(self, status: str = "") -> None:
        """Notify that all is open, or that a new configuration is in force."""
        self._notify("READY=1", *_status(status))

    def reloading(self) -> None:
        """Notify that the configuration is read again; ``ready`` ends that, whichever is in force then."""
        self._notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Notify that the monitor ends."""
        self._notify("STOPPING=1")

    def status(self, text: str) -> None:
        """Say in a few words what the monitor does, for people."""
        self._notify(*_status(text))

    def watchdog(self) -> None:
        """Notify that the monitor lives."""
        self.again()
        if not self._kept:
            self._notify("WATCHDOG=1", patience=0.0)
            self._kept.clear()

    def again(self) -> None:
        """Send what was not taken yet; nothing is waited for."""
        self._send(0.0)

    def _notify(self, *lines: str, patience: float = PATIENCE) -> None:
        if self._address and lines:
            self._kept.append("\n".join(lines).encode())
            self._send(patience)

    def _send(self, patience: float) -> None:
        """Send what is kept, in its order, as far as it is taken."""
        if self._kept and sys.platform == "linux":
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                    sender.settimeout(patience)
                    while self._kept:
                        sender.sendto(self._kept[0], self._address)
                        self._kept.popleft()
            except (TimeoutError, BlockingIOError):
                pass  # its queue is full
            except OSError:
                self._kept.clear()  # nobody listens


def _address(name: str) -> str | bytes:
    """The address that ``NOTIFY_SOCKET`` names: a path, or with ``@`` one that is in no file system (unix(7)); empty
    where it is neither."""
    if name.startswith("@"):
        return b"\0" + os.fsencode(name[1:])
    return name if name.startswith("/") else ""


def _interval(environ: Mapping[str, str]) -> float | None:
    """Half of ``WATCHDOG_USEC``, if the watchdog means this process."""
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", "0"))
        pid = int(environ.get("WATCHDOG_PID", "") or os.getpid())
    except ValueError:
        return None
    return microseconds / 2e6 if microseconds > 0 and pid == os.getpid() else None


def _status(text: str) -> tuple[str, ...]:
    # A line end would begin a message of its own.
    return (f"STATUS={printable(text)[:STATUS_SHOWN]}",) if text else ()
