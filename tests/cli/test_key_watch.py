"""When a recording is said to hold keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.cli.keys import KeyWatch
from nlmon.testing.messages import generic, message, new_family
from nlmon.transport.recorder import Way

ROUTE, XFRM, GENERIC = 0, 6, 16
NEWSA, GETSA, FAMILY = 16, 18, 30


class Nowhere:
    """A sink that keeps nothing."""

    def add_socket(self, name: str, protocol: int) -> int:
        """Declare a socket; its number is that of the protocol."""
        return protocol

    def write(self, *, socket: int, timestamp: int, data: bytes, direction: Way) -> None:
        """Keep nothing."""

    def lost(self, socket: int, drops: int) -> None:
        """Keep nothing."""


ROWS = [
    ([(ROUTE, message(16, bytes(16)))], ""),
    ([(XFRM, message(GETSA))], ""),
    ([(XFRM, message(NEWSA))], "NETLINK_XFRM"),
    ([(GENERIC, new_family(FAMILY, "netdev"))], ""),
    ([(GENERIC, generic(FAMILY, 1))], "NETLINK_GENERIC"),
    ([(GENERIC, generic(FAMILY, 1)), (GENERIC, new_family(FAMILY, "netdev"))], ""),
    ([(GENERIC, new_family(FAMILY, "wireguard")), (GENERIC, generic(FAMILY, 1))], "NETLINK_GENERIC"),
    ([(XFRM, message(NEWSA)), (GENERIC, generic(FAMILY, 1))], "NETLINK_XFRM and NETLINK_GENERIC"),
]


@pytest.mark.parametrize(("written", "named"), ROWS)
def test_a_family_without_keys_is_no_reason(
    written: list[tuple[int, bytes]], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """IPsec is one, beside our own requests, and a family that can have keys or that nobody names."""
    watch = KeyWatch(Nowhere(), "little")
    for protocol in (ROUTE, XFRM, GENERIC):
        watch.add_socket("", protocol)
    for protocol, data in written:
        watch.write(socket=protocol, timestamp=0, data=data, direction="in")

    watch.warn(Path("a.pcapng"))

    said = f"warning: a.pcapng may hold keys, in messages of {named}; only its owner may read it\n" if named else ""
    assert capsys.readouterr().err == said
