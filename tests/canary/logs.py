"""Event logs of hosts, with as many events as were counted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from zstandard import ZstdCompressor

from nlmon.canary.judging import Host

BEGIN, HOUR = 1_795_000_000_000_000_000, 3_600_000_000_000


def lines(host: Host) -> bytes:
    """A log of an hour; lines have what a comparison of hosts reads of them."""
    kinds = [kind for kind, number in host.types.items() for _ in range(number)]
    found = [{"type": "netlink", "netlink": {"msg_type": kind}} for kind in kinds]
    found += [{"type": "overrun", "netlink": {"msg_type": "NLMSG_NOOP"}}] * host.bad.get("overruns", 0)
    last = max(len(found) - 1, 1)
    text = "".join(json.dumps({**one, "timestamp": BEGIN + HOUR * at // last}) + "\n" for at, one in enumerate(found))
    return text.encode()


def write(folder: Path, hosts: list[Host], ending: str = ".json") -> str:
    """A file for each host; the pattern that finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in hosts:
        data = lines(one)
        if ending.endswith(".gz"):
            data = gzip.compress(data)
        elif ending.endswith(".zst"):
            data = ZstdCompressor().compress(data)
        (folder / f"{one.name}{ending}").write_bytes(data)
    return str(folder / "*")
