"""Compares the JSON reports of two checkouts, byte for byte, over recordings and options.

    python tools/compare_reports.py OLD NEW [CAPTURE…]

OLD and NEW are folders with a ``.venv`` each (``tools/bootstrap --dev``); without captures, those in NEW's
``fixtures/captures`` are replayed. What was renamed between the two is in ``RENAMED``. Exit code: 0 all reports are
equal, 1 one is not; the first differing lines are printed.

Not here: judging a difference. Two versions that agree may both be wrong.
"""

from __future__ import annotations

import difflib
import re
import subprocess
import sys
from pathlib import Path

RENAMED: dict[str, str] = {}
"""Regular expressions over a line of an old report -> what the new one has instead."""

ROUTE_FAULTS = ("--fault", "overrun@40+3", "--fault", "overrun@400+20")
OPTIONS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "all messages": ("--select", "all"),
    "rollback": ("--backend", "legacy", "--against", "libnl"),
    "rollback, all messages": ("--backend", "legacy", "--against", "libnl", "--select", "all"),
    "libnl twice": ("--against", "libnl"),
    "legacy twice": ("--backend", "legacy"),
    "no layouts": ("--layouts", "0"),
    "strict": ("--strict",),
    "link cache": ("--cache", "link"),
    "all caches": ("--cache", "link", "--cache", "addr", "--cache", "route"),
    "losses": ROUTE_FAULTS,
    "losses, recovery": (*ROUTE_FAULTS, "--recover"),
    "losses, recovery, caches, rollback": (
        *(*ROUTE_FAULTS, "--recover", "--cache", "link", "--backend", "legacy", "--against", "libnl"),
    ),
    "recovery": ("--recover",),
    "one protocol": ("--protocol", "route"),
    "three protocols": ("--protocol", "generic", "--protocol", "netfilter", "--protocol", "xfrm"),
    "one family": ("--family", "nl80211"),
    "groups": ("--group", "tc", "--group", "nexthop", "--group", "mdb", "--group", "nsid"),
    "stream": ("--format", "jsonl"),
    "stream, all messages": ("--format", "jsonl", "--select", "all"),
}


def report(checkout: Path, options: tuple[str, ...], captures: list[Path]) -> list[str]:
    """The lines of a report, and of what was said on stderr, with the exit code."""
    form = () if "--format" in options else ("--format", "json")
    python = checkout / ".venv/bin/python"
    command = [str(python), "-m", "nlmon", "replay", *form, *options, *map(str, captures)]
    ran = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    return [*ran.stdout.splitlines(), *ran.stderr.splitlines(), f"exit code {ran.returncode}"]


def renamed(line: str) -> str:
    """A line of the old report in the words of the new one."""
    for old, new in RENAMED.items():
        line = re.sub(old, new, line)
    return line


def main(old: Path, new: Path, captures: list[Path]) -> int:
    """Compare; see the module."""
    captures = captures or sorted((new / "fixtures/captures").glob("*/*.pcap.zst"))
    differ = 0
    for name, options in OPTIONS.items():
        before = [renamed(line) for line in report(old, options, captures)]
        after = report(new, options, captures)
        equal = before == after
        differ += not equal
        sys.stdout.write(f"{'equal  ' if equal else 'DIFFERS'}  {name}: {len(after):,} lines\n")
        if not equal:
            sys.stdout.writelines(f"    {line[:300]}\n" for line in list(difflib.unified_diff(before, after, n=1))[:40])
        sys.stdout.flush()
    sys.stdout.write(f"{len(OPTIONS)} sets of options, {len(captures)} captures: {differ} differ\n")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), [Path(p).resolve() for p in sys.argv[3:]]))
