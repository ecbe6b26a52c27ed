"""Control messages: NOOP, ERROR with its extended acknowledgement, DONE, OVERRUN (linux/netlink.h).

Not here: messages that carry events (``messages``).
"""

from __future__ import annotations

import struct

from nlmon.backends.libnl.uapi import (
    NLA_TYPE_MASK,
    NLM_F_ACK_TLVS,
    NLM_F_CAPPED,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSG_HDRLEN,
    NLMSG_OVERRUN,
)
from nlmon.errors import DecodeError, HeaderError, KernelError, OverrunMessage, errno_name

__all__ = ["control_error"]

NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS = 1, 2
NLMSGERR = 20  # struct nlmsgerr: the number of the error, and the header of the request


def control_error(
    data: bytes, start: int, end: int, kind: int, flags: int, frame: int, byteorder: str
) -> DecodeError | None:
    """The error that a control message reports; None for an acknowledgement, NOOP and a plain DONE."""
    if kind == NLMSG_OVERRUN:
        return OverrunMessage("NLM-D005", "NLMSG_OVERRUN: data was lost at the sender", frame=frame, offset=start)
    if kind not in {NLMSG_ERROR, NLMSG_DONE}:
        return None
    sign = "<" if byteorder == "little" else ">"
    if end - start < NLMSG_HDRLEN + 4:
        if kind == NLMSG_DONE:
            return None
        return HeaderError("NLM-D002", "NLMSG_ERROR is shorter than struct nlmsgerr", frame=frame, offset=start)
    (number,) = struct.unpack_from(sign + "i", data, start + NLMSG_HDRLEN)
    if number >= 0:
        return None
    text, place = _ext_ack(data, start, end, kind, flags, sign)
    what = f"the kernel answers {errno_name(-number)}"
    return KernelError("NLM-D004", what, frame=frame, offset=start, errno=-number, ext_ack=text, request_offset=place)


def _ext_ack(data: bytes, start: int, end: int, kind: int, flags: int, sign: str) -> tuple[str, int | None]:
    """The kernel's own text and the offset of the bad attribute in the request, if it sent them. They follow the
    echoed request, which is only its header when NLM_F_CAPPED is set."""
    if not flags & NLM_F_ACK_TLVS:
        return "", None
    at = start + NLMSG_HDRLEN + 4
    if kind == NLMSG_ERROR:
        if end - start < NLMSGERR + NLMSG_HDRLEN:
            return "", None
        (echoed,) = struct.unpack_from(sign + "I", data, start + NLMSGERR)
        at = start + NLMSGERR + (NLMSG_HDRLEN if flags & NLM_F_CAPPED else max(NLMSG_HDRLEN, (echoed + 3) & ~3))
    text, place = "", None
    while at + 4 <= end:
        length, number = struct.unpack_from(sign + "HH", data, at)
        if length < 4 or at + length > end:
            break
        payload = data[at + 4 : at + length]
        if number & NLA_TYPE_MASK == NLMSGERR_ATTR_MSG:
            text = payload.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
        elif number & NLA_TYPE_MASK == NLMSGERR_ATTR_OFFS and len(payload) >= 4:
            (place,) = struct.unpack_from(sign + "I", payload)
        at += (length + 3) & ~3
    return text, place
