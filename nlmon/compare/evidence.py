"""Holds what one implementation gives alone against the bytes of the message.

Nobody contradicts a field that only one of them provides, so the message itself has to: a third, minimal reading,
made from the rows of the contract (where a value stands, and how) and the layouts of ``layout``. It finds a value
that is not what the message holds, one that the message holds and the event lacks, one that nobody sent, and an
event that its owner owes and does not give.

Rules:
1. What the owner reported as malformed is not judged here.
2. No value is used for anything but to contradict one; no decoder is called.
3. Structures without a stated encoding (hops, tuples, templates, headers of IPsec) are held against their presence.

Not here: fields that both provide (``classify``).
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from msgspec import UNSET

from nlmon.compare.classify import Finding
from nlmon.compare.contract import Contract, Field, kind_name
from nlmon.compare.difference import Class
from nlmon.compare.layout import ATTRIBUTES, header_size
from nlmon.compare.locate import NLMSGHDR, Message, attributes, field_of
from nlmon.errors import AttributeFormatError, DecodeError, FramingError, HeaderError, NlmonError
from nlmon.events import Event, GenericInfo

__all__ = ["Evidence", "FamilyNames"]

FamilyNames: TypeAlias = Callable[[int], Collection[str]]
GENERIC, GENL_ID_CTRL, GENLMSGHDR, NL80211_CMD_VENDOR, QCA_OUI = 16, 16, 4, 103, 0x001374
CTRL_CMD_NEWFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_HDRSIZE = 1, 1, 4
AF_UNIX = 1
ADDRESS_LENGTH = {2: 4, 10: 16, 128: 4, 129: 16}
# Fixed headers that are shown as one piece, and what is judged by itself.
WHOLE = {"(xfrm_state)", "(xfrm_policy)", "(xfrm_flush)", "(audit_text)"}
SPECIAL = {"generic"}
KNOWN = {"legacy", "libnl"}
ABSENT, UNJUDGED = object(), object()


class _Row(NamedTuple):
    field: Field
    chains: tuple[tuple[int, ...], ...]
    headers: tuple[str, ...]
    attribute: str


class Evidence:
    """Judges events of one recording; ``family_names``: what nlctrl called the family of a number so far."""

    def __init__(self, contract: Contract, byteorder: str, family_names: FamilyNames) -> None:
        self._contract = contract
        self._order = byteorder
        self._family_names = family_names
        # Whether a message of nlctrl may have been malformed; who reads it how decides what a family is called.
        self._doubtful = False
        self._length = struct.Struct("<I" if byteorder == "little" else ">I").unpack_from
        self._owners = {field.by for kind in contract.kinds.values() for field in kind.fields} - {"both"}
        # Bytes of the header that messages of a family have of their own, by its number, as nlctrl said.
        self._headers: dict[int, int] = {}
        self._readers = _readers("<" if byteorder == "little" else ">")
        self._rows = {name: self._compile(name) for name in contract.kinds}
        # The two kinds of sockets share an event and no structure.
        self._unix = self._compile("diag", without="INET_DIAG_")
        self._rows["diag"] = self._compile("diag", without="UNIX_DIAG_")

    def owed(
        self, name: str, protocol: int, spans: Sequence[Message], events: Sequence[Event], errors: Sequence[NlmonError]
    ) -> Iterator[Message]:
        """Messages of which the contract makes ``name`` alone give an event, and that gave none and no error."""
        given: set[int] | None = None
        for span in spans:
            if span.kind < NLMSGHDR or span.request or self._contract.giver(protocol, span.kind) != name:
                continue
            if given is None:
                given = {event.offset for event in events} | set(_bad(errors))
            if not any(span.start <= offset < span.end for offset in given):
                yield span

    def note(self, protocol: int, errors: Sequence[NlmonError]) -> None:
        """Take note of what could not be read: what malformed messages say of families is nobody's to judge."""
        malformed = AttributeFormatError | FramingError | HeaderError
        self._doubtful = self._doubtful or (protocol == GENERIC and any(isinstance(e, malformed) for e in errors))

    def owns(self, name: str) -> bool:
        """Whether ``name`` may give anything alone: the contract says so, or knows nothing of it."""
        return name in self._owners or name not in KNOWN

    def check(self, event: Event, data: bytes, errors: Sequence[NlmonError]) -> Iterator[Finding]:
        """Findings about the fields of one event that one implementation gives alone; ``data``: its datagram;
        ``errors``: what it could not read in it."""
        at = event.offset
        if event.synthetic or at + NLMSGHDR > len(data):
            return
        end = min(len(data), at + self._length(data, at)[0])
        if errors and any(at <= offset < end for offset in _bad(errors)):
            return
        payload = event.payload
        if isinstance(payload, GenericInfo):
            yield from self._generic(payload, data, at, end)
        else:
            yield from self._payload(kind_name(payload), payload, event.msg_type, data, at, end)

    def _payload(self, kind: str, payload: Any, msg_type: int, data: bytes, at: int, end: int) -> Iterator[Finding]:
        rows = self._unix if kind == "diag" and payload.family == AF_UNIX else self._rows.get(kind)
        if not rows:
            return
        top: Mapping[int, tuple[int, int]] | None = None
        family = getattr(payload, "family", None)
        for row in rows:
            value = getattr(payload, row.field.name, None)
            if value is UNSET:
                continue  # the contract's own rule says what is owed
            if top is None and row.chains:
                begin = at + NLMSGHDR + header_size(row.attribute, msg_type)
                top = attributes(data, begin, end, self._order)
            found = self._find(row, data, top or {}, at, end, msg_type)
            expected = ABSENT if found is None else self._read(row.field, found[0], found[1], family)
            if expected is UNJUDGED or (expected is ABSENT and value is None) or value == expected:
                continue
            if found and not found[1] and isinstance(value, int) and value % (1 << 8 * len(found[0])) == expected:
                continue  # of a number in the fixed header only the width is known, and not whether it has a sign
            if expected is not ABSENT and not row.field.encoding and found and found[1] and value is not None:
                continue
            yield _finding(row.field, expected, value)

    def _find(
        self, row: _Row, data: bytes, top: Mapping[int, tuple[int, int]], at: int, end: int, msg_type: int
    ) -> tuple[bytes, bool] | None:
        """The bytes of a value and whether they are an attribute's; the first of the paths that is there."""
        for first, *inner in row.chains:
            place = top.get(first)
            for number in inner:
                place = None if place is None else attributes(data, *place, self._order).get(number)
            if place is not None:
                return data[place[0] : place[1]], True
        for header in row.headers:
            spot = field_of(data, at, end, header, msg_type)
            if spot is not None:
                return spot.data, False
        return None

    def _read(self, field: Field, raw: bytes, attribute: bool, family: int | None) -> Any:
        if not attribute:
            return int.from_bytes(raw, "little" if self._order == "little" else "big") if len(raw) <= 4 else UNJUDGED
        if field.encoding == "ip":
            length = ADDRESS_LENGTH.get(family or 0)
            return UNJUDGED if length is None or len(raw) != length else _ip(raw)
        reader = self._readers.get(field.encoding)
        if reader is None:
            return raw
        try:
            return reader(raw[field.begin :])
        except struct.error:
            return UNJUDGED

    def _generic(self, info: GenericInfo, data: bytes, at: int, end: int) -> Iterator[Finding]:
        """The family's name, the raw attributes, and what nl80211 and its vendor commands hold."""
        rows = {field.name: field for field in self._contract.kinds["generic"].fields}
        if (info.genl_family_id, info.genl_cmd) == (GENL_ID_CTRL, CTRL_CMD_NEWFAMILY):
            self._learn(data, at + NLMSGHDR + GENLMSGHDR, end)
        if info.genl_family_name is UNSET:
            return
        name = info.genl_family_name
        names = set(self._family_names(info.genl_family_id))
        if info.genl_family_id == GENL_ID_CTRL:
            names.add("nlctrl")
        if not self._doubtful and (name not in names if names else name is not None):
            yield _finding(rows["genl_family_name"], " or ".join(sorted(names)) if names else ABSENT, name)
            return
        raw = None
        if name != "nl80211":
            begin = at + NLMSGHDR + GENLMSGHDR + (self._headers.get(info.genl_family_id, 0) if name else 0)
            listed = _in_order(data, begin, end, self._order)
            raw = tuple((number, data[first:stop].hex()) for number, first, stop in listed)
        # Where a named family's header begins is not known to who did not hear what nlctrl said of it.
        told = not name or name == "nlctrl" or info.genl_family_id in self._headers
        if info.attributes is not UNSET and info.attributes != raw and told:
            yield _finding(rows["attributes"], ABSENT if raw is None else raw, info.attributes)
        parts = {
            "nl80211": name == "nl80211",
            "qca_vendor": name == "nl80211"
            and (info.genl_cmd, info.vendor_id) == (NL80211_CMD_VENDOR, QCA_OUI)
            and info.vendor_subcmd is not None,
        }
        for kind, there in parts.items():
            part = getattr(info, kind)
            if part is UNSET:
                continue
            if (part is not None) != there:
                yield _finding(rows[kind], kind if there else ABSENT, part)
            elif there:
                for found in self._payload(kind, part, info.genl_family_id, data, at, end):
                    yield found._replace(field=f"{kind}.{found.field}")

    def _learn(self, data: bytes, at: int, end: int) -> None:
        """Take note of the header of a family that nlctrl tells of."""
        order: Literal["little", "big"] = "little" if self._order == "little" else "big"
        rows = attributes(data, at, end, self._order)
        number, size = (data[slice(*rows.get(kind, (0, 0)))] for kind in (CTRL_ATTR_FAMILY_ID, CTRL_ATTR_HDRSIZE))
        if len(number) >= 2:
            self._headers[int.from_bytes(number[:2], order)] = (int.from_bytes(size[:4], order) + 3) & ~3

    def _compile(self, kind: str, without: str = "(") -> tuple[_Row, ...]:
        if kind in SPECIAL:
            return ()
        rows = []
        for field in self._contract.kinds[kind].fields:
            if field.by == "both" or WHOLE & set(field.paths):
                continue
            nested = [path.split("/") for path in field.paths if not path.startswith(("(", without))]
            chains = tuple(tuple(ATTRIBUTES[name] for name in path) for path in nested)
            headers = tuple(path.strip("()") for path in field.paths if path.startswith("("))
            rows.append(_Row(field, chains, headers, nested[0][0] if nested else ""))
        return tuple(rows)


def _bad(errors: Sequence[NlmonError]) -> Iterator[int]:
    return (error.offset for error in errors if isinstance(error, DecodeError))


def _finding(field: Field, expected: Any, value: Any) -> Finding:
    if expected is ABSENT:
        reason = "the message does not hold what the event says"
        expected = None
    else:
        reason = "the message holds something else" if value is not None else "the message holds it, the event does not"
    return Finding(Class.CONTRADICTED, field.name, field.path, expected, value, reason)


def _in_order(data: bytes, at: int, end: int, byteorder: str) -> Iterator[tuple[int, int, int]]:
    head = struct.Struct("<HH" if byteorder == "little" else ">HH").unpack_from
    while at + 4 <= end:
        length, kind = head(data, at)
        if length < 4 or at + length > end:
            return
        yield kind & 0x3FFF, at + 4, at + length
        at += (length + 3) & ~3


def _ip(raw: bytes) -> str:
    # inet_ntop(3) writes an IPv4 address that is mapped or embedded with its dotted part.
    for head, text in ((bytes(10) + b"\xff\xff", "::ffff:"), (bytes(12), "::")):
        if len(raw) == 16 and raw[:12] == head and (text != "::" or any(raw[12:14])):
            return text + str(ipaddress.IPv4Address(raw[12:]))
    return str(ipaddress.ip_address(raw))


def _readers(sign: str) -> dict[str, Callable[[bytes], Any]]:
    def number(code: str) -> Callable[[bytes], Any]:
        unpack = struct.Struct(code).unpack_from
        return lambda raw: unpack(raw)[0]

    ours = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "s32": "i"}
    network = {"be16": ">H", "be32": ">I", "be64": ">Q"}
    return {
        **{name: number(sign + code) for name, code in ours.items()},
        **{name: number(code) for name, code in network.items()},
        "pair": struct.Struct(sign + "II").unpack_from,
        "string": lambda raw: raw.split(b"\0", 1)[0].decode("utf-8", "backslashreplace"),
        "text": lambda raw: raw.decode("utf-8", "backslashreplace"),
        "hex": lambda raw: raw.hex(),
        "mac": lambda raw: raw.hex(":"),
        "flag": lambda _: True,
    }
