"""Two runs are compared by their cases and by what was found about each, and runs of several hosts are merged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec import structs

from nlmon.cli.schema import SCHEMAS
from nlmon.errors import InputError
from nlmon.report.headline import headline, reasons
from nlmon.report.jsonout import report_bytes
from nlmon.report.kinds import KINDS, report_as
from nlmon.report.load import as_run, read_report
from nlmon.report.merge import merge_runs
from nlmon.report.model import CaptureReport, DifferenceGroup, KnownUse
from nlmon.report.outcome import CaseLine, CaseResult, Finding, Run
from nlmon.report.policy import Policy
from nlmon.report.rundiff import RunDifference, compare_runs
from nlmon.report.rundifftext import run_difference_lines
from nlmon.report.sentences import policy_lines
from support.runs import GOOD, HOSTILE, LOSSY, MISSING, REGRESSION, report, result, run


def compared(old: Run, new: Run) -> RunDifference:
    """What two runs differ in, which follows its schema."""
    found = compare_runs(old, new)
    validator = Draft202012Validator(SCHEMAS["report-diff"]())
    assert [error.message for error in validator.iter_errors(json.loads(report_bytes(found)))] == []
    return found


def printed(old: Run, new: Run) -> list[str]:
    """The lines for people, but for those that name the runs."""
    return list(run_difference_lines(compared(old, new)))[2:]


def failed(*findings: str, **values: Any) -> CaseResult:
    """A case that fails by what a scenario expects."""
    return result("failed", "a", findings=tuple(Finding(one, "a.yaml:3:1") for one in findings), **values)


def capture(*groups: DifferenceGroup, path: str = "a.pcap", **values: Any) -> CaptureReport:
    """A capture with differences, which fails if one is a regression."""
    bad = any(group.severity == "regression" for group in groups)
    known = {"fails": "a regression" if bad else "", "groups": list(groups)}
    return CaptureReport(path, "regression" if bad else "equivalent", "", **(known | values))


OTHER = structs.replace(MISSING, field="qdisc", count=1)
OFTEN = structs.replace(OTHER, count=4)
WARNING = structs.replace(MISSING, severity="warning", field="flags")
USE = KnownUse(1, "NLD002", "link", "altnames", "unread", "us", "", "", 2)

# The old run, the new one, whether something is new that fails, and what is said.
CHANGES: list[tuple[str, Run, Run, bool, list[str]]] = [
    ("same", run([failed("x")]), run([failed("x")]), False, ["1 same; nothing new fails"]),
    (
        *("fails now", run([result("passed", "a")]), run([failed("x")]), True),
        [
            *("changed  a[migrate]: passed → failed", "         new      x"),
            "1 changed; 1 case with something new that fails",
        ],
    ),
    (
        *("fails otherwise", run([failed("x")]), run([failed("y")]), True),
        [
            *("changed  a[migrate]: failed", "         new      y", "         gone     x"),
            "1 changed; 1 case with something new that fails",
        ],
    ),
    (
        *("corrected", run([failed("x")]), run([result("passed", "a")]), False),
        ["changed  a[migrate]: failed → passed", "         gone     x", "1 changed; nothing new fails"],
    ),
    (
        *("new and failing", run([]), run([failed("x")]), True),
        ["new      a[migrate]: failed", "1 new; 1 case with something new that fails"],
    ),
    (
        *("gone", run([failed("x"), result("passed")]), run([result("passed")]), False),
        ["gone     a[migrate]: failed", "1 gone, 1 same; nothing new fails"],
    ),
    (
        *("need not hold", run([result("passed", "a")]), run([result("xfailed", "a")]), False),
        ["changed  a[migrate]: passed → xfailed", "1 changed; nothing new fails"],
    ),
    (
        *("could not be judged", run([result("passed", "a")]), run([result("errored", "a", reason="no veth")]), True),
        [
            *("changed  a[migrate]: passed → errored", "         no veth"),
            "1 changed; 1 case with something new that fails",
        ],
    ),
    (
        *("another difference", as_run(report(capture(MISSING))), as_run(report(capture(MISSING, OTHER))), True),
        [
            *("changed  a.pcap: failed, regression", "         a regression"),
            "         new      NLD102 missing RTM_NEWLINK qdisc, once",
            "1 changed; 1 case with something new that fails",
        ],
    ),
    (
        *(
            "more of it",
            as_run(report(capture(OTHER))),
            as_run(report(capture(structs.replace(OTHER, count=4)))),
            False,
        ),
        [
            *("changed  a.pcap: failed, regression", "         changed  NLD102 missing RTM_NEWLINK qdisc, 1 → 4"),
            "1 changed; nothing new fails",
        ],
    ),
    (
        *("a warning", as_run(report(capture())), as_run(report(capture(WARNING))), False),
        [
            *("changed  a.pcap: passed, equivalent", "         new      NLD102 missing RTM_NEWLINK flags, 3 times"),
            "1 changed; nothing new fails",
        ],
    ),
    (
        *("a loss", as_run(report(structs.replace(LOSSY, losses={}))), as_run(report(LOSSY)), False),
        [
            "changed  a.pcap[rollback]: passed, lossy",
            *("         new      loss of service link.altnames, 2 times", "1 changed; nothing new fails"),
        ],
    ),
    (
        *("accepted", as_run(report(LOSSY)), as_run(report(structs.replace(LOSSY, losses={}, known=[USE]))), False),
        [
            "changed  a.pcap[rollback]: passed, lossy",
            "         new      known difference NLD002 link altnames, 2 times",
            *("         gone     loss of service link.altnames, 2 times", "1 changed; nothing new fails"),
        ],
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "fails", "lines"), [one[1:] for one in CHANGES], ids=[one[0] for one in CHANGES]
)
def test_what_is_new_gone_and_changed(old: Run, new: Run, fails: bool, lines: list[str]) -> None:
    """And whether something is new that fails."""
    assert printed(old, new) == lines
    assert compared(old, new).fails == fails


def test_an_entry_that_is_of_no_use_any_more_is_new() -> None:
    """It fails the run; it is nothing new where it did before, by the same file of known differences."""
    good, stale = run([result("passed", "a")]), run([result("passed", "a")], stale=[2], expired=[3])
    other = structs.replace(stale, header=structs.replace(stale.header, known_digest="x"))

    assert printed(good, stale) == [
        *("new      known difference 3 is over", "new      known difference 2 allowed nothing"),
        "1 same; 2 known differences to remove",
    ]
    assert [compared(old, stale).fails for old in (good, stale, other)] == [True, False, True]


def test_another_recording_of_the_same_name_is_said() -> None:
    """Since what is new may be new because of it."""
    old, new = (as_run(report(structs.replace(GOOD, digest=digest))) for digest in ("a", "b"))

    assert printed(old, new) == ["changed  the file b.pcap is another one", "1 same; nothing new fails"]
    assert printed(new, new) == ["1 same; nothing new fails"]


def test_a_run_in_which_nothing_ran_says_so() -> None:
    """It has nothing that fails, and nothing at all."""
    found = compared(run([result("passed")]), run([]))

    assert (found.fails, found.complete) == (False, False)
    assert list(run_difference_lines(found))[-1] == "1 gone; nothing new fails, but nothing ran"


def test_recordings_of_two_kernels_belong_together() -> None:
    """By the name of the file, unless several have it."""
    old = as_run(report(capture(path="6.1/a.pcap"), capture(path="6.1/b.pcap"), capture(path="6.1/x/b.pcap")))
    new = as_run(report(capture(MISSING, path="6.12/a.pcap"), capture(path="6.12/b.pcap")))

    assert printed(old, new) == [
        "changed  6.12/a.pcap (was 6.1/a.pcap): passed, equivalent → failed, regression",
        *("         a regression", "         new      NLD102 missing RTM_NEWLINK mtu, 3 times"),
        "new      6.12/b.pcap: passed, equivalent",
        "gone     6.1/b.pcap: passed, equivalent",
        "gone     6.1/x/b.pcap: passed, equivalent",
        "1 new, 2 gone, 1 changed; 1 case with something new that fails",
    ]


def test_hosts_count_where_there_are_several() -> None:
    """Else the run of one host is compared with that of another."""
    one, two = run([result("passed", "a")], host="one"), run([failed("x")], host="two")
    both = merge_runs([("1", one), ("2", two)], "1")

    assert compared(one, two).counts == {"new": 0, "gone": 0, "changed": 1, "same": 0}
    assert printed(one, both)[:1] == ["new      a[migrate]: failed"]
    assert compared(both, both).counts == {"new": 0, "gone": 0, "changed": 0, "same": 2}


def test_many_changes_of_a_case_are_counted() -> None:
    """But for the first, unless all are asked for; a name is text."""
    groups = [structs.replace(MISSING, field=f"f{n}") for n in range(30)]
    found = compared(as_run(report(capture(path=HOSTILE))), as_run(report(capture(*groups, path=HOSTILE))))
    lines = list(run_difference_lines(found))

    assert "         … and 10 more; all of them with -v" in lines
    assert len(list(run_difference_lines(found, verbose=True))) == len(lines) + 9
    assert [line for line in lines if not line.isprintable()] == []


def merged(*runs: Run) -> Run:
    """Runs of files that are called by number, merged, written and read again."""
    found = merge_runs([(f"{number}.jsonl", one) for number, one in enumerate(runs)], "2")
    again = read_report(report_as("jsonl", found), "merged.jsonl")
    assert structs.replace(again, footer=structs.replace(again.footer, digest="")) == found
    return found


def test_a_merged_run_says_whose_each_case_is() -> None:
    """By the host, or by the name of the file where that is not known."""
    found = merged(run([failed("x")], host="one"), run([result("passed", "a")], host="two"), as_run(report(GOOD)))

    assert [(one.host, one.id, one.outcome) for one in found.results] == [
        ("one", "a[migrate]", "failed"),
        ("two", "a[migrate]", "passed"),
        ("2.jsonl", "b.pcap", "passed"),
    ]
    assert found.header.hosts == {"one": "6.12", "two": "6.12", "2.jsonl": "6.12"}
    assert (found.header.host, found.header.kernel, found.header.version) == ("", "6.12", "2")
    assert (found.footer.outcomes, found.footer.exit_code, found.footer.seconds) == ({"failed": 1, "passed": 2}, 1, 3.0)


def test_a_merged_run_can_be_merged() -> None:
    """Its cases keep their hosts."""
    both = merged(run([failed("x")], host="one"), run([result("passed", "a")], host="two"))
    found = merged(both, run([result("passed", "a")], host="three"))

    assert found.hosts == ("one", "three", "two")


def test_two_runs_of_one_host_are_told_apart() -> None:
    """By the kernel, or else by a number, but only where they have a case in common."""
    first = run([result("passed", "a")])
    other = structs.replace(first, header=structs.replace(first.header, kernel="6.1"))
    later = structs.replace(first, header=structs.replace(first.header, started="later"))
    last = structs.replace(first, header=structs.replace(first.header, started="last"))
    rest = run([result("passed", "b")])

    assert [one.host for one in merged(first, other, later, last, rest).results] == [
        *("here", "here (6.1)", "here (6.12)", "here (2)", "here"),
    ]


def test_the_same_run_is_not_merged_twice() -> None:
    """Its cases would count twice."""
    with pytest.raises(InputError) as error:
        merged(run([result("passed")]), run([result("passed")]))

    assert error.value.code == "NLM-R008"


def test_a_merged_run_is_not_merged_with_what_it_was_made_of() -> None:
    """Nor are they in the other order."""
    one, two = run([result("passed", "a")], host="one"), run([failed("x")], host="two")
    both = merged(one, two)
    for parts in ((both, one), (two, both)):
        with pytest.raises(InputError) as error:
            merged(*parts)
        assert error.value.code == "NLM-R008"


def test_what_runs_do_not_have_in_common_is_not_taken_from_one() -> None:
    """A policy, options, the file of known differences, and the digest of a path that is another file there."""

    def made(host: str, **values: Any) -> Run:
        found = run([result("passed", host)], host=host, stale=[1])
        return structs.replace(found, header=structs.replace(found.header, **values))

    one = made("one", policy=Policy(), options={"words": "a", "seed": "1"}, inputs={"a": "1", "b": "2"})
    two = made("two", policy=Policy(max_lost=1), options={"seed": "1"}, inputs={"a": "1", "b": "3"}, known_digest="x")
    found = merged(one, two)

    assert found.header.policy.sources == {"policy": "it is not the same on all hosts"}
    assert found.header.options == {"seed": "1"}
    assert found.header.inputs == {"a": "1", "b": "2", "two: b": "3"}
    assert (found.footer.stale, merged(one, made("three")).footer.stale) == ([], [1])


@pytest.mark.parametrize("kind", KINDS)
def test_runs_with_several_policies_have_every_report(kind: str) -> None:
    """It says that there are several, and names no file of known differences."""
    one, two = (run([result("passed")], host=host, stale=[1]) for host in ("one", "two"))
    two = structs.replace(two, header=structs.replace(two.header, policy=Policy(max_lost=1)))
    found = merged(one, two)

    assert report_as(kind, found)
    assert list(policy_lines(found.header.policy)) == ["policy: it is not the same on all hosts"]
    assert list(reasons(found)) == ["known difference 1 allowed nothing"]


def test_known_differences_of_one_of_the_runs_fail_all_of_them() -> None:
    """Where the runs had other files of them, too, so that no number of an entry is left."""
    stale = run([result("passed")], host="one", stale=[1])
    stale = structs.replace(
        stale,
        header=structs.replace(stale.header, known_digest="x"),
        footer=structs.replace(stale.footer, exit_code=1),
    )
    found = merged(stale, run([result("passed")], host="two"))

    assert headline(found) == "All 2 cases passed; known differences are to be removed."
    assert json.loads(report_as("badge", found))["message"] == "known differences to remove"


def test_a_run_in_which_nothing_ran_is_not_hidden_by_another() -> None:
    """All of them together have no verdict then."""
    assert merged(run([], host="one"), run([result("passed")], host="two")).footer.exit_code == 3


def test_a_run_that_did_not_end_is_not_whole_when_it_is_merged() -> None:
    """Nor are all of them together, and the cases that did not run are still known."""
    case = CaseLine("c[migrate]", "c", "", "c.yaml", "migrate")
    cut = structs.replace(run([result("passed")], host="one"), cases=(case,), whole=False)
    found = merged(cut, run([result("passed")], host="two"))

    assert (found.whole, [(one.host, one.id) for one in found.waiting]) == (False, [("one", "c[migrate]")])


def test_a_report_of_recordings_of_several_hosts_says_whose_each_is() -> None:
    """As the recordings say."""
    one, two = structs.replace(GOOD, host="one", digest="d"), structs.replace(REGRESSION, host="two")
    found = as_run(report(one, two))

    assert ([result.host for result in found.results], found.header.host) == (["one", "two"], "")
    assert (as_run(report(one)).header.host, as_run(report(one)).header.inputs) == ("one", {"b.pcap": "d"})


def test_many_hosts_are_merged_and_written_in_one_pass() -> None:
    """Each case is looked at as often as it stands there, however many hosts there are."""

    class Counted(str):
        """A host that counts how often it is compared with another one."""

        __slots__ = ()
        compared = 0

        def __eq__(self, other: object) -> bool:
            Counted.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    hosts = [Counted(f"host{number}") for number in range(300)]
    cases = tuple(structs.replace(result("passed", f"s{host}"), host=host) for host in hosts)
    merged = structs.replace(run(cases), header=structs.replace(run([]).header, hosts=dict.fromkeys(hosts, "6.12")))
    Counted.compared = 0
    junit = report_as("junit", merge_runs([("a", merged), ("b", run([result("passed")]))], "1"))

    assert junit.count(b"<testsuite ") == 301
    assert Counted.compared < 20 * len(hosts)
