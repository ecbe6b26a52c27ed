"""Whether a capture is of one host, as far as the sections of a pcapng file say.

Not here: what a section says (``pcapng``).
"""

from __future__ import annotations

from collections.abc import Mapping

from nlmon.capture.reader import FileFacts

__all__ = ["note_hosts"]

MERGER = "mergecap"
MERGED = "mergecap wrote the file: if it holds recordings of several hosts, they are compared as one host [NLM-C013]"
SEVERAL_HOSTS = "its sections are of several hosts or network namespaces, and are compared as one host [NLM-C013]"
# What tells hosts and namespaces apart, where two sections say it.
_HOST = ("kernel", "arch", "netns")


def note_hosts(first: Mapping[str, str], found: Mapping[str, str], facts: FileFacts) -> None:
    """Note what may be of more than one host. ``first``: what the first section says, ``found``: another one."""
    facts.mixed_kernels = facts.mixed_kernels or first.get("kernel") != found.get("kernel")
    note = ""
    if any(key in first and key in found and first[key] != found[key] for key in _HOST):
        note = SEVERAL_HOSTS
    elif found.get("application", "").lower().startswith(MERGER):
        note = MERGED
    if note and note not in facts.notes:
        facts.notes.append(note)
