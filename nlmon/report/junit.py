"""The report of a run as JUnit XML, in the form that pytest writes (its ``junit-10.xsd``, family ``xunit2``).

Rules:
1. A case is a test case; its class is the scenario, and its name the direction. A suite is what one host ran.
2. What XML 1.0 does not allow in a text, or a terminal may obey, is written as an escape, never left out.

Not here: the values (``outcome``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from nlmon.printable import printable
from nlmon.report.outcome import CaseResult, Run, RunHeader
from nlmon.report.runtext import details

__all__ = ["junit_text"]


def junit_text(run: Run) -> str:
    """A document with one test suite, or one for each host of merged runs."""
    root = ET.Element("testsuites", name="nlmon tests")
    hosts: dict[str, list[CaseResult]] = {}
    for result in run.results:
        hosts.setdefault(run.host_of(result), []).append(result)
    for host, results in (hosts or {run.header.host: []}).items():
        # Of merged runs only the time of each case is known.
        seconds = run.footer.seconds if len(hosts) == 1 else sum(result.seconds for result in results)
        _suite(root, run.header, host, results, seconds)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document.decode() + "\n"


def _suite(root: ET.Element, header: RunHeader, host: str, results: Sequence[CaseResult], seconds: float) -> None:
    counts = Counter(result.outcome for result in results)
    facts = {"timestamp": header.started, "hostname": _text(host)}
    suite = ET.SubElement(
        root,
        "testsuite",
        name="nlmon",
        tests=str(len(results)),
        failures=str(counts["failed"]),
        errors=str(counts["errored"]),
        skipped=str(counts["skipped"] + counts["xfailed"]),
        time=f"{seconds:.3f}",
    )
    suite.attrib.update({name: value for name, value in facts.items() if value})
    for result in results:
        _case(suite, result)


def _case(suite: ET.Element, result: CaseResult) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
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
