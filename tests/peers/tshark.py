"""tshark's dissection of a recording: every message with its header, and the attributes as a tree of their names.

Of 03-nl80211 a sample is dissected: no answers of nlctrl, which 06-generic has too, and of the devices' descriptions
(NL80211_CMD_NEW_WIPHY), which repeat themselves, those of the first frames.

Not here: which attribute is which of our fields (one module per protocol).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any
from xml.etree import ElementTree

import zstandard

from nlmon.events import Event, GenericInfo
from peers.recording import Recording
from support.requirements import require_program

__all__ = ["Attribute", "Dissection", "dissected", "sampled"]

COOKED_HEADER = 16
NLMSG_ERROR = 2
NLCTRL, NEW_WIPHY, FIRST = 16, 3, 100
SAMPLE = {
    "03-nl80211": f"not genl.ctrl.cmd and (frame.number < {FIRST} or not nl80211.cmd == {NEW_WIPHY})",
}
# A line of the text that is deeper than a leaf of an attribute.
DEEP = re.compile(r"\n {8}.*")


class Attribute:
    """One attribute: tshark's name for it, its leaves by field name, its raw payload, and the attributes in it."""

    def __init__(self, node: ElementTree.Element) -> None:
        self.name = node.get("show", "").removeprefix("Attribute: ")
        self.number = -1
        self.leaves: dict[str, str] = {}
        self.within: list[Attribute] = []
        for child in node:
            name = child.get("name", "")
            if name == "netlink.attr_type":
                self.number = int(child.get("show", "0"), 0) & 0x3FFF
            elif child.get("show", "").startswith("Attribute:"):
                self.within.append(Attribute(child))
            elif name and name != "netlink.attr_len":
                self.leaves[name] = child.get("show", "")
        whole = bytes.fromhex(node.get("value", ""))
        self.payload = whole[4 : int.from_bytes(whole[:2], "little")]

    @property
    def number_shown(self) -> int:
        """The one number that tshark shows for the payload."""
        (shown,) = {text for name, text in self.leaves.items() if name != "netlink.attr_data"}
        return int(shown, 0)

    @property
    def text_shown(self) -> str:
        """The one text that tshark shows for the payload."""
        (shown,) = self.leaves.values()
        return shown

    def find(self, *names: str) -> Attribute | None:
        """An attribute within, by the names on the way."""
        return find(self.within, *names)


def find(among: list[Attribute], *names: str) -> Attribute | None:
    """An attribute by tshark's names on the way; the first name may be followed by what tshark adds to it."""
    for one in among:
        if one.name == names[0] or one.name.startswith(names[0] + ":"):
            return one if len(names) == 1 else find(one.within, *names[1:])
    return None


class Dissection:
    """One message. ``header`` and ``fields``: tshark's fields by name; ``family``: what it calls a generic family;
    ``complete``: False where tshark gave up in the packet; ``rest``: what it left undissected, in hexadecimal."""

    def __init__(self, frame: int, offset: int) -> None:
        self.key = frame, offset
        self.header: dict[str, int] = {}
        self.fields: dict[str, str] = {}
        self.attributes: list[Attribute] = []
        self.family = ""
        self.complete = True
        self.rest: bytes | None = None

    def find(self, *names: str) -> Attribute | None:
        """An attribute by the names on the way to it."""
        return find(self.attributes, *names)


def sampled(event: Event, source: Recording) -> bool:
    """Whether a message of a generic family is in the sample."""
    assert isinstance(event.payload, GenericInfo)
    if source.name not in SAMPLE:
        return True
    described = event.msg_type != NLCTRL and event.payload.genl_cmd == NEW_WIPHY
    return event.msg_type != NLCTRL and (event.frame < FIRST or not described)


@cache
def dissected(source: Recording) -> list[Dissection]:
    """Every message of a recording that tshark sees; zeros behind a request, which it takes for one, are left out."""
    tshark = require_program("tshark")
    with source.path.open("rb") as raw:
        plain = zstandard.ZstdDecompressor().stream_reader(raw).read()
    shown = subprocess.run(
        [tshark, "-n", "-r", "-", "-T", "pdml", "-Y", SAMPLE.get(source.name, "netlink")],
        input=plain,
        capture_output=True,
        check=True,
    ).stdout.decode()
    packets = shown.split("<packet>")[1:]
    return [one for text in packets for one in _packet(_tree(text))]


def _tree(packet: str) -> ElementTree.Element:
    """The tree of a packet; of generic messages without what is inside their attributes, which is most of it."""
    body = packet[: packet.index("</packet>")]
    if '<proto name="genl"' in body and 'show="Netlink message"' not in body:
        body = DEEP.sub("", body)
    return ElementTree.fromstring(f"<packet>{body}</packet>")


def _packet(packet: ElementTree.Element) -> Iterator[Dissection]:
    found: list[Dissection] = []
    malformed = False
    number = int(packet.findall("proto[@name='geninfo']/field[@name='num']")[0].get("show", "0"))
    for proto in packet:
        malformed = malformed or proto.get("name") == "_ws.malformed"
        if proto.get("name") in {"geninfo", "frame", "netlink"}:
            continue
        nodes: Any = list(proto)
        while nodes:
            node = nodes.pop(0)
            name, shown = node.get("name", ""), node.get("show", "")
            if shown == "Netlink message":
                nodes[:0] = list(node)
            elif shown.startswith("Netlink message header"):
                found.append(Dissection(number, int(node.get("pos", "0")) - COOKED_HEADER))
                _header(found[-1], node)
            elif shown.startswith("Attribute") and not name and found:
                found[-1].attributes.append(Attribute(node))
            elif name == "data" and found:
                found[-1].rest = bytes.fromhex(node.get("value", ""))
            elif name and found:
                found[-1].fields[name] = shown
    before: Dissection | None = None
    for one in found:
        one.complete = not malformed
        # In an error tshark also counts the header of the request that it echoes.
        echo = before is not None and before.header["type"] == NLMSG_ERROR and one.key[1] == before.key[1] + 20
        if one.header["len"] >= 16 and not echo:
            before = one
            yield one


def _header(message: Dissection, node: ElementTree.Element) -> None:
    for field in node:
        name, value = field.get("name", ""), field.get("value", "")
        if name in {"netlink.hdr_len", "netlink.hdr_seq", "netlink.hdr_pid"}:
            message.header[name[-3:]] = int(field.get("show", "0"))
        elif name == "netlink.hdr_flags":
            message.header["flags"] = int(field.get("show", "0"), 0)
        elif name == "genl.family_id":
            message.family = (re.findall(r"\((\S+)\)$", field.get("showname", "")) or [""])[0]
            message.header["type"] = int(field.get("show", "0"), 0)
        elif name.endswith(("hdr_type", "nltype")):
            message.header["type"] = int(field.get("show", "0"), 0)
        elif name:
            message.fields[name] = value
