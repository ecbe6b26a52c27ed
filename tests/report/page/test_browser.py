"""The page in a real browser: it works, by mouse and by keyboard, in light and in dark, and whatever it is given.

Not here: the page as text (``test_page.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from nlmon.report.outcome import Run
from nlmon.report.page import html_page
from support.browser import a_browser, opened
from support.pages import HOSTILE, a_case, a_run, full_run, hostile_run, large_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

RUNS = {"full": full_run(), "hostile": hostile_run(), "nothing": a_run(), "one": a_run(a_case("link.flap"))}
FIRST = ".case >> nth=0"
# Seconds of a processor.
USABLE, SEARCHED = 2.0, 0.5


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with a_browser() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pages are."""
    return tmp_path_factory.mktemp("pages")


def written(folder: Path, run: Run, name: str = "page") -> Path:
    """The page of a run in a file."""
    path = folder / f"{name}.html"
    path.write_text(html_page(run), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    """The page of a run that shows everything."""
    with opened(browser, written(folder, full_run())) as found:
        yield found


def shown(page: Page) -> list[str]:
    """The cases that can be seen, in order."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('.case:not([hidden])')].map((one) => one.dataset.case)"
    )
    return found


def address(page: Page) -> dict[str, str]:
    """What the address holds of the reader's choice."""
    page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 20))")
    return {name: values[0] for name, values in parse_qs(page.url.partition("#")[2]).items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_it_loads_without_a_complaint(browser: Browser, folder: Path, run: Run, scheme: Any) -> None:
    """Nothing on the console, no error, and nothing is asked of the network."""
    with opened(browser, written(folder, run), color_scheme=scheme) as page:
        assert page.locator("h1").count() == 1


def test_it_opens_on_the_verdict(page: Page) -> None:
    """Its first sentence can be seen without scrolling, and so can the reasons and the policy."""
    for text in ("1 of 5 cases failed and 1 errored", "a regression (1 case)", "policy: min_events 1", "migrate"):
        box = page.get_by_text(text).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 400


def test_search_narrows_and_stands_in_the_address(browser: Browser, folder: Path, page: Page) -> None:
    """Whoever opens the address sees the same."""
    page.get_by_label("Search").fill("mtu 56325")
    found = address(page)
    with opened(browser, folder / "page.html", page.url[page.url.index("#") :]) as other:
        assert (found["q"], shown(page), shown(other)) == ("mtu 56325", ["link.mtu[migrate]"], ["link.mtu[migrate]"])
        assert other.get_by_label("Search").input_value() == "mtu 56325"
        assert other.locator("#shown").inner_text() == "1 of 5 cases shown."


FILTERS = [
    ("errored", {"outcome": "errored"}, ["no.capture[migrate]"]),
    ("rollback", {"direction": "rollback"}, ["ipsec.states[rollback]"]),
    ("state", {"class": "state"}, ["link.mtu[migrate]"]),
]


@pytest.mark.parametrize(("choice", "words", "expected"), FILTERS)
def test_filters_narrow_and_stand_in_the_address(
    browser: Browser, folder: Path, page: Page, choice: str, words: dict[str, str], expected: list[str]
) -> None:
    """By outcome, by direction, by class of difference; all is shown again on request."""
    name = next(iter(words))
    if name == "outcome":
        page.get_by_label(choice).check()
    else:
        page.locator(f"[name={name}]").select_option(choice)
    found = {key: value for key, value in address(page).items() if key != "case"}
    with opened(browser, folder / "page.html", page.url[page.url.index("#") :]) as other:
        assert (found, shown(page), shown(other)) == (words, expected, expected)
    page.get_by_role("button", name="Show all").click()

    assert (name in address(page), len(shown(page))) == (False, 5)


def test_a_case_has_an_address(browser: Browser, folder: Path, page: Page) -> None:
    """The one that was opened last."""
    page.get_by_text("ipsec.states[rollback]", exact=True).click()
    assert address(page)["case"] == "ipsec.states[rollback]"
    with opened(browser, folder / "page.html", page.url[page.url.index("#") :]) as other:
        assert other.get_by_text("libnl alone provides, and legacy would lose:").is_visible()


def test_what_is_no_choice_of_ours_does_no_harm(browser: Browser, folder: Path, page: Page) -> None:
    """An address may be anything."""
    for fragment in (
        "#case=nothing&parts=7-900&outcome=x&class=y",
        "#parts=a-b",
        "#codes",
        "#nowhere",
        "#=&&q",
        "#q=%zz",
    ):
        with opened(browser, folder / "page.html", fragment) as other:
            assert other.locator(".case").count() == 5


def brush(page: Page, first: float, last: float) -> None:
    """Draw the mouse over the first timeline, from one part of its width to another."""
    box = page.locator(".chart").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + first * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + last * box["width"], box["y"] + 90, steps=4)
    page.mouse.up()


def test_the_timeline_is_brushed(browser: Browser, folder: Path, page: Page) -> None:
    """It says what was in those frames, shows the differences of them alone, and stands in the address."""
    page.locator(".chart").first.scroll_into_view_if_needed()
    brush(page, 0.52, 0.99)
    found = address(page)
    with opened(browser, folder / "page.html", page.url[page.url.index("#") :]) as other:
        for one in (page, other):
            assert one.locator("output").first.inner_text() == (
                "Frames 51 to 100: legacy 50 events, libnl 49 events and 1 message lost; 1 regression."
            )
            assert one.locator(".difference:visible").count() == 1
            assert one.get_by_text("2 that first occur in other frames are not shown.").is_visible()
    assert found["parts"] == "10-19"
    page.get_by_role("button", name="Whole recording").first.click()

    assert ("parts" in address(page), page.locator(".difference:visible").count()) == (False, 3)


def test_the_timeline_is_brushed_by_keyboard(page: Page) -> None:
    """Its two ends are sliders, which do not pass one another."""
    page.get_by_label("From").first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")

    assert address(page)["parts"] == "0-0"
    assert page.locator("output").first.inner_text().startswith("Frames 1 to 5: legacy 5 events")


def test_an_attribute_shows_its_bytes(page: Page) -> None:
    """Those that it has in the message, and no longer when it is let go."""
    button = page.get_by_role("button", name=re.compile("IFLA_MTU")).first
    marked = "[...(CSS.highlights.get('attribute') ?? [])].map((range) => range.toString())"
    button.click()
    assert (page.evaluate(marked), button.get_attribute("aria-pressed")) == (["08 00 04 00 dc 05 00 00"], "true")
    button.click()

    assert (page.evaluate(marked), button.get_attribute("aria-pressed")) == ([], "false")


def test_bytes_that_differ_are_marked(page: Page) -> None:
    """And the attribute that holds them."""
    assert page.locator(".bytes mark").first.inner_text() == "08 00 04 00 dc 05 00 00"
    assert page.locator(".tree .differs").first.inner_text() == "IFLA_MTU 0x20, 8 bytes"


@pytest.mark.parametrize("allowed", [True, False])
def test_a_command_is_copied(browser: Browser, folder: Path, allowed: bool) -> None:
    """Also where a page has no clipboard of its own."""
    path = written(folder, full_run())
    with opened(browser, path, permissions=["clipboard-read", "clipboard-write"]) as page:
        if not allowed:
            page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        button = page.get_by_role("button", name="Copy").first
        button.click()
        page.get_by_role("button", name="Copied").wait_for()
        page.get_by_label("Search").focus()
        page.keyboard.press("Control+V")

        assert page.get_by_label("Search").input_value() == "nlmon run link.mtu.yaml -k 'link.mtu[migrate]'"


BRIGHTNESS = "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)[0] > 127"


def test_it_is_light_and_dark(browser: Browser, folder: Path) -> None:
    """As the system, until the reader chooses; the choice is kept."""
    path = written(folder, full_run())
    with opened(browser, path, color_scheme="dark") as page:
        theme = page.get_by_role("button", name="Theme")
        found = [page.evaluate(BRIGHTNESS)]
        for _ in range(3):
            theme.click()
            found.append(page.evaluate(BRIGHTNESS))
        theme.click()
        page.reload()

        assert (found, page.evaluate(BRIGHTNESS)) == ([False, True, False, False], True)


def focused(page: Page) -> str:
    """The text of what has the keyboard, or its label."""
    text: str = page.evaluate("document.activeElement.innerText || document.activeElement.name || ''")
    return " ".join(text.split())


def test_the_keyboard_is_enough(page: Page) -> None:
    """To the cases, to the search and back, from case to case, into one and out of it."""
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the cases"
    page.keyboard.press("Enter")
    assert focused(page) == "Cases: 2 of 5 did not pass"
    page.keyboard.press("/")
    assert focused(page) == "q"
    page.keyboard.type("migrate")
    for _ in range(20):
        page.keyboard.press("Tab")
        if "link.mtu" in focused(page):
            break
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("errored no.capture[migrate]")
    page.keyboard.press("Enter")
    assert page.locator(".case[open]").count() == 2
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.locator(".case[open]").count() == 1


def test_everything_can_be_reached_by_keyboard(page: Page) -> None:
    """Every control and whatever scrolls has its turn, and the last one is not a trap."""
    page.get_by_role("button", name="Open all").click()
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    wanted = page.evaluate(
        "[...document.querySelectorAll('a, button, input, select, summary, [tabindex=\"0\"]')]"
        ".filter((one) => one.checkVisibility()).length"
    )
    page.evaluate("document.activeElement.blur()")
    seen = []
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))

    assert len(set(seen) - {-1}) >= wanted


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("run", [full_run(), hostile_run()], ids=["full", "hostile"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing_serious(browser: Browser, folder: Path, run: Run, scheme: Any, width: int) -> None:
    """Contrast, names, roles and order, with everything open."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    viewport = {"width": width, "height": 900}
    with opened(browser, written(folder, run), color_scheme=scheme, viewport=viewport) as page:
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        found = Axe().run(page).response["violations"]

        assert [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in found] == []


@pytest.mark.parametrize("width", [320, 768])
def test_a_narrow_screen_scrolls_one_way(browser: Browser, folder: Path, width: int) -> None:
    """Wide tables and bytes scroll by themselves, and the page does not."""
    with opened(browser, written(folder, hostile_run()), viewport={"width": width, "height": 900}) as page:
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")

        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_names_stay_text(browser: Browser, folder: Path) -> None:
    """None runs, none is an element, and all can be read."""
    with opened(browser, written(folder, hostile_run())) as page:
        page.get_by_label("Search").fill(HOSTILE[0])
        found = shown(page)
        texts = page.evaluate("document.body.textContent")
        counts = page.evaluate("['script', 'img', 'b'].map((name) => document.querySelectorAll(name).length)")

        assert (page.title(), counts, len(found)) == ("The case failed.", [1, 0, 0], 1)
        assert all(text.encode("unicode_escape").decode() in texts for text in HOSTILE)


def test_another_script_does_not_run(browser: Browser, folder: Path) -> None:
    """Even if one got into the page: its policy names ours alone."""
    path = folder / "injected.html"
    text = html_page(full_run()).replace("<main", "<script>document.title = 'owned'</script><main", 1)
    path.write_text(text, encoding="utf-8")
    with opened(browser, path, complains=True) as page:
        assert page.title().startswith("1 of 5 cases")


def test_without_its_script_everything_is_there(browser: Browser, folder: Path) -> None:
    """What only the script can do is not shown."""
    with opened(browser, written(folder, full_run()), java_script_enabled=False) as page:
        controls = [page.get_by_label("Search"), page.get_by_role("button", name="Copy")]

        assert [one.first.is_visible() for one in controls] == [False, False]
        assert page.get_by_text("frame 3, offset 0x0, IFLA_MTU at 0x20").first.is_visible()


LARGE = [
    # Three cases of 20,400 events each with all their differences, and of 20,000 cases as many as there is room for.
    (3, 50),
    (20_000, 0),
]
SEARCH = """async () => {
  const field = document.querySelector('[name=q]');
  field.value = 'case.1';
  field.dispatchEvent(new Event('input', { bubbles: true }));
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
}"""


@pytest.mark.parametrize(("cases", "groups"), LARGE)
def test_a_large_page_is_usable(browser: Browser, folder: Path, cases: int, groups: int) -> None:
    """Of megabytes: what it takes of a processor until it can be used, and to show what a search found. That is less
    than the time of a clock, and the same whatever else the machine does."""
    path = written(folder, large_run(cases, groups), f"large-{cases}")
    with opened(browser, path) as page:
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def seconds() -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]
            found: float = next(one["value"] for one in metrics if one["name"] == "TaskDuration")
            return found

        start = seconds()
        page.reload()
        loaded = seconds()
        page.evaluate(SEARCH)
        searched = seconds()
        print(f"{path.stat().st_size:,} bytes: {loaded - start:.2f} s, search {searched - loaded:.2f} s")  # noqa: T201

        assert (loaded - start < USABLE, searched - loaded < SEARCHED, len(shown(page)) > 0) == (True, True, True)
