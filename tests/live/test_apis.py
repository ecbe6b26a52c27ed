"""The interfaces for programs on the running kernel: losses, cancellation, and what is left open."""

from __future__ import annotations

import pytest

from support.namespaces import inside

pytestmark = pytest.mark.live

LOSSES = """
import asyncio, os, sys
from support.live import done, ip
from nlmon.api import Monitor, NetlinkConfig
async def main(use_libnl):
    async with Monitor(NetlinkConfig(use_libnl=use_libnl, receive_buffer=4096)) as monitor:
        monitor.start()
        for number in range(60): ip("link", "set", "lo", "mtu", str(2000 + number))
        lost, last = 0, 0
        async for event in monitor:
            data = event.netlink.data
            if data.overrun is not None:
                lost = data.overrun.drops
                ip("link", "set", "lo", "mtu", "1500")
            elif data.link is not None:
                last = data.link.mtu
            if lost and last == 1500:
                break
    return lost > 0, monitor.protocols
before = len(os.listdir("/proc/self/fd"))
found = [asyncio.run(asyncio.wait_for(main(use_libnl), 60)) for use_libnl in (False, True)]
done([found, len(os.listdir("/proc/self/fd")) - before])
"""


def test_a_loss_comes_as_an_event_and_reading_goes_on() -> None:
    """With either implementation, in the loop of a program that was elsewhere while a small buffer filled."""
    assert inside(LOSSES) == [[[True, []], [True, []]], 0]


CANCELLED = """
import asyncio, os
from support.live import done
from nlmon.api import Monitor, NetlinkConfig
def opened(): return len(os.listdir("/proc/self/fd"))
async def main(use_libnl):
    monitor = Monitor(NetlinkConfig(use_libnl=use_libnl, enable_generic=True, enable_sock_diag=True))
    await asyncio.sleep(0)
    before = opened()
    monitor.start()
    async def listen():
        async for _ in monitor: pass
    task = asyncio.create_task(listen())
    await asyncio.sleep(0)
    while opened() < before + 6: await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return opened() - before, monitor.protocols
done([asyncio.run(main(use_libnl)) for use_libnl in (False, True)])
"""


def test_cancellation_leaves_no_socket_open() -> None:
    """Neither of events nor of requests, of three protocols, though nobody closed the monitor."""
    assert inside(CANCELLED) == [[0, []], [0, []]]
