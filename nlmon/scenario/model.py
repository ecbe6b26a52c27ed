"""What a scenario says, as values: what happens, who takes part and what must hold.

Rules:
1. These are values of a file that was checked (``load``); what a file leaves out has its default here.
2. Paths, command lines and names are as in the file. Whether they exist, and whether they may be used, is decided by
   whoever uses them.

Not here: how a scenario is written (``schema``).
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from nlmon.engine.segments import Select
from nlmon.filters import Filter
from nlmon.report.model import Direction, Verdict

__all__ = [
    "VERSION",
    "Capture",
    "ConfigurationLane",
    "Configured",
    "Count",
    "DifferencePattern",
    "ErrorPattern",
    "EventPattern",
    "Expect",
    "Exported",
    "Fault",
    "FilePattern",
    "Implementation",
    "Level",
    "Limits",
    "LinePattern",
    "LogPattern",
    "Losses",
    "MetricPattern",
    "Needs",
    "ObjectPattern",
    "Phase",
    "ProblemPattern",
    "Reload",
    "RewrittenPattern",
    "RulePattern",
    "Scenario",
    "Step",
    "Traffic",
    "Verdicts",
]

VERSION = 1

Level: TypeAlias = Literal["required", "optional", "tentative"]
Phase: TypeAlias = Literal["capture", "frame", "decode", "socket", "step"]


class Needs(Struct, frozen=True, forbid_unknown_fields=True):
    """What must be there, else the scenario is skipped with the reason. ``live``: a kernel that makes network
    namespaces; ``root``: the privilege to do what no user namespace allows; ``devices``: kinds of links, ``programs``,
    ``families`` of NETLINK_GENERIC; ``commands``: command lines that must succeed in an empty namespace."""

    live: bool = False
    root: bool = False
    devices: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of an implementation, of which None is the default; see ``BackendOptions``."""

    receive_buffer: int | None = None
    send_buffer: int | None = None
    cache_size: int | None = None
    cache_ttl: float | None = None
    max_message_size: int | None = None
    message_pool_size: int | None = None
    pool_policy: Literal["wait", "oldest", "newest"] | None = None


class Implementation(Struct, frozen=True, forbid_unknown_fields=True):
    """An implementation that takes part, and its options. ``families``: of NETLINK_GENERIC, whose groups it joins,
    None for all; ``groups``: more groups of rtnetlink; ``layouts``: how many it keeps, None for the default."""

    name: str
    families: tuple[str, ...] | None = None
    groups: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    recover: bool = False
    layouts: int | None = None
    limits: Limits = Limits()


class Capture(Struct, frozen=True, forbid_unknown_fields=True):
    """A recording that is replayed. ``path``: relative to the folder of the scenario; ``sha256``: of the file as it
    is, empty if not stated; ``frames``: the first and the last frame, ``37-154``, ``37-`` or empty for all;
    ``protocols`` empty: all that are supported."""

    path: str
    sha256: str = ""
    select: Select = "notifications"
    frames: str = ""
    protocols: tuple[str, ...] = ()
    byteorder: Literal["little", "big"] | None = None

    @property
    def first_frame(self) -> int:
        """The first frame that is replayed, from 1."""
        return int(self.frames.partition("-")[0] or 1)

    @property
    def last_frame(self) -> int | None:
        """The last frame that is replayed; None: that of the recording."""
        last = self.frames.partition("-")[2]
        return int(last) if last else None


class Count(Struct, frozen=True):
    """How often something may be there; ``most`` None: any number of times."""

    least: int = 1
    most: int | None = None

    def __contains__(self, number: int) -> bool:
        return self.least <= number and (self.most is None or number <= self.most)

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {self.least}"
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


class EventPattern(Struct, frozen=True):
    """Events that have the values of ``fields``, which are named and nested as in the object ``netlink`` of a line of
    ``nlmon decode``, and that the filter ``where`` matches; ``by``: of one implementation, empty for every one."""

    fields: dict[str, Any]
    count: Count = Count()
    by: str = ""
    where: Filter | None = None


class ObjectPattern(Struct, frozen=True):
    """Objects of the final state of a kind, such as ``route``, that have the values of ``fields``."""

    kind: str
    fields: dict[str, Any]
    count: Count = Count()
    by: str = ""


class DifferencePattern(Struct, frozen=True):
    """Differences of a code at a place: type of the message, or kind of the object, and field; empty for any."""

    code: str
    message: str = ""
    field: str = ""
    direction: Direction | None = None
    count: Count = Count()


class ErrorPattern(Struct, frozen=True):
    """Errors of a code in a phase."""

    phase: Phase
    code: str
    count: Count = Count()
    by: str = ""


class Losses(Struct, frozen=True):
    """How many messages implementations report as lost: ``each`` by default, ``by`` those that are named."""

    each: Count | None = None
    by: dict[str, Count] = {}


class Verdicts(Struct, frozen=True, forbid_unknown_fields=True):
    """The verdict of each direction; None: any."""

    migrate: Verdict | None = None
    rollback: Verdict | None = None


class Expect(Struct, frozen=True):
    """What must hold in the end. ``events``: each pattern by itself, ``in_order``: events of which each comes after the
    one before it; ``state``: ``kernel``, as the kernel itself lists it, or objects."""

    verdict: Verdicts = Verdicts()
    events: tuple[EventPattern, ...] = ()
    in_order: tuple[EventPattern, ...] = ()
    state: Literal["kernel"] | tuple[ObjectPattern, ...] = ()
    differences: tuple[DifferencePattern, ...] = ()
    losses: Losses = Losses()
    errors: tuple[ErrorPattern, ...] = ()


class LinePattern(Struct, frozen=True):
    """Lines of an export whose event matches. ``equals``: the whole object of the line, None: any; ``text``: what
    stands in the line; ``facility``, ``severity``: of a message of syslog, by name. Empty: any."""

    event: EventPattern
    equals: dict[str, Any] | None = None
    text: str = ""
    facility: str = ""
    severity: str = ""


class FilePattern(Struct, frozen=True):
    """Files that an export wrote. ``path``: as the configuration names them, which may have ``*``; ``count``: how many
    there are; ``lines``: how many lines they have together, None: any number."""

    path: str
    count: Count = Count()
    lines: Count | None = None
    by: str = ""


class MetricPattern(Struct, frozen=True):
    """A metric at the end of a run: the sum of the samples that have these labels, among others."""

    name: str
    value: Count
    labels: dict[str, str] = {}
    by: str = ""


class RulePattern(Struct, frozen=True):
    """A rule of the filters, by its name, and how many events it matched."""

    name: str
    matched: Count
    by: str = ""


class ProblemPattern(Struct, frozen=True):
    """Problems of a configuration, by code. ``line``: of the configuration, 0: any; ``key``: empty: any."""

    code: str
    line: int = 0
    key: str = ""
    count: Count = Count()
    by: str = ""


class RewrittenPattern(Struct, frozen=True):
    """A rewriting of a configuration, of which there is one for each. ``exit``: what the command exits with; ``text``:
    what is in the file afterwards, None: anything; of one that is refused there is none."""

    exit: int
    text: str | None = None
    by: str = ""


class LogPattern(Struct, frozen=True):
    """What a monitor logs: messages that have a text."""

    text: str
    count: Count = Count()
    by: str = ""


class Exported(Struct, frozen=True):
    """What must hold of monitors that run with a configuration. ``compare``: hold what both export against each other;
    ``lines``: by the name of an export. Of ``notices``, ``refused``, ``changes``, ``findings`` and ``rewritten`` None:
    nothing is said; else these, and no others. The last three are of configurations that are rewritten."""

    compare: bool = False
    lines: dict[str, tuple[LinePattern, ...]] = {}
    files: tuple[FilePattern, ...] = ()
    metrics: tuple[MetricPattern, ...] = ()
    rules: tuple[RulePattern, ...] = ()
    log: tuple[LogPattern, ...] = ()
    notices: tuple[ProblemPattern, ...] | None = None
    refused: tuple[ProblemPattern, ...] | None = None
    changes: tuple[ProblemPattern, ...] | None = None
    findings: tuple[ProblemPattern, ...] | None = None
    rewritten: tuple[RewrittenPattern, ...] | None = None


class ConfigurationLane(Struct, frozen=True):
    """The configuration of a lane. ``name``: of the implementation that it is for; ``environment``: the variables that
    it sees, and no others; ``forced``: the lane decides on the implementation, whatever the text says."""

    name: str
    text: str
    environment: dict[str, str] = {}
    forced: bool = False


class Reload(Struct, frozen=True):
    """Other configurations, of each lane, that are read before a ``frame`` of a recording, or before a ``step`` in its
    list, from 1; 0: the other one says when. ``rewrite``: instead of ``texts``, what is in force is rewritten for the
    other implementation, in the lane ``by``, empty: in each that does not have it."""

    texts: tuple[str, ...] = ()
    frame: int = 0
    step: int = 0
    rewrite: Literal["", "migrate", "rollback"] = ""
    by: str = ""


class Configured(Struct, frozen=True):
    """What makes a scenario one of configurations: a monitor runs with that of each lane."""

    lanes: tuple[ConfigurationLane, ...]
    reloads: tuple[Reload, ...] = ()
    expect: Exported = Exported()


class Traffic(Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from", "target": "to"}):
    """A flow that the runner itself makes, ``size`` bytes from one namespace to an address and port in another; empty
    names are the first namespace."""

    protocol: Literal["tcp", "udp"]
    address: str
    port: int
    source: str = ""
    target: str = ""
    size: int = 1


class Step(Struct, frozen=True):
    """One thing that happens: a value of ``kind``. ``line``: a command line (``run``), lines for ``ip -batch``
    (``batch``) or a dotted name (``python``). ``namespace``: where it runs, empty for the first one. ``expect``: what
    comes of it, ``within`` so many seconds, None for the deadline of the runner. ``place``: where it stands in the
    file."""

    kind: Literal["run", "batch", "netns", "traffic", "migrate", "rollback", "python"]
    line: str = ""
    names: tuple[str, ...] = ()
    traffic: Traffic | None = None
    namespace: str = ""
    expect: tuple[EventPattern, ...] = ()
    within: float | None = None
    place: str = ""


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that goes wrong on purpose: ``kind``, by its key in the file. ``at``: the frame of the recording, or
    live the number of the notification, 0: the seed chooses; ``count``: of how many datagrams or messages; ``size``: so
    many bytes; ``type``: of an attribute."""

    kind: str
    at: int = 0
    count: int = 1
    size: int = 4
    type: int = 0
    protocol: str = "route"


class Scenario(Struct, frozen=True):
    """A scenario: the recording ``capture`` is replayed, or else ``setup`` and ``steps`` run. ``implementations``: the
    first is the one in use, which every other one is compared with, and back. ``control``: the first one takes part
    twice, so that noise and difference can be distinguished. ``kernel``: a range such as ``>=6.1,<6.13``, empty for
    all. ``configured``: it is one of configurations, whose implementations are those of monitors."""

    id: str
    title: str
    authority: tuple[str, ...] = ()
    level: Level = "required"
    kernel: str = ""
    needs: Needs = Needs()
    implementations: tuple[Implementation, ...] = (Implementation("legacy"), Implementation("libnl"))
    control: bool = False
    capture: Capture | None = None
    setup: tuple[Step, ...] = ()
    steps: tuple[Step, ...] = ()
    faults: tuple[Fault, ...] = ()
    seed: int = 0
    expect: Expect = Expect()
    configured: Configured | None = None
