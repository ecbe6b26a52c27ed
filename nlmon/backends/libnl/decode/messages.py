"""The messages of a datagram: which decoder reads which, and what is wrong with the rest.

Rules of this file:
1. Nothing raises for any bytes. What cannot be read is an error value with frame, offset and attribute path,
   and everything around it is still delivered.
2. Control messages never end a datagram.

Not here: how attributes are read (``route``, ``generic``, ``sockets``, ``netfilter``, ``xfrm``, ``network``).
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

from nlmon.backends.libnl import uapi
from nlmon.backends.libnl.decode import xfrm
from nlmon.backends.libnl.decode.attributes import Decoder, Found
from nlmon.backends.libnl.decode.audit import AuditDecoder
from nlmon.backends.libnl.decode.control import control_error
from nlmon.backends.libnl.decode.families import Families
from nlmon.backends.libnl.decode.generic import GenericDecoder
from nlmon.backends.libnl.decode.netfilter import NetfilterDecoder
from nlmon.backends.libnl.decode.network import NetworkDecoder
from nlmon.backends.libnl.decode.route import RouteDecoder
from nlmon.backends.libnl.decode.sockets import SocketDecoder
from nlmon.backends.libnl.decode.xfrm import XfrmDecoder
from nlmon.backends.libnl.layouts.cache import InlineCache, LayoutStore
from nlmon.backends.libnl.layouts.messages import MessageLayouts
from nlmon.backends.libnl.policies.readers import DecodeContext
from nlmon.backends.libnl.uapi import (
    NETLINK_AUDIT,
    NETLINK_GENERIC,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_XFRM,
    NLMSG_HDRLEN,
    NLMSG_MIN_TYPE,
)
from nlmon.backends.reads import Reads
from nlmon.errors import DecodeError, FramingError, HeaderError, InternalError, MessageTooLarge
from nlmon.events import Decoded, Event
from nlmon.wire import Datagram, Datagrams

__all__ = ["MessageDecoder"]

ANY = -1
NO_CACHES: Mapping[bytes, InlineCache] = MappingProxyType({})

# Protocols, of all classes, whose decoders are kept to say what they read.
DECLARING = 32

Handler: TypeAlias = Callable[[DecodeContext, int, int], Found]


@functools.lru_cache(DECLARING)
def _declaring(kinds: tuple[type[Decoder], ...]) -> tuple[Decoder, ...]:
    """Decoders that are asked what they read, which is the same in either byte order."""
    return tuple([kind("little") for kind in kinds])


class MessageDecoder:
    """Decodes datagrams of every protocol. ``max_message_size`` in bytes, None: no limit.

    The seam for deviations: a subclass replaces a class of ``decoders``, or an entry of ``handlers``, which may also
    name a method of the subclass itself. A class whose messages may be read as a whole by layouts declares it
    (``class Mine(LibnlBackend, layouts=True)``), and no subclass inherits that: a step that it replaces would be passed
    by."""

    uses_layouts: ClassVar[bool] = False

    def __init_subclass__(cls, *, layouts: bool = False, **others: Any) -> None:
        super().__init_subclass__(**others)
        cls.uses_layouts = layouts

    # Protocol -> classes whose methods ``handlers`` names.
    decoders: ClassVar[Mapping[int, tuple[type[Decoder], ...]]] = MappingProxyType(
        {
            NETLINK_ROUTE: (RouteDecoder, NetworkDecoder),
            NETLINK_SOCK_DIAG: (SocketDecoder,),
            NETLINK_XFRM: (XfrmDecoder,),
            NETLINK_AUDIT: (AuditDecoder,),
            NETLINK_NETFILTER: (NetfilterDecoder,),
            NETLINK_GENERIC: (GenericDecoder,),
        }
    )
    # Protocol -> message type (ANY: all others) -> method, of this class or else of a decoder of the protocol, and the
    # size of the fixed header in bytes.
    handlers: ClassVar[Mapping[int, Mapping[int, tuple[str, int]]]] = MappingProxyType(
        {
            NETLINK_ROUTE: {
                **dict.fromkeys(range(uapi.RTM_NEWLINK, uapi.RTM_SETLINK + 1), ("link", uapi.IFINFOMSG)),
                **dict.fromkeys(range(uapi.RTM_NEWADDR, uapi.RTM_GETADDR + 1), ("addr", uapi.IFADDRMSG)),
                **dict.fromkeys(range(uapi.RTM_NEWROUTE, uapi.RTM_GETROUTE + 1), ("route", uapi.RTMSG)),
                **dict.fromkeys(range(uapi.RTM_NEWNEIGH, uapi.RTM_GETNEIGH + 1), ("neigh", uapi.NDMSG)),
                **dict.fromkeys(range(uapi.RTM_NEWRULE, uapi.RTM_GETRULE + 1), ("rule", uapi.FIB_RULE_HDR)),
                **dict.fromkeys(
                    (
                        *(uapi.RTM_NEWQDISC, uapi.RTM_DELQDISC, uapi.RTM_NEWTCLASS, uapi.RTM_DELTCLASS),
                        *(uapi.RTM_NEWTFILTER, uapi.RTM_DELTFILTER, uapi.RTM_NEWCHAIN, uapi.RTM_DELCHAIN),
                    ),
                    ("tc", uapi.TCMSG),
                ),
                uapi.RTM_NEWPREFIX: ("prefix", uapi.PREFIXMSG),
                **dict.fromkeys((uapi.RTM_NEWNETCONF, uapi.RTM_DELNETCONF), ("netconf", uapi.NETCONFMSG)),
                **dict.fromkeys((uapi.RTM_NEWMDB, uapi.RTM_DELMDB, uapi.RTM_GETMDB), ("mdb", uapi.BR_PORT_MSG)),
                **dict.fromkeys((uapi.RTM_NEWNSID, uapi.RTM_DELNSID), ("nsid", uapi.RTGENMSG)),
                uapi.RTM_NEWSTATS: ("stats", uapi.IF_STATS_MSG),
                **dict.fromkeys((uapi.RTM_NEWNEXTHOP, uapi.RTM_DELNEXTHOP), ("nexthop", uapi.NHMSG)),
            },
            NETLINK_SOCK_DIAG: {uapi.SOCK_DIAG_BY_FAMILY: ("socket", 4)},
            NETLINK_XFRM: {
                **dict.fromkeys((uapi.XFRM_MSG_NEWSA, uapi.XFRM_MSG_UPDSA), ("state", xfrm.USERSA_INFO)),
                uapi.XFRM_MSG_DELSA: ("delete_state", xfrm.USERSA_ID),
                **dict.fromkeys((uapi.XFRM_MSG_NEWPOLICY, uapi.XFRM_MSG_UPDPOLICY), ("policy", xfrm.POLICY_INFO)),
                uapi.XFRM_MSG_DELPOLICY: ("delete_policy", xfrm.POLICY_ID),
                uapi.XFRM_MSG_ACQUIRE: ("acquire", xfrm.ACQUIRE),
                uapi.XFRM_MSG_EXPIRE: ("expire", xfrm.EXPIRE),
                uapi.XFRM_MSG_POLEXPIRE: ("policy_expire", xfrm.POLEXPIRE),
                uapi.XFRM_MSG_FLUSHSA: ("flush_state", 1),
                uapi.XFRM_MSG_FLUSHPOLICY: ("flush_policy", 0),
                uapi.XFRM_MSG_NEWAE: ("aevent", xfrm.AEVENT_ID),
            },
            NETLINK_AUDIT: {ANY: ("record", 0)},
            NETLINK_NETFILTER: {
                **dict.fromkeys((uapi.CT_NEW, uapi.CT_DELETE), ("conntrack", uapi.NFGENMSG)),
                **dict.fromkeys((uapi.EXP_NEW, uapi.EXP_DELETE), ("expect", uapi.NFGENMSG)),
            },
            NETLINK_GENERIC: {ANY: ("message", uapi.GENL_HDRLEN)},
        }
    )

    @classmethod
    def reads(cls, protocol: int, msg_type: int, first: int, family: str = "") -> Reads | None:
        """What the handler of a message reads; see ``Declares.reads``. One that a subclass has replaced by a method of
        its own is taken to read what it replaces."""
        handlers = cls.handlers.get(protocol, {})
        found = handlers.get(msg_type) or handlers.get(ANY)
        if found is None or msg_type < NLMSG_MIN_TYPE:
            return None
        name, size = found
        made = _declaring(cls.decoders.get(protocol, ()))
        return next((one.reads(name, size, first, family) for one in made if callable(getattr(one, name, None))), None)

    def prepare(self, byteorder: str, max_message_size: int | None, layouts: int = 0) -> None:
        """Make the decoders for a byte order; ``layouts``: so many keys of layouts are kept, 0: none are made."""
        sign = "<" if byteorder == "little" else ">"
        self._order = byteorder
        self._header = struct.Struct(sign + "IHHII").unpack_from
        self.max_message_size = max_message_size
        self.families = Families(byteorder)
        made = {protocol: tuple(one(byteorder) for one in classes) for protocol, classes in self.decoders.items()}
        for decoder in made.get(NETLINK_GENERIC, ()):
            if isinstance(decoder, GenericDecoder):
                decoder.families = self.families
        places = {protocol: (self, *made.get(protocol, ())) for protocol in self.handlers}
        self._handlers: dict[int, dict[int, tuple[Handler, int]]] = {
            protocol: {
                kind: (getattr(_place_of(name, protocol, places[protocol]), name), size)
                for kind, (name, size) in kinds.items()
            }
            for protocol, kinds in self.handlers.items()
        }
        self.layouts = LayoutStore(layouts) if layouts else None
        # Layouts of whole messages by protocol, their caches, and what names interfaces.
        self._whole: dict[int, MessageLayouts] = {}
        self._caches: dict[int, Mapping[bytes, InlineCache]] = {}
        self._names: dict[int, Callable[[int], str | None]] = {}
        if self.layouts is not None:
            for protocol, decoders in made.items():
                for decoder in decoders:
                    decoder.use_layouts(self.layouts, protocol)
                    if self.uses_layouts and decoder.uses_layouts and decoder.recipes:
                        self._read_whole(self.layouts, protocol, decoder, places[protocol])

    def _read_whole(self, store: LayoutStore, protocol: int, decoder: Decoder, places: tuple[object, ...]) -> None:
        """Read messages of a decoder as a whole: those whose handlers are its methods."""
        handlers = {
            kind: name
            for kind, (name, _) in self.handlers[protocol].items()
            if _place_of(name, protocol, places) is decoder
        }
        whole = self._whole[protocol] = MessageLayouts(store, protocol, decoder, handlers)
        self._caches[protocol] = whole.caches
        self._names[protocol] = functools.partial(self.link_name, protocol)

    def link_name(self, protocol: int, ifindex: int) -> str | None:
        """Name of an interface; None here, where only bytes are known."""
        return None

    def decode(self, datagram: Datagram) -> Decoded:
        """Every message of a datagram; nothing is raised for any bytes."""
        data = datagram.data
        cache = self._caches.get(datagram.protocol, NO_CACHES).get(data[:8])
        # One message, as notifications are.
        if cache is not None and cache.length == len(data) and datagram.nsid is None and not datagram.truncated:
            errors: list[DecodeError] = []
            head = datagram.timestamp, datagram.frame, datagram.request, errors, self._names[datagram.protocol]
            event = cache.primary(data, data, 0, *head) or cache.fallback(data, data, 0, *head)
            if event is not None:
                cache.hits += 1
                return Decoded([event], errors)
            return self._walk(datagram, tried=True)
        return self._walk(datagram)

    def decode_all(self, datagrams: Datagrams) -> Decoded:
        """Every message of many datagrams."""
        protocol, lost, request = datagrams.protocol, datagrams.truncated, datagrams.request
        found = Decoded([], [])
        events, errors = found.events, found.errors
        cache_of = self._caches.get(protocol, NO_CACHES).get
        # Meanwhile no interface changes its name, so each is asked for once.
        name_of = functools.lru_cache(None)(functools.partial(self.link_name, protocol))
        columns = zip(datagrams.frames, datagrams.timestamps, datagrams.data, strict=True)
        for frame, timestamp, data in columns:
            cache = cache_of(data[:8])
            if cache is not None and cache.length == len(data) and not lost:
                event = cache.primary(data, data, 0, timestamp, frame, request, errors, name_of)
                if event is None:
                    event = cache.fallback(data, data, 0, timestamp, frame, request, errors, name_of)
                if event is not None:
                    cache.hits += 1
                    events.append(event)
                    continue
                found.add(self._walk(Datagram(frame, timestamp, protocol, data, 0, request), tried=True))
            else:
                found.add(self.decode(Datagram(frame, timestamp, protocol, data, lost, request)))
        return found

    def _walk(self, datagram: Datagram, *, tried: bool = False) -> Decoded:
        """Every message of a datagram, one after the other. ``tried``: no layout fits the first."""
        whole = self._whole.get(datagram.protocol) if datagram.nsid is None else None
        data, frame, protocol = datagram.data, datagram.frame, datagram.protocol
        size, offset = len(data), 0
        events: list[Event] = []
        errors: list[DecodeError] = []
        unknown: list[tuple[int, int]] = []
        control = 0
        handlers = self._handlers.get(protocol, {})
        rest = handlers.get(ANY)
        m = DecodeContext(data, frame, errors, datagram.request)
        nsid, limit = datagram.nsid, self.max_message_size
        while offset + NLMSG_HDRLEN <= size:
            length, kind, flags, seq, pid = self._header(data, offset)
            if length < NLMSG_HDRLEN or length > size - offset:
                break
            end = offset + length
            cache = None if whole is None or tried else whole.caches.get(data[offset : offset + 8])
            if cache is not None:
                message = data[offset:end]
                place = offset, datagram.timestamp, frame, datagram.request, errors, self._names[protocol]
                event = cache.primary(message, data, *place) or cache.fallback(message, data, *place)
                if event is not None:
                    cache.hits += 1
                    events.append(event)
                    offset += (length + 3) & ~3
                    continue
            if kind < NLMSG_MIN_TYPE:
                found = control_error(data, offset, end, kind, flags, frame, self._order)
                if found is None:
                    control += 1
                else:
                    errors.append(found)
            elif limit is not None and length > limit:
                what = f"the message has {length} bytes, limits.max_message_size allows {limit}"
                errors.append(MessageTooLarge("NLM-D006", what, frame=frame, offset=offset))
            elif (handler := handlers.get(kind, rest)) is None:
                unknown.append((kind, data[offset + NLMSG_HDRLEN] if length > NLMSG_HDRLEN else -1))
            elif length - NLMSG_HDRLEN >= handler[1]:
                before = len(errors)
                payload, index, name = handler[0](m, offset, end)
                if payload is not None:
                    if name is None and index is not None and index > 0 and nsid is None:
                        name = self.link_name(protocol, index)
                    head = (datagram.timestamp, protocol, kind, flags, seq, pid, frame, offset)
                    events.append(Event(*head, name, payload, "netlink", nsid))
                    if whole is not None and len(errors) == before:
                        whole.walked(kind, data, offset, end)
                elif len(errors) == before:
                    unknown.append((kind, data[offset + NLMSG_HDRLEN]))
            elif protocol == NETLINK_ROUTE and kind & 3 == 2 and length > NLMSG_HDRLEN:
                unknown.append((kind, data[offset + NLMSG_HDRLEN]))  # RTM_GET* with only a family, as old dumps ask
            else:
                what = f"the fixed header needs {handler[1]} bytes, the message has {length - NLMSG_HDRLEN}"
                errors.append(HeaderError("NLM-D002", what, frame=frame, offset=offset))
            offset += (length + 3) & ~3
        if datagram.truncated or (offset < size and any(data[offset:])):
            errors.append(self._framing_error(datagram, min(offset, size)))
        return Decoded(events, errors, unknown, control)

    def _framing_error(self, datagram: Datagram, offset: int) -> FramingError:
        rest = len(datagram.data) - offset
        if not any(datagram.data[offset:]):
            what = "the datagram went on behind its last whole message"
        elif rest < NLMSG_HDRLEN:
            what = f"{rest} bytes are left, no room for an nlmsghdr"
        else:
            what = f"nlmsg_len is {self._header(datagram.data, offset)[0]}, {rest} bytes are left"
        why = f"the recording lost {datagram.truncated} bytes" if datagram.truncated else ""
        return FramingError("NLM-D001", what, frame=datagram.frame, offset=offset, why=why)


def _place_of(name: str, protocol: int, places: tuple[object, ...]) -> object:
    """The first place that has a method called ``name``."""
    for place in places:
        if callable(getattr(place, name, None)):
            return place
    looked = ", ".join(type(place).__name__ for place in places)
    raise InternalError(
        "NLM-B011", f"the handlers of protocol {protocol} name {name!r}, which is no method", where=looked
    )
