"""The report of a run as JUnit XML, in the form that pytest writes (its ``junit-10.xsd``, family ``xunit2``).

Rules:
1. A case is a test case; its class is the scenario, and its name the direction.
2. What XML 1.0 does not allow in a text, or a terminal may obey, is written as an escape, never left out.

Not here: the values (``outcome``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from nlmon.printable import printable
from nlmon.report.outcome import CaseResult, RunHeader
from nlmon.report.runtext import details

__all__ = ["junit_bytes"]


def junit_bytes(header: RunHeader, results: Sequence[CaseResult], seconds: float) -> bytes:
    """A document with one test suite."""
    counts = Counter(result.outcome for result in results)
    root = ET.Element("testsuites", name="nlmon tests")
    suite = ET.SubElement(
        root,
        "testsuite",
        name="nlmon",
        tests=str(len(results)),
        failures=str(counts["failed"]),
        errors=str(counts["errored"]),
        skipped=str(counts["skipped"] + counts["xfailed"]),
        time=f"{seconds:.3f}",
        timestamp=header.started,
        hostname=_text(header.host),
    )
    for result in results:
        _case(suite, result)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _case(suite: ET.Element, result: CaseResult) -> None:
    case = ET.SubElement(
        *(suite, "testcase"),
        classname=_text(result.scenario),
        name=_text(result.case),
        time=f"{result.seconds:.3f}",
    )
    message = _text(result.explanation)
    if result.outcome == "failed":
        ET.SubElement(case, "failure", message=message).text = _text("\n".join(details(result)))
    elif result.outcome == "errored":
        ET.SubElement(case, "error", message=message).text = _text("\n".join(details(result)))
    elif result.outcome in {"skipped", "xfailed"}:
        kind = f"pytest.{'skip' if result.outcome == 'skipped' else 'xfail'}"
        ET.SubElement(case, "skipped", type=kind, message=message).text = _text(result.where)


def _text(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))
