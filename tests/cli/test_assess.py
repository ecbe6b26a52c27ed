"""``nlmon assess``: what is printed, exit codes, and reports."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import jsonschema
import pytest

from nlmon.cli.schema import schema_text
from support.command import nlmon
from support.paths import FIXTURES

BASIC = FIXTURES / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"
TEXT = "netlink:\n  use_libnl: false\n  protocols: {route: true, generic: false}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of legacy."""
    path = tmp_path / "nlmon.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.slow
def test_json_and_a_page(config: Path) -> None:
    """The JSON has its schema, and the page the result of the recording and the checklist."""
    done = nlmon(
        "assess", config, "--capture", BASIC, "--format", "json", "--report", f"html:{config.parent / 'page.html'}"
    )
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads(schema_text("assess")))
    page = (config.parent / "page.html").read_text()
    first = re.findall(r"<h1>.*?<span>(.*?)</span></h1>", page)

    assert first == [f"{config}: legacy to libnl: go with notes; back to legacy: go with notes"]
    assert (done.returncode, report["result"], report["back"]) == (0, "go with notes", "go with notes")
    assert ("assess.checklist" in page, "there is a place to test" in page, "NLM-I011" in page) == (True, True, True)


def test_without_a_recording(config: Path) -> None:
    """Undecided, in a few lines."""
    done = nlmon("assess", "nlmon.yaml", folder=config.parent)

    assert (done.returncode, done.stdout.splitlines()[0]) == (3, "nlmon.yaml: legacy to libnl: undecided")
    assert done.stdout.splitlines()[-1].startswith("undecided  (0 events of 0 recordings compared")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("netlink: [\n", "NLM-G003"),
        ("netlink:\n  use_libnl: ${NOBODY_SET_THIS}\n", "NLM-G"),
        ("netlink: {use_libnl: true}\nnlmon: {core: {netlink: {use_libnl: false}}}\n", "NLM-G"),
    ],
    ids=["broken YAML", "an unset variable", "both layouts"],
)
def test_a_wrong_configuration(config: Path, text: str, code: str) -> None:
    """Is refused with its code, and never go."""
    config.write_text(text)
    done = nlmon("assess", config, "--capture", BASIC)

    assert (done.returncode, done.stdout, done.stderr.startswith(f"error[{code}")) == (3, "", True)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--live",), "NLM-I030"),
        (("--duration", "1"), "NLM-I030"),
        (("--record", "a.pcapng"), "NLM-I030"),
        (("--capture", "-"), "NLM-I031"),
        (("--report", "html:nlmon.yaml"), "NLM-U007"),
    ],
    ids=["without an end", "an end of nothing", "nothing to keep", "a stream", "in the place of the configuration"],
)
def test_options_that_do_not_go_together(config: Path, options: tuple[str, ...], code: str) -> None:
    """Are refused before the work."""
    done = nlmon("assess", "nlmon.yaml", *options, folder=config.parent)

    assert (done.returncode, done.stderr.startswith(f"error[{code}]"), config.read_text()) == (2, True, TEXT)


@pytest.mark.slow
def test_nothing_of_the_users_is_touched(config: Path) -> None:
    """Files that the configuration exports to stay as they are, and so does a pipe that nobody reads."""
    events, pipe = config.parent / "events.json", config.parent / "pipe"
    events.write_text("mine\n")
    os.mkfifo(pipe)
    config.write_text(TEXT + f"export: {{json: {{file: {events}}}, pcap: {{file: {pipe}}}}}\n")
    done = nlmon("assess", config, "--capture", BASIC)

    assert (done.returncode, events.read_text(), stat.S_ISFIFO(pipe.stat().st_mode)) == (0, "mine\n", True)
    assert sorted(one.name for one in config.parent.iterdir()) == ["events.json", "nlmon.yaml", "pipe"]
