"""``nlmon live``: both implementations on the running kernel at once, until a signal, and the verdict.

Rules:
1. The comparison begins with dumps (``dumps``), as a recording does: they give names and state, and both decode them.
   One that is recorded ends with them, as a recording does, unless ``--count`` leaves unread what came before them.
2. SIGINT, SIGTERM and SIGHUP end the comparison, they do not break it: the report is printed.
3. No sleeping: the loop waits for a socket or a signal. At the end it waits ``SETTLE`` seconds at most for what one of
   the two has not read yet.

Not here: the comparison (``nlmon.engine.live``), and the forms of the report (``nlmon.report``).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct, structs

from nlmon.cli import complete
from nlmon.cli.common import (
    FilePath,
    against_option,
    compared,
    control_option,
    duration_option,
    implementation_option,
    protocol_option,
    show_error,
    warn,
)
from nlmon.cli.keys import KeyWatch
from nlmon.cli.listening import (
    announced_first,
    ask_for_all,
    destination,
    final_dump_option,
    patience,
    receive_buffer_option,
    wake_on_signals,
)
from nlmon.cli.policy_options import policy_options
from nlmon.cli.reports import ReportFile, refuse_reports, reports_option
from nlmon.cli.show_options import show_options
from nlmon.cli.verdict import exit_code, give_report, whole_report
from nlmon.errors import InputError, PlatformError, UsageError
from nlmon.names import PROTOCOLS
from nlmon.report.model import CaptureReport, directions, in_direction
from nlmon.report.text import counted
from nlmon.transport.kernel.waiting import readable
from nlmon.uapi import CLONE_NEWNET

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.compare.known import KnownDifferences
    from nlmon.engine.guarded import BackendMaker
    from nlmon.engine.live import Live
    from nlmon.harness.live import LiveProgram
    from nlmon.report.policy import Policy
    from nlmon.report.shown import Shown
    from nlmon.transport.recorder import Sink

__all__ = ["command"]

SETTLE = 0.5
READ_AT_ONCE = 16_384
NAMESPACES = Path("/run/netns")  # where ip-netns(8) keeps them


@click.command()
@implementation_option("The candidate: the implementation to move to.")
@against_option
@protocol_option
@duration_option
@click.option("--count", type=click.IntRange(1), help="Compare this many notifications, and stop.")
@click.option("--netns", metavar="NAME", help="Listen in this network namespace, as ip netns list names it.")
@click.option(
    "--record",
    type=FilePath(dir_okay=False),
    metavar="FILE",
    help="Keep what was read, as pcapng; nlmon replay FILE compares it again.",
)
@final_dump_option
@click.option("--force", is_flag=True, help="Replace FILE of --record if it exists.")
@receive_buffer_option
@click.option(
    "--group",
    "groups",
    multiple=True,
    shell_complete=complete.groups,
    help="More rtnetlink groups that libnl joins, such as tc. Repeatable.",
)
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@reports_option(bare="json")
@control_option
@click.option("--both-ways", is_flag=True, help="Judge the way back, too: the move and its rollback at once.")
@policy_options
@show_options
def command(
    implementation: str,
    against: str,
    protocols: tuple[int, ...],
    duration: float | None,
    count: int | None,
    netns: str | None,
    record: Path | None,
    final_dump: bool,
    force: bool,
    receive_buffer: int,
    groups: tuple[str, ...],
    form: str,
    reports: tuple[ReportFile, ...],
    control: bool,
    both_ways: bool,
    policy: Policy,
    shown: Shown,
) -> None:
    """Compare two implementations on the running kernel: both listen at once, and every notification is compared.

    By default every protocol that the kernel lets this user receive; without privilege that is not all of them.

    Ctrl-C, SIGTERM or SIGHUP ends it; the report and its exit code come then. Exit code: 0 equivalent, or lossy where
    only fields are lost; 1 a regression, whole events are lost, or the policy fails the run; 3 inconclusive (messages
    were lost, or none came) or FILE cannot be written; 4 the kernel refuses the sockets.
    """
    from nlmon.capture.write import metadata_here  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.compare.known import known_for  # noqa: PLC0415
    from nlmon.engine.summary import live_reports  # noqa: PLC0415
    from nlmon.project.known import known_file  # noqa: PLC0415

    names = compared(against, implementation, control=control)
    record = _destination(record, reports, force=force)
    if netns is not None:
        _enter(netns)
    facts, where, started = metadata_here(), netns or "live", datetime.now(UTC).isoformat(timespec="seconds")
    known = known_file(policy.known)
    judged = directions(both_ways=both_ways)
    allowed = known_for(known.valid, where, facts["kernel"], [in_direction(one, names) for one in judged])
    asked = _Asked(protocols, (receive_buffer, groups), count, duration, final_dump=record is not None and final_dump)
    kept = contextlib.nullcontext() if record is None else _recording(record, facts)
    with wake_on_signals() as wake, kept as sink:
        live = _compare(names, asked, allowed, sink, wake)
    found = list(live_reports(live, where, kernel=facts["kernel"], host=facts["host"], policy=policy, control=control))
    _say_if_inconclusive(found[0], live)
    whole = structs.replace(
        whole_report(found, names, "notifications", policy, known, tried=False),
        source="live",
        host=platform.node(),
        started=started,
    )
    give_report(whole, form, shown, reports)
    sys.exit(exit_code(whole))


def _destination(record: Path | None, reports: tuple[ReportFile, ...], *, force: bool) -> Path | None:
    """The file of the recording, if there is to be one; raises an error where it, or a report, must not be written."""
    if record is not None:
        record = destination(record, force)
    refuse_reports(reports, [] if record is None else [record], "the recording")
    return record


def _say_if_inconclusive(report: CaptureReport, live: Live) -> None:
    """Say why the verdict is neither yes nor no, and what may help."""
    if report.verdict == "inconclusive":
        hint = "raise --receive-buffer" if any(lane.lossy for lane in live.lanes) else ""
        show_error(InputError("NLM-U018", f"the verdict is inconclusive: {report.reason}", hint=hint))


class _Asked(Struct, frozen=True):
    """What is asked of a comparison: the protocols, none: all; bytes of each buffer, and more groups; after how many
    notifications, and seconds, it ends; and whether it ends with dumps."""

    protocols: tuple[int, ...]
    receiving: tuple[int, Sequence[str]]
    count: int | None
    duration: float | None
    final_dump: bool


@contextlib.contextmanager
def _recording(record: Path, facts: Mapping[str, str]) -> Iterator[Sink]:
    """A recording, of which is said in the end how much it holds, and whether keys are in it."""
    from nlmon.capture.write import PcapngWriter  # noqa: PLC0415  (start-up: --help needs none of it)

    with PcapngWriter(record, metadata=facts, byteorder=sys.byteorder) as sink:
        keys = KeyWatch(sink, sys.byteorder)
        yield keys
    warn(f"{counted(sink.frames, 'datagram')} in {record}")
    keys.warn(record)


def _compare(
    names: tuple[str, str],
    asked: _Asked,
    known: Sequence[KnownDifferences],
    sink: Sink | None,
    wake: socket.socket,
) -> Live:
    """The comparison of two implementations, once it is over; it ends when ``wake`` can be read, too."""
    from nlmon.aside import prints_aside  # noqa: PLC0415  (start-up: --help needs none of it)

    with contextlib.ExitStack() as stack:
        stack.enter_context(prints_aside())
        makers = _maker(names[0], stack), _maker(names[1], stack)
        live, opened = _started(makers, asked.protocols, asked.receiving, known, sink)
        warn(f"comparing {names[0]} and {names[1]}, stop with Ctrl-C")
        _listen(live, wake, asked.count, asked.duration)
        if asked.final_dump and live.left != 0:
            _final_dumps(live, opened, wake)
        _settle(live)
        live.finish()
    return live


def _maker(name: str, stack: contextlib.ExitStack) -> BackendMaker | LiveProgram:
    """What makes an implementation; a program that runs beside is started, and ended by ``stack``."""
    from nlmon.backends.registry import create, is_program_beside  # noqa: PLC0415  (start-up: as below)

    if not is_program_beside(name):
        return partial(create, name)
    from nlmon.harness.live import LiveProgram  # noqa: PLC0415

    return stack.enter_context(contextlib.closing(LiveProgram(name)))


def _started(
    makers: tuple[BackendMaker | LiveProgram, BackendMaker | LiveProgram],
    protocols: tuple[int, ...],
    receiving: tuple[int, Sequence[str]],
    known: Sequence[KnownDifferences],
    sink: Sink | None,
) -> tuple[Live, list[int]]:
    """The comparison of two implementations, behind the dumps that it begins with, and its protocols; ``receiving``:
    bytes of each buffer, and more groups."""
    from nlmon.backends.options import BackendOptions  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.engine.live import Live  # noqa: PLC0415

    receive_buffer, groups = receiving
    options = BackendOptions(receive_buffer=receive_buffer, extra_groups=tuple(groups))
    live = Live(*makers, options=options, known=known, sink=sink)
    supported = {protocol for lane in live.lanes for protocol in lane.guarded.protocols}
    if unread := set(protocols) - supported:
        hint = "try " + ", ".join(PROTOCOLS[protocol] for protocol in sorted(supported))
        raise UsageError("NLM-U004", f"neither implementation reads {PROTOCOLS[min(unread)]}", hint=hint)
    opened = live.start(protocols)
    for protocol in opened:
        _dump(live, protocol)
    for note in live.notes:
        warn(note)
    return live, opened


def _dump(live: Live, protocol: int, may_go_on: Callable[[], bool] | None = None) -> None:
    """Ask for everything once; at the end ``may_go_on`` says for how long."""
    transport = live.ask(protocol)
    try:
        before = None if may_go_on is None else announced_first(partial(_read_all, live), live.descriptors)
        ask_for_all(protocol, partial(live.dump, protocol, transport, before=before), may_go_on)
    finally:
        transport.close()


def _read_all(live: Live) -> None:
    """Let both read what waits. While more comes than is read, a dump must end, too."""
    for number, protocol in live.descriptors().values():
        live.read(number, protocol, most=READ_AT_ONCE)


def _final_dumps(live: Live, protocols: Sequence[int], wake: socket.socket) -> None:
    """Ask for everything again."""
    may_go_on = patience(wake)
    for protocol in protocols:
        if may_go_on():
            _dump(live, protocol, may_go_on)


def _listen(live: Live, wake: socket.socket, count: int | None, duration: float | None) -> None:
    """Compare what comes, until a signal, the count or the end of the duration."""
    deadline = None if duration is None else time.monotonic() + duration
    live.left = count
    while live.left != 0:
        ready = _ready(live, deadline, wake)
        if wake.fileno() in ready or (deadline is not None and time.monotonic() >= deadline):
            return  # what waits is read by ``_settle``
        _read(live, ready)


def _settle(live: Live) -> None:
    """Read what waits already, and then only what one of the two has not read yet; also at the deadline, as this
    process may have had no processor for so long."""
    until = time.thread_time() + SETTLE
    while time.thread_time() < until and (ready := _ready(live, 0.0)):
        _read(live, ready)
    live.settle()
    deadline, over = time.monotonic() + max(SETTLE, live.programs.patience), False
    while live.waiting and not over:
        over = time.monotonic() >= deadline
        _read(live, _ready(live, deadline))


def _read(live: Live, ready: list[int]) -> None:
    places = live.descriptors()
    for descriptor in ready:
        if descriptor in places:
            live.read(*places[descriptor])
    live.programs.look(live.read)


def _ready(live: Live, deadline: float | None, wake: socket.socket | None = None) -> list[int]:
    """Descriptors that can be read; none at the deadline."""
    left = None if deadline is None else deadline - time.monotonic()
    sources: list[int | socket.socket] = [*live.descriptors(), *live.programs.descriptors]
    if wake is not None:
        sources.append(wake)
    return readable(sources, live.programs.due(left))


def _enter(name: str) -> None:
    """Go to a network namespace (setns(2), which Python 3.11 does not have)."""
    try:
        there = sorted(path.name for path in NAMESPACES.iterdir())
    except OSError:
        there = []
    if name not in there:
        hint = "there are " + ", ".join(there) if there else "on Linux, ip netns add makes one"
        raise UsageError("NLM-U019", f"no network namespace is called {name!r}", hint=hint)
    handle = -1
    try:
        handle = os.open(NAMESPACES / name, os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    except OSError as error:
        what = "this network namespace cannot be entered"
        raise PlatformError("NLM-U020", what, where=name, why=error.strerror or "", hint="run as root") from error
    finally:
        if handle >= 0:
            os.close(handle)
