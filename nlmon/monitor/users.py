"""The users of this machine: who there is, becoming one of them, and trying something as another process.

Not here: what a user may do (``capabilities``), and which one a monitor runs as (``privileges``).
"""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

if sys.platform == "linux":
    import pwd

__all__ = ["User", "become", "find_user", "in_child", "is_mapped", "me"]

UID_MAP, GID_MAP = Path("/proc/self/uid_map"), Path("/proc/self/gid_map")


class User(Struct, frozen=True):
    """A user by name and number, and his group."""

    name: str
    number: int
    group: int


def find_user(named: str) -> User | None:
    """The user of this name or number."""
    if sys.platform == "linux":
        try:
            entry = pwd.getpwuid(int(named)) if named.isascii() and named.isdigit() else pwd.getpwnam(named)
        except (KeyError, OverflowError, ValueError):
            return None
        return User(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise OSError(errno.ENOSYS, "this system has no such users")


def me() -> User:
    """The user that this process runs as, who need not have a name."""
    if sys.platform == "linux":
        found = find_user(str(os.geteuid()))
        return User(found.name if found else "a user without a name", os.geteuid(), os.getegid())
    raise OSError(errno.ENOSYS, "this system has no such users")


def is_mapped(user: User) -> bool:
    """Whether a user and his group exist in the user namespace of this process (user_namespaces(7))."""
    return _in_map(user.number, UID_MAP) and _in_map(user.group, GID_MAP)


def become(user: User) -> None:
    """Let every thread of this process run as this user, in his group alone; raises ``OSError``."""
    if sys.platform == "linux":
        try:
            os.setgroups([])
        except PermissionError:  # some user namespaces do not let anybody change them (setgroups, user_namespaces(7))
            if os.getgroups() and not _is_group_change_denied():
                raise
        os.setresgid(user.group, user.group, user.group)
        os.setresuid(user.number, user.number, user.number)
        return
    raise OSError(errno.ENOSYS, "this system has no such users")


def in_child(work: Callable[[], bytes]) -> bytes:
    """What ``work`` gives in a copy of this process, which ends with it; empty when it gives nothing."""
    if sys.platform != "win32":
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            # From Python 3.12 on, where there are other threads: the copy takes no lock that one of them may hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            try:
                os.close(reader)
                os.write(writer, work())
            finally:  # whatever happens, the copy does not go on with what this process has to do
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            given = answer.read()
        os.waitpid(child, 0)
        return given
    raise OSError(errno.ENOSYS, "this system cannot copy a process")


def _in_map(number: int, path: Path) -> bool:
    try:
        rows = [tuple(map(int, line.split())) for line in path.read_text(encoding="ascii").splitlines()]
    except OSError:
        return True
    return any(first <= number < first + length for first, _, length in rows)


def _is_group_change_denied() -> bool:
    try:
        return Path("/proc/self/setgroups").read_text(encoding="ascii").strip() == "deny"
    except OSError:
        return False
