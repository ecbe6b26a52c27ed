"""Evidence about generic netlink messages: the family's name, the raw attributes, and which parts an event must have.

Not here: the fields of nl80211 and of vendor commands (``check``, by the contract's rows).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from nlmon.compare.classify import FieldFinding
from nlmon.compare.contract import Contract, Field
from nlmon.compare.difference import Class
from nlmon.compare.evidence.reading import Message
from nlmon.compare.same import same
from nlmon.errors import AttributeFormatError, FramingError, HeaderError, NlmonError
from nlmon.events import GenericInfo
from nlmon.framing import align, attributes, messages, walk_attributes
from nlmon.uapi import (
    CTRL_ATTR_FAMILY_ID,
    CTRL_ATTR_HDRSIZE,
    CTRL_CMD_NEWFAMILY,
    GENL_HDRLEN,
    GENL_ID_CTRL,
    NETLINK_GENERIC,
    NL80211_CMD_VENDOR,
    NLMSG_HDRLEN,
    QCA_NL80211_VENDOR_ID,
)
from nlmon.wire import Datagram

__all__ = ["GenericEvidence", "RecordedNames"]

U32 = 4
# Of one family; a kernel says one.
SIZES_KEPT = 64


class RecordedNames(Struct, frozen=True):
    """Names that a recording has reported so far: ``families``, those that nlctrl gave to a number, and ``link``, that
    of an interface by its index, UNSET where it cannot be known. ``gone``: whether a number is no family's any more;
    ``doubtful``: whether what nlctrl said may be read in several ways."""

    families: Callable[[int], Collection[str]]
    link: Callable[[int], str | None | UnsetType]
    gone: Callable[[int], bool] = lambda _: False
    doubtful: Callable[[], bool] = lambda: False


class GenericEvidence:
    """Judges generic events of one recording."""

    def __init__(self, contract: Contract, byteorder: str, recorded: RecordedNames) -> None:
        self._fields = {field.name: field for field in contract.kinds["generic"].fields}
        self._order: Literal["little", "big"] = "little" if byteorder == "little" else "big"
        self._recorded = recorded
        # Whether a message of nlctrl may have been malformed; who reads it how decides what a family is called.
        self._malformed = False
        # Bytes of the header that messages of a family have of their own, by its number: every size that nlctrl said.
        # A monitor keeps what it received last, which need not be what was recorded last.
        self._headers: dict[int, set[int]] = {}
        # Families of which nlctrl spoke beside something malformed: who read what of that decides what their header is.
        self._doubtful: set[int] = set()

    def note(self, datagram: Datagram, errors: Sequence[NlmonError]) -> None:
        """Take note of what could not be read: what malformed messages say of families is nobody's to judge."""
        malformed = AttributeFormatError | FramingError | HeaderError
        if datagram.protocol == NETLINK_GENERIC and any(isinstance(error, malformed) for error in errors):
            self._malformed = True
            self._doubtful.update(self._named(datagram.data))

    def _named(self, data: bytes) -> Iterator[int]:
        """The numbers of families that nlctrl's messages in a datagram are about."""
        for one in messages(data, self._order):
            at, end = one.offset + NLMSG_HDRLEN + GENL_HDRLEN, one.offset + one.length
            for kind, begin, stop in walk_attributes(data, at, end, self._order) if one.type == GENL_ID_CTRL else ():
                if kind == CTRL_ATTR_FAMILY_ID:
                    yield int.from_bytes(data[begin:stop][:2], self._order)

    def parts(self, info: GenericInfo, message: Message) -> Iterator[tuple[str, Any]]:
        """Findings, and the parts of an event whose fields are still to be judged, each with its kind."""
        body = message.at + NLMSG_HDRLEN + GENL_HDRLEN
        # Number and command are in the bytes, whether or not the event has them.
        number, command = message.msg_type, message.data[message.at + NLMSG_HDRLEN : body][:1]
        if number == GENL_ID_CTRL and command == bytes([CTRL_CMD_NEWFAMILY]):
            self._learn(message.data, body, message.end)
        names = set(self._recorded.families(number))
        if number == GENL_ID_CTRL:
            names.add("nlctrl")
        name = info.genl_family_name
        if name is UNSET:
            if len(names) != 1:
                return
            (name,) = names
        nameless = name is None and (not names or self._recorded.gone(number))
        if not ((type(name) is str and name in names) or nameless or self._malformed or self._recorded.doubtful()):
            yield "", _finding(self._fields["genl_family_name"], " or ".join(sorted(names)) or None, name)
            return
        wireless = name == "nl80211"
        # Where a named family's header begins is not known where nlctrl has not said it, or not plainly.
        said = number in self._headers and number not in self._doubtful
        if wireless or not name or name == "nlctrl" or said:
            control = number == GENL_ID_CTRL
            sizes = sorted(self._headers.get(number, {0})) if name and not control else [0]
            raw = [None if wireless else self._raw(message.data, body + own, message.end) for own in sizes]
            if info.attributes is not UNSET and not any(same(info.attributes, one) for one in raw):
                yield "", _finding(self._fields["attributes"], raw[0], info.attributes)
        vendor = command == bytes([NL80211_CMD_VENDOR]) and info.vendor_id == QCA_NL80211_VENDOR_ID
        vendor = vendor and info.vendor_subcmd is not None
        decided = UnsetType not in map(type, (info.vendor_id, info.vendor_subcmd))
        for kind, there in (("nl80211", wireless), ("qca_vendor", wireless and vendor)):
            part = getattr(info, kind)
            if part is UNSET or (kind == "qca_vendor" and not decided):
                continue
            if (part is not None) != there:
                yield "", _finding(self._fields[kind], "(present)" if there else None, part)
            elif there:
                yield kind, part

    def _learn(self, data: bytes, at: int, end: int) -> None:
        """Take note of the header of a family that nlctrl describes; without its size there is none."""
        rows = attributes(data, at, end, self._order)
        number, size = (data[slice(*rows.get(kind, (0, 0)))] for kind in (CTRL_ATTR_FAMILY_ID, CTRL_ATTR_HDRSIZE))
        if len(number) >= 2:
            length = int.from_bytes(size[:4], self._order) if len(size) >= U32 else 0
            family = int.from_bytes(number[:2], self._order)
            sizes = self._headers.setdefault(family, set())
            # What no kernel said, such as a request, names no family of the recording.
            self._malformed = self._malformed or not self._recorded.families(family)
            if len(sizes) < SIZES_KEPT:
                sizes.add(align(length))

    def _raw(self, data: bytes, at: int, end: int) -> tuple[tuple[int, str], ...]:
        """Number and payload of every attribute, in the order of the message."""
        found = walk_attributes(data, at, end, self._order)
        return tuple((number, data[begin:stop].hex()) for number, begin, stop in found)


def _finding(field: Field, expected: Any, value: Any) -> FieldFinding:
    reason = "the message does not carry it" if expected is None else "the message carries another value"
    return FieldFinding(Class.CONTRADICTED, field.name, field.path, expected, value, reason)
