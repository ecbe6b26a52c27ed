"""The file of known differences: what it may hold, what an entry does to a run, and the commands that keep it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from nlmon.compare.difference import Class
from nlmon.project.known import KnownFile
from nlmon.report.jsonout import report_bytes
from nlmon.report.model import CaptureReport, DifferenceGroup, DifferenceRow, KnownUse, Report
from support.command import nlmon
from support.paths import CAPTURES

XFRM = CAPTURES / "linux-6.12" / "06-xfrm.pcap.zst"
# As an entry names it.
NAME = "linux-6.12/06-xfrm.pcap.zst"
BASIC = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
ROLLBACK = ("-i", "legacy", "--against", "libnl")
ENTRY = """
  - code: NLD002
    message: xfrm_state
    capture: linux-6.12/06-xfrm.pcap.zst
    reference: libnl
    candidate: legacy
    reason: no IPsec
    owner: net
"""


def written(folder: Path, text: str) -> Path:
    """A file of known differences."""
    path = folder / "known.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def report(folder: Path, *arguments: object) -> Path:
    """A report of a replay, as JSON."""
    path = folder / "report.json"
    path.write_text(nlmon("replay", *arguments, "--format", "json").stdout, encoding="utf-8")
    return path


def test_what_is_allowed_does_not_fail(tmp_path: Path) -> None:
    """All three kinds of events that a rollback loses are allowed by name: the run passes, and shows them apart."""
    kinds = [word for kind in ("xfrm_state", "xfrm_policy", "xfrm_flush") for word in ("--message", kind)]
    known = tmp_path / "known.yaml"
    added = nlmon(
        *("known", "add", report(tmp_path, XFRM, *ROLLBACK), "--code", "NLD002", *kinds),
        *("--reason", "no IPsec", "--owner", "net", "--expires", "2099-12-31", "--file", known),
    )
    done = nlmon("replay", XFRM, *ROLLBACK, "--known", known, "--format", "json")
    whole = json.loads(done.stdout)
    (capture,) = whole["captures"]

    assert (added.returncode, added.stderr.splitlines()[-1]) == (0, "3 added, 0 were there")
    assert (done.returncode, capture["verdict"], capture["fails"], capture["lost_events"]) == (0, "lossy", "", {})
    assert {use["message"]: (use["count"], use["reason"], use["expires"]) for use in capture["known"]} == {
        "xfrm_flush": (2, "no IPsec", "2099-12-31"),
        "xfrm_policy": (18, "no IPsec", "2099-12-31"),
        "xfrm_state": (58, "no IPsec", "2099-12-31"),
    }
    assert (whole["policy"]["known"], whole["policy"]["sources"]) == (str(known), {"known": "--known"})
    assert (whole["stale"], whole["expired"]) == ([], [])


def test_an_entry_holds_in_its_direction_alone(tmp_path: Path) -> None:
    """What a rollback may lose is no licence for the move, so that the entry is stale there and fails nothing."""
    known = written(tmp_path, f"known: 1\nentries:{ENTRY}")
    both = json.loads(nlmon("replay", XFRM, "--both-ways", "--known", known, "--format", "json").stdout)
    forward = nlmon("replay", XFRM, "--known", known, "--format", "json")

    assert [[use["entry"] for use in capture["known"]] for capture in both["captures"]] == [[], [1]]
    assert (both["verdicts"], both["stale"]) == ({"migrate": "equivalent", "rollback": "lossy"}, [])
    assert (forward.returncode, json.loads(forward.stdout)["stale"]) == (0, [])


def test_an_entry_that_allows_nothing_fails(tmp_path: Path) -> None:
    """Its capture was replayed whole, and it was of no use; a run that was narrowed cannot say that."""
    known = written(tmp_path, f"known: 1\nentries:{ENTRY}".replace("xfrm_state", "xfrm_expire"))
    whole = nlmon("replay", XFRM, *ROLLBACK, "--known", known)
    part = nlmon("replay", XFRM, *ROLLBACK, "--known", known, "--protocol", "route", "--format", "json")

    assert whole.returncode == 1
    assert f"known difference 1 of {known} allowed nothing" in whole.stdout
    assert json.loads(part.stdout)["stale"] == []


def test_an_entry_for_a_pattern_needs_all_captures(tmp_path: Path) -> None:
    """Another capture may need it, unless the run says that there is none."""
    text = f"known: 1\nentries:{ENTRY}".replace(NAME, '"*"').replace("xfrm_state", "xfrm_expire")
    known = written(tmp_path, text)
    runs = [nlmon("replay", BASIC, *ROLLBACK, "--known", known, *more) for more in ((), ("--complete",))]

    assert [run.returncode for run in runs] == [0, 1]


def test_an_entry_that_is_over_allows_nothing(tmp_path: Path) -> None:
    """The difference is back, the run fails and says once that the entry is over, and the file says so, too."""
    known = written(tmp_path, f"known: 1\nentries:{ENTRY}    expires: 2020-01-31\n")
    done = nlmon("replay", XFRM, *ROLLBACK, "--known", known, "--format", "json")
    checked = nlmon("known", "check", "--file", known)
    whole = json.loads(done.stdout)
    (capture,) = whole["captures"]

    assert (done.returncode, capture["known"], whole["expired"], whole["stale"]) == (1, [], [1], [])
    assert checked.returncode == 1
    assert checked.stderr.splitlines() == [
        f"{known}:3: expired on 2020-01-31: NLD002 xfrm_state in {NAME}, legacy against libnl (net)",
        "1 known difference, 1 expired",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("- 1\n", "[NLM-K012]: the file must be a mapping of known, entries ({}:1:1)"),
        ("known: 2\n", "[NLM-K014]: the file is of version 2 ({}:1:8): this nlmon reads version 1; use a newer nlmon"),
        (
            f"known: 1\nentries:{ENTRY}    reson: x\n",
            "[NLM-K012]: 'reson' is no key of entry 1 ({}:10:5); did you mean",
        ),
        (f"known: 1\nentries:{ENTRY}{ENTRY[1:]}", "[NLM-K013]: entry 2 allows the same as entry 1 ({}:10:5)"),
        ("known: [1\n", "[NLM-K011]: this is not YAML ({}:2:1)"),
    ],
)
def test_a_mistake_has_a_place(tmp_path: Path, text: str, error: str) -> None:
    """File, line and column of what is wrong, for every command that reads the file; ``tests/project`` has them all."""
    known = written(tmp_path, text)
    done = [nlmon("replay", BASIC, "--known", known), nlmon("known", "check", "--file", known)]

    assert [(one.returncode, one.stderr.startswith("error" + error.format(known)), one.stdout) for one in done] == [
        (3, True, "")
    ] * 2


def test_comments_stay_and_nothing_is_added_twice(tmp_path: Path) -> None:
    """A file that people wrote in is kept as it is; only what is new is appended."""
    known = written(tmp_path, f"# ours\nknown: 1\nentries:\n  # IPsec{ENTRY}")
    words = ("--code", "NLD002", "--reason", "r", "--owner", "o", "--message", "xfrm_state", "--message", "xfrm_flush")
    added = nlmon("known", "add", report(tmp_path, XFRM, *ROLLBACK), *words, "--file", known)
    text = known.read_text(encoding="utf-8")

    assert added.stderr.splitlines()[-1] == "1 added, 1 were there"
    assert text.startswith(f"# ours\nknown: 1\nentries:\n  # IPsec{ENTRY}")
    assert "message: xfrm_flush" in text


def test_what_is_stale_is_trimmed(tmp_path: Path) -> None:
    """Entries that a report calls stale go, the others stay."""
    stale = ENTRY.replace("xfrm_state", "xfrm_expire")
    known = written(tmp_path, f"known: 1\nentries:{ENTRY}{stale[1:]}")
    done = nlmon("known", "trim", report(tmp_path, XFRM, *ROLLBACK, "--known", known), "--file", known)

    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "1 removed, 1 kept")
    assert known.read_text(encoding="utf-8").rstrip() == f"known: 1\nentries:{ENTRY}".rstrip()


NO_REPORT = dict.fromkeys(("", "{}", "[]", "none"), "NLM-K016") | {'{"tool": "nlmon"': "NLM-R003"}


@pytest.mark.parametrize(("text", "code"), NO_REPORT.items())
def test_what_is_no_report_is_said(tmp_path: Path, text: str, code: str) -> None:
    """A file that is empty or of another kind, and one that was cut."""
    path = tmp_path / "report.json"
    path.write_text(text, encoding="utf-8")
    done = nlmon("known", "add", path, "--reason", "r", "--owner", "o", "--file", tmp_path / "known.yaml")

    what = "this is no report" if code == "NLM-K016" else "the report is truncated"
    assert (done.returncode, done.stderr.startswith(f"error[{code}]: {what} ({path})")) == (3, True)
    assert not (tmp_path / "known.yaml").exists()


def test_nothing_chosen_names_what_there_is(tmp_path: Path) -> None:
    """The report has no regression: nothing is allowed unasked."""
    done = nlmon(
        *("known", "add", report(tmp_path, XFRM, *ROLLBACK), "--reason", "r", "--owner", "o"),
        *("--file", tmp_path / "known.yaml"),
    )

    assert (done.returncode, "it has NLD002 link broadcast" in done.stderr) == (3, True)


# -- reports that were made for the purpose ------------------------------------------------------------------


def row(cls: Class, message: str, field: str) -> DifferenceRow:
    values = (cls.code, cls.label, cls.severity.value, message, 1, 0, field, "", -1, "", "1", "2", "", False)
    return DifferenceRow(*values)


def group(cls: Class, message: str, field: str = "", count: int = 1, first: str = "") -> DifferenceGroup:
    return DifferenceGroup(cls.label, cls.severity.value, message, field, count, row(cls, first or message, field))


GROUPS = [
    group(Class.CONFLICT, "RTM_NEWLINK", "mtu", 5),
    group(Class.MISSING, "RTM_NEWADDR"),
    group(Class.STATE, "link", "mtu", first="link 7 eth0"),
    group(Class.MISSING, "others", "", 12, first="RTM_NEWROUTE"),
    group(Class.REORDERED, "RTM_NEWNEIGH"),
]


def made(folder: Path, *captures: CaptureReport, **values: Any) -> Path:
    """A report with these captures."""
    path = folder / "made.json"
    whole = Report("nlmon", "0", "legacy", "libnl", "notifications", list(captures), "regression", **values)
    path.write_bytes(report_bytes(whole))
    return path


def capture(path: str = "dir/a[1].pcap", **values: Any) -> CaptureReport:
    return CaptureReport(path, "regression", "1 conflict", **({"groups": GROUPS, "losses": {"addr.flags": 2}} | values))


def add(report: Path, *options: object) -> tuple[int, list[str], list[dict[str, str]]]:
    """Exit code of ``known add``, what it said, and the entries of the file afterwards."""
    file = report.parent / "known.yaml"
    done = nlmon("known", "add", report, "--file", file, *options)
    found = YAML(typ="safe").load(file.read_text(encoding="utf-8"))["entries"] if file.exists() else []
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines(), found


WHO = ("--reason", "late", "--owner", "net")


def test_every_regression_is_added_with_its_place(tmp_path: Path) -> None:
    """And nothing else: no warning, no loss, and not what the report only counts, which is said."""
    code, said, found = add(made(tmp_path, capture()), *WHO)
    file = tmp_path / "known.yaml"
    common = {
        "capture": "dir/a[[]1].pcap",
        "reference": "legacy",
        "candidate": "libnl",
        "reason": "late",
        "owner": "net",
    }
    where = "in dir/a[[]1].pcap, libnl against legacy"

    assert found == [
        {"code": "NLD102", "message": "RTM_NEWLINK", "field": "mtu", "at_most": 5, **common},
        {"code": "NLD103", "message": "RTM_NEWADDR", "at_most": 1, **common},
        {"code": "NLD105", "message": "link", "field": "mtu", "at_most": 1, **common},
    ]
    assert (code, said) == (
        3,
        [
            f"{file}:4: added: NLD102 RTM_NEWLINK mtu {where}, at most 5",
            f"{file}:13: added: NLD103 RTM_NEWADDR {where}, at most 1",
            f"{file}:21: added: NLD105 link mtu {where}, at most 1",
            "3 added, 0 were there",
            f"error[NLM-K019]: the report counts more than it names: 12 missing ({tmp_path / 'made.json'}); "
            f"replay again with --known {file}",
        ],
    )


def places(found: list[dict[str, str]]) -> list[str]:
    return [" ".join(one.get(name, "") for name in ("code", "message", "field")).rstrip() for one in found]


CHOSEN = [
    (("--code", "NLD102"), ["NLD102 RTM_NEWLINK mtu"]),
    (("--code", "NLD201"), ["NLD201 RTM_NEWNEIGH"]),
    (("--code", "NLD002"), ["NLD002 addr flags"]),
    (("--code", "NLD002", "--message", "addr", "--field", "flags"), ["NLD002 addr flags"]),
    (("--code", "NLD102", "--code", "NLD201"), ["NLD102 RTM_NEWLINK mtu", "NLD201 RTM_NEWNEIGH"]),
    (("--field", "mtu"), ["NLD102 RTM_NEWLINK mtu", "NLD105 link mtu"]),
    (("--message", "RTM_NEWADDR", "--message", "link"), ["NLD103 RTM_NEWADDR", "NLD105 link mtu"]),
    (("--message", "RTM_NEWNEIGH"), []),
    (("--code", "NLD102", "--field", "flags"), []),
    (("--capture", "b*"), []),
    (("--scenario", "*"), ["NLD102 RTM_NEWLINK mtu", "NLD103 RTM_NEWADDR", "NLD105 link mtu"]),
    (("--scenario", "route.*"), []),
    (("--kernel", ">=6.1"), []),
]


@pytest.mark.parametrize(("options", "chosen"), CHOSEN, ids=" ".join)
def test_options_choose(tmp_path: Path, options: tuple[str, ...], chosen: list[str]) -> None:
    """All of them must fit; what is no regression needs its code; a capture must fit the pattern and the kernels."""
    code, said, found = add(made(tmp_path, capture()), *WHO, *options)

    unnamed = not options[0].startswith("--code")
    assert (code, places(found)) == (0 if chosen and not unnamed else 3, chosen)
    elsewhere = options[0] in {"--capture", "--scenario", "--kernel"}
    why = (
        "it is of dir/a[1].pcap; --capture, --scenario or --kernel leaves that out; a report of nlmon replay is of no "
        "scenario"
        if elsewhere
        else "it has NLD102 RTM_NEWLINK mtu; NLD103 RTM_NEWADDR; NLD105 link mtu; NLD201 RTM_NEWNEIGH; "
        "NLD002 addr flags; name what is to be allowed by --code, --message and --field"
    )
    where = tmp_path / "made.json"
    assert chosen or said == [f"error[NLM-K015]: the report holds nothing of this ({where}): {why}"]


def test_a_report_without_differences_has_nothing_to_allow(tmp_path: Path) -> None:
    """The error says so, and no file is written."""
    code, said, found = add(made(tmp_path, capture(groups=[], losses={})), *WHO)
    what = f"error[NLM-K015]: the report holds nothing that could be allowed ({tmp_path / 'made.json'})"

    assert (code, said, found) == (3, [what], [])


def test_an_entry_says_more_when_it_is_asked_for(tmp_path: Path) -> None:
    """A pattern for captures makes one entry of several; range, issue and end stand in it."""
    captures = [capture(f"{name}.pcap", kernel="Linux 6.12.9") for name in ("a1", "a2", "b")]
    more = {"--capture": "a*", "--kernel": ">=6.1,<6.13", "--issue": "#12", "--expires": "2099-03-31"}
    options = [word for pair in more.items() for word in pair]
    _, _, found = add(made(tmp_path, *captures), *WHO, "--code", "NLD102", *options)

    assert [{f"--{key}": str(value) for key, value in one.items() if key != "at_most"} for one in found] == [
        {
            **more,
            "--code": "NLD102",
            "--message": "RTM_NEWLINK",
            "--field": "mtu",
            "--reference": "legacy",
            "--candidate": "libnl",
            "--reason": "late",
            "--owner": "net",
        }
    ]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ((), {"scenario": "route.basic"}),
        (("--scenario", "route.*"), {"scenario": "route.*"}),
        (("--capture", "a.pcap"), {"capture": "a.pcap", "scenario": "route.basic"}),
    ],
    ids=str,
)
def test_an_entry_names_the_scenario_of_its_report(
    tmp_path: Path, options: tuple[str, ...], named: dict[str, str]
) -> None:
    """By its id, which stays when the recording moves; a pattern for ids or captures is taken as it is."""
    _, said, found = add(made(tmp_path, capture("a.pcap", scenario="route.basic")), *WHO, "--code", "NLD102", *options)

    assert [{key: one[key] for key in ("capture", "scenario") if key in one} for one in found] == [named]
    assert f" in scenario {named['scenario']}, libnl against legacy" in said[0]


def test_an_entry_for_another_scenario_is_not_stale(tmp_path: Path) -> None:
    """A replay without a scenario does not try it."""
    known = written(tmp_path, f"known: 1\nentries:{ENTRY}    scenario: other\n".replace(NAME, '"*"'))
    done = nlmon("replay", XFRM, *ROLLBACK, "--known", known, "--complete", "--format", "json")

    assert [json.loads(done.stdout)["stale"], json.loads(done.stdout)["captures"][0]["known"]] == [[], []]


def test_an_entry_for_several_captures_allows_what_the_worst_has(tmp_path: Path) -> None:
    """The limit is one for each capture."""
    captures = [
        capture(f"a{number}.pcap", groups=[group(Class.CONFLICT, "RTM_NEWLINK", "mtu", number)]) for number in (2, 9, 4)
    ]
    _, _, found = add(made(tmp_path, *captures), *WHO, "--capture", "a*")

    assert [one["at_most"] for one in found] == [9]


def test_what_exceeds_an_entry_fails(tmp_path: Path) -> None:
    """The report shows what was allowed and what was not; the entry that ``add`` wrote is enough."""
    known = written(tmp_path, f"known: 1\nentries:{ENTRY}    at_most: 2\n")
    few = json.loads(nlmon("replay", XFRM, *ROLLBACK, "--known", known, "--format", "json").stdout)["captures"][0]
    path = report(tmp_path, XFRM, *ROLLBACK)
    added = tmp_path / "added.yaml"
    nlmon("known", "add", path, *WHO, "--code", "NLD002", "--file", added)
    enough = nlmon("replay", XFRM, *ROLLBACK, "--known", added, "--format", "json")

    assert [(use["count"], use["at_most"]) for use in few["known"]] == [(2, 2)]
    assert (few["losses"]["xfrm_state"], few["lost_events"]["xfrm_state"]) == (56, 16)
    assert (enough.returncode, json.loads(enough.stdout)["captures"][0]["losses"]) == (0, {})


def test_a_rollback_has_its_own_entries(tmp_path: Path) -> None:
    """In the way back the implementations change places."""
    both = [capture(direction="migrate"), capture(direction="rollback")]
    _, _, found = add(made(tmp_path, *both), *WHO, "--code", "NLD102")

    assert [(one["reference"], one["candidate"]) for one in found] == [("legacy", "libnl"), ("libnl", "legacy")]


REFUSED = [
    ({"--reason": " "}, "reason must not be empty; see nlmon known add --help"),
    ({"--owner": ""}, "owner must not be empty; see nlmon known add --help"),
    ({"--kernel": "new"}, "'new' is no range of kernels; >=6.1,<6.13 is one; see nlmon known add --help"),
    ({"--reason": "a\x1b[m"}, "--reason 'a\\x1b[m' cannot be printed; write it as text in one line"),
    ({"--owner": "\udcff"}, "--owner '\\udcff' cannot be printed; write it as text in one line"),
    ({"--expires": "2020-01-31"}, "--expires 2020-01-31 is over; name a day that is to come"),
]


@pytest.mark.parametrize(("option", "why"), REFUSED, ids=range(len(REFUSED)))
def test_an_option_that_says_nothing_is_refused(tmp_path: Path, option: dict[str, str], why: str) -> None:
    """It is a mistake in the command line, and no file is written."""
    words = [word for pair in ({"--reason": "late", "--owner": "net"} | option).items() for word in pair]

    assert add(made(tmp_path, capture()), *words) == (2, [f"error[NLM-U026]: {why}"], [])


def test_a_report_that_cannot_be_true_is_refused(tmp_path: Path) -> None:
    """A difference without a message is none of ours; so is a report that another tool made."""
    empty = add(made(tmp_path, capture(groups=[group(Class.CONFLICT, "", "mtu")])), *WHO)
    path = made(tmp_path, capture())
    path.write_text(path.read_text(encoding="utf-8").replace('"tool": "nlmon"', '"tool": "other"'), encoding="utf-8")
    foreign = add(path, *WHO)

    assert (empty[0], empty[1][0].startswith("error[NLM-K016]: the report names what this nlmon does not")) == (3, True)
    assert (foreign[0], foreign[1]) == (
        3,
        [
            f"error[NLM-K016]: this is no report ({path}): 'other' made it; nlmon replay --format json makes one, "
            "and nlmon run --report jsonl:PATH"
        ],
    )


def trim(file: Path, *reports: Path) -> tuple[int, list[str]]:
    done = nlmon("known", "trim", *reports, "--file", file)
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


def test_a_report_speaks_of_the_file_as_it_was(tmp_path: Path) -> None:
    """Entries are named by their numbers, so that a file which has changed since is not trimmed by it."""
    stale = ENTRY.replace("xfrm_state", "xfrm_expire")
    file = written(tmp_path, f"known: 1\nentries:{stale}{ENTRY[1:]}")
    path = made(tmp_path, capture(), stale=[1], known_digest=KnownFile.read(file).digest)
    done = [trim(file, path), trim(file, path)]

    assert done == [
        (
            0,
            [
                f"{file}:3: removed, stale: NLD002 xfrm_expire in linux-6.12/06-xfrm.pcap.zst, legacy against libnl",
                "1 removed, 1 kept",
            ],
        ),
        (
            3,
            [
                "error[NLM-K018]: the report was made with another file of known differences, or with this one before "
                f"a change ({path}); replay again with --known {file}"
            ],
        ),
    ]
    assert file.read_text(encoding="utf-8") == f"known: 1\nentries:{ENTRY}"


def test_what_one_report_needs_is_kept(tmp_path: Path) -> None:
    """An entry that another report calls stale is not, when it allows something here."""
    file = written(tmp_path, f"known: 1\nentries:{ENTRY}")
    digest = KnownFile.read(file).digest
    unused = made(tmp_path, capture(), stale=[1], known_digest=digest).rename(tmp_path / "unused.json")
    use = KnownUse(1, "NLD002", "xfrm_state", "", "no IPsec", "net", "", "", 3)
    used = made(tmp_path, capture(known=[use]), known_digest=digest)

    assert trim(file, unused, used) == (0, ["0 removed, 1 kept"])


def test_what_has_expired_is_trimmed_without_a_report(tmp_path: Path) -> None:
    """The calendar alone says so."""
    file = written(tmp_path, f"known: 1\nentries:{ENTRY}    expires: 2020-01-31\n")
    where = f"{file}:3: removed, expired on 2020-01-31: NLD002 xfrm_state in {NAME}, legacy against libnl"

    assert trim(file) == (0, [where, "1 removed, 0 kept"])
    assert file.read_text(encoding="utf-8") == "known: 1\nentries:\n"


def check(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code of ``known check`` in a folder, and its last line."""
    command = [sys.executable, "-m", "nlmon", "known", "check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_the_file_is_named_or_the_usual_one(tmp_path: Path) -> None:
    """Nothing, a FILE, --file or the settings say which; the usual one must not be missing, either."""
    one = f"known: 1\nentries:{ENTRY}"
    missing = check(tmp_path)
    (tmp_path / "nlmon-known.yaml").write_text(one, encoding="utf-8")
    (tmp_path / "none.yaml").write_text("", encoding="utf-8")
    done = [check(tmp_path), check(tmp_path, "none.yaml"), check(tmp_path, "--file", "none.yaml")]
    both = check(tmp_path, "none.yaml", "--file", "none.yaml")
    (tmp_path / "nlmon.toml").write_text('known = "none.yaml"\n', encoding="utf-8")
    done.append(check(tmp_path))

    assert done == [(0, "1 known difference, 0 expired"), *[(0, "0 known differences, 0 expired")] * 3]
    assert (both[0], "NLM-U026" in both[1]) == (2, True)
    assert missing == (
        3,
        "error[NLM-K010]: the known differences cannot be read (nlmon-known.yaml): No such file or directory; "
        "nlmon known add writes the file",
    )


@pytest.mark.parametrize("name", ["add", "check", "trim"])
def test_help_needs_no_file_and_no_comparison(name: str) -> None:
    """Nothing is loaded before there is something to do."""
    code = "import sys; from nlmon.cli.known import command; command(sys.argv[1:], standalone_mode=False)"
    code = f"{code}; sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, name, "--help"], capture_output=True, text=True, check=True)

    assert set(done.stderr.split()) & {"ruamel", "msgspec", "nlmon.compare", "nlmon.report.model"} == set()
