"""Options of pcapng blocks: read by code, and held against the lengths that the format gives to numbers.

Rules:
1. A number has the length that the format says (draft-ietf-opsawg-pcapng). One of another length is damage at its
   place, and so is an option that is longer than its block: how its writer meant it, nobody can know.
2. Texts, and options that the format has no length for, may be of any length.

Not here: what options mean (``pcapng``).
"""

from __future__ import annotations

from typing import Literal

from nlmon.capture.reader import Damaged
from nlmon.framing import align

__all__ = [
    "EPB",
    "EPB_DROPCOUNT",
    "EPB_FLAGS",
    "IDB",
    "IF_DESCRIPTION",
    "IF_NAME",
    "IF_TSOFFSET",
    "IF_TSRESOL",
    "ISB",
    "ISB_ENDTIME",
    "ISB_IFDROP",
    "ISB_IFRECV",
    "ISB_OSDROP",
    "OPB",
    "OPT_COMMENT",
    "SHB",
    "SHB_HARDWARE",
    "SHB_OS",
    "SHB_USERAPPL",
    "SPB",
    "read_options",
]

# Blocks: section header, interface, packet (obsolete, simple, enhanced), and statistics of an interface.
SHB, IDB, OPB, SPB, ISB, EPB = 0x0A0D0D0A, 1, 2, 3, 5, 6
OPT_COMMENT, SHB_HARDWARE, SHB_OS, SHB_USERAPPL = 1, 2, 3, 4
IF_NAME, IF_DESCRIPTION, IF_TSRESOL, IF_TSOFFSET = 2, 3, 9, 14
EPB_FLAGS, EPB_DROPCOUNT = 2, 4
ISB_ENDTIME, ISB_IFRECV, ISB_IFDROP, ISB_OSDROP = 3, 4, 5, 7
_BLOCKS = {
    SHB: "a section header block",
    IDB: "an interface block",
    OPB: "a packet block",
    ISB: "a statistics block",
    EPB: "a packet block",
}
# Name and length in bytes of each option of a block that has but one length.
_LENGTHS: dict[int, dict[int, tuple[str, int]]] = {
    SHB: {},
    IDB: {
        4: ("if_IPv4addr", 8),
        5: ("if_IPv6addr", 17),
        6: ("if_MACaddr", 6),
        7: ("if_EUIaddr", 8),
        8: ("if_speed", 8),
        IF_TSRESOL: ("if_tsresol", 1),
        10: ("if_tzone", 4),
        13: ("if_fcslen", 1),
        IF_TSOFFSET: ("if_tsoffset", 8),
        16: ("if_txspeed", 8),
        17: ("if_rxspeed", 8),
    },
    OPB: {2: ("pack_flags", 4)},
    ISB: {
        2: ("isb_starttime", 8),
        ISB_ENDTIME: ("isb_endtime", 8),
        ISB_IFRECV: ("isb_ifrecv", 8),
        ISB_IFDROP: ("isb_ifdrop", 8),
        6: ("isb_filteraccept", 8),
        ISB_OSDROP: ("isb_osdrop", 8),
        8: ("isb_usrdeliv", 8),
    },
    EPB: {
        EPB_FLAGS: ("epb_flags", 4),
        EPB_DROPCOUNT: ("epb_dropcount", 8),
        5: ("epb_packetid", 8),
        6: ("epb_queue", 4),
    },
}


def read_options(data: bytes, block: int, order: Literal["little", "big"], offset: int) -> dict[int, bytes]:
    """Options by code, the last of each, of a block of type ``block``; ``offset``: where they begin in the file. Raises
    ``Damaged``."""
    found: dict[int, bytes] = {}
    lengths, at, size = _LENGTHS[block], 0, len(data)
    while at + 4 <= size:
        code = int.from_bytes(data[at : at + 2], order)
        length = int.from_bytes(data[at + 2 : at + 4], order)
        if code == 0:
            break
        name, needed = lengths.get(code, ("", length))
        if length != needed:
            what = f"{name} in {_BLOCKS[block]} has {length:,} bytes, the format says {needed}"
            raise Damaged(what, offset + at)
        if length > size - at - 4:
            what = f"an option in {_BLOCKS[block]} claims {length:,} bytes, and {size - at - 4:,} are left"
            raise Damaged(what, offset + at)
        found[code] = data[at + 4 : at + 4 + length]
        at += 4 + align(length)
    return found
