"""The control socket: one monitor at a path, its owner's alone, and nobody is waited for."""

from __future__ import annotations

import os
import resource
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from nlmon.errors import PlatformError, TransportError
from nlmon.monitor.asking import ANSWER_KEPT, ask
from nlmon.monitor.control import CLIENTS_KEPT, REQUEST_KEPT, ControlSocket, Request
from nlmon.monitor.status import read_status
from nlmon.transport.kernel.waiting import readable
from support.monitors import STATUS, answering, serving

# Seconds: for an answer that never comes, and for one that does.
SHORT, PATIENCE = 0.3, 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a control socket is going to be."""
    return tmp_path / "folder" / "monitor.sock"


def connected(path: Path) -> socket.socket:
    """A client that has connected and said nothing."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(str(path))  # waits where many do
    client.settimeout(60)
    return client


def refused(path: Path) -> PlatformError:
    """Why no monitor can be opened there."""
    with pytest.raises(PlatformError) as raised:
        ControlSocket(path).open()
    return raised.value


def answer_of(path: Path, command: str = "status") -> bytes:
    """What a monitor answers, however busy this machine is."""
    return ask(path, command, PATIENCE)


def asked_in_vain(path: Path) -> PlatformError:
    """Why asking fails, which it does though the other end goes on for ever."""
    with pytest.raises(PlatformError) as raised:
        ask(path, "status", SHORT)
    return raised.value


def test_a_monitor_is_asked(path: Path) -> None:
    """The answer is the line that the monitor gives to the command."""
    with serving(path):
        assert read_status(answer_of(path), "here") == STATUS
        assert answer_of(path, "what") == b'{"error":"unknown"}\n'


def test_files_are_the_owners_alone(path: Path) -> None:
    """Folder, socket and lock have modes that keep everybody else out, whatever the mask is."""
    before = os.umask(0)
    try:
        with serving(path):
            modes = {one.name: stat.S_IMODE(one.lstat().st_mode) for one in (path.parent, *path.parent.iterdir())}
    finally:
        os.umask(before)

    assert modes == {"folder": 0o700, "monitor.sock": 0o600, "monitor.sock.lock": 0o600}


def test_the_mode_is_there_with_the_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket is never open to others: it has its mode before anybody can connect."""
    modes = []
    listen = socket.socket.listen

    def look(self: socket.socket, backlog: int) -> None:
        modes.append(stat.S_IMODE(path.stat().st_mode))
        listen(self, backlog)

    monkeypatch.setattr(socket.socket, "listen", look)
    with serving(path):
        assert modes == [0o600]


def test_the_end_removes_what_was_made(path: Path) -> None:
    """Socket and lock are gone; the folder stays for the next one."""
    with serving(path):
        pass

    assert list(path.parent.iterdir()) == []


def test_a_second_monitor_is_refused(path: Path) -> None:
    """The first one goes on and keeps its socket."""
    with serving(path):
        error = refused(path)

        assert (error.code, int(error.exit_code)) == ("NLM-M020", 4)
        assert read_status(answer_of(path), "here") == STATUS


def test_another_program_that_listens_is_refused(path: Path) -> None:
    """Somebody who answers without holding the lock is not replaced."""
    path.parent.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen(0)
        codes = [refused(path).code for _ in range(2)]  # the second time its backlog is full

    assert codes == ["NLM-M020", "NLM-M020"]


def test_what_a_dead_monitor_left_is_replaced(path: Path) -> None:
    """A socket that nobody listens on, with its lock, is no obstacle."""
    path.parent.mkdir(0o700)
    path.with_name("monitor.sock.lock").touch(0o600)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    with serving(path):
        assert read_status(answer_of(path), "here") == STATUS


def test_of_many_that_start_at_once_one_wins(path: Path) -> None:
    """Over a socket that a dead monitor left there is exactly one that opens."""
    path.parent.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    monitors = [ControlSocket(path) for _ in range(8)]
    codes: list[str] = []
    start = threading.Barrier(len(monitors))

    def open_one(monitor: ControlSocket) -> None:
        start.wait()
        try:
            monitor.open()
            codes.append("opened")
        except PlatformError as error:
            codes.append(error.code)

    threads = [threading.Thread(target=open_one, args=(monitor,)) for monitor in monitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for monitor in monitors:
        monitor.close()

    assert sorted(codes) == ["NLM-M020"] * 7 + ["opened"]


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    """A path that is longer than an address may be (unix(7): 108 bytes) works; a name that is, is an error."""
    folder = tmp_path / ("a" * 120)
    folder.mkdir()
    with serving(folder / "monitor.sock"):
        assert read_status(answer_of(folder / "monitor.sock"), "here") == STATUS

    assert refused(folder / ("a" * 120)).code == "NLM-M021"


def link_to_folder(path: Path) -> None:
    path.parent.with_name("real").mkdir(0o700)
    path.parent.symlink_to("real")


def open_folder(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)


def file_in_place(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("precious")


def link_in_place(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to("monitor.sock.lock")


def linked_lock(path: Path) -> None:
    path.parent.mkdir()
    path.with_name("precious").touch()
    path.with_name("monitor.sock.lock").symlink_to("precious")


def lock_of_two_names(path: Path) -> None:
    path.parent.mkdir()
    path.with_name("precious").touch()
    path.with_name("monitor.sock.lock").hardlink_to(path.with_name("precious"))


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (link_to_folder, "NLM-M022"),
        (open_folder, "NLM-M022"),
        (file_in_place, "NLM-M023"),
        (link_in_place, "NLM-M023"),
        (linked_lock, "NLM-M023"),
        (lock_of_two_names, "NLM-M023"),
    ],
)
def test_what_others_may_have_prepared_is_refused(path: Path, prepare: Callable[[Path], None], code: str) -> None:
    """No link is followed, no file is replaced, and no folder is used that everybody may write into."""
    prepare(path)
    before = {one.name: one.lstat().st_ino for one in path.parent.iterdir() if one.name != "monitor.sock.lock"}

    assert refused(path).code == code
    assert {one.name: one.lstat().st_ino for one in path.parent.iterdir() if one.name in before} == before


@pytest.mark.parametrize("path", ["no/such/folder/x.sock", "/proc/x.sock", "a\0b/x.sock"])
def test_where_none_can_be_made(path: str, tmp_path: Path) -> None:
    """A folder that is missing, one of the kernel's, and no path at all are errors with a code."""
    assert refused(tmp_path / path).code == "NLM-M021"


@pytest.mark.parametrize("path", ["no/such/folder/x.sock", "a\0b/x.sock"])
def test_a_check_finds_that_none_can_be_made(path: str, tmp_path: Path) -> None:
    """And makes nothing, also where one could be made."""
    with pytest.raises(PlatformError, match="NLM-M021"):
        ControlSocket(tmp_path / path).check()
    ControlSocket(tmp_path / "folder" / "x.sock").check()

    assert list(tmp_path.iterdir()) == []


def test_clients_that_say_nothing_hold_nobody_up(path: Path) -> None:
    """With more of them than are kept, the one that asks is answered, and the oldest are gone."""
    with serving(path), ExitStack() as clients:
        silent = [clients.enter_context(connected(path)) for _ in range(CLIENTS_KEPT + 4)]

        assert read_status(answer_of(path), "here") == STATUS
        assert silent[0].recv(1) == b""


def test_a_client_that_reads_nothing_holds_nobody_up(path: Path) -> None:
    """A long answer waits for whom it is for, and others are answered meanwhile; then it is whole."""
    long = b"x" * (2 << 20) + b"\n"

    def answer(request: Request) -> bytes:
        return long if request.command == "long" else answering(request)

    with serving(path, answer), connected(path) as slow:
        slow.sendall(b'{"command":"long"}\n')

        assert read_status(answer_of(path), "here") == STATUS
        received = b"".join(iter(lambda: slow.recv(1 << 16), b""))
    assert received == long


def test_many_are_answered_at_once(path: Path) -> None:
    """More that ask than are kept are all answered."""
    answers: list[bytes] = []
    with serving(path):
        threads = [threading.Thread(target=lambda: answers.append(answer_of(path))) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert [read_status(answer, "here") for answer in answers] == [STATUS] * 40


@pytest.mark.parametrize("request_", [b"\n", b"status\n", b"[]\n", b'{"command":1}\n', b"\xff\n", b"x" * REQUEST_KEPT])
def test_what_is_no_command_is_reported(path: Path, request_: bytes) -> None:
    """One that does not speak the protocol gets an error and the end, and so does one whose request has none."""
    with serving(path), connected(path) as client:
        client.sendall(request_)

        assert client.recv(1 << 16) == b'{"error":"the request is no command"}\n'
        assert client.recv(1) == b""


def test_an_error_of_the_answer_is_the_answer(path: Path) -> None:
    """A question that the monitor cannot answer does not end it, and who has asked learns why."""

    def fail(_: str) -> bytes:
        raise TransportError("NLM-T001", "a socket cannot be opened")

    with serving(path, fail):
        answers = [answer_of(path) for _ in range(2)]
    with pytest.raises(PlatformError) as raised:
        read_status(answers[1], "here")

    assert (raised.value.code, raised.value.why) == ("NLM-M026", "NLM-T001: a socket cannot be opened")


def test_a_request_in_pieces_is_read(path: Path) -> None:
    """A command may come byte by byte."""
    with serving(path), connected(path) as client:
        for byte in b'{"command":"status"}\n':
            client.sendall(bytes([byte]))

        assert read_status(client.makefile("rb").readline(), "here") == STATUS


def test_others_are_served_while_an_answer_is_made(path: Path) -> None:
    """One that asks is answered, one that goes is forgotten, and one for whom there is no room has to go; also if it is
    who waits for that answer."""
    control = ControlSocket(path)
    control.open()
    first, found = connected(path), []

    def serve(answer: Callable[[Request], bytes]) -> None:
        (descriptor,) = control.descriptors()
        control.serve(descriptor, answer)

    def slow(request: Request) -> bytes:
        with connected(path) as second:
            second.sendall(b'{"command":"status"}\n')
            serve(answering)
            found.append(read_status(second.makefile("rb").readline(), "here") == STATUS)
        if request.to == "gone":
            first.close()
        if request.to == "full":
            others = [connected(path) for _ in range(CLIENTS_KEPT)]
            serve(answering)
            found.extend(one.close() for one in others)
        return answering(Request("status"))

    for to in ("", "gone", "full"):
        first.close()
        first = connected(path)
        first.sendall(b'{"command":"switch","to":"%s"}\n' % to.encode())
        serve(slow)
        if not to:
            assert read_status(first.makefile("rb").readline(), "here") == STATUS
    first.close()
    serve(answering)
    control.close()

    assert found == [True, True, True, *[None] * CLIENTS_KEPT]


def test_one_that_goes_at_once_is_no_matter(path: Path) -> None:
    """A client that has gone before its answer leaves no trace."""
    with serving(path):
        for _ in range(50):
            with connected(path) as client:
                client.sendall(b'{"command":"status"}\n')

        assert read_status(answer_of(path), "here") == STATUS


def test_closing_what_was_never_open() -> None:
    """There is nothing to wait for, and nothing to remove."""
    control = ControlSocket(Path("x.sock"))
    control.close()

    assert control.descriptors() == []


@contextmanager
def other_end(path: Path, behave: Callable[[socket.socket], None]) -> Iterator[None]:
    """Somebody else at the path, who does with a connection what he likes."""
    path.parent.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def say_nothing(connection: socket.socket) -> None:
    while connection.recv(100):
        pass


def trickle(connection: socket.socket) -> None:
    ended = threading.Event()
    try:
        while not ended.wait(0.02):
            connection.sendall(b"x")
    except OSError:
        pass


def flood(connection: socket.socket) -> None:
    try:
        while True:
            connection.sendall(bytes(1 << 16))
    except OSError:
        pass


def hang_up(connection: socket.socket) -> None:
    connection.recv(100)


def hang_up_unread(connection: socket.socket) -> None:
    pass


@pytest.mark.parametrize("behave", [say_nothing, trickle, flood, hang_up, hang_up_unread])
def test_whatever_the_other_end_does_there_is_an_error_in_time(
    path: Path, behave: Callable[[socket.socket], None]
) -> None:
    """Silence, an answer without an end, however fast, and a connection that ends are errors by the deadline."""
    with other_end(path, behave):
        assert asked_in_vain(path).code == "NLM-M025"


def test_a_full_backlog_is_an_error_in_time(path: Path) -> None:
    """One that accepts nobody is given up."""
    path.parent.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(0)
        with connected(path):
            assert asked_in_vain(path).code == "NLM-M025"


def test_where_nobody_listens_none_runs(path: Path) -> None:
    """No folder, no socket, and one that a dead monitor left mean the same: exit code 4, and what to do."""
    errors = [asked_in_vain(path)]
    path.parent.mkdir(0o700)
    errors.append(asked_in_vain(path))
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    errors.append(asked_in_vain(path))

    assert [(error.code, int(error.exit_code), bool(error.hint)) for error in errors] == [("NLM-M024", 4, True)] * 3


def test_a_link_is_not_asked(path: Path) -> None:
    """A symbolic link in the place of the socket, or of its folder, may lead to anybody."""
    with serving(path):
        link = path.with_name("link.sock")
        link.symlink_to(path)
        folder = path.parent.with_name("link")
        folder.symlink_to(path.parent)

        assert [asked_in_vain(one).code for one in (link, folder / path.name)] == ["NLM-M027", "NLM-M022"]


def test_a_file_is_not_asked(path: Path) -> None:
    """What is no socket is no monitor."""
    path.parent.mkdir()
    path.touch()

    assert asked_in_vain(path).code == "NLM-M027"


def test_the_longest_answer_has_a_bound() -> None:
    """No status of a monitor comes near to it."""
    assert 1000 * len(answering(Request("status"))) < ANSWER_KEPT


def test_without_a_descriptor_one_is_let_in_and_answered(path: Path) -> None:
    """Nobody who waits keeps the loop busy, and the next one is answered, too."""
    control = ControlSocket(path)
    control.open()
    answered = []
    for _ in range(2):
        with connected(path) as client, no_descriptors():
            _serve(control)
            answered.append((readable(control.descriptors(), 0), client.recv(4096)))
    control.close()

    assert answered == [([], b'{"error":"the monitor has no descriptor left"}\n')] * 2


def test_without_a_descriptor_who_has_been_there_longest_goes(path: Path) -> None:
    """For the next one, who is served."""
    control = ControlSocket(path)
    control.open()
    with connected(path) as first, connected(path) as second:
        _serve(control)
        with connected(path) as new, no_descriptors():
            new.sendall(b'{"command":"status"}\n')
            _serve(control)
            _serve(control)
            found = first.recv(1), new.recv(4096)
        second.sendall(b'{"command":"status"}\n')
        _serve(control)
        found += (second.recv(4096),)
    control.close()

    assert found == (b"", b"{}\n", b"{}\n")


def _serve(control: ControlSocket) -> None:
    for descriptor in readable(control.descriptors(), 0):
        control.serve(descriptor, lambda _: b"{}\n")


@contextmanager
def no_descriptors() -> Iterator[None]:
    """This process has as many descriptors as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.dup(2)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 1, hard))
    with suppress(OSError):
        while True:
            taken.append(os.dup(2))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for one in taken:
        os.close(one)
