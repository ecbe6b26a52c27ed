"""nl80211 by tshark, by pyroute2 and by ``iw``, each in the words of our payload.

Numbers of the kernel that stand here are those of linux/nl80211.h.

Not here: comparing (``table``), headers and families (``generic``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyroute2.netlink.nl80211 import nl80211cmd

from nlmon.capture.segment import Role
from nlmon.events import Event, GenericInfo
from peers.pieces import hexadecimal, payload, shown, text
from peers.recording import BACKENDS, Message, Recording
from peers.table import Case, Excuse, Witness
from peers.tshark import Dissection, dissected, sampled

__all__ = ["CASES"]

GENERIC = 16
VENDOR, NEW_INTERFACE, NEW_STATION, FRAME, CONTROL_PORT_FRAME = 103, 7, 19, 59, 129
QCA = 0x001374
AT_ONCE = 500_000_000
Fields = dict[str, Any]


def is_nl80211(event: Event, _: Recording) -> bool:
    """A message of nl80211."""
    return isinstance(event.payload, GenericInfo) and event.payload.genl_family_name == "nl80211"


def family(source: Recording) -> int:
    """The number of nl80211, as ``genl ctrl get name nl80211`` printed it."""
    (row,) = source.commands("genl ctrl get name nl80211")
    return int(re.findall(r"ID: (0x\w+)", row["stdout"])[0], 16)


def announced(source: Recording) -> list[Message]:
    """Messages of nl80211, whoever sent them."""
    number = family(source)
    return [one for one in source.messages if one.frame.protocol == GENERIC and one.header.type == number]


def vendor(command: int, fields: Fields) -> Fields:
    """The fields of a vendor command, which no other command has."""
    if command != VENDOR:
        return {"vendor_id": None, "vendor_subcmd": None, "qca_vendor": None}
    found = {"vendor_id": fields["id"], "vendor_subcmd": fields["subcmd"]}
    if fields["id"] != QCA:
        return {**found, "qca_vendor": None}
    return {
        **found,
        "qca_vendor.vendor_id": fields["id"],
        "qca_vendor.subcmd": fields["subcmd"],
        "qca_vendor.data": fields["data"],
    }


def in_sample(event: Event, source: Recording) -> bool:
    """A message that tshark is asked for."""
    return is_nl80211(event, source) and sampled(event, source)


# -- tshark ------------------------------------------------------------------------------------------------------

NUMBERS = {
    "wiphy": "WIPHY",
    "ifindex": "IFINDEX",
    "iftype": "IFTYPE",
    "freq": "WIPHY_FREQ",
    "wdev": "WDEV",
    "channel_type": "WIPHY_CHANNEL_TYPE",
    "channel_width": "CHANNEL_WIDTH",
    "center_freq1": "CENTER_FREQ1",
    "reason_code": "REASON_CODE",
    "status_code": "STATUS_CODE",
}
TEXTS = {"ifname": "IFNAME", "mac": "MAC", "wiphy_name": "WIPHY_NAME"}
FLAGS = {"timed_out": "TIMED_OUT", "disconnected_by_ap": "DISCONNECTED_BY_AP"}
HEX = {"id": "VENDOR_ID", "subcmd": "VENDOR_SUBCMD"}


def message_by_tshark(m: Dissection) -> Fields:
    """Every field; SSID and frame are bytes to tshark."""

    def find(name: str) -> Any:
        return m.find(f"NL80211_ATTR_{name}")

    ssid, frame, data = (payload(find(name)) for name in ("SSID", "FRAME", "VENDOR_DATA"))
    found = {
        "cmd": int(m.fields["nl80211.cmd"]),
        **{ours: shown(find(theirs)) for ours, theirs in NUMBERS.items()},
        **{ours: text(find(theirs)) for ours, theirs in TEXTS.items()},
        **{ours: True if find(theirs) else None for ours, theirs in FLAGS.items()},
        "ssid": None if ssid is None else ssid.decode("utf-8", "backslashreplace"),
        "frame": None if frame is None else frame.hex(),
    }
    more = {ours: shown(find(theirs)) for ours, theirs in HEX.items()}
    return {
        **{f"nl80211.{name}": value for name, value in found.items()},
        **vendor(int(m.fields["nl80211.cmd"]), {**more, "data": None if data is None else data.hex()}),
    }


def by_tshark(source: Recording) -> Iterator[Witness]:
    """Every message."""
    wanted = {one.key for one in announced(source)}
    for m in dissected(source):
        if m.key in wanted:
            yield Witness(m.key, message_by_tshark(m))


# -- pyroute2 ----------------------------------------------------------------------------------------------------

TYPED = ("wiphy", "ifindex", "iftype", "freq", "wdev", "channel_width", "center_freq1", "reason_code")
UNTYPED = ("channel_type", "status_code")


def message_by_pyroute2(data: bytes) -> Fields:
    """Every field; some are hexadecimal to pyroute2."""
    m = nl80211cmd(data)
    m.decode()

    def find(name: str) -> Any:
        return m.get_attr(f"NL80211_ATTR_{name}")

    frame, raw = find("FRAME"), find("VENDOR_DATA")
    found = {
        "cmd": m["cmd"],
        **{name: find(NUMBERS[name]) for name in TYPED},
        **{name: hexadecimal(find(NUMBERS[name])) for name in UNTYPED},
        **{ours: find(theirs) for ours, theirs in TEXTS.items()},
        **{ours: None if find(theirs) is None else True for ours, theirs in FLAGS.items()},
        "ssid": find("SSID"),
        "frame": None if frame is None else frame.replace(":", ""),
    }
    more = {ours: hexadecimal(find(theirs)) for ours, theirs in HEX.items()}
    return {
        **{f"nl80211.{name}": value for name, value in found.items()},
        **vendor(m["cmd"], {**more, "data": None if raw is None else raw.replace(":", "")}),
    }


def by_pyroute2(source: Recording) -> Iterator[Witness]:
    """Every message."""
    for one in announced(source):
        yield Witness(one.key, message_by_pyroute2(one.data))


# -- iw ----------------------------------------------------------------------------------------------------------

INTERFACE_TYPES = {
    "IBSS": 1,
    "station": 2,
    "managed": 2,
    "access point": 3,
    "AP": 3,
    "monitor": 6,
    "P2P-Device": 10,
}
WIDTHS = {"20 MHz (no HT)": 0, "20 MHz": 1}
CHANNEL_TYPES = {"No HT": 0, "HT20": 1}
MAC = r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"
# What iw says of a notification, and its command; parts with a name are fields.
EVENTS = [
    (3, r"renamed to (?P<wiphy_name>\S+)"),
    (4, r"delete wiphy"),
    (6, r"set interface type (?P<iftype>.*) use 4addr 0"),
    (7, r"new interface type (?P<iftype>.*) use 4addr 0"),
    (8, r"del interface type (?P<iftype>.*) use 4addr 0"),
    (15, r"unknown event 15 \(start_ap\)"),
    (19, rf"new station (?P<mac>{MAC})"),
    (20, rf"del station (?P<mac>{MAC})"),
    (33, r"scan started"),
    (34, r"scan finished: .*"),
    (35, r"scan aborted: .*"),
    (36, r"regulatory domain change: .*"),
    (37, r"auth: (?P<timed_out>timed out)"),
    (37, rf"auth {MAC} -> {MAC} status: \d+: .* \[frame: (?P<frame>[0-9a-f ]*)\]"),
    (38, rf"assoc {MAC} -> {MAC} status: \d+: .* \[frame: (?P<frame>[0-9a-f ]*)\]"),
    (39, rf"deauth {MAC} -> {MAC} reason \d+: .* \[frame: (?P<frame>[0-9a-f ]*)\]"),
    (46, rf"(?P<status_code>connected) to (?P<mac>{MAC})"),
    (48, r"disconnected \((?:(?P<disconnected_by_ap>by AP)|local request)\) reason: (?P<reason_code>\d+): .*"),
    (55, r"remain on freq (?P<freq>\d+) \(\d+ms, cookie \w+\)"),
    (56, r"done with remain on freq (?P<freq>\d+) \(cookie \w+\)"),
    (60, r"mgmt TX status \(cookie \w+\): (?:no ack|acked)"),
    (64, r"CQM event: .*"),
    (88, r"channel switch (?P<channel>freq=.*)"),
    (103, r"vendor event (?P<vendor>\w+:\d+)vendor event: (?P<data>[0-9a-f ]*)"),
    (110, r"channel switch started \(count=\d+\) (?P<channel>freq=.*)"),
    (128, rf"sta opmode changed (?P<mac>{MAC}) smps mode \d+"),
    (139, r"ctrl\. port TX status \(cookie \w+\): acked"),
]
# How a line says what it is about.
WHERE = [
    r"phy #(?P<wiphy>\d+): ",
    r"wdev (?P<wdev>0x\w+) \(phy #(?P<wiphy>\d+)\): ",
    r"(?P<ifname>\w+) \(phy #(?P<wiphy>\d+)\): ",
    r"(?P<ifname>\w+): ",
]
# Where iw is silent, the attribute is absent: a line names the access point or the program, a time-out or a frame.
FLAG_OF = {"timed_out": "timed out", "disconnected_by_ap": "by AP"}


def event_by_iw(line: str, index: dict[str, int]) -> Fields:
    """A line of ``iw event -t -f``: time, interface or device, and what happened."""
    line = re.sub(r"^[\d.]+: ", "", line)
    head = next((hit for where in WHERE if (hit := re.match(where, line))), None)
    said_of = head.groupdict() if head else {}
    found: Fields = {name: int(value, 0) for name, value in said_of.items() if name in {"wiphy", "wdev"}}
    if "wdev" in said_of:
        found["ifindex"] = None
    if "ifname" in said_of:
        found["ifindex"] = index[said_of["ifname"]]
    line = line[head.end() :] if head else line
    for command, pattern in EVENTS:
        said = re.fullmatch(pattern, line.strip())
        if said is not None:
            return {
                "genl_cmd": command,
                "nl80211.cmd": command,
                **({"event.interface": said_of["ifname"]} if "ifname" in said_of else {}),
                **{f"nl80211.{name}": value for name, value in found.items()},
                **event_fields(said.groupdict()),
            }
    raise ValueError(f"no rule for {line!r}")


def event_fields(said: dict[str, str | None]) -> Fields:
    """The named parts of a line as fields."""
    found: Fields = {}
    for name, value in said.items():
        if name in FLAG_OF:
            found[name] = True if value else None
        elif name == "iftype":
            found[name] = INTERFACE_TYPES[value or ""]
        elif name == "frame":
            found |= {name: (value or "").replace(" ", ""), "timed_out": None}
        elif name == "status_code":
            found[name] = 0
        elif name == "channel":
            found |= channel(value or "")
        elif name in {"freq", "reason_code"}:
            found[name] = int(value or 0)
        elif name in {"mac", "wiphy_name"}:
            found[name] = value
    made = {f"nl80211.{name}": value for name, value in found.items()}
    if "vendor" in said:
        number, subcommand = (said["vendor"] or "").split(":")
        data = (said["data"] or "").replace(" ", "")
        made |= vendor(VENDOR, {"id": int(number, 16), "subcmd": int(subcommand), "data": data})
    return made


def channel(said: str) -> Fields:
    """``freq=2412 width="20 MHz" type="No HT" freq1=2412``."""
    words = dict(re.findall(r'(\w+)=(?:"([^"]*)"|)', said)) | dict(re.findall(r"(\w+)=(\d+)", said))
    return {
        "freq": int(words["freq"]),
        "channel_width": WIDTHS[words["width"]],
        "channel_type": CHANNEL_TYPES[words["type"]],
        "center_freq1": int(words["freq1"]),
    }


def groups(source: Recording) -> list[Message]:
    """Notifications of nl80211's groups: without received frames, which go to the program that asked for them, and
    without the copies for other listeners, which come at once and may stand a few messages behind."""
    number, found = family(source), list[Message]()
    for one in source.notifications(GENERIC):
        if one.header.type != number or one.data[16] in {FRAME, CONTROL_PORT_FRAME}:
            continue
        near = [before for before in found[-6:] if one.frame.timestamp - before.frame.timestamp < AT_ONCE]
        if all(one.data != before.data for before in near):
            found.append(one)
    return found


def events_by_iw(source: Recording) -> Iterator[Witness]:
    """``iw event`` against the notifications, in order."""
    (row,) = source.commands("iw event")
    index = source.devices()
    lines = [line for line in row["stdout"].splitlines() if re.match(r"\d+\.\d+: ", line)]
    yield from paired([event_by_iw(line, index) for line in lines], groups(source), row["cmd"])


def interface_by_iw(block: str, wiphy: int | None) -> Fields:
    """``Interface NAME`` and its indented lines."""
    words = dict(re.findall(r"^\s*(ifindex|wdev|addr|ssid|type|wiphy) (.*)$", block, re.MULTILINE))
    radio = re.search(r"channel \d+ \((\d+) MHz\), width: (.*), center1: (\d+) MHz", block)
    name = re.search(r"Interface (\S+)", block)
    return {
        "nl80211.cmd": NEW_INTERFACE,
        "nl80211.ifname": name and name[1],
        "nl80211.ifindex": int(words["ifindex"]) if "ifindex" in words else None,
        "nl80211.wdev": int(words["wdev"], 16),
        "nl80211.mac": words["addr"],
        "nl80211.ssid": words.get("ssid"),
        "nl80211.iftype": INTERFACE_TYPES[words["type"]],
        "nl80211.wiphy": int(words["wiphy"]) if wiphy is None else wiphy,
        "nl80211.freq": int(radio[1]) if radio else None,
        "nl80211.channel_width": WIDTHS[radio[2]] if radio else None,
        "nl80211.center_freq1": int(radio[3]) if radio else None,
    }


def listed_by_iw(source: Recording) -> Iterator[Witness]:
    """``iw dev``, ``iw dev NAME info`` and ``iw dev NAME station dump`` against the answers they printed, in order."""
    number, index = family(source), source.devices()
    for row in source.log:
        command = row.get("cmd", "")
        if not re.fullmatch(r"iw dev( \w+ (info|station dump))?", command):
            continue
        kind = NEW_STATION if command.endswith("dump") else NEW_INTERFACE
        answers = [
            one
            for one in source.during(row, GENERIC)
            if one.header.type == number and one.data[16] == kind and one.place.role in {Role.DUMP, Role.REPLY}
        ]
        if kind == NEW_STATION:
            stations = re.findall(rf"^Station ({MAC}) \(on (\w+)\)", row["stdout"], re.MULTILINE)
            said = [{"nl80211.cmd": kind, "nl80211.mac": mac, "nl80211.ifindex": index[on]} for mac, on in stations]
        else:
            said = []
            wiphy: int | None = None
            for block in re.split(r"^(?=phy#)|^(?=\s*Interface )", row["stdout"], flags=re.MULTILINE):
                if block.startswith("phy#"):
                    wiphy = int(block.split("#")[1])
                elif block.strip():
                    said.append(interface_by_iw(block, wiphy))
        yield from paired(said, answers, command)


def paired(said: list[Fields], found: list[Message], command: str) -> Iterator[Witness]:
    """What was printed, and messages, in order."""
    assert len(said) == len(found), f"{command}: {len(said)} printed, {len(found)} messages"
    for fields, one in zip(said, found, strict=True):
        yield Witness(one.key, fields)


# -- cases -------------------------------------------------------------------------------------------------------

CAPTURE = ("03-nl80211",)
EVENT = {
    "nl80211.channel_width": Excuse(
        "iw event prints the widths 20_NOHT and 20 alike",
        lambda ours, theirs, _: (ours, theirs) == (0, 1),
    ),
}
# Every vendor command of the recordings is of Qualcomm Atheros, and every connection succeeded.
SILENT = frozenset({"qca_vendor", "nl80211.status_code"})
CASES = (
    Case("nl80211", "tshark", CAPTURE, BACKENDS, 3296, by_tshark, in_sample, silent=SILENT),
    Case("nl80211", "pyroute2", CAPTURE, BACKENDS, 6332, by_pyroute2, is_nl80211, silent=SILENT),
    Case("nl80211", "iw event", CAPTURE, BACKENDS, 232, events_by_iw, None, EVENT, SILENT - {"qca_vendor"}),
    Case("nl80211", "iw dev", CAPTURE, ("libnl",), 18, listed_by_iw),
)
