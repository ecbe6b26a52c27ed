"""What a refused call says."""

from __future__ import annotations

import errno

import pytest

from nlmon.transport.kernel.sockets import failed
from nlmon.uapi import NETLINK_AUDIT, NETLINK_ROUTE

HINTS = [
    (NETLINK_ROUTE, errno.EPERM, "run as root or in a user namespace: unshare --user --map-root-user --net"),
    (
        *(NETLINK_AUDIT, errno.EPERM),
        "NETLINK_AUDIT is for root outside of user namespaces alone; name the other protocols by --protocol",
    ),
    (NETLINK_AUDIT, errno.EMFILE, ""),
]


@pytest.mark.parametrize(("protocol", "number", "hint"), HINTS)
def test_a_hint_leads_to_what_helps(protocol: int, number: int, hint: str) -> None:
    """Where privilege is missing, who has it; a user namespace gives none of audit."""
    assert failed("NLM-T002", "a socket", OSError(number, ""), protocol).hint == hint
