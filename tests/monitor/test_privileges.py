"""Who a monitor runs as, read from /proc for every thread: as root of the machine, in a user namespace, and as a user.

Not here: a whole monitor (``test_unprivileged``).
"""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nlmon.errors import InternalError, PlatformError, UsageError
from nlmon.monitor import capabilities, privileges, users
from nlmon.monitor.capabilities import names_of, read_thread
from nlmon.monitor.privileges import RunsAs, choose
from nlmon.monitor.users import User, become, find_user, in_child, is_mapped, me
from nlmon.uapi import CAP_AUDIT_READ, CAP_NET_ADMIN
from support.privileged import dropped
from support.requirements import missing, require_netns, require_program

BOTH = 1 << CAP_NET_ADMIN | 1 << CAP_AUDIT_READ
NOBODY = 65534


@pytest.fixture
def root() -> None:
    """Root of the machine with both capabilities, where there is a user nobody and none called nlmon."""
    if os.geteuid() or capabilities.permitted() & BOTH != BOTH:
        missing("this needs root with CAP_NET_ADMIN and CAP_AUDIT_READ")
    if find_user("nlmon") is not None or find_user("nobody") is None:
        pytest.skip("this machine has other users")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user can get to; those of pytest are root's alone."""
    with tempfile.TemporaryDirectory(prefix="nlmon-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def held(thread: dict[str, object]) -> tuple[object, ...]:
    """Sets of capabilities of a thread: permitted, effective, inheritable, ambient, bounding; and no_new_privs."""
    return tuple(
        thread[key] for key in ("permitted", "effective", "inheritable", "ambient", "bounding", "no_new_privs")
    )


def test_root_becomes_an_ordinary_user(root: None) -> None:
    """Every thread is nobody's in his group alone, holds the two capabilities, and can never have more."""
    found = dropped()

    assert (found["user"], found["notices"]) == ("nobody", [])
    assert found["text"] == f"nobody (uid {NOBODY}), CAP_NET_ADMIN CAP_AUDIT_READ"
    assert len(found["threads"]) == 2
    for thread in found["threads"]:
        assert (thread["users"], thread["groups"], thread["further_groups"]) == ([NOBODY] * 4, [NOBODY] * 4, [])
        assert held(thread) == (BOTH, BOTH, 0, 0, 0, True)


def test_further_groups_are_given_up(root: None) -> None:
    """Groups that root was in when it started the monitor are gone."""
    require_program("setpriv")
    found = dropped(prefix=["setpriv", "--groups", "4,5"])

    assert [thread["further_groups"] for thread in found["threads"]] == [[], []]


@pytest.mark.parametrize("name", ["daemon", str(NOBODY)])
def test_a_user_is_named(root: None, name: str) -> None:
    """By name or number."""
    found = dropped(name)
    number = pwd.getpwnam(name).pw_uid if name == "daemon" else NOBODY

    assert [(thread["users"], held(thread)) for thread in found["threads"]] == [
        ([number] * 4, (BOTH, BOTH, 0, 0, 0, True))
    ] * 2


def test_sockets_still_open(root: None) -> None:
    """Who has dropped the privileges of root joins a group that takes each of the two capabilities, and opens no file
    of root and no port of the system."""
    then = """
values["refused"] = 0
audit = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)
audit.bind((0, 1))
other = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
other.bind((0, 1))
audit.close(), other.close()
for path in ("/etc/shadow",):
    try:
        open(path)
    except PermissionError:
        values["refused"] += 1
for change in (lambda: os.setresuid(0, 0, 0), lambda: os.chown("/", 0, 0), lambda: os.chroot("/")):
    try:
        change()
    except PermissionError:
        values["refused"] += 1
"""
    assert dropped(then=then)["refused"] == 4


@pytest.mark.slow
def test_no_program_gets_more(root: None) -> None:
    """What it starts has no capabilities at all, though its user were root, and a set-user-ID program changes
    nothing."""
    then = """
import subprocess
text = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout
values["started"] = [line.split()[1] for line in text.splitlines() if line.startswith(("CapPrm", "CapEff", "NoNew"))]
"""
    nothing = ["0" * 16, "0" * 16, "1"]

    assert dropped(then=then)["started"] == nothing
    assert dropped("root", then=then)["started"] == nothing


def test_what_exports_write_decides(root: None, shared: Path) -> None:
    """Where nobody may write, the monitor stays root with the two capabilities alone and says so; where he may, it
    becomes nobody."""
    (shared / "closed").mkdir(0o755)
    (shared / "open").mkdir()
    (shared / "open").chmod(0o777)
    (shared / "open" / "mine").touch(0o600)
    os.chown(shared / "open" / "mine", NOBODY, NOBODY)
    (shared / "open" / "roots").touch(0o600)
    stays = dropped(writes=[str(shared / "closed" / "events.json")])

    assert (stays["user"], stays["notices"]) == ("root", ["NLM-M034"])
    assert [(thread["users"], held(thread)) for thread in stays["threads"]] == [
        ([0] * 4, (BOTH, BOTH, 0, 0, 0, True))
    ] * 2
    assert [
        dropped(writes=[str(shared / path)])["user"] for path in ("open/new", "open/mine", "open/roots", "none/new")
    ] == ["nobody", "nobody", "root", "root"]


@pytest.mark.slow
def test_what_a_reload_reads_decides(root: None, shared: Path) -> None:
    """A configuration that nobody may read again keeps the monitor root."""
    (shared / "public.yaml").touch(0o644)
    (shared / "secret.yaml").touch(0o600)

    assert [dropped(reads=[str(shared / name)])["user"] for name in ("public.yaml", "secret.yaml")] == [
        *("nobody", "root")
    ]


def test_its_own_code_decides(monkeypatch: pytest.MonkeyPatch, root: None, tmp_path: Path) -> None:
    """Where nobody may not read Python or nlmon, which are imported when they are needed, the monitor stays root."""
    tmp_path.chmod(0o700)
    (tmp_path / "module.py").touch()
    monkeypatch.setattr(privileges, "CODE", (tmp_path / "module.py",))

    assert [one.code for one in choose(None).notices] == ["NLM-M034"]


def test_a_monitor_that_stays_root_can_write(root: None, shared: Path) -> None:
    """It writes where root may without a capability, and nowhere else."""
    (shared / "roots").mkdir(0o700)
    (shared / "others").mkdir(0o755)
    os.chown(shared / "others", NOBODY, NOBODY)
    then = f"""
Path({str(shared)!r}, "roots", "events.json").touch(0o600)
try:
    Path({str(shared)!r}, "others", "events.json").touch()
except PermissionError:
    values["refused"] = True
"""
    assert dropped("root", then=then)["refused"] is True
    assert (shared / "roots" / "events.json").stat().st_uid == 0


def test_a_user_that_was_named_must_reach_the_files(root: None, shared: Path) -> None:
    """Else the start is refused before anything is opened, with the files."""
    (shared / "closed").mkdir(0o755)
    found = dropped("nobody", writes=[str(shared / "closed" / "events.json")])

    assert (found["code"], found["exit"]) == ("NLM-M031", 4)
    assert "closed/events.json" in found["text"]
    assert list((shared / "closed").iterdir()) == []


@pytest.mark.slow
def test_a_link_in_place_of_an_export_is_out_of_reach(root: None, shared: Path) -> None:
    """A link of somebody else at the path of an export, to a file that only root may write, opens nothing: the monitor
    is not root when it opens its exports."""
    (shared / "open").mkdir()
    (shared / "open").chmod(0o1777)
    (shared / "open" / "events.json").symlink_to("/etc/passwd")
    then = f"""
from nlmon.exporters.files import JsonLinesExporter
from nlmon.exporters.rotation import Rotation
exporter = JsonLinesExporter(Path({str(shared)!r}, "open", "events.json"), Rotation())
try:
    exporter.open()
except NlmonError as error:
    values["opened"] = error.code
"""
    assert [dropped(name, then=then)["opened"] for name in ("nobody", "root")] == ["NLM-O002", "NLM-O002"]


def test_files_of_exports_are_that_users_alone(root: None, shared: Path) -> None:
    """A file that an export makes belongs to the user that the monitor has become, with mode 0600."""
    (shared / "open").mkdir()
    os.chown(shared / "open", NOBODY, NOBODY)
    then = f"""
from nlmon.exporters.files import JsonLinesExporter
from nlmon.exporters.rotation import Rotation
exporter = JsonLinesExporter(Path({str(shared)!r}, "open", "events.json"), Rotation())
exporter.open()
exporter.close()
"""
    assert dropped(writes=[str(shared / "open" / "events.json")], then=then)["user"] == "nobody"
    facts = (shared / "open" / "events.json").stat()
    assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (NOBODY, 0o600)


@pytest.mark.slow
def test_in_a_user_namespace() -> None:
    """Root there cannot become a user that is not mapped: it keeps the two capabilities and says so; naming one is
    refused."""
    prefix = require_netns()
    if "--user" not in prefix:
        missing("the kernel refuses user namespaces")
    found = dropped(prefix=prefix)

    assert (found["user"], found["notices"]) == ("root", ["NLM-M034"])
    assert [(thread["users"], held(thread)) for thread in found["threads"]] == [
        ([0] * 4, (BOTH, BOTH, 0, 0, 0, True))
    ] * 2
    assert dropped("nobody", prefix=prefix)["code"] == "NLM-M035"
    assert dropped("root", prefix=prefix)["notices"] == []


def test_a_user_with_capabilities_gives_up_the_others(root: None) -> None:
    """As under systemd: the two that are given stay, a third one goes, and nothing is inherited."""
    require_program("setpriv")
    capabilities_given = "+net_admin,+audit_read,+chown"
    prefix = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    prefix += ["--inh-caps", capabilities_given, "--ambient-caps", capabilities_given]
    found = dropped(prefix=prefix)

    assert found["user"] == "nobody"
    for thread in found["threads"]:
        assert held(thread)[:4] == (BOTH, BOTH, 0, 0) and thread["no_new_privs"]


@pytest.mark.slow
def test_a_user_without_any_stays_without(root: None) -> None:
    """An ordinary user runs a monitor with what the kernel gives to everybody, and cannot name another one."""
    require_program("setpriv")
    prefix = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]

    assert dropped(prefix=prefix)["text"] == f"nobody (uid {NOBODY}), no capabilities"
    assert dropped("nobody", prefix=prefix)["user"] == "nobody"
    assert [dropped(name, prefix=prefix)["code"] for name in ("daemon", "no-such-user")] == ["NLM-M032", "NLM-M030"]


@pytest.mark.slow
def test_where_root_may_not_become_another(root: None) -> None:
    """In a container without CAP_SETUID a monitor of root ends rather than run with more than it needs."""
    require_program("setpriv")
    prefix = ["setpriv", "--bounding-set", "-setuid"]

    assert dropped(prefix=prefix)["code"] == "NLM-M033"
    assert dropped(prefix=prefix, writes=["/x"])["code"] == "NLM-M033"
    assert dropped("root", prefix=prefix)["user"] == "root"


def test_a_user_that_there_is_not() -> None:
    """Names and numbers of nobody are a usage error."""
    with pytest.raises(UsageError) as raised:
        privileges._named("no-such-user")

    assert raised.value.code == "NLM-M030"
    assert [find_user(name) for name in ("", "-1", "9" * 30, "\0", "٣")] == [None] * 5


def test_who_has_no_name_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of a container need not be in its list of users."""
    monkeypatch.setattr(users, "find_user", lambda _: None)

    assert me() == User("a user without a name", os.geteuid(), os.getegid())


def test_without_usual_users_root_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with neither nlmon nor nobody is asked to make one."""
    monkeypatch.setattr(privileges, "this_user", lambda: 0)
    monkeypatch.setattr(privileges, "find_user", lambda _: None)
    standing = choose(None)

    assert (standing.user.number, standing.notices[0].code) == (0, "NLM-M034")
    assert "useradd" in standing.notices[0].hint


def test_what_is_still_held_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that kept anything ends the monitor."""
    monkeypatch.setattr(RunsAs, "_keep", lambda _: 0)
    with pytest.raises(InternalError) as raised:
        RunsAs(User("somebody", -5, -5)).drop()

    assert raised.value.code == "NLM-M036"


def test_a_refusal_of_the_kernel_has_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback, and what to do instead."""

    def refuse(_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(capabilities, "forbid_new_privileges", lambda: refuse(0))
    with pytest.raises(PlatformError) as raised:
        RunsAs(me()).drop()

    assert (raised.value.code, raised.value.why) == ("NLM-M033", "Operation not permitted")


def test_a_child_that_gives_nothing_gives_nothing() -> None:
    """A copy of this process ends whatever happens in it."""

    def fail() -> bytes:
        raise MemoryError

    assert (in_child(lambda: b"given"), in_child(fail)) == (b"given", b"")


@pytest.mark.parametrize(
    ("rows", "mapped"),
    [("0 0 4294967295\n", True), ("0 1000 1\n", False), ("0 1000 1\n1 100000 65536\n", True), ("", False)],
)
def test_who_is_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str, mapped: bool) -> None:
    """A user exists in a namespace if one of its ranges has him and his group."""
    (tmp_path / "map").write_text(rows)
    monkeypatch.setattr(users, "UID_MAP", tmp_path / "map")
    monkeypatch.setattr(users, "GID_MAP", tmp_path / "map")

    assert is_mapped(User("nobody", NOBODY, NOBODY)) is mapped


def test_a_refusal_to_change_groups_is_an_error_unless_all_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups that are kept though they could be given up are none that a monitor may keep."""

    def refuse(_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setgroups", refuse)
    monkeypatch.setattr(os, "getgroups", lambda: [4])
    monkeypatch.setattr(users, "_is_group_change_denied", lambda: False)
    with pytest.raises(PermissionError):
        become(me())


def test_names_of_capabilities() -> None:
    """The two that are kept by name, others by number."""
    assert [names_of(one) for one in (0, BOTH, 1 << 21)] == [
        *("no capabilities", "CAP_NET_ADMIN CAP_AUDIT_READ", "capability 21")
    ]


def test_a_thread_is_read() -> None:
    """The lines of proc_pid_status(5)."""
    text = "Name:\tx: y\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t4 27 \nNoNewPrivs:\t0\n"
    text += "".join(
        f"{key}:\t00000000000000{10 + n}\n" for n, key in enumerate(["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
    )
    found = read_thread(text)

    assert (found.users, found.groups, found.further_groups) == ((1, 2, 3, 4), (5, 6, 7, 8), (4, 27))
    assert (found.inheritable, found.permitted, found.effective) == (0x10, 0x11, 0x12)
    assert (found.bounding, found.ambient, found.no_new_privs) == (0x13, 0x14, False)
