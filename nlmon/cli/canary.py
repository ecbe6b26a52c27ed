"""``nlmon canary``: whether hosts with a new monitor do as those with the old one.

Not here: reading (``nlmon.canary.logs``, ``nlmon.canary.scrapes``) and the verdict (``nlmon.canary.judging``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from nlmon.errors import ExitCode
from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help compares nothing
    from nlmon.canary.files import HostBy
    from nlmon.canary.judging import CanaryReport

__all__ = ["command"]

GROUPS = ("--control", "--canary")
EXITS = {"promote": ExitCode.OK, "roll back": ExitCode.FAILED, "hold": ExitCode.INPUT}


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
    help="A type of message, or another measure, that may differ, such as one that the new monitor alone exports. "
    "Repeatable.",
)
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
    from nlmon.canary.files import SCRAPED, files_of  # noqa: PLC0415  (start-up: --help reads nothing)
    from nlmon.canary.judging import Rules, judge  # noqa: PLC0415
    from nlmon.report.jsonout import report_bytes  # noqa: PLC0415

    before, after = files_of(control, canary, by)
    rules = Rules(level, share / 100, frozenset(allowed))
    if before[0].path.name.endswith(SCRAPED):
        from nlmon.canary.scrapes import read_scrapes  # noqa: PLC0415

        (old, old_facts), (new, new_facts) = read_scrapes(before), read_scrapes(after)
        report = judge(old, new, rules, facts=(old_facts, new_facts), unit="message")
    else:
        from nlmon.canary.logs import read_logs  # noqa: PLC0415

        counted = read_logs(before, after)
        report = judge(counted.control, counted.canary, rules, facts=counted.facts, seconds=counted.seconds)
    if form == "json":
        sys.stdout.buffer.write(report_bytes(report))
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
