"""The command line: outputs, schemas, exit codes, mistakes."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from nlmon.backends.registry import BACKENDS, READS
from nlmon.cli.record import command as record_command
from nlmon.cli.replay import command as replay_command
from nlmon.errors import InputError, UsageError
from nlmon.report.jsonout import Footer, Header, read_stream
from support.command import nlmon
from support.paths import REPOSITORY

CAPTURES = REPOSITORY / "fixtures" / "captures"
BASIC = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
SCHEMAS = REPOSITORY / "docs" / "schemas"


def validate(schema: str, data: Any) -> list[str]:
    """Violations of a published schema."""
    rules = json.loads((SCHEMAS / f"{schema}.schema.json").read_text(encoding="utf-8"))
    return [f"{e.json_path}: {e.message}" for e in Draft202012Validator(rules).iter_errors(data)]


@pytest.mark.parametrize("name", ["event", "replay", "replay-stream", "capture-info", "stats", "bench"])
def test_published_schemas_are_current(name: str) -> None:
    """docs/schemas holds what ``nlmon schema`` prints, and it is a valid schema."""
    printed = nlmon("schema", name)

    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout == (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")
    Draft202012Validator.check_schema(json.loads(printed.stdout))


def test_replay_prints_one_object(tmp_path: Path) -> None:
    """``--format json``: verdict, counts and states, as the schema says; the report file holds the same."""
    report = tmp_path / "report.json"
    done = nlmon("replay", BASIC, "--format", "json", "--report", report)
    found = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (0, "")
    assert validate("replay", found) == []
    assert json.loads(report.read_text(encoding="utf-8")) == found
    (capture,) = found["captures"]
    assert (found["verdict"], capture["state"], capture["frames"], capture["messages"]) == (
        *("equivalent", "same"),
        *(664, 869),
    )
    assert capture["events"] == {"legacy": 143, "libnl": 143}


def test_replay_streams_lines() -> None:
    """``--format jsonl``: a header, a line per capture and a footer, each of the schema."""
    done = nlmon("replay", BASIC, "--format", "jsonl")
    lines = done.stdout.splitlines()

    assert [violation for line in lines for violation in validate("replay-stream", json.loads(line))] == []
    assert [json.loads(line)["record"] for line in lines] == ["header", "capture", "footer"]
    stream = read_stream([line.encode() for line in lines], "stdout")
    assert (type(stream[0]), type(stream[-1])) == (Header, Footer)


@pytest.mark.parametrize(("cut", "code"), [(slice(1, None), "NLM-R002"), (slice(0, -1), "NLM-R003")])
def test_half_a_stream_is_noticed(cut: slice, code: str) -> None:
    """A stream without its header or its footer is said to be cut."""
    lines = [line.encode() for line in nlmon("replay", BASIC, "--format", "jsonl").stdout.splitlines()]
    with pytest.raises(InputError) as caught:
        read_stream(lines[cut], "a.jsonl")

    assert caught.value.code == code


def test_replay_prints_a_table() -> None:
    """``--format pretty`` ends with the verdict."""
    done = nlmon("replay", BASIC, "--format", "pretty")

    assert done.returncode == 0
    assert "verdict: equivalent" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("backend", ["legacy", "libnl"])
def test_decode_prints_events(backend: str) -> None:
    """Every line of ``decode`` is an event of the schema, as many as the replay compares."""
    done = nlmon("decode", BASIC, "-i", backend)
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    assert (done.returncode, done.stderr, len(lines)) == (0, "", 143)
    assert [violation for line in lines for violation in validate("event", line)] == []
    assert lines[0]["netlink"]["msg_type"] == "RTM_NEWLINK"


def test_capture_info_counts() -> None:
    """``capture info``: types per protocol by name, roles, no damage."""
    done = nlmon("capture", "info", BASIC, "--format", "json")
    found = json.loads(done.stdout)

    assert (done.returncode, validate("capture-info", found)) == (0, [])
    assert (found["frames"], found["messages"], found["damage"]) == (664, 869, None)
    assert found["protocols"]["NETLINK_ROUTE"]["RTM_NEWLINK"] == 178
    assert sum(found["roles"].values()) == 664


def bad_files(folder: Path) -> dict[str, Path]:
    """One file for each way to be wrong."""
    with BASIC.open("rb") as raw:
        whole = zstandard.ZstdDecompressor().stream_reader(raw).read()
    contents = {
        "empty": b"",
        "text": b"Nov 23 20:53:52 host nlmon[1]: started\n",
        "no-netlink": struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1),
        "half-garbage": whole[: len(whole) // 2] + b"\xa5" * (len(whole) // 2),
        "nothing": struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 253),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {"missing": folder / "missing", "directory": folder, **{name: folder / name for name in contents}}


@pytest.mark.parametrize("kind", ["missing", "directory", "empty", "text", "no-netlink", "half-garbage", "nothing"])
@pytest.mark.parametrize("command", [("replay",), ("decode",), ("capture", "info")], ids=" ".join)
def test_bad_input_is_one_clear_line(tmp_path: Path, command: tuple[str, ...], kind: str) -> None:
    """Exit code 3, one line with a code and the file's name, and never a traceback."""
    path = bad_files(tmp_path)[kind]
    done = nlmon(*command, path)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr + done.stdout
    assert [line for line in done.stderr.splitlines() if str(path) in line] == done.stderr.splitlines()
    assert done.stderr.startswith("error[NLM-")


def test_a_name_that_is_no_text_is_shown(tmp_path: Path) -> None:
    """Bytes of a file name that are no UTF-8 are shown as escapes, in a report as in an error."""
    path = os.fsencode(tmp_path) + b"/x\xff\x1b[31m.pcap"
    Path(os.fsdecode(path)).write_bytes(BASIC.read_bytes())
    done = nlmon("replay", os.fsdecode(path), "missing\x1b[2J", "--format", "json")

    assert done.returncode == 3
    assert [c["path"].rpartition("/")[2] for c in json.loads(done.stdout)["captures"]] == [
        "x\\xff\x1b[31m.pcap",
        "missing\x1b[2J",
    ]
    assert "missing\\x1b[2J" in done.stderr
    assert "\x1b" not in done.stderr + nlmon("replay", os.fsdecode(path)).stdout


def test_one_bad_file_does_not_cost_the_others() -> None:
    """A good capture keeps its verdict beside a missing one; the whole is an error."""
    done = nlmon("replay", "missing.pcap", BASIC, "--format", "json")
    found = json.loads(done.stdout)

    assert (done.returncode, found["verdict"]) == (3, "error")
    assert [capture["verdict"] for capture in found["captures"]] == ["error", "equivalent"]


def test_what_nobody_can_read_is_no_verdict() -> None:
    """Read in the wrong byte order, no message gives an event: that is an error and not agreement."""
    done = nlmon("replay", BASIC, "--byteorder", "big", "--format", "json")
    (capture,) = json.loads(done.stdout)["captures"]

    assert (done.returncode, capture["verdict"], capture["events"]) == (3, "error", {"legacy": 0, "libnl": 0})
    assert capture["problems"] == {
        n: {"NLM-D001 a message does not fit in its datagram": 47} for n in ("legacy", "libnl")
    }


def test_what_the_kernel_refused_is_named() -> None:
    """Errors are listed by code and by what they are, once where both implementations say the same."""
    done = nlmon("replay", CAPTURES / "linux-6.12" / "05-sock_diag.pcap.zst")

    assert "errors in both: NLM-D004 the kernel answers ENOENT, 4 times" in done.stdout


@pytest.mark.slow
def test_caches_and_families_can_be_asked_for() -> None:
    """Options for libnl reach it: with caches and one family nothing changes, without a family there is no verdict."""
    wireless = CAPTURES / "linux-6.12" / "03-nl80211.pcap.zst"
    fine = nlmon("replay", wireless, "--cache", "link", "--cache", "addr", "--family", "nl80211", "--format", "json")
    odd = nlmon("replay", wireless, "--family", "nl8021")

    assert (fine.returncode, json.loads(fine.stdout)["verdict"]) == (0, "equivalent")
    assert (odd.returncode, "Failed to resolve family 'nl8021'" in odd.stderr) == (3, True)
    assert nlmon("replay", wireless, "--cache", "neighbours").returncode == 2


@pytest.mark.parametrize(
    ("words", "code", "names", "said"),
    [
        (("-i", "legacy"), 3, "(legacy against legacy", "which says nothing about a move ({}); --control compares an"),
        (("-i", "legacy", "--control"), 0, "(legacy against legacy", ""),
        (("--control",), 0, "(legacy against legacy", ""),
        (("--against", "libnl", "--control"), 0, "(libnl against libnl", ""),
        (
            ("-i", "libnl", "--control"),
            2,
            "",
            "error[NLM-U027]: --control does not go with -i libnl; leave out -i: legacy",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_reference_can_be_compared_with_itself(words: tuple[str, ...], code: int, names: str, said: str) -> None:
    """On purpose with ``--control``; else it is taken for a move that nobody makes."""
    done = nlmon("replay", BASIC, *words)

    assert (done.returncode, names in done.stdout, said.format(BASIC) in done.stderr) == (code, True, True)


def test_nothing_matched_is_an_error() -> None:
    """A protocol that is not in the capture gives no verdict."""
    done = nlmon("replay", BASIC, "--protocol", "sock_diag", "--format", "json")

    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (3, "inconclusive")


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay",),
        ("replay", "x", "-i", "none"),
        ("nonsense",),
        ("decode", "x", "--protocol", "tcp"),
        ("decode", "x", "--protocol", "9" * 5000),
        ("replay", "x", "--require-protocol", "9" * 5000),
        ("record",),
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_a_usage_mistake_is_exit_2(arguments: tuple[str, ...]) -> None:
    """A wrong command line is explained, without a traceback."""
    done = nlmon(*arguments)

    assert (done.returncode, "Traceback" in done.stderr, done.stdout) == (2, False, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("replay",), "missing argument 'CAPTURES...'; see nlmon replay --help"),
        (("replay", "x", "--nonsense"), "no such option '--nonsense'; see nlmon replay --help"),
        (("live", "--count", "0"), "invalid value for '--count': 0 is not in the range x>=1; see nlmon live --help"),
        (("nonsense",), "no such command 'nonsense'; see nlmon --help"),
        (
            ("capture", "stats", "x", "--backend", "none"),
            "invalid value for '-i' / '--implementation': no implementation is called 'none'; choose legacy, "
            "libnl, exec:COMMAND, events:FILE or live:COMMAND; see nlmon capture stats --help",
        ),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else "",
)
def test_every_usage_mistake_has_one_form(words: tuple[str, ...], said: str) -> None:
    """What the parser of the command line finds is one line with a code, and names no option that help hides."""
    assert nlmon(*words).stderr == f"error[NLM-U021]: {said}\n"


def test_choices_stand_in_one_line() -> None:
    """Where the parser of the command line would give each a line."""
    assert ". Choose from: event, export, " in nlmon("schema").stderr


# They have a process of their own.
LISTENING = [pytest.param(words, marks=pytest.mark.slow) for words in (("record", "x"), ("live",))]


@pytest.mark.parametrize(
    "command",
    [("replay", "x"), ("decode", "x"), ("capture", "stats", "x"), ("debug", "layout", "x"), *LISTENING],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        (
            "300",
            "error[NLM-U021]: invalid value for '--protocol': '300' is no netlink protocol; try route, ",
        ),
        ("32", "error[NLM-U021]: invalid value for '--protocol': '32' is no netlink protocol; try route, "),
        ("31", "error[NLM-U004]: no implementation reads protocol 31; try route, "),
        ("crypto", "error[NLM-U004]: no implementation reads NETLINK_CRYPTO; try route, "),
    ],
)
def test_a_protocol_that_nobody_reads_is_a_usage_mistake(command: tuple[str, ...], protocol: str, said: str) -> None:
    """In every command alike, before anything is opened."""
    done = nlmon(*command, "--protocol", protocol)

    assert (done.returncode, done.stdout, done.stderr[: len(said)]) == (2, "", said)


@pytest.mark.parametrize("command", [("decode",), ("capture", "stats")], ids=" ".join)
def test_a_protocol_that_this_one_does_not_read_is_said(command: tuple[str, ...]) -> None:
    """The other implementation reads it."""
    said = [nlmon(*command, BASIC, "--protocol", "xfrm", "-i", name).stderr for name in ("legacy", "libnl")]

    assert [text.startswith("legacy does not read NETLINK_XFRM\n") for text in said] == [True, False]


@pytest.mark.parametrize("name", list(BACKENDS))
def test_the_protocols_of_an_implementation_are_known_without_it(name: str) -> None:
    """The registry lists those that the class has groups for."""
    module, _, attribute = BACKENDS[name].partition(":")

    assert set(READS[name]) == set(getattr(import_module(module), attribute).groups)


@pytest.mark.parametrize("option", ["-i", "--implementation", "--backend", "--against"])
@pytest.mark.parametrize("command", [("replay",), ("decode",), ("capture", "stats")], ids=" ".join)
def test_an_unknown_implementation_is_named(command: tuple[str, ...], option: str) -> None:
    """Whatever the option, also the former one, the message says which implementations there are."""
    done = nlmon(*command, BASIC, option, "none")
    known = option != "--against" or command == ("replay",)

    assert (done.returncode, done.stdout) == (2, "")
    assert (
        "no implementation is called 'none'; choose legacy, libnl, exec:COMMAND, events:FILE or live:COMMAND"
        in done.stderr
    ) == known


@pytest.mark.parametrize("command", [("replay",), ("decode",), ("capture", "stats")], ids=" ".join)
def test_the_former_name_of_an_option_works(command: tuple[str, ...]) -> None:
    """``--backend`` does what ``--implementation`` does, and help shows only the latter."""
    former, current = (nlmon(*command, BASIC, option, "legacy") for option in ("--backend", "--implementation"))
    shown = nlmon(*command, "--help").stdout

    assert (former.returncode, former.stdout) == (current.returncode, current.stdout)
    assert ("-i, --implementation " in shown, "--backend" in shown) == (True, False)


def test_the_former_name_of_a_command_says_the_new_one() -> None:
    """``nlmon status CAPTURE`` is ``nlmon capture stats CAPTURE`` now; the list of commands does not show it."""
    done = nlmon("status", BASIC)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error[NLM-U017]: nlmon status has another name now; type nlmon capture stats\n"
    assert "\n  status " not in nlmon("--help").stdout


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--cache", "link"), "--cache"),
        (("--recover",), "--recover"),
        (("--recover", "--fault", "overrun@323+3"), "--recover and --fault"),
    ],
    ids=str,
)
def test_what_no_socket_receives_judges_no_cache(words: tuple[str, ...], names: str) -> None:
    """Fed every message, libnl's caches and recovery hold what nobody said to a socket; without ``--select all``
    they are judged."""
    done = nlmon("replay", BASIC, "--select", "all", *words)
    fine = nlmon("replay", BASIC, *words, "--format", "json")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error[NLM-U013]: --select all does not go with {names}: ")
    assert (fine.returncode, fine.stderr) == (0, "")


def test_an_output_need_not_be_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is there nobody may read anything: a report takes its place, and a recording says what is wrong with it
    (as an ordinary user's /dev/stdout)."""
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **more: mode != os.R_OK and access(path, mode, **more))
    pipe, report = tmp_path / "pipe", tmp_path / "report"
    os.mkfifo(pipe)
    report.touch()
    recorded = CliRunner().invoke(record_command, [str(pipe)])
    replayed = CliRunner().invoke(replay_command, [str(BASIC), "--report", str(report)])

    assert isinstance(recorded.exception, UsageError)
    assert recorded.exception.code == "NLM-U009"
    assert (replayed.exit_code, json.loads(report.read_bytes())["verdict"]) == (0, "equivalent")


def test_an_unwritable_report_is_said(tmp_path: Path) -> None:
    """Before the replay, which is not begun."""
    done = nlmon("replay", BASIC, "--format", "json", "--report", tmp_path / "no" / "report.json")

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error[NLM-U001]")


@pytest.mark.slow
def test_a_closed_pipe_is_quiet() -> None:
    """``nlmon decode … | head`` ends without a word."""
    command = f"{sys.executable} -m nlmon.cli.main decode {CAPTURES}/linux-6.12/07-burst.pcap.zst | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


def test_help_is_light() -> None:
    """``--help`` imports none of the large libraries."""
    code = (
        "import sys\nsys.argv = ['nlmon', '--help']\nfrom nlmon.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'pyroute2', 'deepdiff', 'jinja2', 'rich', 'jsonschema', 'zstandard', 'ruamel'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)

    assert done.stdout.splitlines()[-1] == "HEAVY []"


def sections(*packets: tuple[int, bytes]) -> bytes:
    """A pcapng file with one interface of Ethernet and one of netlink, and packets of either (0, 1)."""
    out = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    for link_type in (1, 253):
        out += struct.pack("<IIHHII", 1, 20, link_type, 0, 0, 20)
    for interface, data in packets:
        size = 32 + len(data)
        out += struct.pack("<IIIIIII", 6, size, interface, 0, 0, len(data), len(data)) + data + struct.pack("<I", size)
    return out


def test_a_capture_without_netlink_is_said(tmp_path: Path) -> None:
    """When every packet is of another link type, there is nothing to look at; some are named and no mistake."""
    none, some = tmp_path / "none.pcapng", tmp_path / "some.pcapng"
    cooked = struct.pack(">HH10xH", 4, 824, 0) + struct.pack("<IHHII", 16, 16, 0, 0, 0)
    none.write_bytes(sections((0, bytes(60)), (0, bytes(60))))
    some.write_bytes(sections((0, bytes(60)), (1, cooked)))
    first, second = nlmon("capture", "info", none), nlmon("capture", "info", some)

    assert (first.returncode, first.stderr.count("\n")) == (3, 1)
    assert "error[NLM-U010]" in first.stderr
    assert "none of its 2 packets is netlink" in first.stderr
    assert (second.returncode, second.stderr) == (0, "")
    assert "skipped: 1 packet that is no netlink" in second.stdout


@pytest.mark.parametrize(
    "command",
    [("replay",), ("decode",), ("debug", "layout"), ("capture", "stats"), ("capture", "info"), ("coverage",)],
    ids=str,
)
def test_a_wrong_byte_order_is_said(command: tuple[str, ...]) -> None:
    """Frames without one message, and what the file itself says; read in the right order there is no word of it."""
    wrong, right = (nlmon(*command, BASIC, "--byteorder", order) for order in ("big", "little"))
    said = "nothing in it reads as netlink in big-endian byte order; the file itself says little-endian"

    assert (wrong.returncode, right.returncode, "byte order" in right.stderr) == (3, 0, False)
    assert said in wrong.stderr


@pytest.mark.parametrize("most", [55, 56, 60, 61, 70, 200])
def test_what_was_read_up_to_a_bound_is_counted(most: int) -> None:
    """To its last frame, in as many messages as a replay counts."""
    info, report = (
        json.loads(nlmon(*words, BASIC, "--max-messages", most, "--format", "json").stdout)
        for words in (("capture", "info"), ("replay",))
    )
    (replay,) = report["captures"]

    assert (info["frames"], info["messages"]) == (replay["frames"], replay["messages"])
    assert info["frames"] == info["stop"]["frame"]


def test_a_hint_names_every_protocol_that_works() -> None:
    """What the hint says can be asked for, and it is all that an implementation reads."""
    done = nlmon("decode", BASIC, "--protocol", "tcp")
    names = done.stderr.partition("; try ")[2].partition("; see ")[0].replace(" or ", ", ").split(", ")

    assert names == ["route", "sock_diag", "xfrm", "audit", "netfilter", "generic"]
    assert [nlmon("decode", BASIC, "--protocol", name).returncode for name in names] == [0, 3, 3, 3, 3, 3]
