"""The code quality report of GitLab: a JSON list with an issue for each remark.

GitLab compares the lists of two runs by their fingerprints, and shows what is new in a merge request and what is gone
(docs.gitlab.com, "Code Quality report format").

Rules:
1. The fingerprint of an issue is the same as long as the same thing is wrong with the same case: no line, no frame, no
   count and no value is in it.
2. No two issues have one fingerprint: GitLab would show one of them.

Not here: what is remarked (``remarks``).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Any

import msgspec

from nlmon.printable import printable, printable_json
from nlmon.report.outcome import Run
from nlmon.report.remarks import Remark, remarks

__all__ = ["codequality"]

# By level; a case that could not be judged is less than one that fails.
_SEVERITY = {"error": "critical", "warning": "minor"}
_NUMBER = re.compile(r"\d+")


def codequality(run: Run) -> str:
    """The list, with one issue in each line."""
    seen: Counter[tuple[str, ...]] = Counter()
    issues = []
    for remark in remarks(run, each_difference=True):
        key = remark.case, remark.code, remark.path, _NUMBER.sub("0", remark.what)
        issues.append(_issue(remark, _fingerprint((*key, str(seen[key])))))
        seen[key] += 1
    lines = ",\n".join(printable_json(msgspec.json.encode(issue, order="sorted")).decode() for issue in issues)
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def _issue(remark: Remark, fingerprint: str) -> dict[str, Any]:
    severity = "major" if remark.errored else _SEVERITY[remark.level]
    case = f"{remark.case}: " if remark.case else ""
    return {
        "type": "issue",
        "check_name": f"nlmon {remark.code}",
        "description": printable(f"{case}{remark.what}"),
        "content": {"body": "\n".join(map(printable, remark.lines))},
        "categories": ["Compatibility"],
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": printable(remark.path or "nlmon"), "lines": {"begin": max(remark.line, 1)}},
    }


def _fingerprint(key: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(key).encode("utf-8", "surrogatepass")).hexdigest()
