"""Says which scenario finds which bad implementation, and writes docs/reference/deviations.md.

    python tools/deviations.py [--check] [-k WORD]

Each implementation of ``nlmon.testing.zoo`` takes the place of the good one that it is made from, and scenarios run
until one of them does not hold. Those over the recording that shows the mistake come first. Without an argument all
scenarios run that are needed, which takes minutes; ``--check`` runs the pairs of the page alone.

Exit code: 1 if an implementation is found by no scenario, or one of the page by another one than it says.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.scenario import implementations
from nlmon.scenario.check import capture_path
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import load_file, run_scenario
from nlmon.testing.zoo import ZOO, BadImplementation
from nlmon.transport.base import TransportFactory

REPOSITORY = Path(__file__).parent.parent
PAGE = REPOSITORY / "docs" / "reference" / "deviations.md"
OPTIONS = RunOptions(source="recorded", folders=(str(REPOSITORY / "fixtures"), str(REPOSITORY / "scenarios")))
HEAD = """# What the scenarios find

`nlmon.testing.zoo` holds implementations with one mistake each. For each of them this page names a scenario that holds
with the good implementations and does not with the bad one. `python tools/deviations.py` writes the page, and a test
runs every pair of it.

| mistake | in | scenario | does not hold |
|---|---|---|---|
"""


def suite() -> dict[str, ScenarioFile]:
    """The bundled scenarios that have a capture, by their id."""
    found = {}
    for path in sorted((REPOSITORY / "scenarios").rglob("*.yaml")):
        file, _ = load_file(path)
        if file is not None and file.scenario.capture is not None:
            found[file.scenario.id] = file
    return found


def finding(bad: BadImplementation, file: ScenarioFile) -> str:
    """What does not hold in a scenario with a bad implementation in the place of the good one; empty if all does."""

    def make(name: str, factory: TransportFactory, options: BackendOptions | None = None) -> Backend:
        return bad.make(factory, options or BackendOptions()) if name == bad.base else create(name, factory, options)

    with patch.object(implementations, "create", make):
        results = run_scenario(file, OPTIONS)
    return next((one.reason for one in results if one.outcome in {"failed", "errored"}), "")


def first(bad: BadImplementation, files: Mapping[str, ScenarioFile]) -> tuple[str, str]:
    """The first scenario that finds a bad implementation, and what does not hold there; empty if none does."""
    for name, file in sorted(
        files.items(),
        key=lambda one: (
            bad.recording not in capture_path(one[1]),
            not one[0].startswith(("faults", "malformed")),
            one[0],
        ),
    ):
        what = finding(bad, file)
        if what:
            return name, what
    return "", ""


def pairs() -> dict[str, str]:
    """The scenario of each mistake, as the page has them."""
    rows = re.findall(r"^\| (.+?) \| `\w+` \| `(.+?)` \| .* \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(rows)


def row(bad: BadImplementation, scenario: str, what: str) -> str:
    """A row of the page."""
    return f"| {bad.name} | `{bad.base}` | `{scenario}` | {what.replace('|', chr(92) + '|')} |\n"


def check(names: Sequence[str]) -> Iterator[str]:
    """The pairs of the page that are not so."""
    files, known = suite(), pairs()
    for name in names:
        if name in known and not finding(ZOO[name], files[known[name]]):
            yield f"{known[name]} does not find: {name}"


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="run the pairs of the page alone")
    parser.add_argument("-k", dest="word", default="", help="only mistakes whose name has this")
    given = parser.parse_args()
    names = [name for name in ZOO if given.word in name]
    if given.check:
        wrong = list(check(names))
        sys.stdout.writelines(f"{line}\n" for line in wrong)
        return 1 if wrong else 0
    files, rows, missed = suite(), [], []
    for name in names:
        scenario, what = first(ZOO[name], files)
        sys.stderr.write(f"{name}: {scenario or 'not found'}\n")
        rows += [row(ZOO[name], scenario, what)] if scenario else []
        missed += [] if scenario else [name]
    if not given.word:
        part = PAGE.with_name(PAGE.name + ".part")
        part.write_text(HEAD + "".join(rows), encoding="utf-8")
        part.replace(PAGE)
    sys.stdout.writelines(f"no scenario finds: {name}\n" for name in missed)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
