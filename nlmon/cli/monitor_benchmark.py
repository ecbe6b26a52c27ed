"""``nlmon --benchmark``: measures the configured implementation, with ``--against`` another one beside it.

Rules:
1. Ctrl-C or SIGTERM ends it with what was measured until then.

Not here: the options (``monitor``), and measuring (``nlmon.monitor.benchmark``).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from nlmon import __version__
from nlmon.backends.registry import BACKENDS
from nlmon.cli.common import warn
from nlmon.cli.config_files import MISTAKEN, load_files, say_problems
from nlmon.cli.listening import wake_on_signals
from nlmon.cli.monitor import MonitorOptions
from nlmon.cli.output import print_json
from nlmon.config.model import Config
from nlmon.errors import UsageError
from nlmon.monitor.benchmark import BenchmarkReport, Measured, Ratio, measure, safe_exports
from nlmon.monitor.plan import Plan, plan
from nlmon.monitor.status import mebibytes
from nlmon.monitor.traffic import bundled, recorded
from nlmon.names import PROTOCOLS
from nlmon.printable import printable
from nlmon.transport.kernel.waiting import readable

__all__ = ["benchmark"]

# Seconds, unless --duration says otherwise.
DURATION = 10.0
HEAD = ("", "events", "seconds", "events/s", "p50", "p99", "max", "errors", "filtered", "dropped", "RSS", "then")


def benchmark(options: MonitorOptions) -> None:
    """Measure, and print what came of it."""
    with tempfile.TemporaryDirectory(prefix="nlmon-benchmark-") as folder:
        report = _report(options, _plans(options, Path(folder)))
    if options.form == "json":
        print_json(report)
    else:
        for line in _lines(report):
            sys.stdout.write(printable(line) + "\n")


def _plans(options: MonitorOptions, folder: Path) -> list[Plan]:
    """The plan of the configuration, and with --against that of the other implementation behind it."""
    loaded = load_files(options.config)
    say_problems(loaded.problems)
    config = loaded.config
    if config is None:
        sys.exit(MISTAKEN)
    plans = [plan(config)]
    if options.against is not None:
        if options.against not in BACKENDS:
            hint = f"choose {' or '.join(BACKENDS)}"
            raise UsageError("NLM-M061", f"no implementation is called {options.against!r}", hint=hint)
        plans.append(plan(_with(config, options.against)))
    if options.with_exports:
        return [safe_exports(one, folder) for one in plans]
    return [replace(one, exports=()) for one in plans]


def _with(config: Config, implementation: str) -> Config:
    """A configuration with another implementation."""
    return replace(config, netlink=replace(config.netlink, use_libnl=implementation == "libnl"))


def _report(options: MonitorOptions, plans: Sequence[Plan]) -> BenchmarkReport:
    shared = set.intersection(*(set(one.listening.protocols) for one in plans))
    dumps = any(one.listening.options.resync or one.listening.options.caches for one in plans)
    if options.replay is None:
        traffic = bundled(shared, objects=dumps)
    else:
        traffic = recorded(options.replay, shared, objects=dumps)
    if traffic.left_out:
        warn(f"note: {traffic.left_out:,} notifications of the capture are left out")
    with wake_on_signals() as wake:

        def interrupted() -> bool:
            return bool(readable([wake], 0))

        found, ratio, turn = measure(plans, traffic, options.duration or DURATION, interrupted=interrupted)
        return BenchmarkReport(
            version=__version__,
            traffic=traffic.name,
            datagrams=len(traffic.datagrams),
            protocols=[PROTOCOLS[number] for number in sorted({one.protocol for one in traffic.datagrams})],
            rules=len(plans[0].rules),
            exports=[one.name for one in plans[0].exports],
            turn=turn,
            interrupted=interrupted(),
            implementations=found,
            ratio=ratio,
        )


def _lines(report: BenchmarkReport) -> Iterator[str]:
    yield f"nlmon {report.version}, traffic of {report.traffic}:"
    protocols = ", ".join(report.protocols)
    yield f"{report.datagrams:,} datagrams of {protocols}, over and over"
    yield f"rules: {report.rules}, exports: {', '.join(report.exports) or 'none'}"
    if report.turn:
        yield f"in turns of {report.turn:.3g} s"
    if report.interrupted:
        yield "interrupted before its time"
    yield ""
    rows = [HEAD, *map(_row, report.implementations)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join([row[0].ljust(len(first)), *rest])
    if len(report.implementations) == 2:
        yield ""
        yield _compared(report.ratio, *(one.implementation for one in report.implementations))


def _row(one: Measured) -> tuple[str, ...]:
    latency = one.latency_us
    return (
        *(one.implementation, f"{one.events:,}", f"{one.seconds:.1f}", f"{one.events_per_second:,.0f}"),
        *map(_time, (latency.p50, latency.p99, latency.max)),
        *(f"{one.errors:,}", f"{one.filtered:,}", f"{sum(one.dropped.values()):,}"),
        *(mebibytes(one.rss_before), mebibytes(one.rss_after)),
    )


def _compared(ratio: Ratio | None, one: str, other: str) -> str:
    if ratio is None:
        return f"{one} / {other}: neither had a turn"
    spread = f"{ratio.lower:.2f} to {ratio.upper:.2f} in the middle half of {ratio.pairs} pairs of turns"
    verdict = f"{ratio.faster} is faster" if ratio.faster else "too wide a spread, or too few turns, to tell"
    return f"{one} / {other}: {ratio.median:.2f} times the events/s ({spread}): {verdict}"


def _time(microseconds: float) -> str:
    return f"{microseconds / 1000:.2f} ms" if microseconds >= 1000 else f"{microseconds:.1f} µs"
