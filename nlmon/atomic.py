"""Writes files that are whole or absent: under another name first, and renamed when their bytes are on disk.

Rules:
1. A file that is replaced keeps its mode; a new one follows the umask. One that is ``private`` is its owner's alone,
   from its first byte and whatever was there before: recordings can hold keys.
2. Links are not followed: what is named is replaced, and whoever wants the file behind a link names that.

Not here: what may be replaced, and what an error is called (whoever writes), and folders.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["put_in_place", "try_to_write", "write_whole"]


def write_whole(path: Path, data: bytes, *, private: bool = False, like: os.stat_result | None = None) -> None:
    """Write a file at once or not at all; raises ``OSError``. Nobody else's file is in the way of its other name.
    ``like``: it gets the owner and the mode of this one, before it gets its name."""
    part = _part(path)
    try:
        with open(part, "xb", opener=_private if private or like is not None else None) as file:
            file.write(data)
            if like is not None:
                _become(part, like)
            put_in_place(file, part, path, keep_mode=not private and like is None)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def try_to_write(path: Path) -> None:
    """Raise ``OSError`` where ``write_whole`` could not make a file; nothing is left of the trial."""
    part = _part(path)
    with part.open("xb"):
        part.unlink()


def put_in_place(file: BinaryIO, part: Path, path: Path, *, keep_mode: bool = True) -> None:
    """Give a file that was written as ``part`` its name, once its bytes are on disk, and close it. ``keep_mode``: it
    gets the mode of one that it replaces."""
    file.flush()
    os.fsync(file.fileno())
    file.close()
    if keep_mode:
        with suppress(FileNotFoundError):
            part.chmod(stat.S_IMODE(path.stat().st_mode))
    part.replace(path)


def _become(part: Path, like: os.stat_result) -> None:
    if sys.platform != "win32":
        os.chown(part, like.st_uid, like.st_gid)
    part.chmod(stat.S_IMODE(like.st_mode))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _part(path: Path) -> Path:
    """Another name beside a file, which nobody else has."""
    import secrets  # noqa: PLC0415  (start-up: only who writes a whole file needs it)

    return path.with_name(f".nlmon-{secrets.token_hex(8)}.part")
