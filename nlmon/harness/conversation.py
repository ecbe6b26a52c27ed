"""The conversation with a program: greeting, datagrams and their answers in order, and the end.

Rules:
1. Exactly one answer for each datagram, in order. What else comes is a mistake of the program and an error here.
2. Up to ``window`` datagrams wait for an answer; in ``batch`` mode all of a batch do, answered at the end.
3. After a death or a mistake the program is started again when the next one is asked, a bounded number of times.

Not here: what an answer means (``values``), and pipes (``program``).
"""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeVar

import msgspec

from nlmon.errors import HarnessError
from nlmon.harness.command import Command
from nlmon.harness.program import Program, gone_is_an_error
from nlmon.harness.protocol import (
    END,
    FLUSH,
    PROTOCOL,
    Answer,
    Bye,
    Farewell,
    Greeting,
    Hello,
    ask_line,
    hello_line,
)
from nlmon.printable import printable
from nlmon.wire import Datagram

__all__ = ["Conversation"]

T = TypeVar("T")
SHOWN = 120
# For its greeting a program has so many times as long as for an answer: it loads what it needs first, which on a busy
# machine takes seconds.
START = 6
# Of a greeting: what groups are listed by, as a key of JSON is a text, and characters of a name.
PROTOCOL_NUMBER, NAME = re.compile(r"[0-9]{1,3}"), 1000

_GREETING, _ANSWER, _BYE = msgspec.json.Decoder(Greeting), msgspec.json.Decoder(Answer), msgspec.json.Decoder(Bye)


class Conversation:
    """One program, from its greeting to its end. ``hello``: what it said of itself when it was started first;
    ``starts``: how often it was started; ``asked``, ``events``: datagrams that it was given since, and what it
    answered.

    Raises ``HarnessError`` and ``UsageError`` where it cannot be started or does not greet."""

    def __init__(self, command: Command, byteorder: Literal["little", "big"]) -> None:
        self.command = command
        self.byteorder: Literal["little", "big"] = byteorder
        self.starts = 0
        self.asked = 0
        self.events = 0
        self._program: Program | None = None
        self.hello = self._start()

    def ask(self, datagrams: Iterable[Datagram]) -> Iterator[Answer]:
        """The answer to each datagram, in order. Raises ``HarnessError`` at the first that is not answered as the
        protocol asks; the program is ended then, and started again by the next call."""
        if self.hello.mode == "batch":
            yield from self._ask_batch(list(datagrams))
            return
        program = self._running()
        waiting: deque[int] = deque()
        with self._ending(program):
            for datagram in datagrams:
                self._send(program, datagram)
                waiting.append(self.asked)
                if len(waiting) >= self.command.window:
                    yield self._answer(program, waiting.popleft())
            while waiting:
                yield self._answer(program, waiting.popleft())

    @property
    def line(self) -> str:
        """The last line that the program wrote; empty where it does not run."""
        return "" if self._program is None else self._program.last.decode("utf-8", "backslashreplace")

    def close(self) -> Farewell | None:
        """Tell it that this is all. None: it does not run.

        Raises ``HarnessError`` (NLM-N010) for a program that does not say goodbye, or counted something else."""
        program, self._program = self._program, None
        if program is None:
            return None
        with self._ending(program):
            try:
                program.write(END)
                bye = self._decoded(program, _BYE, program.read(), '{"bye": {"datagrams": …, "events": …}}').bye
            except HarnessError as error:
                if error.code != "NLM-N003":
                    raise
                what = f"{self.command.text} ended without bye"
                raise HarnessError("NLM-N010", what, why=error.why or error.what) from None
            status = program.ended()
            if status:
                what = f"{self.command.text} ended with status {status} behind its bye"
                raise HarnessError("NLM-N010", what, why=program.said, hint="the status must be 0")
            self._hold(bye)
        program.kill()
        return bye

    def kill(self) -> None:
        """End it without a word."""
        program, self._program = self._program, None
        if program is not None:
            program.kill()

    # -- starting --------------------------------------------------------------------------------------------

    def _running(self) -> Program:
        if self._program is None:
            if self.starts > self.command.restarts:
                what = f"{self.command.text} is not started again"
                raise HarnessError("NLM-N009", what, why=f"it failed {self.starts} times", hint="set restarts")
            self._start()
        assert self._program is not None
        return self._program

    def _start(self) -> Hello:
        self.starts += 1
        self.asked = self.events = 0
        program = Program(self.command)
        with self._ending(program):
            program.write(hello_line(self.byteorder))
            line = program.read(START)
            hello = self._decoded(program, _GREETING, line, '{"hello": {"name": …, "protocol": 1, …}}').hello
            if hello.protocol != PROTOCOL:
                what = f"{self.command.text} speaks version {hello.protocol} of the harness protocol"
                why, hint = f"version {PROTOCOL} was asked for", "see docs/harness.md"
                raise HarnessError("NLM-N007", what, where=program.place, why=why, hint=hint)
            if wrong := _misfit(hello):
                raise HarnessError("NLM-N005", f"{self.command.text} {wrong[0]}", where=program.place, hint=wrong[1])
        self._program = program
        return hello

    @contextlib.contextmanager
    def _ending(self, program: Program) -> Iterator[None]:
        """Whatever goes wrong, the program has ended then."""
        try:
            with gone_is_an_error():
                yield
        except BaseException:
            self._program = None
            program.kill()
            raise

    # -- datagrams -------------------------------------------------------------------------------------------

    def _send(self, program: Program, datagram: Datagram) -> None:
        self.asked += 1
        program.write(ask_line(datagram, self.byteorder, self.asked))

    def _answer(self, program: Program, n: int) -> Answer:
        answer = self._decoded(program, _ANSWER, program.read(), '{"n": …, "events": […]}')
        if answer.n != n:
            what = f"{self.command.text} answered datagram {answer.n} where {n} was next"
            where, hint = program.place, "each datagram has one answer, in order"
            raise HarnessError("NLM-N006", what, where=where, hint=hint)
        self.events += len(answer.events)
        return answer

    def _ask_batch(self, datagrams: Sequence[Datagram]) -> Iterator[Answer]:
        """Ask all at once; where their answers do not fit, each half, down to the one that has none."""
        program = self._running()
        try:
            with self._ending(program):
                for datagram in datagrams:
                    self._send(program, datagram)
                first = self.asked - len(datagrams) + 1
                program.write(FLUSH)
                answers = [self._answer(program, n) for n in range(first, self.asked + 1)]
        except HarnessError:
            if len(datagrams) == 1:
                raise
            middle = len(datagrams) // 2
            self.starts -= 1  # the search for the one that it is has an end of its own
            yield from self._ask_batch(datagrams[:middle])
            yield from self._ask_batch(datagrams[middle:])
            return
        yield from answers

    # -- what goes wrong -------------------------------------------------------------------------------------

    def _decoded(self, program: Program, decoder: msgspec.json.Decoder[T], line: bytes, wanted: str) -> T:
        try:
            return decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            shown = printable(line[:SHOWN].decode("utf-8", "backslashreplace")) + " …" * (len(line) > SHOWN)
            what, hint = f"{self.command.text} wrote {shown!r}", f"the protocol asks for {wanted}"
            if "truncated" in str(error) and line.strip():
                hint += " on one line"
            raise HarnessError("NLM-N005", what, where=program.place, why=str(error), hint=hint) from None

    def _hold(self, bye: Farewell) -> None:
        """Hold its counts against ours. Raises ``HarnessError`` (NLM-N010)."""
        for said, count, things in ((bye.datagrams, self.asked, "datagrams"), (bye.events, self.events, "events")):
            if said != count:
                what = f"{self.command.text} counted {said:,} {things}"
                why = f"it was given {count:,}" if things == "datagrams" else f"its answers list {count:,}"
                raise HarnessError("NLM-N010", what, why=why, hint="bye counts since hello")


def _misfit(hello: Hello) -> tuple[str, str] | None:
    """What is wrong with a greeting whose types are right, and what to do."""
    if len(hello.name) > NAME:
        return f"has a name of {len(hello.name):,} characters", f"a name has at most {NAME:,}"
    if odd := next((one for one in hello.groups if not PROTOCOL_NUMBER.fullmatch(one)), None):
        return f"lists groups of {odd[:SHOWN]!r}", "groups stand by the number of their protocol, as text"
    return None
