"""Whose control sockets and folders are trusted, as root with those of another user, and as that user.

Not here: what one user may have prepared for himself (``test_control``).
"""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nlmon.errors import PlatformError
from nlmon.monitor import runtime
from nlmon.monitor.asking import ask
from nlmon.monitor.control import ControlSocket
from nlmon.monitor.status import read_status
from support.monitors import STATUS, serving
from support.requirements import missing
from support.users import NOBODY, python

ASK = """
import json, sys
from pathlib import Path
from nlmon.errors import NlmonError
from nlmon.monitor import runtime
from nlmon.monitor.asking import ask
from nlmon.monitor.control import ControlSocket

answers = []
for path in sys.argv[1:]:
    try:
        ask(Path(path), "status", 60.0)
        answers.append("answered")
    except NlmonError as error:
        answers.append(error.code)
try:
    ControlSocket(Path(sys.argv[1]).with_name("other.sock")).open()
except NlmonError as error:
    answers.append(error.code)
print(json.dumps(answers))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of root that every user can get to."""
    if os.geteuid():
        missing("this needs root")
    with tempfile.TemporaryDirectory(prefix="nlmon-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def theirs(path: Path) -> Path:
    """A folder of nobody."""
    path.mkdir(0o700)
    os.chown(path, NOBODY, NOBODY)
    return path


def test_a_folder_of_another_user_is_not_used(folder: Path) -> None:
    """Root makes no socket where another user could replace it, unless the monitor is going to run as that user."""
    theirs(folder / "theirs")
    with pytest.raises(PlatformError) as raised:
        ControlSocket(folder / "theirs" / "a.sock").open()

    assert raised.value.code == "NLM-M022"
    assert list((folder / "theirs").iterdir()) == []

    control = ControlSocket(folder / "theirs" / "a.sock", NOBODY)
    control.open()
    control.close()


def test_the_folder_of_the_system_is_for_every_monitor(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was given to the user of the first one; another one, of root, has its socket there as well, and what a killed
    one of that user has left is replaced."""
    monkeypatch.setattr(runtime, "SYSTEM_FOLDER", folder / "nlmon")
    theirs(folder / "nlmon")
    (folder / "nlmon" / "a.sock.lock").touch(0o600)
    os.chown(folder / "nlmon" / "a.sock.lock", NOBODY, NOBODY)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "nlmon" / "a.sock"))
    os.chown(folder / "nlmon" / "a.sock", NOBODY, NOBODY)

    with serving(folder / "nlmon" / "a.sock"):
        assert read_status(ask(folder / "nlmon" / "a.sock", "status"), "here") == STATUS


def test_a_socket_of_another_user_is_not_replaced(folder: Path) -> None:
    """Not even a dead one, in a folder into which everybody may write."""
    folder.chmod(0o1777)
    with serving(folder / "a.sock"):
        os.link(folder / "a.sock", folder / "b.sock")
    os.chown(folder / "b.sock", NOBODY, NOBODY)
    with pytest.raises(PlatformError) as raised:
        ControlSocket(folder / "b.sock").open()

    assert raised.value.code == "NLM-M023"


def test_root_does_not_believe_a_user_in_a_folder_of_others(folder: Path) -> None:
    """A socket of another user is not asked, but in a folder of his own, where nobody else could have put it."""
    with serving(folder / "a.sock"):
        os.chown(folder / "a.sock", NOBODY, NOBODY)
        with pytest.raises(PlatformError) as raised:
            ask(folder / "a.sock", "status")
        assert raised.value.code == "NLM-M027"

        theirs(folder / "theirs")
        os.link(folder / "a.sock", folder / "theirs" / "a.sock")
        assert read_status(ask(folder / "theirs" / "a.sock", "status"), "here") == STATUS


def test_another_user_is_not_answered(folder: Path) -> None:
    """A monitor of root is asked by root alone, even if its folder is open, and nobody makes a socket beside it."""
    (folder / "open").mkdir()
    (folder / "open").chmod(0o1777)
    with serving(folder / "open" / "a.sock"), serving(folder / "closed" / "a.sock"):
        answers = python("nobody", "-c", ASK, str(folder / "open" / "a.sock"), str(folder / "closed" / "a.sock"))

    assert answers == ["NLM-M027", "NLM-M027"]


def test_what_was_made_is_given_to_the_user(folder: Path) -> None:
    """Folder, socket and lock, with the modes that they had; what was there before is not touched."""
    control = ControlSocket(folder / "made" / "a.sock")
    control.open()
    control.give(NOBODY, NOBODY)
    made = {one.name: one.lstat() for one in (folder / "made", *(folder / "made").iterdir())}
    control.close()

    assert {name: (facts.st_uid, stat.S_IMODE(facts.st_mode)) for name, facts in made.items()} == {
        "made": (NOBODY, 0o700),
        "a.sock": (NOBODY, 0o600),
        "a.sock.lock": (NOBODY, 0o600),
    }
    other = ControlSocket(folder / "b.sock")
    other.open()
    other.give(NOBODY, NOBODY)
    owners = {one.lstat().st_uid for one in (folder, folder / "b.sock", folder / "b.sock.lock")}
    other.close()
    assert owners == {0}
