"""Compares the JSON reports of two checkouts, byte for byte, over recordings and options.

    python tools/compare_reports.py OLD NEW [CAPTURE…] [--only NAME]… [--keep FOLDER]

OLD and NEW are folders with a ``.venv`` each (``tools/bootstrap --dev``); without captures, those in NEW's
``fixtures/captures`` are replayed. What was renamed between the two is in ``KEYS`` and ``RENAMED``, what was added in
``ADDED``, and which verdicts changed on purpose in ``MAY_BECOME``; these are counted, and all else is compared.
``--only`` takes the name of a set of options, ``--keep`` a folder in which OLD's reports are kept for the next
comparison. Exit code: 0 all reports are equal, 1 one is not; the first differing lines are printed.

Not here: judging a difference. Two versions that agree may both be wrong.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

KEYS: dict[str, str] = {
    "cls": "class",
    "seed": "answer",
    "seeds": "answers",
    "silent": "unannounced",
    "silent_counts": "unannounced_counts",
}
"""Keys of JSON objects of an old report -> those of the new one."""

RENAMED: dict[str, str] = {
    r"^(\w+: )?a complete dump ended at frame (\d+)$": r"\1known from the dump that ended at frame \2",
    r"^(\w+: )?interface (\d+) \((.*)\) (was deleted|went down)$": r"\1interface \3 (ifindex \2) \4",
    r"^only the (reference|candidate) holds it$": r"only the \1 has it",
    r"^was right$": "correct before",
    r"^(NLM-T010) Overrun$": r"\1 messages were lost",
    r"^nothing fell to the fault (\S+)$": r"the fault \1 lost no message",
    r"( lost [\d,]+ messages) and did not make up for them$": r"\1; no resync followed",
    r"( lost [\d,]+ messages) and made up for them by ([\d,]+ events)$": r"\1; its resync gave \2",
    "^no notification reached a monitor; only recorded answers": (
        "no notification is of a multicast group that is joined; only recorded answers"
    ),
    "events are held against the bytes alone$": "events are checked against the bytes of the messages",
    "a tap records a notification once per listener": (
        "an nlmon device records a notification once per socket that receives it"
    ),
    "nothing in the capture gives an event of the protocols": "no message of the protocols gives an event",
    r"(truncated \(snap length\); what) was cut off is not": r"\1 is missing of them is not",
    "recorded dumps were interrupted and prove nothing": (
        "recorded dumps were interrupted or incomplete, and do not check the state"
    ),
}
"""Regular expressions over a text of an old report, or over one of its keys -> what the new one has instead."""

ADDED = frozenset(
    {
        *("compared", "direction", "dropped", "expired", "fails", "known", "known_digest", "losses", "lost_events"),
        *("allow", "policy", "scenario", "stale", "verdicts"),
    }
)
"""Keys that a new report may have and an old one has not."""

NEW_NOTE = re.compile(r"^\w+ is compared with itself;")
"""A note that only a new report has."""

NEW_ERROR = re.compile(r"error\[NLM-U002\]: (no event was compared|\w+ is compared with itself)")
"""What only a new report says on stderr, of a verdict that is inconclusive now."""

MAY_BECOME: dict[str, dict[str, set[int]]] = {
    "equivalent": {"lossy": {0, 1}, "inconclusive": {3}},
}
"""A verdict of an old report -> those that the new one may give instead, each with its exit codes.

Lossy: the move loses what the contract gives to the reference alone. Inconclusive: too little was compared."""

ROUTE_FAULTS = ("--fault", "overrun@40+3", "--fault", "overrun@400+20")
OPTIONS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "all messages": ("--select", "all"),
    "rollback": ("--backend", "legacy", "--against", "libnl"),
    "rollback, all messages": ("--backend", "legacy", "--against", "libnl", "--select", "all"),
    "libnl twice": ("--against", "libnl"),
    "legacy twice": ("--backend", "legacy"),
    "no layouts": ("--layouts", "0"),
    "strict": ("--strict",),
    "link cache": ("--cache", "link"),
    "all caches": ("--cache", "link", "--cache", "addr", "--cache", "route"),
    "losses": ROUTE_FAULTS,
    "losses, recovery": (*ROUTE_FAULTS, "--recover"),
    "losses, recovery, caches, rollback": (
        *(*ROUTE_FAULTS, "--recover", "--cache", "link", "--backend", "legacy", "--against", "libnl"),
    ),
    "recovery": ("--recover",),
    "one protocol": ("--protocol", "route"),
    "three protocols": ("--protocol", "generic", "--protocol", "netfilter", "--protocol", "xfrm"),
    "one family": ("--family", "nl80211"),
    "groups": ("--group", "tc", "--group", "nexthop", "--group", "mdb", "--group", "nsid"),
    "stream": ("--format", "jsonl"),
    "stream, all messages": ("--format", "jsonl", "--select", "all"),
}


def report(checkout: Path, options: tuple[str, ...], captures: list[Path]) -> str:
    """A report, what was said on stderr, and the exit code."""
    form = () if "--format" in options else ("--format", "json")
    python = checkout / ".venv/bin/python"
    command = [str(python), "-m", "nlmon", "replay", *form, *options, *map(str, captures)]
    ran = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    return f"{ran.stdout}\n{END}\n{ran.stderr}exit code {ran.returncode}\n"


# Between the report and what was said on stderr.
END = "-- stderr --"


def kept_report(folder: Path | None, checkout: Path, name: str, captures: list[Path]) -> str:
    """A report of the old checkout on these captures, from the folder if it is there."""
    of = hashlib.sha256("\n".join(map(str, captures)).encode()).hexdigest()[:8]
    place = None if folder is None else folder / f"{name.replace(', ', '-').replace(' ', '-')}-{of}.txt"
    if place is not None and place.exists():
        return place.read_text(encoding="utf-8")
    text = report(checkout, OPTIONS[name], captures)
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return text


METRICS = {"2": "mtu", "3": "window", "4": "rtt", "8": "advmss"}  # those in the recordings
TABLES = {"default": "253", "main": "254", "local": "255"}
# Since when a fault that lost nothing has a reason, it says where the recording ends.
ENDS = re.compile(r"(?<= lost no message): the recording ends at frame \d+$")
OBJECT = re.compile(r"(link|port|addr|neigh|fdb|route|rule) .*")


def common_object(text: str) -> str:
    """The name of an object without what only one of the versions says.

    An old report names interfaces by index and leaves out most of what tells routes apart; a new one has the words of
    ``ip``, names of interfaces where they are known, and leaves out what ``ip`` does. What both say is compared.
    """
    if not OBJECT.fullmatch(text):
        return text
    kind = text.split(maxsplit=1)[0]
    if kind == "rule":
        # The old one lists fields, the new one what ``ip rule`` prints; both begin with these.
        found = re.match(r"rule family=\d+ priority=(\d+)|rule (?:\w+ )??(\d+):", text)
        return f"rule {found[1] or found[2]}" if found else text
    text = re.sub(r" on (?:self|master) \d+| vlan None| (?:self|nexthop)\b", "", text)
    text = re.sub(r" (?:on|dev|master|ifindex|proto|scope|src|vni|port) [\w.:-]+", "", text)
    text = re.sub(r"^(link|port) (?:\d+|\S+ \(ifindex \d+\)|ifindex \d+)$", r"\1", text)
    text = re.sub(r"^addr (\S+) peer (\S+)/(\d+)$", r"addr \1/\3 peer \2", text)
    if kind == "route":
        text = text.replace("inet6 default", "::/0").replace("default", "0.0.0.0/0")
        text = re.sub(r"^route [a-z]+ (?=[\w.:/]+)", "route ", text)
        text = re.sub(r"^route ([\d.]+)(?= |$)", r"route \1/32", text)
        text = re.sub(r"^route ([\da-f:]+:[\da-f:.]*)(?= |$)", r"route \1/128", text)
        text = re.sub(r" rtax-(\d+) ", lambda found: f" {METRICS[found[1]]} ", text)
        text = re.sub(r" table (\w+)", lambda found: f" table {TABLES.get(found[1], found[1])}", text)
        text += "" if " table " in text else " table 254"
    return " ".join([kind, *sorted(text.split()[1:])])


def common(value: Any) -> Any:
    """A report with the names of objects in the words of both versions."""
    if isinstance(value, dict):
        return {key: common(one) for key, one in value.items()}
    if isinstance(value, list):
        return [common(one) for one in value]
    return common_object(ENDS.sub("", value)) if isinstance(value, str) else value


def new_words(text: str) -> str:
    """A text of an old report in the words of the new one."""
    for old, new in RENAMED.items():
        text = re.sub(old, new, text)
    return text


def renamed(value: Any) -> Any:
    """A value of an old report in the words of the new one."""
    if isinstance(value, dict):
        return {KEYS.get(key, new_words(key)): renamed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [renamed(one) for one in value]
    return new_words(value) if isinstance(value, str) else value


def is_reasonable(verdict: str, capture: dict[str, Any]) -> bool:
    """Whether a capture of a new report says what the verdict rests on; what is no capture says nothing of it."""
    if "losses" not in capture:
        return True
    if verdict == "lossy":
        return bool(capture["losses"])
    return not capture["compared"] or bool(capture["dropped"]) or "itself" in capture["reason"]


def without_changes(old: Any, new: Any, changes: Counter[str]) -> Any:
    """A value of a new report as it would be without what changed on purpose, which ``changes`` counts by verdict."""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [without_changes(*pair, changes) for pair in zip(old, new, strict=True)]
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    before, after = old.get("verdict"), new.get("verdict")
    new = without_more_unannounced(old, with_fields(old, new), changes)
    if "notes" in new and "notes" in old:
        new = new | {"notes": [note for note in new["notes"] if note in old["notes"] or not NEW_NOTE.search(note)]}
    left = {
        key: without_changes(old.get(key), one, changes) for key, one in new.items() if key in old or key not in ADDED
    }
    if before != after and after in MAY_BECOME.get(str(before), {}) and is_reasonable(str(after), new):
        if "losses" in new:
            changes[f"{before} is now {after}"] += 1
        left |= {key: old[key] for key in ("verdict", "reason") if key in old}
    return left


def with_fields(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A capture of a new report with the list ``fields`` that an old one had instead of two."""
    if "fields" not in old or "services" not in new:
        return new
    both = Counter(new["enhancements"]) + Counter(new["services"])
    others = {key: value for key, value in new.items() if key not in {"enhancements", "services"}}
    return dict(sorted((others | {"fields": dict(sorted(both.items()))}).items()))


def without_more_unannounced(old: dict[str, Any], new: dict[str, Any], changes: Counter[str]) -> dict[str, Any]:
    """A capture of a new report without the unannounced changes that an old one did not find, since it looked at the
    state of the candidate, which may give less."""
    before, after = old.get("unannounced"), new.get("unannounced")
    if before is None or after is None:
        return new
    known = [(_found(one), set(one["fields"])) for one in before]
    new_ones = [
        one for one in after if not any(of == _found(one) and fields <= set(one["fields"]) for of, fields in known)
    ]
    more = Counter(f"{one['kind']} {one['change']}" for one in new_ones)
    fields = sum(len(one["fields"]) for one in after if one not in new_ones) - sum(len(given) for _, given in known)
    if len(after) - more.total() != len(before):
        return new
    if Counter(new["unannounced_counts"]) - more != Counter(old["unannounced_counts"]):
        return new
    changes["one more unannounced change"] += more.total()
    changes["one more field of an unannounced change"] += fields
    return new | {key: old[key] for key in ("unannounced", "unannounced_counts")}


def _found(unannounced: dict[str, Any]) -> dict[str, Any]:
    return common({key: value for key, value in unannounced.items() if key != "fields"})


def exit_code(old: str, new: str, changes: Counter[str]) -> str:
    """The last line of a new report with the exit code of the old one, if a verdict that changed gives the new one."""
    codes = {
        f"exit code {code}"
        for before, verdicts in MAY_BECOME.items()
        for after, given in verdicts.items()
        if changes[f"{before} is now {after}"]
        for code in given
    }
    return old if new in codes else new


def parts_of(text: str, *, stream: bool) -> tuple[list[Any], list[str]]:
    """The objects of a report, and what was said on stderr. Raises ``SystemExit`` for JSON in another form."""
    written, _, said = text.partition(f"\n{END}\n")
    pieces = written.splitlines() if stream else filter(None, [written])
    values = [json.loads(piece) for piece in pieces]
    if lines_of(values, stream=stream) != written.strip("\n").splitlines():
        raise SystemExit("a report is not sorted JSON as it always was")
    return values, said.splitlines()


def lines_of(values: list[Any], *, stream: bool) -> list[str]:
    """Objects as the lines of a report."""
    form: dict[str, Any] = {"separators": (",", ":")} if stream else {"indent": 2}
    written = [json.dumps(one, sort_keys=True, ensure_ascii=False, **form) for one in values]
    return "\n".join(written).splitlines()


def compared(before: str, after: str, *, stream: bool) -> tuple[list[str], list[str], Counter[str]]:
    """The lines of an old report in the words of the new one, those of the new one without what changed on purpose,
    and how often what did."""
    changes: Counter[str] = Counter()
    (old, old_said), (new, new_said) = (parts_of(text, stream=stream) for text in (before, after))
    old, old_said, new = renamed(old), renamed(old_said), without_changes(renamed(old), new, changes)
    if changes["equivalent is now inconclusive"]:
        new_said = [line for line in new_said if not NEW_ERROR.match(line)]
    new_said[-1] = exit_code(old_said[-1], new_said[-1], changes)
    return (
        [*lines_of(common(old), stream=stream), *old_said],
        [*lines_of(common(new), stream=stream), *new_said],
        changes,
    )


def main(arguments: argparse.Namespace) -> int:
    """Compare; see the module."""
    old, new = arguments.old.resolve(), arguments.new.resolve()
    captures = [path.resolve() for path in arguments.captures]
    captures = captures or sorted((new / "fixtures/captures").glob("*/*.pcap.zst"))
    names = arguments.only or list(OPTIONS)
    differ = 0
    for name in names:
        stream = "jsonl" in OPTIONS[name]
        reports = kept_report(arguments.keep, old, name, captures), report(new, OPTIONS[name], captures)
        before, after, changes = compared(*reports, stream=stream)
        equal = before == after
        differ += not equal
        sys.stdout.write(f"{'equal  ' if equal else 'DIFFERS'}  {name}: {len(after):,} lines\n")
        sys.stdout.writelines(
            f"    on purpose: {change}, {count:,} times\n" for change, count in sorted((+changes).items())
        )
        if not equal:
            sys.stdout.writelines(f"    {line[:300]}\n" for line in list(difflib.unified_diff(before, after, n=1))[:40])
        sys.stdout.flush()
    sys.stdout.write(f"{len(names)} sets of options, {len(captures)} captures: {differ} differ\n")
    return 1 if differ else 0


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare the JSON reports of two checkouts.")
    parser.add_argument("old", type=Path, metavar="OLD")
    parser.add_argument("new", type=Path, metavar="NEW")
    parser.add_argument("captures", type=Path, nargs="*", metavar="CAPTURE")
    parser.add_argument("--only", action="append", choices=list(OPTIONS), help="a set of options; repeatable")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where reports of OLD are kept")
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    sys.exit(main(parsed()))
