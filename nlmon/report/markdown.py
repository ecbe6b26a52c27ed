"""The report of a run as Markdown, for a job summary of GitHub, a comment or a page of a wiki.

Rules:
1. It opens with the sentence and the reasons that every report opens with; then come the cases, the worst first, what
   is to be said of those that did not pass and what their codes mean, and what a move would lose.
2. It is never longer than a job summary may be; what finds no room is counted.
3. What comes from a recording stays text: it stands in code, and what Markdown or HTML would act upon is escaped.

Not here: what is said of a case (``runtext``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from nlmon.explain import look_up
from nlmon.printable import printable
from nlmon.report.headline import compared_names, headline, reasons
from nlmon.report.outcome import DID_NOT_PASS, CaseResult, Run, worst_first
from nlmon.report.runtext import details
from nlmon.report.sentences import known_line, losses_line, policy_lines
from nlmon.report.text import counted, shortened

__all__ = ["LIMIT", "markdown"]

# A job summary of GitHub has 1 MiB for each step (docs.github.com, "Workflow commands", job summaries).
LIMIT = 1024 * 1024
# What one case may take of it, and the lines that count what was cut.
CASE_LIMIT, RESERVE = 32 * 1024, 1024
# Characters of a reason or of a cell.
CELL_LONG = 300
# What starts something in Markdown. Within words an underscore does not, and a colon only in a URL.
_MARKUP = re.compile(r"[&<>|\\`*\[\]#$~@]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE)


def markdown(run: Run, limit: int = LIMIT) -> str:
    """The report, of at most ``limit`` bytes in UTF-8."""
    head = "\n".join(_head(run)) + "\n"
    bad = [one for one in worst_first(run.results) if one.outcome in DID_NOT_PASS]
    others = [one for one in worst_first(run.results) if one.outcome not in DID_NOT_PASS]
    # Of the room one third is for the table of what did not pass, one for the reasons, and one for the others.
    room = limit - _size(head) - RESERVE
    table = _table(run, bad, room // 3)
    rest = _folded(run, others, room // 3)
    said = _details(run, bad, room - _size(table) - _size(rest))
    room = limit - RESERVE // 2 - _size(head + table + said + rest)
    codes = _codes(bad, room)
    lost = _lost(run, room - _size(codes))
    return head + table + said + codes + lost + rest


def _head(run: Run) -> Iterator[str]:
    header = run.header
    yield f"## nlmon: {_escaped(headline(run))}"
    yield ""
    why = list(reasons(run))
    yield from (f"- {_code(shortened(line, CELL_LONG))}" for line in why)
    yield from [""] * bool(why)
    kernels = header.hosts or {host: header.kernel for host in (header.host,) if host}
    on = ", ".join(f"{host} ({kernel})" if kernel else host for host, kernel in kernels.items()) or header.kernel
    facts = {
        "compared": ", ".join(compared_names(run)),
        "host" if header.host or header.hosts else "kernel": on,
        "started": header.started,
        "policy": ", ".join(policy_lines(header.policy)).removeprefix("policy: "),
        "nlmon": header.version,
    }
    yield "| run | |"
    yield "|---|---|"
    yield from (f"| {name} | {_code(shortened(value, CELL_LONG))} |" for name, value in facts.items() if value)
    yield ""


def _table(run: Run, results: Sequence[CaseResult], room: int) -> str:
    """What did not pass, a row each."""
    return "" if not results else "### What did not pass\n\n" + _rows(run, results, room) + "\n"


def _folded(run: Run, results: Sequence[CaseResult], room: int) -> str:
    """The other cases, which are shown on demand."""
    if not results:
        return ""
    counts = Counter(result.outcome for result in results)
    title = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
    return f"<details><summary>{title}</summary>\n\n{_rows(run, results, room)}\n</details>\n"


def _rows(run: Run, results: Sequence[CaseResult], room: int) -> str:
    hosts = len(run.hosts) > 1
    names = ["outcome", "case", *["host"] * hosts, "verdict", "events", "why"]
    head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"
    rows = (_row(result, [_code(run.host_of(result))] * hosts) for result in results)

    def cut(left: int) -> str:
        counts = Counter(one.outcome for one in results[-left:])
        listed = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
        return f"\n… and {counted(left, 'more case')} that had no room here ({listed})\n"

    return head + _fitting(rows, len(results), room - _size(head), cut)


def _row(result: CaseResult, hosts: list[str]) -> str:
    report = result.report
    why = result.explanation or ("" if report is None else report.reason)
    events = f"{sum(report.compared.values()):,}" if report is not None else ""
    cells = [result.outcome, _code(result.id), *hosts, result.verdict or "", events, _code(shortened(why, CELL_LONG))]
    return f"| {' | '.join(cells)} |\n"


def _details(run: Run, results: Sequence[CaseResult], room: int) -> str:
    """What is to be said of each case that did not pass."""
    hosts = len(run.hosts) > 1
    blocks = (_block(result, run.host_of(result) if hosts else "") for result in results)

    def cut(left: int) -> str:
        return f"… and the reasons of {counted(left, 'more case')} had no room here\n\n"

    return _fitting(blocks, len(results), room, cut)


def _block(result: CaseResult, host: str) -> str:
    on = f" on {_code(host)}" if host else ""
    where = f" ({_code(result.where)})" if result.where not in ("", result.id) else ""
    said = [f"{printable(line)}\n" for line in details(result)]
    text = _fitting(said, len(said), CASE_LIMIT, lambda left: f"… and {counted(left, 'more line')}\n")
    # A block ends with a fence that is as long as its first one.
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"#### {result.outcome}: {_code(result.id)}{on}{where}\n\n{fence}text\n{text}{fence}\n\n"


def _codes(results: Sequence[CaseResult], room: int) -> str:
    """What the codes mean that cases did not pass by."""
    groups = (group for result in results if result.report is not None for group in result.report.groups)
    codes = filter(None, (*(result.code for result in results), *(group.first.code for group in groups)))
    found = [entry for code in dict.fromkeys(codes) for entry in look_up(code)]
    lines = [
        f"- <code>{one.name}</code> {_escaped(one.title)} {_code(f'nlmon explain {one.name}')}, {one.page}\n"
        for one in found
    ]
    listed = _fitting(lines, len(lines), room, lambda left: f"- … and {counted(left, 'more code')} with no room here\n")
    return f"### Codes\n\n{listed}\n" if lines else ""


def _lost(run: Run, room: int) -> str:
    """What each direction would lose, and what is known and allowed, of all cases together."""
    lost: dict[tuple[str, str], Counter[str]] = {}
    events: dict[tuple[str, str], Counter[str]] = {}
    known: Counter[str] = Counter()
    for result in run.results:
        if result.report is not None:
            names = (result.reference, result.candidate)
            lost.setdefault(names, Counter()).update(result.report.losses)
            events.setdefault(names, Counter()).update(result.report.lost_events)
            known.update(map(known_line, result.report.known))
    lines = [f"- {_code(losses_line(names, counts, events[names]))}\n" for names, counts in lost.items() if counts]
    lines += [f"- known: {_code(line)}{f' in {count:,} cases' if count > 1 else ''}\n" for line, count in known.items()]
    if not lines:
        return ""
    listed = _fitting(lines, len(lines), room, lambda left: f"- … and {counted(left, 'more line')} with no room here\n")
    return f"### Losses and known differences\n\n{listed}\n"


def _fitting(texts: Iterable[str], total: int, room: int, cut: Callable[[int], str]) -> str:
    """Of ``total`` texts as many as there is room for, in bytes; ``cut`` says how many are left out."""
    kept = []
    for number, text in enumerate(texts):
        room -= _size(text)
        if room < 0:
            kept.append(cut(total - number))
            break
        kept.append(text)
    return "".join(kept)


def _code(text: str) -> str:
    """Text that Markdown shows as it is, in the middle of a line or of a table."""
    return f"<code>{_escaped(text)}</code>" if text else ""


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", printable(text))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))
