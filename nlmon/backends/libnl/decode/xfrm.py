"""Decodes IPsec messages: states, policies, acquires, expiries, flushes.

The structures of linux/xfrm.h have 64-bit members, so a 64-bit kernel pads them to multiples of 8 bytes; the
sizes here are those. Where a kernel does not pad (i386), something else stands in the padding: such a message is
refused as one whose fixed header does not fit. Addresses, ports and SPIs are big-endian, all else has the machine's
byte order.

Not here: keys. Only names and lengths of algorithms are read.
"""

from __future__ import annotations

import struct
from types import MappingProxyType
from typing import Any

from nlmon.backends.libnl.decode.attributes import Decoder, Found
from nlmon.backends.libnl.policies import Attr
from nlmon.backends.libnl.policies import xfrm as policies
from nlmon.backends.libnl.policies.addresses import ip_text
from nlmon.backends.libnl.policies.readers import DecodeContext, Reader
from nlmon.backends.libnl.uapi import AF_INET, AF_UNSPEC, NLMSG_HDRLEN
from nlmon.errors import HeaderError
from nlmon.events import XfrmAlgorithm, XfrmFlushInfo, XfrmPolicyInfo, XfrmSelector, XfrmStateInfo, XfrmTemplate

__all__ = [
    "ACQUIRE",
    "AEVENT_ID",
    "EXPIRE",
    "POLEXPIRE",
    "POLICY_ID",
    "POLICY_INFO",
    "USERSA_ID",
    "USERSA_INFO",
    "XfrmDecoder",
]

# Sizes of the structures, without the prefix xfrm_ or xfrm_user.
SELECTOR, USERSA_INFO, USERSA_ID, POLICY_INFO, POLICY_ID, ACQUIRE, AEVENT_ID, TMPL = 56, 224, 24, 168, 64, 280, 48, 64
EXPIRE, POLEXPIRE = USERSA_INFO + 8, POLICY_INFO + 8
# Where the padding of xfrm_usersa_info and xfrm_userpolicy_info begins that a 32-bit kernel may not have.
USERSA_PADDING, POLICY_PADDING = 220, 164
ALG_NAME = 64  # CRYPTO_MAX_ALG_NAME of the structure
ADDRESS = 16


class XfrmDecoder(Decoder, layouts=True):
    """Decoder of NETLINK_XFRM for one byte order."""

    state_policy = policies.STATE
    policy_policy = policies.POLICY

    of_families = False
    uses = MappingProxyType(
        {
            **dict.fromkeys(("state", "expire"), ("state_policy", frozenset({"state", "bytes", "packets"}))),
            "delete_state": ("state_policy", frozenset({"bytes", "packets"})),
            "aevent": ("state_policy", frozenset({"state"})),
            **dict.fromkeys(("policy", "policy_expire", "acquire"), ("policy_policy", frozenset({"policy"}))),
            "delete_policy": ("policy_policy", frozenset()),
            **dict.fromkeys(
                ("flush_state", "flush_policy"), ("policy_policy", frozenset({"templates", "mark", "if_id", "policy"}))
            ),
        }
    )

    def __init__(self, byteorder: str) -> None:
        super().__init__(byteorder)
        sign = self.sign
        self._be32 = struct.Struct(">I").unpack_from
        self._be_ports = struct.Struct(">HHHH").unpack_from
        self._u16 = struct.Struct(sign + "H").unpack_from
        self._u32 = struct.Struct(sign + "I").unpack_from
        self._u32_pair = struct.Struct(sign + "II").unpack_from
        self._use = struct.Struct(sign + "QQ").unpack_from
        self._selector_end = struct.Struct(sign + "HBBBxxxiI").unpack_from
        self._state_end = struct.Struct(sign + "IIHBBB").unpack_from
        self._policy_end = struct.Struct(sign + "IIBBBB").unpack_from
        self._tmpl_end = struct.Struct(sign + "IBBB").unpack_from

    # -- messages ----------------------------------------------------------------------------------------------

    def state(self, m: DecodeContext, start: int, end: int) -> Found:
        """XFRM_MSG_NEWSA, UPDSA: xfrm_usersa_info."""
        at = start + NLMSG_HDRLEN
        if not self._padded(m, start, at + USERSA_PADDING):
            return None, None, None
        return self._state(m, at, at + USERSA_INFO, end, None), None, None

    def expire(self, m: DecodeContext, start: int, end: int) -> Found:
        """XFRM_MSG_EXPIRE: xfrm_user_expire, a state and whether it is gone."""
        at = start + NLMSG_HDRLEN
        hard = m.data[at + USERSA_INFO]
        if not self._padded(m, start, at + USERSA_PADDING, hard):
            return None, None, None
        return self._state(m, at, at + EXPIRE, end, bool(hard)), None, None

    def delete_state(self, m: DecodeContext, start: int, end: int) -> Found:
        """XFRM_MSG_DELSA: xfrm_usersa_id; the kernel's announcement holds the whole state in XFRMA_SA, which is of the
        same family or of another state."""
        at = start + NLMSG_HDRLEN
        (family,) = self._u16(m.data, at + 20)
        v = self.values(m, self.state_policy, 0, at + USERSA_ID, end)
        known: list[Any] = [family, self._ip(m, at, family), self._be32(m.data, at + 16)[0], m.data[at + 22]]
        place, whole = v[9] or (0, None)
        if whole is not None and whole[0] != family:
            m.bad(place, "XFRMA_SA", f"its state is of family {whole[0]}, the message of family {family}")
            whole = None
        known += [None] * 9 if whole is None else whole[4:]
        return _made(known, None, v), None, None

    def aevent(self, m: DecodeContext, start: int, end: int) -> Found:
        """XFRM_MSG_NEWAE: xfrm_aevent_id, a state's use. Its flags (XFRM_AE_*) say what the message is about and are
        none of the state's (XFRM_STATE_*)."""
        at = start + NLMSG_HDRLEN
        (family,) = self._u16(m.data, at + 20)
        (reqid,) = self._u32(m.data, at + USERSA_ID + ADDRESS + 4)
        v = self.values(m, self.state_policy, 0, at + AEVENT_ID, end)
        known: list[Any] = [family, self._ip(m, at, family), self._be32(m.data, at + 16)[0], m.data[at + 22]]
        known += [self._ip(m, at + USERSA_ID, family), None, reqid, None, None, None, None, *v[10:12]]
        return _made(known, None, v), None, None

    def policy(self, m: DecodeContext, start: int, end: int) -> Found:
        """XFRM_MSG_NEWPOLICY, UPDPOLICY: xfrm_userpolicy_info."""
        at = start + NLMSG_HDRLEN
        if not self._padded(m, start, at + POLICY_PADDING):
            return None, None, None
        return self._policy(m, at, at + POLICY_INFO, end, None), None, None

    def policy_expire(self, m: DecodeContext, start: int, end: int) -> Found:
        """XFRM_MSG_POLEXPIRE: xfrm_user_polexpire, a policy and whether it is gone."""
        at = start + NLMSG_HDRLEN
        hard = m.data[at + POLICY_INFO]
        if not self._padded(m, start, at + POLICY_PADDING, hard):
            return None, None, None
        return self._policy(m, at, at + POLEXPIRE, end, bool(hard)), None, None

    def delete_policy(self, m: DecodeContext, start: int, end: int) -> Found:
        """XFRM_MSG_DELPOLICY: xfrm_userpolicy_id; the kernel's announcement holds the policy in XFRMA_POLICY."""
        at = start + NLMSG_HDRLEN
        kind, templates, mark, if_id, whole = self.values(m, self.policy_policy, 0, at + POLICY_ID, end)
        if whole is None:
            (index,) = self._u32(m.data, at + SELECTOR)
            whole = [self._selector(m, at), m.data[at + SELECTOR + 4], index, None, None, None, None]
        whole += [kind, templates, mark, if_id]
        return XfrmPolicyInfo(*whole), None, None

    def acquire(self, m: DecodeContext, start: int, end: int) -> Found:
        """XFRM_MSG_ACQUIRE: xfrm_user_acquire, traffic that met a policy and found no state. That is wanted between
        addresses of the family of the policy's template, which for a tunnel need not be the traffic's."""
        at = start + NLMSG_HDRLEN
        if not self._padded(m, start, at + 96 + POLICY_PADDING):
            return None, None, None
        selector = self._selector(m, at + 40)
        kind, templates, mark, if_id, _ = self.values(m, self.policy_policy, 0, at + ACQUIRE, end)
        family = templates[0].family if templates else selector.family
        (seq,) = self._u32(m.data, at + ACQUIRE - 4)
        daddr, saddr = self._ip(m, at, family), self._ip(m, at + 24, family)
        spi, proto = self._be32(m.data, at + 16)[0], m.data[at + 20]
        wanted = XfrmStateInfo(family, daddr, spi, proto, saddr, seq=seq, selector=selector)
        whole = self._policy_info(m, at + 96)
        whole += [kind, templates, mark, if_id, None, wanted]
        return XfrmPolicyInfo(*whole), None, None

    def flush_state(self, m: DecodeContext, start: int, end: int) -> Found:
        """XFRM_MSG_FLUSHSA: xfrm_usersa_flush, one byte and its padding; no attribute is sent by kernels of today."""
        at = start + NLMSG_HDRLEN
        return XfrmFlushInfo(m.data[at], self.values(m, self.policy_policy, 0, at + 4, end)[0]), None, None

    def flush_policy(self, m: DecodeContext, start: int, end: int) -> Found:
        """XFRM_MSG_FLUSHPOLICY: no header of its own, the type in an attribute."""
        return XfrmFlushInfo(None, self.values(m, self.policy_policy, 0, start + NLMSG_HDRLEN, end)[0]), None, None

    # -- structures --------------------------------------------------------------------------------------------

    def _padded(self, m: DecodeContext, start: int, at: int, hard: int = 0) -> bool:
        """Whether four bytes of padding are there, which kernels clear, and ``hard`` is 0 or 1. Without the padding it
        is an attribute's length."""
        if not any(m.data[at : at + 4]) and hard <= 1:
            return True
        what = "the structure is not that of a 64-bit kernel: something stands in its padding"
        m.errors.append(HeaderError("NLM-D002", what, frame=m.frame, offset=start))
        return False

    def _ip(self, m: DecodeContext, at: int, family: int) -> str:
        """xfrm_address_t: 4 bytes of it for IPv4, 16 for every other family."""
        return ip_text(m.data[at : at + (4 if family == AF_INET else ADDRESS)])

    def _selector(self, m: DecodeContext, at: int, otherwise: int = AF_UNSPEC) -> XfrmSelector:
        """xfrm_selector. One without a family, as the kernel makes for XFRM_MSG_ALLOCSPI, holds addresses of the
        family of its state, ``otherwise``."""
        dport, dport_mask, sport, sport_mask = self._be_ports(m.data, at + 32)
        family, prefixlen_d, prefixlen_s, proto, ifindex, user = self._selector_end(m.data, at + 40)
        src, dst = self._ip(m, at + ADDRESS, family or otherwise), self._ip(m, at, family or otherwise)
        ports = (sport, sport_mask), (dport, dport_mask)
        return XfrmSelector(family, src, dst, prefixlen_s, prefixlen_d, proto, *ports, ifindex, user)

    def _state_info(self, m: DecodeContext, at: int) -> list[Any]:
        """xfrm_usersa_info in the order of XfrmStateInfo, up to its packets: selector, id, saddr, limits, use,
        statistics, and the rest from offset 204."""
        seq, reqid, family, mode, window, flags = self._state_end(m.data, at + 204)
        count, packets = self._use(m.data, at + 160)
        saddr = self._ip(m, at + 80, family)
        daddr, spi, proto = self._ip(m, at + 56, family), self._be32(m.data, at + 72)[0], m.data[at + 76]
        selector = self._selector(m, at, family)
        return [family, daddr, spi, proto, saddr, mode, reqid, window, flags, seq, selector, count, packets]

    def _state(self, m: DecodeContext, at: int, attributes: int, end: int, hard: bool | None) -> XfrmStateInfo:
        v = self.values(m, self.state_policy, 0, attributes, end)
        return _made(self._state_info(m, at), hard, v)

    def _policy_info(self, m: DecodeContext, at: int) -> list[Any]:
        """xfrm_userpolicy_info in the order of XfrmPolicyInfo, up to its share."""
        priority, index, direction, action, flags, share = self._policy_end(m.data, at + 152)
        return [self._selector(m, at), direction, index, priority, action, flags, share]

    def _policy(self, m: DecodeContext, at: int, attributes: int, end: int, hard: bool | None) -> XfrmPolicyInfo:
        kind, templates, mark, if_id, _ = self.values(m, self.policy_policy, 0, attributes, end)
        fields = [*self._policy_info(m, at), kind, templates, mark, if_id, hard]
        return XfrmPolicyInfo(*fields)

    # -- attributes --------------------------------------------------------------------------------------------

    def reader(self, row: Attr, family: int) -> tuple[int, Reader] | None:
        """Adds the structures of attributes, each with the size it must have."""
        made: dict[str, tuple[int, Reader]] = {
            "algorithm": (ALG_NAME + 4, self._algorithm),
            "auth_algorithm": (ALG_NAME + 8, self._auth),
            "aead_algorithm": (ALG_NAME + 8, self._aead),
            "encap": (6, self._encap),
            "templates": (0, self._templates),
            "state": (USERSA_INFO, lambda m, at, begin, __: (at, self._state_info(m, begin))),
            "policy": (POLICY_INFO, lambda m, _, begin, __: self._policy_info(m, begin)),
        }
        return made.get(row.kind) or super().reader(row, family)

    def _algorithm(self, m: DecodeContext, _: int, begin: int, __: int) -> XfrmAlgorithm:
        return XfrmAlgorithm(_name(m, begin), self._u32(m.data, begin + ALG_NAME)[0])

    def _auth(self, m: DecodeContext, _: int, begin: int, __: int) -> XfrmAlgorithm:
        key_len, trunc_len = self._u32_pair(m.data, begin + ALG_NAME)
        return XfrmAlgorithm(_name(m, begin), key_len, None, trunc_len)

    def _aead(self, m: DecodeContext, _: int, begin: int, __: int) -> XfrmAlgorithm:
        return XfrmAlgorithm(_name(m, begin), *self._u32_pair(m.data, begin + ALG_NAME))

    def _encap(self, m: DecodeContext, _: int, begin: int, __: int) -> tuple[int, int, int]:
        """xfrm_encap_tmpl: the type, and two big-endian ports."""
        (kind,) = self._u16(m.data, begin)
        return kind, *struct.unpack_from(">HH", m.data, begin + 2)

    def _templates(self, m: DecodeContext, at: int, begin: int, end: int) -> tuple[XfrmTemplate, ...]:
        if (end - begin) % TMPL:
            m.bad(at, "XFRMA_TMPL", f"{end - begin} bytes are no whole number of templates of {TMPL}")
        return tuple(self._template(m, place) for place in range(begin, end - TMPL + 1, TMPL))

    def _template(self, m: DecodeContext, at: int) -> XfrmTemplate:
        (family,) = self._u16(m.data, at + 24)
        reqid, mode, share, optional = self._tmpl_end(m.data, at + 44)
        spi, proto = self._be32(m.data, at + 16)[0], m.data[at + 20]
        addresses = self._ip(m, at + 28, family), self._ip(m, at, family)
        return XfrmTemplate(family, *addresses, spi, proto, mode, reqid, share, bool(optional))


def _name(m: DecodeContext, begin: int) -> str:
    return m.data[begin : begin + ALG_NAME].split(b"\0", 1)[0].decode("utf-8", "backslashreplace")


def _made(known: list[Any], hard: bool | None, v: list[Any]) -> XfrmStateInfo:
    """The state of a structure (up to packets) and its attributes. The kernel sends authentication twice; the
    second form has the truncation."""
    auth, auth_trunc, crypt, aead, comp, encap, mark, if_id, extra = v[:9]
    fields = [*known, hard, auth_trunc or auth, crypt, aead, comp, encap, mark, if_id, extra]
    return XfrmStateInfo(*fields)
