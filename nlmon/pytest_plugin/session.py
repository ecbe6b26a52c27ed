"""What the tests of one pytest have in common: how scenarios are run, and what came of those that have run.

Rules:
1. A scenario is run once for all of its cases that are selected, when the first of them is due.
2. Paths are those that somebody in the folder where pytest was started would type.
3. Only bugs of nlmon leave by another exception than ``NlmonError``.

Not here: tests as pytest sees them (``cases``).
"""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from collections.abc import Collection
from pathlib import Path

import pytest
from msgspec import structs

from nlmon.backends.registry import BACKENDS, brought, refuse_unknown
from nlmon.errors import ScenarioError
from nlmon.jobs.work import ReplayOptions
from nlmon.project.known import KnownFile, known_file
from nlmon.project.settings import load_policy, load_run_settings
from nlmon.pytest_plugin.options import Options
from nlmon.pytest_plugin.replay import Replayed
from nlmon.report.outcome import CaseResult
from nlmon.report.text import shown_path
from nlmon.reportfile import refuse_captures, refuse_unwritable
from nlmon.scenario.cases import leave, reproduce
from nlmon.scenario.keep import keep_failed
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import load_file, run_scenario

__all__ = ["Runs", "candidates"]

# Options that change an outcome.
_DECISIVE = ("implementation", "against", "known", "timeout-scale", "seed")


class Runs:
    """Runs scenarios, as ``options`` and the settings of the project say. ``run_options``, ``replay_options``: how
    scenarios and captures are run; ``known``: the file of known differences; ``replayed``: what came of captures that
    several tests are about. Raises ``NlmonError`` for settings that are wrong."""

    def __init__(self, config: pytest.Config, options: Options) -> None:
        settings = load_run_settings(start=config.rootpath, config=None)
        given = {"known": options.known} if options.known else {}
        policy = load_policy(start=config.rootpath, config=None, options=given)
        self.options = options
        self.known: KnownFile = known_file(policy.known)
        self.run_options = RunOptions(
            policy=policy,
            known=self.known.valid,
            names=_names(options),
            allow_run=options.allow_run or settings.allow_run,
            folders=tuple(
                str(folder.resolve()) for folder in (*options.scenarios, *map(Path, settings.capture_folders))
            ),
            seed=options.seed,
            time_scale=options.timeout_scale,
        )
        self.replay_options = ReplayOptions(
            reference=options.against or "legacy",
            candidate=options.implementation or "libnl",
            policy=policy,
            known=self.known.valid,
        )
        self.replayed: dict[tuple[Path, bool, str], tuple[Replayed, ...]] = {}
        self._folder = config.invocation_params.dir
        self._plugins = [one for one in config.getoption("plugins") if not one.startswith("no:")]
        self._files: dict[str, str] = {}
        self._results: dict[str, dict[str, CaseResult]] = {}

    def refuse_unwritable(self) -> None:
        """Raise an error when a report or the folder of artifacts cannot be written, or two reports would go to one
        file."""
        others: list[Path] = []
        for _, path in self.options.reports:
            refuse_captures(path, others, "another report")
            refuse_unwritable(path)
            others.append(path)
        if self.options.artifacts is not None:
            refuse_unwritable(self.options.artifacts, folder=True)

    def shown(self, path: Path) -> Path:
        """A path as it is found from where pytest was started."""
        return Path(os.path.relpath(path, self._folder)) if path.is_relative_to(self._folder) else path

    def load(self, path: Path) -> tuple[ScenarioFile | None, list[CaseResult]]:
        """A scenario from its file, or the result of a file that is none. Raises ``ScenarioError`` when another file
        has its id."""
        file, mistaken = load_file(self.shown(path))
        if file is not None:
            other = self._files.setdefault(file.scenario.id, file.where)
            if other != file.where:
                what = f"the id {file.scenario.id} is taken"
                raise ScenarioError("NLM-S020", what, where=file.place("id"), hint=f"the other one is {other}")
        return file, mistaken

    def result(self, file: ScenarioFile, case: str, selected: Collection[str]) -> CaseResult:
        """What came of a case; ``selected``: ids of all cases of its scenario that are selected."""
        found = self._results.setdefault(file.where, {})
        if case not in found:
            only = tuple(dict.fromkeys((case, *selected)))
            with contextlib.chdir(self._folder):
                # Of several workers that run a scenario, the one that has its first case keeps it.
                keep = self.options.artifacts if case == next(iter(selected), case) else None
                found |= {one.id: self._reproducible(file, one) for one in self._run(file, only, keep)}
        return found[case]

    def file(self, path: Path) -> ScenarioFile | None:
        """The scenario in a file; None if it is none any more."""
        return load_file(self.shown(path))[0]

    def _run(self, file: ScenarioFile, only: tuple[str, ...], keep: Path | None) -> list[CaseResult]:
        """Run a scenario; what failed is kept in a folder."""
        if keep is None:
            return run_scenario(file, structs.replace(self.run_options, only=only))
        with tempfile.TemporaryDirectory(prefix="nlmon-") as recordings:
            options = structs.replace(self.run_options, only=only, record=recordings)
            results = run_scenario(file, options)
            keep_failed(keep, [file], results, options)
        return results

    def _reproducible(self, file: ScenarioFile, result: CaseResult) -> CaseResult:
        """The result with the command that runs it again, under the same options and from a folder whose captures it
        may use."""
        if not result.reproduce:
            return result
        where, options = self._folder / file.path, self.options
        if brought():  # by a plugin or a conftest.py, of which nlmon run does not know
            return structs.replace(result, reproduce=self._in_pytest(where, result.id))
        within = [folder for folder in options.scenarios if where.resolve().is_relative_to(folder)]
        words: list[str] = []
        for option, value in (
            ("-i", options.implementation),
            ("--against", options.against),
            ("--known", options.known and str(self.shown(Path(options.known)))),
            ("--seed", "" if options.seed is None else str(options.seed)),
            ("--time-scale", "" if options.timeout_scale == 1.0 else f"{options.timeout_scale:g}"),
        ):
            words += [option, value] if value else []
        words += ["--allow-run"] if options.allow_run else leave(result.code)
        shown = str(self.shown(within[0] if within else where))
        return structs.replace(result, reproduce=reproduce(shown, result.scenario, words))

    def _in_pytest(self, path: Path, case: str) -> str:
        """The command with which pytest runs a case again; what the ini file says, it says then, too."""
        words = ["python", "-m", "pytest"]
        for plugin in self._plugins:
            words += ["-p", plugin]
        words += [f"--nlmon-{name}={self.options.given[name]}" for name in _DECISIVE if name in self.options.given]
        words += ["--nlmon-allow-run"] if self.options.allow_run else []
        return shown_path(shlex.join([*words, f"{self.shown(path)}::{case}"]))


def candidates(options: Options) -> tuple[str, ...]:
    """The implementations that a test runs over: all, or the one that was given. Raises ``UsageError``."""
    return tuple(BACKENDS) if not options.implementation else (_known(options.implementation),)


def _names(options: Options) -> tuple[str, str] | None:
    if not options.implementation and not options.against:
        return None
    return _known(options.against or ""), _known(options.implementation or "")


def _known(name: str) -> str:
    """A name that an implementation has, or none. Raises ``UsageError``."""
    if name:
        refuse_unknown(name)
    return name
