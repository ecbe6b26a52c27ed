"""``nlmon coverage``: which attributes of the kernel the implementations read."""

from __future__ import annotations

import json

import jsonschema
import pytest
from click.testing import CliRunner

from nlmon.cli.main import group
from nlmon.cli.schema import SCHEMAS


def run(*words: str) -> str:
    """What the command prints."""
    outcome = CliRunner().invoke(group, ["coverage", *words])
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def test_a_line_for_each_kind_of_message() -> None:
    """With a total in the end, and generic families that are kept as they are in one line."""
    lines = run().splitlines()
    heads = [line.split("  ")[0].strip() for line in lines if line.strip()]

    assert heads[0] == "messages"
    assert {"link", "route", "tc", "nl80211", "24 more generic families", "all"} <= set(heads)
    assert lines[-1] == "as Linux 7.3 defines them; nlmon coverage -v names those that not both read"


def test_the_table_is_that_of_the_report() -> None:
    """The last line counts what JSON counts, and JSON keeps to its schema."""
    report = json.loads(run("--format", "json"))
    line = next(line for line in run().splitlines() if line.strip().startswith("all "))
    numbers = [int(word.replace(",", "")) for word in line.split()[1:]]

    jsonschema.validate(report, SCHEMAS["coverage"]())
    assert numbers == [
        sum(report["counts"].values()),
        *(report["counts"][state] for state in ("both", "legacy", "libnl", "neither", "ignored")),
    ]


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("link (NETLINK_ROUTE)", True),
        ("  libnl    IFLA_MASTER", True),
        ("  ignored  IFLA_STATS64: counters, which change without a notification", True),
        ("  neither  TCA_STAB (with 2 attributes in it)", True),
        ("  both     IFLA_MTU", False),
        ("conntrack (NETLINK_NETFILTER)", False),
    ],
)
def test_names_on_request(line: str, there: bool) -> None:
    """``-v`` names what not both read, by message; ``--protocol`` restricts it."""
    assert (line in run("-v", "--protocol", "route").splitlines()) is there


def test_one_implementation_with_itself() -> None:
    """Nothing is read by one alone then."""
    report = json.loads(run("--format", "json", "-i", "libnl", "--against", "libnl", "--protocol", "xfrm"))

    assert report["implementations"] == ["libnl", "libnl"]
    assert report["counts"]["libnl"] == 0
