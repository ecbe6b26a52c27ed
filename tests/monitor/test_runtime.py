"""Where control sockets are."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.monitor import runtime
from nlmon.monitor.runtime import default_path, instances, socket_name
from support.monitors import serving


@pytest.mark.parametrize(
    ("user", "environ", "folder"),
    [
        (0, {}, "/run/nlmon"),
        (0, {"XDG_RUNTIME_DIR": "/run/user/0"}, "/run/nlmon"),
        (1000, {"XDG_RUNTIME_DIR": "/run/user/1000"}, "/run/user/1000/nlmon"),
        (1000, {"XDG_RUNTIME_DIR": "relative"}, "/run/nlmon"),
        (1000, {}, "/run/nlmon"),
    ],
)
def test_the_folder_is_that_of_the_user(
    user: int, environ: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root and services have the one of the system, and a user that of his session."""
    monkeypatch.setattr(runtime, "this_user", lambda: user)

    assert default_path([], environ) == Path(folder, "default.sock")


def test_the_name_is_that_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files give the same name from wherever they are named, and other files another one."""
    monkeypatch.chdir(tmp_path)
    here = default_path([Path("nlmon.yaml")], {})

    assert here == default_path([tmp_path / "nlmon.yaml"], {}) == default_path([Path("x/../nlmon.yaml")], {})
    assert here.name.startswith("nlmon-")
    assert len({here, default_path([Path("nlmon.yaml"), Path("b")], {}), default_path([Path("b/nlmon.yaml")], {})}) == 3


@pytest.mark.parametrize("path", ["/a/\x1b\n /é", "/" + "x" * 255 + ".yaml", "/\udcff.yaml", "/..yaml", "/"])
def test_any_file_has_a_name_that_fits(path: str) -> None:
    """Whatever a file is called, its socket has a plain name within the 107 bytes of an address."""
    name = socket_name([path])

    assert name.isascii() and name.isprintable() and " " not in name and not name.startswith(".")
    assert len(f"/proc/self/fd/1048576/{name}") <= 107


def test_instances_are_the_sockets_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither locks nor other files are among them, and no folder is none."""
    monkeypatch.setattr(runtime, "this_user", lambda: 1000)
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert instances(environ) == []

    with serving(tmp_path / "nlmon" / "b.sock"), serving(tmp_path / "nlmon" / "a.sock"):
        (tmp_path / "nlmon" / "c.sock").touch()
        assert [path.name for path in instances(environ)] == ["a.sock", "b.sock"]


def test_root_sees_those_of_every_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For root the folders of all sessions are looked into."""
    monkeypatch.setattr(runtime, "SYSTEM_FOLDER", tmp_path / "run")
    monkeypatch.setattr(runtime, "USERS_FOLDER", tmp_path / "user")
    monkeypatch.setattr(runtime, "this_user", lambda: 0)
    (tmp_path / "user" / "1000").mkdir(parents=True)

    with serving(tmp_path / "run" / "a.sock"), serving(tmp_path / "user" / "1000" / "nlmon" / "b.sock"):
        assert [path.name for path in instances({})] == ["a.sock", "b.sock"]
