"""Scraped metrics of many hosts: how much each counter grew, and of how many messages.

Rules:
1. Files of a host are scrapes in the order of their names. Of several the growth from the first to the last one counts,
   of one alone all since the monitor started. A counter that is smaller than before began anew.
2. What is counted is held against the messages that were received, since scrapes do not say how long they are apart.

Not here: the format (``nlmon.exporters.scraped``), and which files there are (``files``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf

from nlmon.canary.files import HostFile
from nlmon.canary.judging import GroupFacts, Host
from nlmon.errors import InputError
from nlmon.exporters.scraped import samples_of

__all__ = ["read_scrapes"]

MESSAGES, EVENTS = "nlmon_netlink_messages_total", "nlmon_events_total"
BAD = {
    "nlmon_netlink_errors_total": "errors",
    "nlmon_netlink_dropped_total": "dropped",
    "nlmon_export_dropped_total": "export dropped",
}


def read_scrapes(files: Sequence[HostFile]) -> tuple[tuple[Host, ...], GroupFacts]:
    """The hosts of a group, and what there is of it. Raises ``InputError`` for a file that is no scrape of nlmon."""
    scrapes: dict[str, list[Counter[tuple[str, str]]]] = {}
    for one in files:
        scrapes.setdefault(one.host, []).append(_read(one))
    hosts = tuple(_host(name, _growth(found)) for name, found in scrapes.items())
    events = sum(sum(one.types.values()) for one in hosts)
    return hosts, GroupFacts(len(hosts), len(files), events, 0, sum(not one.types for one in hosts))


def _read(file: HostFile) -> Counter[tuple[str, str]]:
    """By name of the counter, and type of the message."""
    try:
        samples = samples_of(file.path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("NLM-Z006", "this is no scrape", where=str(file.path), why=str(error)) from None
    if not any(one.name == MESSAGES for one in samples):
        why = f"it has no {MESSAGES}"
        raise InputError("NLM-Z006", "this is no scrape of a monitor of nlmon", where=str(file.path), why=why)
    found: Counter[tuple[str, str]] = Counter()
    for one in samples:
        if one.name in {MESSAGES, EVENTS, *BAD}:
            if not 0 <= one.value < inf:
                why = f"{one.name} is {one.value}, and no count"
                raise InputError("NLM-Z006", "this is no scrape", where=str(file.path), why=why)
            found[one.name, one.labels.get("msg_type", "")] += int(one.value)
    return found


def _growth(scrapes: Sequence[Mapping[tuple[str, str], int]]) -> Counter[tuple[str, str]]:
    if len(scrapes) == 1:
        return Counter(scrapes[0])
    grown: Counter[tuple[str, str]] = Counter()
    for old, new in pairwise(scrapes):
        for key, value in new.items():
            before = old.get(key, 0)
            grown[key] += value - before if value >= before else value
    return grown


def _host(name: str, counts: Mapping[tuple[str, str], int]) -> Host:
    types = {kind: number for (counter, kind), number in counts.items() if counter == EVENTS and number}
    bad = {label: counts.get((counter, ""), 0) for counter, label in BAD.items()}
    return Host(name, types, bad, counts.get((MESSAGES, ""), 0))
