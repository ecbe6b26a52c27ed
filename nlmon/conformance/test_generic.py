"""Claims about NETLINK_GENERIC: families and their groups, nl80211, and vendor commands of Qualcomm Atheros.

Not here: control messages (``test_reading``).
"""

from __future__ import annotations

import errno

from nlmon.conformance.claim import by_design, claim, not_applicable
from nlmon.conformance.monitor import MonitorUnderTest, Start
from nlmon.errors import NotFound, TransportError
from nlmon.events import Nl80211Info, QcaVendorInfo
from nlmon.testing.messages import attr, family, generic, nested, number
from nlmon.testing.transport import GENERIC, FakeKernel
from nlmon.uapi import NL80211_CMD_VENDOR, QCA_NL80211_VENDOR_ID

__all__ = ()

NL80211, SCAN, MLME, ACPI, EVENTS = 28, 20, 21, 30, 24
SUBCOMMAND = 334
NAMELESS = by_design("families have no names for it")
NO_NAMES = not_applicable("families have no names for it")


def host(**more: bytes) -> FakeKernel:
    """A kernel with nl80211 and acpi_event, whose groups end at 32."""
    kernel = FakeKernel()
    kernel.families = {
        "nl80211": family(NL80211, "nl80211", {"scan": SCAN, "mlme": MLME}),
        "acpi_event": family(ACPI, "acpi_event", {"acpi_mc_group": EVENTS}),
        **more,
    }
    kernel.group_errors = dict.fromkeys(range(33, 257), errno.EINVAL)
    return kernel


def vendor(oui: int, *, command: int = NL80211_CMD_VENDOR) -> bytes:
    """A message of nl80211 with the attributes of a vendor command."""
    return generic(
        NL80211, command, attr(195, number("I", oui)), attr(196, number("I", SUBCOMMAND)), attr(197, b"\1\2")
    )


def unannounced(monitor: MonitorUnderTest) -> bytes:
    """A family appears, and its group; the message that nlctrl would send."""
    del monitor.kernel.group_errors[40]
    monitor.kernel.families["taskstats"] = family(31, "TASKSTATS", {"late": 40})
    return monitor.kernel.families["taskstats"]


def late(monitor: MonitorUnderTest) -> None:
    """A family appears, and nlctrl says so."""
    monitor.receive(unannounced(monitor), protocol=GENERIC)


@claim(
    "generic.groups",
    "The groups of every family that is there are joined.",
    source="guide#new-libnl-based-implementation; guide#scenario-2-wifi-monitoring",
)
def test_groups(start: Start) -> None:
    assert {SCAN, MLME, EVENTS} <= start(GENERIC, kernel=host()).kernel.groups(GENERIC)


@claim(
    "generic.groups.privilege",
    "When the kernel refuses a group, as some need CAP_NET_ADMIN, the others are joined.",
    source="guide#issue-events-not-being-captured-with-libnl; linux/genetlink.h GENL_UNS_ADMIN_PERM",
)
def test_privilege(start: Start) -> None:
    kernel = host()
    kernel.group_errors[SCAN] = errno.EPERM
    assert start(GENERIC, kernel=kernel).kernel.groups(GENERIC) & {SCAN, MLME, EVENTS} == {MLME, EVENTS}


@claim(
    "generic.groups.reported",
    "A group that the kernel refuses is reported.",
    source="guide#new-libnl-based-implementation; guide#issue-events-not-being-captured-with-libnl",
    legacy=by_design("it tries every number and takes a refusal for a group that is not there"),
)
def test_refused_group(start: Start) -> None:
    kernel = host()
    kernel.group_errors[SCAN] = errno.EPERM
    monitor = start(GENERIC, kernel=kernel)
    assert [error.errno for error in monitor.errors if isinstance(error, TransportError)] == [errno.EPERM]


@claim(
    "generic.late",
    "The groups of a family that appears later are joined.",
    source="guide#issue-generic-netlink-family-not-found",
    legacy=by_design("it joins groups by number, those that there are when it begins"),
)
def test_late(start: Start) -> None:
    monitor = start(GENERIC, kernel=host())
    late(monitor)
    assert 40 in monitor.kernel.groups(GENERIC)


@claim(
    "generic.gone",
    "The groups of a family that goes are left, since the kernel gives their numbers to others.",
    source="guide#new-libnl-based-implementation; net/netlink/genetlink.c",
    legacy=by_design("it joins groups by number, whosesoever they are"),
)
def test_gone(start: Start) -> None:
    monitor = start(GENERIC, kernel=host())
    monitor.receive(family(ACPI, "acpi_event", {"acpi_mc_group": EVENTS}, command=2), protocol=GENERIC)
    assert monitor.kernel.groups(GENERIC) & {SCAN, MLME, EVENTS} == {SCAN, MLME}


@claim(
    "generic.chosen",
    "Of the families that are named the groups are joined, and no others.",
    source="guide#libnl-specific-options",
    legacy=by_design("families have no names for it, so that it joins all groups"),
)
def test_chosen(start: Start) -> None:
    monitor = start(GENERIC, kernel=host(), generic_families=("nl80211",))
    assert monitor.kernel.groups(GENERIC) & {SCAN, MLME, EVENTS} == {SCAN, MLME}


@claim(
    "generic.chosen.late",
    "A family that is named and not there is said to be missing, until it comes.",
    source="guide#issue-generic-netlink-family-not-found",
    legacy=NAMELESS,
)
def test_missing(start: Start) -> None:
    monitor = start(GENERIC, kernel=host(), generic_families=("nl80211", "taskstats"))
    missing = monitor.backend.unresolved()
    late(monitor)
    assert (missing, monitor.backend.unresolved()) == (("taskstats",), ())


@claim(
    "generic.chosen.case",
    "A family is found by its name in lower case, which the kernel may write otherwise.",
    source="guide#libnl-specific-options; linux/taskstats.h TASKSTATS_GENL_NAME",
    legacy=NO_NAMES,
)
def test_case(start: Start) -> None:
    kernel = host(taskstats=family(31, "TASKSTATS", {"events": 26}))
    assert 26 in start(GENERIC, kernel=kernel, generic_families=("taskstats",)).kernel.groups(GENERIC)


@claim(
    "generic.refresh",
    "Families that came unannounced are found when one asks to look again.",
    source="guide#issue-generic-netlink-family-not-found",
    legacy=by_design("it joins groups by number, those that there are when it begins"),
)
def test_refresh(start: Start) -> None:
    monitor = start(GENERIC, kernel=host())
    unannounced(monitor)
    monitor.backend.refresh()
    assert 40 in monitor.kernel.groups(GENERIC)


@claim(
    "generic.overrun",
    "Families whose announcement was lost in an overrun are found.",
    source="guide#issue-connection-loss-and-reconnection",
    legacy=by_design("it joins groups by number, those that there are when it begins"),
)
def test_overrun(start: Start) -> None:
    monitor = start(GENERIC, kernel=host())
    unannounced(monitor)
    monitor.kernel.overrun(GENERIC)
    assert 40 in monitor.run(GENERIC).kernel.groups(GENERIC)


@claim(
    "generic.resolve",
    "A family's number is found by its name; a name that is not there is an error that says so.",
    source="guide#direct-libnl-api-advanced; guide#issue-generic-netlink-family-not-found",
    legacy=NO_NAMES,
)
def test_resolve(start: Start) -> None:
    monitor = start(GENERIC, kernel=host())
    text = ""
    try:
        monitor.backend.resolve("nl80212")
    except NotFound as error:
        text = error.text
    assert monitor.backend.resolve("nl80211") == NL80211
    assert "Failed to resolve family 'nl80212'" in text


@claim(
    "generic.event",
    "A message of any family is an event with command, version and number of the family.",
    source="guide#event-structure-changes; linux/genetlink.h",
)
def test_event(start: Start) -> None:
    monitor = start(GENERIC, kernel=host())
    found = [monitor.payload(generic(number_, 5, version=2), protocol=GENERIC) for number_ in (NL80211, ACPI, 99)]
    assert [(one.genl_family_id, one.genl_cmd, one.genl_version) for one in found] == [
        (NL80211, 5, 2),
        (ACPI, 5, 2),
        (99, 5, 2),
    ]


@claim(
    "generic.name",
    "An event has the name of its family.",
    source="guide#event-structure-changes; guide#new-libnl-based-implementation",
    legacy=NAMELESS,
)
def test_name(start: Start) -> None:
    monitor = start(GENERIC, kernel=host())
    names = [monitor.payload(generic(one, 5), protocol=GENERIC).genl_family_name for one in (NL80211, ACPI)]
    assert names == ["nl80211", "acpi_event"]


@claim(
    "generic.attributes",
    "The attributes of a family that is not nl80211 are given as they are.",
    source="guide#event-structure-changes",
    legacy=by_design("it reads the two numbers of vendor commands alone"),
)
def test_attributes(start: Start) -> None:
    found = start(GENERIC, kernel=host()).payload(generic(ACPI, 1, attr(1, b"\1\2\3\4")), protocol=GENERIC)
    assert found.attributes == ((1, "01020304"),)


@claim(
    "generic.nl80211",
    "An event of nl80211 has wiphy, interface, type of interface, address, frequency and channel type.",
    source="guide#scenario-2-wifi-monitoring; linux/nl80211.h",
    legacy=by_design("it has no fields of nl80211"),
)
def test_nl80211(start: Start) -> None:
    rows = [attr(kind, number("I", value)) for kind, value in ((1, 0), (3, 5), (5, 2), (38, 5180), (39, 3))]
    data = generic(NL80211, 46, *rows, attr(6, bytes.fromhex("020000000001")))
    found = start(GENERIC, kernel=host()).payload(data, protocol=GENERIC).nl80211
    assert isinstance(found, Nl80211Info)
    values = found.cmd, found.wiphy, found.ifindex, found.iftype, found.mac, found.freq, found.channel_type
    assert values == (46, 0, 5, 2, "02:00:00:00:00:01", 5180, 3)


@claim(
    "generic.nl80211.nested",
    "Attributes of nl80211 that hold others end nothing.",
    source="guide#scenario-2-wifi-monitoring; linux/nl80211.h",
)
def test_nested(start: Start) -> None:
    monitor = start(GENERIC, kernel=host())
    monitor.payload(generic(NL80211, 34, nested(45, attr(1, b"ssid")), attr(1, number("I", 0))), protocol=GENERIC)
    assert monitor.errors == []


@claim(
    "generic.vendor",
    "A vendor command has its vendor and its whole subcommand, whichever vendor it is.",
    source="guide#related-guides; linux/nl80211.h NL80211_CMD_VENDOR",
)
def test_vendor(start: Start) -> None:
    monitor = start(GENERIC, kernel=host())
    found = [monitor.payload(vendor(oui), protocol=GENERIC) for oui in (QCA_NL80211_VENDOR_ID, 0x1018)]
    assert [(one.genl_cmd, one.vendor_id, one.vendor_subcmd) for one in found] == [
        (NL80211_CMD_VENDOR, QCA_NL80211_VENDOR_ID, SUBCOMMAND),
        (NL80211_CMD_VENDOR, 0x1018, SUBCOMMAND),
    ]


@claim(
    "generic.vendor.command",
    "The numbers of a vendor are read in vendor commands alone.",
    source="linux/nl80211.h NL80211_CMD_VENDOR",
)
def test_other_command(start: Start) -> None:
    found = start(GENERIC, kernel=host()).payload(vendor(QCA_NL80211_VENDOR_ID, command=7), protocol=GENERIC)
    assert (found.vendor_id, found.vendor_subcmd) == (None, None)


@claim(
    "generic.qca",
    "A vendor command of Qualcomm Atheros has an entry of its own, with its data.",
    source="guide#event-structure-changes; guide#related-guides",
    legacy=by_design("it has no entry for vendor commands"),
)
def test_qca(start: Start) -> None:
    monitor = start(GENERIC, kernel=host())
    ours, others = (
        monitor.payload(vendor(oui), protocol=GENERIC).qca_vendor for oui in (QCA_NL80211_VENDOR_ID, 0x1018)
    )
    assert isinstance(ours, QcaVendorInfo)
    assert (ours.vendor_id, ours.subcmd, ours.data) == (QCA_NL80211_VENDOR_ID, SUBCOMMAND, "0102")
    assert others is None
