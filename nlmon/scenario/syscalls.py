"""The calls of Linux that a sandbox is made of and that Python does not offer before version 3.12, or at all.

Rules:
1. A call that fails raises ``OSError`` with the kernel's number and the name of the call.
2. Only the standard library and the kernel's numbers: the process inside of a sandbox has nothing else.

Not here: the order in which they are used (``sandbox_init``, ``sandbox_root``).
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Collection

from nlmon.uapi import (
    LINUX_CAPABILITY_VERSION_3,
    PR_CAP_AMBIENT,
    PR_CAP_AMBIENT_CLEAR_ALL,
    PR_CAPBSET_DROP,
    PR_CAPBSET_READ,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
)

__all__ = [
    "MNT_DETACH",
    "MS_BIND",
    "MS_NOATIME",
    "MS_NODEV",
    "MS_NODIRATIME",
    "MS_NOEXEC",
    "MS_NOSUID",
    "MS_RDONLY",
    "MS_REC",
    "MS_RELATIME",
    "MS_REMOUNT",
    "MS_SLAVE",
    "MS_STRICTATIME",
    "UMOUNT_NOFOLLOW",
    "die_with_parent",
    "keep_capabilities",
    "mount",
    "no_new_privileges",
    "pivot_root",
    "setns",
    "umount",
    "unshare",
]

# linux/mount.h, linux/fs.h
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC = 1 << 10, 1 << 11, 1 << 12, 1 << 14
MS_SLAVE, MS_RELATIME, MS_STRICTATIME = 1 << 19, 1 << 21, 1 << 24
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
# Capabilities that any kernel may have.
_CAPABILITIES = 64

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> int:
    result = int(getattr(_libc, name)(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def _prctl(option: int, value: int = 0) -> int:
    none = ctypes.c_ulong(0)
    return _call("prctl", option, ctypes.c_ulong(value), none, none, none)


def unshare(flags: int) -> None:
    """Give this process namespaces of its own (unshare(2))."""
    _call("unshare", flags)


def setns(descriptor: int, kind: int) -> None:
    """Go into the namespace of a descriptor (setns(2))."""
    _call("setns", descriptor, kind)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount a file system, bind one, or change the flags of a mount (mount(2))."""
    words = [os.fsencode(word) or None for word in (source, target, kind, data)]
    try:
        _call("mount", words[0] or b"none", words[1], words[2], ctypes.c_ulong(flags), words[3])
    except OSError as error:
        raise OSError(error.errno, f"mount of {kind or source} at {target}: {os.strerror(error.errno or 0)}") from error


def umount(target: str, flags: int = 0) -> None:
    """Take a mount away (umount2(2))."""
    _call("umount2", os.fsencode(target), flags)


def pivot_root(new: str, old: str) -> None:
    """Make the mount ``new`` the root, and put the root of before at ``old`` (pivot_root(2))."""
    _call("pivot_root", os.fsencode(new), os.fsencode(old))


def die_with_parent(signal: int) -> None:
    """Have the kernel send a signal to this process when its parent ends."""
    _prctl(PR_SET_PDEATHSIG, signal)


def no_new_privileges() -> None:
    """No program that is run from here on gains a privilege, whatever its file says (PR_SET_NO_NEW_PRIVS)."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def keep_capabilities(kept: Collection[int]) -> None:
    """Give up every capability but some, for this process and all that it runs (capabilities(7))."""
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for number in range(_CAPABILITIES):
        if number in kept:
            continue
        try:
            if _prctl(PR_CAPBSET_READ, number):
                _prctl(PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno != 22:  # EINVAL: this kernel has fewer
                raise
    mask = sum(1 << number for number in kept)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = struct.pack("=Ii", LINUX_CAPABILITY_VERSION_3, 0)
    _call("capset", header, struct.pack("=6I", low, low, low, high, high, high))
