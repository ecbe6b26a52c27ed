"""What a refused call says."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from nlmon.errors import TransportError
from nlmon.transport.kernel.sockets import failed, open_socket
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


@pytest.mark.parametrize(
    ("number", "code", "what"),
    [
        (errno.EPROTONOSUPPORT, "NLM-T001", "the kernel has no netlink protocol 12"),
        (errno.EAFNOSUPPORT, "NLM-T001", "the kernel has no netlink protocol 12"),
        (errno.EMFILE, "NLM-T002", "the kernel refuses a socket for protocol 12"),
        (errno.ENOBUFS, "NLM-T002", "the kernel refuses a socket for protocol 12"),
        (errno.EPERM, "NLM-T002", "the kernel refuses a socket for protocol 12"),
    ],
)
def test_why_there_is_no_socket(number: int, code: str, what: str) -> None:
    """A protocol that is not there is another thing than a process with too many open files."""

    def refuse(*_: int) -> socket.socket:
        raise OSError(number, os.strerror(number))

    with pytest.raises(TransportError) as raised:
        open_socket(12, None, refuse)

    assert (raised.value.code, raised.value.what, raised.value.errno) == (code, what, number)
