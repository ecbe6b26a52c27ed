"""Prints how much of nlmon's decoding other programs and libraries confirm, as a Markdown table.

    python tools/peers.py

The comparer and the cases are those of the tests (``tests/peers/table.py``, ``tests/peers/cases.py``): what this counts
is what they assert. Columns: messages and fields compared over the recordings of both kernels, those in which the
peer's value says something (neither absent nor zero), equal, differing for a reason that stands below the table, and
differing without one. Fields that no recording shows with a telling value are listed last.
"Not provided" are fields that the peer has and the implementation does not claim to give.

Needs the packages of ``.[test]``, and tshark: without it the rows of tshark say so.

Exit code: 0 no difference without a reason, 1 there is one.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from msgspec import Struct

from nlmon.events import (
    AuditInfo,
    ConntrackInfo,
    DiagInfo,
    ExpectInfo,
    GenericInfo,
    NetconfInfo,
    NexthopInfo,
    Nl80211Info,
    NsidInfo,
    StatsInfo,
    TcInfo,
    XfrmFlushInfo,
    XfrmPolicyInfo,
    XfrmStateInfo,
)
from peers.cases import CASES, NOTES
from peers.table import SHOWN, run

TITLES = (
    *("protocol", "peer", "implementation", "messages", "fields compared", "telling", "equal"),
    *("differ with a reason", "differ without", "not provided"),
)


# Our payloads by protocol; what the nl80211 cases call a field begins with its place in the generic payload.
PAYLOADS: dict[str, tuple[type[Struct], ...]] = {
    "nl80211": (Nl80211Info,),
    "generic": (GenericInfo,),
    "conntrack": (ConntrackInfo,),
    "expectations": (ExpectInfo,),
    "sock_diag": (DiagInfo,),
    "xfrm": (XfrmStateInfo, XfrmPolicyInfo, XfrmFlushInfo),
    "tc": (TcInfo,),
    "nsid": (NsidInfo,),
    "stats": (StatsInfo,),
    "nexthop": (NexthopInfo,),
    "netconf": (NetconfInfo,),
    "audit": (AuditInfo,),
}
# The nl80211 cases speak of these; the xfrm cases of templates and of what is wanted under other names.
ELSEWHERE = {"generic": {"vendor_id", "vendor_subcmd", "nl80211", "qca_vendor"}, "xfrm": {"templates"}}


def unconfirmed(said_by: dict[str, set[str]]) -> list[str]:
    """Fields of our payloads that no peer spoke of, by protocol."""
    found = []
    for protocol, payloads in PAYLOADS.items():
        said = {name.removeprefix("nl80211.").partition(".")[0] for name in said_by.get(protocol, ())}
        said |= {name.removesuffix(" or 0") for name in said} | ELSEWHERE.get(protocol, set())
        missing = [name for payload in payloads for name in payload.__struct_fields__ if name not in said]
        if missing:
            found.append(f"{protocol}: {', '.join(dict.fromkeys(missing))}")
    return found


def main() -> int:
    """Run every case and print."""
    rows = [TITLES, ("---",) * 3 + ("---:",) * (len(TITLES) - 3)]
    reasons: list[str] = []
    silent: list[str] = []
    wrong: list[str] = []
    said_by: dict[str, set[str]] = {}
    for case in CASES:
        if case.runs and shutil.which(case.runs) is None:
            rows.append((case.protocol, case.peer, "not installed", *("" for _ in TITLES[3:])))
            continue
        for backend in case.backends:
            found = run(case, backend)
            equal, excused, unequal = found.equal.total(), found.excused.total(), len(found.wrong)
            counts = (found.messages, equal + excused + unequal, found.said.total(), equal, excused, unequal)
            shown = [f"{count:,}" for count in (*counts, found.not_provided.total())]
            rows.append((case.protocol, case.peer, backend, *shown))
            said_by.setdefault(case.protocol, set()).update(found.said)
            wrong += [f"{case} {backend}: {text}" for text in found.wrong[:SHOWN]]
            for field, count in sorted(found.excused.items()):
                where = f"{case.protocol}, {case.peer}, {backend}"
                reasons.append(f"{where}: `{field}` {count}: {case.excuses[field].reason}")
        if case.silent:
            silent.append(f"{case.protocol}, {case.peer}: {', '.join(sorted(case.silent))}")
    lines = [f"| {' | '.join(row)} |" for row in rows]
    for title, texts in (
        ("Notes", NOTES),
        ("Reasons", reasons),
        ("Never seen with a telling value", silent),
        ("Fields of ours that no peer confirmed with a telling value", unconfirmed(said_by)),
        ("Differences without a reason", wrong),
    ):
        if texts:
            lines += ["", f"{title}:", "", *(f"- {text}" for text in texts)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
