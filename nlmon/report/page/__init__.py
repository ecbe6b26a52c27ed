"""The report of a run as one HTML page: nothing is loaded with it, nothing is sent, and no other file is needed.

``page.html`` is the page, ``case.html`` a case of it and ``parts.html`` what both have; ``page.css`` and ``page.js``
stand in it as they are. What the templates show is in ``view`` and ``case``, what is drawn in ``message`` and
``timeline``.

Rules:
1. Whatever comes from a recording, a file or a command line goes through ``printable`` and is escaped, since the
   templates' environment does both to all that is no markup of ours; the policy of the page (Content-Security-Policy)
   lets no other script and no other style work, and nothing be loaded.
2. Without its script the page says all that it says with it; the script searches, filters, brushes and copies.
3. A page is never larger than ``LARGEST``, whatever a report holds: the worst cases come first and whole, unless one
   is too large by itself, then cases in short, and what is left out is counted.
4. Whatever names a code that is explained links to what it means, which is on the page.

Not here: what the values are (``nlmon.report.outcome``), and where a page is written (``nlmon.cli``).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from nlmon.explain import Explanation, look_up
from nlmon.printable import printable
from nlmon.report.outcome import Run, worst_first
from nlmon.report.page import view
from nlmon.report.page.case import case_of
from nlmon.report.text import counted

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["LARGEST", "html_page", "rendered"]

# The package and the folder of the templates that are here.
HOME = "nlmon.report", "page"
# Bytes of a page, of its cases, of the cases that are there with all their details, and of one of these.
LARGEST = 5_000_000
_CASES, _DETAILS, _CASE = 4_500_000, 3_500_000, 1_000_000
_CODE_LINK = re.compile(r'href="#code-([A-Z0-9-]+)"')


def html_page(run: Run) -> str:
    """The page of a run."""
    from markupsafe import Markup  # noqa: PLC0415  (start-up: only who makes a page needs it)

    environment = _environment(*HOME)
    cases, top = _cases(environment, run), view.top(run)
    left_out = len(run.results) - len(cases)
    script = _resource("page.js")
    values: dict[str, object] = {
        "run": run,
        "top": top,
        "cases": [Markup(case) for case in cases],
        "cases_title": view.cases_title(run),
        "cases_left_out": f"… and {counted(left_out, 'case')} more, for which the page has no room" if left_out else "",
        "waiting": view.waiting(run),
        "bottom": view.bottom(run),
        "codes": _codes(cases, top.reasons),
        "script": Markup(script),
        "script_digest": _digest(script),
    }
    return rendered(*HOME, values | view.evidence(run) | view.choices(run))


def rendered(package: str, folder: str, values: Mapping[str, object]) -> str:
    """The page of the template ``page.html`` in a folder of a package, which is given ``values``, the style of all
    pages and its digest; the pieces of ``parts.html`` are there for it. So pages of other rooms look and are guarded as
    that of a run."""
    from markupsafe import Markup  # noqa: PLC0415  (start-up: only who makes a page needs it)

    style = _resource("page.css")
    template = _environment(package, folder).get_template("page.html")
    page: str = template.render(style=Markup(style), style_digest=_digest(style), **values)
    return page


def _cases(environment: Environment, run: Run) -> list[str]:
    """Each case as a piece of the page, the worst first, as many as there is room for."""
    template = environment.get_template("case.html")
    found: list[str] = []
    used, brief = 0, False
    for number, result in enumerate(worst_first(run.results)):
        text = template.render(case=case_of(result, number, brief=brief))
        size = len(text.encode())
        if not brief and (size > _CASE or used + size > _DETAILS):
            # One that is too large by itself takes no room from those behind it.
            brief = size <= _CASE
            text = template.render(case=case_of(result, number, brief=True))
        used += len(text.encode())
        if used > _CASES:
            break
        found.append(text)
    return found


def _codes(cases: list[str], reasons: list[str]) -> list[Explanation]:
    """What the codes mean that cases link to, and the reasons, which are of cases that have no room, too."""
    names = {name for text in cases for name in _CODE_LINK.findall(text)}
    names |= {name for reason in reasons for _, name in view.codes_in(reason) if name}
    return [one for name in sorted(names) for one in look_up(name)[:1]]


@cache
def _environment(package: str, folder: str) -> Environment:
    """What fills templates of a folder, and those that all pages have."""
    # Start-up: only who makes a page needs them.
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    def text(value: object) -> object:
        return value if isinstance(value, Markup) else printable(str(value))

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, folder), PackageLoader(*HOME)]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=text,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(tone_of=view.tone_of, codes_in=view.codes_in)
    return environment


@cache
def _resource(name: str) -> str:
    return files("nlmon.report.page").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """What the policy of a page calls a script or a style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
