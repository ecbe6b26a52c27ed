"""Says which scenario finds which bad implementation, and writes docs/reference/deviations.md and, from it,
docs/reference/known-bugs.md.

    python tools/deviations.py [--check] [--new] [-k WORD] [--scenario ID]

Each implementation of ``nlmon.testing.zoo`` takes the place of the good one that it is made from, and scenarios run
until one of them does not hold. That of the page comes first, then those over the recording that shows the mistake.
Without an argument all scenarios run that are needed, which takes about a minute.

``-k`` and ``--new`` run some implementations anew and leave the other rows of the page as they are; ``--scenario`` has
them found by that scenario and no other. ``--check`` runs the pairs of the page alone and writes nothing.

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
from nlmon.conformance.claim import all_claims
from nlmon.scenario import implementations
from nlmon.scenario.check import capture_path
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import load_file, run_scenario
from nlmon.testing.zoo import ZOO, BadImplementation
from nlmon.testing.zoo.upstream import NOT_HERE, OF_LIFE
from nlmon.transport.base import TransportFactory

REPOSITORY = Path(__file__).parent.parent
PAGE = REPOSITORY / "docs" / "reference" / "deviations.md"
BUGS = PAGE.with_name("known-bugs.md")
OPTIONS = RunOptions(source="recorded", folders=(str(REPOSITORY / "fixtures"), str(REPOSITORY / "scenarios")))
HEAD = """# What the scenarios find

`nlmon.testing.zoo` holds implementations with one mistake each. For each of them this page names a scenario that holds
with the good implementations and does not with the bad one. `python tools/deviations.py` writes the page, and a test
runs every pair of it.

| mistake | in | scenario | does not hold |
|---|---|---|---|
"""
BUGS_HEAD = """# Known bugs of the C program

The C program is a netlink monitor with the same two backends, after which nlmon's implementations were made; it is no
part of nlmon. Each bug has an id: N.. in its implementation with libnl, L.. in its legacy one, S.. in what both share.
The implementations of nlmon do not have them, unless the second table says so. `nlmon.testing.zoo` has a bad
implementation for each id of the first one, and the scenario that finds it shows whether another implementation has the
same bug.
`python tools/deviations.py` writes this page.

| id | in | what it does | found by | does not hold |
|---|---|---|---|---|
"""
BUGS_REST = """
No bad implementation has these:

| id | what it is about | why |
|---|---|---|
"""
ID = re.compile(r"([NLS]\d\d): ")


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
    bad_ones = [one for one in results if one.outcome in {"failed", "errored"}]
    whats = [found.what for one in bad_ones for found in one.findings] + [one.reason for one in bad_ones]
    # What an event shows says more than a verdict does.
    return min(whats, key=lambda what: what.startswith("verdict"), default="")


def first(bad: BadImplementation, files: Mapping[str, ScenarioFile], known: str = "") -> tuple[str, str]:
    """The first scenario that finds a bad implementation, and what does not hold there; empty if none does. ``known``:
    the one to begin with."""
    for name, file in sorted(
        files.items(),
        key=lambda one: (
            one[0] != known,
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


def rows() -> dict[str, str]:
    """The rows of the page, by mistake."""
    return {line.split(" | ")[0][2:]: line for line in _table(PAGE)}


def row(bad: BadImplementation, scenario: str, what: str) -> str:
    """A row of the page."""
    return f"| {bad.name} | `{bad.base}` | `{scenario}` | {what.replace('|', chr(92) + '|')} |\n"


def known_bugs() -> str:
    """The page of the known bugs, made from the rows of the other one."""
    says = {claim.id: claim.statement for claim in all_claims()}
    found = {}
    for name, line in rows().items():
        if ID.match(name):
            _, base, scenario, what = line.removesuffix(" |\n").split(" | ", 3)
            found[name[:3]] = f"| {name[:3]} | {base} | {ZOO[name].description} | {scenario} | {what} |\n"
    for claim, bad in OF_LIFE.items():
        ends = f"claim `{claim}` | {says[claim]} |\n"
        found[bad.name[:3]] = f"| {bad.name[:3]} | `{bad.base}` | {bad.description} | {ends}"
    others = [f"| {number} | {about} | {why} |\n" for number, (about, why) in NOT_HERE.items()]
    return BUGS_HEAD + "".join(found[one] for one in sorted(found)) + BUGS_REST + "".join(others)


def _table(page: Path) -> list[str]:
    """The rows of a page's table, without its head."""
    return [line for line in page.read_text(encoding="utf-8").splitlines(keepends=True) if line.startswith("| ")][1:]


def write(page: Path, text: str) -> None:
    """Replace a page."""
    part = page.with_name(page.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(page)


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
    parser.add_argument("--new", action="store_true", help="only mistakes that the page does not have")
    parser.add_argument("--scenario", metavar="ID", help="only this scenario")
    given = parser.parse_args()
    names = [name for name in ZOO if given.word in name]
    if given.check:
        wrong = list(check(names))
        sys.stdout.writelines(f"{line}\n" for line in wrong)
        return 1 if wrong else 0
    known, kept, missed = pairs(), rows(), []
    files = {name: file for name, file in suite().items() if given.scenario in {None, name}}
    for name in names:
        if given.new and name in kept:
            continue
        scenario, what = first(ZOO[name], files, known.get(name, ""))
        sys.stderr.write(f"{name}: {scenario or 'not found'}\n")
        if scenario:
            kept[name] = row(ZOO[name], scenario, what)
        else:
            missed.append(name)
    write(PAGE, HEAD + "".join(kept[name] for name in ZOO if name in kept))
    write(BUGS, known_bugs())
    sys.stdout.writelines(f"no scenario finds: {name}\n" for name in missed)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
