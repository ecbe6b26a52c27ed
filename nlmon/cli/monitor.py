"""The options of ``nlmon`` itself: a monitor that runs, or one that only checks, prints, is asked or measured.

Each mode is a function of ``MonitorOptions`` in a module of its own, which is loaded when it is asked for:
``monitor_run`` runs a monitor, checks what it would do, prints its events and replays a recording; ``monitor_status``
asks one that runs; ``monitor_benchmark`` measures.

Rules:
1. One mode at a time; an option that a mode does not have is a mistake and not passed over.

Not here: what the modes do, and the commands (``main``).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import click

from nlmon.cli import complete
from nlmon.cli.common import F, FilePath, duration_option
from nlmon.errors import UsageError

__all__ = ["MonitorOptions", "monitor_options", "run_monitor"]

# By mode where its function is, and the options that it has beside --config.
MODES: Mapping[str, tuple[str, frozenset[str]]] = {
    "run": ("nlmon.cli.monitor_run:run", frozenset({"duration", "socket", "user"})),
    "replay": ("nlmon.cli.monitor_run:replay", frozenset({"replay", "dump_events"})),
    "test_mode": ("nlmon.cli.monitor_run:test", frozenset({"form", "socket", "user"})),
    "dump_events": ("nlmon.cli.monitor_run:dump", frozenset({"duration", "user"})),
    "status": ("nlmon.cli.monitor_status:status", frozenset({"form", "socket"})),
    "benchmark": (
        "nlmon.cli.monitor_benchmark:benchmark",
        frozenset({"duration", "against", "replay", "with_exports", "form"}),
    ),
}
# What chooses a mode, and which of two that go together is the mode.
CHOICES = ("test_mode", "status", "benchmark", "replay", "dump_events")
SPELLED = {"form": "--format"}


class MonitorOptions(NamedTuple):
    """What was given. ``config``: the files, none: the standard ones; ``form``: text or json, None: not given."""

    config: tuple[Path, ...] = ()
    test_mode: bool = False
    dump_events: bool = False
    replay: Path | None = None
    status: bool = False
    benchmark: bool = False
    against: str | None = None
    with_exports: bool = False
    duration: float | None = None
    socket: Path | None = None
    user: str | None = None
    form: str | None = None


def monitor_options(function: F) -> F:
    """The options, as parameters with the names of ``MonitorOptions``."""
    path = FilePath(dir_okay=False)
    for option in reversed(
        (
            click.option(
                "--config", multiple=True, type=path, help="Run a monitor by this file. Repeatable, the last one wins."
            ),
            click.option("--test-mode", is_flag=True, help="Open everything, say what would be done, and end."),
            click.option(
                "--dump-events", is_flag=True, help="Print events as JSON lines, and do nothing else with them."
            ),
            click.option("--replay", type=path, metavar="CAPTURE", help="Read a recording instead of the kernel."),
            click.option("--status", is_flag=True, help="Ask a monitor that runs."),
            click.option("--benchmark", is_flag=True, help="Measure it with recorded traffic, for 10 seconds."),
            click.option(
                "--against",
                metavar="NAME",
                shell_complete=complete.implementations,
                help="Measure this implementation beside it, in turns.",
            ),
            click.option("--with-exports", is_flag=True, help="Measure exports into files, too, in another folder."),
            duration_option,
            click.option("--socket", type=path, help="Control socket of the monitor; by default one for its files."),
            click.option("--user", metavar="NAME", help="Run as this user once all is open."),
            click.option("--format", "form", type=click.Choice(["text", "json"]), help="Lines for people, or JSON."),
        )
    ):
        function = option(function)
    return function


def run_monitor(given: Mapping[str, Any], command: str | None) -> None:
    """Do what the options ask for. ``command``: the subcommand that was given, too, which has options of its own."""
    options = MonitorOptions(**given)
    named = [name for name in MonitorOptions._fields if getattr(options, name) not in {None, False, ()}]
    if command is not None:
        if named:
            raise _together(_spelled(named[0]), f"the command {command}")
        return
    chosen = [name for name in CHOICES if name in named]
    mode = chosen[0] if chosen else "run"
    function, allowed = MODES[mode]
    for name in named:
        if name not in {mode, "config"} | allowed:
            if mode == "run":
                raise UsageError(
                    "NLM-M001", f"{_spelled(name)} is no option of a monitor that runs", hint="see nlmon --help"
                )
            raise _together(_spelled(mode), _spelled(name))
    module, _, name = function.partition(":")
    getattr(import_module(module), name)(options)


def _spelled(name: str) -> str:
    return SPELLED.get(name, f"--{name.replace('_', '-')}")


def _together(one: str, other: str) -> UsageError:
    return UsageError("NLM-M001", f"{one} and {other} do not go together", hint="give one of them")
