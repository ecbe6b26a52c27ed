"""Which messages give an event: those that the contract names, and no others are lost in silence."""

from __future__ import annotations

from collections import Counter

import pytest

from nlmon.compare.contract import load_contract
from nlmon.compare.statement import statement_of
from nlmon.names import unknown_message
from peers.generic import names
from peers.recording import BACKENDS, CAPTURES, KERNELS, Message, recording
from support.sampled import one_in

ROUTE, SOCK_DIAG, NETFILTER, GENERIC = 0, 4, 12, 16
# The protocols that the migration guide lists.
GUIDE = {ROUTE, SOCK_DIAG, NETFILTER, GENERIC}
NLMSG_MIN_TYPE = 16
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
RTM_GETADDR, IFADDRMSG = 22, 8
# Every capture but the burst of 64 000 messages of the same three types, which 07b has too.
SOURCES = [
    (kernel, path.name.removesuffix(".pcap.zst"))
    for kernel in KERNELS
    for path in sorted((CAPTURES / kernel).glob("*.pcap.zst"))
    if not path.name.startswith("07-")
]


def without_event(one: Message) -> bool:
    """Messages of a type with events that have none: questions about sockets have the type of their answers, sockets
    of other families have no payload, and a request may be shorter than the fixed header."""
    if one.frame.protocol == SOCK_DIAG:
        return one.asks or one.data[16] not in {AF_UNIX, AF_INET, AF_INET6}
    return one.frame.protocol == ROUTE and one.header.type == RTM_GETADDR and one.header.length < 16 + IFADDRMSG


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("kernel", "name"), one_in(4, SOURCES))
def test_the_contract_says_which_messages_give_an_event(kernel: str, name: str, backend: str) -> None:
    """In the guide's protocols a message gives an event exactly when the contract has its type for the implementation,
    and every other is counted by the name of its type."""
    source, contract, given = recording(kernel, name), load_contract(), statement_of(backend).events
    events = source.events(backend)
    wrong: list[str] = []
    required, unknown = 0, Counter[str]()
    for one in source.messages:
        if one.frame.protocol not in GUIDE or one.header.type < NLMSG_MIN_TYPE:
            continue
        named = unknown_message(one.frame.protocol, one.header.type, one.data[16] if len(one.data) > 16 else -1)
        gives = contract.of(one.frame.protocol, one.header.type) in given and not without_event(one)
        required += gives
        if gives != (one.key in events):
            wrong.append(f"frame {one.key}: {named}")
        if not gives:
            unknown[named] += 1

    assert wrong == []
    assert unknown - source.unknown(backend) == Counter()
    assert required + unknown.total() > 0 or name.startswith(("09-", "06-xfrm"))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", ["03-nl80211", "06-generic"])
def test_every_family_has_its_name(kernel: str, name: str) -> None:
    """Every number of a family in the recording is resolved, and to the name that ``genl`` printed."""
    source = recording(kernel, name)
    listed = names(source)
    seen = {one.header.type for one in source.messages if one.frame.protocol == GENERIC and one.header.type >= 16}
    found = {
        (event.msg_type, getattr(event.payload, "genl_family_name", None))
        for event in source.events("libnl").values()
        if event.protocol == GENERIC
    }

    assert len(seen) >= 2
    assert found == {(number, listed[number]) for number in seen}
