"""The comparison of two checkouts' reports: what changed on purpose is named, and all else is compared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
TOOL = REPOSITORY / "tools" / "compare_reports.py"

OLD = {"verdict": "equivalent", "reason": "", "frames": 9, "seeds": {"libnl": 3}, "notes": ["was right"]}
NEW = {"verdict": "equivalent", "reason": "", "frames": 9, "answers": {"libnl": 3}, "notes": ["correct before"]}
# What a report of today says besides.
MORE = {"compared": {"NETLINK_ROUTE": 5}, "dropped": 0, "losses": {}, "lost_events": {}, "direction": "migrate"}
LOSSY = NEW | MORE | {"verdict": "lossy", "reason": "2 values would be lost", "losses": {"link.group": 2}}
NOTHING = NEW | MORE | {"verdict": "inconclusive", "reason": "no event was compared", "compared": {}}
GONE = {"kind": "route", "change": "gone", "object": "route 10.0.0.0/8 dev a", "fields": []}
ITSELF = "libnl is compared with itself; that says nothing"


def checkout(folder: Path, capture: dict[str, Any], code: int) -> Path:
    """A folder whose Python prints a report on one capture, whatever it is asked."""
    report = {"captures": [capture], "verdict": capture["verdict"]}
    text = json.dumps(report, sort_keys=True, indent=2)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {code}\n", encoding="utf-8")
    python.chmod(0o755)
    return folder


def compare(folder: Path, old: tuple[dict[str, Any], int], new: tuple[dict[str, Any], int]) -> tuple[int, list[str]]:
    """The exit code, and what is printed."""
    places = checkout(folder / "old", *old), checkout(folder / "new", *new)
    return run(*places, "a.pcap")


def run(*arguments: object) -> tuple[int, list[str]]:
    """The exit code of the tool, and what it prints."""
    command = [sys.executable, TOOL, *map(str, arguments), "--only", "plain"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ((OLD, 0), (NEW, 0), []),
        ((OLD, 0), (NEW | MORE, 0), []),
        ((OLD | {"fields": {"a": 1, "b": 2}}, 0), (NEW | {"enhancements": {"b": 2}, "services": {"a": 1}}, 0), []),
        ((OLD, 0), (LOSSY, 0), ["equivalent is now lossy, 1 times"]),
        ((OLD, 0), (LOSSY | {"lost_events": {"xfrm_sa": 2}}, 1), ["equivalent is now lossy, 1 times"]),
        ((OLD, 0), (NOTHING, 3), ["equivalent is now inconclusive, 1 times"]),
        (
            (OLD, 0),
            (NOTHING | {"compared": {"NETLINK_ROUTE": 1}, "dropped": 4}, 3),
            ["equivalent is now inconclusive, 1 times"],
        ),
        (
            (OLD | {"silent": [], "silent_counts": {}}, 0),
            (NEW | MORE | {"unannounced": [GONE], "unannounced_counts": {"route gone": 1}}, 0),
            ["one more unannounced change, 1 times"],
        ),
        (
            (OLD | {"silent": [GONE], "silent_counts": {"route gone": 1}}, 0),
            (NEW | {"unannounced": [GONE | {"fields": ["table"]}], "unannounced_counts": {"route gone": 1}}, 0),
            ["one more field of an unannounced change, 1 times"],
        ),
        (
            (OLD, 0),
            (NOTHING | {"reason": ITSELF, "compared": {"NETLINK_ROUTE": 1}, "notes": ["correct before", ITSELF]}, 3),
            ["equivalent is now inconclusive, 1 times"],
        ),
    ],
)
def test_what_changed_on_purpose_is_named(
    tmp_path: Path, old: tuple[dict[str, Any], int], new: tuple[dict[str, Any], int], said: list[str]
) -> None:
    """Old words are renamed, new keys left out, and a verdict that became another is counted."""
    code, (first, *named, last) = compare(tmp_path, old, new)

    assert (code, first[:9], last) == (0, "equal    ", "1 sets of options, 1 captures: 0 differ")
    assert named == [f"    on purpose: {one}" for one in said]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ((OLD, 0), (NEW | {"frames": 8}, 0), '+      "frames": 8,'),
        ((OLD, 0), (LOSSY | {"frames": 8}, 0), '+      "frames": 8,'),
        ((OLD, 0), (NEW | {"odd": 1}, 0), '+      "odd": 1,'),
        ((OLD, 0), (NEW, 1), "+exit code 1"),
        ((OLD, 0), (LOSSY, 3), "+exit code 3"),
        # Nothing is lost, and something was compared.
        ((OLD, 0), (LOSSY | {"losses": {}}, 0), '+      "verdict": "lossy"'),
        ((OLD, 0), (NOTHING | {"compared": {"NETLINK_ROUTE": 1}}, 3), '+      "verdict": "inconclusive"'),
        ((OLD | {"verdict": "regression"}, 1), (NEW, 0), '+      "verdict": "equivalent"'),
        ((OLD, 0), (NEW | MORE | {"verdict": "regression"}, 1), '+      "verdict": "regression"'),
        (
            (OLD | {"silent": [], "silent_counts": {}}, 0),
            (NEW | MORE | {"unannounced": [GONE], "unannounced_counts": {"route gone": 2}}, 0),
            '+        "route gone": 2',
        ),
    ],
)
def test_any_other_difference_is_shown(
    tmp_path: Path, old: tuple[dict[str, Any], int], new: tuple[dict[str, Any], int], line: str
) -> None:
    """Beside what changed on purpose, too, and where a verdict does not rest on what the report says."""
    code, (first, *shown) = compare(tmp_path, old, new)

    assert (code, first[:9]) == (1, "DIFFERS  ")
    assert line in [text.removeprefix("    ").rstrip() for text in shown]


def test_a_kept_report_is_of_the_same_captures(tmp_path: Path) -> None:
    """What is kept of one capture says nothing of another."""
    old, new, kept = checkout(tmp_path / "old", OLD, 0), checkout(tmp_path / "new", NEW, 0), tmp_path / "kept"
    first = [run(old, new, "a.pcap", "--keep", kept)[0] for _ in range(2)]
    (old / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")

    assert first == [0, 0]
    assert run(old, new, "a.pcap", "--keep", kept)[0] == 0
    assert run(old, new, "b.pcap", "--keep", kept)[0] == 1
