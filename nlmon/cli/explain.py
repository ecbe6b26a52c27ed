"""``nlmon explain``: what a code or a word means, an example, why it matters and what to do.

Not here: the texts (``nlmon.explain``).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from nlmon.cli import complete
from nlmon.cli.common import show_error
from nlmon.cli.output import print_json
from nlmon.errors import UsageError

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.explain import Explanation

__all__ = ["command"]

WIDTH = 79
LABEL = 9


@click.command()
@click.argument("words", metavar="[CODE|WORD]...", nargs=-1, shell_complete=complete.codes)
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def command(words: tuple[str, ...], form: str) -> None:
    """Say what a code such as NLD102 or NLM-C001 means, or a word such as enhancement: an example, why it matters and
    what to do. The name of a group, such as captures or NLM-C, lists what is in it; without an argument the groups are
    listed.

    Exit code: 0 done, 2 nothing is called so.
    """
    found, unknown = _found(words)
    if form == "json":
        from nlmon.explain import Explanations, sizes  # noqa: PLC0415  (start-up: --help needs none of it)

        entries = [one for some, _ in found for one in some]
        print_json(Explanations(sizes(), entries))
        _refuse(unknown)
        return
    for number, (some, whole) in enumerate(found):
        if number:
            click.echo()
        for line in _listed(some) if whole else _explained(some):
            click.echo(line)
    if not words:
        for line in _groups():
            click.echo(line)
    _refuse(unknown)


def _refuse(unknown: Sequence[UsageError]) -> None:
    """Raise the last of these errors, and show the others."""
    for error in unknown[:-1]:
        show_error(error)
    if unknown:
        raise unknown[-1]


def _found(words: Sequence[str]) -> tuple[list[tuple[tuple[Explanation, ...], bool]], list[UsageError]]:
    """The entries of each argument, or of all of them as one word such as ``blind spot``, and whether they are a whole
    group; and an error for each that nothing is called."""
    from nlmon.explain import group_of, in_group, look_up, suggestions  # noqa: PLC0415  (start-up: --help needs none)

    if len(words) > 1 and not any(map(group_of, words)) and (together := look_up(" ".join(words))):
        return [(together, False)], []
    found, unknown = [], []
    for word in words:
        group, entries = group_of(word), look_up(word)
        whole = not entries and group is not None and word.casefold() in {group.name, group.prefix.casefold()}
        if whole and group is not None:
            entries = in_group(group.name)
        if not entries:
            near = suggestions(word)
            hint = f"did you mean {' or '.join(near)}?" if near else "nlmon explain lists what there is"
            unknown.append(UsageError("NLM-U030", f"no code and no word is called {word!r}", hint=hint))
        else:
            found.append((entries, whole))
    return found, unknown


def _explained(entries: Sequence[Explanation]) -> Iterator[str]:
    """Everything about a code or a word, which may mean several things."""
    for number, one in enumerate(entries):
        if number:
            yield ""
        yield from textwrap.wrap(f"{one.name}: {one.title}", WIDTH)
        yield from _part("From", one.where)
        if one.example:
            yield from _example(one.example.strip("\n").splitlines())
        yield from _part("Why", one.why)
        yield from _part("Do", one.do)
        yield from _part("See", ", ".join((*one.see, one.page)))


def _example(lines: Sequence[str]) -> Iterator[str]:
    """The lines of an example; one that is typed stays whole, so that it can be copied."""
    for number, line in enumerate(lines):
        label = f"{'' if number else 'Example':<{LABEL}}"
        if line.startswith("$") or not line:
            yield (label + line).rstrip()
            continue
        inner = " " * (LABEL + 2 + len(line) - len(line.lstrip()))
        yield from textwrap.wrap(
            line, WIDTH, initial_indent=label, subsequent_indent=inner, break_on_hyphens=False, break_long_words=False
        )


def _part(label: str, text: str) -> list[str]:
    """A paragraph behind its label."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{label:<{LABEL}}", subsequent_indent=" " * LABEL, break_on_hyphens=False
    )


def _listed(entries: Sequence[Explanation]) -> Iterator[str]:
    """One line for each, or two."""
    width = max(len(one.name) for one in entries) + 2
    for one in entries:
        yield from textwrap.wrap(one.title, WIDTH, initial_indent=f"{one.name:<{width}}", subsequent_indent=" " * width)


def _groups() -> Iterator[str]:
    from nlmon.explain import INDEX, sizes  # noqa: PLC0415  (start-up: --help needs none of it)

    for one in sizes():
        yield f"{one.prefix or '-':<7}{one.name:<17}{one.count:>4}  {one.title}"
    yield ""
    yield f"nlmon explain CODE, WORD or GROUP says more; all of it is in {INDEX}"
