"""What an author of a program got wrong: its greeting, the order, the form and the values of its answers, and its end.

Rules:
1. A program is given samples, and each line that it writes is held against the protocol. After a failure it is started
   again, so that one mistake does not hide the others.
2. Values are held against what the samples state, and these have few of the fields that there are; a comparison of a
   recording says more.
3. One mistake is one problem, however many samples show it.

Not here: the samples (``nlmon.cli.harness_samples``) and their values (``samples``), and printing what is found
(``nlmon.cli.harness_check``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import UNSET, Struct, structs

from nlmon.compare.statement import Statement, statement_of_hello
from nlmon.errors import HarnessError
from nlmon.events import PAYLOADS
from nlmon.framing import messages
from nlmon.harness.backend import CONTROL, UNSUPPORTED, stated_of
from nlmon.harness.command import Command
from nlmon.harness.conversation import Conversation
from nlmon.harness.protocol import Answer, Hello, Message
from nlmon.harness.samples import Sample, misstated
from nlmon.harness.spelling import misspelt
from nlmon.harness.values import NEXTHOPS, Values, converters, field_types, misfit
from nlmon.wire import Datagram

__all__ = ["Checked", "Problem", "check_program"]

ByteOrder = Literal["little", "big"]
# So many datagrams are on their way at once when that is tried.
WINDOW = 16


class Problem(Struct, frozen=True):
    """One thing that is wrong: its code, what the program was given when it first showed and what is wrong with its
    answer, and the ``line`` that it wrote, if that is what is wrong. ``cause``: what problems that are one have in
    common; ``others``: how many more samples show it."""

    code: str
    text: str
    line: str = ""
    cause: str = ""
    others: int = 0


class Checked(Struct, frozen=True):
    """What came of a check. ``hello``: None where it did not greet."""

    hello: Hello | None
    datagrams: int
    events: int
    problems: tuple[Problem, ...]


def check_program(command: Command, byteorder: ByteOrder, samples: Sequence[Sample]) -> Checked:
    """Give a program every sample, one after another, and if nothing is wrong many at once.

    Raises ``UsageError`` for a command that is not there."""
    patient = structs.replace(command, restarts=len(samples) + 1, window=1)
    try:
        conversation = Conversation(patient, byteorder)
    except HarnessError as error:
        return Checked(None, 0, 0, (_failure(error, "hello"),))
    hello, answers = conversation.hello, 0
    problems = [_misfit(text, "hello", conversation.line) for text in _of_hello(hello)]
    values = Values(hello.absent, hello.shapes)
    statement = stated_of(hello, values, hello.name)[0]
    for sample in samples:
        if sample.datagram.protocol not in hello.netlink:
            continue
        try:
            (answer,) = conversation.ask((sample.datagram,))
        except HarnessError as error:
            problems.append(_failure(error, sample.name))
            continue
        answers += len(answer.events)
        found = dict.fromkeys(_of_answer(answer, sample.datagram, byteorder, statement, values))
        problems += [_misfit(text, sample.name, conversation.line) for text in found]
        wrong = dict.fromkeys(misstated(sample, answer, statement, values))
        problems += [_misstated(text, sample.name, conversation.line) for text in wrong]
    given = [one.datagram for one in samples if one.datagram.protocol in hello.netlink]
    what = "end"
    try:
        conversation.close()
        if not problems:
            what = f"{WINDOW} datagrams at once"
            _many_at_once(structs.replace(command, restarts=0, window=WINDOW), byteorder, given)
    except HarnessError as error:
        problems.append(_failure(error, what))
    return Checked(hello, len(given), answers, tuple(_each_once(problems)))


def _each_once(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems in order; of those that are one the first, with how many there are."""
    alike: dict[tuple[str, str], list[Problem]] = {}
    for one in problems:
        alike.setdefault((one.code, one.cause), []).append(one)
    for first, *others in alike.values():
        yield structs.replace(first, others=len(others))


def _many_at_once(command: Command, byteorder: ByteOrder, datagrams: Sequence[Datagram]) -> None:
    conversation = Conversation(command, byteorder)
    for _ in conversation.ask([*datagrams] * WINDOW):
        pass
    conversation.close()


def _misfit(text: str, sample: str, line: str) -> Problem:
    return Problem("NLM-N016", f"{sample}: {text}", line, text)


def _misstated(text: str, sample: str, line: str) -> Problem:
    return Problem("NLM-N017", f"{sample}: {text}", line, text)


def _failure(error: HarnessError, sample: str) -> Problem:
    return Problem(error.code, f"{sample}: {error.text}", cause=error.why or error.text)


def _of_hello(hello: Hello) -> Iterator[str]:
    """What is odd in a greeting that could be read."""
    if not hello.name:
        yield "name is empty"
    for name in statement_of_hello(hello)[1]:
        if name.partition(".")[2] != NEXTHOPS or not hello.shapes:
            yield f"provides or absent names {name}, which no event has"
    for kind, shape in hello.shapes.items():
        if (kind, shape) != ("route", NEXTHOPS):
            yield f"shapes names {shape!r} of {kind}; there is nexthops of route"
    for place, value in hello.absent.items():
        kind, _, field = place.partition(".")
        if why := misfit(kind, field, value):
            yield f"absent has a value of another type for {place}: {why}"


def _of_answer(
    answer: Answer, datagram: Datagram, byteorder: ByteOrder, says: Statement, values: Values
) -> Iterator[str]:
    """What is wrong with the form of an answer that could be read."""
    types = {one.offset: one.type for one in messages(datagram.data, byteorder)}
    for one in answer.events:
        if one.offset not in types and (datagram.data or one.offset):
            if one.fields is not None:
                yield f"offset {one.offset} is where no message begins; there is one at {sorted(types)}"
        elif one.type not in {-1, types.get(one.offset, -1)}:
            yield f"type {one.type} of the message at offset {one.offset}, whose nlmsg_type is {types[one.offset]}"
        yield from _of_message(one, says, values)


def _of_message(one: Message, says: Statement, values: Values) -> Iterator[str]:
    if one.fields is None:
        if one.error is None and one.skip is None:
            yield f"the entry at offset {one.offset} has none of fields, error and skip"
        if one.error is not None and one.error.code == "crash":
            yield f"it caught a crash of its own: {one.error.text}"
        if one.skip not in {None, UNSUPPORTED, CONTROL}:
            yield f"skip says {one.skip!r}; there are {UNSUPPORTED} and {CONTROL}"
        return
    if one.kind not in PAYLOADS:
        yield f"there is no kind {one.kind!r}; there are {', '.join(PAYLOADS)}"
        return
    fields = values.routed(one.kind, one.fields)
    known, family = field_types(PAYLOADS[one.kind]), _family(fields)
    for name, value in fields.items():
        if name not in known and not name.startswith("x-"):
            yield f"no event has {one.kind}.{name}"
        elif why := misfit(one.kind, name, value) or _misspelt(one.kind, name, value, family):
            yield f"{one.kind}.{name} is {value!r}: {why}"
    if not says.complete:
        return
    lacking = [name for name in known if name not in fields and says.provides(one.kind, name, family)]
    if lacking:
        yield f"hello says that it provides {', '.join(f'{one.kind}.{name}' for name in lacking)}; it is missing"
    if one.kind in says.interfaces and one.interface is UNSET:
        yield f"hello says that it names the interface of {one.kind}; the entry has no interface, beside fields"


def _family(fields: Mapping[str, Any]) -> int | None:
    family = fields.get("family")
    return family if isinstance(family, int) else None


def _misspelt(kind: str, name: str, value: object, family: object) -> str:
    convert = converters(PAYLOADS[kind], kind).get(name)
    return "" if convert is None or value is None else misspelt(kind, name, convert(value), family)
