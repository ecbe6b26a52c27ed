"""A real dask scheduler and two workers on loopback: the report of one process, and what a cluster can lack."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from nlmon import __version__
from support.paths import FIXTURES, REPOSITORY

# One cluster for all.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cluster")]

CAPTURES = FIXTURES / "captures" / "linux-6.12"
SMALL = sorted(path for path in CAPTURES.glob("*.pcap.zst") if path.stat().st_size < 20_000)
HOST = "127.0.0.1"


def python(folder: Path, first: str) -> Mapping[str, str]:
    """An environment whose Python begins with these statements."""
    (folder / "sitecustomize.py").write_text(first, encoding="utf-8")
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


@contextmanager
def part(folder: Path, marker: str, *arguments: str, env: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A process of a cluster that has said it is ready; gives the end of the line with the marker."""
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        said = []
        try:
            for line in running.stderr:
                said.append(line)
                if marker in line:
                    break
            else:
                pytest.fail("".join(said))
            # What it says later is read, so that it never waits for us.
            threading.Thread(target=running.stderr.read, daemon=True).start()
            yield line.rpartition(marker)[2].strip()
        finally:
            running.kill()


def scheduler(folder: Path, **options: Any) -> Any:
    """A scheduler; gives its address."""
    words = ("distributed.cli.dask_scheduler", "--host", HOST, "--port", "0", "--no-dashboard", "--no-show")
    return part(folder, "Scheduler at:", *words, **options)


def worker(folder: Path, address: str, **options: Any) -> Any:
    """A worker with one thread, which the scheduler knows."""
    words = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", HOST, "--local-directory", str(folder))
    return part(folder, "Registered to:", "distributed.cli.dask_worker", address, *words, **options)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers, each in a folder of its own."""
    with ExitStack() as stack:
        address = stack.enter_context(scheduler(tmp_path_factory.mktemp("scheduler")))
        for name in ("first", "second"):
            stack.enter_context(worker(tmp_path_factory.mktemp(name), address))
        yield address


def replay(*arguments: object, **options: Any) -> tuple[int, str, str]:
    """Exit code, output and errors of a replay."""
    command = [sys.executable, "-m", "nlmon", "replay", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.long
def test_a_cluster_runs_scenarios_as_one_process_does(cluster: str) -> None:
    """The same lines but for the time, which the last one ends with."""
    arguments = ("run", "scenarios", "-k", "link", "--recorded")
    command = [sys.executable, "-m", "nlmon", *arguments]
    alone, spread = (
        subprocess.run([*command, *more], capture_output=True, text=True, check=False, timeout=300, cwd=REPOSITORY)
        for more in ((), ("--executor", f"dask:{cluster}"))
    )
    lines = [done.stdout.rpartition(",")[0] for done in (alone, spread)]

    assert (alone.returncode, spread.returncode, lines[0] == lines[1], spread.stderr) == (0, 0, True, "")


def opened(address: str, timeout: float, **options: Any) -> str:
    """What is said when a cluster is opened."""
    code = (
        "import sys\nfrom nlmon.errors import PlatformError\nfrom nlmon.jobs.cluster import open_cluster\n"
        "try:\n    with open_cluster(sys.argv[1], timeout=float(sys.argv[2])):\n        pass\n"
        "except PlatformError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", code, address, str(timeout)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("form", [pytest.param("json", marks=pytest.mark.long), "jsonl"])
def test_a_cluster_reports_what_one_process_reports(cluster: str, form: str) -> None:
    """Byte for byte, with no word of dask on either stream; relative paths are those of who asks."""
    captures = [path.name for path in SMALL]
    one = replay(*captures, "--group", "tc", "--format", form, cwd=CAPTURES)

    assert replay(*captures, "--group", "tc", "--format", form, "--executor", f"dask:{cluster}", cwd=CAPTURES) == one
    assert (one[0], one[2]) == (0, "")


def test_a_file_that_workers_do_not_see_is_said(cluster: str) -> None:
    """With the machine, the path and what it takes; the others keep their verdicts."""
    code, out, err = replay(SMALL[0], "missing.pcap", "--executor", f"dask:{cluster}", "--format", "json", cwd=CAPTURES)

    assert (code, out) == replay(SMALL[0], "missing.pcap", "--format", "json", cwd=CAPTURES)[:2]
    assert err == (
        f"error[NLM-C001]: no such file ({CAPTURES / 'missing.pcap'} on {socket.gethostname()}); "
        "a worker opens captures by their path; keep them where all workers see the same\n"
    )


def test_another_version_is_refused(cluster: str, tmp_path: Path) -> None:
    """Exit code 4 with both versions, before anything is replayed."""
    other = python(tmp_path, "import nlmon\nnlmon.__version__ = '9.9'\n")
    code, out, err = replay(SMALL[0], "--executor", f"dask:{cluster}", "--format", "json", env=other)

    assert (code, out) == (4, "")
    assert err == (
        f"error[NLM-J002]: another version of nlmon (scheduler {cluster}): "
        f"it has {__version__} and the task is of 9.9; install the same version everywhere\n"
    )


def test_a_cluster_without_workers_is_said(tmp_path: Path) -> None:
    """It is not waited for without end."""
    with scheduler(tmp_path) as address:
        said = opened(address, 5)

    assert said == (
        f"NLM-J006: the cluster has no workers ({address}); start some with: dask worker {address} --nthreads 1\n"
    )


def test_a_cluster_without_nlmon_is_said(tmp_path: Path) -> None:
    """Where it cannot be loaded."""
    without = python(tmp_path, "import sys\nsys.modules['nlmon.jobs'] = None\n")
    with scheduler(tmp_path) as address, worker(tmp_path, address, env=without) as _:
        said = opened(address, 60)

    assert said.startswith("NLM-J007: the cluster lacks this nlmon (worker tcp://127.0.0.1:")
    assert said.endswith("; install the same nlmon on the scheduler and on all workers\n")


def test_a_scheduler_that_ends_costs_what_was_not_replayed(tmp_path: Path) -> None:
    """Each capture that has no report says so; exit code 4."""
    pipe = tmp_path / "pipe.pcap"
    os.mkfifo(pipe)
    with ExitStack() as stack:
        inner = stack.enter_context(ExitStack())
        address = inner.enter_context(scheduler(tmp_path))
        stack.enter_context(worker(tmp_path, address))
        command = [sys.executable, "-m", "nlmon", "replay", str(SMALL[0]), str(pipe), "--format", "jsonl"]
        running = stack.enter_context(
            subprocess.Popen(
                [*command, "--executor", f"dask:{address}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        with pipe.open("wb"):  # waits for the worker that opens its other end
            first = [running.stdout.readline() for _ in range(2)]  # type: ignore[union-attr]
            inner.close()
            out, err = running.communicate(timeout=60)

    assert [line.count('"verdict":"equivalent"') for line in first] == [0, 1]
    assert (running.returncode, out.count("\n"), '"verdict":"error"' in out) == (4, 2, True)
    assert err == (
        f"error[NLM-J001]: the process that replayed the capture is gone ({pipe}): "
        "it was killed, or memory ran out, or the scheduler ended; see the logs of the cluster\n"
    )


@pytest.mark.parametrize("kind", ["nobody", "somebody silent"])
def test_an_address_that_does_not_answer_is_said(kind: str) -> None:
    """Within the time that is given, whether nobody listens or somebody who says nothing."""
    with socket.create_server((HOST, 0)) as server:
        address = f"tcp://{HOST}:{server.getsockname()[1]}"
        if kind == "nobody":
            server.close()
        said = opened(address, 0.5)

    assert said == (
        f"NLM-J005: the scheduler does not answer ({address}): nothing came within 0.5 seconds; "
        "give the address that the scheduler printed when it started\n"
    )


@pytest.mark.parametrize("address", ["nonsense", "zzz://h:1", "tcp://[::1", "127.0.0.1"])
def test_an_address_that_is_none_is_said(address: str) -> None:
    """At once, with what is wrong with it."""
    code, out, err = replay(SMALL[0], "--executor", f"dask:{address}", "--format", "json")

    assert (code, out, err.count("\n")) == (4, "", 1)
    assert err.startswith(f"error[NLM-J005]: the scheduler does not answer ({address}): ")


def test_a_worker_is_no_scheduler(tmp_path: Path) -> None:
    """The error names what the address is of."""
    with scheduler(tmp_path) as address, ExitStack() as stack:
        words = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", HOST, "--local-directory", str(tmp_path))
        one = stack.enter_context(part(tmp_path, "Listening to:", "distributed.cli.dask_worker", address, *words))
        said = opened(one, 60)

    assert f"({one}): a dask Worker does; " in said


def test_without_dask_the_extra_is_named(tmp_path: Path) -> None:
    """Exit code 4 and what to install."""
    without = python(tmp_path, "import sys\nsys.modules['distributed'] = None\n")
    code, out, err = replay(SMALL[0], "--executor", "dask:tcp://h:1", "--format", "json", env=without)

    assert (code, out) == (4, "")
    assert err == (
        "error[NLM-J004]: dask is not installed: import of distributed halted; None in sys.modules; "
        "pip install 'nlmon[dask]'\n"
    )
