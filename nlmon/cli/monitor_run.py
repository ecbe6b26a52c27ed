"""A monitor that runs (``run``), prints its events (``dump``), says what it would do (``test``), or reads a recording
instead of the kernel (``replay``).

Rules:
1. A configuration that is not in order is told as by ``nlmon config check``, and ends the command with its code.
2. Standard output has events and nothing else; all else goes to stderr.

Not here: the options (``monitor``), and the monitor itself (``nlmon.monitor``).
"""

from __future__ import annotations

import sys

from nlmon.cli.common import warn
from nlmon.cli.config_files import MISTAKEN, load_files, say_problems
from nlmon.cli.monitor import MonitorOptions
from nlmon.config import Loaded
from nlmon.errors import ExitCode, UsageError
from nlmon.monitor.plan import Plan, plan

__all__ = ["dump", "replay", "run", "test"]


def run(options: MonitorOptions) -> None:
    """Run until a signal, or for a duration."""
    raise UsageError("NLM-M001", "there is no monitor yet")


def dump(options: MonitorOptions) -> None:
    """Print events until a signal, or for a duration."""
    raise UsageError("NLM-M001", "there is no --dump-events yet")


def test(options: MonitorOptions) -> None:
    """Open everything, say what would be done, and end."""
    raise UsageError("NLM-M001", "there is no --test-mode yet")


def replay(options: MonitorOptions) -> None:
    """Read a recording instead of the kernel, to its end."""
    from nlmon.monitor.recorded import play_plan  # noqa: PLC0415  (start-up: only a recording needs it)

    assert options.replay is not None
    _, planned = _planned(options)
    status = play_plan(planned, options.replay)
    dropped = {one.name: sum(one.dropped.values()) for one in status.exports if one.dropped}
    for name, count in dropped.items():
        warn(f"warning: the export {name} has lost {count:,} events")
    if dropped:
        sys.exit(ExitCode.PLATFORM)


def _planned(options: MonitorOptions) -> tuple[Loaded, Plan]:
    """The configuration and its plan. Ends the command where it is not in order."""
    loaded = load_files(options.config)
    say_problems(loaded.problems)
    if loaded.config is None:
        sys.exit(MISTAKEN)
    return loaded, plan(loaded.config, dump=options.dump_events)
