"""Mistakes with what was decoded: events and fields that are lost, invented, repeated or wrong.

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


def _bad(*, name: str, description: str, recording: str, make: Make, found_as: Class) -> BadImplementation:
    return BadImplementation(
        name=name, description=description, recording=recording, make=make, found_as=frozenset({found_as})
    )


EVENTS = (
    # -- events ----------------------------------------------------------------------------------------------------
    _bad(
        name="no payload",
        description="Events carry nothing.",
        recording=BASIC,
        make=changing(lambda e: structs.replace(e, payload=None)),
        found_as=Class.CONFLICT,
    ),
    _bad(
        name="no event",
        description="What it delivers is no event.",
        recording=BASIC,
        make=changing(lambda _: ["nothing"]),
        found_as=Class.CRASH,
    ),
    _bad(
        name="no place",
        description="Events have no offset.",
        recording=BASIC,
        make=changing(lambda e: structs.replace(e, offset=None)),
        found_as=Class.CRASH,
    ),
    _bad(
        name="no RTM_DELADDR",
        description="Addresses that go are not reported.",
        recording=TOPOLOGY,
        make=_without(21),
        found_as=Class.MISSING,
    ),
    _bad(
        name="no RTM_DELLINK",
        description="Links that go are not reported.",
        recording=TOPOLOGY,
        make=_without(17),
        found_as=Class.MISSING,
    ),
    _bad(
        name="no IPsec events",
        description="IPsec messages give no event.",
        recording=XFRM,
        make=_without(),
        found_as=Class.MISSING,
    ),
    _bad(
        name="no audit events",
        description="Audit records give no event.",
        recording=AUDIT,
        make=_without(),
        found_as=Class.MISSING,
    ),
    _bad(
        name="last message lost",
        description="The last message of a datagram gives no event.",
        recording=TOPOLOGY,
        make=decoding(lambda _, d: structs.replace(d, events=d.events[:-1])),
        found_as=Class.MISSING,
    ),
    _bad(
        name="twice",
        description="Every event is delivered twice.",
        recording=TOPOLOGY,
        make=changing(lambda e: [e, e]),
        found_as=Class.DUPLICATE,
    ),
    _bad(
        name="twice, alone",
        description="Every event of libnl alone is delivered twice.",
        recording=XFRM,
        make=changing(lambda e: [e, e]),
        found_as=Class.DUPLICATE,
    ),
    _bad(
        name="invented",
        description="Beside every event there is one where no message begins.",
        recording=TOPOLOGY,
        make=changing(lambda e: [e, _made_up(e, False)]),
        found_as=Class.EXTRA,
    ),
    _bad(
        name="invented recovery",
        description="Beside every event there is one that is said to come from a resync.",
        recording=TOPOLOGY,
        make=changing(lambda e: [e, _made_up(e, True)]),
        found_as=Class.EXTRA,
    ),
    _bad(
        name="invented, of libnl only",
        description="Beside every event there is one of a kind that libnl alone provides.",
        recording=BASIC,
        make=changing(lambda e: [e, structs.replace(e, payload=TcInfo(0, 1, 2, 3, 4))]),
        found_as=Class.EXTRA,
    ),
    _bad(
        name="all synthetic",
        description="Every event is said to come from a resync.",
        recording=TOPOLOGY,
        make=changing(lambda e: structs.replace(e, synthetic=True)),
        found_as=Class.MISSING,
    ),
    _bad(
        name="N14: whole seconds",
        description="Time stamps have whole seconds.",
        recording=TOPOLOGY,
        make=changing(lambda e: structs.replace(e, timestamp=e.timestamp // SECOND * SECOND)),
        found_as=Class.CONFLICT,
    ),
    _bad(
        name="another frame",
        description="Events name the frame after theirs.",
        recording=TOPOLOGY,
        make=changing(lambda e: structs.replace(e, frame=e.frame + 1)),
        found_as=Class.CONFLICT,
    ),
    _bad(
        name="another namespace",
        description="Events name a namespace that they are not of.",
        recording=TOPOLOGY,
        make=changing(lambda e: structs.replace(e, nsid=7)),
        found_as=Class.CONFLICT,
    ),
    _bad(
        name="no interface of a socket",
        description="Events of sockets name no interface.",
        recording=SOCKETS,
        make=changing(lambda e: structs.replace(e, interface=UNSET)),
        found_as=Class.LOSS,
    ),
    _bad(
        name="no interface of IPsec",
        description="Events of IPsec name no interface.",
        recording=XFRM,
        make=changing(lambda e: structs.replace(e, interface=UNSET)),
        found_as=Class.LOSS,
    ),
    # -- fields that both provide ----------------------------------------------------------------------------------
    _bad(
        name="MTU in the other byte order",
        description="The MTU of a link is read in the wrong byte order.",
        recording=TOPOLOGY,
        make=with_fields(LinkInfo, mtu=lambda link: _swapped(link.mtu)),
        found_as=Class.CONFLICT,
    ),
    _bad(
        name="family of a link",
        description="A bridge's port looks like a link.",
        recording=TOPOLOGY,
        make=with_fields(LinkInfo, family=0),
        found_as=Class.CONFLICT,
    ),
    _bad(
        name="peer for own address",
        description="The own address is the peer's.",
        recording=BASIC,
        make=with_fields(AddrInfo, addr=lambda a: a.peer or a.addr),
        found_as=Class.CONFLICT,
    ),
    _bad(
        name="table of the header",
        description="The table of a route is the header's, which has eight bits.",
        recording=TOPOLOGY,
        make=with_fields(RouteInfo, table=lambda r: min(r.table, 252)),
        found_as=Class.CONFLICT,
    ),
    _bad(
        name="no multipath",
        description="Routes have no hops.",
        recording=TOPOLOGY,
        make=with_fields(RouteInfo, multipath=None),
        found_as=Class.LOSS,
    ),
    _bad(
        name="promised field",
        description="A field that it must provide is not provided.",
        recording=TOPOLOGY,
        make=with_fields(RouteInfo, prefsrc=UNSET),
        found_as=Class.LOSS,
    ),
    # -- fields that libnl alone provides --------------------------------------------------------------------------
    _bad(
        name="kind of a link",
        description="Every link is a bridge.",
        recording=TOPOLOGY,
        make=with_fields(LinkInfo, kind="bridge"),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="master of a link",
        description="No link has a master.",
        recording=TOPOLOGY,
        make=with_fields(LinkInfo, master=None),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="type of a link",
        description="Every link is a loopback.",
        recording=TOPOLOGY,
        make=with_fields(LinkInfo, type=772),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="no reply",
        description="Flows have no reply.",
        recording=FLOWS,
        make=with_fields(ConntrackInfo, reply=None),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="no status",
        description="Flows have no status.",
        recording=FLOWS,
        make=with_fields(ConntrackInfo, status=0),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="timeout in the other byte order",
        description="The timeout of a flow is read in the wrong byte order.",
        recording=FLOWS,
        make=with_fields(ConntrackInfo, timeout=lambda flow: _swapped(flow.timeout)),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="zone",
        description="Flows have a zone that nobody sent.",
        recording=FLOWS,
        make=with_fields(ConntrackInfo, zone=99),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="queues swapped",
        description="The queues of a socket are each other's.",
        recording=SOCKETS,
        make=with_fields(DiagInfo, rqueue=lambda s: s.wqueue, wqueue=lambda s: s.rqueue),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="no path",
        description="Unix sockets have no path.",
        recording=SOCKETS,
        make=with_fields(DiagInfo, path=None),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="raw attributes cut",
        description="Of the raw attributes of a generic message there is the first alone.",
        recording=GENERIC,
        make=with_fields(GenericInfo, attributes=lambda g: g.attributes[:1]),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="name of a family",
        description="A generic family has another name.",
        recording=GENERIC,
        make=with_fields(GenericInfo, genl_family_name="nonsense"),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="no nl80211",
        description="Wireless messages are not read.",
        recording=NL80211,
        make=with_fields(GenericInfo, nl80211=None),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="interface of nl80211",
        description="Wireless messages are of another interface.",
        recording=NL80211,
        make=with_fields(GenericInfo, nl80211=lambda g: g.nl80211 and structs.replace(g.nl80211, ifindex=7)),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="command of nl80211",
        description="Wireless messages are of another command.",
        recording=NL80211,
        make=with_fields(GenericInfo, nl80211=lambda g: g.nl80211 and structs.replace(g.nl80211, cmd=1)),
        found_as=Class.CONTRADICTED,
    ),
    _bad(
        name="SPI of 0",
        description="States have the SPI 0.",
        recording=XFRM,
        make=with_fields(XfrmStateInfo, spi=0),
        found_as=Class.CONTRADICTED,
    ),
)
