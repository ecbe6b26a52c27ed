"""Programs by name: in the settings, on the command line, in scenarios and in a stranger's tests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from nlmon.capture.write import PcapngWriter
from nlmon.errors import InputError, UsageError
from nlmon.harness.command import words
from nlmon.harness.named import command_of, configured
from nlmon.testing.messages import link, message
from nlmon.wire import Datagram
from support.command import nlmon
from support.harnesses import program, right_answers, settings

DATA = tuple(message(16, link(7, "d0", mtu=mtu)) for mtu in (1500, 1400))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a recording of two messages, and a harness that reads them as libnl does."""
    monkeypatch.chdir(tmp_path)
    with PcapngWriter(tmp_path / "two.pcapng", metadata={}) as writer:
        socket = writer.add_socket("route", 0)
        for time, data in enumerate(DATA, 1):
            writer.write(socket=socket, timestamp=time, data=data)
    command = program(tmp_path, right_answers("libnl", [Datagram(0, 0, 0, data) for data in DATA]))
    settings(tmp_path, "mine", command, timeout=30)
    return tmp_path


def test_settings_describe_a_program(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is relative to the file, which is looked for upwards."""
    text = (
        '[tool.nlmon.implementations.mine]\ncommand = ["a b", "-c"]\ndirectory = "sub"\ntimeout = 0.5\nmemory = 10\n'
        'window = 4\nrestarts = 0\nenvironment = {A = "1"}\n'
    )
    (here / "nlmon.toml").unlink()
    (here / "pyproject.toml").write_text(text)
    below = here / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    found = command_of("mine")

    assert (found.argv, found.directory) == (("a b", "-c"), str(here / "sub"))
    assert (found.timeout, found.memory, found.window, found.restarts) == (0.5, 10 << 20, 4, 0)
    assert found.environ()["A"] == "1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[implementations.a]\n", "the program a is not described (nlmon.toml:1): Object missing"),
        ("[implementations.a]\ncommand = 1\n", "the program a is not described (nlmon.toml:2): Expected `str | array`"),
        ("implementations = 1\n", "implementations must be a table of programs (nlmon.toml:1)"),
        ('[implementations.libnl]\ncommand = "a"\n', "libnl is no name that a program can have (nlmon.toml:1)"),
        ('[implementations."a:b"]\ncommand = "a"\n', "a:b is no name that a program can have (nlmon.toml:1)"),
        (
            '[implementations.a]\ncommand = "a"\ntimeout = 0\n',
            "the program a is not described (nlmon.toml:3): timeout is below its least value",
        ),
        (
            '[implementations.a]\ncommand = "a"\ntimeot = 1\n',
            "the program a is not described (nlmon.toml:3): Object",
        ),
        (
            'settings = 1\n[implementations]\nb = {command = "b"}\na.command = "a"\na.environment = {A = 1}\n',
            "the program a is not described (nlmon.toml:5): Expected `str`, got `int`",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_said(here: Path, text: str, said: str) -> None:
    """To whoever uses the name, and to whoever has other settings."""
    (here / "nlmon.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        configured()
    done = nlmon("replay", "two.pcapng")

    assert str(caught.value).startswith(f"NLM-N013: {said}")
    assert (done.returncode, done.stderr.startswith(f"error[NLM-N013]: {said}")) == (3, True)


@pytest.mark.parametrize(("text", "code"), [("", "NLM-N014"), ("a 'b", "NLM-N014")])
def test_what_is_no_command_is_said(text: str, code: str) -> None:
    """As a shell would."""
    with pytest.raises(UsageError) as caught:
        words(text)

    assert caught.value.code == code


def test_a_name_stands_wherever_one_is_named(here: Path) -> None:
    """Alone, against another one, in either place."""
    alone = nlmon("decode", "two.pcapng", "-i", "mine")
    both = [
        json.loads(nlmon("replay", "two.pcapng", *options, "--format", "json").stdout)["captures"][0]["verdict"]
        for options in (("-i", "mine"), ("--against", "mine", "-i", "libnl"), ("--against", "mine", "-i", "mine"))
    ]

    assert alone.stdout == nlmon("decode", "two.pcapng", "-i", "libnl").stdout
    assert both == ["equivalent", "equivalent", "inconclusive"]  # the last one is a comparison with itself


@pytest.mark.parametrize(
    "command", [("conform",), ("coverage",), ("filter", "fields"), ("filter", "explain", "netlink.link.mtu > 1")]
)
def test_what_a_program_cannot_say_is_refused(here: Path, command: tuple[str, ...]) -> None:
    """With the reason."""
    done = nlmon(*command, "-i", "mine")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error[NLM-N021]: mine is a program, of which nlmon knows only what it answers; choose legacy or libnl\n"
    )


def scenario(folder: Path, name: str) -> Path:
    """A scenario in which a program is the candidate."""
    digest = hashlib.sha256((folder / "two.pcapng").read_bytes()).hexdigest()
    path = folder / "a.yaml"
    path.write_text(
        f"scenario: 1\nid: a.b\ntitle: The MTU of a link is changed.\nimplementations: [legacy, {name}]\n"
        f"capture: {{path: two.pcapng, sha256: {digest}}}\n"
        "expect:\n  verdict: {migrate: equivalent, rollback: lossy}\n"
    )
    return path


def test_a_scenario_names_a_program(here: Path) -> None:
    """It is started where that is allowed, since a scenario may be a stranger's; an unknown name is said."""
    path = scenario(here, "mine")
    refused, allowed = nlmon("run", path), nlmon("run", path, "--allow-run")
    meant = nlmon("run", scenario(here, "libnl"), "-i", "mine")
    unknown = nlmon("run", scenario(here, "yours"), "--allow-run")

    assert (refused.returncode, "NLM-N022: the scenario starts a program, mine" in refused.stdout) == (3, True)
    assert (allowed.returncode, meant.returncode) == (0, 0), allowed.stdout
    assert "NLM-S027: no implementation is called 'yours'" in unknown.stdout
    assert "--nlmon-allow-run" in refused.stdout
    assert any(line.strip().startswith("reproduce") and "--allow-run" in line for line in refused.stdout.splitlines())


def test_a_name_that_there_is_not_is_said_with_those_that_there_are(here: Path) -> None:
    """The settings' among them."""
    done = nlmon("replay", "two.pcapng", "-i", "mien")

    assert (done.returncode, "choose legacy, libnl, mine, exec:COMMAND" in done.stderr) == (2, True)


def test_the_check_refuses_settings_that_take_a_name_of_nlmon(here: Path) -> None:
    """As every other command does."""
    (here / "nlmon.toml").write_text('[implementations.libnl]\ncommand = "a"\n')

    assert nlmon("harness", "check", "libnl").stderr.startswith("error[NLM-N013]: libnl is no name")


def test_a_state_that_cannot_be_known_says_what_is_missing(here: Path) -> None:
    """And does not say that the capture holds nothing."""
    hello = {"hello": {"name": "tiny", "protocol": 1, "provides": {"link": ["ifindex", "ifname"]}}}
    event = {"offset": 0, "type": 16, "kind": "link", "fields": {"ifindex": 7, "ifname": "d0"}}
    done = nlmon("state", "two.pcapng", "-i", f"exec:{program(here, [hello, {'events': [event]}])}")

    assert done.returncode == 3
    assert "does not provide of link family, target_netnsid" in done.stderr


def test_a_program_that_fails_gives_no_state_and_no_traceback(here: Path) -> None:
    """The failure is the program's, and no bug of nlmon."""
    command = program(here, [{"hello": {"name": "tiny", "protocol": 1}}, {"events": []}], "if number == 1: sys.exit(7)")
    done = nlmon("state", "two.pcapng", "-i", f"exec:{command}")

    assert (done.returncode, done.stderr.replace(command, "…")) == (
        4,
        "error[NLM-N003]: … ended with status 7 (line 2 of its output)\n",
    )
