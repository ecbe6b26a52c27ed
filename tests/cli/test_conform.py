"""``nlmon conform`` and ``nlmon claims``: what they print, and how they exit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nlmon.conformance.claim import all_claims
from support.command import nlmon, process
from support.sampled import one_in

COUNTS = re.compile(
    r"(\d+) claims? about (\w+(?: and \w+)?): (\d+) hold, (\d+) do not by design, (\d+) not applicable, (\d+) failed, "
    r"in \d+\.\d s"
)


def counts(text: str) -> tuple[str, ...]:
    """Claims, implementations, and what came of them, from the last line."""
    found = COUNTS.fullmatch(text.splitlines()[-1])
    assert found is not None
    return found.groups()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of claims about pools."""
    path = tmp_path_factory.mktemp("claims") / "report.json"
    done = nlmon("conform", "-k", "pool", "--report", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert counts(done.stdout) == ("6", "legacy and libnl", "8", "4", "0", "0")
    return path


@pytest.fixture
def failed(report: Path, tmp_path: Path) -> Path:
    """The report, in which a claim fails."""
    value = json.loads(report.read_bytes())
    value["claims"][1]["results"][1].update(outcome="error", explanation="KeyError: 3", place="test_caches.py:7")
    path = tmp_path / "failed.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_run_says_what_came_of_it() -> None:
    """One line when nothing failed, here of one implementation; the same as JSON."""
    done = nlmon("conform", "-i", "libnl", "-k", "pool.oldest")
    form = nlmon("conform", "-i", "libnl", "-k", "pool.oldest", "--format", "json")
    value = json.loads(form.stdout)

    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    assert counts(done.stdout) == ("1", "libnl", "1", "0", "0", "0")
    assert [(claim["id"], [one["outcome"] for one in claim["results"]]) for claim in value["claims"]] == [
        ("pool.oldest", ["holds"])
    ]


# Another Python file in place of an implementation's, so that the command finds a bad one.
BAD = """
import sys
from nlmon.backends.legacy import LegacyBackend
LegacyBackend.groups = {**LegacyBackend.groups, 0: (1,)}
from nlmon.cli.main import main
sys.argv = ["nlmon", *sys.argv[1:]]
main()
"""


@pytest.mark.slow
def test_a_claim_that_fails_is_a_line() -> None:
    """With id, implementation, statement and place; more with -v; exit code 1."""
    plain, verbose = (
        subprocess.run(
            [sys.executable, "-c", BAD, "conform", "-i", "legacy", "-k", "route.groups", *more],
            capture_output=True,
            text=True,
            check=False,
        )
        for more in ((), ("-v",))
    )
    first, last = plain.stdout.splitlines()

    assert (plain.returncode, verbose.returncode, plain.stderr) == (1, 1, "")
    assert re.fullmatch(
        r"does not hold: route\.groups, legacy: The groups of links, .* of IPv6\. \(test_route\.py:\d+\)", first
    )
    assert counts(last) == ("2", "legacy", "0", "0", "1", "1")
    assert "    source: guide#common-options-both-implementations; decision 7" in verbose.stdout
    assert "    assert {1} == {1, 3, 5, 7, 8, 9, 11, 19}" in verbose.stdout


@pytest.mark.slow
def test_claims_are_listed_without_pytest() -> None:
    """Each with its statement and what is declared of it; nothing is tested."""
    code = "import sys\nsys.modules['pytest'] = None\nfrom nlmon.cli.main import main\nmain()"
    command = [sys.executable, "-c", code, "claims", "--list", "--format", "json"]
    value = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert [claim["id"] for claim in value["claims"]] == [claim.id for claim in all_claims()]
    assert {one["outcome"] for claim in value["claims"] for one in claim["results"]} == {None}


@pytest.mark.slow
def test_without_pytest_nothing_is_tested() -> None:
    """The error says what to install; exit code 4."""
    code = (
        "import importlib.util, sys\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'pytest' else find(name, *more)\n"
        "from nlmon.cli.main import main\nmain()"
    )
    for command in ("conform", "claims"):
        done = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (4, "")
        assert done.stderr.startswith("error[NLM-F001]: the claims are tested with pytest, which is not installed")
        assert "install pytest beside nlmon" in done.stderr


@pytest.mark.slow
def test_a_table_of_a_report(report: Path, failed: Path) -> None:
    """Claims by implementations, reasons, counts; exit code 1 when one fails."""
    good, bad = nlmon("claims", report), nlmon("claims", failed)

    assert (good.returncode, bad.returncode, good.stderr, bad.stderr) == (0, 1, "", "")
    assert [line.split()[0] for line in good.stdout.splitlines() if line.startswith(" pool.")] == [
        *("pool.wait", "pool.oldest", "pool.newest", "pool.ahead"),
    ]
    assert "legacy, does not hold (3 claims): it has no message pool" in good.stdout
    assert "error, fails" in bad.stdout
    assert counts(bad.stdout) == ("6", "legacy and libnl", "7", "4", "0", "1")


def test_a_report_is_printed_as_json_as_it_is(report: Path) -> None:
    """So that a report goes through unchanged."""
    assert nlmon("claims", report, "--format", "json").stdout == report.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        *one_in(
            2,
            [
                (("conform", "-k", "a b"), 2, "error[NLM-F005]: pytest does not understand -k 'a b': Wrong expression"),
                (("conform", "-k", "nosuch"), 3, "error[NLM-F002]: no claim matches -k 'nosuch'"),
            ],
        ),
        (("conform", "-i", "nosuch"), 2, "error[NLM-U021]"),
        (("claims", "nosuch.json"), 3, "error[NLM-F007]: the file cannot be read (nosuch.json)"),
        (("claims", "--list", "nosuch.json"), 2, "error[NLM-U021]: --list takes no REPORT"),
        (("claims", __file__), 3, "error[NLM-F003]: not a report of claims"),
    ],
)
def test_mistakes(words: tuple[str, ...], code: int, said: str) -> None:
    """Each has a code and an exit code, and no traceback."""
    done = nlmon(*words)

    assert (done.returncode, done.stdout, done.stderr.startswith(said)) == (code, "", True), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_it_runs_where_another_project_has_settings(tmp_path: Path) -> None:
    """Its pytest settings, its conftest and its tests have no part in it."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text("raise RuntimeError\n", encoding="utf-8")
    done = process("conform", "-k", "pool.wait", cwd=tmp_path)

    assert (done.returncode, counts(done.stdout)[0], sorted(path.name for path in tmp_path.iterdir())) == (
        *(0, "1"),
        ["conftest.py", "pytest.ini"],
    )


@pytest.mark.slow
def test_pytest_runs_the_installed_claims(tmp_path: Path) -> None:
    """``--pyargs`` needs no command of ours, and no checkout."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--pyargs",
        "nlmon.conformance",
        "-k",
        "pool",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert (done.returncode, "8 passed" in done.stdout, "4 xfailed" in done.stdout) == (0, True, True)
