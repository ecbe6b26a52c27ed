"""The checklist of the migration guide, held against what was found.

Rules:
1. An item is ``done`` or ``failed`` by evidence that is named, and else ``open``, with what a person has to look at.
2. What happens after an assessment, such as the deployment, no assessment decides.

Not here: the evidence itself (``static``, ``dynamic``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from nlmon.assess.dynamic import Played
from nlmon.assess.model import Item, ItemState, Reason, Result, Stage
from nlmon.config import Config
from nlmon.config.model import Monitoring
from nlmon.migrate.model import Implementation, Rewriting
from nlmon.report.text import counted

__all__ = ["Facts", "checklist"]

# State and why.
Decision: TypeAlias = tuple[ItemState, str]
# What both sides export differs, is of no message, or ended with a crash.
DIFFERENT = frozenset({"NLM-I010", "NLM-I013", "NLM-I015", "NLM-I016", "NLM-I025"})
# And numbers or captures that the lines refute.
EXPORTED = DIFFERENT | {"NLM-I017"}
NOTHING = "no event was compared"
# Filters, alerts, messages and names that would be missing.
FILTERS = frozenset({"NLM-V021", "NLM-V022", "NLM-V023", "NLM-V024"})


class Facts(Struct, frozen=True):
    """What items are decided by. ``listened``: names of protocols; ``reasons``: of the move; ``back``: the result of
    the way back; ``forward``: what the move would write."""

    config: Config
    to: Implementation
    listened: tuple[str, ...]
    reasons: tuple[Reason, ...]
    back: Result
    forward: Rewriting
    played: tuple[Played, ...]
    compared: dict[str, int]

    @property
    def silent(self) -> tuple[Reason, ...]:
        """What says that evidence is lacking."""
        return tuple(one for one in self.reasons if one.weight == "undecided")

    @property
    def total(self) -> int:
        """How many events were compared."""
        return sum(self.compared.values())


def _reviewed(facts: Facts) -> Decision:
    return "done", f"read without an error, every key classed; {counted(len(facts.forward.changes), 'change')} planned"


def _protocols(facts: Facts) -> Decision:
    return ("done", ", ".join(facts.listened)) if facts.listened else ("open", "no monitor would start")


def _written(facts: Facts) -> Decision:
    if facts.forward.data is None or facts.forward.errors:
        code = facts.forward.errors[0].code if facts.forward.errors else "its form"
        return "failed", f"nlmon {_command(facts)} would write nothing, for {code}"
    return "done", f"nlmon {_command(facts)} --output FILE writes it"


def _captured(facts: Facts) -> Decision:
    if any(one.failure is not None and one.failure.crashed is not None for one in facts.played):
        return "failed", "an implementation crashed (NLM-I016)"
    if not facts.total:
        return "open", NOTHING
    return "done", f"{counted(facts.total, 'event')} of {counted(len(facts.played), 'recording')} exported by both"


def _all_protocols(facts: Facts) -> Decision:
    silent = [one.what for one in facts.reasons if one.code == "NLM-I022"]
    if silent or not facts.total:
        return "open", "; ".join(silent) or NOTHING
    return "done", f"events of {', '.join(facts.listened)}"


def _filters(facts: Facts) -> Decision:
    lost = [one for one in facts.reasons if one.code in FILTERS and one.weight == "no go"]
    if lost:
        return "failed", "; ".join(f"{one.where}: {one.what}" for one in lost)
    if not facts.config.rules and facts.config.monitoring == Monitoring():
        return "done", "there is none"
    return _equal(facts, "what passes them is the same on both sides")


def _exports(facts: Facts) -> Decision:
    export = facts.config.export
    agreeing = ["the status", *(["metrics"] if export.prometheus.enabled else [])]
    agreeing += ["the capture"] if export.pcap.enabled else []
    why = f"lines are the same on both sides, and on each {' and '.join(agreeing)} agree with them"
    return _equal(facts, why, EXPORTED)


def _outputs(facts: Facts) -> Decision:
    return _equal(facts, "compared event by event under the contract")


def _equal(facts: Facts, why: str, codes: frozenset[str] = DIFFERENT) -> Decision:
    wrong = [one for one in facts.reasons if one.weight == "no go" and one.code in codes]
    if wrong:
        return "failed", f"{counted(len(wrong), 'difference')} ({wrong[0].code})"
    if not facts.total:
        return "open", NOTHING
    return ("open", facts.silent[0].what) if facts.silent else ("done", why)


def _command(facts: Facts) -> str:
    return "migrate" if facts.to == "libnl" else "rollback"


class _Row(NamedTuple):
    """An item: ``by`` decides it, or says why only a person can."""

    stage: Stage
    what: str
    by: Callable[[Facts], Decision] | str


_ROWS = (
    _Row("pre-migration", "the configuration in use is reviewed", _reviewed),
    _Row("pre-migration", "the protocols that are listened to are known", _protocols),
    _Row("pre-migration", "programs that read the exports are written down", "only its owners know who reads them"),
    _Row("pre-migration", "there is a place to test", "it is no part of the configuration"),
    _Row("pre-migration", "the configuration has a backup", "nlmon migrate --apply keeps one; keep another elsewhere"),
    _Row(
        "pre-migration", "what the implementation adds is understood", "read the notes; whether it is wanted is yours"
    ),
    _Row("testing", "there is a configuration for the other implementation", _written),
    _Row("testing", "events come in", _captured),
    _Row("testing", "each protocol that is listened to was tested", _all_protocols),
    _Row("testing", "filters do the same", _filters),
    _Row("testing", "exports are tested", _exports),
    _Row("testing", "a high rate of events was tried", "a recording has its own time; use nlmon --benchmark"),
    _Row("testing", "memory was watched for a day or longer", "it takes a day; look at nlmon --status"),
    _Row("testing", "outputs of both implementations were compared", _outputs),
    _Row("deployment", "the configuration in use is changed", "nothing is written by an assessment"),
    _Row("deployment", "some hosts go first", "use nlmon canary"),
    _Row("deployment", "logs are watched for errors", "it follows the move; use nlmon doctor"),
    _Row("deployment", "rates of events are as before", "it follows the move; use nlmon canary"),
    _Row("deployment", "exports work where they go", "servers and disks are the host's; use nlmon --test-mode"),
    _Row("deployment", "memory is watched", "it follows the move; use nlmon --status"),
    _Row("deployment", "use of CPU is watched", "it follows the move; use nlmon --benchmark"),
    _Row("deployment", "more hosts follow", "it is a decision; nlmon canary says promote, hold or roll back"),
    _Row("post-migration", "all hosts have moved", "one host was assessed"),
    _Row("post-migration", "backups of the old configuration are removed in the end", "it is a decision"),
    _Row("post-migration", "what is written about the monitor is up to date", "only people can"),
    _Row("post-migration", "everybody knows what is new", "only people can"),
    _Row("post-migration", "alerts on the monitor itself are set up", "it is no part of the configuration"),
    _Row("post-migration", "what went wrong is written down", "only people can"),
    _Row("post-migration", "the maintainers were notified", "only people can"),
)


def checklist(facts: Facts) -> Iterator[Item]:
    """Every item, in the order of the guide."""
    for stage, what, by in _ROWS:
        decision: Decision = ("open", by) if isinstance(by, str) else by(facts)
        yield Item(stage, what, *decision)
