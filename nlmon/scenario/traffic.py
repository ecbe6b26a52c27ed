"""A flow of TCP or UDP between namespaces of a sandbox, made by the runner itself.

Rules:
1. Both ends are sockets of this process, opened inside; what is sent in one piece is received before the next.
2. A flow that does not come through ends at its deadline, as an ``OSError``.

Not here: the step that asks for one (``steps``).
"""

from __future__ import annotations

import socket
from contextlib import ExitStack

from nlmon.scenario.model import Traffic
from nlmon.scenario.sandbox import Sandbox

__all__ = ["send"]

PIECES = {"tcp": 16 * 1024, "udp": 1024}


def send(sandbox: Sandbox, flow: Traffic, deadline: float) -> None:
    """Send a flow from end to end. Raises ``OSError``."""
    family = socket.AF_INET6 if ":" in flow.address else socket.AF_INET
    kind = socket.SOCK_STREAM if flow.protocol == "tcp" else socket.SOCK_DGRAM
    with ExitStack() as stack:
        server = stack.enter_context(sandbox.open_socket(family, kind, netns=flow.target))
        client = stack.enter_context(sandbox.open_socket(family, kind, netns=flow.source))
        for one in (server, client):
            one.settimeout(deadline)
        server.bind((flow.address, flow.port))
        if flow.protocol == "tcp":
            server.listen()
        client.connect((flow.address, flow.port))
        receiver = server
        if flow.protocol == "tcp":
            receiver = stack.enter_context(server.accept()[0])
            receiver.settimeout(deadline)
        left = flow.size
        while left:
            piece = min(left, PIECES[flow.protocol])
            client.sendall(bytes(piece))
            _receive(receiver, piece)
            left -= piece


def _receive(receiver: socket.socket, size: int) -> None:
    while size:
        received = len(receiver.recv(size))
        if not received:
            raise ConnectionResetError(104, "the connection ended before all was received")
        size -= received
