"""The report of a run as Markdown, for a job summary of GitHub, a comment or a page of a wiki.

Rules:
1. It opens with the sentence and the reasons that every report opens with; then come the cases, the worst first, and
   what is to be said of those that did not pass.
2. It is never longer than a job summary may be; what finds no room is counted.
3. What comes from a recording stays text: it stands in code, and what Markdown or HTML would act upon is escaped.

Not here: what is said of a case (``runtext``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from nlmon.report.headline import compared_names, headline, reasons
from nlmon.report.outcome import DID_NOT_PASS, CaseResult, Run, worst_first
from nlmon.report.runtext import details
from nlmon.report.text import counted, printable

__all__ = ["LIMIT", "markdown"]

# A job summary of GitHub has 1 MiB for each step (docs.github.com, "Workflow commands", job summaries).
LIMIT = 1024 * 1024
# What one case may take of it, and the lines that count what was cut.
CASE_LIMIT, RESERVE = 32 * 1024, 1024
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
    return head + table + said + rest


def _head(run: Run) -> Iterator[str]:
    header = run.header
    yield f"## nlmon: {_escaped(headline(run))}"
    yield ""
    why = list(reasons(run))
    yield from (f"- {_code(line)}" for line in why)
    yield from [""] * bool(why)
    kernels = header.hosts or {host: header.kernel for host in (header.host,) if host}
    on = ", ".join(f"{host} ({kernel})" if kernel else host for host, kernel in kernels.items()) or header.kernel
    facts = {
        "compared": ", ".join(compared_names(run)),
        "host" if header.host or header.hosts else "kernel": on,
        "started": header.started,
        "policy": ", ".join(f"{key} ({source})" for key, source in header.policy.sources.items()),
        "nlmon": header.version,
    }
    yield "| run | |"
    yield "|---|---|"
    yield from (f"| {name} | {_code(value)} |" for name, value in facts.items() if value)
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
    rows = [f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"]
    room -= _size(rows[0])
    for number, result in enumerate(results):
        report = result.report
        cells = [
            result.outcome,
            _code(result.id),
            *[_code(run.host_of(result))] * hosts,
            result.verdict or "",
            f"{sum(report.compared.values()):,}" if report is not None else "",
            _code(_shortened(result.explanation or ("" if report is None else report.reason))),
        ]
        row = f"| {' | '.join(cells)} |\n"
        room -= _size(row)
        if room < 0:
            cut = Counter(one.outcome for one in results[number:])
            listed = ", ".join(f"{count:,} {outcome}" for outcome, count in cut.items())
            rows.append(f"\n… and {counted(len(results) - number, 'more case')} that had no room here ({listed})\n")
            break
        rows.append(row)
    return "".join(rows)


def _details(run: Run, results: Sequence[CaseResult], room: int) -> str:
    """What is to be said of each case that did not pass."""
    blocks, hosts = [], len(run.hosts) > 1
    for number, result in enumerate(results):
        block = _block(result, run.host_of(result) if hosts else "")
        room -= _size(block)
        if room < 0:
            blocks.append(f"… and the reasons of {counted(len(results) - number, 'more case')} had no room here\n\n")
            break
        blocks.append(block)
    return "".join(blocks)


def _block(result: CaseResult, host: str) -> str:
    on = f" on {_code(host)}" if host else ""
    where = f" ({_code(result.where)})" if result.where not in ("", result.id) else ""
    lines, room = [], CASE_LIMIT
    said = list(map(printable, details(result)))
    for number, line in enumerate(said):
        room -= _size(line) + 1
        if room < 0:
            lines.append(f"… and {counted(len(said) - number, 'more line')}")
            break
        lines.append(line)
    text = "\n".join(lines)
    # A block ends with a fence that is as long as its first one.
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"#### {result.outcome}: {_code(result.id)}{on}{where}\n\n{fence}text\n{text}\n{fence}\n\n"


def _code(text: str) -> str:
    """Text that Markdown shows as it is, in the middle of a line or of a table."""
    return f"<code>{_escaped(text)}</code>" if text else ""


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", printable(text))


def _shortened(text: str, length: int = 300) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))
