"""What a configuration asks of a monitor, with everything looked up, compiled and checked, and nothing opened.

    plan(config).protocols, plan(config).rules

Rules:
1. A plan is a value: of one configuration there is one plan, on every host. The one thing that a plan is given of where
   it runs is whether somebody reads standard output: see ``plan_loaded``.
2. Two plans with the same ``listening`` need the same sockets.

Not here: opening what is planned (``sources``, ``exports``), and whether a file is a configuration (``nlmon.config``).
"""

from __future__ import annotations

from msgspec import Struct

from nlmon.api.config import NetlinkConfig
from nlmon.backends.options import BackendOptions
from nlmon.config import Loaded
from nlmon.config.model import Config, Console, Export, FilterRule
from nlmon.config.problems import Position, Problem, notice
from nlmon.errors import InputError
from nlmon.filters import Filter, compile_filter
from nlmon.monitor.exports import ExportPlan, planned_exports
from nlmon.names import protocol_number

__all__ = ["Kept", "Listening", "Plan", "Rule", "plan", "plan_loaded"]


# What --dump-events does with events.
DUMP = Export(console=Console(format="json"))


class Listening(Struct, frozen=True):
    """What sockets are opened for: numbers of protocols in the order in which they are enabled, under an implementation
    with options. ``all_namespaces``: events of every namespace that has a number in this one, too."""

    implementation: str
    protocols: tuple[int, ...]
    options: BackendOptions
    all_namespaces: bool = False


class Kept(Struct, frozen=True):
    """Which events ``monitoring`` keeps; what is empty keeps all. ``include``, ``exclude``: patterns of names of
    interfaces."""

    protocols: frozenset[int] = frozenset()
    message_types: frozenset[str] = frozenset()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Rule(Struct, frozen=True):
    """A rule in force; an event is kept if one matches, or if there is none. ``alert``: a match is logged, too."""

    name: str
    filter: Filter
    alert: bool = False


class Plan(Struct, frozen=True):
    """What a monitor does. ``rate_limit``: events of a second that are exported, 0: all; ``queue``: events that may
    wait for each export; ``notices``: what the compiled rules say. ``dump_messages``, ``log_callbacks``: log the bytes
    of every datagram, and every event, which libnl alone has a key for."""

    listening: Listening
    kept: Kept = Kept()
    rules: tuple[Rule, ...] = ()
    rate_limit: int = 0
    queue: int = 10_000
    exports: tuple[ExportPlan, ...] = ()
    notices: tuple[Problem, ...] = ()
    dump_messages: bool = False
    log_callbacks: bool = False


def plan_loaded(loaded: Loaded, *, terminal: bool, dump: bool = False) -> Plan:
    """The plan of a configuration that was loaded. ``terminal``: standard output is one. If it is none, such as the
    journal, and another export is on, events go there only where the configuration speaks of ``export.console``."""
    assert loaded.config is not None
    asked = any(loaded.origins[f"export.console.{key}"] != "default" for key in ("enabled", "format"))
    return plan(loaded.config, dump=dump, beside=terminal or asked)


def plan(config: Config, *, dump: bool = False, beside: bool = True) -> Plan:
    """The plan of a configuration. ``dump``: events go to standard output as JSON lines, and nowhere else; ``beside``:
    the console is on beside other exports, too. Raises ``InputError`` (NLM-M002) where it listens to nothing,
    ``FilterError`` for a rule that is none."""
    netlink, core = NetlinkConfig.of(config.netlink), config.core
    if not netlink.protocols:
        raise InputError("NLM-M002", "no protocol is listened to", hint="write netlink.protocols.route: true")
    rules = tuple(map(_rule, config.rules))
    monitoring = config.monitoring
    return Plan(
        Listening(netlink.implementation, netlink.protocols, _options(netlink), monitoring.namespaces.enabled),
        Kept(
            frozenset(number for name in monitoring.protocols if (number := protocol_number(name)) is not None),
            frozenset(monitoring.message_types),
            monitoring.interfaces.include,
            monitoring.interfaces.exclude,
        ),
        rules,
        core.rate_limit,
        core.max_events,
        planned_exports(DUMP if dump else config.export, netlink.implementation, beside=beside),
        tuple(_notice(rule, text) for rule in rules for text in rule.filter.notices),
        netlink.use_libnl and config.netlink.debug.dump_messages,
        netlink.use_libnl and config.netlink.debug.log_callbacks,
    )


def _options(netlink: NetlinkConfig) -> BackendOptions:
    """The options of the implementation; legacy has none but the buffers."""
    if netlink.use_libnl:
        return netlink.options
    return BackendOptions(receive_buffer=netlink.receive_buffer, send_buffer=netlink.send_buffer)


def _rule(rule: FilterRule) -> Rule:
    return Rule(rule.name, compile_filter(rule.expression, name=rule.name), rule.action == "alert")


def _notice(rule: Rule, text: str) -> Problem:
    return notice("NLM-M003", f"the filter {rule.name}: {text}", Position(), key="filters", value=rule.filter.text)
