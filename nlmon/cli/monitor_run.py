"""A monitor that runs (``run``), prints its events (``dump``), says what it would do (``test``), or reads a recording
instead of the kernel (``replay``).

Rules:
1. A configuration that is not in order is reported as by ``nlmon config check``, and ends the command with its code.
2. Standard output has events and nothing else; all else goes to stderr.

Not here: the options (``monitor``), and the monitor itself (``nlmon.monitor``).
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from nlmon.cli.common import warn
from nlmon.cli.config_files import MISTAKEN, load_files, say_problems
from nlmon.cli.monitor import MonitorOptions
from nlmon.cli.output import print_json
from nlmon.cli.terminated import terminated_in_order
from nlmon.config import Loaded
from nlmon.errors import ExitCode, PlatformError
from nlmon.monitor.plan import Plan, plan_loaded

if TYPE_CHECKING:  # start-up: only a monitor has one
    from nlmon.monitor.control import ControlSocket
    from nlmon.monitor.privileges import RunsAs

__all__ = ["dump", "replay", "run", "test"]


def run(options: MonitorOptions) -> None:
    """Run until a signal, or for a duration."""
    loaded, planned = _planned(options, say=False)
    standing = _standing(loaded, planned, options)
    # The reader of our output may go; a monitor stays.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    _run(loaded, planned, options, standing, _control(loaded, options, standing))


def dump(options: MonitorOptions) -> None:
    """Print events until a signal, or for a duration."""
    loaded, planned = _planned(options, say=False)
    _run(loaded, planned, options, _standing(loaded, planned, options))


def _standing(loaded: Loaded, planned: Plan, options: MonitorOptions) -> RunsAs:
    """Who the monitor runs as."""
    from nlmon.monitor.privileges import choose  # noqa: PLC0415  (start-up: only what listens asks)

    writes = [Path(one.place) for one in planned.exports if one.name in {"json", "pcap"}]
    return choose(options.user, writes=writes, reads=loaded.files)


def _control(loaded: Loaded, options: MonitorOptions, standing: RunsAs) -> ControlSocket:
    """The control socket, which is not made yet."""
    from nlmon.monitor.control import ControlSocket  # noqa: PLC0415  (start-up: only a monitor has one)
    from nlmon.monitor.runtime import default_path  # noqa: PLC0415

    path = options.socket or default_path(loaded.files, os.environ)
    return ControlSocket(path, standing.user.number)


def _run(
    loaded: Loaded, planned: Plan, options: MonitorOptions, standing: RunsAs, control: ControlSocket | None = None
) -> None:
    from nlmon.cli.listening import wake_on_signals  # noqa: PLC0415  (start-up: only what listens needs it)
    from nlmon.monitor import messages  # noqa: PLC0415
    from nlmon.monitor.log import open_log  # noqa: PLC0415
    from nlmon.monitor.running import RunningMonitor  # noqa: PLC0415
    from nlmon.monitor.title import set_title  # noqa: PLC0415

    assert loaded.config is not None
    set_title(["nlmon", *sys.argv[1:]])
    with closing(open_log(loaded.config.logging)) as log, wake_on_signals() as wake:
        for one in (*loaded.problems, *planned.notices, *standing.notices):
            messages.notice(one)
        monitor = RunningMonitor(loaded, planned, control=control, log=log, standing=standing, terminal=_is_terminal())
        monitor.open()
        why = "an error"
        try:
            why = monitor.run(wake, options.duration)
        finally:
            monitor.close(why)


def test(options: MonitorOptions) -> None:
    """Open everything, say what would be done, and end."""
    from nlmon.monitor.running import open_kernel  # noqa: PLC0415  (start-up: only a trial needs it)
    from nlmon.monitor.trial import trial_text, try_out  # noqa: PLC0415

    loaded, planned = _planned(options, say=False)
    standing = _standing(loaded, planned, options)
    control = _control(loaded, options, standing)
    trial = try_out(loaded, planned, open_kernel, standing, standing.drop, _held(control.path), control)
    say_problems(trial.problems)
    if options.form == "json":
        print_json(trial, by_name=False)
    else:
        sys.stdout.write(trial_text(trial))
    if not trial.ready:
        sys.exit(ExitCode.PLATFORM)


def _held(control: Path) -> frozenset[str]:
    """The exports that the monitor with a control socket has open; none where none runs."""
    from nlmon.monitor.asking import ask  # noqa: PLC0415  (start-up: only a trial asks)
    from nlmon.monitor.status import read_status  # noqa: PLC0415

    try:
        status = read_status(ask(control, "status"), str(control))
    except PlatformError:
        return frozenset()
    return frozenset(one.name for one in status.exports if one.state == "working")


def replay(options: MonitorOptions) -> None:
    """Read a recording instead of the kernel, to its end."""
    from nlmon.monitor.recorded import play_plan  # noqa: PLC0415  (start-up: only a recording needs it)

    assert options.replay is not None
    _, planned = _planned(options)
    with terminated_in_order():  # what was exported until then is written
        status = play_plan(planned, options.replay)
    lost = {one.name: sum(one.dropped.values()) + one.waiting for one in status.exports}
    dropped = {name: count for name, count in lost.items() if count}
    for name, count in dropped.items():
        warn(f"warning: the export {name} has lost {count:,} events")
    if dropped:
        sys.exit(ExitCode.PLATFORM)


def _is_terminal() -> bool:
    """Whether what is printed is read as it comes."""
    return os.isatty(1)


def _planned(options: MonitorOptions, *, say: bool = True) -> tuple[Loaded, Plan]:
    """The configuration and its plan; ``say``: its notices. Ends the command where it is not in order."""
    loaded = load_files(options.config)
    if loaded.config is None:
        say_problems(loaded.problems)
        sys.exit(MISTAKEN)
    planned = plan_loaded(loaded, terminal=_is_terminal(), dump=options.dump_events)
    if say:
        say_problems((*loaded.problems, *planned.notices))
    return loaded, planned
