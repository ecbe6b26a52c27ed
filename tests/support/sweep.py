"""Every command that reads a file, over captures of damaged messages, broken captures and broken documents.

    PYTHONPATH=tests python -m support.sweep [--messages 100000] [--files 2000] [--seed 1]

prints what was tried, and ends with 1 at the first command that does not hold the law: no exit code but those of its
help, no traceback, an end within its time, and output that is JSON of its schema, or text in which nothing acts.

Not here: what is broken in a file (``support.mutants``), and what a verdict must be (``support.damage``).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, NoReturn

import jsonschema_rs
from jsonschema import Draft202012Validator

from nlmon.cli.schema import SCHEMAS
from nlmon.report.kinds import KINDS
from support.command import nlmon, process
from support.mutants import broken_capture, broken_document, capture_of_messages
from support.paths import CAPTURES, FIXTURES, REPOSITORY, TESTS

__all__ = ["PER_CAPTURE", "Line", "file", "messages", "wrong"]

# Datagrams of one capture, seconds of computing that a command may take, and of how many files one is a document.
PER_CAPTURE, SECONDS, DOCUMENTS = 250, 60, 4
DONE, DIFFERS, USAGE, INPUT = 0, 1, 2, 3
# A capture that is whole and short, for what else a command reads.
WHOLE = FIXTURES / "cases" / "06-rule-dscp.pcap"
SCENARIO = """\
scenario: 1
id: swept.file
title: Whatever a capture holds, a scenario of it has an outcome.
authority: [netlink(7)]
capture: {{path: {name}, sha256: {digest}}}
expect: {{verdict: {{migrate: equivalent, rollback: lossy}}}}
implementations: [legacy, {{name: libnl, caches: [link, addr, route], recover: true}}]
"""
FAULTS = """\
seed: 7
faults:
  - duplicate: {count: 2}
  - split: {}
  - reorder: {count: 3}
  - merge: {count: 2}
  - unknown_attribute: {type: 4000, size: 8}
  - longer_structure: {size: 4}
  - short_payload: {size: 3}
  - truncate: {size: 20}
  - enobufs: {}
  - interrupted_dump: {}
  - lost_socket: {}
"""
KNOWN = """\
known: 1
entries:
  - {code: NLD102, message: RTM_NEWLINK, field: mtu, reason: it is late, owner: net-team, kernel: ">=6.1,<6.13"}
  - {code: NLD002, message: RTM_NEWLINK, capture: "*", reason: unread, owner: us, issue: NET-1, expires: 2199-12-31}
"""
SETTINGS = """\
settings = 1
fail_on = ["regression"]
min_events = 5
known = "known.yaml"
require_protocols = ["route"]
"""


class Line(NamedTuple):
    """A command line, and the schema of what it prints: of all of it, of ``each`` line, or none for people's text."""

    words: tuple[str, ...]
    schema: str = ""
    each: bool = False
    codes: tuple[int, ...] = (DONE, DIFFERS, INPUT)


class Slow(BaseException):
    """A command that computes for too long."""


def _lines(capture: str) -> list[Line]:
    """Every command that reads a capture."""
    replay = ("replay", capture, "--known", "")
    fault = ("--fault", "overrun@5+3", "--fault", "overrun@20+40")
    caches = ("--cache", "link", "--cache", "addr", "--cache", "route")
    kinds = [word for kind in KINDS for word in ("--report", f"{kind}:replay.{kind}")]
    return [
        Line((*replay, "--format", "json", "--report", "replay.json", *kinds), "replay"),
        Line(("report", "show", "replay.json", "--as", "gitlab"), "gitlab"),
        Line(("report", "diff", "replay.json", "replay.jsonl", "--format", "json"), "report-diff"),
        Line(("report", "check", "replay.json", "replay.jsonl")),
        Line((*replay, "--format", "jsonl", "--select", "all", "--group", "tc"), "replay-stream", each=True),
        Line((*replay, "--format", "json", "--both-ways", "--recover", *caches, *fault), "replay"),
        Line((*replay, "-i", "legacy", "--against", "libnl", "--layouts", "0", "--strict", "--fail-on", "lossy")),
        Line(
            (*replay, "--format", "jsonl", "--control", "--protocol", "route", "--protocol", "xfrm"),
            "replay-stream",
            each=True,
        ),
        Line(
            (*replay, "--format", "json", "--max-messages", "20", "--max-objects", "3", "--byteorder", "big"), "replay"
        ),
        Line(("decode", capture), "event", each=True),
        Line(("decode", capture, "-i", "legacy", "--select", "all"), "event", each=True),
        Line(("decode", capture, "--layouts", "0", *fault), "event", each=True),
        Line(("capture", "info", capture)),
        Line(("capture", "info", capture, "--format", "json"), "capture-info"),
        Line(("capture", "stats", capture)),
        Line(("capture", "stats", capture, "-i", "legacy", "--format", "json", "--select", "all"), "stats"),
        Line(("coverage", capture, "-v")),
        Line(("coverage", capture, "--format", "json"), "coverage"),
        Line(("debug", "layout", capture)),
        Line(("scenario", "new", "--from", capture, "-o", "new.yaml")),
        Line(
            ("run", "swept.yaml", "faults.yaml", "--known", "", "--report", "junit:junit.xml", "--format", "jsonl"),
            "run-stream",
            each=True,
        ),
        Line(
            (
                "known",
                "add",
                "replay.json",
                "--reason",
                "so",
                "--owner",
                "me",
                "--file",
                "known.yaml",
                "--code",
                "NLD002",
            )
        ),
    ]


@cache
def _documents() -> dict[str, list[bytes]]:
    """Whole documents by what they are."""
    scenarios = [path.read_bytes() for path in sorted((REPOSITORY / "scenarios").glob("*/*.yaml"))]
    recorded = [text for text in scenarios if b"../../fixtures/" in text]
    format_ = [(TESTS / "scenario" / f"version-1-{kind}.yaml").read_bytes() for kind in ("recorded", "live")]
    lossy = ("replay", WHOLE, CAPTURES / "linux-6.12" / "06-xfrm.pcap.zst", "-i", "legacy", "--against", "libnl")
    streams = [nlmon(*lossy, "--format", "jsonl"), nlmon("run", REPOSITORY / "scenarios" / "rule", "--format", "jsonl")]
    return {
        "scenario": [*recorded, *format_],
        "settings": [SETTINGS.encode(), (TESTS / "project" / "settings-version-1.toml").read_bytes()],
        "known": [KNOWN.encode()],
        "config": [
            text for path in sorted((FIXTURES / "config" / "vectors").glob("*.yaml")) if (text := path.read_bytes())
        ],
        "report": [nlmon(*lossy, "--format", "json").stdout.encode(), *(one.stdout.encode() for one in streams)],
        "claims": [nlmon("claims", "--list", "--format", "json").stdout.encode()],
    }


def _lines_of(kind: str, name: str) -> list[Line]:
    """Every command that reads a document."""
    capture, add = str(WHOLE), ("known", "add", name, "--reason", "so", "--owner", "me", "--file", "other.yaml")
    lines = {
        "scenario": [
            Line(("scenario", "check", name)),
            Line(("run", name, "--recorded", "--known", "")),
            Line(("run", name, "--recorded", "--known", "", "--format", "jsonl"), "run-stream", each=True),
            Line(("run", name, "--dry-run", "--known", "")),
        ],
        "settings": [
            Line(("replay", capture, "--config", name, "--format", "json"), "replay"),
            Line(("run", "--config", name, "--recorded", "--dry-run", str(REPOSITORY / "scenarios" / "rule"))),
        ],
        "known": [
            Line(("known", "check", name)),
            Line(("replay", capture, "--known", name, "--format", "json", "--complete"), "replay"),
            Line(("known", "trim", "--file", name)),
        ],
        "report": [
            Line((*add, "--code", "NLD002", "--code", "NLD001")),
            Line(("known", "trim", name, "--file", "known.yaml")),
        ],
        "config": [
            Line(("config", "check", name)),
            Line(("config", "check", name, "--format", "json"), "config-check"),
            Line(("config", "show", name, "--format", "json"), "config-show"),
            Line(("config", "show", name)),
        ],
        "claims": [Line(("claims", name)), Line(("claims", name, "--format", "json"), "claims")],
    }
    return [line._replace(codes=(DONE, DIFFERS, USAGE, INPUT)) for line in lines[kind]]


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name]())


@cache
def _quick_validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(SCHEMAS[name]())


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def wrong(line: Line, done: subprocess.CompletedProcess[str]) -> str:
    """What does not hold of a command that has ended; empty if all does."""
    if done.returncode not in line.codes or "Traceback" in done.stderr:
        return f"exit {done.returncode}: {done.stderr[-2000:]}"
    if done.returncode and not done.stdout + done.stderr:
        return f"exit {done.returncode} without a word"
    people = done.stderr if line.schema else done.stdout + done.stderr
    acting = sorted({character for character in people if not (character.isprintable() or character == "\n")})
    if acting:
        return f"characters that act: {acting}"
    texts = done.stdout.splitlines() if line.each else [done.stdout] if done.stdout else []
    for text in texts if line.schema else []:
        try:
            value = json.loads(text, parse_constant=_no_number)
        except ValueError as error:
            return f"no JSON: {error}: {text[:500]}"
        # The quick one says that all is well, the other one what is not.
        if _quick_validator(line.schema).is_valid(value):
            continue
        for mistake in _validator(line.schema).iter_errors(value):
            return f"not as the schema {line.schema} says: {mistake.json_path}: {mistake.message[:500]}"
    return ""


def _stop(_: int, __: FrameType | None) -> NoReturn:
    raise Slow


def _tried(line: Line, folder: Path, run: Callable[..., Any] = nlmon) -> str:
    """What does not hold of a command line; empty if all does."""
    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        found = wrong(line, run(*line.words, **{"folder" if run is nlmon else "cwd": folder}))
    except Slow:
        found = f"takes more than {SECONDS} seconds"
    except UnicodeDecodeError as error:
        found = f"no text: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return found and f"nlmon {' '.join(line.words)}\n{found}"


def _capture(folder: Path, name: str, *, apart: bool) -> str:
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    scenario = SCENARIO.format(name=name, digest=digest)
    (folder / "swept.yaml").write_text(scenario, encoding="utf-8")
    (folder / "faults.yaml").write_text(scenario.replace("swept.file", "swept.faults") + FAULTS, encoding="utf-8")
    lines = _lines(name)
    if apart:
        lines = lines[::6]
    return next(filter(None, (_tried(line, folder, process if apart else nlmon) for line in lines)), "")


def messages(seed: int, folder: Path, count: int = PER_CAPTURE) -> str:
    """What does not hold of a capture of damaged messages; empty if all does. The capture stays in ``folder``."""
    capture_of_messages(folder / "messages.pcapng", count, seed)
    return _capture(folder, "messages.pcapng", apart=False)


def _document(random_: random.Random, folder: Path) -> str:
    """What does not hold of a broken document; empty if all does."""
    documents = _documents()
    kind = random_.choice(("scenario", "scenario", *documents))
    text = broken_document(random_.choice(documents[kind]), documents[kind], random_)
    (folder / "fixtures").symlink_to(FIXTURES)
    place = folder / "scenarios" / "broken"
    place.mkdir(parents=True)
    name = {"settings": "nlmon.toml", "report": "report.json", "claims": "claims.json"}.get(kind, f"{kind}.yaml")
    (place / name).write_bytes(text)
    if kind != "known":
        (place / "known.yaml").write_text(KNOWN, encoding="utf-8")
    return next(filter(None, (_tried(line, place) for line in _lines_of(kind, name))), "")


def file(seed: int, folder: Path) -> str:
    """What does not hold of a broken file; empty if all does. The file stays in ``folder``."""
    random_ = random.Random(f"file {seed}")
    if seed % DOCUMENTS == 0:
        return _document(random_, folder)
    (folder / "broken").write_bytes(broken_capture(random_))
    # Of some also in processes of their own, where nothing of another command is left.
    return _capture(folder, "broken", apart=False) or (
        _capture(folder, "broken", apart=True) if seed % 100 == 1 else ""
    )


def _one(job: tuple[str, int, int]) -> str:
    """What does not hold of one capture or file, with what repeats it; the folder stays if anything does not."""
    what, seed, count = job
    folder = Path(tempfile.mkdtemp(prefix="nlmon-"))
    found = messages(seed, folder, count) if what == "messages" else file(seed, folder)
    if not found:
        shutil.rmtree(folder)
        return ""
    other = "--files 0" if what == "messages" else "--messages 0"
    again = f"PYTHONPATH=tests python -m support.sweep --seed {seed} --{what} {count} {other}"
    return f"{found}\nin {folder}; again: {again}"


def main() -> int:
    """Try as many messages and files as were asked for, one process for each CPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    starts = range(0, arguments.messages, PER_CAPTURE)
    jobs = [
        ("messages", arguments.seed + number, min(PER_CAPTURE, arguments.messages - start))
        for number, start in enumerate(starts)
    ]
    jobs += [("files", arguments.seed + number, 1) for number in range(arguments.files)]
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(_one, jobs):
            if found:
                sys.stdout.write(found + "\n")
                pool.shutdown(cancel_futures=True)
                return 1
    sys.stdout.write(f"{arguments.messages:,} messages, {arguments.files:,} files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
