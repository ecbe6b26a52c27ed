"""``nlmon schema``: the JSON Schema of everything that nlmon prints as JSON, and of the files that it reads.

The files in ``docs/schemas`` are this command's output; ``tools/schemas.py`` writes them. The report of the benchmark,
which is not installed, has its schema there only, and in an installed nlmon among the data.

Not here: the structures the schemas are made from.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from nlmon.assess.model import Assessment
from nlmon.canary.judging import CanaryReport
from nlmon.canary.pairs import LogDifference, LogSummary
from nlmon.cli.filter_explain import FilterExplanation
from nlmon.cli.filter_fields import FilterFields
from nlmon.cli.filter_test import FilterMatch
from nlmon.cli.info import CaptureSummary
from nlmon.cli.migrate_report import MigrationReport
from nlmon.cli.state import StateReport
from nlmon.cli.stats import stats_schema
from nlmon.config.report import CheckReport
from nlmon.config.schema import config_schema
from nlmon.config.show import Effective
from nlmon.conformance.results import ConformanceReport
from nlmon.deprecations.found import Deprecations
from nlmon.eventjson.schema import event_schema
from nlmon.explain import Explanations
from nlmon.exporters.layout import exported_schema
from nlmon.harness.schema import protocol_schema
from nlmon.matrix.model import MatrixReport
from nlmon.monitor.benchmark import BenchmarkReport
from nlmon.monitor.doctor.finding import DoctorReport
from nlmon.monitor.status import MonitorStatus
from nlmon.monitor.switching import SwitchReport
from nlmon.monitor.trial import Trial
from nlmon.project.known import known_schema
from nlmon.project.settings import settings_schema
from nlmon.report.coverage import CoverageReport
from nlmon.report.foreign import badge_schema, github_schema, gitlab_schema
from nlmon.report.jsonout import report_schema, schema_of, stream_schema
from nlmon.report.rundiff import RunDifference
from nlmon.report.runstream import run_schema
from nlmon.scenario.schema import scenario_schema

__all__ = ["SCHEMAS", "command", "schema_text"]

PACKAGE = Path(__file__).parent.parent
# Where ``bench`` is, in an installed nlmon and in a clone.
PUBLISHED = PACKAGE / "data" / "schemas", PACKAGE.parent / "docs" / "schemas"

SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "event": event_schema,
    "export": exported_schema,
    "replay": report_schema,
    "replay-stream": stream_schema,
    "run-stream": run_schema,
    "test-mode": partial(schema_of, Trial, "nlmon --test-mode"),
    "benchmark": partial(schema_of, BenchmarkReport, "nlmon --benchmark"),
    "capture-info": partial(schema_of, CaptureSummary, "nlmon capture info"),
    "stats": stats_schema,
    "state": partial(schema_of, StateReport, "nlmon state"),
    "known": known_schema,
    "settings": settings_schema,
    "scenario": scenario_schema,
    "harness": protocol_schema,
    "config": config_schema,
    "config-check": partial(schema_of, CheckReport, "nlmon config check"),
    "config-show": partial(schema_of, Effective, "nlmon config show"),
    "assess": partial(schema_of, Assessment, "nlmon assess"),
    "migrate": partial(schema_of, MigrationReport, "nlmon migrate and nlmon rollback"),
    "status": partial(schema_of, MonitorStatus, "nlmon --status"),
    "switch": partial(schema_of, SwitchReport, "nlmon switch"),
    "deprecations": partial(schema_of, Deprecations, "nlmon deprecations"),
    "doctor": partial(schema_of, DoctorReport, "nlmon doctor"),
    "claims": partial(schema_of, ConformanceReport, "nlmon conform and nlmon claims"),
    "matrix": partial(schema_of, MatrixReport, "nlmon matrix"),
    "coverage": partial(schema_of, CoverageReport, "nlmon coverage"),
    "compare-stream": partial(schema_of, LogDifference | LogSummary, "a line of nlmon compare --format jsonl"),
    "canary": partial(schema_of, CanaryReport, "nlmon canary"),
    "report-diff": partial(schema_of, RunDifference, "nlmon report diff"),
    "github": github_schema,
    "gitlab": gitlab_schema,
    "badge": badge_schema,
    "explain": partial(schema_of, Explanations, "nlmon explain"),
    "filter-explain": partial(schema_of, FilterExplanation, "nlmon filter explain"),
    "filter-fields": partial(schema_of, FilterFields, "nlmon filter fields"),
    "filter-test": partial(schema_of, FilterMatch, "a line of nlmon filter test"),
}


@click.command()
@click.argument("name", type=click.Choice([*SCHEMAS, "bench"]))
def command(name: str) -> None:
    """Print the JSON Schema called NAME."""
    if name in SCHEMAS:
        sys.stdout.write(schema_text(name))
    else:
        path = next(folder for folder in PUBLISHED if folder.is_dir()) / f"{name}.schema.json"
        sys.stdout.write(path.read_text(encoding="utf-8"))


def schema_text(name: str) -> str:
    """A schema as it is printed and published."""
    return json.dumps(SCHEMAS[name](), indent=2, sort_keys=True) + "\n"
