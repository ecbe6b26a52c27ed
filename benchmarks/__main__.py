"""``python -m benchmarks``: build the captures, measure everything in turn, print the tables.

Rules:
1. Rounds are interleaved: every measurement is done once before any is done twice, so that a change of the machine's
   mood meets all of them.
2. The exit code is 0 whatever the figures are; a measurement that fails is a row that says so.

Not here: the measurements (``plan``).
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.plan import Measurement, Plan
from benchmarks.report import Report, markdown, measured, report, schema, this_machine
from benchmarks.sample import Clock, Sample
from benchmarks.targets import TARGETS, outcome
from nlmon.report.jsonout import report_bytes

BEGIN, END = "<!-- begin: python -m benchmarks -->", "<!-- end -->"


def run(plan: Plan, rounds: int, only: str | re.Pattern[str], clock: Clock) -> Report:
    """Measure whatever matches ``only``, so many rounds."""
    machine = this_machine()
    wanted = [one for one in plan.measurements() if re.search(only, one.key)]
    if not wanted:
        raise SystemExit("nothing matches; there are " + ", ".join(one.key for one in plan.measurements()))
    samples: dict[str, list[Sample]] = {one.key: [] for one in wanted}
    why = {one.key: one.missing for one in wanted if one.missing}
    failed: dict[str, str] = {}
    for number in range(rounds):
        for one in wanted:
            if one.key in why or (number and one.once):
                continue
            try:
                samples[one.key].append(plan.measure(one))
                shown = f"{samples[one.key][-1].rate('wall'):,.0f} messages/s"
            except SystemExit as error:
                failed[one.key] = why[one.key] = shown = str(error)
                samples[one.key].clear()
            sys.stderr.write(f"round {number + 1}/{rounds}  {one.key}: {shown}\n")
    rows = []
    for one in wanted:
        yardstick = next((samples[key] for key in _yardsticks(one) if samples.get(key)), [])
        rows.append(measured(one, samples[one.key], yardstick, clock, failed.get(one.key, "")))
    targets = [outcome(one, samples, why, clock) for one in TARGETS]
    return report(machine, rounds, plan.scale, clock, rows, targets)


def _yardsticks(one: Measurement) -> list[str]:
    """pyroute2 on the same capture, by one of its names."""
    names = ["drain by pyroute2"] if one.key.startswith("drain") else ["pyroute2", f"pyroute2 {one.capture}"]
    return [f"{name}, {one.capture}" for name in names]


def insert(document: Path, text: str) -> None:
    """Put the tables between the marks of a document that is written by hand around them; without one they are all of
    it, so that what took minutes to measure is not lost."""
    whole = document.read_text(encoding="utf-8") if document.exists() else f"{BEGIN}\n{END}\n"
    head, begin, rest = whole.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{document} has no lines {BEGIN} and {END}")
    part = document.with_name(document.name + ".part")
    part.write_text(f"{head}{begin}\n\n{text}\n{end}{tail}", encoding="utf-8")
    part.replace(document)


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(text) from error


def _positive(kind: Callable[[str], float]) -> Callable[[str], Any]:
    def number(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise ValueError(text)
        return value

    return number


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=_positive(int), default=5, help="of every measurement; 5 by default")
    parser.add_argument("--scale", type=_positive(float), default=1.0, help="of the captures' full size; 1 by default")
    parser.add_argument("--only", type=_regex, default="", metavar="REGEX", help="measure what this matches")
    parser.add_argument("--long", action="store_true", help="also what takes minutes: ten million messages")
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu: for a machine that has other work at the time"
    )
    parser.add_argument("--folder", type=Path, help="keep the captures here and use them again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report here")
    parser.add_argument("--report", type=Path, metavar="FILE", help="put the tables between the marks of this file")
    parser.add_argument("--schema", action="store_true", help="print the schema of the JSON report")
    arguments = parser.parse_args()
    if arguments.schema:
        sys.stdout.write(schema())
        return
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(arguments.folder or Path(folder), arguments.scale, long=arguments.long)
        whole = run(plan, arguments.rounds, arguments.only, arguments.clock)
    sys.stdout.write(markdown(whole))
    if arguments.json is not None:
        arguments.json.write_bytes(report_bytes(whole))
    if arguments.report is not None:
        insert(arguments.report, markdown(whole))


if __name__ == "__main__":
    main()
