"""Looks for new failures: property tests with examples that nobody chose, layouts and verdicts with damaged datagrams.

    PYTHONPATH=tests python -m support.fuzz [--minutes 10] [--seed N]

First come every change of a field (``support.mutations``) and, with fixed seeds, 10,000 operations on a kernel
(``support.law``), and 100,000 damaged messages and 2,000 broken files to every command (``support.sweep``); then
rounds, which begin until the minutes are over. Each round has a seed of its own, one more than that of the round
before.
The first failure ends the run: what failed is printed, with a command that repeats it. An example found here belongs
into its test, as ``@example``.

Exit code: 0 nothing was found, 1 something was.

Not here: which examples are tried (the tests that use hypothesis), and how datagrams are damaged (``support.layouts``,
``support.damage``).
"""

from __future__ import annotations

import argparse
import random
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence

from support.paths import REPOSITORY

__all__ = ["commands", "main"]

DATAGRAMS = 100_000
HIGHEST_SEED = 1 << 32


# Before the first round, with seeds of their own.
CHANGES, LAW, SWEEP = (["python", "-m", f"support.{one}"] for one in ("mutations", "law", "sweep"))
# Of a round.
OPERATIONS, MESSAGES, FILES = 1000, 10_000, 500


def commands(seed: int) -> list[list[str]]:
    """What a round runs."""
    return [
        [
            *("python", "-m", "pytest", "-q", "-m", "hypothesis and not live", "-n", "logical", "--dist", "loadgroup"),
            *("-p", "no:cacheprovider", "--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}"),
        ],
        *(
            ["python", "-m", program, "--datagrams", str(DATAGRAMS), "--seed", str(seed)]
            for program in ("support.layouts", "support.damage")
        ),
        [*LAW, "--operations", str(OPERATIONS), "--seed", str(seed)],
        [*SWEEP, "--messages", str(MESSAGES), "--files", str(FILES), "--seed", str(seed)],
    ]


def say(line: str) -> None:
    """Print a line before what a command prints."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run rounds until something fails or the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="rounds begin until then")
    parser.add_argument("--seed", type=int, help="of the first round; a random one unless given")
    options = parser.parse_args(arguments)
    seed = random.randrange(HIGHEST_SEED) if options.seed is None else options.seed
    end = time.monotonic() + 60 * options.minutes
    rounds = 0
    while rounds == 0 or time.monotonic() < end:
        say(f"seed {seed}")
        for command in [*([] if rounds else [CHANGES, LAW, SWEEP]), *commands(seed)]:
            done = subprocess.run([sys.executable, *command[1:]], cwd=REPOSITORY, check=False)
            if done.returncode:
                say(f"found with seed {seed}; again: PYTHONPATH=tests {shlex.join(command)}")
                return 1
        seed, rounds = (seed + 1) % HIGHEST_SEED, rounds + 1
    say(f"{rounds} rounds, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
