"""The report of a run: its values, its Markdown, its JSON and the schema of that.

Not here: measuring, and what limits a figure (``docs/performance.md``, by hand).
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from benchmarks.plan import Measurement
from benchmarks.sample import Clock, Sample
from benchmarks.targets import Outcome
from nlmon import __version__
from nlmon.report.jsonout import schema_of

__all__ = ["Machine", "Measured", "Report", "markdown", "measured", "report", "schema", "this_machine"]

QUIET = 0.95
CLOCKS = {
    "wall": "Seconds are those of the wall.",
    "cpu": "Seconds are those of a processor, but for bursts and jobs, where they are those of the wall.",
}


class Machine(Struct, frozen=True):
    """Where it was measured; ``cores``: that this process may use; ``load``: of other work, before the run began, as
    the average number of processes that ran or waited."""

    cpu: str
    cores: int
    kernel: str
    python: str
    load: float


class Measured(Struct, frozen=True):
    """One measurement in all rounds. ``rate``: median of messages per second by ``clock``; ``ratio``: median over the
    rounds of its rate over that of pyroute2 on the same capture; ``memory``: median of the peak in KiB; ``missing`` or
    ``failed``: why there are no samples."""

    key: str
    what: str
    capture: str
    samples: list[Sample]
    clock: Clock
    rate: float | None = None
    ratio: float | None = None
    memory: float | None = None
    missing: str = ""
    failed: str = ""


class Report(Struct, frozen=True):
    """One run. ``scale``: of the captures' full size; ``clock``: what seconds are; ``had``: median share of its time on
    the wall that a measurement had a processor, of those that need no more than one."""

    tool: Literal["nlmon"]
    version: str
    machine: Machine
    rounds: int
    scale: float
    clock: Clock
    had: float | None
    measured: list[Measured]
    targets: list[Outcome]


def this_machine() -> Machine:
    """What this machine says of itself."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    cpu = models[0] if models else platform.machine()
    return Machine(cpu, len(os.sched_getaffinity(0)), platform.release(), python, os.getloadavg()[0])


def measured(one: Measurement, samples: list[Sample], yardstick: list[Sample], clock: Clock, failed: str) -> Measured:
    """Sum up the samples of a measurement; ``yardstick``: those of pyroute2."""
    clock = "wall" if one.wall else clock
    names = (one.key, one.what, one.capture)
    if not samples:
        return Measured(*names, [], clock, missing=one.missing, failed=failed)
    ratios = [one.rate(clock) / other.rate(clock) for one, other in zip(samples, yardstick, strict=False)]
    memory = [one.memory for one in samples if one.memory >= 0]
    return Measured(
        *(*names, samples, clock),
        rate=statistics.median(one.rate(clock) for one in samples),
        ratio=statistics.median(ratios) if ratios else None,
        memory=statistics.median(memory) if memory else None,
    )


def report(
    machine: Machine, rounds: int, scale: float, clock: Clock, rows: list[Measured], targets: list[Outcome]
) -> Report:
    """The whole."""
    shares = [one.cpu / one.seconds for row in rows if not row.key.startswith(("jobs", "burst")) for one in row.samples]
    had = statistics.median(shares) if shares else None
    return Report("nlmon", __version__, machine, rounds, scale, clock, had, rows, targets)


def schema() -> str:
    """JSON Schema of the report, as ``docs/schemas/bench.schema.json`` holds it."""
    return json.dumps(schema_of(Report, "nlmon benchmark report"), indent=2, sort_keys=True) + "\n"


def markdown(whole: Report) -> str:
    """The tables that ``docs/performance.md`` holds."""
    return "\n".join([*_targets(whole), "", *_rates(whole), "", *_facts(whole), "", *_conditions(whole)]) + "\n"


def _targets(whole: Report) -> Iterator[str]:
    yield "| what | target | measured | rounds, least to most | verdict |"
    yield "|---|---|---|---|---|"
    for one in whole.targets:
        goal = "" if one.goal_met is None else ", goal too" if one.goal_met else ", goal not"
        value = "" if one.value is None else f"{one.value:,.3g}" if one.value < 1000 else f"{one.value:,.0f}"
        spread = f"{min(one.rounds):,.4g} to {max(one.rounds):,.4g}" if one.rounds else ""
        verdict = f"{one.verdict}: {one.why}" if one.why else one.verdict + (goal if one.verdict == "met" else "")
        yield f"| {one.what} | {one.wanted} | {value} | {spread} | {verdict} |"


def _rates(whole: Report) -> Iterator[str]:
    yield "| capture | decoder | messages/s, median | of pyroute2 | peak RSS, MiB |"
    yield "|---|---|---|---|---|"
    for row in whole.measured:
        if row.rate is None:
            yield f"| {row.capture} | {row.what} | {row.missing or 'failed: ' + row.failed} | | |"
            continue
        ratio = "" if row.ratio is None else f"{row.ratio:,.2f}"
        memory = "" if row.memory is None else f"{row.memory / 1024:,.1f}"
        yield f"| {row.capture} | {row.what} | {row.rate:,.0f} | {ratio} | {memory} |"


def _facts(whole: Report) -> Iterator[str]:
    bursts = [row for row in whole.measured if row.samples and "lost" in row.samples[0].facts]
    if bursts:
        yield "| burst | round | events | lost | overruns | synthetic | state is right | lost by ip monitor |"
        yield "|---|---|---|---|---|---|---|---|"
    for row in bursts:
        for number, one in enumerate(row.samples, 1):
            names = ("lost", "overruns", "synthetic")
            facts = " | ".join(f"{one.facts[name]:,.0f}" for name in names)
            right = "yes" if one.facts["state is right"] else "no"
            theirs = f"{one.facts['lost by ip monitor']:,.0f}" if "lost by ip monitor" in one.facts else ""
            yield f"| {row.key.partition(',')[0]} | {number} | {one.messages:,} | {facts} | {right} | {theirs} |"


def _conditions(whole: Report) -> Iterator[str]:
    machine = whole.machine
    yield f"{machine.cpu}, {machine.cores} cores, Linux {machine.kernel}, {machine.python};"
    yield f"rounds: {whole.rounds}; sizes: {whole.scale:g} of the full ones; load before the run: {machine.load:.1f}."
    if whole.scale < 1:
        yield "Targets are meant for full sizes: what is done once, such as learning, weighs more in small ones."
    yield CLOCKS[whole.clock]
    if whole.had is not None:
        busy = "" if whole.had >= QUIET else "; the machine had other work"
        yield f"Of its time, a measurement had a processor for {whole.had:.0%} (median){busy}."
