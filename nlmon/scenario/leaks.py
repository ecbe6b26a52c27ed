"""What this process holds of the system, before and after a run: what is more afterwards is a leak.

Rules:
1. Counted is what can be seen in /proc now: nothing is closed, ended or waited for here.
2. A namespace is held by a thread, a child or a descriptor that is in it or refers to it. A socket holds the namespace
   that it was opened in; one that is left is counted as a descriptor.

Not here: ending what was left (who made it does so).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from nlmon.errors import InternalError

__all__ = ["Held", "held", "kept_numbers", "leaks", "no_leaks", "processes_in"]

SELF = Path("/proc/self")


class Held(Struct, frozen=True):
    """What a process holds. ``descriptors`` by number, with what each refers to; ``threads`` and ``children`` by their
    numbers; ``namespaces`` as the kernel names them, such as ``net:[4026531840]``."""

    descriptors: frozenset[str]
    threads: frozenset[str]
    children: frozenset[str]
    namespaces: frozenset[str]


def held() -> Held:
    """What this process holds now."""
    descriptors = {f"{entry.name} {target}" for entry, target in _links(SELF / "fd")}
    # The one by which the folder is read.
    descriptors = {line for line in descriptors if not line.endswith("/fd")}
    tasks = [task for task in (SELF / "task").iterdir() if task.exists()]
    children = {child for task in tasks for child in _children(task)}
    entered = {
        target
        for process in (*tasks, *(Path("/proc", child) for child in children))
        for _, target in _links(process / "ns")
    }
    referred = {line.partition(" ")[2] for line in descriptors}
    return Held(
        descriptors=frozenset(descriptors),
        threads=frozenset(task.name for task in tasks),
        children=frozenset(children),
        namespaces=frozenset(entered | {target for target in referred if ":[" in target and not _is_anonymous(target)}),
    )


def leaks(before: Held, after: Held) -> list[str]:
    """What is held afterwards and was not before, in words, sorted."""
    kinds = {"descriptor": "descriptors", "thread": "threads", "child": "children", "namespace": "namespaces"}
    return sorted(
        f"{word} {one}" for word, name in kinds.items() for one in getattr(after, name) - getattr(before, name)
    )


def processes_in(namespaces: Collection[str]) -> list[str]:
    """Processes of the system that are in one of some namespaces, of those that this user may look at; sorted."""
    found = {
        int(process.name)
        for process in Path("/proc").glob("[0-9]*")
        for _, target in _links(process / "ns")
        if target in namespaces
    }
    return [f"process {number}" for number in sorted(found)]


@contextlib.contextmanager
def kept_numbers(namespaces: Collection[str]) -> Iterator[None]:
    """Keep the kernel from giving the numbers of namespaces to new ones, as it does soon after their end; so that
    ``processes_in`` can say afterwards that nobody is in them."""
    with contextlib.ExitStack() as stack:
        for process in Path("/proc").glob("[0-9]*"):
            for entry, target in _links(process / "ns"):
                if target in namespaces:
                    stack.callback(os.close, os.open(entry, os.O_RDONLY))
        yield


@contextlib.contextmanager
def no_leaks(what: str) -> Iterator[None]:
    """Raise ``InternalError`` (NLM-X018) when more is held in the end than at the start."""
    before = held()
    yield
    if found := leaks(before, held()):
        raise InternalError("NLM-X018", f"{what} left something behind", why=", ".join(found))


def _links(folder: Path) -> Iterable[tuple[Path, str]]:
    """The links in a folder of /proc; what goes while it is read, or may not be read, is left out."""
    with contextlib.suppress(OSError):
        for entry in list(folder.iterdir()):
            with contextlib.suppress(OSError):
                yield entry, str(entry.readlink())


def _children(task: Path) -> list[str]:
    try:
        return (task / "children").read_text(encoding="ascii").split()
    except OSError:
        return []


def _is_anonymous(target: str) -> bool:
    return target.startswith(("socket:", "pipe:", "anon_inode:"))
