"""Files and the environment give a configuration, or every problem with its place and what was meant."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.config import Loaded, interpret, load, standard_files
from nlmon.config.entries import SIZE
from nlmon.config.keys import keys
from nlmon.config.kinds import Records
from nlmon.config.names import SHORT, variables
from nlmon.config.problems import LONGEST
from support.sampled import one_in


def of(text: str | bytes, **environ: str) -> Loaded:
    """What a file called a.yaml gives."""
    return interpret([("a.yaml", text if isinstance(text, bytes) else text.encode())], environ)


def said(text: str | bytes, **environ: str) -> list[str]:
    """All problems of a file, as they are printed."""
    return [f"{one.code}: {one.text}" for one in of(text, **environ).problems]


ERRORS = [
    (
        "netlink:\n  use_libln: true\n",
        "NLM-G011: use_libln is no key of netlink (a.yaml:2:3); did you mean use_libnl?",
    ),
    ("netlnk: {}\n", "NLM-G011: netlnk is no key (a.yaml:1:1); did you mean netlink?"),
    (
        "max_event: 500\n",
        "NLM-G011: max_event is no key (a.yaml:1:1); did you mean core.max_events?",
    ),
    ("zzz: 1\n", "NLM-G011: zzz is no key (a.yaml:1:1)"),
    ("NETLINK: {}\n", "NLM-G011: NETLINK is no key (a.yaml:1:1); did you mean netlink?"),
    ("log_level: debug\n", "NLM-G011: log_level is no key (a.yaml:1:1); did you mean logging.level?"),
    (
        "netlink.use_libnl: true\n",
        "NLM-G011: netlink.use_libnl is no key (a.yaml:1:1); "
        "a key stands in a line of its own, below its section and with an indent",
    ),
    (
        "backend: legacy\n",
        "NLM-G011: backend is no key (a.yaml:1:1); netlink.use_libnl is true for libnl, and false for legacy",
    ),
    (
        "netlink: {max_events: 500}\n",
        "NLM-G011: max_events is no key of netlink (a.yaml:1:11); did you mean core.max_events?",
    ),
    (
        "export: {syslog: {port: 514}}\n",
        "NLM-G011: port is no key of export.syslog (a.yaml:1:19); "
        "it is one of enabled, server, protocol, facility, severity, priority",
    ),
    (
        "export: {json: true}\n",
        "NLM-G012: export.json is true, and not a mapping of keys (a.yaml:1:16); write enabled: true below it",
    ),
    (
        "core:\n  max_events:500\n",
        "NLM-G012: core is max_events:500, and not a mapping of keys (a.yaml:2:3); "
        "a blank stands behind the colon of a key",
    ),
    ("filter:\n", "NLM-G012: filter has no value (a.yaml:1:1); leave the key out"),
    (
        "core: 5\n",
        "NLM-G012: core is 5, and not a mapping of keys (a.yaml:1:7); "
        "its keys are buffer_size, max_events, rate_limit, worker_threads, log_level",
    ),
    ("core: {max_events: }\n", "NLM-G012: core.max_events has no value (a.yaml:1:8); allowed: 100 to 1000000; "
     "leave the key out for the default, 10000"),
    (
        "core: {max_events: [1]}\n",
        "NLM-G012: core.max_events is a list, and not one value of the kind integer (a.yaml:1:20); "
        "allowed: 100 to 1000000",
    ),
    (
        "netlink: {generic_families: nl80211}\n",
        "NLM-G012: netlink.generic_families is nl80211, and not a list (a.yaml:1:29); "
        "allowed: at most 8, each 1 to 15 characters; write [nl80211]",
    ),
    (
        "core: {max_events: 50}\n",
        "NLM-G013: core.max_events is 50, less than 100 (a.yaml:1:20); allowed: 100 to 1000000",
    ),
    (
        "core: {max_events: many}\n",
        "NLM-G013: core.max_events is many, and no whole number (a.yaml:1:20); allowed: 100 to 1000000",
    ),
    (
        "netlink:\n  buffer_size: {receive: 64 kb}\n",
        "NLM-G013: netlink.buffer_size.receive is '64 kb', and no size (a.yaml:2:26); "
        "allowed: 4KB to 10MB; write 64KB",
    ),
    (
        "logging: {level: DEBUG}\n",
        "NLM-G013: logging.level is DEBUG, and none of its words (a.yaml:1:18); "
        "allowed: trace, debug, info, warning, error; did you mean debug?",
    ),
    (
        "metrics: {path: metrics}\n",
        "NLM-G013: export.prometheus.path is metrics, and does not begin with / (a.yaml:1:17); "
        "allowed: begins with /; write /metrics",
    ),
    (
        "export: {syslog: {server: 'a b'}}\n",
        "NLM-G013: export.syslog.server is 'a b', and no host with a port (a.yaml:1:27); "
        "allowed: HOST, HOST:PORT or [ADDRESS]:PORT; write logs.example.org:514",
    ),
    (
        "monitoring: {protocols: [route, ROUT]}\n",
        "NLM-G013: monitoring.protocols[2] is ROUT, and no netlink protocol (a.yaml:1:33); "
        "allowed: a name such as route or NETLINK_ROUTE, or a number; did you mean route?",
    ),
    (
        "netlink: {use_libnl: true}\nnlmon: {netlink: {use_libnl: false}}\n",
        "NLM-G014: netlink.use_libnl is given twice, with different values (a.yaml:2:19); "
        "it is in line 1, too, as netlink.use_libnl",
    ),
    (
        "export: {json: {enabled: true}}\n",
        "NLM-G016: export.json.enabled is true, and export.json.file is missing (a.yaml:1:26); "
        "give export.json.file, or switch it off",
    ),
    (
        "filters: [{name: a, expression: netlink.pid==1}, {name: a, expression: netlink.pid==2}]\n",
        "NLM-G016: two filters are called a (a.yaml:1:57); name it otherwise",
    ),
    (
        "filter: nsid==1\nfilters: [{name: filter, expression: netlink.pid==1}]\n",
        "NLM-G016: two filters are called filter (a.yaml:2:18); name it otherwise",
    ),
    ("filters: [{name: a}]\n", "NLM-G016: filters[1] has no expression (a.yaml:1:11)"),
    (
        "filters: [{name: a, expression: '${A:-}'}]\n",
        "NLM-G013: filters[1].expression is empty (a.yaml:1:33); it must be given",
    ),
    (
        "alerts: [{name: ''}]\n",
        "NLM-G013: alerts[1].name is empty (a.yaml:1:17); it must be given",
    ),
    (
        "filters: [{name: a, expression: netlink.pid==1, enable: true}]\n",
        "NLM-G011: enable is no key of filters[1] (a.yaml:1:49); did you mean enabled?",
    ),
    (
        "export: {json: {file: a}, pcap: {file: a}}\n",
        "NLM-G016: export.json.file and export.pcap.file are both a (a.yaml:1:40); name another file",
    ),
    (
        "export: {json: {file: a}, pcap: {file: ./a}}\n",
        "NLM-G016: export.json.file and export.pcap.file are both a (a.yaml:1:40); name another file",
    ),
    (
        "filters: {name: a, expression: netlink.pid==1}\n",
        "NLM-G012: filters is a mapping, and not a list (a.yaml:1:10); allowed: at most 16; "
        "each item begins with - and has the keys name, expression, enabled, action",
    ),
    (
        "filter: interface =~ '('\n",
        "NLM-G018: filter is no expression: this is no regular expression of RE2: missing ): ( (a.yaml:1:22)",
    ),
    (
        "netlink: {use_libnl: '${A B}'}\n",
        "NLM-G017: '${A B}' names no variable (a.yaml:1:22); write ${NAME} or ${NAME:-default}",
    ),
    (
        "netlink: {use_libnl: '${FLAG}'}\n",
        "NLM-G013: netlink.use_libnl is empty, and neither true nor false (a.yaml:1:22); allowed: true or false; "
        "FLAG is not set; set it, or write ${FLAG:-true}",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), ERRORS)
def test_an_error_says_where_and_what_was_meant(text: str, problem: str) -> None:
    """Key, value, place, what is allowed and the nearest word; and there is no configuration."""
    assert (said(text), of(text).config) == ([problem], None)


MIXES = [
    "netlink: {use_libnl: {route: true, generic: false}}",
    "netlink: {use_libnl: [route]}",
    "netlink: {protocols: {route: libnl}}",
    "netlink: {protocols: {route: {use_libnl: true}}}",
    "netlink: {protocols: {generic: {implementation: legacy}}}",
    "nlmon: {netlink: {protocols: {generic: {backend: legacy}}}}",
]


@pytest.mark.parametrize("text", MIXES)
def test_a_mix_of_implementations_is_refused_as_the_guide_says(text: str) -> None:
    """One implementation for all protocols."""
    (problem,) = of(text).problems

    assert problem.code == "NLM-G015"
    assert problem.hint.startswith("the implementation choice applies to all protocols, use one or the other")


NOTICES = [
    (
        "netlink: {caching: {link_cache: true}}",
        "NLM-G035: netlink.caching.link_cache has no effect without caching (a.yaml:1:33); "
        "write netlink.caching.enabled: true",
    ),
    (
        "netlink: {protocols: {route: false}}",
        "NLM-G035: no protocol is listened to (a.yaml:1:30); write netlink.protocols.route: true",
    ),
    (
        "monitoring: {protocols: [generic, xfrm]}",
        "NLM-G035: no event is kept: none of NETLINK_GENERIC, NETLINK_XFRM is listened to (a.yaml:1:25); "
        "see netlink.protocols",
    ),
    (
        "netlink: {multicast_groups: [RTNLGRP_LINK, nigh]}",
        "NLM-G036: nigh is no multicast group of NETLINK_ROUTE (a.yaml:1:44); did you mean neigh?",
    ),
    (
        "export: {json: {file: '${LOGS}x'}}",
        "NLM-G033: export.json.file is taken without LOGS, which is not set (a.yaml:1:23); "
        "set it, or write ${LOGS:-default}",
    ),
    (
        "export: {json: {file: '${LOGS'}}",
        "NLM-G039: a ${ in export.json.file has no }, and is left as it is (a.yaml:1:23)",
    ),
    (
        "export: {prometheus: {port: 9191}}",
        "NLM-G035: export.prometheus is off (a.yaml:1:10); write export.prometheus.enabled: true, or false if that is "
        "meant",
    ),
    (
        "output: {syslog: {server: 'logs:514'}}",
        "NLM-G035: export.syslog is off (a.yaml:1:10); write export.syslog.enabled: true, or false if that is meant",
    ),
    ("cli: {enabled: true}", "NLM-G031: cli.enabled has no effect (a.yaml:1:16); events are printed as lines, see "
     "export.console"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), NOTICES)
def test_a_notice_leaves_the_configuration(text: str, problem: str) -> None:
    """What has no effect is reported, and nothing is refused for it."""
    assert (said(text), of(text).config is not None) == ([problem], True)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("export: {prometheus: {enabled: false, port: 9191}}", []),
        ("export: {prometheus: {enabled: true, port: 9191}}", []),
        ("export: {syslog: {enabled: perhaps, server: 'logs:514'}}", ["NLM-G013"]),
    ],
)
def test_an_export_that_is_switched_is_not_said_to_be_off(text: str, codes: list[str]) -> None:
    """Neither one that is off on purpose, nor one whose switch is mistaken."""
    assert [one.code for one in of(text).problems] == codes


def test_all_problems_are_reported_at_once_in_the_order_of_their_lines() -> None:
    """Of every key, and of what keys demand of each other."""
    text = "export: {pcap: {enabled: true}}\ncore: {max_events: 1}\nzzz: 1\nlogging: {level: loud}\n"

    assert [(one.code, one.line) for one in of(text).problems] == [
        ("NLM-G016", 1),
        ("NLM-G013", 2),
        ("NLM-G011", 3),
        ("NLM-G013", 4),
    ]


def test_a_refused_key_is_not_said_to_be_missing() -> None:
    """One mistake is reported once."""
    assert [one.code for one in of("export: {json: {enabled: true, file: [a]}}").problems] == ["NLM-G012"]


SAME = [
    ("nlmon: {core: {max_events: 500}}", "core: {max_events: 500}"),
    ("output: {json: {file: a}}", "export: {json: {file: a}}"),
    ("metrics: {enabled: true, port: 99}", "export: {prometheus: {enabled: true, port: 99}}"),
    ("integration: {syslog: {enabled: true}}", "export: {syslog: {enabled: true}}"),
    ("output: {syslog: {priority: err}}", "export: {syslog: {severity: err}}"),
    ("core: {log_level: debug}", "logging: {level: debug}"),
    ("caching: {enabled: true}", "netlink: {caching: {enabled: true}}"),
    ("core: {buffer_size: 64kb}", "core: {buffer_size: '65536'}"),
    ("cli: {refresh_rate: 1s}", "cli: {refresh_rate: 1000ms}"),
    ("monitoring: {message_types: [16], protocols: [0]}",
     "monitoring: {message_types: [RTM_NEWLINK], protocols: [NETLINK_ROUTE]}"),
    ("netlink: {use_libnl: off}", "netlink: {use_libnl: 'False'}"),
    ("core: {max_events: 500}\nnlmon: {core: {max_events: 500}}", "core: {max_events: 500}"),
    ("web: {enabled: yes}\nnlmon: {web: {enabled: on}}", "web: {enabled: true}"),
    ("core: {buffer_size: 64KB}\nnlmon: {core: {buffer_size: 65536}}", "core: {buffer_size: 64KB}"),
    ("netlink:\ncore: ~\n", ""),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_to_write_the_same(one: str, other: str) -> None:
    """Other names, the wrapper, units and quotes make no other configuration."""
    assert of(one).config == of(other).config
    assert of(one).config is not None


def test_later_files_win_and_the_environment_over_all() -> None:
    """Key by key; each origin says which it was, and a list is replaced."""
    first = b"core: {max_events: 500, rate_limit: 5}\nnetlink: {generic_families: [nl80211, taskstats]}\n"
    second = b"core:\n  rate_limit: 6\n  worker_threads: 7\nnetlink: {generic_families: [nl80211]}\n"
    loaded = interpret([("a.yaml", first), ("b.yaml", second)], {"NLMON_WORKER_THREADS": "8"})

    assert loaded.config is not None
    core = loaded.config.core
    assert (core.max_events, core.rate_limit, core.worker_threads) == (500, 6, 8)
    assert loaded.config.netlink.generic_families == ("nl80211",)
    assert [loaded.origins[f"core.{name}"] for name in core.__struct_fields__] == [
        "default",
        "a.yaml:1",
        "b.yaml:2",
        "environment NLMON_WORKER_THREADS",
    ]


def test_every_key_is_read_from_its_variable() -> None:
    """Its path in capitals; lists of mappings are not."""
    expected = {f"NLMON_{'_'.join(path).upper()}" for path, key in keys().items() if not isinstance(key.kind, Records)}
    own = {name for name, (_, rank) in variables().items() if rank == 0}
    # The variables that the C program reads are among the names.
    nine = (
        "BUFFER_SIZE MAX_EVENTS RATE_LIMIT WORKER_THREADS CLI_ENABLED WEB_ENABLED WEB_PORT METRICS_ENABLED METRICS_PORT"
    )

    assert own == expected
    assert [name for name in nine.split() if f"NLMON_{name}" not in variables()] == []
    assert len({path for path, _ in variables().values()}) == len(expected)


ENVIRONMENTS = [
    ({"NLMON_MAX_EVENTS": "5"}, "NLM-G013: core.max_events is 5, less than 100 (environment NLMON_MAX_EVENTS); "
     "allowed: 100 to 1000000"),
    ({"NLMON_WEB_PROT": "5"}, "NLM-G032: NLMON_WEB_PROT is no key of the configuration (environment NLMON_WEB_PROT); "
     "did you mean NLMON_WEB_PORT?"),
    ({"NLMON_SERVICE_HOST": "5"}, "NLM-G032: NLMON_SERVICE_HOST is no key of the configuration "
     "(environment NLMON_SERVICE_HOST)"),
    ({"NLMON_TEST_MAX_EVENTS": "5"}, ""),
    ({"NLMON_CONFIG": "a.yaml"}, ""),
    ({"NLMON_MAX_EVENTS": ""}, ""),
    ({"NLMON_MAX_EVENTS": "500", "NLMON_CORE_MAX_EVENTS": "600"},
     "NLM-G037: NLMON_MAX_EVENTS has no effect beside NLMON_CORE_MAX_EVENTS (environment NLMON_MAX_EVENTS); "
     "leave one of them out"),
    ({"NLMON_NETLINK_GENERIC_FAMILIES": "nl80211, a-name-that-is-too-long"},
     "NLM-G013: netlink.generic_families is a-name-that-is-too-long, and the name of a family has 1 to 15 characters "
     "(environment NLMON_NETLINK_GENERIC_FAMILIES); allowed: 1 to 15 characters"),
    ({"NLMON_EXPORT_JSON_FILE": "a\udcff"}, "NLM-G013: export.json.file is 'a\\udcff', and holds bytes that are no "
     "UTF-8 (environment NLMON_EXPORT_JSON_FILE)"),
]  # fmt: skip


@pytest.mark.parametrize(("environ", "problem"), ENVIRONMENTS)
def test_what_is_said_of_variables(environ: dict[str, str], problem: str) -> None:
    """A wrong value, an unknown name and a name that does not count; nothing of names for tests, and of empty ones."""
    assert said("", **environ) == ([problem] if problem else [])


def test_a_variable_that_a_file_names_is_known() -> None:
    """It need not be the variable of a key."""
    assert said("export: {json: {file: '${NLMON_LOGS}/a'}}", NLMON_LOGS="/tmp") == []


def test_a_variable_is_not_looked_into_again() -> None:
    """What it holds is a value, not a text with variables, and no YAML."""
    config = of("export: {json: {file: '${A}-${B:-x}'}}", A="${B}: [", B="").config

    assert config is not None
    assert config.export.json.file == "${B}: [-x"


def test_a_path_may_be_of_two_aliases() -> None:
    """In a variable as in a file."""
    texts = ["output: {syslog: {priority: err}}", "integration: {syslog: {priority: err}}"]
    names = ["NLMON_OUTPUT_SYSLOG_PRIORITY", "NLMON_INTEGRATION_SYSLOG_PRIORITY"]
    loaded = [*map(of, texts), *(of("", **{name: "err"}) for name in names)]

    assert [one.config and one.config.export.syslog.severity for one in loaded] == ["err"] * 4


def test_a_value_with_many_variables_has_one_problem() -> None:
    """Which names the first ones, each once, and no more of the value and of its line than can be read."""
    unset = of(f"export: {{json: {{file: '{''.join(f'${{A{number}}}' for number in range(500))}'}}}}")
    wrong = of(f"export: {{json: {{file: '{'${1}' * 500}${{2}}'}}}}")
    (one,), (other,) = unset.problems, wrong.problems

    assert one.what == "export.json.file is taken without A0, A1, A2 and 497 more, which are not set"
    assert other.what == "'${1}', '${2}' name no variable"
    assert {len(text) for problem in (one, other) for text in (problem.value, problem.source)} == {LONGEST}


def test_short_names_are_not_those_of_a_path() -> None:
    """So that none hides a key."""
    assert [name for name in SHORT if variables()[name][1] != 2] == []


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """So is a folder; and neither raises."""
    loaded = load([tmp_path / "none.yaml", tmp_path, Path("a\0b")], {})

    assert [(one.code, one.where) for one in loaded.problems] == [
        ("NLM-G010", str(tmp_path / "none.yaml")),
        ("NLM-G010", str(tmp_path)),
        ("NLM-G010", "a\\x00b"),
    ]


def test_a_pipe_is_read_while_somebody_writes(tmp_path: Path) -> None:
    """As that of <(command) is; one without a writer, or without an end, is reported and not waited for."""
    os.mkfifo(tmp_path / "pipe")
    nobody = load([tmp_path / "pipe"], {})
    reader, writer = os.pipe()
    os.write(writer, b"netlink: {protocols: {route: true}}\n")
    threading.Timer(0.05, os.close, [writer]).start()
    written = load([Path(f"/dev/fd/{reader}")], {})
    os.close(reader)

    assert ([one.what for one in nobody.problems], written.problems, written.origins["netlink.protocols.route"]) == (
        ["the configuration cannot be read: it is a pipe into which nobody writes"],
        (),
        f"/dev/fd/{reader}:1",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such pipes")
def test_a_pipe_has_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """In time, and within what a configuration may have."""
    monkeypatch.setattr("nlmon.config.files.PATIENCE", 0.05)
    reader, writer = os.pipe()
    found = load([Path(f"/dev/fd/{reader}")], {})
    endless = load([Path("/dev/zero")], {})
    os.close(writer)
    os.close(reader)

    assert [one.what for one in (*found.problems, *endless.problems)] == [
        "the configuration cannot be read: it has no end within 0.05 seconds",
        "a configuration has at most 262,144 bytes, and this file has more",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such pipes")
def test_what_is_read_again_is_a_plain_file(tmp_path: Path) -> None:
    """A pipe is empty by then, and may have no end."""
    reader, writer = os.pipe()
    found = load([Path(f"/dev/fd/{reader}"), tmp_path], {}, again=True)
    os.close(writer)
    os.close(reader)

    assert [one.what for one in found.problems] == [
        "the configuration cannot be read: it is no plain file, and can be read once",
        "the configuration cannot be read: Is a directory",
    ]


def test_a_file_without_an_end_is_too_large() -> None:
    """No more than a configuration is read of it."""
    assert [one.code for one in load([Path("/dev/zero")], {}).problems] == ["NLM-G002"]
    assert said(b" " * (SIZE + 1))[0].startswith("NLM-G002: ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["".join(f"k{n}: 1\n" for n in range(15_000)), "monitoring: {interfaces: {include: [" + "a," * 100_000 + "]}}"],
    ids=["keys", "items"],
)
def test_a_file_of_very_many_values_is_refused_where_they_are_too_many(text: str) -> None:
    """A monitor that reads it again is not away from its sockets for seconds."""
    began = time.process_time()
    (found,) = said(text)

    assert found.startswith("NLM-G002: a configuration has at most 4,096 values, and here is one more (a.yaml:")
    assert time.process_time() - began < 3


def test_standard_files(tmp_path: Path) -> None:
    """Those that are there, and the one that is named, whether it is there or not."""
    user = tmp_path / ".nlmon" / "config.yaml"
    user.parent.mkdir()
    user.touch()
    environ = {"HOME": str(tmp_path), "NLMON_CONFIG": "mine.yaml"}

    assert standard_files(environ, tmp_path / "none.yaml") == (user, Path("mine.yaml"))
    assert standard_files({}, user) == (user,)


def test_rules_in_force() -> None:
    """That of the short form, and those of the list that are not switched off."""
    off, on = "{name: x, expression: netlink.pid==2, enabled: no}", "{name: y, expression: netlink.pid==3}"
    config = of(f"filter: netlink.pid==1\nfilters: [{off}, {on}]\n").config

    assert config is not None
    assert [(rule.name, rule.expression) for rule in config.rules] == [
        ("filter", "netlink.pid==1"),
        ("y", "netlink.pid==3"),
    ]


def test_an_expression_has_its_place_inside_of_the_text() -> None:
    """In the short form, in a list, and in a variable, where the place can be known."""
    text = b"filter: interface ==\nfilters: [{name: x, expression: nsid == 1}, {name: y, expression: 'nsid =='}]\n"
    loaded = interpret([("a.yaml", text)], {})
    other = interpret([], {"NLMON_FILTER": "nsid =="})

    assert [one.text for one in (*loaded.problems, *other.problems)] == [
        f"{key} is no expression: the filter ends where a field or a value has to follow ({where})"
        for key, where in (
            ("filter", "a.yaml:1:21"),
            ("filters[2].expression", "a.yaml:2:75"),
            ("filter", "environment NLMON_FILTER"),
        )
    ]


LARGE = {
    "unknown keys": "".join(f"key{number}: 1\n" for number in range(4000)),
    "keys of a section": "netlink:\n" + "".join(f"  use_libnl{number}: 1\n" for number in range(4000)),
    "items": f"monitoring: {{message_types: [{', '.join(['RTM_NEWLNK'] * 4000)}]}}",
    "rules": f"filters: [{', '.join(['{}'] * 4000)}]",
    "keys of a rule": f"filters: [{{{', '.join(f'nam{number}: 1' for number in range(4000))}}}]",
    "variables": f"export: {{json: {{file: '{'${A}' * 4000}'}}}}",
    "a long key": f"{'use_libnl' * 4000}: 1",
    "a long value": f"logging: {{level: {'debug' * 4000}}}",
}


@pytest.mark.slow
@pytest.mark.parametrize("text", one_in(4, LARGE.values(), pytest.mark.long), ids=LARGE)
def test_a_large_file_is_refused_in_seconds(text: str) -> None:
    """However many mistakes it has, and whatever its variables hold."""
    before = time.process_time()
    loaded = of(text, A="a" * 100_000)

    assert (loaded.config, time.process_time() - before < 20) == (None, True)


# -- any text -------------------------------------------------------------------------------------------------------

NAMES = sorted({part for path in keys() for part in path} | {"nlmon", "output", "metrics", "zzz"})
SCALARS = st.sampled_from(["true", "on", "7", "64KB", "-1", "${A}", "${A:-x}", "${", "''", "~", "libnl", "1s", "é"])
VALUES = st.recursive(
    SCALARS | st.text(max_size=8).map(repr),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4).map(
            lambda pairs: f"{{{', '.join(f'{key}: {value}' for key, value in pairs.items())}}}"
        )
    ),
    max_leaves=12,
)


def holds(loaded: Loaded) -> bool:
    """A configuration or errors, and each problem of a file with its line and column."""
    placed = all(one.line > 0 and one.column > 0 for one in loaded.problems if one.file and one.code != "NLM-G002")
    return (loaded.config is None) == bool(loaded.errors) and placed


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_a_configuration_or_places(data: bytes) -> None:
    """And never an exception."""
    assert holds(of(data))


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5), st.dictionaries(st.just("A"), st.text(max_size=9)))
def test_any_keys_and_values_give_a_configuration_or_places(pairs: dict[str, str], environ: dict[str, str]) -> None:
    """Whatever stands where."""
    assert holds(of("".join(f"{key}: {value}\n" for key, value in pairs.items()), **environ))


@given(st.dictionaries(st.sampled_from(sorted(variables())) | st.text(max_size=8).map("NLMON_".__add__), st.text()))
def test_any_environment_gives_a_configuration_or_names(environ: dict[str, str]) -> None:
    """Each problem names a variable, unless it is of what keys demand of each other."""
    assert holds(interpret([], environ))
