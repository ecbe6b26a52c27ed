"""``nlmon migrate`` and ``nlmon rollback``: what is printed, what is written, and what is left alone."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import jsonschema
import pytest

from nlmon.atomic import write_whole
from nlmon.cli import migrate_target
from nlmon.cli.migrate_target import replace_config
from nlmon.cli.schema import schema_text
from nlmon.errors import InputError
from support.command import nlmon
from support.paths import FIXTURES

TEXT = "# ours\nnetlink:\n  use_libnl: true  # why\n  caching:\n    enabled: true\n"
AFTER = "# ours\nnetlink:\n  use_libnl: false  # why\n"
LOST = "filter: netlink.diag.uid == 0\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with options of libnl."""
    path = tmp_path / "nlmon.yaml"
    path.write_text(TEXT)
    return path


def files(folder: Path) -> dict[str, str]:
    """Every file of a folder with its text."""
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_nothing_is_written_by_default(config: Path) -> None:
    """The changes and the difference are on standard output, and that is all."""
    done = nlmon("rollback", "nlmon.yaml", folder=config.parent)

    assert (done.returncode, done.stdout, done.stderr, files(config.parent)) == (
        0,
        "nlmon.yaml: 2 changes for legacy\n"
        "  NLM-V001 nlmon.yaml:3 netlink.use_libnl: true becomes false (needed): the choice of legacy is written out\n"
        "  NLM-V011 nlmon.yaml:4 netlink.caching: remove (needed): legacy has no such option\n"
        "\n--- nlmon.yaml\n+++ nlmon.yaml for legacy\n@@ -1,5 +1,3 @@\n # ours\n netlink:\n"
        "-  use_libnl: true  # why\n-  caching:\n-    enabled: true\n+  use_libnl: false  # why\n",
        "nothing was written\n",
        {"nlmon.yaml": TEXT},
    )


def test_applied(config: Path) -> None:
    """The file is replaced and keeps its mode, and what it was is beside it."""
    config.chmod(0o640)
    done = nlmon("rollback", "nlmon.yaml", "--apply", folder=config.parent)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in sorted(config.parent.iterdir())]

    assert (done.returncode, done.stderr, files(config.parent)) == (
        0,
        "written: nlmon.yaml; what it was is in nlmon.yaml.backup\n",
        {"nlmon.yaml": AFTER, "nlmon.yaml.backup": TEXT},
    )
    if sys.platform != "win32":
        assert modes == [0o640, 0o640]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(config: Path) -> None:
    """Of the file and of its backup."""
    os.chown(config, 12, 34)
    nlmon("rollback", config, "--apply")

    assert [(path.stat().st_uid, path.stat().st_gid) for path in config.parent.iterdir()] == [(12, 34), (12, 34)]


def test_a_backup_replaces_no_other(config: Path) -> None:
    """The next one has a number; and where nothing changes there is none."""
    for command in ("rollback", "migrate", "migrate"):
        nlmon(command, config, "--apply")

    assert {name: "use_libnl: true" in text for name, text in files(config.parent).items()} == {
        "nlmon.yaml": True,
        "nlmon.yaml.backup": True,
        "nlmon.yaml.backup.1": False,
    }


def test_checked(config: Path) -> None:
    """By the exit code alone, in both directions."""
    codes = [nlmon(command, config, "--check").returncode for command in ("rollback", "migrate")]

    assert (codes, files(config.parent)) == ([1, 0], {"nlmon.yaml": TEXT})


def test_written_elsewhere(config: Path) -> None:
    """A file that is there already is replaced with ``--force`` alone, and the configuration itself never."""
    other = config.parent / "other.yaml"
    first = nlmon("rollback", config, "--output", other)
    again = nlmon("rollback", config, "--output", other)
    forced = nlmon("rollback", config, "--output", other, "--force")
    same = nlmon("rollback", config, "--output", config, "--force")

    assert [one.returncode for one in (first, again, forced, same)] == [0, 3, 0, 3]
    assert ["NLM-V036" in one.stderr for one in (again, same)] == [True, True]
    assert files(config.parent) == {"nlmon.yaml": TEXT, "other.yaml": AFTER}


def test_what_would_not_work_is_not_written(config: Path) -> None:
    """Unless it is forced."""
    config.write_text(LOST)
    refused = nlmon("rollback", "nlmon.yaml", "--apply", folder=config.parent)
    left = files(config.parent)
    forced = nlmon("rollback", config, "--apply", "--force")

    assert (refused.returncode, refused.stderr, left, forced.returncode) == (
        1,
        "error[NLM-V021]: the filter would match nothing: legacy does not provide netlink.diag.uid (nlmon.yaml:1); "
        "write it with other fields, or remove it\nnothing was written\n",
        {"nlmon.yaml": LOST},
        0,
    )
    assert config.read_text() == LOST + "netlink:\n  use_libnl: false\n"


BAD = [
    ("netlink:\n  use_libnl: [unclosed\n", "NLM-G003", 3),
    ("netlink:\n  use_libln: true\n", "NLM-G011", 3),
    ("netlink: {use_libnl: true}\nnlmon: {netlink: {use_libnl: false}}\n", "NLM-G014", 3),
    ("netlink: {use_libnl: '${NOT_SET_ANYWHERE}'}\n", "NLM-G013", 3),
    ("netlink: &all {use_libnl: true}\n", "NLM-G006", 3),
    ("netlink:\n  ?\n    limits\n  : {message_pool_size: 9}\n", "NLM-V031", 1),
]


@pytest.mark.parametrize(("text", "code", "status"), BAD)
def test_a_bad_configuration_is_left_alone(config: Path, text: str, code: str, status: int) -> None:
    """With a code, a line and what to do, and even when it is forced."""
    config.write_text(text)
    done = nlmon("rollback", "nlmon.yaml", "--apply", "--force", folder=config.parent)

    assert (done.returncode, f"error[{code}]" in done.stderr, files(config.parent)) == (
        status,
        True,
        {"nlmon.yaml": text},
    )


def test_a_file_that_is_not_there() -> None:
    """It is named, as by ``nlmon config check``."""
    done = nlmon("migrate", "/no/such.yaml")

    assert (done.returncode, done.stdout, done.stderr.startswith("error[NLM-G010]")) == (3, "", True)


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes are of Unix")
def test_a_link_is_not_replaced(config: Path) -> None:
    """Neither is the file behind it, and the message names that."""
    link = config.parent / "link.yaml"
    link.symlink_to("nlmon.yaml")
    done = nlmon("rollback", link, "--apply")

    assert (done.returncode, f"name the file itself, {config}" in done.stderr) == (3, True)
    assert (link.is_symlink(), files(config.parent)) == (True, {"link.yaml": TEXT, "nlmon.yaml": TEXT})


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of Unix")
def test_a_read_only_file_is_not_replaced(config: Path) -> None:
    """Even by root, who could."""
    config.chmod(0o444)
    done = nlmon("rollback", config, "--apply")

    assert (done.returncode, "NLM-V035" in done.stderr, files(config.parent)) == (3, True, {"nlmon.yaml": TEXT})


@pytest.mark.skipif(sys.platform == "win32", reason="pipes with names are of Unix")
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_what_is_no_file_is_not_replaced(config: Path, force: tuple[str, ...]) -> None:
    """A pipe stays one, as a device would, whoever asks and however."""
    pipe = config.parent / "pipe"
    os.mkfifo(pipe)
    done = nlmon("rollback", config, "--output", pipe, *force)
    code = "NLM-V035" if force else "NLM-V036"

    assert (done.returncode, code in done.stderr, pipe.is_fifo()) == (3, True, True)


def test_no_file_is_called_a_dash(config: Path) -> None:
    """As others write to standard output with it, it is refused."""
    done = nlmon("rollback", config.name, "--output", "-", folder=config.parent)

    assert (done.returncode, "NLM-V036" in done.stderr, files(config.parent)) == (3, True, {"nlmon.yaml": TEXT})


def test_a_replacement_that_fails_leaves_no_backup(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk that is full the file is as it was, and alone."""

    def full(path: Path, data: bytes, **options: Any) -> None:
        if path == config:
            raise OSError(errno.ENOSPC, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr("nlmon.cli.migrate_target.write_whole", full)
    with pytest.raises(InputError, match=r"NLM-V035.*No space left"):
        replace_config(config, TEXT.encode(), b"what was made of it")

    assert files(config.parent) == {"nlmon.yaml": TEXT}


def test_a_folder_that_is_not_there(config: Path) -> None:
    """It is an error, and no file is left."""
    done = nlmon("rollback", config, "--output", config.parent / "none" / "a.yaml")

    assert (done.returncode, "NLM-V035" in done.stderr, files(config.parent)) == (3, True, {"nlmon.yaml": TEXT})


def test_a_file_that_changed_meanwhile_is_left_alone(config: Path) -> None:
    """What somebody else wrote stays."""
    with pytest.raises(InputError, match=r"NLM-V034.*changed meanwhile"):
        replace_config(config, b"what was read", b"what was made of it")

    assert files(config.parent) == {"nlmon.yaml": TEXT}


def test_as_data(config: Path) -> None:
    """By the published schema, with the changes, the difference and what was written."""
    done = nlmon("rollback", "nlmon.yaml", "--apply", "--format", "json", folder=config.parent)
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads(schema_text("migrate")))

    assert (report["written"], report["backup"], [one["code"] for one in report["changes"]]) == (
        "nlmon.yaml",
        "nlmon.yaml.backup",
        ["NLM-V001", "NLM-V011"],
    )


def test_problems_as_data(config: Path) -> None:
    """A configuration that is wrong has its problems in the report."""
    config.write_text("netlink: []\n")
    done = nlmon("migrate", config, "--format", "json")
    report = json.loads(done.stdout)

    assert (done.returncode, [one["code"] for one in report["problems"]], report["diff"]) == (3, ["NLM-G012"], "")


def test_a_recording_is_measured(config: Path) -> None:
    """Families, the receive buffer and the limit follow from what it holds."""
    config.write_text(
        "netlink:\n  use_libnl: true\n  caching: {}\n  protocols: {generic: true}\n  generic_families: [taskstats]\n"
        "  buffer_size: {receive: 4KB}\n  limits: {max_message_size: 1KB}\n"
    )
    capture = FIXTURES / "captures" / "linux-6.12" / "03-nl80211.pcap.zst"
    done = nlmon("migrate", config, "--capture", capture, "--format", "json")

    assert [(one["code"], one["after"]) for one in json.loads(done.stdout)["changes"]] == [
        ("NLM-V004", "[taskstats, nl80211]"),
        ("NLM-V005", "64KB"),
        ("NLM-V006", "4KB"),
    ]


def test_options_that_do_not_go_together(config: Path) -> None:
    """One of them writes, and another one does not."""
    done = nlmon("rollback", config, "--apply", "--check")

    assert (done.returncode, files(config.parent)) == (2, {"nlmon.yaml": TEXT})


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_of_two_at_once_one_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one begins while the first writes its backup, waits, and finds another file."""
    path, errors, others = tmp_path / "nlmon.yaml", list[str](), list[Thread]()
    path.write_bytes(b"before\n")

    def other() -> None:
        try:
            migrate_target.replace_config(path, b"before\n", b"other\n")
        except InputError as error:
            errors.append(error.code)

    def write(target: Path, data: bytes, **options: Any) -> None:
        if not others:
            others.append(Thread(target=other))
            others[0].start()
        write_whole(target, data, **options)

    monkeypatch.setattr(migrate_target, "write_whole", write)
    backup = migrate_target.replace_config(path, b"before\n", b"after\n")
    others[0].join()

    assert (errors, path.read_bytes(), backup.read_bytes()) == (["NLM-V034"], b"after\n", b"before\n")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["nlmon.yaml", "nlmon.yaml.backup"]
