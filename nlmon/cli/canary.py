"""``nlmon canary``: whether hosts with a new monitor do as those with the old one.

Not here: reading (``nlmon.canary.logs``, ``nlmon.canary.scrapes``) and the verdict (``nlmon.canary.judging``).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from nlmon.cli.output import print_json
from nlmon.errors import ExitCode, UsageError
from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help compares nothing
    from nlmon.canary.files import HostBy
    from nlmon.canary.judging import CanaryReport

__all__ = ["command"]

GROUPS = ("--control", "--canary")
LATEST = (1 << 63) - 1
# Seconds since 1970, of a time that 64 bits of nanoseconds hold.
NUMBER, NANOSECONDS, EPOCH = (
    re.compile(r"\d{1,10}(\.\d{1,9})?", re.ASCII),
    1_000_000_000,
    datetime(1970, 1, 1, tzinfo=UTC),
)
# What --allow takes in place of a name.
CONTRACT = "contract"
EXITS = {"promote": ExitCode.OK, "roll back": ExitCode.FAILED, "hold": ExitCode.INPUT}


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Nanoseconds since 1970 of a text; a time without an offset is of UTC."""
    if value is None:
        return None
    with suppress(ArithmeticError, ValueError):
        if NUMBER.fullmatch(value):
            return round(Decimal(value) * NANOSECONDS)
        moment = datetime.fromisoformat(value)
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
        at = (since.days * 86_400 + since.seconds) * NANOSECONDS + since.microseconds * 1_000
        return min(max(at, 0), LATEST)
    raise click.BadParameter(f"{value!r} is no time; write 2026-11-30T06:00:00Z, or seconds since 1970")


class _Groups(click.Command):
    """A command whose options for groups take every name that follows, as a shell leaves them of a pattern."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before each of its names."""
        found: list[str] = []
        group = ""
        for one in args:
            if one.startswith("-") and one != "-":
                group = one if one in GROUPS else ""
                found += [] if group else [one]
            else:
                found += [group, one] if group else [one]
        return super().parse_args(ctx, found)


@click.command(cls=_Groups)
@click.option("--control", multiple=True, required=True, metavar="GLOB…", help="Logs of hosts with the old monitor.")
@click.option("--canary", multiple=True, required=True, metavar="GLOB…", help="Logs of hosts with the new monitor.")
@click.option(
    "--host",
    "by",
    type=click.Choice(["file", "folder"]),
    default="file",
    show_default=True,
    help="What names the host of a log.",
)
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="MEASURE",
    help="A type of message, or another measure, that may differ; contract: every type that libnl alone gives. What a "
    "canary adds by the contract may differ without it. Repeatable.",
)
@click.option(
    "--since", callback=_moment, metavar="TIME", help="Compare from then on: ISO 8601, or seconds since 1970."
)
@click.option("--until", callback=_moment, metavar="TIME", help="Compare until then.")
@click.option(
    "--level",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=0.01,
    show_default=True,
    help="The most that the probability of a false alarm may be.",
)
@click.option(
    "--find",
    "share",
    type=click.FloatRange(0, 100, min_open=True),
    default=25.0,
    show_default=True,
    metavar="PERCENT",
    help="Hold unless a defect on so many of the hosts would have been found.",
)
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@click.option("-v", "--verbose", is_flag=True, help="Print every test.")
def command(
    control: tuple[str, ...],
    canary: tuple[str, ...],
    by: HostBy,
    allowed: tuple[str, ...],
    since: int | None,
    until: int | None,
    level: float,
    share: float,
    form: str,
    verbose: bool,
) -> None:
    """Compare the event logs, or scraped metrics, of two groups of hosts, and say whether to go on.

    Logs are JSON lines, plain or compressed (.gz, .zst); files that end in .prom are scraped metrics. The host is the
    unit of every test.

    Exit code: 0 promote, 1 roll back, 3 hold.
    """
    from nlmon.canary.expected import of_libnl_alone  # noqa: PLC0415  (start-up: --help reads nothing)
    from nlmon.canary.files import SCRAPED, files_of  # noqa: PLC0415
    from nlmon.canary.judging import Rules, judge  # noqa: PLC0415

    before, after = files_of(control, canary, by)
    by_contract = of_libnl_alone() if CONTRACT in allowed else frozenset()
    rules = Rules(level, share / 100, frozenset(allowed) - {CONTRACT} | by_contract)
    if before[0].path.name.endswith(SCRAPED):
        if since is not None or until is not None:
            hint = "save scrapes from the beginning and the end of that time; what grew between them is compared"
            raise UsageError("NLM-Z009", "scraped metrics have no time", where="--since, --until", hint=hint)
        from nlmon.canary.scrapes import read_scrapes  # noqa: PLC0415

        (old, old_facts), (new, new_facts) = read_scrapes(before), read_scrapes(after)
        report = judge(old, new, rules, facts=(old_facts, new_facts), unit="message")
    else:
        from nlmon.canary.logs import ALWAYS, read_logs  # noqa: PLC0415

        window = ALWAYS._replace(**{key: at for key, at in (("since", since), ("until", until)) if at is not None})
        counted = read_logs(before, after, window)
        report = judge(counted.control, counted.canary, rules, facts=counted.facts, seconds=counted.seconds)
    if form == "json":
        print_json(report)
    else:
        for line in _lines(report, verbose=verbose):
            sys.stdout.write(f"{printable(line)}\n")
    sys.exit(EXITS[report.verdict])


def _lines(report: CanaryReport, *, verbose: bool) -> Iterator[str]:
    """The report for people."""
    if verbose:
        for name, group in (("control", report.control), ("canary", report.canary)):
            yield (
                f"{name}: {group.hosts} hosts, {group.files} files, {group.events} events, "
                f"{group.silent} hosts silent, {group.unreadable} lines unreadable"
            )
        if report.seconds is not None:
            yield f"compared: {report.seconds:.0f} seconds"
        widths = "{:<20} {:<12} {:>12} {:>12} {:>6} {:>10} {:>10}"
        yield widths.format("measure", "test", "control", "canary", "hosts", "p", "adjusted")
        for one in report.findings:
            values: tuple[Any, ...] = (f"{one.control:.4g}", f"{one.canary:.4g}", one.hosts)
            mark = " (allowed)" if one.found and one.allowed else " *" if one.found else ""
            yield widths.format(one.measure, one.test, *values, f"{one.p:.2g}", f"{one.adjusted:.2g}") + mark
        if report.rare:
            yield f"too rare to be tested: {', '.join(report.rare)}"
    for reason in report.reasons:
        yield f"  {reason}"
    yield report.verdict
