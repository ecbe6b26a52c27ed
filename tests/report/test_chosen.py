"""What people ask a report to show: classes one by one, fields of one implementation alone, and how much of it."""

from __future__ import annotations

import io
import json

import pytest
from msgspec import structs
from rich.console import Console

from nlmon.compare.difference import Class
from nlmon.report.model import CaptureReport, DifferenceGroup, DifferenceRow, KnownUse, Report
from nlmon.report.pretty import print_report
from nlmon.report.shown import Shown
from support.command import nlmon
from support.paths import FIXTURES
from support.sampled import one_in

TOPOLOGY = FIXTURES / "captures" / "linux-6.12" / "02-route-topology.pcap.zst"


def found(cls: Class, frame: int, field: str = "mtu") -> DifferenceRow:
    """A difference of a class at a frame."""
    return DifferenceRow(
        *(cls.code, cls.label, cls.severity.value, "RTM_NEWLINK", frame, 0, field, "IFLA_MTU", 40, ""),
        *("1400", "1500", "as an example", False),
    )


def capture() -> CaptureReport:
    """A report with differences of two classes, and fields that either provides alone."""
    conflicts = [found(Class.CONFLICT, frame) for frame in range(1, 31)]
    missing = [found(Class.MISSING, 40, "")]
    return CaptureReport(
        path="a.pcap",
        verdict="regression",
        reason="30 conflict",
        frames=50,
        messages=50,
        roles={"notification": 50},
        differences={"enhancement": 8, "loss-of-service": 3, "conflict": 130, "missing": 1},
        enhancements={"link.master": 5, "link.kind": 2, "nexthop": 1},
        services={"addr.label": 3},
        losses={"addr.label": 3},
        groups=[
            DifferenceGroup("conflict", "regression", "RTM_NEWLINK", "mtu", 130, conflicts[0]),
            DifferenceGroup("missing", "regression", "RTM_NEWLINK", "", 1, missing[0]),
        ],
        details=[*conflicts, *missing],
    )


def printed(shown: Shown, *captures: CaptureReport) -> list[str]:
    """Lines of a report below its table."""
    reports = list(captures or [capture()])
    report = Report("nlmon", "0", "legacy", "libnl", "notifications", reports, "regression")
    out = io.StringIO()
    print_report(report, Console(file=out, width=200, emoji=False), shown)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    return lines[lines.index("a.pcap") :]


def test_one_class_is_shown_one_by_one() -> None:
    """Each difference of it with its place and values, and nothing of the others or of what was read."""
    lines = printed(Shown(classes=frozenset({"missing"})))

    assert lines == [
        "a.pcap",
        "  NLD103 missing RTM_NEWLINK — frame 40, offset 0x0, IFLA_MTU at 0x28: as an example",
        "      legacy  1400",
        "      libnl   1500",
        "  because: 30 conflict",
        "",
        "verdict: regression  (libnl against legacy, 1 capture)",
    ]


@pytest.mark.parametrize(
    ("limit", "shown", "last"),
    [
        (None, 20, "  … and 110 more of class conflict; see --limit"),
        (0, 0, "  … and 130 more of class conflict; see --limit"),
        (2, 2, "  … and 128 more of class conflict; see --limit"),
        (500, 30, "  … and 100 more of class conflict; see --format jsonl"),
    ],
)
def test_a_limit_says_what_it_leaves_out(limit: int | None, shown: int, last: str) -> None:
    """And where the rest is: behind a higher limit, or in the stream, which has every difference."""
    lines = printed(Shown(classes=frozenset({"conflict"}), limit=limit))

    assert sum(line.startswith("  NLD102 conflict RTM_NEWLINK mtu — frame") for line in lines) == shown
    assert [line for line in lines if line.startswith("  … and")] == [last]


def test_what_one_alone_provides_is_shown_by_kind_and_field() -> None:
    """With ``-v``, the most frequent first; whole messages stand under their kind."""
    lines = printed(Shown(verbose=True))
    start = lines.index("  libnl alone provides:")

    assert lines[start : start + 5] == [
        "  libnl alone provides:",
        "    link: master 5, kind 2",
        "    nexthop: whole messages 1",
        "  legacy alone provides, and libnl would lose:",
        "    addr: label 3",
    ]


def test_the_classes_of_the_contract_are_shown_by_field() -> None:
    """They are counted and not kept one by one; a limit holds for their fields."""
    lines = printed(Shown(classes=frozenset({"enhancement", "loss-of-service"}), limit=1))

    assert lines[1:6] == [
        "  libnl alone provides:",
        "    link: master 5",
        "    … and 2 more fields; see --limit",
        "  legacy alone provides, and libnl would lose:",
        "    addr: label 3",
    ]


def test_the_way_back_exchanges_the_two() -> None:
    """In a report of the rollback the reference is what is moved to."""
    back = structs.replace(capture(), path="a.pcap", direction="rollback")
    report = Report("nlmon", "0", "legacy", "libnl", "notifications", [back], "regression")
    out = io.StringIO()
    print_report(report, Console(file=out, width=200), Shown(classes=frozenset({"loss-of-service"})))

    assert "libnl alone provides, and legacy would lose:" in out.getvalue()


@pytest.mark.parametrize("field", ["label", "*"])
def test_a_known_loss_is_not_what_the_other_provides(field: str) -> None:
    """The reference alone provides it, whether the move may lose it or not."""
    use = KnownUse(1, Class.SERVICE.code, "addr", field, "nobody reads it", "me", "", "", 3)
    more = {"addr.netnsid": 1}
    lines = printed(Shown(verbose=True), structs.replace(capture(), losses={}, known=[use], enhancements=more))
    start = lines.index("  libnl alone provides:")

    assert lines[start + 1 : start + 3] == [
        "    addr: netnsid 1",
        f"  known: NLD002 addr {field}, 3 times: nobody reads it (me)",
    ]


def test_a_class_that_is_not_there_is_reported() -> None:
    """No difference of it is said once, not once for each capture."""
    lines = printed(Shown(classes=frozenset({"extra", "missing"})), capture(), capture())

    assert [line for line in lines if line.startswith("no difference")] == ["no difference is of class extra"]


def test_a_limit_holds_for_kinds_of_differences() -> None:
    """Without a class, the groups that are shown are as many as it says."""
    lines = printed(Shown(limit=1))

    assert [line for line in lines if "NLD10" in line or "other kinds" in line] == [
        "  NLD102 conflict RTM_NEWLINK mtu — frame 1, offset 0x0, IFLA_MTU at 0x28: as an example",
        "  … and 1 of 1 other kinds; see --limit",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", one_in(2, ["enhancement", "NLD001", "nld001", "Enhancement"], pytest.mark.long))
def test_the_command_takes_a_class_by_label_or_code(name: str) -> None:
    """What it shows is what the JSON report counts."""
    text = nlmon("replay", TOPOLOGY, "--show", name).stdout
    whole = json.loads(nlmon("replay", TOPOLOGY, "--format", "json").stdout)
    fields = whole["captures"][0]["enhancements"]

    assert f"master {fields['link.master']:,}" in text
    assert text.count("alone provides") == 1


def test_an_unknown_class_is_a_mistake() -> None:
    """It is refused in one line that names the classes."""
    done = nlmon("replay", TOPOLOGY, "--show", "colour")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "'colour' is no class of differences; there are enhancement, loss-of-service," in done.stderr
