"""What a configuration asks of a monitor."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nlmon.backends.options import BackendOptions
from nlmon.config import unused
from nlmon.config.load import interpret
from nlmon.config.model import Export
from nlmon.errors import ExitCode, InputError, NlmonError
from nlmon.monitor.exports import planned_exports
from nlmon.monitor.pipeline import Pipeline
from nlmon.monitor.plan import Kept, plan, plan_loaded
from nlmon.monitor.trial import try_out
from nlmon.testing.transport import FakeKernel
from support.configurations import found, parts, snippets
from support.planned import event, lost, plan_of

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


def test_every_export_of_a_configuration_is_planned() -> None:
    """A section without an exporter would take events and lose them; those that have no effect say so (``unused``)."""
    sections = {name: getattr(Export(), name) for name in Export.__struct_fields__}
    used = {name: one for name, one in sections.items() if type(one).__module__ != unused.__name__}
    whole = Export(**{name: replace(one, enabled=True) for name, one in used.items()})

    assert {one.name for one in planned_exports(whole, "libnl")} == set(used)


JSON = ("json", "/var/log/e.json")
CONSOLE = ("console", "standard output")
BESIDE = [
    ("", [CONSOLE], [CONSOLE]),
    ("export: {json: {file: /var/log/e.json}}", [JSON, CONSOLE], [JSON]),
    ("export: {json: {file: /var/log/e.json, enabled: false}}", [CONSOLE], [CONSOLE]),
    ("export: {console: {enabled: true}, json: {file: /var/log/e.json}}", [JSON, CONSOLE], [JSON, CONSOLE]),
    ("export: {console: {format: json}, json: {file: /var/log/e.json}}", [JSON, CONSOLE], [JSON, CONSOLE]),
    ("export: {console: {enabled: false}, json: {file: /var/log/e.json}}", [JSON], [JSON]),
]


@pytest.mark.parametrize(("text", "terminal", "journal"), BESIDE, ids=[row[0] for row in BESIDE])
def test_the_console_beside_other_exports(
    text: str, terminal: list[tuple[str, str]], journal: list[tuple[str, str]]
) -> None:
    """It is on where somebody looks at it, and elsewhere if there is no other or the configuration speaks of it."""
    loaded = interpret([("nlmon.yaml", text.encode())], {})
    found = [plan_loaded(loaded, terminal=one).exports for one in (True, False)]

    assert [[(one.name, one.place) for one in exports] for exports in found] == [terminal, journal]


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


SECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "netlink": st.fixed_dictionaries(
            {},
            optional={
                "use_libnl": st.booleans(),
                "protocols": st.fixed_dictionaries(
                    {name: st.booleans() for name in ("route", "generic", "sock_diag", "netfilter")}
                ),
                "caching": st.fixed_dictionaries({name: st.booleans() for name in ("enabled", "link_cache")}),
                "generic_families": st.lists(st.sampled_from(["nl80211", "nlctrl", "absent"]), unique=True, max_size=3),
                "limits": st.fixed_dictionaries(
                    {"max_message_size": st.integers(16, 65536), "message_pool_size": st.integers(1, 100)}
                ),
            },
        ),
        "monitoring": st.fixed_dictionaries(
            {},
            optional={
                "protocols": st.lists(st.sampled_from(["route", "generic", 9]), max_size=3),
                "interfaces": st.fixed_dictionaries({"include": st.lists(st.text("a*?[]", max_size=4), max_size=3)}),
                "message_types": st.lists(st.sampled_from(["RTM_NEWLINK", 20, "NLMSG_DONE"]), max_size=3),
            },
        ),
        "filter": st.sampled_from(["", "netlink.link.mtu > 5", "interface =~ '^e' OR NOT nsid == 1", "1 == 1"]),
        "core": st.fixed_dictionaries({"rate_limit": st.integers(0, 3), "max_events": st.integers(100, 1000)}),
        "export": st.fixed_dictionaries(
            {
                "console": st.just({"enabled": False}),
                "json": st.sampled_from([{"enabled": False}, {"file": "/nowhere/a"}, {"file": "/dev/null"}]),
            }
        ),
    },
)


@given(SECTIONS)
def test_a_configuration_opens_or_is_an_error_with_a_code(sections: dict[str, object]) -> None:
    """Whatever is valid can be tried and played; what cannot be is an error, and never a bug."""
    loaded, _ = found(json.dumps(sections), {})
    if loaded.config is None:
        return
    try:
        planned = plan(loaded.config)
        trial = try_out(loaded, planned, lambda _: FakeKernel())
        pipeline = Pipeline(planned, ())
        for one in (event(), event(17, None), lost()):
            pipeline.take(one, b"")
    except NlmonError as error:
        assert error.exit_code < ExitCode.INTERNAL
    else:
        assert trial.ready is not any(one.severity == "error" for one in trial.problems)
