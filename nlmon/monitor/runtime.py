"""Where the control sockets of monitors are, and which folders and sockets are trusted.

Rules:
1. A folder is opened once, without following a link in its place, and looked at through its descriptor. Sockets in it
   are reached through that descriptor, too: what was looked at is what is used, however long its path is.
2. A folder is trusted when it belongs to this user, to root, or to whom a monitor of root is going to run as. That of
   the system may belong to anybody: in ``/run`` root alone can have made it, for the first monitor that was there. Root
   asks in any folder: what answers there is looked at for itself (``asking``).

Not here: what is said over a socket (``control``).
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
import stat
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from nlmon.errors import PlatformError

__all__ = [
    "SUFFIX",
    "SYSTEM_FOLDER",
    "address",
    "default_path",
    "instances",
    "open_folder",
    "socket_name",
    "this_user",
    "unix_socket",
]

SYSTEM_FOLDER = Path("/run/nlmon")
# Below it each user that is logged in has a folder of his own.
USERS_FOLDER = Path("/run/user")
SUFFIX = ".sock"
# What is kept of the name of a configuration file.
NAME_SHOWN = 40
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def _folder(environ: Mapping[str, str], user: int) -> Path:
    """The folder of a user's control sockets: ``/run/nlmon`` of root and of a service, else that of the session."""
    session = environ.get("XDG_RUNTIME_DIR", "")
    return Path(session) / "nlmon" if user and session.startswith("/") else SYSTEM_FOLDER


def default_path(config_files: Sequence[Path], environ: Mapping[str, str]) -> Path:
    """The control socket of the monitor that reads these files: the same for the same paths, wherever it is called."""
    return _folder(environ, this_user()) / socket_name([os.path.abspath(path) for path in config_files])  # noqa: PTH100


def socket_name(paths: Sequence[str]) -> str:
    """The name of a control socket: that of the last file for people, and a digest of all paths."""
    if not paths:
        return f"default{SUFFIX}"
    shown = re.sub(r"[^A-Za-z0-9_.-]", "_", Path(paths[-1]).stem)[:NAME_SHOWN].lstrip(".")
    digest = hashlib.sha256("\0".join(paths).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"{shown or 'nlmon'}-{digest}{SUFFIX}"


def instances(environ: Mapping[str, str]) -> list[Path]:
    """The control sockets in the folder of this user, or of every user for root; whether anybody answers is another
    matter."""
    folders = [_folder(environ, this_user())]
    if not this_user():
        folders += sorted(USERS_FOLDER.glob("*/nlmon"))
    return [path for one in folders for path in _sockets(one)]


def _sockets(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.suffix == SUFFIX and path.is_socket())
    except OSError:
        return []


def open_folder(path: Path, users: Collection[int] = ()) -> int:
    """A descriptor of the folder of a socket, if it belongs to root or to one of ``users`` (none: to anybody); raises
    ``PlatformError`` if it is not trusted, and ``OSError`` where there is none."""
    try:
        descriptor = os.open(path, _DIRECTORY)
    except OSError as error:
        if path.is_symlink():
            raise _not_trusted(path, "it is a symbolic link") from error
        raise
    if why := _distrust(os.fstat(descriptor), () if path == SYSTEM_FOLDER else users):
        os.close(descriptor)
        raise _not_trusted(path, why)
    return descriptor


def _distrust(facts: os.stat_result, users: Collection[int]) -> str:
    """Why a folder is not trusted: another user could replace what is in it."""
    if users and facts.st_uid not in {0, *users}:
        return f"it belongs to another user (uid {facts.st_uid})"
    if facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX:
        return "every user may write into it"
    return ""


def _not_trusted(path: Path, why: str) -> PlatformError:
    hint = "name a socket in a folder of your own with --socket"
    return PlatformError(
        "NLM-M022", "the folder of the control socket is not trusted", where=str(path), why=why, hint=hint
    )


def unix_socket() -> socket.socket:
    """A Unix socket."""
    if sys.platform != "win32":
        return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    raise OSError(errno.ENOSYS, "this system has no Unix sockets")


def address(folder: int, name: str) -> str:
    """The address of a socket in an open folder: a Unix address has 107 bytes, and a path may have more."""
    return f"/proc/self/fd/{folder}/{name}"


def this_user() -> int:
    """The user that this process runs as; -1 where there is none."""
    return os.geteuid() if hasattr(os, "geteuid") else -1
