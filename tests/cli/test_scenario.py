"""``nlmon scenario``: check, new and schema, as they are typed."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from nlmon.scenario.load import load_scenario
from support import command
from support.paths import CAPTURES, REPOSITORY

XFRM = CAPTURES / "linux-6.12" / "06-xfrm.pcap.zst"
SUITE = sorted((REPOSITORY / "scenarios").rglob("*.yaml"))


def nlmon(*arguments: object, folder: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """The outcome of a command line in a folder."""
    return command.nlmon(*arguments, folder=folder)


@pytest.mark.slow
def test_our_own_suite_is_in_order() -> None:
    """One line on stderr; PATHS default to scenarios."""
    done = nlmon("scenario", "check")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"{len(SUITE)} scenarios in order\n")


def test_nothing_to_check_is_a_mistake(tmp_path: Path) -> None:
    """A folder that is empty, and a file that is missing."""
    empty, missing = nlmon("scenario", "check", tmp_path), nlmon("scenario", "check", "none.yaml", folder=tmp_path)

    assert (empty.returncode, empty.stderr) == (
        3,
        "error[NLM-S026]: there is no scenario; a scenario is a file NAME.yaml\n",
    )
    assert (missing.returncode, missing.stderr) == (
        3,
        "error[NLM-S028]: the scenario cannot be read (none.yaml): No such file or directory\n",
    )


def test_every_mistake_is_a_line(tmp_path: Path) -> None:
    """Of all files, with file, line and column."""
    head = "scenario: 1\nid: a\n"
    (tmp_path / "a.yaml").write_text(head + "titel: x\n")
    (tmp_path / "b.yaml").write_text(head + "title: b\ncapture: c.pcap\nexpect: {verdict: lossy}\n")
    (tmp_path / "c.yaml").write_text("\t")
    (tmp_path / ".hidden").touch()
    done = nlmon("scenario", "check", ".", folder=tmp_path)

    assert done.returncode == 3
    assert [line.partition(";")[0] for line in done.stderr.splitlines()] == [
        "error[NLM-S013]: one of the keys capture, steps is missing (a.yaml:1:1)",
        "error[NLM-S013]: the key 'expect' is missing (a.yaml:1:1)",
        "error[NLM-S013]: the key 'title' is missing (a.yaml:1:1)",
        "error[NLM-S012]: 'titel' is no key here (a.yaml:3:1)",
        "error[NLM-S004]: a tab cannot stand here (c.yaml:1:1)",
        "error[NLM-S021]: the title is no statement (b.yaml:3:8)",
        "error[NLM-S022]: there is no capture c.pcap (b.yaml:4:10)",
    ]


def test_a_file_that_belongs_to_no_scenario_is_a_mistake(tmp_path: Path) -> None:
    """In a folder; of a file that is given alone nothing beside it is looked at."""
    (tmp_path / "a.pcap").write_bytes(b"capture")
    digest = hashlib.sha256(b"capture").hexdigest()
    (tmp_path / "a.yaml").write_text(
        f"scenario: 1\nid: a\ntitle: It is there.\ncapture: {{path: a.pcap, sha256: {digest}}}\n"
        "expect: {verdict: equivalent}\n"
    )
    (tmp_path / "left.txt").touch()
    (tmp_path / "README.md").touch()
    done = nlmon("scenario", "check", ".", folder=tmp_path)

    assert (done.returncode, done.stderr) == (
        3,
        "error[NLM-S025]: no scenario names this file (left.txt); remove it\n",
    )
    assert nlmon("scenario", "check", "a.yaml", folder=tmp_path).stderr == "1 scenario in order\n"


@pytest.mark.parametrize("target", ["dev/zero", "dev", "proc/self/mem", "x" * 300])
def test_a_capture_that_is_no_file_is_missing(tmp_path: Path, target: str) -> None:
    """A scenario of a stranger may name anything; it is not read without end."""
    up = "../" * (len(tmp_path.parts) - 1)
    (tmp_path / "a.yaml").write_text(
        f"scenario: 1\nid: a\ntitle: It is there.\ncapture: {up}{target}\nexpect: {{verdict: lossy}}\n"
    )
    done = nlmon("scenario", "check", "a.yaml", folder=tmp_path)

    assert (done.returncode, done.stderr[:47]) == (3, f"error[NLM-S022]: there is no capture {up}{target}"[:47])


def test_a_new_scenario_is_in_order(tmp_path: Path) -> None:
    """Its digest is that of the capture, its verdicts are those of a replay both ways."""
    (tmp_path / "suite").mkdir()
    (tmp_path / "My capture 1.pcap.zst").write_bytes(XFRM.read_bytes())
    new = ("scenario", "new", "--from", "My capture 1.pcap.zst", "-o", "suite/a.yaml")
    done, again = nlmon(*new, folder=tmp_path), nlmon(*new, folder=tmp_path)
    digest = hashlib.sha256(XFRM.read_bytes()).hexdigest()

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "suite" / "a.yaml").read_text(encoding="utf-8") == (
        "scenario: 1\n"
        "id: my-capture-1\n"
        "title: Both implementations give the same for the recording My capture 1.\n"
        "capture:\n"
        "  path: ../My capture 1.pcap.zst\n"
        f"  sha256: {digest}\n"
        "expect:\n"
        "  verdict: {migrate: equivalent, rollback: lossy}\n"
    )
    assert nlmon("scenario", "check", "suite", folder=tmp_path).stderr == "1 scenario in order\n"
    assert (again.returncode, again.stderr) == (
        2,
        "error[NLM-S030]: the scenario would replace a file (suite/a.yaml); name another file, or remove it\n",
    )


def test_a_new_scenario_goes_to_stdout() -> None:
    """With the id and the title that are given, in quotes where YAML needs them."""
    done = nlmon("scenario", "new", "--from", XFRM, "--id", "1.5", "--title", 'It says: "ü".')

    assert done.stdout.splitlines()[1:3] == ['id: "1.5"', 'title: "It says: \\"ü\\"."']
    assert load_scenario(done.stdout.encode(), "new").scenario.title == 'It says: "ü".'


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--from", "none.pcap"), 3, "error[NLM-C001]"),
        (("--from", REPOSITORY / "README.md"), 3, "error[NLM-C0"),
        (("--from", XFRM, "--id", "A b"), 2, "error["),
        ((), 2, "error["),
    ],
)
def test_what_no_scenario_can_be_made_of(arguments: tuple[object, ...], code: int, text: str) -> None:
    """One message, and nothing on stdout."""
    done = nlmon("scenario", "new", *arguments)

    assert (done.returncode, done.stdout, done.stderr[: len(text)]) == (code, "", text)


def test_the_schema_has_two_names() -> None:
    """And is the file that is published."""
    published = (REPOSITORY / "docs" / "schemas" / "scenario.schema.json").read_text(encoding="utf-8")

    assert nlmon("scenario", "schema").stdout == nlmon("schema", "scenario").stdout == published
    assert json.loads(published)["title"] == "nlmon scenario, version 1"
