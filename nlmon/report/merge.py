"""Several runs as one that keeps whose each case is, such as those of one suite on several hosts.

    NLM-R008   the same run is given twice

Rules:
1. Every case says its host. Where two runs of one host have a case in common, the kernel tells them apart, or else a
   number.
2. Nothing is judged again: outcomes are counted, and what fails one of the runs fails all of them together.
3. What the runs do not have in common, such as their policy, is left out of the header rather than taken from one.

Not here: what is read and written (``load``, ``runstream``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import TypeVar

from msgspec import structs

from nlmon.errors import ExitCode, InputError
from nlmon.report.outcome import Run, RunFooter, RunHeader, count_outcomes, exit_code
from nlmon.report.policy import Policy

__all__ = ["merge_runs"]

T = TypeVar("T")


def merge_runs(named: Sequence[tuple[str, Run]], version: str) -> Run:
    """One run of several, each with the name of its file. ``version``: of the nlmon that merges. Raises
    ``InputError``."""
    for number, (name, run) in enumerate(named):
        if any(run == other for _, other in named[:number]):
            hint = "give each file once"
            raise InputError("NLM-R008", "the same run is given twice", where=name, hint=hint)
    hosted = [_with_hosts(name, run) for name, run in named]
    _refuse_parts([name for name, _ in named], hosted)
    runs = _labelled(hosted)
    results = tuple(result for run in runs for result in run.results)
    cases = tuple(case for run in runs for case in run.cases)
    outcomes = count_outcomes(results)
    footers = [run.footer for run in runs]
    codes = {footer.exit_code for footer in footers}
    stale, expired = _entries(runs)
    # A run in which nothing ran has no case that would show it.
    empty = [exit_code({}) for run in runs if not run.results]
    code = next((one for one in (ExitCode.INTERRUPTED, ExitCode.FAILED, *empty) if one in codes), exit_code(outcomes))
    footer = RunFooter(outcomes, round(sum(one.seconds for one in footers), 3), code, stale, expired)
    return Run(_header(runs, version), results, footer, cases, whole=all(run.whole for run in runs))


def _refuse_parts(names: Sequence[str], runs: Sequence[Run]) -> None:
    """Raise ``InputError`` for a run of which each case stands in another one, which was merged of it before."""
    merged = [{(one.host, one.id): one for one in run.results} for run in runs if len(run.header.hosts) > 1]
    for name, run in zip(names, runs, strict=True):
        for cases in merged:
            smaller = len(cases) > len(run.results) > 0
            if smaller and all(cases.get((one.host, one.id)) == one for one in run.results):
                hint = "leave it out, or merge the runs that the other one was made of"
                why = "another of the files was merged of it"
                raise InputError("NLM-R008", "the same run is given twice", where=name, why=why, hint=hint)


def _with_hosts(name: str, run: Run) -> Run:
    """A run in which each case says its host, which is the name of the file where that is not known."""
    host = run.header.host or name
    return structs.replace(
        run,
        header=structs.replace(run.header, hosts=run.header.hosts or {host: run.header.kernel}),
        results=tuple(structs.replace(one, host=one.host or host) for one in run.results),
        cases=tuple(structs.replace(one, host=one.host or host) for one in run.cases),
    )


def _labelled(runs: Sequence[Run]) -> list[Run]:
    """Runs in which no two have a case of the same host in common: hosts get another name where they would."""
    taken: set[tuple[str, str]] = set()
    found: list[Run] = []
    for run in runs:
        names = {}
        of_hosts = _ids(run)
        for host, kernel in run.header.hosts.items():
            ids = of_hosts.get(host, set())
            names[host] = next(name for name in _names(host, kernel) if not any((name, one) in taken for one in ids))
            taken |= {(names[host], one) for one in ids}
        found.append(_renamed(run, names))
    return found


def _ids(run: Run) -> dict[str, set[str]]:
    """The ids of the cases of each host, those that have run and those that were to."""
    found: dict[str, set[str]] = {}
    for host, case in (*((one.host, one.id) for one in run.results), *((one.host, one.id) for one in run.cases)):
        found.setdefault(host, set()).add(case)
    return found


def _names(host: str, kernel: str) -> Iterator[str]:
    """What a host may be called, the plainest first."""
    yield host
    if kernel:
        yield f"{host} ({kernel})"
    yield from (f"{host} ({number})" for number in count(2))


def _renamed(run: Run, names: dict[str, str]) -> Run:
    if all(old == new for old, new in names.items()):
        return run
    return structs.replace(
        run,
        header=structs.replace(run.header, hosts={names[host]: kernel for host, kernel in run.header.hosts.items()}),
        results=tuple(structs.replace(one, host=names.get(one.host, one.host)) for one in run.results),
        cases=tuple(structs.replace(one, host=names.get(one.host, one.host)) for one in run.cases),
    )


def _header(runs: Sequence[Run], version: str) -> RunHeader:
    headers = [run.header for run in runs]
    policy = _common((one.policy for one in headers), Policy(sources={"policy": "it is not the same on all hosts"}))
    hosts = {host: kernel for one in headers for host, kernel in one.hosts.items()}
    return RunHeader(
        tool="nlmon",
        version=version,
        host=_common(hosts, ""),
        kernel=_common(hosts.values(), ""),
        started=min(filter(None, (one.started for one in headers)), default=""),
        policy=policy,
        options=dict(set.intersection(*(set(one.options.items()) for one in headers))),
        inputs=_inputs(headers),
        known_digest=_common((one.known_digest for one in headers), ""),
        hosts=hosts,
    )


def _inputs(headers: Sequence[RunHeader]) -> dict[str, str]:
    """The digests of all inputs; a path that is another file on another host says on which."""
    found: dict[str, str] = {}
    for header in headers:
        for path, digest in header.inputs.items():
            name = path if found.get(path, digest) == digest else f"{', '.join(header.hosts)}: {path}"
            found[name] = digest
    return found


def _entries(runs: Sequence[Run]) -> tuple[list[int], list[int]]:
    """Entries of the known differences that allowed nothing on any host, and those whose time is over; none where the
    runs had other files of them, in which the numbers mean something else."""
    if len({run.header.known_digest for run in runs}) != 1:
        return [], []
    reports = [result.report for run in runs for result in run.results if result.report is not None]
    used = {use.entry for report in reports for use in report.known}
    stale = {number for run in runs for number in run.footer.stale} - used
    return sorted(stale), sorted({number for run in runs for number in run.footer.expired})


def _common(values: Iterable[T], otherwise: T) -> T:
    """What all values are, or else ``otherwise``."""
    first, *rest = values
    return first if all(one == first for one in rest) else otherwise
