"""Squares and bombs: how the time of a replay grows with its host, and what memory a hostile file takes.

Sizes are not scaled: a host of 1,000 links and one of 8,000 are what the targets are about, and a bomb has 16 MB.

Not here: what is in these captures (``nlmon.testing.bombs``, ``nlmon.testing.squares``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.captures import Captures, write_pcap
from benchmarks.sample import Sample, timed
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.run import replay_capture
from nlmon.testing.bombs import bomb, interfaces
from nlmon.testing.squares import square
from nlmon.transport.recorded.faults import Fault

__all__ = ["BOMBS", "GROWTH", "LARGE", "SMALL", "WORK"]

SMALL, LARGE = "1,000 links", "8,000 links"
BYTES = 16_000_000
_RECOVERY = BackendOptions(resync=True, resync_interval=0.0)
_CACHES = BackendOptions(caches=("link", "addr", "route"))
# Messages that are lost, counted from the first one, or from the last.
_EARLY, _LATE = 5, -4
# Measurements by name: a square, the options of its replay, and where messages are lost, if any are.
GROWTH: dict[str, tuple[str, BackendOptions, int]] = {
    "links go": ("links go", BackendOptions(), 0),
    "links go, recovery": ("links go", _RECOVERY, _EARLY),
    "links go, caches": ("links go", _CACHES, 0),
    "stations move": ("stations move", BackendOptions(), 0),
    "routes are prepended": ("routes prepended", BackendOptions(), 0),
    "addresses go": ("addresses go", BackendOptions(), 0),
    "hops go": ("hops go", BackendOptions(), 0),
    "hops go, recovery": ("hops go", _RECOVERY, _EARLY),
    "hops stay, recovery": ("hops stay", _RECOVERY, _EARLY),
    "hops of many links": ("hops of many links", BackendOptions(), 0),
    "hops of one link": ("hops of one link", BackendOptions(), 0),
    "routes of one group, recovery": ("routes behind", _RECOVERY, _LATE),
    "sources go": ("sources go", BackendOptions(), 0),
    "local sources go": ("local sources go", BackendOptions(), 0),
    "families appear": ("families appear", BackendOptions(), 0),
    "family groups appear": ("family groups appear", BackendOptions(), 0),
}
# Bombs and, to compare with, many ordinary messages.
BOMBS = (
    *("many links", "interfaces", "unknown types", "hops", "open dumps"),
    *("next hops", "metrics", "dump of hops", "plain routes", "rules"),
)


def _replay(path: Path, options: BackendOptions, faults: tuple[Fault, ...] = ()) -> int:
    with open_capture(path) as reader:
        makers = partial(create, "legacy"), partial(create, "libnl")
        (report,) = replay_capture(reader, path.name, *makers, options=options, faults=faults)
    if report.verdict == "regression":
        raise SystemExit(f"the verdict on {path.name} is a regression: {report.reason}")
    return max(1, report.messages)


def grown(name: str, captures: Captures) -> Sample:
    """A replay of a host that has as many links as the name of its captures says."""
    kind, options, lost = GROWTH[name]
    path = captures.pcap.with_name(f"{kind}, {captures.name}.pcap")
    size = 1000 if captures.name == SMALL else 8000
    if not path.exists():
        write_pcap(path, *square(kind, size))
    frame = lost if lost >= 0 else lost + sum(1 for _ in square(kind, size)[1])
    return timed(lambda: _replay(path, options, (Fault(frame, 2),) if frame else ()))


def bombed(name: str, captures: Captures) -> Sample:
    """A replay of a bomb, for its memory."""
    path = captures.pcap.with_name(f"{name}.bomb")
    if not path.exists():
        if name == "interfaces":
            with path.open("wb") as out:
                out.writelines(interfaces(BYTES))
        else:
            write_pcap(path, *bomb(name, BYTES))
    return timed(lambda: _replay(path, BackendOptions()))


WORK: dict[str, Callable[[Captures], Sample]] = {
    **{name: partial(grown, name) for name in GROWTH},
    **{f"bomb of {name}": partial(bombed, name) for name in BOMBS},
}
