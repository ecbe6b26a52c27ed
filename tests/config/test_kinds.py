"""A text is a value of a kind, or it is said why not and what to write."""

from __future__ import annotations

import pytest

from nlmon.config.kinds import (
    KB,
    MB,
    Address,
    Family,
    Kind,
    MessageType,
    Milliseconds,
    Number,
    Protocol,
    Server,
    Size,
    Switch,
    Text,
    Unfit,
    Word,
)

VALUES: list[tuple[Kind, str, object]] = [
    *((Switch(), text, True) for text in ("true", "True", "TRUE", "yes", "Yes", "on", "ON", "1")),
    *((Switch(), text, False) for text in ("false", "False", "no", "NO", "off", "Off", "0")),
    *((Size(0, MB), text, 64 * KB) for text in ("65536", "64KB", "64kb", "64Kb", "+64KB", "65536B")),
    (Size(0, MB), "1MB", MB),
    (Number(-5, 5), "-5", -5),
    (Number(0, 9), "007", 7),
    *((Milliseconds(0, 5000), text, 1000) for text in ("1000", "1000ms", "1s")),
    *((Protocol(), text, "NETLINK_ROUTE") for text in ("route", "ROUTE", "NETLINK_ROUTE", "0")),
    (Protocol(), "sock-diag", "NETLINK_SOCK_DIAG"),
    *((MessageType(), text, "RTM_NEWLINK") for text in ("RTM_NEWLINK", "16")),
    (MessageType(), "IPCTNL_MSG_CT_NEW", "IPCTNL_MSG_CT_NEW"),
    *(
        (Server(), text, text)
        for text in ("", "a", "logs.example.org:514", "192.0.2.1:514", "[2001:db8::1]:514", "[::1]")
    ),
    *((Address(), text, text) for text in ("127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1%eth0", "localhost")),
    (Family(), "nl80211", "nl80211"),
    (Text(begins="/"), "", ""),
]


@pytest.mark.parametrize(("kind", "text", "value"), VALUES)
def test_a_value(kind: Kind, text: str, value: object) -> None:
    """By the words of YAML and the names of the kernel, in the units that are documented."""
    assert (kind.read(text), type(kind.read(text))) == (value, type(value))


UNFIT: list[tuple[Kind, str, tuple[str, str]]] = [
    (Switch(), "ture", ("and neither true nor false", "did you mean true?")),
    (Switch(), "2", ("and neither true nor false", "")),
    (Switch(), "Y", ("and neither true nor false", "did you mean yes?")),
    (
        Switch(),
        "false - taskstats",
        ("and neither true nor false", "a line that begins with - belongs to it; is the key of that list missing?"),
    ),
    (Size(4096, MB), "32", ("less than 4096 bytes", "")),
    (Size(4096, MB), "2MB", ("more than 1048576 bytes", "")),
    (Size(4096, MB), "32K", ("and K is no unit", "write 32KB")),
    (Size(4096, MB), "32KiB", ("and KiB is no unit", "write 32KB")),
    (Size(4096, MB), "32 KB", ("and no size", "write 32KB")),
    (Size(4096, MB), "32 apples", ("and apples is no unit", "the units are KB, MB and GB")),
    (Size(4096, MB), "big", ("and no size", "write a number of bytes, or one with KB, MB or GB, such as 64KB")),
    (Size(4096, MB), "9" * 5000, ("more than any number here", "")),
    (Number(1, 9), "10k", ("and no whole number", "write digits alone")),
    (Number(1, 9), "1.5", ("and no whole number", "write digits alone")),
    (Number(1, 9), "10_000", ("and no whole number", "write 10000")),
    (Number(1, 9), "1,000,000", ("and no whole number", "write 1000000")),
    (Number(1, 9), "0x10", ("and no whole number", "write 16")),
    (Number(1, 9), "-" + "9" * 5000, ("less than any number here", "")),
    (Milliseconds(1, 9), "1h", ("and no time", "write milliseconds, such as 100 or 100ms")),
    (Word(("udp", "tcp")), "TCP", ("and none of its words", "did you mean tcp?")),
    (Text(3), "long", ("longer than 3 characters", "")),
    (Text(), "a\0", ("and no text may hold a character with the number 0", "")),
    (Text(begins="/"), "metrics", ("and does not begin with /", "write /metrics")),
    (Address(), "", ("and no address", "write 0.0.0.0 for every address of this host")),
    (Address(), "localhost:9090", ("and no address", "write localhost, and 9090 as the port")),
    (Address(), "[::1]:9090", ("and no address", "write ::1, and 9090 as the port")),
    (Address(), "a b", ("and no address", "")),
    (Server(), "a:0", ("and a port is 1 to 65535", "")),
    (Server(), "a:99999", ("and a port is 1 to 65535", "")),
    (Server(), "udp://a", ("and no host with a port", "write logs.example.org:514")),
    (Family(), "a-name-of-more-than-15", ("and the name of a family has 1 to 15 characters", "")),
    (Protocol(), "77", ("and no netlink protocol", "")),
    (Protocol(), "NETLINK_ROUT", ("and no netlink protocol", "did you mean route?")),
    (MessageType(), "RTM_NEWLNK", ("and no type of message", "did you mean RTM_NEWLINK?")),
    (MessageType(), "9999", ("and no type of message", "")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "said"), UNFIT)
def test_what_is_no_value(kind: Kind, text: str, said: tuple[str, str]) -> None:
    """A reason, and what to write where that can be known."""
    with pytest.raises(Unfit) as unfit:
        kind.read(text)

    assert (unfit.value.reason, unfit.value.hint) == said
