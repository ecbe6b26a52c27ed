"""Says when files change, by inotify(7).

    watch = FileWatch([Path("/etc/nlmon/nlmon.yaml")])
    ...                       # when a descriptor of watch.descriptors() can be read:
    watch.changed()

Rules:
1. Folders are watched and not files: an editor writes a new file and renames it, and the old one never changes.
2. A file has changed when it was closed by who wrote it, or when another one took its place; not while it is written.
3. Of a path with symbolic links each link is watched, too, and the folder of the file itself; after a change they are
   looked up again, since links may lead elsewhere then.
4. Where there is no inotify, nothing changes; a monitor has SIGHUP.

Not here: what a change means (``running``).
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["FileWatch"]

# linux/inotify.h; the flags of inotify_init1 are those of open(2).
IN_CLOSE_WRITE, IN_MOVED_TO, IN_ONLYDIR = 0x008, 0x080, 0x01000000
MASK = IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR
_EVENT = struct.Struct("=iIII")
# The number of the watch of an event that says that others were lost.
OVERFLOW = -1
# Bytes that are read at once: many events, each with a name of up to 255 bytes.
AT_ONCE = 1 << 16
# Symbolic links on the way to a file; the kernel follows no more (path_resolution(7)).
LINKS_KEPT = 40


class FileWatch:
    """Watches files; see the module."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = tuple(paths)
        self._descriptor = _inotify()
        # Names of files and links by the number of the watch of their folder.
        self._names: dict[int, set[bytes]] = {}
        self._look_up()

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
                found = found or watch == OVERFLOW or name in self._names.get(watch, ())
        if found:
            self._look_up()
        return found

    def close(self) -> None:
        """Watch no longer."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._names.clear()

    def _look_up(self) -> None:
        """Watch what the paths lead by now, and nothing else."""
        before, self._names = self._names, {}
        for path in self._paths if self._descriptor >= 0 else ():
            links: list[Path] = []
            with suppress(OSError):  # what cannot be looked at is not watched
                links.extend(_links(path))
            for one in {path.absolute(), *links, Path(os.path.realpath(path))}:
                watch = _watched(self._descriptor, one.parent)
                if watch >= 0:
                    self._names.setdefault(watch, set()).add(os.fsencode(one.name))
        for watch in before.keys() - self._names.keys():
            ctypes.CDLL(None).inotify_rm_watch(self._descriptor, watch)  # it is gone already with its folder

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


def _links(path: Path) -> Iterator[Path]:
    """The symbolic links on the way to a file, of folders and of files."""
    at = Path(os.path.normpath(path.absolute()))
    for _ in range(LINKS_KEPT):
        link = next((one for one in (*reversed(at.parents), at) if one.is_symlink()), None)
        if link is None:
            return
        yield link
        at = Path(os.path.normpath(link.parent / link.readlink() / at.relative_to(link)))


def _watched(descriptor: int, folder: Path) -> int:
    """The number of a watch of a folder, -1 where it cannot be watched."""
    library = ctypes.CDLL(None, use_errno=True)
    return int(library.inotify_add_watch(descriptor, os.fsencode(folder), MASK))
