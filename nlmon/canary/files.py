"""The files of two groups of hosts: which there are, and of which host each one is.

Rules:
1. A host is named by its file, without the endings of logs and of files that follow one another
   (``web1.json``, ``web1.json.0.gz``), or by its folder.
2. A file or a host in both groups is a mistake, as is a pattern that finds nothing.

Not here: what is in the files (``logs``, ``scrapes``).
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from nlmon.errors import InputError, UsageError

__all__ = ["SCRAPED", "HostBy", "HostFile", "files_of"]

HostBy: TypeAlias = Literal["file", "folder"]
# What a file with scraped metrics ends with.
SCRAPED = ".prom"
_ENDINGS = re.compile(r"(?:\.(?:json|jsonl|ndjson|log|prom|gz|zst|[0-9]+))+$")


class HostFile(NamedTuple):
    """A file of a host."""

    path: Path
    host: str


def files_of(
    control: Iterable[str], canary: Iterable[str], by: HostBy
) -> tuple[tuple[HostFile, ...], tuple[HostFile, ...]]:
    """The files that the patterns of each group find, in their order by name. Raises ``InputError`` and
    ``UsageError``."""
    before, after = (_found(patterns, by) for patterns in (control, canary))
    both = {one.host for one in before} & {one.host for one in after}
    if both:
        raise UsageError(
            "NLM-Z003",
            "hosts are in both groups",
            where=", ".join(sorted(both)[:5]),
            why=f"a host is named by its {by}",
            hint="give other patterns, or --host folder" if by == "file" else "give other patterns, or --host file",
        )
    if len({one.path.name.endswith(SCRAPED) for one in (*before, *after)}) > 1:
        raise UsageError(
            "NLM-Z004",
            "event logs and scraped metrics cannot be compared with each other",
            hint=f"name files that all end in {SCRAPED}, or none",
        )
    return before, after


def _found(patterns: Iterable[str], by: HostBy) -> tuple[HostFile, ...]:
    paths: set[Path] = set()
    for pattern in patterns:
        # A file may be called as a pattern is; patterns may be absolute.
        names = [pattern] if os.path.lexists(pattern) else glob.glob(pattern, recursive=True)  # noqa: PTH207
        files = {path for path in map(Path, names) if path.is_file()}
        if not files:
            raise InputError("NLM-Z002", "no file is named so", where=pattern, hint="look where the logs are")
        paths |= files
    return tuple(HostFile(path, _host(path, by)) for path in sorted(paths))


def _host(path: Path, by: HostBy) -> str:
    return path.absolute().parent.name if by == "folder" else _ENDINGS.sub("", path.name)
