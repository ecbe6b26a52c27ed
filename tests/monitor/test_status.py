"""The status of a monitor as JSON and as lines for people.

Not here: how it gets from one process to another (``test_control``).
"""

from __future__ import annotations

import json

import jsonschema
import pytest
from msgspec.structs import replace

from nlmon.cli.schema import SCHEMAS
from nlmon.errors import PlatformError
from nlmon.monitor.status import PROTOCOLS_TITLE, ProtocolStatus, read_status, status_json, status_text
from support.monitors import STATUS

TEXT = """\
nlmon 1.2.3, pid 4711, /run/nlmon/nlmon-0123456789ab.sock

Netlink Protocols
  route      enabled   fd=7   events=127  errors=0  dropped=unknown
  generic    enabled   fd=8   events=3    errors=1  dropped=12       reconnects=2
  sock_diag  disabled  fd=-1  events=0    errors=0  dropped=0
  netfilter  disabled  fd=-1  events=0    errors=0  dropped=0

implementation: libnl
started:        2027-01-15T08:00:00Z
runs as:        nlmon (uid 990), CAP_NET_ADMIN CAP_AUDIT_READ
configuration:  /etc/nlmon/nlmon.yaml, version 2
reloads:        1, failed 0
events:         130, dropped 3 (rate limit 3)
memory:         40.0 MiB, at start 32.0 MiB, peak 41.0 MiB

Caches
  link  objects=5

Generic families
  nl80211    id=28
  taskstats  absent

Rules
  big links  drop  matched=4

Exports
  json        failing  written=100  waiting=3  failures=2  dropped=27 (queue full 20, failed 7)  last error: No space left on device
  prometheus  working  written=130  waiting=0  failures=0  dropped=0

Notices
  netlink.caching has no effect under legacy
"""  # noqa: E501  (as it is printed)


def test_lines_for_people() -> None:
    """Every counter of a status is in its lines."""
    assert status_text(STATUS) == TEXT


def test_the_protocols_are_found_with_grep() -> None:
    """Behind the title there is a line for each protocol, and all are within ten lines."""
    lines = status_text(STATUS).splitlines()
    title = lines.index(PROTOCOLS_TITLE)

    assert [line.split()[0] for line in lines[title + 1 : title + 11][: len(STATUS.protocols)]] == [
        *("route", "generic", "sock_diag", "netfilter")
    ]


def test_sections_without_rows_are_left_out() -> None:
    """A monitor without rules, exports, caches, families and notices has a status of its protocols and counters."""
    bare = replace(STATUS, rules=(), exports=(), caches=(), families=(), notices=(), config_files=())

    assert status_text(bare).count("\n\n") == 2
    assert "configuration:  no file, all defaults, version 2\n" in status_text(bare)


def test_json_is_one_line_that_is_read_again() -> None:
    """Writing and reading a status is the identity."""
    line = status_json(STATUS)

    assert (line.count(b"\n"), read_status(line, "here")) == (1, STATUS)


def test_json_follows_the_published_schema() -> None:
    """The schema allows what is written."""
    jsonschema.validate(json.loads(status_json(STATUS)), SCHEMAS["status"]())


def test_no_name_rewrites_a_terminal() -> None:
    """What a name holds is shown and not obeyed, in both forms."""
    hostile = replace(STATUS, protocols=(ProtocolStatus("\x1b[2J\x9b1m\u202e\n", True, 1, 1, 0, 0),), notices=("\r",))

    assert "\\x1b[2J\\x9b1m\\u202e\\n  enabled" in status_text(hostile)
    assert b"\x1b" not in status_json(hostile) and "\u202e".encode() not in status_json(hostile)


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{}\n", b"[" * 100_000, b"\xff\n", b'{"instance": 1}\n', b'{"error":"unknown"}\n', b"1e999\n"]
)
def test_what_is_no_status_is_an_error(line: bytes) -> None:
    """Whatever the other end answers, there is a coded error and no traceback."""
    with pytest.raises(PlatformError) as raised:
        read_status(line, "here")

    assert (raised.value.code, raised.value.where) == ("NLM-M026", "here")


def test_any_time_is_shown() -> None:
    """A start that no calendar has is a number."""
    assert f"started:        {10**40}\n" in status_text(replace(STATUS, started=10**40))
