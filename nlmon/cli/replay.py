"""``nlmon replay``: captures are replayed into two implementations and the verdict is printed.

Not here: the replay itself (``nlmon.engine.replay``) and the formats (``nlmon.report``).
"""

from __future__ import annotations

import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click
from msgspec import structs

from nlmon import __version__
from nlmon.backends.options import BackendOptions
from nlmon.cli import complete
from nlmon.cli.again import decisive_words, own_program
from nlmon.cli.bounds import interruption, max_messages_option, max_objects_option, stopped
from nlmon.cli.common import (
    FilePath,
    against_option,
    byteorder_option,
    compared,
    control_option,
    fault_option,
    implementation_option,
    layouts_option,
    protocol_option,
    refuse_stdin_twice,
    select_option,
    show_error,
    warn,
)
from nlmon.cli.jobs_options import cluster_address, number_of_jobs
from nlmon.cli.policy_options import policy_options
from nlmon.cli.reports import ReportFile, refuse_reports, reports_option
from nlmon.cli.show_options import show_options
from nlmon.cli.verdict import exit_code, give_report, whole_report
from nlmon.cli.where import where_option
from nlmon.errors import CaptureError, ExitCode, PlatformError, UsageError
from nlmon.names import protocol_number
from nlmon.report.jsonout import CaptureLine, Header, line_bytes
from nlmon.report.model import UNDECIDED, CaptureReport
from nlmon.report.text import counted
from nlmon.transport.recorded.faults import parse_fault

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.capture import ByteOrder
    from nlmon.engine.segments import Select
    from nlmon.filters import Filter
    from nlmon.jobs.work import Outcome, ReplayOptions
    from nlmon.project.known import KnownFile
    from nlmon.report.policy import Policy
    from nlmon.report.shown import Shown

__all__ = ["command"]

# What changes a report, beside the policy: whoever replays a capture again gives it again.
# The reason of a verdict that a program of others made begins with the code of what it did.
FAILED = re.compile(r"(?P<code>NLM-N[0-9]{3}): ")
_DECISIVE = (
    *("implementation", "against", "protocols", "select", "families", "groups", "faults", "caches", "recover"),
    *("control", "both_ways", "max_objects", "max_messages", "byteorder", "where"),
)

WHERE_WHY = "a recovery is judged by the states, and a filter is about events alone"


class _Compared(TypedDict):
    """The options that say what is compared, and how."""

    implementation: str
    against: str
    protocols: tuple[int, ...]
    select: Select
    byteorder: ByteOrder | None
    families: tuple[str, ...]
    groups: tuple[str, ...]
    faults: tuple[str, ...]
    caches: tuple[str, ...]
    recover: bool
    layouts: int
    control: bool
    both_ways: bool
    max_objects: int
    max_messages: int | None
    where: Filter | None


@click.command()
@click.argument("captures", nargs=-1, required=True, type=FilePath())
@implementation_option("The candidate: the implementation to move to.")
@against_option
@protocol_option
@select_option("Replay what each implementation's own sockets would have received, or every recorded message.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["pretty", "json", "jsonl"]),
    default="pretty",
    show_default=True,
)
@reports_option(bare="json")
@click.option(
    "--family",
    "families",
    multiple=True,
    help="NETLINK_GENERIC families whose groups libnl joins; default: all there are. Repeatable.",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    shell_complete=complete.groups,
    help="More rtnetlink groups that libnl joins, such as tc. Repeatable.",
)
@fault_option
@click.option(
    "--cache",
    "caches",
    multiple=True,
    type=click.Choice(["link", "addr", "route"]),
    help="Objects that libnl keeps in a cache. Repeatable.",
)
@click.option("--recover", is_flag=True, help="Let libnl resync after a loss: dump again, and report what changed.")
@layouts_option
@control_option
@click.option("--both-ways", is_flag=True, help="Judge the way back, too: the move and its rollback in one reading.")
@policy_options
@click.option(
    "--complete",
    is_flag=True,
    help="These are all the captures there are: a known difference that allows nothing in them fails the run.",
)
@click.option(
    "--jobs",
    metavar="N",
    callback=number_of_jobs,
    help="Processes that replay captures; 0 or auto: one per CPU.  [default: 1]",
)
@click.option(
    "--executor",
    "cluster",
    metavar="dask:ADDRESS",
    callback=cluster_address,
    help="Replay on the workers of a dask cluster instead of in this process.",
)
@max_objects_option
@max_messages_option
@show_options
@byteorder_option
@where_option(
    "Compare only events that a filter matches in either implementation, such as 'netlink.link.mtu > 1400'; states are "
    "not compared."
)
def command(
    captures: tuple[Path, ...],
    form: str,
    reports: tuple[ReportFile, ...],
    policy: Policy,
    complete: bool,
    jobs: int | None,
    cluster: str,
    shown: Shown,
    **asked: Unpack[_Compared],
) -> None:
    """Replay CAPTURES into two implementations and say whether they agree.

    Exit code: 0 equivalent, or lossy where only fields are lost; 1 a regression, whole events are lost, or the policy
    fails the run; 3 inconclusive, or a capture cannot be read; 4 a worker was lost; 130 interrupted.
    """
    from nlmon.project.known import known_file  # noqa: PLC0415  (start-up: --help needs no replay)

    names, select = compared(asked["against"], asked["implementation"], control=asked["control"]), asked["select"]
    _refuse_unreceived(asked)
    _refuse_together(captures, jobs, cluster, asked)
    refuse_reports(reports, captures)
    known = known_file(policy.known)
    options = _options(asked, names, policy, known, lines=form == "jsonl")
    arguments, program = decisive_words(_DECISIVE), own_program()
    if options.lines:
        sys.stdout.buffer.write(line_bytes(Header("nlmon", __version__, *names, select, policy, arguments, program)))
    done = _replay(captures, options, jobs, cluster)
    # What was narrowed by an option, or cut by damage, cannot say that an entry is of no use.
    tried = not _is_narrowed(asked)
    whole = whole_report(*(done.reports, names, select, policy, known), tried=tried, complete=complete)
    whole = structs.replace(whole, arguments=arguments, program=program)
    give_report(whole, form, shown, reports)
    if done.cut:
        _say_interrupted(done.replayed, len(captures))
        sys.exit(ExitCode.INTERRUPTED)
    sys.exit(exit_code(whole, lost_worker=done.lost_worker))


def _options(
    asked: _Compared, names: tuple[str, str], policy: Policy, known: KnownFile, *, lines: bool
) -> ReplayOptions:
    """What is asked of the replay of each capture."""
    from nlmon.jobs.work import ReplayOptions  # noqa: PLC0415  (start-up: --help needs no replay)

    where = asked["where"]
    return ReplayOptions(
        reference=names[0],
        candidate=names[1],
        select=asked["select"],
        protocols=asked["protocols"],
        byteorder=asked["byteorder"],
        backend=BackendOptions(
            generic_families=asked["families"] or None,
            extra_groups=asked["groups"],
            caches=asked["caches"],
            resync=asked["recover"],
            resync_interval=0.0,
            layouts=asked["layouts"],
        ),
        faults=tuple(parse_fault(one, protocol_number) for one in asked["faults"]),
        both_ways=asked["both_ways"],
        control=asked["control"],
        policy=policy,
        known=known.valid,
        max_objects=asked["max_objects"],
        max_messages=asked["max_messages"],
        where="" if where is None else where.text,
        lines=lines,
    )


def _is_narrowed(asked: _Compared) -> bool:
    """Whether less is compared than the captures hold, or something else."""
    narrowing = (asked["protocols"], asked["families"], asked["groups"], asked["faults"], asked["where"])
    return any(narrowing) or asked["recover"] or asked["select"] != "notifications"


class _Done:
    """What came of captures: their ``reports``, how many were ``replayed``, and whether that was ``cut`` by Ctrl-C or a
    worker was lost."""

    def __init__(self) -> None:
        self.reports: list[CaptureReport] = []
        self.replayed = 0
        self.cut = self.lost_worker = False


def _replay(captures: tuple[Path, ...], options: ReplayOptions, jobs: int | None, cluster: str) -> _Done:
    """Replay captures; as JSON lines each is written when it is done. Of those that give no verdict is said why."""
    from nlmon.cli.spread import outcomes  # noqa: PLC0415  (start-up: --help needs no replay)

    out, done = sys.stdout.buffer, _Done()
    several = bool(cluster) or (jobs not in {None, 1} and len(captures) > 1)
    try:
        with (
            nullcontext(None) if several else interruption() as interrupted,
            outcomes(captures, options, 1 if jobs is None else jobs, cluster, interrupted) as ended,
        ):
            for outcome in ended:
                # One bad file, or one lost worker, must not cost the verdicts on the others.
                done.reports += outcome.reports
                done.lost_worker = done.lost_worker or isinstance(outcome.error, PlatformError)
                for piece in outcome.lines():
                    out.write(piece)
                _say_why(outcome, options)
                if options.lines:
                    for one in outcome.reports:
                        out.write(line_bytes(CaptureLine(_without_details(one))))
                    out.flush()
                done.replayed += 1
                done.cut = interrupted is not None and interrupted()
                if done.cut:
                    break
    except KeyboardInterrupt:
        # Of several processes, which are ended by now, nothing is known but what has come; a stream just ends.
        if options.lines or not (several and done.reports):
            _say_interrupted(done.replayed, len(captures))
            sys.exit(ExitCode.INTERRUPTED)
        done.cut = True
    return done


def _say_interrupted(replayed: int, of: int) -> None:
    """Say how many captures were not begun, or not replayed to the end in a process of their own."""
    if replayed < of:
        warn(f"interrupted: {of - replayed:,} of {counted(of, 'capture')} not replayed")


def _refuse_unreceived(asked: _Compared) -> None:
    """Raise ``UsageError`` for options that cannot be judged when messages are replayed that no socket receives."""
    options = {"--cache": asked["caches"], "--recover": asked["recover"], "--fault": asked["faults"]}
    given = [name for name, value in options.items() if value]
    if asked["select"] == "all" and given:
        why = "caches, losses and resyncs are those of a socket, which does not receive every recorded message"
        hint = "leave out --select all"
        raise UsageError("NLM-U013", f"--select all does not go with {' and '.join(given)}", why=why, hint=hint)


def _refuse_together(captures: tuple[Path, ...], jobs: int | None, cluster: str, asked: _Compared) -> None:
    """Raise ``UsageError`` for options and captures that exclude each other."""
    refuse_stdin_twice(captures)
    if asked["where"] is not None and asked["recover"]:
        raise UsageError("NLM-W008", "--where does not go with --recover", why=WHERE_WHY, hint="leave out one of them")
    if cluster and jobs is not None:
        hint = "leave out --jobs; a cluster has the workers that it was started with"
        raise UsageError("NLM-U015", "--jobs does not go with --executor dask", hint=hint)
    if (cluster or jobs not in {None, 1}) and Path("-") in captures:
        why = "only this process can read standard input"
        hint = "name a file, or leave out --executor" if cluster else "name a file, or leave out --jobs"
        raise UsageError("NLM-U016", "- cannot be replayed by another process", why=why, hint=hint)


def _say_why(outcome: Outcome, options: ReplayOptions) -> None:
    """One line on stderr for a capture that could not be replayed, was damaged or gave nothing to compare."""
    capture = outcome.report
    if outcome.error is not None:
        show_error(outcome.error)
    elif capture.damage is not None:
        place = f"{capture.path}, byte {capture.damage.offset:,}"
        hint = f"{capture.frames:,} packets before it were compared"
        show_error(CaptureError(capture.damage.code, capture.damage.what, where=place, hint=hint))
    elif capture.stop is not None:
        show_error(stopped(capture.stop, capture.path))
    elif capture.verdict in UNDECIDED:
        # What a program did wrong has a code of its own.
        failed = FAILED.match(capture.reason)
        code = failed["code"] if failed else "NLM-U002"
        reason = capture.reason[failed.end() :] if failed else capture.reason
        hint = f"see nlmon explain {code}" if failed else _what_to_do(capture, options)
        show_error(CaptureError(code, reason, where=capture.path, hint=hint))


def _what_to_do(capture: CaptureReport, options: ReplayOptions) -> str:
    """Where to look for the cause of a verdict that says neither yes nor no."""
    if options.reference == options.candidate and not options.control:
        return "--control compares an implementation with itself"
    if capture.verdict == "error" or any(capture.compared.values()):
        return "see nlmon explain NLM-U002"
    return "see nlmon capture info"


def _without_details(capture: CaptureReport) -> CaptureReport:
    return structs.replace(capture, details=[])
