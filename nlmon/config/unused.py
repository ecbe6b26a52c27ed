"""Sections of a configuration that the C program has and this monitor does without: they are read and checked, so that
the same file serves both, and what is switched on is a notice.

Not here: the sections that have one (``model``).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from nlmon.config.kinds import Items, Milliseconds, Number, Records, Switch, Text

__all__ = [
    "IDLE",
    "UNUSED",
    "Alert",
    "Cli",
    "Database",
    "Docker",
    "Hook",
    "Integration",
    "Kubernetes",
    "Plugins",
    "Snmp",
    "Tls",
    "Web",
]

# By what switches them on: what to do instead.
UNUSED: dict[tuple[str, ...], str] = {
    ("cli", "enabled"): "events are printed as lines, see export.console",
    ("web", "enabled"): "counters are served by export.prometheus",
    ("plugins", "enabled"): "the monitor loads no foreign code",
    ("alerts",): "let another program read export.json or export.syslog",
    ("export", "database", "enabled"): "let another program read export.json",
    ("export", "json", "pretty"): "each event is one line; jq . shows it in several",
    ("integration", "kubernetes", "enabled"): "events carry no names of pods",
    ("integration", "docker", "enabled"): "events carry no names of containers",
    ("integration", "snmp", "enabled"): "use export.syslog or export.prometheus",
    ("integration", "hooks"): "the monitor runs no programs",
}
# Keys that are read and have no effect, whatever their value: what is there instead.
IDLE: dict[tuple[str, ...], str] = {
    ("core", "buffer_size"): "core.max_events says how many events may wait for each export",
    ("core", "worker_threads"): "each export that is on has one thread of its own",
}
_PATH = Text(4095)


class Cli(Struct, frozen=True):
    """A display that fills the terminal."""

    enabled: Annotated[bool, Switch(), "Show it."] = False
    refresh_rate: Annotated[int, Milliseconds(10, 10_000), "Time between two pictures."] = 100
    max_history: Annotated[int, Number(0, 10_000_000), "Events that can be looked back at."] = 1000


class Tls(Struct, frozen=True):
    """Encryption of the web pages; it needs both files."""

    enabled: Annotated[bool, Switch(), "Encrypt."] = False
    cert: Annotated[str, _PATH, "Path of the certificate."] = ""
    key: Annotated[str, _PATH, "Path of its key."] = ""


class Web(Struct, frozen=True):
    """Web pages."""

    enabled: Annotated[bool, Switch(), "Serve them."] = False
    port: Annotated[int, Number(1, 65535), "Port to listen at."] = 8080
    tls: Tls = Tls()


class Plugins(Struct, frozen=True):
    """Code of others."""

    directory: Annotated[str, _PATH, "Folder of the plugins."] = "/usr/lib/nlmon/plugins"
    enabled: Annotated[tuple[str, ...], Items(Text(63), 16), "Those to load."] = ()


class Alert(Struct, frozen=True):
    """A condition, and what to do when it holds."""

    name: Annotated[str, Text(63), "What the alert is called."]
    condition: Annotated[str, Text(511), "What must hold."] = ""
    action: Annotated[str, Text(511), "What is done."] = ""
    enabled: Annotated[bool, Switch(), "Whether it is in force."] = True


class Database(Struct, frozen=True):
    """Events in a database."""

    enabled: Annotated[bool, Switch(), "Write them."] = False
    path: Annotated[str, _PATH, "Path of the database."] = ""
    retention_days: Annotated[int, Number(1, 3650), "Days after which events are deleted."] = 30


class Kubernetes(Struct, frozen=True):
    """Names of pods."""

    enabled: Annotated[bool, Switch(), "Look them up."] = False
    kubeconfig: Annotated[str, _PATH, "Path of the file with the cluster."] = ""


class Docker(Struct, frozen=True):
    """Names of containers."""

    enabled: Annotated[bool, Switch(), "Look them up."] = False
    socket: Annotated[str, _PATH, "Path of the daemon's socket."] = "/var/run/docker.sock"


class Snmp(Struct, frozen=True):
    """Events as SNMP traps."""

    enabled: Annotated[bool, Switch(), "Send them."] = False
    trap_receivers: Annotated[tuple[str, ...], Items(Text(255), 8), "Where to, each HOST:PORT."] = ()


class Hook(Struct, frozen=True):
    """A program that is run for an event."""

    name: Annotated[str, Text(63), "What the hook is called."]
    script: Annotated[str, _PATH, "Path of the program."] = ""
    timeout_ms: Annotated[int, Milliseconds(0, 3_600_000), "Time that it may take."] = 5000
    enabled: Annotated[bool, Switch(), "Whether it is in force."] = True


class Integration(Struct, frozen=True):
    """Other systems."""

    kubernetes: Kubernetes = Kubernetes()
    docker: Docker = Docker()
    snmp: Snmp = Snmp()
    hooks: Annotated[tuple[Hook, ...], Records(Hook, 16), "Programs that are run for events."] = ()
