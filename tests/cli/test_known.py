"""The file of known differences: what it may hold, what an entry does to a run, and the commands that keep it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.paths import CAPTURES


def nlmon(*arguments: object) -> subprocess.CompletedProcess[str]:
    """What the command does."""
    command = [sys.executable, "-m", "nlmon", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


XFRM = CAPTURES / "linux-6.12" / "06-xfrm.pcap.zst"
BASIC = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
ROLLBACK = ("-i", "legacy", "--against", "libnl")
ENTRY = """
  - code: NLD002
    message: xfrm_state
    capture: 06-xfrm.pcap.zst
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
    text = f"known: 1\nentries:{ENTRY}".replace("06-xfrm.pcap.zst", '"*"').replace("xfrm_state", "xfrm_expire")
    known = written(tmp_path, text)
    runs = [nlmon("replay", BASIC, *ROLLBACK, "--known", known, *more) for more in ((), ("--complete",))]

    assert [run.returncode for run in runs] == [0, 1]


def test_an_entry_that_is_over_allows_nothing(tmp_path: Path) -> None:
    """The difference is back, the run fails, and the file says so, too."""
    known = written(tmp_path, f"known: 1\nentries:{ENTRY}    expires: 2020-01-31\n")
    done = nlmon("replay", XFRM, *ROLLBACK, "--known", known, "--format", "json")
    checked = nlmon("known", "check", "--file", known)
    (capture,) = json.loads(done.stdout)["captures"]

    assert (done.returncode, capture["known"], json.loads(done.stdout)["expired"]) == (1, [], [1])
    assert checked.returncode == 1
    assert checked.stderr.splitlines() == [
        f"{known}:3: expired on 2020-01-31: NLD002 xfrm_state in 06-xfrm.pcap.zst, legacy against libnl (net)",
        "1 known differences, 1 expired",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "[NLM-K012]: this is no file of known differences ({}); begin with known: 1"),
        ("- 1\n", "[NLM-K012]: this is no file of known differences ({}); begin with known: 1"),
        ("known: 2\n", "[NLM-K014]: the file is of version 2 ({}:1:1): this nlmon reads version 1; use a newer nlmon"),
        ("known: true\n", "[NLM-K014]: the file is of version True"),
        ("known: 1\nentrys: []\n", "[NLM-K012]: 'entrys' is no key here ({}:2:1); try entries"),
        ("known: 1\nentries: 3\n", "[NLM-K012]: entries must be a list ({}:2:1)"),
        ("known: 1\nentries:\n  - 3\n", "[NLM-K012]: entry 1 is no mapping ({}:3:5)"),
        (
            f"known: 1\nentries:{ENTRY}    reson: x\n",
            "[NLM-K012]: 'reson' is no key of an entry ({}:10:5); did",
        ),
        (f"known: 1\nentries:{ENTRY}    expires: soon\n", "[NLM-K012]: expires must be a date, such as 2027-03-31"),
        (f"known: 1\nentries:{ENTRY}".replace("NLD002", "NLD999"), "[NLM-K012]: 'NLD999' is no code of a difference"),
        (f"known: 1\nentries:{ENTRY}    kernel: new\n", "[NLM-K012]: 'new' is no range of kernels"),
        (f"known: 1\nentries:{ENTRY}".replace("    owner: net\n", ""), "[NLM-K012]: entry 1 has no owner ({}:3:5)"),
        (
            f"known: 1\nentries:{ENTRY}".replace("owner: net", "owner: ' '"),
            "[NLM-K012]: an entry needs a reason and",
        ),
        (f"known: 1\nentries:{ENTRY}{ENTRY[1:]}", "[NLM-K013]: entry 2 allows the same as entry 1 ({}:10:5)"),
        ("known: [1\n", "[NLM-K011]: this is not YAML ({}:2:1)"),
        ("known: 1\nknown: 1\n", "[NLM-K011]: this is not YAML ({}:2:1)"),
    ],
)
def test_a_mistake_has_a_place(tmp_path: Path, text: str, error: str) -> None:
    """File, line and column of what is wrong, for every command that reads the file."""
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


@pytest.mark.parametrize("text", ["", "{}", '{"tool": "nlmon"', "[]", "none"])
def test_what_is_no_report_is_said(tmp_path: Path, text: str) -> None:
    """A file that is cut, empty or of another kind."""
    path = tmp_path / "report.json"
    path.write_text(text, encoding="utf-8")
    done = nlmon("known", "add", path, "--reason", "r", "--owner", "o", "--file", tmp_path / "known.yaml")

    assert (done.returncode, done.stderr.startswith(f"error[NLM-K016]: this is no report ({path})")) == (3, True)
    assert not (tmp_path / "known.yaml").exists()


def test_nothing_chosen_names_what_there_is(tmp_path: Path) -> None:
    """The report has no regression: nothing is allowed unasked."""
    done = nlmon(
        *("known", "add", report(tmp_path, XFRM, *ROLLBACK), "--reason", "r", "--owner", "o"),
        *("--file", tmp_path / "known.yaml"),
    )

    assert (done.returncode, "it holds NLD002 link broadcast" in done.stderr) == (3, True)
