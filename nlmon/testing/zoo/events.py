"""Mistakes with what was decoded: events and fields that are lost, made up, repeated or wrong.

Not here: wrong values one by one (``nlmon.testing.zoo.values``), and mistakes of decoders
(``nlmon.testing.zoo.decoding``).
"""

from __future__ import annotations

from msgspec import UNSET, structs

from nlmon.compare.difference import Class
from nlmon.events import (
    AddrInfo,
    ConntrackInfo,
    DiagInfo,
    Event,
    GenericInfo,
    LinkInfo,
    RouteInfo,
    TcInfo,
    XfrmStateInfo,
)
from nlmon.testing.zoo.base import BadImplementation, Make, changing, decoding, with_fields

__all__ = ["EVENTS"]

BASIC, TOPOLOGY, FLOWS, SOCKETS = "01-route-basic", "02-route-topology", "04-conntrack", "05-sock_diag"
NL80211, GENERIC, XFRM, AUDIT = "03-nl80211", "06-generic", "06-xfrm", "09-untapped-audit-uevent-connector"
SECOND = 10**9


def _swapped(value: int | None) -> int | None:
    """A number of four bytes in the other byte order."""
    return None if value is None else int.from_bytes(value.to_bytes(4, "little"), "big")


def _without(*types: int) -> Make:
    """A libnl that gives no events of these types of messages, or of none at all."""
    return changing(lambda event: None if not types or event.msg_type in types else event)


def _made_up(event: Event, synthetic: bool) -> Event:
    """The event again, at a place where no message begins."""
    return structs.replace(event, offset=4, synthetic=synthetic)


def _bad(name: str, description: str, recording: str, make: Make, found_as: Class) -> BadImplementation:
    return BadImplementation(
        name=name, description=description, recording=recording, make=make, found_as=frozenset({found_as})
    )


EVENTS = (
    # -- events ----------------------------------------------------------------------------------------------------
    _bad(
        "no payload",
        "Events carry nothing.",
        BASIC,
        changing(lambda e: structs.replace(e, payload=None)),
        Class.CONFLICT,
    ),
    _bad("no event", "What it delivers is no event.", BASIC, changing(lambda _: ["nothing"]), Class.CRASH),
    _bad("no place", "Events have no offset.", BASIC, changing(lambda e: structs.replace(e, offset=None)), Class.CRASH),
    _bad("no RTM_DELADDR", "Addresses that go are not reported.", TOPOLOGY, _without(21), Class.MISSING),
    _bad("no RTM_DELLINK", "Links that go are not reported.", TOPOLOGY, _without(17), Class.MISSING),
    _bad("no IPsec events", "IPsec messages give no event.", XFRM, _without(), Class.MISSING),
    _bad("no audit events", "Audit records give no event.", AUDIT, _without(), Class.MISSING),
    _bad(
        *("last message lost", "The last message of a datagram gives no event.", TOPOLOGY),
        *(decoding(lambda _, d: structs.replace(d, events=d.events[:-1])), Class.MISSING),
    ),
    _bad("twice", "Every event is delivered twice.", TOPOLOGY, changing(lambda e: [e, e]), Class.DUPLICATE),
    _bad(
        "twice, alone",
        "Every event of libnl alone is delivered twice.",
        XFRM,
        changing(lambda e: [e, e]),
        Class.DUPLICATE,
    ),
    _bad(
        *("made up", "Beside every event there is one where no message begins.", TOPOLOGY),
        *(changing(lambda e: [e, _made_up(e, False)]), Class.EXTRA),
    ),
    _bad(
        *("made-up recovery", "Beside every event there is one that is said to make up for a loss.", TOPOLOGY),
        *(changing(lambda e: [e, _made_up(e, True)]), Class.EXTRA),
    ),
    _bad(
        *("made up, alone", "Beside every event there is one of a kind that libnl alone provides.", BASIC),
        *(changing(lambda e: [e, structs.replace(e, payload=TcInfo(0, 1, 2, 3, 4))]), Class.EXTRA),
    ),
    _bad(
        *("all synthetic", "Every event is said to make up for a loss.", TOPOLOGY),
        *(changing(lambda e: structs.replace(e, synthetic=True)), Class.MISSING),
    ),
    _bad(
        *("whole seconds", "Time stamps have whole seconds.", TOPOLOGY),
        *(changing(lambda e: structs.replace(e, timestamp=e.timestamp // SECOND * SECOND)), Class.CONFLICT),
    ),
    _bad(
        *("another frame", "Events name the frame after theirs.", TOPOLOGY),
        *(changing(lambda e: structs.replace(e, frame=e.frame + 1)), Class.CONFLICT),
    ),
    _bad(
        *("another namespace", "Events name a namespace that they are not of.", TOPOLOGY),
        *(changing(lambda e: structs.replace(e, nsid=7)), Class.CONFLICT),
    ),
    _bad(
        *("no interface of a socket", "Events of sockets name no interface.", SOCKETS),
        *(changing(lambda e: structs.replace(e, interface=UNSET)), Class.LOSS),
    ),
    _bad(
        *("no interface of IPsec", "Events of IPsec name no interface.", XFRM),
        *(changing(lambda e: structs.replace(e, interface=UNSET)), Class.LOSS),
    ),
    # -- fields that both provide ----------------------------------------------------------------------------------
    _bad(
        *("MTU in the other byte order", "The MTU of a link is read in the wrong byte order.", TOPOLOGY),
        *(with_fields(LinkInfo, mtu=lambda link: _swapped(link.mtu)), Class.CONFLICT),
    ),
    _bad(
        *("family of a link", "A bridge's port looks like a link.", TOPOLOGY),
        *(with_fields(LinkInfo, family=0), Class.CONFLICT),
    ),
    _bad(
        *("peer for own address", "The own address is the peer's.", BASIC),
        *(with_fields(AddrInfo, addr=lambda a: a.peer or a.addr), Class.CONFLICT),
    ),
    _bad(
        *("table of the header", "The table of a route is the header's, which has eight bits.", TOPOLOGY),
        *(with_fields(RouteInfo, table=lambda r: min(r.table, 252)), Class.CONFLICT),
    ),
    _bad("no multipath", "Routes have no hops.", TOPOLOGY, with_fields(RouteInfo, multipath=None), Class.LOSS),
    _bad(
        *("promised field", "A field that it must provide is not provided.", TOPOLOGY),
        *(with_fields(RouteInfo, prefsrc=UNSET), Class.LOSS),
    ),
    # -- fields that libnl alone provides --------------------------------------------------------------------------
    _bad(
        "kind of a link", "Every link is a bridge.", TOPOLOGY, with_fields(LinkInfo, kind="bridge"), Class.CONTRADICTED
    ),
    _bad("master of a link", "No link has a master.", TOPOLOGY, with_fields(LinkInfo, master=None), Class.CONTRADICTED),
    _bad("type of a link", "Every link is a loopback.", TOPOLOGY, with_fields(LinkInfo, type=772), Class.CONTRADICTED),
    _bad("no reply", "Flows have no reply.", FLOWS, with_fields(ConntrackInfo, reply=None), Class.CONTRADICTED),
    _bad("no status", "Flows have no status.", FLOWS, with_fields(ConntrackInfo, status=0), Class.CONTRADICTED),
    _bad(
        *("timeout in the other byte order", "The timeout of a flow is read in the wrong byte order.", FLOWS),
        *(with_fields(ConntrackInfo, timeout=lambda flow: _swapped(flow.timeout)), Class.CONTRADICTED),
    ),
    _bad("zone", "Flows have a zone that nobody sent.", FLOWS, with_fields(ConntrackInfo, zone=99), Class.CONTRADICTED),
    _bad(
        *("queues swapped", "The queues of a socket are each other's.", SOCKETS),
        *(with_fields(DiagInfo, rqueue=lambda s: s.wqueue, wqueue=lambda s: s.rqueue), Class.CONTRADICTED),
    ),
    _bad("no path", "Unix sockets have no path.", SOCKETS, with_fields(DiagInfo, path=None), Class.CONTRADICTED),
    _bad(
        *("raw attributes cut", "Of the raw attributes of a generic message there is the first alone.", GENERIC),
        *(with_fields(GenericInfo, attributes=lambda g: g.attributes[:1]), Class.CONTRADICTED),
    ),
    _bad(
        *("name of a family", "A generic family has another name.", GENERIC),
        *(with_fields(GenericInfo, genl_family_name="nonsense"), Class.CONTRADICTED),
    ),
    _bad(
        "no nl80211",
        "Wireless messages are not read.",
        NL80211,
        with_fields(GenericInfo, nl80211=None),
        Class.CONTRADICTED,
    ),
    _bad(
        *("interface of nl80211", "Wireless messages are of another interface.", NL80211),
        *(
            with_fields(GenericInfo, nl80211=lambda g: g.nl80211 and structs.replace(g.nl80211, ifindex=7)),
            Class.CONTRADICTED,
        ),
    ),
    _bad(
        *("command of nl80211", "Wireless messages are of another command.", NL80211),
        *(
            with_fields(GenericInfo, nl80211=lambda g: g.nl80211 and structs.replace(g.nl80211, cmd=1)),
            Class.CONTRADICTED,
        ),
    ),
    _bad("SPI of 0", "States have the SPI 0.", XFRM, with_fields(XfrmStateInfo, spi=0), Class.CONTRADICTED),
)
