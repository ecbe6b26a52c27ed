"""A configuration rewritten for the other implementation: what changes, what stays, and what is refused."""

from __future__ import annotations

from functools import partial

import pytest

from nlmon.compare.contract import load_contract
from nlmon.compare.statement import statement_of
from nlmon.config import interpret
from nlmon.config.keys import keys
from nlmon.config.rules import LIBNL_ONLY
from nlmon.migrate import Rewriting, rewrite
from nlmon.migrate.measured import Measured
from nlmon.migrate.model import Implementation
from nlmon.migrate.options import table
from nlmon.monitor.filterfields import provides

CONTRACT = load_contract()


def done(text: str | bytes, to: Implementation, measured: Measured | None = None, **environ: str) -> Rewriting:
    """What comes of a file called a.yaml."""
    data = text if isinstance(text, bytes) else text.encode()
    provided = partial(provides, statement_of(to))
    return rewrite(data, "a.yaml", to, environ=environ, provided=provided, contract=CONTRACT, measured=measured)


def written(text: str, to: Implementation, measured: Measured | None = None, **environ: str) -> str:
    """The text that would be written."""
    data = done(text, to, measured, **environ).data
    assert data is not None
    return data.decode()


ROLLBACKS = [
    pytest.param("", "netlink:\n  use_libnl: false\n", id="empty"),
    pytest.param("# nothing", "# nothing\nnetlink:\n  use_libnl: false\n", id="comment without an end of line"),
    pytest.param("{}\n", "{netlink: {use_libnl: false}}\n", id="empty brackets"),
    pytest.param("netlink:\n", "netlink:\n  use_libnl: false\n", id="section without keys"),
    pytest.param("netlink: ~\n", "netlink: {use_libnl: false}\n", id="section that is null"),
    pytest.param("netlink: {}\n", "netlink: {use_libnl: false}\n", id="section with empty brackets"),
    pytest.param("netlink: {use_libnl: yes}\n", "netlink: {use_libnl: false}\n", id="in brackets"),
    pytest.param("netlink:\n  use_libnl: 'on' # x\n", "netlink:\n  use_libnl: false # x\n", id="in quotes"),
    pytest.param(
        "netlink: {caching: {enabled: on}, protocols: {route: on}, debug: {}}\n",
        "netlink: {use_libnl: false, protocols: {route: on}}\n",
        id="options in brackets",
    ),
    pytest.param(
        "netlink: {caching: {enabled: on}, limits: {message_pool_size: 9}}\n",
        "netlink: {use_libnl: false}\n",
        id="nothing else in brackets",
    ),
    pytest.param(
        "caching:\n  enabled: true\ncore:\n  max_events: 500\n",
        "core:\n  max_events: 500\nnetlink:\n  use_libnl: false\n",
        id="option at the top",
    ),
    pytest.param(
        "nlmon:\n  netlink:\n    use_libnl: true\n    limits:\n      message_pool_size: 9\n"
        "limits: {message_pool_size: 9}\n",
        "nlmon:\n  netlink:\n    use_libnl: false\n",
        id="both layouts",
    ),
    pytest.param(
        "netlink:\n  # one\n  caching: # two\n    # three\n\n    enabled: true # four\n  # five\n"
        "  protocols:\n    route: true\n",
        "netlink:\n  use_libnl: false\n  # one\n    # three\n  # five\n  protocols:\n    route: true\n",
        id="comments",
    ),
    pytest.param(
        "netlink:\r\n  use_libnl: true\r\n  debug:\r\n    log_callbacks: true",
        "netlink:\r\n  use_libnl: false\r\n",
        id="line ends of Windows",
    ),
    pytest.param(
        "netlink:\n  ? use_libnl\n  : true\n  # mine\n  ? caching\n  # its own\n  : enabled: true\n"
        "    link_cache: true\n  protocols: {? route : true}\n",
        "netlink:\n  ? use_libnl\n  : false\n  # mine\n  # its own\n  protocols: {? route : true}\n",
        id="keys behind question marks",
    ),
    pytest.param(
        "netlink: {? caching : {enabled: true}, ? use_libnl : true, ? limits : {message_pool_size: 9}}\n",
        "netlink: {? use_libnl : false}\n",
        id="keys behind question marks in brackets",
    ),
    pytest.param(
        "? netlink\n:\n  protocols: {route: true}\n",
        "? netlink\n:\n  use_libnl: false\n  protocols: {route: true}\n",
        id="a section behind a question mark",
    ),
    pytest.param("\ufeffnetlink:\n  use_libnl: true\n", "\ufeffnetlink:\n  use_libnl: false\n", id="byte order mark"),
    pytest.param("---\nnetlink:\n  use_libnl: true\n...\n", "---\nnetlink:\n  use_libnl: false\n...\n", id="markers"),
    pytest.param(
        "filter: >-\n  netlink.protocol == 0\n  AND netlink.data.msg_type == 16\nuse_libnl: 0\n",
        "filter: >-\n  protocol == 0\n  AND msg_type == 16\nuse_libnl: 0\n",
        id="filter of several lines",
    ),
]


@pytest.mark.parametrize(("text", "after"), ROLLBACKS)
def test_rolled_back(text: str, after: str) -> None:
    """The choice, the options of libnl and the names of fields change, and nothing else."""
    assert written(text, "legacy") == after


def test_migrated() -> None:
    """The choice is written out, old names become new ones, and a cache is proposed."""
    text = "netlink:\n  use_libnl: false # why\nfilters:\n- name: a\n  expression: 'protocol==0 && type == 16'\n"
    after = (
        "netlink:\n  use_libnl: true # why\n  caching:\n    enabled: true\n    link_cache: true\n"
        "filters:\n- name: a\n  expression: 'netlink.protocol==0 && netlink.msg_type == 16'\n"
    )
    found = done(text, "libnl")

    assert (written(text, "libnl"), [(one.code, one.line, one.key) for one in found.changes]) == (
        after,
        [
            ("NLM-V003", 0, "netlink.caching.enabled"),
            ("NLM-V003", 0, "netlink.caching.link_cache"),
            ("NLM-V001", 2, "netlink.use_libnl"),
            ("NLM-V002", 5, "filters[1].expression"),
        ],
    )


def test_only_what_is_needed() -> None:
    """Without proposals the choice alone is written."""
    data = b"netlink: {use_libnl: off}\n"
    found = rewrite(data, "a.yaml", "libnl", environ={}, provided=lambda _: True, contract=CONTRACT, propose=False)

    assert found.data == b"netlink: {use_libnl: true}\n"


def test_a_recording_is_measured() -> None:
    """Families are added, a buffer and a limit become larger, and a protocol that nobody is subscribed to is named."""
    text = (
        "netlink:\n  use_libnl: true\n  caching: {}\n  protocols: {route: true, generic: true}\n"
        "  buffer_size:\n    receive: 4KB\n  limits: {max_message_size: 1KB}\n  generic_families:\n    - taskstats\n"
    )
    measured = Measured(
        {"route": 5, "netfilter": 7}, ("nl80211", "taskstats"), {"route": 5000}, {"route": 1480, "netfilter": 9999}
    )
    found = done(text, "libnl", measured)

    assert (written(text, "libnl", measured), [one.what for one in found.findings]) == (
        text.replace("4KB", "16KB").replace("1KB}", "2KB}") + "    - nl80211\n",
        ["the recording has 7 messages of netfilter, which is not listened to"],
    )


def test_a_recording_gives_families_that_are_not_listed() -> None:
    """The list is put in, and addresses are kept if there are any."""
    text = "netlink:\n  protocols: {route: true, generic: true}\n"
    measured = Measured({"route": 5}, ("nl80211",), addresses=3)

    assert written(text, "libnl", measured) == (
        "netlink:\n  use_libnl: true\n  protocols: {route: true, generic: true}\n"
        "  caching:\n    enabled: true\n    link_cache: true\n    addr_cache: true\n  generic_families: [nl80211]\n"
    )


FLAGS = [
    ("${NLMON_USE_LIBNL:-true}", {}, "${NLMON_USE_LIBNL:-false}", []),
    ("'${NLMON_USE_LIBNL:-true}'", {}, "'${NLMON_USE_LIBNL:-false}'", []),
    ("${FLAG}", {"FLAG": "true"}, "${FLAG:-false}", ["NLM-V032"]),
    ("${FLAG:-true}", {"FLAG": "false"}, "${FLAG:-true}", []),
    ("${A:-tr}${B:-ue}", {}, "false", []),
    ("true", {"NLMON_USE_LIBNL": "1"}, "false", ["NLM-V032"]),
]


@pytest.mark.parametrize(("value", "environ", "after", "codes"), FLAGS)
def test_variables(value: str, environ: dict[str, str], after: str, codes: list[str]) -> None:
    """A variable stays with another default; where it is set to the other implementation, that is an error."""
    found = done(f"netlink:\n  use_libnl: {value}\n", "legacy", **environ)

    assert (found.data, [one.code for one in found.errors]) == (f"netlink:\n  use_libnl: {after}\n".encode(), codes)


LOSSES = [
    (
        "filter: netlink.generic.genl_family_name == 'nl80211'",
        "error[NLM-V021] 1: the filter would match nothing: legacy does not provide netlink.generic.genl_family_name; "
        "compare netlink.generic.genl_family_id, or remove it",
    ),
    (
        "filter: NOT netlink.diag.uid == 0",
        "error[NLM-V021] 1: the filter would match every event: legacy does not provide netlink.diag.uid; "
        "write it with other fields, or remove it",
    ),
    (
        "filters:\n- name: a\n  expression: netlink.diag.uid == 0 OR netlink.diag.dst_port == 22",
        "error[NLM-V021] 3: the filter a would match other events: legacy does not provide netlink.diag.uid; "
        "write netlink.diag.dst_port == 22 if that is enough",
    ),
    (
        "filters: [{name: a, enabled: false, expression: netlink.diag.uid == 0}]",
        "notice[NLM-V021] 1: the filter a would match nothing: legacy does not provide netlink.diag.uid; "
        "write it with other fields, or remove it",
    ),
    (
        "alerts: [{name: a, condition: netlink.nl80211.wiphy == 0}]",
        "error[NLM-V022] 1: the alert a would match nothing: legacy does not provide netlink.generic.nl80211.wiphy; "
        "write it with other fields, or remove it",
    ),
]

ABSENT = [
    (
        "netlink: {protocols: {netfilter: true}}\nmonitoring:\n  message_types:\n    - RTM_NEWLINK\n"
        "    - IPCTNL_MSG_EXP_NEW\n",
        "error[NLM-V023] 5: legacy gives no events of IPCTNL_MSG_EXP_NEW; remove it if the others are enough",
    ),
    (
        "netlink: {protocols: {route: false, generic: true}}\nfilter: interface =~ '^wlan'\n",
        "error[NLM-V024] 2: the filter compares it: legacy does not name the interface in events of generic; "
        "compare what events of generic carry, too",
    ),
    (
        "netlink: {protocols: {generic: true}}\nmonitoring: {interfaces: {include: [eth0]}}\n",
        "notice[NLM-V024] 2: only events of some interfaces are kept, and legacy does not name the interface in events "
        "of generic; write a filter instead",
    ),
    ("monitoring: {interfaces: {include: [eth0]}, message_types: [RTM_NEWLINK]}\nfilter: interface == 'a'\n", None),
]


@pytest.mark.parametrize(("text", "said"), [*LOSSES, *ABSENT])
def test_what_legacy_would_lose(text: str, said: str | None) -> None:
    """The field, the line, and what to write instead."""
    found = done(text, "legacy").findings

    assert [f"{one.severity}[{one.code}] {one.line}: {one.what}; {one.hint}" for one in found] == (
        [said] if said else []
    )


def test_what_is_understood_by_nobody_stays() -> None:
    """A condition that is no filter is left alone, as is a name that its quotes write otherwise."""
    text = (
        "netlink: {use_libnl: true, caching: {}}\nalerts: [{name: a, condition: rate(x) > 1}]\n"
        'filter: "\\x70rotocol == 0"\n'
    )

    assert written(text, "libnl") == text


REFUSED = [
    ("netlink:\n  use_libnl: [unclosed\n", {}, ["NLM-G003"]),
    ("netlink:\n  use_libln: true\n", {}, ["NLM-G011"]),
    ("netlink: {use_libnl: true}\nnlmon: {netlink: {use_libnl: false}}\n", {}, ["NLM-G014"]),
    ("netlink:\n  use_libnl: ${UNSET}\n", {}, ["NLM-G013"]),
    ("a: &a {}\nb: *a\n", {}, ["NLM-G006"]),
]


@pytest.mark.parametrize(("text", "environ", "codes"), REFUSED)
@pytest.mark.parametrize("to", ["legacy", "libnl"])
def test_a_wrong_configuration_is_left_alone(
    text: str, environ: dict[str, str], codes: list[str], to: Implementation
) -> None:
    """There is nothing to write, and the problems are those of ``nlmon config check``."""
    found = done(text, to, **environ)
    problems = interpret([("a.yaml", text.encode())], environ).problems

    assert (found.data, [one.code for one in found.problems], found.problems) == (None, codes, problems)


STRANGE = [
    "netlink:\n  ? caching\n  : enabled: true\n",
    "netlink:\n  ?\n    caching\n  : enabled: true\n",
    "? netlink\n: protocols: {route: true}\n",
    "netlink:\r  use_libnl: true\r  caching:\r    enabled: true\r",
    "filter: |+\n   netlink.seq > 1\nnetlink:\n  caching:\n   # in no scalar\n    enabled: true\n",
]


@pytest.mark.parametrize("text", STRANGE)
def test_a_strange_form_is_changed_right_or_not_at_all(text: str) -> None:
    """What cannot be changed at its place is named; nothing else is written instead."""
    found = done(text, "legacy")
    if found.data is None:
        assert [one.code for one in found.errors] == ["NLM-V031"]
    else:
        config = interpret([("a.yaml", found.data)], {}).config
        assert config is not None
        assert (config.netlink.use_libnl, config.netlink.caching.enabled) == (False, False)


def test_every_key_has_a_class() -> None:
    """In both directions; options of libnl are new there and ignored by legacy, if they are more than information."""
    rows = {row.key: row for row in table()}
    of_libnl = {".".join(path) for path in keys() if any(path[: len(one)] == one for one in LIBNL_ONLY)}
    found = {key for key, row in rows.items() if (row.to_libnl, row.to_legacy) == ("new", "ignored")}

    assert (list(rows), found) == (
        [key.name for key in keys().values()],
        of_libnl - {"netlink.multicast_groups"} | {"logging.modules.libnl"},
    )


def test_a_reason_for_every_class_but_same() -> None:
    """Who reads the table learns why."""
    assert [row for row in table() if (row.to_libnl == row.to_legacy == "same") != (row.reason == "")] == []
