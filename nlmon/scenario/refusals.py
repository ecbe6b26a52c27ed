"""Which setting of the system forbids a user the namespaces of a sandbox.

The kernel says no more than EPERM or ENOSPC. Who reads that wants to know what to change, and where.

Rules:
1. Only a setting that was read and forbids it is named; where none does, what else may be the reason is said as such.

Not here: trying (``sandbox``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["forbidding_settings", "hint_for"]

# user_namespaces(7), namespaces(7): how many a user may make.
KINDS = ("user", "mnt", "net", "pid", "ipc", "uts", "cgroup")
SECCOMP_FILTER = "2"


def forbidding_settings(proc: Path = Path("/proc")) -> list[str]:
    """The settings that forbid it, each as ``sysctl`` takes it: a name, and the value that it has."""
    return list(_forbidding(proc / "sys"))


def _forbidding(sys: Path) -> Iterator[str]:
    for kind in KINDS:
        if _read(sys / "user" / f"max_{kind}_namespaces") == "0":
            yield f"user.max_{kind}_namespaces=0"
    # Of Debian and what is made from it.
    if _read(sys / "kernel/unprivileged_userns_clone") == "0":
        yield "kernel.unprivileged_userns_clone=0"
    # Of Ubuntu: namespaces are made, and have no privilege inside.
    if _read(sys / "kernel/apparmor_restrict_unprivileged_userns") == "1":
        yield "kernel.apparmor_restrict_unprivileged_userns=1"


def hint_for(settings: list[str], proc: Path = Path("/proc")) -> str:
    """What to do: change the settings, or look for what else forbids it."""
    if settings:
        return "change " + " and ".join(settings)
    if _status(proc).get("Seccomp") == SECCOMP_FILTER:
        return "this process is under a seccomp filter, as in a container, which may forbid unshare(2) and mount(2)"
    return "the kernel also refuses it in a chroot, and a security module may do so"


def _status(proc: Path) -> dict[str, str]:
    lines = (line.partition(":") for line in _read(proc / "self/status").splitlines())
    return {name: value.strip() for name, _, value in lines}


def _read(path: Path) -> str:
    """Text of a file; empty where there is none, or where it may not be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
