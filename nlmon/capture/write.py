"""Writing captures: pcapng in the profile that ``pcapng`` describes.

A file is written under a temporary name (``NAME.part``) beside its final one and renamed when it is whole, so a
file with the final name is always complete and on disk. It ends with statistics of every socket: what was recorded
and what the kernel dropped. What a crash leaves is a ``.part`` file without them, which our reader reads up to its
last whole packet and calls broken off. Its owner alone may read it (mode 0600), since it may hold keys.

Not here: what to record (``nlmon.transport.recorder``), and how a block is made (``blocks``).
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal

from nlmon import __version__
from nlmon.atomic import put_in_place
from nlmon.capture.blocks import Blocks
from nlmon.errors import CaptureError

__all__ = ["PcapngWriter", "metadata_here", "this_host", "this_machine"]

# O_BINARY is there where files have another mode than that.
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def this_machine() -> dict[str, str]:
    """What a capture that is made here says of this machine, as ``metadata`` of its writer."""
    return {
        "kernel": f"{platform.system()} {platform.release()}",
        "arch": platform.machine(),
        "application": f"nlmon {__version__}",
    }


def this_host() -> str:
    """What this host calls itself."""
    return platform.node()


def metadata_here() -> dict[str, str]:
    """What a recording of the running kernel says, as ``metadata`` of its writer: ``this_machine``, the host, and the
    network namespace that this thread is in; without one, as where there is no /proc, that is empty."""
    try:
        netns = Path("/proc/self/ns/net").readlink().name
    except OSError:
        netns = ""
    return {**this_machine(), "host": this_host(), "netns": netns}


class PcapngWriter:
    """Writes one capture; a context manager that renames the file on success.

    ``metadata``: ``kernel``, ``arch`` and ``application`` go to the options of their own, everything else to
    the section's comment. ``byteorder`` is that of the recorded messages and of the file.
    """

    def __init__(
        self, path: Path, *, metadata: Mapping[str, str], byteorder: Literal["little", "big"] = "little"
    ) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self.frames = 0
        self._blocks = Blocks(byteorder, str(path))
        self._sockets: list[int] = []
        self._received: list[int] = []
        self._dropped: list[int] = []
        self._time = 0
        # What can fail before the file exists, fails before it.
        section = self._blocks.section(metadata)
        try:
            # Recordings can hold keys: they are their owner's alone, also where one with another mode was before.
            self._file = os.fdopen(os.open(self.part, NEW_FILE, 0o600), "wb")
        except FileExistsError as error:
            raise CaptureError(
                *("NLM-C022", "another recording into this file is running, or was broken off"),
                where=str(self.part),
                hint="wait for it, or move this file away; it is readable up to its last whole packet",
            ) from error
        except OSError as error:
            raise CaptureError(
                "NLM-C020", "the capture cannot be written", where=str(path), why=error.strerror or ""
            ) from error
        self._write(section)

    def add_socket(self, name: str, protocol: int, *, description: str = "") -> int:
        """Declare a socket; the number to give to ``write``."""
        self._write(self._blocks.interface(name, description))
        self._sockets.append(protocol)
        self._received.append(0)
        self._dropped.append(0)
        return len(self._sockets) - 1

    def write(
        self,
        *,
        socket: int,
        timestamp: int,
        data: bytes,
        direction: Literal["in", "out", ""] = "",
        protocol: int | None = None,
        truncated: int = 0,
    ) -> None:
        """Write one datagram; ``timestamp`` in nanoseconds. ``protocol`` defaults to that of the socket; ``truncated``:
        bytes that it lacks at the end."""
        number = self._sockets[socket] if protocol is None else protocol
        self._write(self._blocks.packet(socket, timestamp, number, data, direction, truncated))
        self._received[socket] += 1
        self._time = max(self._time, timestamp)
        self.frames += 1

    def lost(self, socket: int, drops: int) -> None:
        """Count messages that never came: how many the kernel dropped on a socket; written when closed."""
        self._dropped[socket] += drops

    def close(self) -> None:
        """Finish the file and give it its name, once its bytes are on disk."""
        for socket, (received, dropped) in enumerate(zip(self._received, self._dropped, strict=True)):
            self._write(self._blocks.statistics(socket, self._time, received, dropped))
        try:
            put_in_place(self._file, self.part, self.path, keep_mode=False)
        except OSError as error:
            with suppress(OSError):  # closing tries to write once more
                self._file.close()
            raise self._failed(error) from error

    def __enter__(self) -> PcapngWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        with suppress(OSError):  # the error that ends the recording says more
            self._file.close()
        if not self.frames:
            self.part.unlink(missing_ok=True)

    def _write(self, block: bytes) -> None:
        try:
            self._file.write(block)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> CaptureError:
        return CaptureError(
            "NLM-C021",
            "writing the capture failed",
            where=str(self.part),
            why=error.strerror or "",
            hint="what was written before is in this file",
        )
