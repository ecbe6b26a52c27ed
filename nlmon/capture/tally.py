"""Counts what a recording holds, by the place of each frame in the conversation.

Notifications that repeat the one before them are counted apart: with n listeners a tap records a notification n times,
nothing in the bytes says so, and the kernel also repeats itself; so a person decides.

Not here: what the messages mean, and which protocols are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import chain
from operator import eq

from nlmon.capture.base import CaptureInfo
from nlmon.capture.segment import Role, Segment
from nlmon.limits import PROTOCOLS_KEPT
from nlmon.uapi import MAX_LINKS, NETLINK_KOBJECT_UEVENT

__all__ = ["FURTHER", "Tally", "why_unread"]

# What the others of too many protocols count as.
FURTHER = -1


def why_unread(info: CaptureInfo, tally: Tally) -> str:
    """Why no frame of a capture holds a message; empty where one does, and where there are no frames but of uevents,
    which are text."""
    frames = tally.frames - tally.protocols[NETLINK_KOBJECT_UEVENT]
    if tally.messages or not frames:
        return ""
    if tally.truncated.total() - tally.truncated[NETLINK_KOBJECT_UEVENT] == frames:
        return "its packets are truncated (snap length), and none holds a whole message"
    text, own = f"nothing in it reads as netlink in {info.byteorder}-endian byte order", info.own_byteorder
    if info.byteorder != own:
        return f"{text}; the file itself says {own}-endian, which is read without --byteorder"
    return f"{text}; --byteorder {'big' if own == 'little' else 'little'} reads the other one"


class Tally:
    """``frames`` and ``messages`` in all, ``last_frame``: the highest number; ``roles``: frames by role; ``protocols``,
    ``truncated``, ``notifications`` and ``repeats``: frames, those that the recording truncated, notifications, and
    those that equal the notification before them, by protocol; further ones than are counted apart as ``FURTHER``."""

    def __init__(self) -> None:
        self.frames = self.messages = self.last_frame = 0
        self.roles: Counter[Role] = Counter()
        self.protocols: Counter[int] = Counter()
        self.truncated: Counter[int] = Counter()
        self.notifications: Counter[int] = Counter()
        self.repeats: Counter[int] = Counter()
        self._last: dict[int, bytes] = {}

    def add(self, segment: Segment) -> Segment:
        """Count the frames of a segment, and give it back, so that segments can be counted on their way."""
        datagrams, role = segment.datagrams, segment.place.role
        data, protocol = datagrams.data, datagrams.protocol
        count, last = len(data), datagrams.frames[-1]
        if protocol >= MAX_LINKS and protocol not in self.protocols and len(self.protocols) >= PROTOCOLS_KEPT:
            protocol = FURTHER
        self.frames += count
        self.messages += segment.messages
        self.last_frame = max(self.last_frame, last)
        self.roles[role] += count
        self.protocols[protocol] += count
        if datagrams.truncated:
            self.truncated[protocol] += count
        if role is Role.NOTIFICATION:
            self.notifications[protocol] += count
            self.repeats[protocol] += sum(map(eq, data, chain((self._last.get(protocol),), data)))
            if 0 <= protocol < MAX_LINKS:  # there is no other one, but a file may name any
                self._last[protocol] = data[-1]
        return segment

    def copied(self, protocols: Collection[int]) -> bool:
        """Whether at least a third of the notifications of some protocols repeat their predecessor: several listeners
        were recorded."""
        notifications = sum(self.notifications[protocol] for protocol in protocols)
        return notifications >= 10 and sum(self.repeats[protocol] for protocol in protocols) * 3 >= notifications
