"""What is measured, in which order, and what of it a machine cannot do.

Not here: doing it (``ours``, ``live``, ``peers``), and what is wanted (``targets``).
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from benchmarks import growth, live, ours
from benchmarks.captures import Captures, build
from benchmarks.namespace import namespace
from benchmarks.peers.libraries import SCAPY_SHARE
from benchmarks.peers.programs import PROGRAMS, build_harness, build_libnl, measure_program
from benchmarks.sample import Sample

__all__ = ["Measurement", "Plan"]

MIXED, LINKS, BURST, STRANGERS, REPEATED = 100_000, 20_000, 20_000, 20_000, 20_000
MILLION = 1_000_000


class Measurement(Struct, frozen=True):
    """``key``: its name, unlike any other's; ``what``: one line for people; ``missing``: why it cannot be done here;
    ``wall``: several processes are at work, so that only the clock on the wall counts; ``once``: not in every round."""

    key: str
    what: str
    capture: str
    missing: str = ""
    wall: bool = False
    once: bool = False


_TABLE = [
    ("libnl in memory", "mixed", "ours: libnl, the second time, messages in memory as pyroute2 and libnl-3 have them"),
    ("libnl warm", "mixed", "ours: libnl, the second time"),
    ("libnl cold in memory", "mixed", "ours: libnl, the first time, messages in memory"),
    ("libnl cold", "mixed", "ours: libnl, the first time"),
    ("legacy in memory", "mixed", "ours: legacy, messages in memory"),
    ("legacy", "mixed", "ours: legacy"),
    ("dual", "mixed", "ours: both, compared, with a verdict"),
    ("nlmon decode", "mixed", "ours: nlmon decode, JSON lines"),
    ("decode by a program", "mixed", "nlmon decode by a harness in C around libnl-3, one datagram at a time"),
    ("decode by a program with a window", "mixed", "the same, 16 datagrams on their way"),
    ("pyroute2", "mixed", "pyroute2, six attributes"),
    ("scapy", "mixed", f"scapy, six attributes, every {SCAPY_SHARE}th message"),
    ("tshark ek", "mixed", "tshark -T ek"),
    ("tshark fields", "mixed", "tshark -T fields, eight of them"),
    ("ip monitor file", "mixed", "ip monitor file"),
    ("libnl-3 lines", "mixed", "libnl-3 (C), objects and lines of six values"),
    ("libnl-3 dump", "mixed", "libnl-3 (C), objects and nl_object_dump()"),
    ("libnl in memory", "links", "ours: libnl, the second time, messages in memory"),
    ("libnl warm", "links", "ours: libnl, the second time"),
    ("pyroute2", "links", "pyroute2, six attributes"),
    ("libnl-3 lines", "links", "libnl-3 (C), objects and lines of six values"),
    ("libnl warm", "conntrack", "ours: libnl, the second time"),
    ("pyroute2 conntrack", "conntrack", "pyroute2, six values"),
    ("libnl warm", "nl80211", "ours: libnl, the second time"),
    ("pyroute2 nl80211", "nl80211", "pyroute2, six attributes"),
    ("libnl warm", "recording", "ours: libnl, the second time"),
    ("legacy", "recording", "ours: legacy"),
    ("dual", "recording", "ours: both, compared, with a verdict, as recorded"),
    ("pyroute2", "recording", "pyroute2, six attributes of what has them"),
    ("filters", "recording", "ours: filters and the same comparisons by hand, taking turns"),
    ("layouts on", "strangers", "ours: libnl, no two layouts alike, with the layout cache"),
    ("layouts off", "strangers", "ours: libnl, no two layouts alike, without it"),
    ("jobs 1", "mixed", "ours: nlmon replay --jobs 1, eight captures"),
    ("jobs 2", "mixed", "ours: nlmon replay --jobs 2, eight captures"),
    ("drain", "running kernel", "ours: libnl, a full socket, decoded"),
    ("drain by pyroute2", "running kernel", "pyroute2, a full socket, get()"),
    ("burst 1 MiB", "running kernel", "ours: libnl, additions by ip -batch, 1 MiB receive buffer"),
    ("burst 32 KiB", "running kernel", "ours: libnl, additions by ip -batch, 32 KiB, with recovery"),
    ("burst 32 KiB without recovery", "running kernel", "ours: libnl, the same without recovery"),
    ("memory 1 M", "mixed", "ours: both, compared, one million messages piped in"),
    ("memory 10 M", "mixed", "ours: both, compared, ten million messages piped in"),
    *((key, size, f"ours: both, compared, {key}") for key in growth.GROWTH for size in (growth.SMALL, growth.LARGE)),
    *((f"bomb of {key}", "bombs", f"ours: both, compared, a bomb of {key}") for key in growth.BOMBS),
]


class Plan:
    """The measurements of one run, over captures in ``folder``. ``scale``: of the sizes of captures and bursts."""

    def __init__(self, folder: Path, scale: float = 1.0, *, long: bool = False) -> None:
        self.folder = folder
        self.scale = scale
        self.captures = build(folder, self._size(MIXED), self._size(LINKS), self._size(REPEATED), min(1.0, scale))
        self.captures["strangers"] = ours.write_strangers(folder, self.captures["mixed"], self._size(STRANGERS))
        self.captures["running kernel"] = burst = Captures(folder, "burst")
        burst.lines.write_text("".join(live.burst_lines(self._size(BURST))), encoding="ascii")
        self.captures |= {name: Captures(folder, name) for name in (growth.SMALL, growth.LARGE, "bombs")}
        no_libnl = build_libnl(folder)
        no_library = {name: _no_library(name) for name in ("pyroute2", "scapy")}
        self._missing = {
            **{key: no_library["pyroute2"] for key, *_ in _TABLE if "pyroute2" in key},
            "scapy": no_library["scapy"],
            **dict.fromkeys(("decode by a program", "decode by a program with a window"), build_harness(folder)),
            **{key: no_libnl for key, *_ in _TABLE if key.startswith("libnl-3")},
            **{key: _no_program(program.needs) for key, program in PROGRAMS.items() if program.needs},
            **dict.fromkeys(("memory 1 M", "memory 10 M"), "" if long else "takes minutes: --long"),
        }

    def _size(self, full: int) -> int:
        return max(100, int(full * self.scale))

    def measurements(self) -> Iterator[Measurement]:
        """All, in the order of a round."""
        for key, capture, what in _TABLE:
            wall, once = key.startswith(("jobs", "burst")), key.startswith(("memory", "bomb"))
            yield Measurement(f"{key}, {capture}", what, capture, self._missing.get(key, ""), wall, once)

    def measure(self, one: Measurement) -> Sample:
        """Do it once, in a process of its own. Raises ``SystemExit`` with the words of what failed."""
        key = one.key.removesuffix(f", {one.capture}")
        captures = self.captures[one.capture]
        if key in PROGRAMS:
            return measure_program(key, captures)
        if key.startswith("memory"):
            times = (10 if key == "memory 10 M" else 1) * self._size(MILLION) // self._size(MIXED)
            return _child([], "memory", captures, partial(_repeat, captures.pcap, times))
        prefix = namespace() if key in live.WORK else []
        return _child(prefix, key, captures, None)


def _child(prefix: list[str], key: str, captures: Captures, feed: partial[None] | None) -> Sample:
    command = [*prefix, sys.executable, "-m", "benchmarks.measure", key, captures.name, str(captures.pcap.parent)]
    stdin = subprocess.DEVNULL if feed is None else subprocess.PIPE
    with subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        if feed is not None:
            threading.Thread(target=feed, args=(child.stdin,), daemon=True).start()
            child.stdin = None
        out, said = child.communicate()
    if child.returncode:
        lines = said.decode("utf-8", "replace").strip().splitlines()
        raise SystemExit(lines[-1] if lines else f"ended with {child.returncode}")
    return msgspec.json.decode(out, type=Sample)


def _repeat(path: Path, times: int, out: IO[bytes]) -> None:
    """Write a pcap file whose packets are those of ``path`` so many times over."""
    data = path.read_bytes()
    try:
        with out:
            out.write(data[:24])
            for _ in range(times):
                out.write(data[24:])
    except BrokenPipeError:
        return  # the reader has said why


def _no_library(name: str) -> str:
    return "" if importlib.util.find_spec(name) else f"the package {name} is not installed"


def _no_program(name: str) -> str:
    return "" if shutil.which(name) else f"the program {name} is not installed"
