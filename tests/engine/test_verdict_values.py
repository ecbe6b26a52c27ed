"""Wrong values: what libnl alone gives is held against the message, whatever the mistake.

Byte order, neighbours confused, one too many, cut, stale, lost: each is one mistake in one field, on recordings
of two kernels. Legacy says nothing of these fields, so only a third reading can contradict.

Not here: the other bad implementations (``tests/testing/test_zoo.py``).
"""

from __future__ import annotations

import pytest
from msgspec import structs

from nlmon.events import (
    Event,
    XfrmPolicyInfo,
    XfrmStateInfo,
)
from nlmon.testing.zoo.base import changing
from nlmon.testing.zoo.values import VALUES, Change, WrongValue, always, inside, more
from support.paths import NEWEST_FIRST
from support.verdicts import verdict

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kernel", NEWEST_FIRST)
@pytest.mark.parametrize("value", VALUES, ids=[value.name for value in VALUES])
def test_a_wrong_value_is_contradicted(kernel: str, value: WrongValue) -> None:
    """A mistake is a regression, and most of the events that show it are contradicted by their message."""
    changes = 0

    def apply(event: Event) -> Event:
        nonlocal changes
        made = value.apply(event)
        changes += made is not event
        return made

    report = verdict(value.recording, kernel, candidate=changing(apply))

    assert report.verdict == "regression"
    assert report.differences["contradicted"] > changes / 2 > 0


# What stands in an attribute of some messages and in the header of others: DELSA, DELPOLICY, ACQUIRE, NEWAE.
NESTED: dict[tuple[int, str], Change] = {
    (17, "saddr"): always("192.0.2.77"),
    (17, "bytes"): more,
    (17, "selector"): inside(sport="dport", proto=more),
    (17, "mark"): always((7, 7)),
    (20, "index"): always(0),
    (20, "selector"): inside(src="dst", proto=more),
    (20, "action"): lambda action: action ^ 1,
    (23, "index"): always(0),
    (23, "selector"): inside(proto=more),
    (23, "action"): lambda action: action ^ 1,
    (23, "dir"): lambda way: way ^ 1,
    (30, "bytes"): more,
    (30, "packets"): more,
}


@pytest.mark.parametrize("kernel", NEWEST_FIRST)
@pytest.mark.parametrize(("place", "how"), NESTED.items(), ids=[f"{kind} {name}" for kind, name in NESTED])
def test_a_wrong_value_of_a_nested_structure_is_contradicted(kernel: str, place: tuple[int, str], how: Change) -> None:
    """Each event that shows the mistake, by the attribute that holds the structure."""
    kind, name = place
    frames: list[int] = []

    def change(event: Event) -> Event:
        if event.msg_type != kind or not isinstance(event.payload, XfrmStateInfo | XfrmPolicyInfo):
            return event
        old = getattr(event.payload, name)
        new = how(old)
        frames.extend([event.frame] if new != old else [])
        return structs.replace(event, payload=structs.replace(event.payload, **{name: new}))

    report = verdict("06-xfrm", kernel, candidate=changing(change))

    assert frames != []
    assert report.differences["contradicted"] == len(frames)
