"""Where a policy comes from: files, options, which of them wins, and what is said about a mistake."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import tempfile
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import structs

from nlmon.cli.main import group
from nlmon.cli.policy_options import policy_options
from nlmon.errors import InputError, NlmonError, UsageError
from nlmon.names import PROTOCOLS
from nlmon.project.settings import SETTINGS, RunSettings, load_policy, load_run_settings, settings_schema
from nlmon.report.policy import Policy, fail_words
from support.paths import REPOSITORY

TEXT = (REPOSITORY / "docs/reference/settings.md").read_text(encoding="utf-8")


@click.command()
@policy_options
@click.argument("captures", nargs=-1)
def probe(captures: tuple[str, ...], policy: Policy) -> None:
    """A command with a policy."""
    click.echo(repr(policy))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(start: Path, config: Path | None = None, **options: object) -> Policy:
    return load_policy(start=start, config=config, options=options)


def run(*arguments: str) -> Policy | Exception:
    """The policy that a command gets, or why it gets none."""
    result = CliRunner().invoke(probe, arguments, standalone_mode=False)
    if isinstance(result.exception, Exception):
        return result.exception
    found: Policy = eval(result.output, {"Policy": Policy})
    return found


def test_without_settings_the_default_holds(here: Path) -> None:
    """No file and no option: no value has a source."""
    assert run() == load(here) == Policy()


def test_the_nearest_folder_counts(here: Path) -> None:
    """A pyproject.toml without [tool.nlmon] is passed over, and in one folder nlmon.toml wins."""
    below = here / "a" / "b"
    below.mkdir(parents=True)
    (here / "nlmon.toml").write_text("min_events = 2\n")
    (here / "pyproject.toml").write_text("[tool.nlmon]\nmin_events = 3\n")
    (below / "pyproject.toml").write_text("[tool.other]\nnlmon = 1\n")

    assert (load(below).min_events, load(below).sources) == (2, {"min_events": "nlmon.toml:1"})
    (here / "a" / "pyproject.toml").write_text("[tool.nlmon]\nmin_events = 4\n")
    assert load(below).sources == {"min_events": "a/pyproject.toml:2"}


def test_a_project_without_settings_may_hold_anything(here: Path) -> None:
    """A pyproject.toml that does not speak of nlmon is not read as TOML."""
    (here / "pyproject.toml").write_bytes(b"[broken \xff")

    assert load(here) == Policy()


def test_config_names_the_file(here: Path) -> None:
    """Instead of the one that would have been found, by any name; an empty one has no settings."""
    (here / "nlmon.toml").write_text("min_events = 2\n")
    (here / "other.toml").write_text("max_lost = 7\n")

    assert run("--config", "other.toml") == Policy(max_lost=7, sources={"max_lost": "other.toml:1"})
    assert run("--config", os.devnull) == Policy()


def test_options_win_key_by_key(here: Path) -> None:
    """What is not given stays as the file says; a default that is given has no source."""
    (here / "nlmon.toml").write_text("min_events = 2\nmax_lost = 3\nfail_on = ['lossy']\n")
    found = run("--min-events", "9", "--max-lost", "0")

    sources = {"fail_on": "nlmon.toml:3", "min_events": "--min-events"}
    assert found == Policy(fail_on=("lossy",), min_events=9, sources=sources)


@pytest.mark.parametrize(
    ("text", "arguments", "words", "source"),
    [
        ("", ["--strict"], ("warning",), "--strict"),
        ("fail_on = ['lossy']", ["--strict"], ("lossy", "warning"), "nlmon.toml:1 and --strict"),
        ("fail_on = ['warning']", ["--strict"], ("warning",), "nlmon.toml:1"),
        ("fail_on = ['lossy']", ["--strict", "--fail-on", "loss"], ("loss", "warning"), "--fail-on and --strict"),
        ("fail_on = ['lossy', 'lossy']", [], ("lossy",), "nlmon.toml:1"),
    ],
)
def test_strict_adds_a_word(here: Path, text: str, arguments: list[str], words: tuple[str, ...], source: str) -> None:
    """``--strict`` adds ``warning`` to what holds otherwise; each word stands once."""
    (here / "nlmon.toml").write_text(text)

    assert run(*arguments) == Policy(fail_on=words, sources={"fail_on": source})


def test_a_path_is_relative_to_where_it_stands(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file to its folder, of an option to the current folder; empty is none."""
    (here / "known.yaml").touch()
    (here / "nlmon.toml").write_text('known = "known.yaml"\n')
    (here / "a").mkdir()
    monkeypatch.chdir(here / "a")
    (here / "a" / "mine.yaml").touch()

    assert load(Path.cwd()).known == str(here / "known.yaml")
    assert run("--known", "mine.yaml") == Policy(known="mine.yaml", sources={"known": "--known"})
    assert run("--known", "") == Policy()


LINES = '''
# min_events = 1
[project]
text = """
[tool.nlmon]
min_events = 2
"""
other = [
  "]", # ]
  'min_events = 3',
]
[tool.nlmon] # here
fail_on = [
  "lossy",
  "warning", # ]
]

"min_events" = 4
require_protocols = ["ROUTE", "netlink_xfrm", "12"]
[tool.nlmon-other]
max_lost = 5
'''


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "dos"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "mark"])
def test_a_source_is_the_line_of_a_key(here: Path, end: str, mark: str) -> None:
    """Comments, strings and arrays over several lines do not look like keys."""
    (here / "pyproject.toml").write_bytes((mark + LINES.replace("\n", end)).encode())
    sources = {"fail_on": 13, "min_events": 18, "require_protocols": 19}

    assert load(here) == Policy(
        fail_on=("lossy", "warning"),
        min_events=4,
        require_protocols=("NETLINK_ROUTE", "NETLINK_XFRM", "NETLINK_NETFILTER"),
        sources={key: f"pyproject.toml:{line}" for key, line in sources.items()},
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("tool.nlmon.max_lost = 5\n", 1),
        ("[tool]\n\nnlmon.max_lost = 5\n", 3),
        ("[tool]\nnlmon = {max_lost = 5}\n", 2),
        ("['tool'.\"nlmon\"]\n\nmax_lost = 5", 3),
    ],
)
def test_a_table_may_be_written_in_other_ways(here: Path, text: str, line: int) -> None:
    """Dotted, inline and quoted, as TOML allows; the line is found, too."""
    (here / "pyproject.toml").write_text(text)

    assert load(here) == Policy(max_lost=5, sources={"max_lost": f"pyproject.toml:{line}"})


WORDS = ", ".join(dict.fromkeys(fail_words()))
FILES = [
    ("min_event = 1", "NLM-P005: no setting is called 'min_event' (nlmon.toml:1); write min_events"),
    ("\n\nfail-on = []", "NLM-P005: no setting is called 'fail-on' (nlmon.toml:3); write fail_on"),
    ("strict = true", "NLM-P005: no setting is called 'strict' (nlmon.toml:1); write fail_on = [\"warning\"]"),
    (
        "[tool.nlmon]\nmax_lost = 1",
        "NLM-P005: no setting is called 'tool' (nlmon.toml:1); write the keys at the top of the file, without "
        "[tool.nlmon]",
    ),
    (
        "colour = 1",
        "NLM-P005: no setting is called 'colour' (nlmon.toml:1); there are fail_on, min_events, max_lost, "
        "require_protocols, allow, known, allow_run, capture_folders, implementations, settings",
    ),
    (
        'min_events = "3"',
        "NLM-P006: min_events must be an integer (nlmon.toml:1): it is a string; such as min_events = 50",
    ),
    (
        "min_events = true",
        "NLM-P006: min_events must be an integer (nlmon.toml:1): it is a boolean; such as min_events = 50",
    ),
    ("max_lost = 1.0", "NLM-P006: max_lost must be an integer (nlmon.toml:1): it is a float; such as max_lost = 0"),
    (
        "known = 2026-01-01",
        'NLM-P006: known must be a string (nlmon.toml:1): it is a date or time; such as known = "known.yaml"',
    ),
    (
        'fail_on = "lossy"',
        'NLM-P006: fail_on must be an array of strings (nlmon.toml:1): it is a string; such as fail_on = ["lossy"]',
    ),
    (
        "require_protocols = [0]",
        "NLM-P006: require_protocols must be an array of strings (nlmon.toml:1): it holds an integer; such as "
        'require_protocols = ["route"]',
    ),
    (
        "[min_events]\na = 1",
        "NLM-P006: min_events must be an integer (nlmon.toml:1): it is a table; such as min_events = 50",
    ),
    ("max_lost = -1", "NLM-P007: max_lost is out of range (nlmon.toml:1): it is negative; such as max_lost = 0"),
    (
        "min_events = 0x" + "f" * 9999,
        "NLM-P007: min_events is out of range (nlmon.toml:1): it has more than 64 bits; such as min_events = 50",
    ),
    (
        "fail_on = ['losy']",
        "NLM-P008: 'losy' is no verdict and no class of difference; lossy is one (nlmon.toml:1)",
    ),
    (
        "fail_on = ['']",
        f"NLM-P008: '' is no verdict and no class of difference (nlmon.toml:1); there are {WORDS}",
    ),
    (
        "known = 'no.yaml'",
        "NLM-P010: the known differences 'no.yaml' cannot be read (nlmon.toml:1): No such file or "
        "directory; create the file, or leave the setting out",
    ),
    (
        "known = '.'",
        "NLM-P010: the known differences '.' cannot be read (nlmon.toml:1): it is a folder; create the "
        "file, or leave the setting out",
    ),
    (
        'known = "\\u0000"',
        "NLM-P010: the known differences '\\x00' cannot be read (nlmon.toml:1): embedded null "
        "byte; create the file, or leave the setting out",
    ),
    (
        "max_lost = 1\nmax_lost = 2\n\n",
        "NLM-P003: the settings are no TOML (nlmon.toml:2): Cannot overwrite a value; see toml.io",
    ),
    (
        "max_lost = ",
        "NLM-P003: the settings are no TOML (nlmon.toml:1): Invalid value at the end of the file; see toml.io",
    ),
    (
        "known = " + "[" * 9999,
        "NLM-P003: the settings are no TOML (nlmon.toml): arrays or tables are nested too deeply; see toml.io",
    ),
    (
        "#" * (1 << 20) + "#",
        "NLM-P001: the settings are larger than 1,048,576 bytes (nlmon.toml); name a settings file",
    ),
    (
        b"max_lost = 1\nknown = '\xe9'",
        "NLM-P002: the settings are no text (nlmon.toml:2): byte 0xe9 is not UTF-8; save it as UTF-8",
    ),
]


@pytest.mark.parametrize(("text", "said"), FILES, ids=[said[:60] for _, said in FILES])
def test_a_mistake_in_a_file_is_one_line(here: Path, text: str | bytes, said: str) -> None:
    """The code, what is wrong, the line, why, and what to do."""
    (here / "nlmon.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as caught:
        load(here)

    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("text", "line", "kind"),
    [
        ("\n[[tool.nlmon]]\nmax_lost = 1\n", ":2", "an array"),
        ("[tool]\na = 1\nnlmon = 2026-01-01\n", ":3", "a date or time"),
        ('tool."nl\\u006don" = 1 # nlmon', ":1", "an integer"),
        ('# tool\n"t\\u006fol".nlmon = 1', "", "an integer"),
    ],
)
def test_the_table_must_be_one(here: Path, text: str, line: str, kind: str) -> None:
    """[[tool.nlmon]] and a plain value are refused."""
    (here / "pyproject.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        load(here)

    assert str(caught.value) == (
        f"NLM-P006: [tool.nlmon] must be a table (pyproject.toml{line}): it is {kind}; write the keys below "
        "[tool.nlmon]"
    )


@pytest.mark.parametrize("key", ["route ", "9" * 5000, "77", "", "٣"], ids=range(5))
def test_an_unknown_protocol_is_refused(here: Path, key: str) -> None:
    """In a file and as an option, with those that there are."""
    (here / "nlmon.toml").write_text(f"require_protocols = [{json.dumps(key)}]", encoding="utf-8")
    found = run("--config", os.devnull, "--require-protocol", key)
    with pytest.raises(InputError) as caught:
        load(here)

    for error, kind, where in ((caught.value, InputError, "nlmon.toml:1"), (found, UsageError, "--require-protocol")):
        assert isinstance(error, kind)
        assert (error.code, error.what, error.where) == ("NLM-P009", f"{key!r} is no netlink protocol", where)
        assert error.hint.startswith("try route, ")


def test_a_file_that_cannot_be_read_is_said(here: Path) -> None:
    """It is missing, a folder, or a link that leads nowhere; a pyproject.toml that is named has the table."""
    (here / "pyproject.toml").touch()
    said = [str(run("--config", name)) for name in ("no.toml", ".", "pyproject.toml")]
    (here / "nlmon.toml").symlink_to("gone.toml")
    said.append(str(run()))

    assert said == [
        "NLM-P001: the settings cannot be read (no.toml): No such file or directory; name another with --config",
        "NLM-P001: the settings cannot be read (.): Is a directory; name another with --config",
        "NLM-P004: the file has no table [tool.nlmon] (pyproject.toml); add it, or name a file with the keys at its "
        "top",
        "NLM-P001: the settings cannot be read (nlmon.toml): No such file or directory; name another with --config",
    ]


def test_a_mistake_in_an_option_is_one_of_use(here: Path) -> None:
    """It names the option, and has exit code 2."""
    errors = [run(*line.split()) for line in ("--fail-on losy", "--known no.yaml", "--min-events -1")]
    codes = [error.exit_code for error in errors if isinstance(error, NlmonError | click.ClickException)]

    assert codes == [2, 2, 2]
    assert [str(error) for error in errors] == [
        "NLM-P008: 'losy' is no verdict and no class of difference; lossy is one (--fail-on)",
        "NLM-P010: the known differences 'no.yaml' cannot be read (--known): No such file or directory; create the "
        "file, or leave the setting out",
        "-1 is not in the range x>=0.",
    ]


def test_a_name_that_is_no_text_can_be_printed(here: Path) -> None:
    """The source shows the bytes of a folder's name, and JSON can hold it."""
    folder = here / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "nlmon.toml").write_text("max_lost = 1\n")

    assert load(folder).sources == {"max_lost": "caf\\xe9/nlmon.toml:1"}


def test_the_environment_is_not_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is called like a key changes nothing."""
    for key in SETTINGS:
        monkeypatch.setenv(f"NLMON_{key.upper()}", "3")

    assert run() == Policy()


def test_a_folder_that_is_gone_has_no_settings(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The options still hold."""
    gone = here / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    found = run("--max-lost", "2", "--config", os.devnull)
    monkeypatch.chdir(here)

    assert found == Policy(max_lost=2, sources={"max_lost": "--max-lost"})


NAMES = [name.removeprefix("NETLINK_").lower() for name in PROTOCOLS.values()]
COUNTS = st.integers(0, (1 << 63) - 1)
GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "fail_on": st.lists(st.sampled_from(fail_words()), min_size=1),
        "min_events": COUNTS,
        "max_lost": COUNTS,
        "require_protocols": st.lists(st.sampled_from([*NAMES, *PROTOCOLS.values(), "0"]), min_size=1),
        "allow": st.lists(st.sampled_from(["*", "link.*", "link.altnames", "xfrm_state"]), min_size=1),
        "known": st.sampled_from(["", os.devnull]),
    },
)


@given(GIVEN)
def test_a_file_and_options_say_the_same(values: dict[str, object]) -> None:
    """The same values give the same policy, except for where they are from; and the schema allows them."""
    arguments = []
    for key, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            arguments += [SETTINGS[key].option, str(one)]
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nlmon.toml"
        path.write_text(lines)
        of_file = load(Path(folder))
    of_options = run("--config", os.devnull, *arguments)

    assert isinstance(of_options, Policy)
    assert structs.replace(of_file, sources={}) == structs.replace(of_options, sources={})
    assert of_file.sources.keys() == of_options.sources.keys()
    assert list(Draft202012Validator(settings_schema()).iter_errors(values)) == []


@pytest.mark.slow
@given(st.text() | st.binary())
def test_any_text_is_settings_or_a_mistake(text: str | bytes) -> None:
    """A policy or an ``InputError``, nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nlmon.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(errors="replace"))
        try:
            found: object = load(Path(folder))
        except InputError as error:
            found = error

    assert isinstance(found, Policy | InputError)


def test_the_settings_are_the_fields_of_a_policy_and_of_runs() -> None:
    """In their order; the examples are TOML, and right."""
    examples = tomllib.loads("\n".join(setting.example for setting in SETTINGS.values()))

    assert [*SETTINGS, "sources"] == [
        *(name for name in Policy.__struct_fields__ if name != "sources"),
        *(*RunSettings.__struct_fields__, "sources"),
    ]
    assert list(Draft202012Validator(settings_schema()).iter_errors(examples)) == []


@pytest.mark.parametrize("value", ["2", "0", "9223372036854775807"])
def test_settings_of_another_version_are_refused(tmp_path: Path, value: str) -> None:
    """Nothing of them is used: a key may mean something else there."""
    (tmp_path / "nlmon.toml").write_text(f"settings = {value}\n")

    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert error.value.code == "NLM-P011"


def test_stored_settings_of_version_1_are_read(tmp_path: Path) -> None:
    """As they were written when there was no other version."""
    shutil.copy(Path(__file__).parent / "settings-version-1.toml", tmp_path / "nlmon.toml")
    policy = load(tmp_path)

    assert (policy.fail_on, policy.min_events, policy.max_lost, policy.require_protocols) == (
        *(("lossy", "reordered"), 50, 3, ("NETLINK_ROUTE", "NETLINK_XFRM")),
    )
    assert load_run_settings(start=tmp_path, config=None).allow_run is True


def test_settings_of_runs_are_no_policy(tmp_path: Path) -> None:
    """They stand in the same file; folders are relative to it."""
    (tmp_path / "nlmon.toml").write_text('allow_run = true\ncapture_folders = ["rec"]\nmin_events = 2\n')
    settings = load_run_settings(start=tmp_path, config=None)

    assert (settings.allow_run, [Path(one).resolve() for one in settings.capture_folders]) == (
        True,
        [tmp_path.resolve() / "rec"],
    )
    assert load(tmp_path).min_events == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [('allow_run = "yes"', "NLM-P006"), ("capture_folders = 3", "NLM-P006"), ("capture_folders = [1]", "NLM-P006")],
)
def test_wrong_settings_of_runs_are_refused(tmp_path: Path, line: str, code: str) -> None:
    """Whoever reads the file says so, also for a policy."""
    (tmp_path / "nlmon.toml").write_text(line)

    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert error.value.code == code


def blocks(kind: str) -> list[str]:
    """The blocks of the page of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["nlmon.toml", "pyproject.toml"])
def test_the_files_of_the_page_are_right(here: Path, name: str) -> None:
    """Both say the same."""
    (block,) = blocks(f"toml {name}")
    (here / name).write_text(block)
    protocols = ("NETLINK_ROUTE", "NETLINK_XFRM")
    wanted = Policy(fail_on=("lossy", "reordered"), min_events=50, require_protocols=protocols)

    assert structs.replace(load(here), sources={}) == wanted


def test_the_commands_of_the_page_can_be_typed(here: Path) -> None:
    """Those with a policy give one, and the others end with 0."""
    policies = [run(*shlex.split(line)[2:]) for line in "".join(blocks("sh options")).splitlines()]
    commands = [shlex.split(line)[1:] for line in "".join(blocks("sh tested")).splitlines()]

    assert [type(policy) for policy in policies] == [Policy] * 3
    assert [CliRunner().invoke(group, line).exit_code for line in commands] == [0]


def test_the_page_names_every_key() -> None:
    """Its option, its default and what it is for."""
    rows = re.findall(r"^\| `(\w+)` \| (?:`(\S+?)(?: \w+)?`)? ?\| [^|]+ \| `(.*)` \| (.*) \|$", TEXT, re.MULTILINE)
    both = Policy(), RunSettings()
    defaults = {
        key: json.dumps(next(getattr(one, key) for one in both if key in one.__struct_fields__)) for key in SETTINGS
    }

    assert rows == [(key, one.option, defaults[key], one.meaning) for key, one in SETTINGS.items()]
