"""Options of the plugin: what the command line says, and else the key of the same name in pytest's ini file.

    --nlmon-seed=7        nlmon_seed = 7

Rules:
1. All are read when pytest starts; a value that is none is a ``UsageError`` (NLM-Y001) that names the option or key.
2. Where ``CI`` is set in the environment, nothing is written that was not asked for on the command line; a path that
   is named counts as asked for. Scenarios are not changed there at all (NLM-Y002).
3. This module is imported by every pytest that has nlmon installed: it imports nothing but pytest and names of kinds.

Not here: what the options do (``session``).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from nlmon.errors import UsageError
from nlmon.report.kinds import KINDS, kind_and_path

__all__ = ["Options", "add_options", "is_worker", "read_options"]

SCENARIOS = "nlmon_scenarios"
RECORD = ("none", "once", "all")
UPDATE = ("create", "fix", "trim")
REQUIRE = ("netns", "root")


class Options(NamedTuple):
    """``scenarios``: folders whose scenarios are collected. ``implementation``, ``against``: candidate and reference
    instead of those that a scenario names. ``record``: whether recordings of tests are kept; ``update``: what is
    changed in scenarios and in the known differences, whose file is ``known``. ``reports``: kind and path of each;
    ``artifacts``: folder for what failed. ``require``: what may not be missing. ``timeout_scale``: deadlines are so
    many times longer; ``seed``: of faults; ``allow_run``: scenarios may do what reaches out of them. ``given``: those
    that are not the default, by name, as text."""

    scenarios: tuple[Path, ...]
    implementation: str
    against: str
    record: str
    update: tuple[str, ...]
    known: str
    reports: tuple[tuple[str, Path], ...]
    artifacts: Path | None
    require: tuple[str, ...]
    timeout_scale: float
    seed: int | None
    allow_run: bool
    given: dict[str, str]


class _Option(NamedTuple):
    """One option and its ini key. ``many``: it has several values, with commas between them."""

    name: str
    metavar: str
    meaning: str
    many: bool = False


_OPTIONS = (
    _Option("implementation", "NAME", "the candidate, instead of the one that a scenario names"),
    _Option("against", "NAME", "the reference, instead of the one that a scenario names"),
    _Option("record", "|".join(RECORD), "keep recordings of nlmon_record beside the tests: none (the default) of them, "
            "once where there is none yet, or all anew"),
    _Option("update", ",".join(UPDATE), "write missing digests and verdicts into scenarios (create), the verdict that "
            "was given (fix); remove known differences that allow nothing (trim)", many=True),
    _Option("known", "FILE", "the file of known differences, instead of that of the settings"),
    _Option("report", "KIND:PATH", f"also write a report of a kind: {', '.join(KINDS)}; repeatable",
            many=True),
    _Option("artifacts", "DIR", "keep what runs again what failed: scenario, capture, events"),
    _Option("require", ",".join(REQUIRE), "fail instead of skipping what needs namespaces, or root", many=True),
    _Option("timeout-scale", "X", "deadlines are X times longer"),
    _Option("seed", "N", "for faults, instead of that of the scenario"),
)  # fmt: skip


def add_options(parser: pytest.Parser) -> None:
    """Declare the options and their ini keys."""
    group = parser.getgroup("nlmon", "netlink scenarios and captures (nlmon)")
    parser.addini(SCENARIOS, "folders whose scenarios (*.yaml) are tests", type="paths", default=[])
    for option in _OPTIONS:
        flag, key = f"--nlmon-{option.name}", _key(option.name)
        action = "append" if option.many else "store"
        group.addoption(flag, dest=key, action=action, default=None, metavar=option.metavar, help=option.meaning)
        kind: Literal["args", "string"] = "args" if option.many else "string"
        parser.addini(key, option.meaning, type=kind, default=None)
    meaning = "let scenarios and tests use captures anywhere, any program, and Python"
    group.addoption("--nlmon-allow-run", dest="nlmon_allow_run", action="store_true", default=None, help=meaning)
    parser.addini("nlmon_allow_run", meaning, type="bool", default=False)


def read_options(config: pytest.Config) -> Options:
    """All options; raises ``pytest.UsageError``."""
    try:
        return _read(_Values(config))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


def is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests for another one (pytest-xdist)."""
    return hasattr(config, "workerinput")


class _Values:
    """The values of options as they were given, and where."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.given: dict[str, str] = {}

    def on_command_line(self, name: str) -> bool:
        """Whether an option was given there."""
        return self.config.getoption(_key(name)) is not None

    def of(self, name: str) -> list[str]:
        """The values of an option; none if it was not given."""
        value: Any = self.config.getoption(_key(name))
        if value is None:
            value = self.config.getini(_key(name))
        texts = [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []
        if texts:
            self.given[name] = ",".join(texts)
        return texts

    def one(self, name: str) -> str:
        """The value of an option that has one; empty if it was not given."""
        return next(iter(self.of(name)), "")

    def words(self, name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Words, each of which is one of those that are allowed."""
        found = [word.strip() for text in self.of(name) for word in text.split(",")]
        for word in found:
            if word not in allowed:
                raise self.wrong(name, word, ", ".join(allowed))
        return tuple(dict.fromkeys(found))

    def number(self, name: str, kind: Callable[[str], Any], holds: Callable[[Any], bool], example: str) -> Any:
        """A number that is in its range; None if it was not given."""
        text = self.one(name)
        if not text:
            return None
        try:
            found = kind(text)
        except ValueError:
            found = None
        if found is None or not holds(found):
            raise self.wrong(name, text, example)
        return found

    def path(self, name: str, text: str) -> Path:
        """A path: of the command line as it is found from there, of the ini file from the folder of that."""
        ini = self.config.inipath
        if self.on_command_line(name) or ini is None:
            return self.config.invocation_params.dir / text
        return ini.parent / text

    def wrong(self, name: str, value: str, example: str) -> UsageError:
        """The error for a value that is none."""
        where = f"--nlmon-{name}" if self.on_command_line(name) else _key(name)
        return UsageError("NLM-Y001", f"{value!r} is no value of {where}", hint=f"try {example}")


def _read(values: _Values) -> Options:
    reports = []
    for text in [one for some in values.of("report") for one in some.split(",")]:
        try:
            kind, path = kind_and_path(text)
        except ValueError as error:
            hint = str(error).removeprefix(f"{text!r} is no report; try ")
            raise values.wrong("report", text, hint) from error
        reports.append((kind, values.path("report", path)))
    record = values.words("record", RECORD)
    if len(record) > 1:
        raise values.wrong("record", ",".join(record), " or ".join(RECORD))
    artifacts, known = values.one("artifacts"), values.one("known")
    scale = values.number("timeout-scale", float, lambda x: 0.01 <= x <= 1000, "2, or another number from 0.01 to 1000")
    return Options(
        scenarios=_scenarios(values.config),
        implementation=values.one("implementation"),
        against=values.one("against"),
        record=_under_ci(values, "record", record[0]) if record else "none",
        update=_update(values),
        known=str(values.path("known", known)) if known else "",
        reports=tuple(reports),
        artifacts=values.path("artifacts", artifacts) if artifacts else None,
        require=values.words("require", REQUIRE),
        timeout_scale=scale or 1.0,
        seed=values.number("seed", int, lambda seed: seed >= 0, "7, or another number from 0"),
        allow_run=bool(values.config.getoption("nlmon_allow_run") or values.config.getini("nlmon_allow_run")),
        given=values.given,
    )


def _scenarios(config: pytest.Config) -> tuple[Path, ...]:
    """The folders of scenarios; one that is not there would give no test and so no failure."""
    found = tuple(path.resolve() for path in config.getini(SCENARIOS))
    for path in found:
        if not path.is_dir():
            hint = f"paths of {SCENARIOS} are relative to the folder of the ini file"
            raise UsageError("NLM-Y006", "a folder of scenarios is not there", where=str(path), hint=hint)
    return found


def _under_ci(values: _Values, name: str, value: str) -> str:
    """A value that makes files, unless this is a CI and nobody has given it there."""
    return value if values.on_command_line(name) or not os.environ.get("CI") else "none"


def _update(values: _Values) -> tuple[str, ...]:
    words = values.words("update", UPDATE)
    if words and (values.one("implementation") or values.one("against")):
        why = "a scenario states the verdict on the implementations that it names"
        raise UsageError("NLM-Y002", "nlmon_update does not go with other implementations", why=why)
    if words and os.environ.get("CI"):
        if values.on_command_line("update"):
            why = "CI is set in the environment, and what is tested there is what was committed"
            raise UsageError("NLM-Y002", "--nlmon-update does not go with CI", why=why, hint="update on your machine")
        return ()
    return words


def _key(name: str) -> str:
    return f"nlmon_{name.replace('-', '_')}"
