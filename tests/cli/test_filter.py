"""``nlmon filter`` and ``--where``: what a filter means, what it matches, and what is said of a mistake.

Not here: the language (``tests/filters``), and what a replay compares (``tests/engine/test_where.py``).
"""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.shell_completion import ShellComplete

from nlmon.backends import registry
from nlmon.backends.libnl import LibnlBackend
from nlmon.cli.main import group
from nlmon.cli.schema import SCHEMAS
from nlmon.errors import ExitCode
from nlmon.filters.fields import ALIASES, FIELDS
from support.command import nlmon
from support.paths import CAPTURES

BASIC = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
KIND = 'netlink.link.kind == "dummy" AND interface == "d0"'


def test_explain_says_what_a_filter_means_to_each() -> None:
    """The tree, the fields with who provides them, and what is left of the filter."""
    done = nlmon("filter", "explain", 'interface =~ "^v" or not netlink.addr.flags contains "permanent"')

    assert done.stdout.splitlines() == [
        'interface =~ "^v" OR NOT netlink.addr.flags CONTAINS IFA_F_PERMANENT',
        "",
        "OR",
        '├─ interface =~ "^v"',
        "└─ NOT",
        "   └─ netlink.addr.flags CONTAINS IFA_F_PERMANENT",
        "",
        "field               type   legacy                           libnl",
        "interface           text   not in diag, conntrack, generic  yes",
        "netlink.addr.flags  flags  no                               yes",
        "",
        "legacy  matches every event",
        "libnl   as it is written",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_explain_prints_json_by_its_schema() -> None:
    """With notices, which people read on stderr."""
    done = nlmon("filter", "explain", "ct.protocol == 6".replace("ct", "netlink.ct") + " or 1 == 1", "--format", "json")
    found = json.loads(done.stdout)

    jsonschema.validate(found, SCHEMAS["filter-explain"]())
    assert found["notices"] == ["1 == 1 compares no field"]
    assert done.stderr == "note: 1 == 1 compares no field\n"


@pytest.mark.parametrize("command", [("filter", "explain"), ("decode", BASIC, "--where"), ("replay", BASIC, "--where")])
def test_a_mistake_is_shown_with_its_place(command: tuple[object, ...]) -> None:
    """And nothing is read."""
    done = nlmon(*command, "interface = 'x'")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "error[NLM-W001]: = is no operator (column 11); write == to compare, =~ to search",
        "  interface = 'x'",
        "            ^",
    ]


def test_fields_lists_the_table() -> None:
    """A line for each field and each other name; as JSON by its schema."""
    lines = nlmon("filter", "fields").stdout.splitlines()
    found = json.loads(nlmon("filter", "fields", "--format", "json").stdout)

    jsonschema.validate(found, SCHEMAS["filter-fields"]())
    assert [row["path"] for row in found["fields"]] == list(FIELDS)
    assert len(lines) == 1 + len(FIELDS) + 1 + len(ALIASES)


def test_a_test_says_what_matches_under_each() -> None:
    """With the values that make the difference; exit code 1 where there is one."""
    done = nlmon("filter", "test", KIND, BASIC)
    lines = done.stdout.splitlines()

    assert [line.split() for line in lines[:3]] == [
        ["frame", "offset", "message", "interface", "legacy", "libnl"],
        ["37", "0", "RTM_NEWLINK", "d0", "no", "yes"],
        ["netlink.link.kind", "legacy:", "not", "provided,", "libnl:", "dummy"],
    ]
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "legacy: 0 events matched"


class Unready(LibnlBackend):
    """Enables nothing."""

    def enable(self, protocol: int) -> None:
        raise ValueError(protocol)


def test_a_test_ends_with_an_implementation_that_cannot_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would match nothing, and only seem to."""
    monkeypatch.setattr(registry, "BACKENDS", {**registry.BACKENDS, "libnl": f"{__name__}:Unready"})
    done = nlmon("filter", "test", KIND, BASIC)

    assert done.returncode == ExitCode.INTERNAL
    assert "error[NLM-X002]: libnl raised ValueError" in done.stderr


def test_a_test_prints_json_lines_by_their_schema() -> None:
    """A line for each message that matches under one of them; those of both give exit code 0."""
    done = nlmon("filter", "test", 'netlink.link.operstate == "DOWN"', BASIC, "--format", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    decoded = nlmon("decode", BASIC, "--where", 'netlink.link.operstate == "DOWN"').stdout.splitlines()

    for row in rows:
        jsonschema.validate(row, SCHEMAS["filter-test"]())
    assert [row["frame"] for row in rows] == [json.loads(line)["frame"] for line in decoded]
    assert [row["matches"] for row in rows] == [{"legacy": True, "libnl": True}] * len(rows)
    assert done.returncode == 0


def test_decode_prints_what_matches() -> None:
    """Of each implementation what it matches there."""
    whole = [json.loads(line) for line in nlmon("decode", BASIC).stdout.splitlines()]
    found = [json.loads(line) for line in nlmon("decode", BASIC, "--where", KIND).stdout.splitlines()]
    none = nlmon("decode", BASIC, "-i", "legacy", "--where", KIND)

    assert found == [
        line for line in whole if line["netlink"].get("link", {}).get("kind") == "dummy" and line["interface"] == "d0"
    ]
    assert (none.returncode, none.stdout) == (3, "")
    assert none.stderr.splitlines()[-1].startswith("error[NLM-W007]: no event matches netlink.link.kind")


def test_a_replay_says_what_it_was_limited_to() -> None:
    """And how to have it again."""
    done = nlmon("replay", BASIC, "--where", "netlink.link.mtu>1400", "--format", "json")
    report = json.loads(done.stdout)

    assert report["arguments"] == ["--where", "netlink.link.mtu > 1400"]
    assert report["captures"][0]["notes"][0].startswith("the filter netlink.link.mtu > 1400 matches ")
    assert done.returncode == 0


@pytest.mark.slow
def test_several_jobs_compare_the_same() -> None:
    """The filter goes to the workers as text."""
    words = ("replay", BASIC, BASIC, "--where", "netlink.link.mtu > 1400", "--format", "json")

    assert json.loads(nlmon(*words, "--jobs", 2).stdout) == json.loads(nlmon(*words).stdout)


def test_a_recovery_is_not_judged_by_a_filter() -> None:
    """States are what shows it."""
    done = nlmon("replay", BASIC, "--recover", "--where", "nsid == 1")

    assert (done.returncode, done.stderr.split(":")[0]) == (2, "error[NLM-W008]")


def test_a_shell_completes_an_expression(tmp_path: Path) -> None:
    """From the table of fields, as an option and as an argument."""
    shell = ShellComplete(group, {}, "nlmon", "_NLMON_COMPLETE")
    found = [
        [one.value for one in shell.get_completions(words, "netlink.link.mt")]
        for words in (["decode", "a.pcap", "--where"], ["filter", "explain"])
    ]

    assert found == [["netlink.link.mtu"]] * 2


SCENARIO = """scenario: 1
id: filter.events
title: A filter says which events are expected.
capture: {path}
expect:
  events:
    - {{where: netlink.link.kind == "dummy", by: libnl, count: {{min: 1}}}}
    - {{where: netlink.link.kind == "dummy", by: legacy, count: 0}}
    - {{msg_type: RTM_NEWLINK, where: 'netlink.link.mtu IN [1400, 1500]', count: {count}}}
"""


@pytest.mark.parametrize(("count", "code"), [(17, 0), (18, 1)])
def test_a_scenario_expects_events_by_a_filter(tmp_path: Path, count: int, code: int) -> None:
    """Of each implementation, or of one."""
    (tmp_path / "a.pcap.zst").write_bytes(BASIC.read_bytes())
    (tmp_path / "a.yaml").write_text(SCENARIO.format(path="a.pcap.zst", count=count), encoding="utf-8")
    done = nlmon("run", tmp_path / "a.yaml")

    assert (done.returncode, "found 17" in done.stdout) == (code, bool(code)), done.stdout
