"""Who a monitor runs as: an ordinary user that holds the two capabilities that netlink sockets need, and no more.

    standing = choose(None, writes=[Path("/var/log/nlmon/events.json")], reads=config_files)
    standing.drop()                     # when the sockets are open, before there is a second thread

Rules:
1. Started by root, a monitor becomes the user that was named, else ``nlmon`` if there is one, else ``nobody``. In every
   case it keeps ``HELD`` alone, and no program that it starts can have more.
2. What it writes and reads later, its own code among it, must be within reach of that user; a child that becomes this
   user tries it before anything is opened. If it is not, a user that was named is refused; else the monitor stays root,
   with the two capabilities alone, and says so.
3. Whoever is no root stays who he is, and gives up what he has beyond ``HELD``.
4. What came of it is read from /proc, for every thread: a monitor that still holds more ends.

Not here: the calls (``capabilities``, ``users``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

import nlmon
from nlmon.config.problems import Position, Problem, notice
from nlmon.errors import InternalError, NlmonError, PlatformError, UsageError, reason_of
from nlmon.monitor import capabilities
from nlmon.monitor.runtime import this_user
from nlmon.monitor.users import User, become, find_user, in_child, is_mapped, me
from nlmon.uapi import CAP_AUDIT_READ, CAP_NET_ADMIN

__all__ = ["HELD", "USUAL", "RunsAs", "choose"]

HELD = (CAP_NET_ADMIN, CAP_AUDIT_READ)
# Who a monitor of root runs as when nobody is named: the first of these that there is.
USUAL = ("nlmon", "nobody")
ROOT = User("root", 0, 0)
# What is imported when it is needed must be within reach, too: Python, its packages and nlmon.
CODE = tuple(Path(str(one.__file__)) for one in (os, msgspec, nlmon))
# So many files are named in a message, and so much of the name of each.
FILES_SHOWN, NAME_SHOWN = 3, 200


class RunsAs(Struct, frozen=True):
    """Who a monitor is going to run as, and what is to be said of that."""

    user: User
    notices: tuple[Problem, ...] = ()

    def drop(self) -> None:
        """Become this user and keep ``HELD`` of what this process may do; raises ``PlatformError``."""
        try:
            kept = self._keep()
        except OSError as error:
            raise _not_dropped(self.user.name, reason_of(error)) from error
        for thread in capabilities.threads():
            held = thread.permitted | thread.effective | thread.inheritable | thread.ambient
            if {*thread.users} != {self.user.number} or held & ~kept or not thread.no_new_privs:
                raise InternalError("NLM-M036", "a thread of the monitor still has privileges of root", why=str(thread))

    def text(self) -> str:
        """Who this process runs as, for people: user and capabilities."""
        return f"{self.user.name} (uid {self.user.number}), {capabilities.names_of(capabilities.permitted())}"

    def _keep(self) -> int:
        """The capabilities that are kept, a bit for each."""
        kept = capabilities.permitted() & sum(1 << number for number in HELD)
        capabilities.forbid_new_privileges()
        if not this_user():
            capabilities.keep_over_change_of_user(True)
            become(self.user)
            capabilities.keep_over_change_of_user(False)
        capabilities.keep_capabilities(kept)
        return kept


def choose(named: str | None, *, writes: Sequence[Path] = (), reads: Sequence[Path] = ()) -> RunsAs:
    """Who the monitor runs as. ``named``: a user by name or number that was asked for; ``writes``: files that are
    written, made and renamed; ``reads``: files that are read again. Raises ``NlmonError``."""
    if this_user():
        return _unchanged(named)
    if named is None:
        return _usual(writes, reads)
    user = _named(named)
    if not is_mapped(user):
        why = "this user namespace does not map him or his group"
        hint = "see /proc/self/uid_map and gid_map"
        raise PlatformError("NLM-M035", "the monitor cannot run as this user", where=named, why=why, hint=hint)
    if lost := _out_of_reach(user, writes, reads):
        raise PlatformError(
            *("NLM-M031", f"the user {user.name} cannot use the files of this configuration"),
            where=_some(lost),
            hint=f"give them and their folder to {user.name}, or name another user",
        )
    return RunsAs(user)


def _unchanged(named: str | None) -> RunsAs:
    """This user, who is not root and cannot become another one."""
    user = me()
    if named is not None and _named(named).number != user.number:
        hint = "start the monitor as root, or as that user himself"
        raise PlatformError("NLM-M032", "only root can let the monitor run as another user", where=named, hint=hint)
    return RunsAs(user)


def _usual(writes: Sequence[Path], reads: Sequence[Path]) -> RunsAs:
    user = next(filter(None, map(find_user, USUAL)), None)
    if user is None:
        return _stays(f"there is no user {' or '.join(USUAL)}", "make one with useradd --system nlmon")
    if not is_mapped(user):
        return _stays(f"this user namespace does not map the user {user.name}", "see /proc/self/uid_map")
    if lost := _out_of_reach(user, writes, reads):
        hint = f"let {user.name} use them, name another user with --user NAME, or keep this one with --user root"
        return _stays(f"the user {user.name} cannot use {_some(lost)}", hint)
    return RunsAs(user)


def _stays(why: str, hint: str) -> RunsAs:
    what = f"the monitor stays root, with CAP_NET_ADMIN and CAP_AUDIT_READ alone, since {why}"
    return RunsAs(ROOT, (notice("NLM-M034", what, Position(), hint=hint),))


def _named(named: str) -> User:
    if (user := find_user(named)) is None:
        hint = "getent passwd lists the users; useradd --system makes one"
        raise UsageError("NLM-M030", "there is no such user", where=named, hint=hint)
    return user


def _out_of_reach(user: User, writes: Sequence[Path], reads: Sequence[Path]) -> list[str]:
    """The files that a user cannot use, some of them if they are many."""

    def tried() -> bytes:
        try:
            RunsAs(user).drop()
        except NlmonError as error:
            return msgspec.json.encode((str(error)[:NAME_SHOWN], []))
        lost = [path for path in writes if not _can_write(path)]
        lost += [path for path in (*reads, *CODE) if not _can(path, os.R_OK)]
        return msgspec.json.encode(("", [ascii(str(path))[1:-1][:NAME_SHOWN] for path in lost[: FILES_SHOWN + 1]]))

    failure, lost = msgspec.json.decode(in_child(tried) or b'["it ended",[]]', type=tuple[str, list[str]])
    if failure:
        raise _not_dropped(user.name, failure)
    return lost


def _can_write(path: Path) -> bool:
    """Whether a file can be made, renamed and deleted, and, if it is there, be written."""
    if not _can(path.parent, os.W_OK | os.X_OK):
        return False
    try:
        facts = path.lstat()
    except OSError:
        return True
    return facts.st_uid in {0, this_user()} and _can(path, os.R_OK | os.W_OK)


def _can(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)


def _not_dropped(user: str, why: str) -> PlatformError:
    return PlatformError(
        *("NLM-M033", "the privileges of root cannot be given up"),
        where=user,
        why=why,
        hint="start the monitor as an ordinary user with CAP_NET_ADMIN",
    )


def _some(files: Sequence[str]) -> str:
    return ", ".join([*files[:FILES_SHOWN], *["…"][: len(files) > FILES_SHOWN]])
