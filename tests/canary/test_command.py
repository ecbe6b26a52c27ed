"""``nlmon canary``: what it prints and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema_rs import Draft202012Validator

from canary.fleets import fleet
from canary.logs import write
from nlmon.canary.judging import Host
from nlmon.cli.schema import SCHEMAS
from support.command import nlmon

SCRAPE = """\
# TYPE nlmon_events counter
nlmon_events_total{{backend="libnl",protocol="NETLINK_ROUTE",msg_type="RTM_NEWLINK"}} {events}
nlmon_netlink_messages_total{{backend="libnl",protocol="NETLINK_ROUTE"}} 1000
nlmon_netlink_dropped_total{{backend="libnl",protocol="NETLINK_ROUTE",reason="overrun"}} {dropped}
"""


def hosts(name: str, number: int, links: int) -> list[Host]:
    """Hosts that all do the same."""
    return [Host(f"{name}{at}", {"RTM_NEWLINK": links, "RTM_NEWADDR": 5}, {}, 3600.0) for at in range(number)]


@pytest.mark.parametrize(
    ("bad", "number", "code", "printed"),
    [
        pytest.param(0, 40, 0, "promote", id="promote"),
        pytest.param(20, 40, 1, "roll back", id="roll back"),
        pytest.param(0, 3, 3, "hold", id="hold"),
    ],
)
def test_verdicts(tmp_path: Path, bad: int, number: int, code: int, printed: str) -> None:
    """The last line is the verdict, and the exit code says the same."""
    old = write(tmp_path / "old", hosts("a", number, 5))
    new = write(tmp_path / "new", hosts("b", number - bad, 5) + hosts("c", bad, 50))
    done = nlmon("canary", "--control", old, "--canary", new)

    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (code, printed, "")


def test_names_as_a_shell_leaves_them(tmp_path: Path) -> None:
    """Each name behind the option is one of the group."""
    write(tmp_path / "old", hosts("a", 3, 5))
    write(tmp_path / "new", hosts("b", 3, 5))
    old, new = (sorted((tmp_path / name).iterdir()) for name in ("old", "new"))
    done = nlmon("canary", "--control", *old, "--canary", *new, "--format", "json")

    assert [json.loads(done.stdout)[group]["hosts"] for group in ("control", "canary")] == [3, 3]


@pytest.mark.slow
def test_json_is_of_its_schema(tmp_path: Path) -> None:
    """The whole report, with every test."""
    control, canary = fleet(1, "losses", 0.5, hosts=40)
    old, new = write(tmp_path / "old", control), write(tmp_path / "new", canary)
    done = nlmon("canary", "--control", old, "--canary", new, "--format", "json")
    report = json.loads(done.stdout)
    Draft202012Validator(SCHEMAS["canary"]()).validate(report)

    assert (done.returncode, report["verdict"]) == (1, "roll back")
    assert {(one["measure"], one["test"]) for one in report["findings"] if one["found"]} >= {
        ("overruns", "hosts above")
    }


@pytest.mark.slow
def test_every_test_is_printed(tmp_path: Path) -> None:
    """With -v, beside what there was of each group."""
    old, new = write(tmp_path / "old", fleet(1, hosts=20)[0]), write(tmp_path / "new", fleet(2, hosts=20)[1])
    lines = nlmon("canary", "--control", old, "--canary", new, "-v").stdout.splitlines()

    assert lines[0].startswith("control: 20 hosts, 20 files, ")
    assert [line.split()[:2] for line in lines if line.startswith("events")] == [
        ["events", "shift"],
        ["events", "hosts"],
        ["events", "hosts"],
    ]


def scrapes(folder: Path, hosts: int, bad: int, lost: int) -> str:
    """A scrape of each host; the pattern that finds them."""
    folder.mkdir()
    for at in range(hosts):
        text = SCRAPE.format(events=900, dropped=lost if at < bad else 0)
        (folder / f"{folder.name}{at}.prom").write_text(text)
    return str(folder / "*.prom")


@pytest.mark.parametrize(("lost", "code"), [(0, 0), (7, 1)])
def test_scraped_metrics(tmp_path: Path, lost: int, code: int) -> None:
    """Losses are held against the messages that were received."""
    old, new = scrapes(tmp_path / "old", 40, 0, 0), scrapes(tmp_path / "new", 40, 12, lost)
    done = nlmon("canary", "--control", old, "--canary", new, "--format", "json")

    assert (done.returncode, json.loads(done.stdout)["unit"]) == (code, "message")


def test_several_scrapes_of_a_host(tmp_path: Path) -> None:
    """What was counted before the first one, or before a start of the monitor, does not count twice."""
    for name, group in (("a", "old"), ("b", "new")):
        (tmp_path / group).mkdir()
        for at, dropped in enumerate((50, 60, 4)):
            (tmp_path / group / f"{name}.{at}.prom").write_text(SCRAPE.format(events=900 + 5 * at, dropped=dropped))
    old, new = (str(tmp_path / group / "*") for group in ("old", "new"))
    done = nlmon("canary", "--control", old, "--canary", new, "--format", "json")

    assert [json.loads(done.stdout)["control"][name] for name in ("hosts", "files", "events")] == [1, 3, 10]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        pytest.param("missing/*", "new/*", "NLM-Z002", id="no file"),
        pytest.param("new/b*", "new/b*", "NLM-Z003", id="in both groups"),
        pytest.param("new/b0.json", "new/m.prom", "NLM-Z004", id="logs and metrics"),
        pytest.param("new/m.prom", "new/n.prom", "NLM-Z006", id="no scrape"),
        pytest.param("new/nan.prom", "new/n.prom", "NLM-Z006", id="not a number"),
        pytest.param("new/inf.prom", "new/n.prom", "NLM-Z006", id="infinite"),
        pytest.param("new/negative.prom", "new/n.prom", "NLM-Z006", id="fewer than none"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, code: str) -> None:
    """Each has its code and no traceback."""
    write(tmp_path / "new", hosts("b", 2, 5))
    for name in ("m", "n"):
        (tmp_path / "new" / f"{name}.prom").write_text("nothing\n")
    for name, value in (("nan", "NaN"), ("inf", "+Inf"), ("negative", "-1")):
        (tmp_path / "new" / f"{name}.prom").write_text(f"nlmon_netlink_messages_total {value}\n")
    done = nlmon("canary", "--control", old, "--canary", new, folder=tmp_path)

    assert (code in done.stderr, "Traceback" in done.stderr, done.returncode) == (
        True,
        False,
        2 if code in {"NLM-Z003", "NLM-Z004"} else 3,
    )


def test_a_file_that_is_called_as_a_pattern(tmp_path: Path) -> None:
    """A name that a shell leaves is of the file, whatever signs are in it."""
    write(tmp_path, hosts("a", 2, 5))
    (tmp_path / "a0.json").rename(tmp_path / "web[1].json")
    done = nlmon("canary", "--control", "web[1].json", "--canary", "a1.json", folder=tmp_path)

    assert (done.stdout.splitlines()[-1], done.stderr) == ("hold", "")


@pytest.mark.parametrize(
    ("since", "events"),
    [
        ("1795000000", 200),
        ("1795000000.5", 160),
        ("2026-11-18T11:06:40Z", 200),
        ("2026-11-18T11:06:40", 200),
        ("2026-11-18 12:06:40.500+01:00", 160),
        ("2026-11-18", 200),
        ("9999-12-31", 0),
    ],
)
def test_times(tmp_path: Path, since: str, events: int) -> None:
    """ISO 8601, of UTC unless it says otherwise, and seconds since 1970."""
    old = write(tmp_path / "old", [Host(f"a{at}", {"RTM_NEWLINK": 5}, {}, 3600.0) for at in range(40)])
    new = write(tmp_path / "new", [Host(f"b{at}", {"RTM_NEWLINK": 5}, {}, 3600.0) for at in range(40)])
    done = nlmon("canary", "--control", old, "--canary", new, "--since", since, "--format", "json")

    assert (json.loads(done.stdout)["control"]["events"], done.returncode) == (events, 0 if events else 3)


@pytest.mark.parametrize("text", ["yesterday", "", "12:00", "-5", "1e9", "2026-13-01", "12345678901"])
def test_what_is_no_time(tmp_path: Path, text: str) -> None:
    """It is refused with what to write."""
    done = nlmon("canary", "--control", "a", "--canary", "b", f"--until={text}")

    assert (done.returncode, "is no time; write 2026-11-30T06:00:00Z" in done.stderr) == (2, True), done.stderr


def test_the_contract_is_no_measure(tmp_path: Path) -> None:
    """``--allow contract`` stands for all types that libnl alone gives."""
    old = write(
        tmp_path / "old", [Host(f"a{at}", {"RTM_NEWLINK": 5, "RTM_NEWNSID": 5}, {}, 3600.0) for at in range(40)]
    )
    new = write(tmp_path / "new", [Host(f"b{at}", {"RTM_NEWLINK": 5}, {}, 3600.0) for at in range(40)])
    codes = [
        nlmon("canary", "--control", old, "--canary", new, *more).returncode for more in ((), ("--allow", "contract"))
    ]

    assert codes == [1, 0]


def test_scrapes_have_no_time(tmp_path: Path) -> None:
    """What they count is from the first to the last of them."""
    old, new = scrapes(tmp_path / "old", 2, 0, 0), scrapes(tmp_path / "new", 2, 0, 0)
    done = nlmon("canary", "--control", old, "--canary", new, "--since", "0")

    assert (done.returncode, "NLM-Z009" in done.stderr) == (2, True)


def test_folders_name_hosts(tmp_path: Path) -> None:
    """Where all files have one name."""
    for name in ("a", "b"):
        write(tmp_path / name, [Host("events", {"RTM_NEWLINK": 3}, {}, 3600.0)])
    arguments = ("canary", "--control", tmp_path / "a" / "*", "--canary", tmp_path / "b" / "*")

    assert "NLM-Z003" in nlmon(*arguments).stderr
    assert nlmon(*arguments, "--host", "folder").stdout.splitlines()[-1] == "hold"
