"""The capabilities of this process by capset(2) and prctl(2), and what /proc says of them (capabilities(7)).

Rules:
1. Capabilities are those of a thread. Whoever gives them up does so before there are others, and looks at all of them
   afterwards.

Not here: which capabilities a monitor keeps, and as which user (``privileges``).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from nlmon.uapi import (
    CAP_AUDIT_READ,
    CAP_NET_ADMIN,
    CAP_SETPCAP,
    LINUX_CAPABILITY_VERSION_3,
    PR_CAP_AMBIENT,
    PR_CAP_AMBIENT_CLEAR_ALL,
    PR_CAPBSET_DROP,
    PR_SET_KEEPCAPS,
    PR_SET_NO_NEW_PRIVS,
)

__all__ = [
    "NAMES",
    "ThreadPrivileges",
    "forbid_new_privileges",
    "keep_capabilities",
    "keep_over_change_of_user",
    "names_of",
    "permitted",
    "read_thread",
    "threads",
]

NAMES: Mapping[int, str] = {CAP_NET_ADMIN: "CAP_NET_ADMIN", CAP_AUDIT_READ: "CAP_AUDIT_READ"}
LAST = Path("/proc/sys/kernel/cap_last_cap")
TASKS = Path("/proc/self/task")


class ThreadPrivileges(Struct, frozen=True):
    """A thread as /proc shows it: its real, effective, saved and file system user and group, its further groups, its
    sets of capabilities, and whether no_new_privs is set."""

    users: tuple[int, ...]
    groups: tuple[int, ...]
    further_groups: tuple[int, ...]
    inheritable: int
    permitted: int
    effective: int
    bounding: int
    ambient: int
    no_new_privs: bool


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def permitted() -> int:
    """The set of capabilities that this thread may use, a bit for each."""
    data = (_Data * 2)()
    _check(_libc().capget(ctypes.byref(_Header(LINUX_CAPABILITY_VERSION_3, 0)), ctypes.byref(data)))
    return int(data[0].permitted | data[1].permitted << 32)


def keep_capabilities(kept: int) -> None:
    """Hold these capabilities, a bit for each, and no others; no other program inherits one."""
    low, high = kept & 0xFFFFFFFF, kept >> 32
    data = (_Data * 2)(_Data(low, low, 0), _Data(high, high, 0))
    _check(_libc().capset(ctypes.byref(_Header(LINUX_CAPABILITY_VERSION_3, 0)), ctypes.byref(data)))


def forbid_new_privileges() -> None:
    """See to it that no program which this process starts ever has more: no_new_privs, no ambient capabilities, and,
    where this process may do that, an empty bounding set."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    if permitted() & 1 << CAP_SETPCAP:
        for number in range(int(LAST.read_text(encoding="ascii")) + 1):
            _prctl(PR_CAPBSET_DROP, number)


def keep_over_change_of_user(keep: bool) -> None:
    """Whether permitted capabilities stay when the last user of this thread is no longer root."""
    _prctl(PR_SET_KEEPCAPS, int(keep))


def threads() -> tuple[ThreadPrivileges, ...]:
    """The privileges of every thread of this process."""
    return tuple(read_thread((task / "status").read_text(encoding="utf-8")) for task in sorted(TASKS.iterdir()))


def read_thread(text: str) -> ThreadPrivileges:
    """The privileges that the status of a thread shows (proc_pid_status(5))."""
    lines = dict(line.split(":", 1) for line in text.splitlines())

    def numbers(key: str) -> tuple[int, ...]:
        return tuple(map(int, lines[key].split()))

    def capabilities(key: str) -> int:
        return int(lines[key], 16)

    return ThreadPrivileges(
        users=numbers("Uid"),
        groups=numbers("Gid"),
        further_groups=numbers("Groups"),
        inheritable=capabilities("CapInh"),
        permitted=capabilities("CapPrm"),
        effective=capabilities("CapEff"),
        bounding=capabilities("CapBnd"),
        ambient=capabilities("CapAmb"),
        no_new_privs=numbers("NoNewPrivs") == (1,),
    )


def names_of(capabilities: int) -> str:
    """Capabilities by their names, those without one here by their number."""
    numbers = [number for number in range(64) if capabilities & 1 << number]
    return " ".join(NAMES.get(number, f"capability {number}") for number in numbers) or "no capabilities"


def _prctl(option: int, *arguments: int) -> None:
    values = [ctypes.c_ulong(one) for one in (*arguments, 0, 0, 0, 0)[:4]]
    _check(_libc().prctl(ctypes.c_int(option), *values))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
