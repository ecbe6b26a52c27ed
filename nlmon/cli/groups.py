"""Groups of commands, such as ``nlmon capture``; what is in one is loaded when it is called.

Not here: the commands, and groups with options of their own (``main``, ``known``).
"""

from __future__ import annotations

import click

from nlmon.cli.lazy import LazyGroup

__all__ = ["GROUPS", "capture", "config", "debug", "filter_", "harness", "report", "scenario"]

# By group: its commands, each with its module and the line that ``--help`` shows.
GROUPS = {
    "capture": {
        "info": ("nlmon.cli.info", "Count what a capture holds: messages by protocol and type, families, damage."),
        "cut": ("nlmon.cli.cut", "Write some frames of a capture, with those that they need."),
        "stats": ("nlmon.cli.stats", "Print the counters of an implementation that has read a capture."),
    },
    "config": {
        "check": ("nlmon.cli.config_check", "Say everything that is wrong with a configuration, and where."),
        "show": ("nlmon.cli.config_show", "Print the configuration in force, with the origin of each value."),
        "schema": ("nlmon.cli.file_schema:config", "Print the JSON Schema of a configuration file."),
    },
    "debug": {
        "layout": ("nlmon.cli.layout", "Print the functions that libnl makes for the messages of a capture."),
    },
    "filter": {
        "explain": ("nlmon.cli.filter_explain", "Print what a filter means, and under which implementation."),
        "test": ("nlmon.cli.filter_test", "Print which events of a capture match under each implementation."),
        "fields": ("nlmon.cli.filter_fields", "List the fields of events that a filter can compare."),
    },
    "harness": {
        "check": ("nlmon.cli.harness_check", "Say what a program gets wrong in the harness protocol."),
    },
    "report": {
        "show": ("nlmon.cli.report_show", "Print a report of a run in another form."),
        "diff": ("nlmon.cli.report_diff", "Say what is new, gone and changed between two runs."),
        "merge": ("nlmon.cli.report_merge", "Join runs, such as those of several hosts, into one."),
        "check": ("nlmon.cli.report_check", "Check that reports are whole and as they were written."),
    },
    "scenario": {
        "check": ("nlmon.cli.scenario_check", "Check that scenarios follow the format and that a suite is in order."),
        "new": ("nlmon.cli.scenario_new", "Write a scenario for a capture, with its digest and its verdicts."),
        "schema": ("nlmon.cli.file_schema:scenario", "Print the JSON Schema of a scenario file."),
    },
}


@click.group("capture", cls=LazyGroup, modules=GROUPS["capture"])
def capture() -> None:
    """Look into capture files."""


@click.group("config", cls=LazyGroup, modules=GROUPS["config"])
def config() -> None:
    """Check and show the configuration of a monitor."""


@click.group("debug", cls=LazyGroup, modules=GROUPS["debug"])
def debug() -> None:
    """Look into an implementation at work."""


@click.group("filter", cls=LazyGroup, modules=GROUPS["filter"])
def filter_() -> None:
    """Say what a filter of events means, and try it on a capture."""


@click.group("harness", cls=LazyGroup, modules=GROUPS["harness"])
def harness() -> None:
    """Help for authors of programs that speak the harness protocol."""


@click.group("report", cls=LazyGroup, modules=GROUPS["report"])
def report() -> None:
    """Show, compare, merge and check reports of runs.

    A report is the JSON or the JSON lines of nlmon replay or live, or the stream of nlmon run or pytest (jsonl:PATH).
    """


@click.group("scenario", cls=LazyGroup, modules=GROUPS["scenario"])
def scenario() -> None:
    """Write and check scenario files."""
