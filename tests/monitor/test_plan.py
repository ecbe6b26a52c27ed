"""What a configuration asks of a monitor."""

from __future__ import annotations

import pytest

from nlmon.backends.options import BackendOptions
from nlmon.errors import InputError
from nlmon.monitor.plan import Kept
from support.configurations import found, parts, snippets
from support.planned import plan_of

EXPORTS = [
    ("", [("console", "standard output")]),
    ("export: {console: {enabled: false}}", []),
    (
        "export: {json: {file: /var/log/e.json}, pcap: {file: /var/log/e.pcapng}}",
        [("json", "/var/log/e.json"), ("pcap", "/var/log/e.pcapng"), ("console", "standard output")],
    ),
    ("export: {syslog: {enabled: true}}", [("syslog", "/dev/log"), ("console", "standard output")]),
    (
        "export: {syslog: {enabled: true, server: 'logs:601', protocol: tcp}}",
        [("syslog", "tcp://logs:601"), ("console", "standard output")],
    ),
    (
        "export: {prometheus: {enabled: true, port: 9191}}",
        [("prometheus", "http://127.0.0.1:9191/metrics"), ("console", "standard output")],
    ),
]


@pytest.mark.parametrize(("text", "exports"), EXPORTS, ids=[text or "nothing" for text, _ in EXPORTS])
def test_exports_that_are_on(text: str, exports: list[tuple[str, str]]) -> None:
    """By name and place, the console last."""
    assert [(one.name, one.place) for one in plan_of(text).exports] == exports


def test_what_sockets_are_opened_for() -> None:
    """The implementation, its protocols in their order, and its options."""
    text = """
netlink:
  protocols: {generic: true, netfilter: true}
  buffer_size: {receive: 1MB}
  caching: {enabled: true, link_cache: true}
  generic_families: [nl80211]
  limits: {message_pool_size: 64}
monitoring: {namespaces: {enabled: true}}
"""
    listening = plan_of(text).listening

    assert (listening.implementation, listening.protocols, listening.all_namespaces) == ("libnl", (0, 16, 12), True)
    assert listening.options == BackendOptions(
        receive_buffer=1 << 20, caches=("link",), generic_families=("nl80211",), message_pool_size=64
    )


def test_legacy_has_no_options_but_the_buffers() -> None:
    """Sections of libnl do nothing, as their notices say."""
    text = (
        "netlink: {use_libnl: false, generic_families: [x], limits: {message_pool_size: 9}, debug: {dump_messages: 1}}"
    )
    planned = plan_of(text)

    assert (planned.listening.implementation, planned.listening.options) == ("legacy", BackendOptions())
    assert planned.dump_messages is False


def test_what_is_kept() -> None:
    """Names of protocols are numbers then; messages have the kernel's names."""
    text = (
        "monitoring: {protocols: [route, 16], message_types: [RTM_NEWLINK, 17], "
        "interfaces: {include: ['eth*'], exclude: [eth9]}}"
    )
    names = frozenset({"RTM_NEWLINK", "RTM_DELLINK"})

    assert plan_of(text).kept == Kept(frozenset({0, 16}), names, ("eth*",), ("eth9",))


def test_rules_in_force() -> None:
    """The short form first; one that is switched off is none; what its writer should know is a notice."""
    text = """
filter: interface == "lo"
filters:
  - {name: off, expression: 'interface == "x"', enabled: false}
  - {name: new, expression: '1 == 2', action: alert}
core: {rate_limit: 5, max_events: 200}
"""
    planned = plan_of(text)

    assert [(one.name, one.alert) for one in planned.rules] == [("filter", False), ("new", True)]
    assert [one.code for one in planned.notices] == ["NLM-M003"]
    assert (planned.rate_limit, planned.queue) == (5, 200)


def test_the_plan_of_nothing_loses_nothing() -> None:
    """No rate limit, unless one is asked for."""
    assert (plan_of("").rate_limit, plan_of("").queue) == (0, 10_000)


def test_what_listens_to_nothing_is_refused() -> None:
    """With a code and what to write."""
    with pytest.raises(InputError, match=r"^NLM-M002: no protocol is listened to; write netlink.protocols.route: true"):
        plan_of("netlink: {protocols: {route: false}}")


SNIPPETS = [(snippet.line, number, text) for snippet in snippets() for number, text in enumerate(parts(snippet))]


@pytest.mark.parametrize("row", SNIPPETS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_every_snippet_of_the_guide_has_a_plan(row: tuple[int, int, str]) -> None:
    """If it is a configuration; the implementation is the one that it names."""
    loaded, _ = found(row[2], {})
    if loaded.config is not None:
        planned = plan_of(row[2])

        assert (planned.listening.implementation == "libnl") is loaded.config.netlink.use_libnl
