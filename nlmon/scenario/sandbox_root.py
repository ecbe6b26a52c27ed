"""The files that commands in a sandbox see: the programs of the host, read-only, and little else.

    /usr /bin /sbin /lib…    those of the host, read-only
    /etc                     of the host what names numbers (iproute2, protocols, services) and finds libraries
    /dev                     null, zero, full, random, urandom, net/tun
    /proc /sys               of the namespaces of the sandbox
    /tmp /run                empty, in memory, of a bounded size
    what is ``readable``     files and folders that are asked for, read-only, where they are on the host

Rules:
1. What is not listed is not there: homes, sockets of services and folders of other programs have no name inside.
2. The root of the host is taken away, not covered.
3. Where a part cannot be made read-only there is no sandbox. /sys alone may be missing, where the host covers a part of
   its own.

Not here: the namespaces that this is done in (``sandbox_init``).
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from typing import TypeAlias

assert sys.platform == "linux"

from nlmon.scenario.syscalls import (
    MNT_DETACH,
    MS_BIND,
    MS_NOATIME,
    MS_NODEV,
    MS_NODIRATIME,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_REC,
    MS_RELATIME,
    MS_REMOUNT,
    MS_SLAVE,
    MS_STRICTATIME,
    mount,
    pivot_root,
    umount,
)

__all__ = ["Source", "make_root", "open_sources"]

Source: TypeAlias = tuple[str, int | str]

PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
SETTINGS = (
    *("/etc/alternatives", "/etc/ethertypes", "/etc/iproute2", "/etc/protocols", "/etc/services"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"),
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/net/tun")
ACCOUNTS = {
    "/etc/passwd": "root:x:0:0:root:/tmp:/bin/sh\n",
    "/etc/group": "root:x:0:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nprotocols: files\nservices: files\n",
}
LINKS = {"/dev/fd": "/proc/self/fd", "/var/run": "/run"}
OWN = ("/tmp", "/run")
WRITABLE = ("/proc", *OWN)
MEMORY = "mode=0755,size=16m,nr_inodes=4096"
SAFE = MS_NOSUID | MS_NODEV
# What statvfs(3) says of a mount, and how mount(2) wants it; who is less privileged cannot take such a flag away.
KEPT = (
    *((os.ST_NOSUID, MS_NOSUID), (os.ST_NODEV, MS_NODEV), (os.ST_NOEXEC, MS_NOEXEC)),
    *((os.ST_NOATIME, MS_NOATIME), (os.ST_NODIRATIME, MS_NODIRATIME), (os.ST_RELATIME, MS_RELATIME)),
)


def open_sources(readable: Iterable[str] = ()) -> list[Source]:
    """What the root is made of, as this user may open it: a path, and a descriptor of this mount namespace, since the
    path may be covered soon, or the target of a link."""
    found: list[Source] = []
    for path in (*PROGRAMS, *SETTINGS, *DEVICES):
        if path in PROGRAMS and os.path.islink(path):  # noqa: PTH114
            found.append((path, os.readlink(path)))  # noqa: PTH115
        elif os.path.exists(path):  # noqa: PTH110
            found.append((path, os.open(path, os.O_PATH | os.O_CLOEXEC)))
    return found + [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in readable]


def make_root(sources: Iterable[Source]) -> tuple[str, ...]:
    """Give this mount namespace its root; returns what the kernel did not allow and can be done without."""
    mount("", "/", flags=MS_REC | MS_SLAVE)
    base = next(place for place in ("/tmp", "/run", "/mnt") if os.path.isdir(place))  # noqa: PTH112
    mount("tmpfs", base, "tmpfs", SAFE, MEMORY)
    os.umask(0o022)
    for path in OWN:
        os.mkdir(base + path)  # noqa: PTH102
        mount("tmpfs", base + path, "tmpfs", SAFE, MEMORY)
    for path, source in sources:
        _put(base, path, source)
    for path, text in ACCOUNTS.items():
        _parent(base + path)
        with open(base + path, "x", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
    for path, target in LINKS.items():
        _parent(base + path)
        os.symlink(target, base + path)  # noqa: PTH211
    missing = _kernel_files(base)
    os.chdir(base)
    pivot_root(".", ".")
    umount(".", MNT_DETACH)
    os.chdir("/")
    _protect()
    os.makedirs("/run/netns", exist_ok=True)  # noqa: PTH103
    return missing


def _put(base: str, path: str, source: int | str) -> None:
    target = base + path
    _parent(target)
    if isinstance(source, str):
        os.symlink(source, target)  # noqa: PTH211
        return
    if os.path.exists(target):  # noqa: PTH110  (it is below what was bound before)
        os.close(source)
        return
    if stat.S_ISDIR(os.fstat(source).st_mode):
        os.mkdir(target)  # noqa: PTH102
    else:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    mount(f"/proc/self/fd/{source}", target, flags=MS_BIND | MS_REC)
    os.close(source)


def _parent(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120


def _kernel_files(base: str) -> tuple[str, ...]:
    """Mount /proc and /sys; the kernel lets a user do so only where they are whole on the host."""
    for path in ("/proc", "/sys"):
        os.mkdir(base + path)  # noqa: PTH102
    mount("proc", base + "/proc", "proc", SAFE | MS_NOEXEC)
    try:
        mount("sysfs", base + "/sys", "sysfs", SAFE | MS_NOEXEC)
    except OSError:
        return ("/sys",)
    return ()


def _protect() -> None:
    """Make every mount read-only but those that are the sandbox's own."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        points = [_unescaped(line.split(" ")[4]) for line in file]
    for point in points:
        if point in WRITABLE:
            continue
        had = os.statvfs(point).f_flag
        flags = sum(flag for stated, flag in KEPT if had & stated)
        if not flags & (MS_NOATIME | MS_RELATIME):
            flags |= MS_STRICTATIME
        flags |= MS_NOSUID if point in DEVICES else SAFE
        mount("", point, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | flags)


def _unescaped(path: str) -> str:
    """A path of mountinfo, which writes blanks, tabs, line ends and backslashes in octal (proc(5))."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        path = path.replace(code, character)
    return path
