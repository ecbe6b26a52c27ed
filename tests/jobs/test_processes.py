"""The executor of processes: a loss costs one task, an end leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import NoReturn

import pytest

from nlmon.errors import PlatformError
from nlmon.jobs import processes
from nlmon.jobs.processes import Processes, allowed_cpus
from support.paths import TESTS
from support.workers import mask, wait_for_a_signal


def gone(pid: int) -> bool:
    """Whether there is no such process, dead ones included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_tasks_share_their_processes() -> None:
    """One process is started where one is enough, and none is this one."""
    with Processes(1) as executor:
        found = {executor.submit(os.getpid).result() for _ in range(5)}

    assert (len(found), os.getpid() in found, [gone(pid) for pid in found]) == (1, False, [True])


def test_a_process_that_ends_costs_one_task() -> None:
    """The task gets an error; the next one gets another process."""
    with Processes(1) as executor:
        before = executor.submit(os.getpid).result()
        with pytest.raises(BrokenExecutor):
            executor.submit(os._exit, 3).result()
        after = executor.submit(os.getpid).result()

    assert before != after


def test_a_process_that_ends_idle_costs_nothing() -> None:
    """The next task gets another one."""
    with Processes(1) as executor:
        before = executor.submit(os.getpid).result()
        os.kill(before, signal.SIGKILL)
        while not gone(before):  # until its pool has noticed
            os.sched_yield()

        assert executor.submit(os.getpid).result() != before


def test_what_a_task_raises_is_raised() -> None:
    """And the process is used again."""
    with Processes(1) as executor:
        before = executor.submit(os.getpid).result()
        with pytest.raises(ValueError, match="invalid literal"):
            executor.submit(int, "x").result()

        assert executor.submit(os.getpid).result() == before


def leave(executor: Processes) -> NoReturn:
    """Ctrl-C in the middle of the work."""
    with executor:
        executor.submit(wait_for_a_signal)
        executor.submit(wait_for_a_signal)
        raise KeyboardInterrupt


def test_leaving_by_an_exception_ends_all() -> None:
    """Those that work and those that wait; nothing is begun afterwards."""
    executor = Processes(2)
    found = {executor.submit(os.getpid).result() for _ in range(2)}
    with pytest.raises(KeyboardInterrupt):
        leave(executor)

    assert [gone(pid) for pid in found] == [True] * len(found)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(os.getpid)


def test_processes_do_not_see_an_interrupt() -> None:
    """A terminal sends SIGINT to all of them; only who started them answers it. Each time one is started."""
    with Processes(1) as executor:
        masks = [executor.submit(mask).result()]
        with pytest.raises(BrokenExecutor):
            executor.submit(os._exit, 3).result()
        masks.append(executor.submit(mask).result())

    assert [signal.SIGINT in one for one in masks] == [True, True]
    assert signal.SIGINT not in mask()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=str)
def test_no_process_outlives_who_started_it(end: signal.Signals) -> None:
    """Whoever holds our standard output keeps it open; it closes although the task never ends."""
    code = (
        "import os, sys\nfrom support.workers import wait_for_a_signal\nfrom nlmon.jobs.processes import Processes\n"
        "if __name__ == '__main__':\n"
        "    executor = Processes(1)\n    executor.submit(os.getpid).result()\n"
        "    executor.submit(wait_for_a_signal)\n"
        f"    os.kill(os.getpid(), {int(end)})\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=60, check=False, env=environment
    )

    assert (done.returncode, done.stdout) == (-end, b"")


@pytest.mark.slow
def test_a_lost_process_is_no_broken_pipe() -> None:
    """Where SIGPIPE ends a program, as in the command, writing to a process that is gone does not."""
    signals = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        for _ in range(3):
            with Processes(2) as executor:
                tasks = [executor.submit(os._exit, 3) for _ in range(4)]

                assert [type(task.exception()) for task in tasks] == [BrokenProcessPool] * 4
    finally:
        signal.signal(signal.SIGPIPE, signals)


def test_a_process_that_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the system's reason and what to do."""

    def refuse(*_: object) -> NoReturn:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(processes, "ProcessPoolExecutor", refuse)
    with Processes(1) as executor, pytest.raises(PlatformError) as caught:
        executor.submit(os.getpid).result()

    assert str(caught.value) == (
        "NLM-J003: no process can be started: Resource temporarily unavailable; use fewer --jobs"
    )


def test_cpus_are_those_that_are_allowed() -> None:
    """Not all that the machine has."""
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from nlmon.jobs.processes import allowed_cpus; print(allowed_cpus())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (done.stdout, allowed_cpus()) == ("1\n", len(os.sched_getaffinity(0)))
