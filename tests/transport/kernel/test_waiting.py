"""Waiting for descriptors that can be read."""

from __future__ import annotations

import resource
import socket

from nlmon.transport.kernel.waiting import readable


def test_what_can_be_read_is_named() -> None:
    """By its descriptor, also one above those that select(2) knows; nothing after the end of the time."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reader, writer = socket.socketpair()
    many: list[socket.socket] = []
    with reader, writer:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        try:
            while not many or many[-1].fileno() <= 1024:
                many.append(reader.dup())
            assert readable([many[-1]], 0) == []
            writer.send(b"x")
            assert readable([many[-1]], 0) == [many[-1].fileno()]
            assert readable([reader.fileno(), writer]) == [reader.fileno()]
        finally:
            for one in many:
                one.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_end_can_be_read() -> None:
    """Who waits for a socket learns that the other end is gone; a time that is over is no error."""
    reader, writer = socket.socketpair()
    with reader:
        writer.close()

        assert readable([reader], -1.0) == [reader.fileno()]
