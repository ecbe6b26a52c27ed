"""The law of state: what the events of a namespace make is what its kernel lists, whatever was done in it.

    rules of a machine ─► ip, bridge, rtnetlink ─► kernel of a sandbox ─► events of both implementations ─► states
                                                        └──► ip -json, bridge -json ─────────► lines ◄───────┘

``StateMachine`` is a stateful test of hypothesis, each rule of which does one operation (``support.law_words``). After
some operations, and at the end, both states are held against what the kernel lists (``nlmon.scenario.kernel_state``).
At the end nothing may be held against one of both implementations, and a replay of the recording gives the same states.

    PYTHONPATH=tests python -m support.law [--operations 10000] [--seed 1]

Rules:
1. What the kernel refuses is no failure. It is counted, so that it shows when most is refused.
2. Examples are short, and states are compared often: what has gone cannot be wrong any more.

Not here: the namespace and the comparison (``support.law_namespace``); what events cannot say, and nexthop objects and
multicast databases, which are changed but are objects of no state (docs/reference/state.md); tun and tap, whose device
a sandbox does not have. Kinds of links that the kernel lacks are refused by it.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from hypothesis.strategies import booleans, sampled_from

from nlmon.errors import PlatformError
from support.law_namespace import Namespace
from support.law_words import SETUP, operation

__all__ = ["StateMachine", "main", "obey", "obeyed"]

# Operations of an example, examples of a seed, operations between two comparisons.
EXAMPLE = 50
EXAMPLES = 40
TOGETHER = 10
# Half of the examples have no nexthop objects.
NEXTHOPS = re.compile(r"nexthop (add|replace|del)|nhid")


class StateMachine(RuleBasedStateMachine):
    """Operations on a fresh namespace in any order."""

    # Operations by their kind, and whether they were refused.
    refused: ClassVar[Counter[tuple[str, bool]]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._namespace = Namespace()
        self._waiting: list[str] = list(SETUP)
        self._kinds: list[str] = []
        self._nexthops = False

    @initialize(dad=sampled_from((False,) * 7 + (True,)), nexthops=booleans())
    def begin(self, dad: bool, nexthops: bool) -> None:
        """Enter the namespace."""
        self._nexthops = nexthops
        self._namespace = self._stack.enter_context(Namespace(dad=dad))

    def teardown(self) -> None:
        """Compare for the last time, and leave."""
        try:
            self._compare()
            self._hold(self._namespace.accusations())
        finally:
            self._stack.close()
            done = self._namespace.done[len(SETUP) :]
            if len({line for line, _ in done}) > 1:  # the first example of a seed does one thing again and again
                self.refused.update((kind, refused) for kind, (_, refused) in zip(self._kinds, done, strict=False))

    def _do(self, kind: str, line: str) -> None:
        if not self._nexthops and NEXTHOPS.search(line):
            return
        self._waiting.append(line)
        self._kinds.append(kind)
        if len(self._kinds) % TOGETHER == 0:
            self._compare()

    def _compare(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._namespace.run(waiting)
        self._hold(self._namespace.differences())

    def _hold(self, found: dict[str, list[str]]) -> None:
        done = "\n".join(("# " if refused else "") + line for line, refused in self._namespace.done)
        assert found == {}, f"after these, of which those behind # were refused:\n{done}"

    @rule(line=operation("links"))
    def change_link(self, line: str) -> None:
        """Change a link."""
        self._do("links", line)

    @rule(line=operation("kinds"))
    def add_or_delete_link(self, line: str) -> None:
        """Add or delete a link."""
        self._do("kinds", line)

    @rule(line=operation("masters"))
    def enslave(self, line: str) -> None:
        """Make a link the port of a bridge, or free it."""
        self._do("masters", line)

    @rule(line=operation("moves"))
    def move(self, line: str) -> None:
        """Move a link to another namespace or back, and change it there."""
        self._do("moves", line)

    @rule(line=operation("addresses"))
    def change_address(self, line: str) -> None:
        """Add, change or delete an address."""
        self._do("addresses", line)

    @rule(line=operation("routes4"))
    def change_ipv4_route(self, line: str) -> None:
        """Add, append, prepend, replace or delete an IPv4 route."""
        self._do("routes4", line)

    @rule(line=operation("routes6"))
    def change_ipv6_route(self, line: str) -> None:
        """Add, append, replace or delete an IPv6 route."""
        self._do("routes6", line)

    @rule(line=operation("nexthops"))
    def change_nexthop(self, line: str) -> None:
        """Add, replace or delete a nexthop object."""
        self._do("nexthops", line)

    @rule(line=operation("rules"))
    def change_rule(self, line: str) -> None:
        """Add or delete a rule."""
        self._do("rules", line)

    @rule(line=operation("neighbours"))
    def change_neighbour(self, line: str) -> None:
        """Add, change or delete a neighbour or a proxy entry."""
        self._do("neighbours", line)

    @rule(line=operation("entries"))
    def change_entry(self, line: str) -> None:
        """Add, change or delete an entry of a forwarding or a multicast database."""
        self._do("entries", line)


def obey(first: int, operations: int) -> dict[str, tuple[int, int]]:
    """Run the machine from a seed, and from the next ones, until there were so many operations; how many there were of
    each kind, and how many of these the kernel refused. Fails with the commands that break the law, as few as there
    must be."""
    StateMachine.refused.clear()
    for number in itertools.count(first):
        missing = operations - StateMachine.refused.total()
        if missing <= 0:
            break
        options = settings(
            max_examples=min(EXAMPLES, missing // EXAMPLE + 2),
            stateful_step_count=EXAMPLE,
            deadline=None,
            database=None,
            derandomize=False,
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(seed(number)(StateMachine), settings=options)
    counts = StateMachine.refused
    kinds = sorted({kind for kind, _ in counts})
    return {kind: (counts[kind, False] + counts[kind, True], counts[kind, True]) for kind in kinds}


def obeyed(lines: Iterable[str], *, dad: bool = False) -> dict[str, list[str]]:
    """What some commands leave that breaks the law, after those that every example begins with."""
    with Namespace(dad=dad) as namespace:
        namespace.run((*SETUP, *lines))
        return namespace.differences() or namespace.accusations()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run seeds until there were so many operations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        with Namespace():
            pass
    except PlatformError as error:
        sys.stdout.write(f"not run: {error.text}\n")
        return 0
    kinds = obey(options.seed, options.operations)
    for kind, (count, refused) in kinds.items():
        sys.stdout.write(f"{kind:12} {count:6,} operations, {refused:6,} refused\n")
    count, refused = (sum(column) for column in zip(*kinds.values(), strict=True))
    sys.stdout.write(f"{count:,} operations, {refused:,} refused: the law holds\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
