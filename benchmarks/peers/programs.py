"""Programs that read a capture file and print, timed from start to end, less the same program over one message.

What they print goes to /dev/null; a program that fails ends its measurement with its words. ``ip monitor file`` asks
the local kernel for the names of interfaces that it does not know, so its speed is measured and its words are not.

Not here: what is measured with which (``plan``).
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.captures import Captures
from benchmarks.recording import split
from benchmarks.sample import Sample

__all__ = ["HARNESS", "PROGRAMS", "Program", "build_harness", "build_libnl", "measure_program"]

SOURCE = Path(__file__).parent / "libnl.c"
NLMON = [sys.executable, "-m", "nlmon"]
FIELDS = ("ifi_index", "ifla_ifname", "ifa_index", "ifa_address.ipv4", "rt_table", "rta_oif", "nd_index", "nd_state")
JOBS = 8  # captures for the jobs
# A program that stands for an implementation, in C.
HARNESS = "libnl-3"
# What the settings call it, and how many datagrams are on their way then.
WINDOWS = {"one": 1, "many": 16}
REPOSITORY = Path(__file__).parents[2]


class Program(NamedTuple):
    """``argv`` for a capture; ``needs``: the program that must be installed; ``times``: so often it reads the capture;
    ``whole``: its start counts, too."""

    argv: Callable[[Captures], list[str]]
    needs: str = ""
    times: int = 1
    whole: bool = False


def tshark(*form: str) -> Callable[[Captures], list[str]]:
    """A dissection without name resolution."""
    return lambda captures: ["tshark", "-n", "-r", str(captures.pcap), *form]


def libnl(form: str) -> Callable[[Captures], list[str]]:
    """Our program around libnl-3, which ``build_libnl`` has put beside the captures."""
    return lambda captures: [str(captures.plain.parent / "libnl"), str(captures.plain), form]


def replay(jobs: int) -> Callable[[Captures], list[str]]:
    """A replay of the same capture under several names."""
    return lambda captures: [*NLMON, "replay", "--jobs", str(jobs), "--format", "json", *copies(captures)]


def copies(captures: Captures) -> list[str]:
    """Names of one capture file."""
    names = [captures.pcap.with_name(f"{captures.name}-{n}.pcap") for n in range(JOBS)]
    for name in names:
        name.unlink(missing_ok=True)
        os.link(captures.pcap, name)
    return [str(name) for name in names]


def harness(name: str) -> Callable[[Captures], list[str]]:
    """Decoding by the harness that ``build_harness`` has put beside the captures, as the settings there call it."""
    return lambda captures: [
        *("env", "-C", str(captures.pcap.parent)),
        *(*NLMON, "decode", str(captures.pcap.absolute()), "-i", name),
    ]


PROGRAMS: dict[str, Program] = {
    "nlmon decode": Program(lambda c: [*NLMON, "decode", str(c.pcap)]),
    "decode by a program": Program(harness("one")),
    "decode by a program with a window": Program(harness("many")),
    "jobs 1": Program(replay(1), times=JOBS, whole=True),
    "jobs 2": Program(replay(2), times=JOBS, whole=True),
    "tshark ek": Program(tshark("-T", "ek"), "tshark"),
    "tshark fields": Program(
        tshark("-T", "fields", *(word for name in FIELDS for word in ("-e", f"netlink-route.{name}"))), "tshark"
    ),
    "ip monitor file": Program(lambda c: ["ip", "monitor", "file", str(c.rtmon)], "ip"),
    "libnl-3 lines": Program(libnl("line")),
    "libnl-3 dump": Program(libnl("dump")),
}


def once(command: list[str]) -> tuple[float, float]:
    """Seconds of the clock and of the processor; raises ``SystemExit`` with what a failed program said."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SystemExit(f"{command[0]} ended with {done.returncode}: {said[-1] if said else ''}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_program(name: str, captures: Captures) -> Sample:
    """One run over the capture, less one over a single message if its start does not count."""
    program = PROGRAMS[name]
    start, start_cpu = (0.0, 0.0) if program.whole else once(program.argv(captures.single()))
    seconds, cpu = once(program.argv(captures))
    messages = program.times * sum(1 for _ in split(captures.plain.read_bytes()))
    if seconds <= start or cpu <= start_cpu:
        raise SystemExit(f"{messages:,} messages are too few: one took as long")
    return Sample(messages, seconds - start, cpu - start_cpu, facts={"start": start})


def build_harness(folder: Path) -> str:
    """Build the harness in C; why that is not possible, or an empty text."""
    environment = {**os.environ, "NLMON_HARNESSES": str(folder / "harnesses"), "NLMON_PYTHON": sys.executable}
    rows = [
        f"implementations.{name} = {{command = 'harnesses/{HARNESS}', window = {n}}}\n" for name, n in WINDOWS.items()
    ]
    (folder / "nlmon.toml").write_text("".join(rows), encoding="utf-8")
    command = [str(REPOSITORY / "tools" / "harnesses"), HARNESS]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return "" if "\tbuilt\t" in done.stdout else (done.stdout or done.stderr).strip().rpartition("\t")[2]


def build_libnl(folder: Path) -> str:
    """Compile the program around libnl-3; why that is not possible, or an empty text."""
    for needed in ("cc", "pkg-config"):
        if shutil.which(needed) is None:
            return f"the program {needed} is not installed"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libnl-route-3.0"], capture_output=True, text=True, check=False
    )
    if flags.returncode:
        return "libnl-3-dev or libnl-route-3-dev is not installed"
    command = ["cc", "-O2", "-o", str(folder / "libnl"), str(SOURCE), *flags.stdout.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"libnl.c does not compile: {done.stderr.strip().splitlines()[-1]}" if done.returncode else ""
