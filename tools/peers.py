"""Prints how much of nlmon's decoding other programs and libraries confirm, as a Markdown table.

    python tools/peers.py

The comparer and the cases are those of the tests (``tests/peers/table.py``, ``tests/peers/cases.py``): what this counts
is what they assert. Columns: messages and fields compared over the recordings of both kernels, those in which the
peer's value tells something (neither absent nor zero), equal, differing for a reason that stands below the table, and
differing without one. Fields that no recording shows with a telling value are listed last.
"Not provided" are fields that the peer has and the implementation does not claim to give.

Exit code: 0 no difference without a reason, 1 there is one.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from peers.cases import CASES
from peers.table import SHOWN, run

TITLES = (
    *("protocol", "peer", "implementation", "messages", "fields compared", "telling", "equal"),
    *("differ with a reason", "differ without", "not provided"),
)


def main() -> int:
    """Run every case and print."""
    rows = [TITLES, ("---",) * 3 + ("---:",) * (len(TITLES) - 3)]
    reasons: list[str] = []
    silent: list[str] = []
    wrong: list[str] = []
    for case in CASES:
        for backend in case.backends:
            found = run(case, backend)
            equal, excused, unequal = found.equal.total(), found.excused.total(), len(found.wrong)
            counts = (found.messages, equal + excused + unequal, found.said.total(), equal, excused, unequal)
            shown = [f"{count:,}" for count in (*counts, found.not_provided.total())]
            rows.append((case.protocol, case.peer, backend, *shown))
            wrong += [f"{case} {backend}: {text}" for text in found.wrong[:SHOWN]]
            for field, count in sorted(found.excused.items()):
                where = f"{case.protocol}, {case.peer}, {backend}"
                reasons.append(f"{where}: `{field}` {count}: {case.excuses[field].reason}")
        if case.silent:
            silent.append(f"{case.protocol}, {case.peer}: {', '.join(sorted(case.silent))}")
    lines = [f"| {' | '.join(row)} |" for row in rows]
    for title, texts in (
        ("Reasons", reasons),
        ("Never seen with a telling value", silent),
        ("Differences without a reason", wrong),
    ):
        if texts:
            lines += ["", f"{title}:", "", *(f"- {text}" for text in texts)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
