"""``nlmon replay``: captures into both implementations, and the verdict.

Not here: the replay itself (``nlmon.replay``) and the formats (``nlmon.report``).
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click
from msgspec import structs

from nlmon import __version__
from nlmon.backends.base import BACKENDS, BackendOptions, create
from nlmon.capture import ByteOrder, open_capture
from nlmon.cli.common import progress, protocol_option, show_error
from nlmon.cli.output import refuse_captures, write_report
from nlmon.compare.difference import Difference
from nlmon.errors import CaptureError, UsageError
from nlmon.outcome import row
from nlmon.replay import Select, replay_capture
from nlmon.report.jsonout import CaptureLine, DifferenceLine, Footer, Header, line_bytes, report_bytes
from nlmon.report.model import CaptureReport, Damage, Report, worst
from nlmon.report.text import shown_path
from nlmon.transport.faults import Fault, parse_fault

__all__ = ["command"]

EXIT = {"equivalent": 0, "regression": 1, "error": 3}


@click.command()
@click.argument("captures", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option("--backend", type=click.Choice(list(BACKENDS)), default="libnl", show_default=True, help="The candidate.")
@click.option(
    "--against", type=click.Choice(list(BACKENDS)), default="legacy", show_default=True, help="The reference."
)
@protocol_option
@click.option(
    "--select",
    type=click.Choice(["notifications", "all"]),
    default="notifications",
    show_default=True,
    help="Feed what a monitor's own socket would have received, or every recorded message.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["pretty", "json", "jsonl"]),
    default="pretty",
    show_default=True,
)
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False, readable=False), help="Also write the JSON report here."
)
@click.option(
    "--family", "families", multiple=True, help="Generic families that libnl joins; default: all there are. Repeatable."
)
@click.option("--group", "groups", multiple=True, help="More rtnetlink groups for libnl, such as tc. Repeatable.")
@click.option("--fault", "faults", multiple=True, help="Lose messages, such as overrun@120+50. Repeatable.")
@click.option(
    "--cache",
    "caches",
    multiple=True,
    type=click.Choice(["link", "addr", "route"]),
    help="Caches of libnl. Repeatable.",
)
@click.option("--recover", is_flag=True, help="Let libnl make up for what it lost.")
@click.option("--strict", is_flag=True, help="Events in another order or number turn the verdict, too.")
@click.option("--byteorder", type=click.Choice(["little", "big"]), help="Override the recording's byte order.")
def command(
    captures: tuple[Path, ...],
    backend: str,
    against: str,
    protocols: tuple[int, ...],
    select: Select,
    form: str,
    report: Path | None,
    byteorder: ByteOrder | None,
    families: tuple[str, ...],
    groups: tuple[str, ...],
    faults: tuple[str, ...],
    caches: tuple[str, ...],
    recover: bool,
    strict: bool,
) -> None:
    """Replay CAPTURES into two implementations and say whether they agree.

    Exit code: 0 equivalent, 1 regression, 3 a capture is damaged or held nothing to compare.
    """
    out = sys.stdout.buffer
    _refuse_unheard(select, {"--cache": caches, "--recover": recover, "--fault": faults})
    if report is not None:
        refuse_captures(report, captures)
    options = BackendOptions(
        generic_families=families or None, extra_groups=groups, caches=caches, resync=recover, resync_interval=0.0
    )
    seeded = tuple(map(parse_fault, faults))
    if form == "jsonl":
        out.write(line_bytes(Header("nlmon", __version__, against, backend, select)))
    done: list[CaptureReport] = []
    for path in captures:
        try:
            done.append(_one(path, backend, against, protocols, select, byteorder, form, options, seeded, strict))
            _say_why(done[-1])
        except CaptureError as error:
            # One bad file must not cost the verdicts on the others.
            show_error(error)
            damage = Damage(error.code, error.what, error.offset)
            done.append(CaptureReport(path=shown_path(path), verdict="error", reason=error.what, damage=damage))
        if form == "jsonl":
            out.write(line_bytes(CaptureLine(_without_details(done[-1]))))
            out.flush()
    whole = Report(
        tool="nlmon",
        version=__version__,
        reference=against,
        candidate=backend,
        select=select,
        captures=done,
        verdict=worst([capture.verdict for capture in done]),
    )
    try:
        _print(whole, form)
    finally:
        # The report is written even when the terminal is gone.
        if report is not None:
            write_report(report, report_bytes(whole))
    sys.exit(EXIT[whole.verdict])


def _refuse_unheard(select: Select, options: dict[str, object]) -> None:
    """Raise ``UsageError`` for what cannot be judged when messages are fed that no socket of a monitor receives."""
    asked = [name for name, value in options.items() if value]
    if select == "all" and asked:
        why = "a cache, a loss and what makes up for it are those of a socket, which does not hear every message"
        hint = "leave out --select all"
        raise UsageError("NLM-U013", f"--select all does not go with {' and '.join(asked)}", why=why, hint=hint)


def _print(whole: Report, form: str) -> None:
    """The report on stdout; of a stream only its end."""
    out = sys.stdout.buffer
    if form == "jsonl":
        out.write(line_bytes(Footer(len(whole.captures), whole.verdict)))
    elif form == "json":
        out.write(report_bytes(whole))
    else:
        from rich.console import Console  # noqa: PLC0415  (start-up: only people need it)

        from nlmon.report.pretty import print_report  # noqa: PLC0415

        print_report(whole, Console(width=None if sys.stdout.isatty() else 160))
    out.flush()


def _one(
    path: Path,
    backend: str,
    against: str,
    protocols: tuple[int, ...],
    select: Select,
    byteorder: ByteOrder | None,
    form: str,
    options: BackendOptions,
    faults: tuple[Fault, ...],
    strict: bool,
) -> CaptureReport:
    def stream(difference: Difference) -> None:
        sys.stdout.buffer.write(line_bytes(DifferenceLine(shown_path(path), row(difference))))

    with open_capture(path, byteorder=byteorder) as reader, progress(reader.size, path.name) as advance:
        return replay_capture(
            reader,
            shown_path(path),
            partial(create, against),
            partial(create, backend),
            select=select,
            protocols=protocols or None,
            on_difference=stream if form == "jsonl" else None,
            on_progress=advance,
            options=options,
            faults=faults,
            strict=strict,
        )


def _say_why(capture: CaptureReport) -> None:
    """One line on stderr for a capture that was damaged or gave nothing to compare."""
    if capture.damage is not None:
        place = f"{capture.path}, byte {capture.damage.offset:,}"
        hint = f"{capture.frames:,} packets before it were compared"
        show_error(CaptureError(capture.damage.code, capture.damage.what, where=place, hint=hint))
    elif capture.verdict == "error":
        show_error(CaptureError("NLM-U002", capture.reason, where=capture.path, hint="see nlmon capture info"))


def _without_details(capture: CaptureReport) -> CaptureReport:
    return structs.replace(capture, details=[])
