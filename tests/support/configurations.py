"""The YAML of the migration guide, and configurations with what the C program made of them.

Not here: what must come of them (``fixtures/config/guide.toml``, ``vectors.toml``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from nlmon.config import Config, Loaded, interpret
from support.paths import FIXTURES

__all__ = ["CONFIG", "Snippet", "c_values", "found", "observed", "our_values", "parts", "snippets"]

CONFIG = FIXTURES / "config"
_FLAGS = ("use_libnl", "route", "generic", "sock_diag", "netfilter", "caching", "link", "addr", "route_cache")


class Snippet(NamedTuple):
    """A block of YAML of the guide: the line that it begins behind, the heading above it, and its text."""

    line: int
    heading: str
    text: str


def snippets() -> Iterator[Snippet]:
    """Every block of YAML of the guide, in its order."""
    for row in tomllib.loads((CONFIG / "guide.toml").read_text(encoding="utf-8"))["snippet"]:
        text = (CONFIG / "guide" / f"{row['line']:04}-guide.yaml").read_text(encoding="utf-8")
        yield Snippet(row["line"], row["heading"], text)


def parts(snippet: Snippet) -> list[str]:
    """What a snippet shows: itself, or each of the two that it holds with a comment above."""
    texts = re.split(r"^(?=# (?:Old|New) )", snippet.text, flags=re.MULTILINE)
    return [text for text in texts if text.strip()]


def found(text: str, environ: Mapping[str, str]) -> tuple[Loaded, list[str]]:
    """What a text gives as a configuration, and its problems as code, line and column."""
    loaded = interpret([("nlmon.yaml", text.encode())], environ)
    return loaded, [f"{one.code} {one.line}:{one.column}" for one in loaded.problems]


def observed() -> dict[str, str]:
    """What the C program printed, by the name of the configuration."""
    text = (CONFIG / "vectors" / "observed.txt").read_text(encoding="utf-8")
    _, *rest = re.split(r"^=== (.*)\n", text, flags=re.MULTILINE)
    return dict(zip(rest[::2], rest[1::2], strict=True))


def c_values(text: str) -> dict[str, Any]:
    """The values that the C program printed, by the names of our keys."""
    numbers = dict(re.findall(r"(\w+)=(-?\d+)", text.partition("mcast=")[0]))
    values: dict[str, Any] = {_ours(name): numbers[name] == "1" for name in _FLAGS}
    values |= {f"netlink.buffer_size.{ours}": int(numbers[name]) for name, ours in _BUFFERS.items()}
    lists = dict(re.findall(r"(mcast|fam)=\d+\[([^\]]*)\]", text))
    values |= {"netlink.multicast_groups": lists["mcast"].split(), "netlink.generic_families": lists["fam"].split()}
    pattern = (
        r"core buf=(\d+) max=(\d+) rate=(\d+) wt=(\d+); console=(\d)/(\w+) pcap=(\d),([^,]*),(\d+) "
        r"db=(\d),([^,]*),(\d+); cli=(\d),(\d+),(\d+) web=(\d),(\d+) tls=(\d) metrics=(\d),(\d+),(\S+) plugins=(\S+)"
    )
    match = re.search(pattern, text)
    assert match is not None
    for name, one in zip(_NAMES, match.groups(), strict=True):
        values[name] = one == "1" if name.endswith("enabled") else int(one) if one.isdecimal() else one
    return values


_BUFFERS = {"recv": "receive", "send": "send"}
_NAMES = (
    *("core.buffer_size", "core.max_events", "core.rate_limit", "core.worker_threads"),
    *("export.console.enabled", "export.console.format"),
    *("export.pcap.enabled", "export.pcap.file", "export.pcap.rotate_size"),
    *("export.database.enabled", "export.database.path", "export.database.retention_days"),
    *("cli.enabled", "cli.refresh_rate", "cli.max_history", "web.enabled", "web.port", "web.tls.enabled"),
    *("export.prometheus.enabled", "export.prometheus.port", "export.prometheus.path", "plugins.directory"),
)


def _ours(name: str) -> str:
    if name in {"route", "generic", "sock_diag", "netfilter"}:
        return f"netlink.protocols.{name}"
    return {
        "use_libnl": "netlink.use_libnl",
        "caching": "netlink.caching.enabled",
        "link": "netlink.caching.link_cache",
        "addr": "netlink.caching.addr_cache",
        "route_cache": "netlink.caching.route_cache",
    }[name]


def our_values(config: Config, names: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a configuration under these names."""
    values = {}
    for name in names:
        value: Any = config
        for part in name.split("."):
            value = getattr(value, part)
        values[name] = list(value) if isinstance(value, tuple) else value
    return values
