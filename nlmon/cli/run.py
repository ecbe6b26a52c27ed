"""``nlmon run``: scenarios are run, and what came of them is reported.

Rules:
1. A scenario is run once for all of its cases that are meant; what each outcome is worth is decided by
   ``nlmon.report.outcome``.
2. The stream is written while the run goes on, the other reports at its end.

Not here: running a scenario (``nlmon.scenario``), where it is run (``run_suite``), the forms of reports
(``nlmon.report``).
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from nlmon.cli.again import decisive_words, is_default, own_program
from nlmon.cli.common import program, warn
from nlmon.cli.jobs_options import cluster_address, number_of_jobs
from nlmon.cli.policy_options import current_folder, policy_options
from nlmon.cli.reports import ReportFile, refuse_reports, reports_option
from nlmon.errors import ExitCode, InputError

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.cli.run_suite import Suite
    from nlmon.project.known import KnownFile
    from nlmon.project.settings import RunSettings
    from nlmon.report.policy import Policy
    from nlmon.scenario.load import ScenarioFile
    from nlmon.scenario.options import RunOptions

__all__ = ["command"]

# Where scenarios are looked for.
SCENARIOS = Path("scenarios")


class _Asked(TypedDict):
    """The options that say how each scenario is run."""

    source: str | None
    implementation: str | None
    against: str | None
    allow_run: bool
    seed: int | None
    time_scale: float
    beside: bool


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, readable=False))
@click.option(
    "-k",
    "words",
    default="",
    metavar="WORDS",
    help="Only cases whose id or file has these, such as 'link and not rollback'.",
)
@click.option("-x", "--exitfirst", is_flag=True, help="Stop after the first case that fails or errors.")
@click.option("--max-fail", type=click.IntRange(1), metavar="N", help="Stop after so many cases that fail or error.")
@click.option("--live", "source", flag_value="live", help="Only what runs on this kernel.")
@click.option("--recorded", "source", flag_value="recorded", help="Replay recordings only.")
@click.option("-i", "--implementation", metavar="NAME", help="The candidate, instead of the one that a scenario names.")
@click.option("--against", metavar="NAME", help="The reference, instead of the one that a scenario names.")
@click.option("--allow-run", is_flag=True, help="Let scenarios use captures anywhere, any program, and Python.")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="For faults, instead of that of the scenario.")
@click.option(
    "--time-scale",
    type=click.FloatRange(0.01, 1000),
    default=1.0,
    metavar="X",
    help="Deadlines are X times longer.  [default: 1]",
)
@click.option(
    "--jobs",
    callback=number_of_jobs,
    default="1",
    metavar="N",
    help="Processes that run scenarios; 0 or auto: one per CPU.  [default: 1]",
)
@click.option(
    "--executor",
    "cluster",
    callback=cluster_address,
    metavar="dask:ADDRESS",
    help="Run on the workers of a dask cluster.",
)
@reports_option()
@click.option("--format", "form", type=click.Choice(["pretty", "jsonl"]), default="pretty", show_default=True)
@click.option(
    "--keep-on-failure",
    "keep",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep what runs again what fails: scenario, capture, events.",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep the recordings of live runs, as DIR/ID.pcapng.",
)
@click.option(
    "--record-beside",
    "beside",
    is_flag=True,
    help="Keep what --recorded runs over beside each scenario whose live run passes, as NAME.pcapng.zst.",
)
@click.option("--dry-run", is_flag=True, help="List the cases instead of running them.")
@click.option("-v", "--verbose", is_flag=True, help="Say more of each scenario.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing of what passes.")
@policy_options
@click.option(
    "--complete",
    is_flag=True,
    help="These are all the scenarios there are: a known difference that allows nothing in them fails the run.",
)
def command(
    paths: tuple[Path, ...],
    words: str,
    exitfirst: bool,
    max_fail: int | None,
    jobs: int,
    cluster: str,
    reports: tuple[ReportFile, ...],
    form: str,
    keep: Path | None,
    record: Path | None,
    dry_run: bool,
    verbose: bool,
    quiet: bool,
    policy: Policy,
    complete: bool,
    **asked: Unpack[_Asked],
) -> None:
    """Run scenario files, or all in folders; PATHS default to scenarios.

    Exit code: 0 all passed, 1 something failed, 3 something could not be run or nothing matched, 4 the environment
    lacks what all of them need.
    """
    from nlmon.cli.run_suite import Output, Spread, Suite, run_suite  # noqa: PLC0415
    from nlmon.project.known import known_file  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.project.settings import load_run_settings  # noqa: PLC0415

    config: Path | None = click.get_current_context().params["config"]
    settings = load_run_settings(start=current_folder(), config=config)
    known = known_file(policy.known)
    named = _named(paths)
    # Workers of a cluster have current folders of their own.
    suite = Suite.find([path.absolute() for path in named] if cluster else named, words)
    record = record or _recordings(keep)
    folders = _allowed(suite, settings.capture_folders, () if config else named)
    options = _options(asked, policy, known, settings, record, folders=folders)
    _refuse_outputs(reports, suite, [keep, record])
    if dry_run:
        sys.exit(_list(suite))
    output = Output(
        stream=form == "jsonl",
        quiet=quiet,
        verbose=verbose,
        reports=reports,
        keep=keep,
        given=_given(),
        again=_again(paths),
    )
    spread = Spread(jobs, cluster, 1 if exitfirst else max_fail)
    sys.exit(run_suite(suite, options, output, spread, known=known, complete=complete))


def _options(
    asked: _Asked,
    policy: Policy,
    known: KnownFile,
    settings: RunSettings,
    record: Path | None,
    *,
    folders: tuple[str, ...],
) -> RunOptions:
    """What is asked of the run of each scenario; ``folders``: where its captures may lie."""
    from nlmon.scenario.options import RunOptions  # noqa: PLC0415  (start-up: --help needs none of it)

    return RunOptions(
        source=asked["source"] or "",  # type: ignore[arg-type]
        policy=policy,
        known=known.valid,
        names=_names(asked["implementation"], asked["against"]),
        allow_run=asked["allow_run"] or settings.allow_run,
        folders=folders,
        seed=asked["seed"],
        time_scale=asked["time_scale"],
        record="" if record is None else str(record.resolve()),
        beside=asked["beside"],
    )


def _named(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files and folders that are meant; raises ``InputError`` where none was named and there is no folder."""
    if not paths and not SCENARIOS.exists():
        hint = "name files or folders of scenarios: nlmon run PATH"
        raise InputError("NLM-S026", "there is no folder scenarios here", hint=hint)
    return paths or (SCENARIOS,)


def _recordings(keep: Path | None) -> Path | None:
    """A folder for recordings, for as long as the command runs, where something is to be kept: of what fails the
    recording is kept, and which that will be is not known before."""
    if keep is None:
        return None
    return Path(click.get_current_context().with_resource(tempfile.TemporaryDirectory(prefix="nlmon-")))


def _allowed(suite: Suite, more: Iterable[str], named: Iterable[Path]) -> tuple[str, ...]:
    """The folders that captures may lie in. ``more``: those that the settings name; ``named``: paths whose projects
    have settings of their own."""
    from nlmon.project.settings import project_folders  # noqa: PLC0415  (start-up: --help needs none of it)

    projects = (folder for path in named for folder in project_folders(path))
    return tuple(map(os.path.realpath, map(str, (*suite.folders, *more, *projects))))


def _refuse_outputs(reports: tuple[ReportFile, ...], suite: Suite, folders: Iterable[Path | None]) -> None:
    """Raise an error where something that the run would write cannot be written."""
    from nlmon.reportfile import refuse_unwritable  # noqa: PLC0415  (start-up: --help needs none of it)

    refuse_reports(reports, suite.inputs(), "a scenario or its capture")
    for folder in filter(None, folders):
        refuse_unwritable(folder, folder=True)


def _list(suite: Suite) -> ExitCode:
    """Print the cases that would run, and give the exit code."""
    from nlmon.report.outcome import count_outcomes, exit_code  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.report.text import counted  # noqa: PLC0415

    for case in suite.cases:
        click.echo(case.id)
    for one in suite.mistaken:
        warn(one.explanation)
    warn(f"{counted(len(suite.cases), 'case')} of {counted(len(suite.files), 'scenario')} would run")
    return exit_code(count_outcomes(suite.mistaken)) if suite.mistaken or not suite.cases else ExitCode.OK


def _given() -> dict[str, str]:
    """The options that were given, by name."""
    return {
        name: " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for name, value in click.get_current_context().params.items()
        if value not in (None, False, (), "") and name not in {"paths", "config"} and not is_default(name)
    }


# What changes an outcome, beside the policy: whoever runs a case again gives it again.
_DECISIVE = ("source", "implementation", "against", "allow_run", "seed", "time_scale")


def _again(paths: Sequence[Path]) -> Callable[[ScenarioFile, str], str]:
    """What makes the command that runs a scenario again, under the same options and from the same path, so
    that it may use the same captures; from the scenario and the code of what came of it."""
    from nlmon.scenario.cases import leave, reproduce  # noqa: PLC0415  (start-up: --help needs none of it)

    words, called = decisive_words(_DECISIVE), own_program() or [program()]

    def command(file: ScenarioFile, code: str) -> str:
        folders = [path for path in paths if path.is_dir() and Path(file.path).is_relative_to(path)]
        path = str(folders[0]) if folders else "" if not paths else file.path
        return reproduce(path, file.scenario.id, (*words, *leave(code)), called)

    return command


def _names(implementation: str | None, against: str | None) -> tuple[str, str] | None:
    if implementation is None and against is None:
        return None
    from nlmon.backends.registry import refuse_unknown  # noqa: PLC0415  (start-up: only who names one needs it)

    names = against or "", implementation or ""
    for name in filter(None, names):
        refuse_unknown(name)
    return names
