"""Whether a recording may hold keys: those of IPsec, or of a generic family that can have some.

Rules:
1. A generic family that is not named by nlctrl, before or after its messages, may be any.
2. Our own dumps are no reason for a warning, nor is nlctrl; what they are answered with is.

Not here: which attributes are keys (``nlmon.names.secret``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from nlmon.cli.common import warn
from nlmon.framing import attribute, messages
from nlmon.names import PROTOCOLS
from nlmon.names.secret import SECRETS
from nlmon.transport.recorder import Sink, Way
from nlmon.uapi import (
    CTRL_ATTR_FAMILY_ID,
    CTRL_ATTR_FAMILY_NAME,
    GENL_ID_CTRL,
    NETLINK_GENERIC,
    NETLINK_XFRM,
    NLMSG_HDRLEN,
    NLMSG_MIN_TYPE,
    XFRM_MSG_GETPOLICY,
    XFRM_MSG_GETSA,
)

__all__ = ["KeyWatch"]

GENL_HDRLEN = 4


class KeyWatch:
    """A sink that takes note of what may hold keys, and passes everything on to ``inner``."""

    def __init__(self, inner: Sink, byteorder: Literal["little", "big"]) -> None:
        self._inner = inner
        self._byteorder: Literal["little", "big"] = byteorder
        self._protocols: dict[int, int] = {}
        self._ipsec = False
        self._generic: set[int] = set()
        self._families: dict[int, str] = {}

    def add_socket(self, name: str, protocol: int) -> int:
        """Declare a socket."""
        number = self._inner.add_socket(name, protocol)
        self._protocols[number] = protocol
        return number

    def write(self, *, socket: int, timestamp: int, data: bytes, direction: Way) -> None:
        """Keep one datagram."""
        protocol = self._protocols[socket]
        if protocol in {NETLINK_XFRM, NETLINK_GENERIC}:
            self._note(protocol, data)
        self._inner.write(socket=socket, timestamp=timestamp, data=data, direction=direction)

    def lost(self, socket: int, drops: int) -> None:
        """Messages that the kernel dropped on a socket."""
        self._inner.lost(socket, drops)

    def warn(self, out: Path) -> None:
        """Say which messages of ``out`` may hold keys, if any do."""
        families = {self._families.get(number, "") for number in self._generic}
        found = [PROTOCOLS[NETLINK_XFRM]] if self._ipsec else []
        if families & {"", *SECRETS}:
            found.append(PROTOCOLS[NETLINK_GENERIC])
        if found:
            warn(f"warning: {out} may hold keys, in messages of {' and '.join(found)}; only its owner may read it")

    def _note(self, protocol: int, data: bytes) -> None:
        for message in messages(data, self._byteorder):
            if message.type < NLMSG_MIN_TYPE:
                continue
            if protocol == NETLINK_XFRM:
                self._ipsec |= message.type not in {XFRM_MSG_GETSA, XFRM_MSG_GETPOLICY}
            elif message.type != GENL_ID_CTRL:
                self._generic.add(message.type)
            else:
                start, end = message.offset + NLMSG_HDRLEN + GENL_HDRLEN, message.offset + message.length
                number = attribute(data, start, end, self._byteorder, CTRL_ATTR_FAMILY_ID)
                name = attribute(data, start, end, self._byteorder, CTRL_ATTR_FAMILY_NAME)
                if number is not None and name is not None:
                    self._families[int.from_bytes(number, self._byteorder)] = name.rstrip(b"\0").decode(
                        "ascii", "replace"
                    )
