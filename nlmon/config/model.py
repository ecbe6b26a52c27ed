"""The configuration of a monitor as values: a class for each section, with kind, default and meaning of every key.

Rules:
1. A field is ``Annotated[TYPE, KIND, "What it is for."]`` with its default; whoever reads a file, prints a schema or
   writes the documentation takes it from there (``keys``). A field without a default must be given.
2. The names of sections and keys are those of the files.

Not here: other names of the same keys (``names``), and what keys demand of each other (``rules``).
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Struct

from nlmon.config.kinds import (
    KB,
    MB,
    Address,
    Expression,
    Family,
    Items,
    MessageType,
    Number,
    Protocol,
    Records,
    Server,
    Size,
    Switch,
    Text,
    Word,
)
from nlmon.config.unused import Alert, Cli, Database, Integration, Plugins, Web

__all__ = [
    "SHORT_RULE",
    "BufferSize",
    "Caching",
    "Config",
    "Console",
    "Core",
    "Debug",
    "Export",
    "FilterRule",
    "Interfaces",
    "JsonExport",
    "Limits",
    "LogModules",
    "Logging",
    "Monitoring",
    "Namespaces",
    "Netlink",
    "PcapExport",
    "PrometheusExport",
    "Protocols",
    "SyslogExport",
]

# What the rule is called that the key ``filter`` stands for.
SHORT_RULE = "filter"
LEVELS = ("trace", "debug", "info", "warning", "error")
_FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *(f"local{number}" for number in range(8)),
)
_SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_BUFFER = Size(4 * KB, 10 * MB)
_ROTATE = Size(0, 1 << 40)
_COUNT = Number(0, 1000)
_PATH = Text(4095)
_GLOBS = Items(Text(127), 32)
_PORT = Number(1, 65535)
_MODULE = Word(("", *LEVELS))

Level: TypeAlias = Annotated[str, _MODULE, "Level of what this module says; nothing: logging.level."]


class Protocols(Struct, frozen=True):
    """Which netlink protocols are listened to."""

    route: Annotated[bool, Switch(), "NETLINK_ROUTE: links, addresses, routes, neighbours, rules."] = True
    generic: Annotated[bool, Switch(), "NETLINK_GENERIC: generic families, such as nl80211."] = False
    sock_diag: Annotated[bool, Switch(), "NETLINK_SOCK_DIAG: sockets of the host."] = False
    netfilter: Annotated[bool, Switch(), "NETLINK_NETFILTER: connection tracking."] = False


class BufferSize(Struct, frozen=True):
    """Buffers of each netlink socket, under both implementations."""

    receive: Annotated[int, _BUFFER, "Receive buffer (SO_RCVBUF); a larger one loses less in a burst."] = 32 * KB
    send: Annotated[int, _BUFFER, "Send buffer (SO_SNDBUF)."] = 32 * KB


class Caching(Struct, frozen=True):
    """What libnl keeps, to name interfaces and to answer questions; each cache needs enabled, too."""

    enabled: Annotated[bool, Switch(), "Keep the caches that are switched on below."] = False
    link_cache: Annotated[bool, Switch(), "Keep links."] = False
    addr_cache: Annotated[bool, Switch(), "Keep addresses."] = False
    route_cache: Annotated[bool, Switch(), "Keep routes, of which there may be very many."] = False


class Limits(Struct, frozen=True):
    """Bounds on what libnl reads."""

    max_message_size: Annotated[int | None, Size(16, 16 * MB), "Larger messages are refused and reported."] = None
    message_pool_size: Annotated[int | None, Number(1, 1_000_000), "Datagrams that are read ahead."] = None


class Debug(Struct, frozen=True):
    """What libnl says about its own work."""

    dump_messages: Annotated[bool, Switch(), "Log the bytes of every message."] = False
    log_callbacks: Annotated[bool, Switch(), "Log every call of a callback."] = False


class Netlink(Struct, frozen=True):
    """Which implementation listens to what."""

    use_libnl: Annotated[bool, Switch(), "The implementation: true for libnl, false for legacy."] = True
    protocols: Protocols = Protocols()
    buffer_size: BufferSize = BufferSize()
    caching: Caching = Caching()
    multicast_groups: Annotated[tuple[str, ...], Items(Text(63), 16), "Groups, for information alone."] = ()
    generic_families: Annotated[tuple[str, ...], Items(Family(), 8), "Generic families to resolve and join."] = ()
    limits: Limits = Limits()
    debug: Debug = Debug()


class Core(Struct, frozen=True):
    """The queue between the sockets and the exports."""

    buffer_size: Annotated[int, Size(KB, 100 * MB), "No effect: max_events is the bound."] = 320 * KB
    max_events: Annotated[int, Number(100, 1_000_000), "Events that may wait for each export."] = 10_000
    rate_limit: Annotated[int, Number(0, 100_000), "Events of a second that are exported; 0: all."] = 0
    worker_threads: Annotated[int, Number(1, 64), "No effect: each export has one thread."] = 4


class LogModules(Struct, frozen=True):
    """Levels of single modules."""

    netlink: Level = ""
    libnl: Level = ""
    legacy: Level = ""
    filters: Level = ""
    exports: Level = ""
    config: Level = ""


class Logging(Struct, frozen=True):
    """What the monitor says about its own work."""

    level: Annotated[str, Word(LEVELS), "Least level of what is said."] = "info"
    modules: LogModules = LogModules()


class Interfaces(Struct, frozen=True):
    """Events of which interfaces are kept, by patterns of their names as in a shell."""

    include: Annotated[tuple[str, ...], _GLOBS, "Only these; nothing: all."] = ()
    exclude: Annotated[tuple[str, ...], _GLOBS, "And of those not these."] = ()


class Namespaces(Struct, frozen=True):
    """Network namespaces."""

    enabled: Annotated[bool, Switch(), "Say in each event which namespace it is from."] = False


class Monitoring(Struct, frozen=True):
    """Which events are kept before any filter."""

    protocols: Annotated[
        tuple[str, ...], Items(Protocol(), 8), "Only events of these protocols; nothing: of all that are listened to."
    ] = ()
    interfaces: Interfaces = Interfaces()
    message_types: Annotated[tuple[str, ...], Items(MessageType(), 32), "Only these messages; nothing: all."] = ()
    namespaces: Namespaces = Namespaces()
    resource_tracking: Annotated[bool, Switch(), "Measure the monitor's own memory and CPU time."] = False


class FilterRule(Struct, frozen=True):
    """An expression that events are held against; an event is kept if one of the rules in force matches."""

    name: Annotated[str, Text(63), "What the rule is called in messages and counters."]
    expression: Annotated[str, Expression(), "What must hold of an event."]
    enabled: Annotated[bool, Switch(), "Whether the rule is in force."] = True
    action: Annotated[str, Word(("log", "alert")), "What is done with an event that matches."] = "log"


class Console(Struct, frozen=True):
    """Events on standard output; where that is no terminal, beside another export only if one of these is given."""

    enabled: Annotated[bool, Switch(), "Print events."] = True
    format: Annotated[str, Word(("text", "json")), "Lines for people, or JSON lines."] = "text"


class JsonExport(Struct, frozen=True):
    """Events as JSON lines in a file."""

    enabled: Annotated[bool, Switch(), "Write the file; true if it is named and nothing else is said."] = False
    file: Annotated[str, _PATH, "Path of the file."] = ""
    pretty: Annotated[bool, Switch(), "Several lines for each event, which are JSON and no JSON lines."] = False
    rotate_size: Annotated[int, _ROTATE, "Begin a new file before this one is larger; 0: never."] = 100 * MB
    rotate_count: Annotated[int, _COUNT, "Former files that are kept."] = 5
    compress: Annotated[bool, Switch(), "Compress former files with gzip."] = False


class SyslogExport(Struct, frozen=True):
    """Events as messages of syslog (RFC 5424)."""

    enabled: Annotated[bool, Switch(), "Send messages."] = False
    server: Annotated[str, Server(), "Where to; nothing: the socket of this host, /dev/log."] = ""
    protocol: Annotated[str, Word(("udp", "tcp")), "How, if there is a server."] = "udp"
    facility: Annotated[str, Word(_FACILITIES), "Facility of the messages."] = "local0"
    severity: Annotated[str, Word(_SEVERITIES), "Severity of the messages."] = "info"


class PrometheusExport(Struct, frozen=True):
    """Counters for Prometheus, over HTTP."""

    enabled: Annotated[bool, Switch(), "Answer requests."] = False
    address: Annotated[str, Address(), "Address to listen at; 127.0.0.1 is reached from this host alone."] = "127.0.0.1"
    port: Annotated[int, _PORT, "Port to listen at."] = 9090
    path: Annotated[str, Text(begins="/"), "Path of the counters."] = "/metrics"


class PcapExport(Struct, frozen=True):
    """What was received, as a capture."""

    enabled: Annotated[bool, Switch(), "Write the file; true if it is named and nothing else is said."] = False
    file: Annotated[str, _PATH, "Path of the file."] = ""
    rotate_size: Annotated[int, _ROTATE, "Begin a new file before this one is larger; 0: never."] = 100 * MB
    rotate_count: Annotated[int, _COUNT, "Former files that are kept."] = 5


class Export(Struct, frozen=True):
    """Where events go."""

    console: Console = Console()
    json: JsonExport = JsonExport()
    syslog: SyslogExport = SyslogExport()
    prometheus: PrometheusExport = PrometheusExport()
    pcap: PcapExport = PcapExport()
    database: Database = Database()


class Config(Struct, frozen=True):
    """Everything that a configuration says."""

    netlink: Netlink = Netlink()
    core: Core = Core()
    logging: Logging = Logging()
    monitoring: Monitoring = Monitoring()
    filter: Annotated[str, Expression(), "The short form of one rule."] = ""
    filters: Annotated[
        tuple[FilterRule, ...], Records(FilterRule, 16), "Rules; an event is kept if one matches, or if there is none."
    ] = ()
    export: Export = Export()
    cli: Cli = Cli()
    web: Web = Web()
    plugins: Plugins = Plugins()
    alerts: Annotated[tuple[Alert, ...], Records(Alert, 16), "Rules of alerts."] = ()
    integration: Integration = Integration()

    @property
    def rules(self) -> tuple[FilterRule, ...]:
        """The rules in force, with that of ``filter``; an event is kept if one matches, or if there is none."""
        short = (FilterRule(SHORT_RULE, self.filter),) if self.filter else ()
        return (*short, *(rule for rule in self.filters if rule.enabled))
