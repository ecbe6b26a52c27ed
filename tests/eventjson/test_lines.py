"""Events as lines of JSON and back, where an implementation leaves something out."""

from __future__ import annotations

import pytest
from msgspec import UNSET, UnsetType

from nlmon.eventjson.read import event_from_json
from nlmon.eventjson.write import event_to_dict, event_to_json
from nlmon.events import Event, GenericInfo


@pytest.mark.parametrize("interface", [UNSET, None, "eth0"])
def test_interface_that_is_not_provided_survives(interface: str | None | UnsetType) -> None:
    """Absent is not null: legacy names no interface of generic, diagnosis and netfilter messages."""
    event = Event(1, 16, 28, 0, 0, 0, 1, 0, interface, GenericInfo(28, 7, 1))
    assert ("interface" in event_to_dict(event)) == (interface is not UNSET)
    assert event_from_json(event_to_json(event)) == event
