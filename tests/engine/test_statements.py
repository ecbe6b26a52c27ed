"""Any two implementations that state what they provide: what is right is not accused, and what is wrong is found.

Each is libnl that gives no more than a statement says, so that all that they give is right.

Not here: statements and pairs by themselves (``tests/compare/test_statement.py``, ``test_pair.py``).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET, structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.capture import open_capture
from nlmon.compare.contract import PARTS, kind_name, load_contract
from nlmon.compare.known import KnownDifferences
from nlmon.compare.statement import Statement, statement_of
from nlmon.engine.run import replay_capture
from nlmon.events import Decoded, Event
from nlmon.report.model import CaptureReport
from nlmon.uapi import NLMSG_HDRLEN
from nlmon.wire import Datagram
from support.paths import CAPTURES
from support.sampled import one_in

LIBNL = statement_of("libnl")
BARE = Statement("bare", dict.fromkeys(LIBNL.fields, frozenset()), LIBNL.events)
RARE = CAPTURES / "by-hand" / "01-rare-values.pcap"
MALFORMED = CAPTURES / "by-hand" / "02-malformed-attributes.pcap"
NEWEST = sorted((CAPTURES / "linux-6.18").glob("*.pcapng.zst"))


def masked(payload: Any, kind: str, family: int | None, says: Statement) -> Any:
    """A payload, or a part of one, with what a statement lists."""
    lacking = {field: UNSET for field in payload.__struct_fields__ if not says.provides(kind, field, family)}
    made = structs.replace(payload, **lacking)
    if kind == "route" and isinstance(made.multipath, tuple):
        return structs.replace(made, multipath=tuple(masked(hop, "hop", None, says) for hop in made.multipath))
    for part in ("nl80211", "qca_vendor") if kind == "generic" else ():
        if getattr(made, part) and part in says.fields:
            made = structs.replace(made, **{part: masked(getattr(made, part), part, None, says)})
    return made


# Kinds by the end of the names of their messages.
MESSAGES = {"LINK": "link", "ADDR": "addr", "EIGH": "neigh", "RULE": "rule", "MILY": "diag", "_NEW": "conntrack"}


@dataclass
class Changes:
    """Fields, by kind, that get another value wherever they have one; those that had one, and those that were found."""

    fields: set[tuple[str, str]] = field(default_factory=set)
    made: set[tuple[str, str]] = field(default_factory=set)
    found: set[tuple[str, str]] = field(default_factory=set)

    def apply(self, event: Event, kind: str) -> Event:
        """An event with other values."""
        values = {name: getattr(event.payload, name) for place, name in self.fields if place == kind}
        given = {name: value + type(value)(1) for name, value in values.items() if value not in {None, UNSET}}
        self.made |= {(kind, name) for name in given}
        return structs.replace(event, payload=structs.replace(event.payload, **given))


def stating(says: Statement, changes: Changes | None = None) -> type[LibnlBackend]:
    """libnl that gives what a statement lists; ``changes``: what is wrong in it."""

    class Stating(LibnlBackend):
        name = says.name
        statement = says

        def decode(self, datagram: Datagram) -> Decoded:
            found = super().decode(datagram)
            events = list(found.events)
            found.events.clear()
            for event in events:
                kind, at = kind_name(event.payload), event.offset + NLMSG_HDRLEN
                if kind in says.events:
                    found.events.append((changes or Changes()).apply(reduced(event, kind, says), kind))
                else:
                    found.unknown.append((event.msg_type, datagram.data[at] if at < len(datagram.data) else -1))
            return found

    return Stating


def reduced(event: Event, kind: str, says: Statement) -> Event:
    """An event with what a statement lists."""
    payload = masked(event.payload, kind, getattr(event.payload, "family", None), says)
    return structs.replace(event, payload=payload, interface=event.interface if kind in says.interfaces else UNSET)


def compared(path: Path, one: type[LibnlBackend], other: type[LibnlBackend]) -> tuple[CaptureReport, ...]:
    """The reports of both directions, over every message of a recording."""
    with open_capture(path) as reader:
        both = KnownDifferences(), KnownDifferences()
        return replay_capture(reader, path.name, one, other, select="all", known=both)


def wrong(reports: tuple[CaptureReport, ...]) -> dict[tuple[str, str], str]:
    """What is a regression, by class and field, with the first place of it."""
    return {(group.cls, group.field): str(group.first) for report in reports for group in report.groups}


@pytest.mark.parametrize("path", [RARE, MALFORMED, *NEWEST], ids=lambda path: path.name)
def test_nothing_that_is_right_is_accused(path: Path) -> None:
    """Beside an implementation that provides no field at all each value of libnl is held against the bytes, in both
    directions, those that our two implementations share, too."""
    assert wrong(compared(path, stating(BARE), stating(LIBNL))) == {}


def some(chosen: random.Random, name: str) -> Statement:
    """Any part of what libnl provides: kinds, fields, names of interfaces, families."""
    share = chosen.choice([0.3, 0.8, 0.95, 1.0])
    fields = {
        kind: frozenset(one for one in sorted(names) if one == "family" or chosen.random() < share)
        for kind, names in LIBNL.fields.items()
        if chosen.random() < 0.9
    }
    events = frozenset(fields) - PARTS.keys()
    limited = [f"{kind}.{one}" for kind in ("addr", "neigh", "route") for one in sorted(fields.get(kind, ()))]
    families = {
        place: frozenset({2, *chosen.sample([7, 10, 28], chosen.randrange(3))})
        for place in limited
        if not place.endswith(".family") and chosen.random() < 0.2
    }
    named = frozenset(kind for kind in sorted(events) if chosen.random() < share)
    return Statement(name, fields, events, named, families)


@pytest.mark.parametrize("seed", one_in(3, range(6)))
def test_any_two_statements(seed: int) -> None:
    """Whatever two of them state, what both give is the same, and what one gives is what the message carries."""
    chosen = random.Random(seed)
    one, other = stating(some(chosen, "one")), stating(some(chosen, "other"))

    assert [wrong(compared(path, one, other)) for path in (RARE, NEWEST[0])] == [{}, {}]


@pytest.mark.slow
def test_a_wrong_value_of_one_alone_is_found() -> None:
    """Of every field that our two implementations share and whose attribute is read as a value: if the other one does
    not provide it, the bytes contradict a wrong value."""
    legacy, kinds = statement_of("legacy"), load_contract().kinds
    fields = {
        (kind, field.name)
        for kind in MESSAGES.values()
        for field in kinds[kind].fields
        if field.encoding and legacy.provides(kind, field.name)
    }
    changes = Changes(fields)
    for path in (RARE, *NEWEST):
        (report, _) = compared(path, stating(BARE), stating(LIBNL, changes))
        changes.found |= {
            (MESSAGES[group.message[-4:]], group.field)
            for group in report.groups
            if group.cls == "contradicted" and group.message[-4:] in MESSAGES
        }

    assert len(changes.made) > 40
    assert changes.made - changes.found == set()
