"""Whether a filter may match events of a type of messages of which nothing else is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.filters import compile_filter
from nlmon.filters.possible import may_match
from nlmon.uapi import NETLINK_ROUTE, RTM_NEWADDR, RTM_NEWLINK
from support.exported import received

PARTS = (
    *("msg_type == RTM_NEWLINK", "message_type != RTM_NEWLINK", "msg_type IN [RTM_NEWADDR, RTM_NEWROUTE]"),
    *("protocol == NETLINK_ROUTE", "protocol != NETLINK_ROUTE", 'interface == "eth0"', "netlink.link.mtu > 1400"),
)


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("msg_type == RTM_NEWLINK", (True, False)),
        ("NOT msg_type == RTM_NEWLINK", (False, True)),
        ('interface == "eth0"', (True, True)),
        ('msg_type == RTM_NEWLINK AND interface == "eth0"', (True, False)),
        ('NOT (msg_type == RTM_NEWLINK OR interface == "eth0")', (False, True)),
        ('msg_type == RTM_NEWLINK OR interface == "eth0"', (True, True)),
        ("protocol == NETLINK_GENERIC AND netlink.link.mtu > 0", (False, False)),
    ],
)
def test_a_filter_may_match(text: str, possible: tuple[bool, bool]) -> None:
    """Links, and addresses."""
    found = compile_filter(text)

    assert tuple(may_match(found, NETLINK_ROUTE, one) for one in (RTM_NEWLINK, RTM_NEWADDR)) == possible


EVENTS = received()
TREES = st.recursive(
    st.sampled_from(PARTS),
    lambda inner: st.one_of(
        inner.map("NOT ({})".format),
        st.tuples(inner, st.sampled_from(("AND", "OR")), inner).map(lambda part: "({}) {} ({})".format(*part)),
    ),
    max_leaves=6,
)


@given(TREES)
def test_what_matches_may(text: str) -> None:
    """A filter that matches an event may match one of its type."""
    found = compile_filter(text)
    matched = {(event.protocol, event.msg_type) for event, _ in EVENTS if found.matches(event)}

    assert [one for one in matched if not may_match(found, *one)] == []
