"""A browser without a window, for pages that were written to a file.

Needs Debian's chromium or chromium-headless-shell, and playwright, which drives it; ``tox -e browser`` has both.

Not here: what pages must do (``tests/report/page/test_browser.py``).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.requirements import missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["PROGRAMS", "a_browser", "opened"]

PROGRAMS = ("chromium-headless-shell", "chromium")


@contextmanager
def a_browser() -> Iterator[Browser]:
    """A browser; skips where there is none."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415
    except ImportError:
        missing("the library playwright is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing(f"neither {' nor '.join(PROGRAMS)} is installed")
    # Its sandbox refuses to work for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, path: Path, fragment: str = "", *, complains: bool = False, **options: Any
) -> Iterator[Page]:
    """A page in a window of its own. It must have said nothing on its console, its script must have made no error, and
    it must have asked for nothing but its file, unless it ``complains``. ``options``: of the browser's context, such as
    ``color_scheme``."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    page = context.new_page()
    page.set_default_timeout(60_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if not _is_file(request.url, path) else None)
    page.goto(f"{path.as_uri()}{fragment}")
    yield page
    context.close()
    assert bool(said) is complains, said


def _is_file(url: str, path: Path) -> bool:
    return url.partition("#")[0] == path.as_uri()
