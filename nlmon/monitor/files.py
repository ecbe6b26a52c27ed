"""Says when files change, by inotify(7).

    watch = FileWatch([Path("/etc/nlmon/nlmon.yaml")])
    ...                       # when a descriptor of watch.descriptors() can be read:
    watch.changed()

Rules:
1. Folders are watched and not files: an editor writes a new file and renames it, and the old one never changes.
2. A file has changed when it was closed by who wrote it, or when another one took its place; not while it is written.
3. Behind a symbolic link the folder of the file itself is watched, too.
4. Where there is no inotify, nothing changes; a monitor has SIGHUP.

Not here: what a change means (``running``).
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["FileWatch"]

# linux/inotify.h; the flags of inotify_init1 are those of open(2).
IN_CLOSE_WRITE, IN_MOVED_TO, IN_ONLYDIR = 0x008, 0x080, 0x01000000
MASK = IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR
_EVENT = struct.Struct("=iIII")
# Bytes that are read at once: many events, each with a name of up to 255 bytes.
AT_ONCE = 1 << 16


class FileWatch:
    """Watches files; see the module."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._descriptor = _inotify()
        # Names of files by the number of the watch of their folder.
        self._names: dict[int, set[bytes]] = {}
        for path in paths if self._descriptor >= 0 else ():
            self._add(path)

    def descriptors(self) -> tuple[int, ...]:
        """What can be read when something has happened."""
        return (self._descriptor,) if self._names else ()

    def changed(self) -> bool:
        """Whether one of the files has changed since this was asked last. Never waits."""
        found = False
        while data := self._read():
            at = 0
            while at + _EVENT.size <= len(data):
                watch, _, _, length = _EVENT.unpack_from(data, at)
                name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
                at += _EVENT.size + length
                found = found or name in self._names.get(watch, ())
        return found

    def close(self) -> None:
        """Watch no longer."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._names.clear()

    def _add(self, path: Path) -> None:
        for one in {path.absolute(), Path(os.path.realpath(path))}:
            watch = _watched(self._descriptor, one.parent)
            if watch >= 0:
                self._names.setdefault(watch, set()).add(os.fsencode(one.name))

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, AT_ONCE)
        except BlockingIOError:
            return b""


if sys.platform == "linux":

    def _inotify() -> int:
        """A new descriptor of inotify, -1 where there is none."""
        return int(ctypes.CDLL(None, use_errno=True).inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

else:

    def _inotify() -> int:
        """Other systems have none."""
        return -1


def _watched(descriptor: int, folder: Path) -> int:
    """The number of a watch of a folder, -1 where it cannot be watched."""
    library = ctypes.CDLL(None, use_errno=True)
    return int(library.inotify_add_watch(descriptor, os.fsencode(folder), MASK))
