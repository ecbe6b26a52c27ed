"""Says when files change, by inotify(7).

    watch = FileWatch([Path("/etc/nlmon/nlmon.yaml")])
    ...                       # when a descriptor of watch.descriptors() can be read:
    watch.changed()

Rules:
1. Folders are watched and not files: an editor writes a new file and renames it, and the old one never changes.
2. A file has changed when it was closed by who wrote it, or when another one took its place; not while it is written.
3. Every folder and symbolic link on the way to a file may be exchanged, too, as Kubernetes does with ``..data``. After
   each change the way is gone again, so what has come in its place is watched.
4. What has vanished has not changed; it has when it is back.
5. Where there is no inotify, there is no descriptor to wait for and nothing changes; a monitor has SIGHUP.

Not here: what a change means (``running``).
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["FileWatch"]

# linux/inotify.h; the flags of inotify_init1 are those of open(2).
IN_CLOSE_WRITE, IN_MOVED_TO, IN_CREATE, IN_Q_OVERFLOW = 0x008, 0x080, 0x100, 0x4000
IN_ONLYDIR, IN_MASK_ADD = 0x01000000, 0x20000000
# Of the folder of a file, and of one in which a folder or a link on the way to it is.
WRITTEN, EXCHANGED = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE, IN_MOVED_TO | IN_CREATE
_EVENT = struct.Struct("=iIII")
# Bytes that are read at once: many events, each with a name of up to 255 bytes.
AT_ONCE = 1 << 16
# Symbolic links on the way to a file (MAXSYMLINKS of the kernel).
LINKS_KEPT = 40


class _Step(NamedTuple):
    """A step on the way to a file: a folder, what is gone to in it, and whether that is the file."""

    folder: Path
    name: str
    last: bool


class FileWatch:
    """Watches files; see the module."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._descriptor = _inotify()
        self._paths = tuple(paths)
        # Steps by the number of the watch of their folder, and by name.
        self._steps: dict[int, dict[bytes, _Step]] = {}
        self._go()

    def descriptors(self) -> tuple[int, ...]:
        """What can be read when something has happened."""
        return (self._descriptor,) if self._steps else ()

    def changed(self) -> bool:
        """Whether one of the files has changed since this was asked last. Never waits."""
        found = False
        while data := self._read():
            at = 0
            while at + _EVENT.size <= len(data):
                watch, mask, _, length = _EVENT.unpack_from(data, at)
                name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
                at += _EVENT.size + length
                found = found or mask & IN_Q_OVERFLOW > 0 or self._is_change(mask, self._steps.get(watch, {}).get(name))
        if found:
            self._go()
        return found and all(map(os.path.exists, self._paths))

    def close(self) -> None:
        """Watch no longer."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._steps.clear()

    def _go(self) -> None:
        """Watch what is on the way to the files now, and nothing else."""
        for watch in self._steps:
            _unwatched(self._descriptor, watch)
        self._steps.clear()
        for path in self._paths if self._descriptor >= 0 else ():
            for step in _way(path):
                watch = _watched(self._descriptor, step.folder, WRITTEN if step.last else EXCHANGED)
                if watch >= 0:
                    self._steps.setdefault(watch, {})[os.fsencode(step.name)] = step

    def _is_change(self, mask: int, step: _Step | None) -> bool:
        """Whether what has happened at a step is a change: a file that was made is still to be written, unless it is
        another name of one that is there."""
        if step is None or not step.last or not mask & IN_CREATE:
            return step is not None
        with suppress(OSError):
            made = (step.folder / step.name).lstat()
            return not stat.S_ISREG(made.st_mode) or made.st_nlink > 1
        return False

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


def _watched(descriptor: int, folder: Path, mask: int) -> int:
    """The number of a watch of a folder, -1 where it cannot be watched."""
    library = ctypes.CDLL(None, use_errno=True)
    return int(library.inotify_add_watch(descriptor, os.fsencode(folder), mask | IN_ONLYDIR | IN_MASK_ADD))


def _unwatched(descriptor: int, watch: int) -> None:
    """End a watch; one of a folder that is gone has ended by itself."""
    ctypes.CDLL(None, use_errno=True).inotify_rm_watch(descriptor, watch)


def _way(path: Path) -> Iterator[_Step]:
    """The steps to a file as they are now, as far as there is anything."""
    folder, *rest = Path(path.absolute().anchor), *path.absolute().parts[1:]
    links = 0
    while rest:
        name, *rest = rest
        if name == "..":
            folder = folder.parent
            continue
        here = folder / name
        yield _Step(folder, name, last=not rest)
        try:
            target = here.readlink()
        except OSError:  # it is no link, or is not there
            folder = here
            continue
        links += 1
        if links > LINKS_KEPT:
            return
        rest = [*target.parts, *rest]
        if target.is_absolute():
            folder, rest = Path(target.anchor), rest[1:]
