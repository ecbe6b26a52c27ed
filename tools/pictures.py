"""Makes the pictures of docs/pictures: the page of a regression, of a rollback that loses something and of a run in
which all is well, each in light and in dark.

    tox -e pictures
    python tools/pictures.py [FOLDER [NAME ...]]

What is replayed are the bundled recordings, so that the pictures change with the page alone. The regression is that of
an implementation with one mistake (``nlmon/testing/zoo``). Look at them before they are committed.

Needs playwright, and Debian's chromium or chromium-headless-shell.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from nlmon.backends.registry import BACKENDS, READS
from nlmon.testing.zoo import ZOO
from support.browser import a_browser, opened
from support.command import nlmon
from support.paths import REPOSITORY

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The name that the registry loads the class by; its module is this program.
MINE = ZOO["RouteInfo.table: cut to 8 bits"].make
CAPTURES = Path("fixtures/captures/linux-6.12")
WIDTH = 1100


class Picture(NamedTuple):
    """What is replayed, with which options; what is open if nothing failed; and how much of the page is seen."""

    captures: tuple[str, ...]
    options: tuple[str, ...]
    shown: str
    height: int


PICTURES = {
    "regression": Picture(
        ("02-route-topology", "01-route-basic", "03-nl80211", "04-conntrack", "06-generic", "07-burst"),
        *(("--implementation", "mine"), "", 1500),
    ),
    "lossy-rollback": Picture(("01-route-basic", "06-xfrm", "06-generic"), ("--both-ways",), "", 1400),
    "clean": Picture(
        ("01-route-basic", "02-route-topology", "03-nl80211", "04-conntrack", "07-burst"), (), "03-nl80211", 1060
    ),
}


def path_of(capture: str) -> Path:
    """The file of a capture."""
    return CAPTURES / f"{capture}.pcap.zst"


def write_page(name: str, folder: Path) -> Path:
    """The page of a picture in a file."""
    path = folder / f"{name}.html"
    captures = map(path_of, PICTURES[name].captures)
    done = nlmon("replay", *PICTURES[name].options, f"--report=html:{path}", *captures, folder=REPOSITORY)
    if not path.exists():
        sys.exit(f"{name}: {done.stderr}")
    return path


def take(browser: Browser, name: str, folder: Path) -> None:
    """Both pictures of a page."""
    picture = PICTURES[name]
    choice = f"#case={path_of(picture.shown)}" if picture.shown else ""
    viewport = {"width": WIDTH, "height": picture.height}
    with tempfile.TemporaryDirectory() as pages:
        path = write_page(name, Path(pages))
        for scheme in ("light", "dark"):
            with opened(browser, path, choice, viewport=viewport, color_scheme=scheme) as page:
                page.evaluate("scrollTo(0, 0)")
                page.screenshot(path=folder / f"{name}-{scheme}.png")


def main() -> None:
    """Take the pictures that are named, or all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "docs" / "pictures"
    folder.mkdir(exist_ok=True)
    BACKENDS["mine"], READS["mine"] = f"{__name__}:MINE", READS["libnl"]
    with a_browser() as browser:
        for name in sys.argv[2:] or PICTURES:
            take(browser, name, folder)


if __name__ == "__main__":
    main()
