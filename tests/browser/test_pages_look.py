"""The pages in Chromium with sample data: player, cards, sheet, keys; no page wider than its screen, none complaining."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, Route, expect

from api.encoded_answers import encode
from api.language import Language
from app.sample.scenes.facts import STORIES
from app.sample.scenes.make import make_scene
from tests.browser.chromium import needs_chromium
from tests.browser.journeys.test_journey import find_faults
from tests.browser.preview.catalogue import samples
from tests.browser.preview.serve import server

pytestmark = needs_chromium

PHONE, DESK = (390, 844), (1280, 832)
HEAVIEST_BYTES = 150_000
PARTS = 4
"""Of a page and its styles and scripts as they are sent, before images and films."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the preview with the first sample film."""
    media = tmp_path_factory.mktemp("media")
    make_scene(STORIES[0], media / "recruiting-1.mp4", lambda _share: None)
    (media / "captions.vtt").write_text("WEBVTT\n\n00:00:03.000 --> 00:00:06.000\n用一块屏管完校招\n", "utf-8")
    serving = server(0, media)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def browser(chromium: Browser) -> Browser:
    """The session's Chromium: Playwright's synchronous side can be started once in a process."""
    return chromium


@pytest.fixture(params=[PHONE, DESK], ids=["390", "1280"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page that fails its test when a script or the security policy complained."""
    with listening(browser, request.param) as made:
        yield made


@pytest.fixture
def resized(browser: Browser) -> Iterator[Page]:
    """The same, for a test that looks at what it has loaded at several widths."""
    with listening(browser, DESK) as made:
        yield made


@contextmanager
def listening(browser: Browser, size: tuple[int, int]) -> Iterator[Page]:
    """A page of this size; afterwards nothing may have complained."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    made = context.new_page()
    heard: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # The preview has no interface under /v1, only one film and nobody to ask; those absences are not the pages' doing.
        absent = ("/v1/", "/media/", "/ask/")
        if message.type == "error" and not any(part in message.location.get("url", "") for part in absent):
            heard.append(message.text)

    made.on("console", listen)
    made.on("pageerror", lambda error: heard.append(str(error)))
    yield made
    context.close()
    assert heard == []


def open_feed(page: Page, base: str) -> None:
    """Open the feed with its first card still to come."""
    page.goto(f"{base}/en/feed")
    page.wait_for_function("document.querySelector('video').readyState >= 2")


def seek(page: Page, second: float) -> None:
    """Move the first film, paused, to a second."""
    page.evaluate(
        "second => { const film = document.querySelector('video'); film.pause(); film.currentTime = second; }", second
    )


def test_card_shows_in_its_seconds_only(page: Page, base: str) -> None:
    open_feed(page, base)
    seek(page, 1)
    card = page.locator("[data-card]").first
    card.wait_for(state="hidden")
    seek(page, 4)
    card.wait_for(state="visible")
    assert "Hiring Pro" in page.locator("[data-live]").inner_text()


def test_card_opens_the_sheet_and_escape_goes_back(page: Page, base: str) -> None:
    open_feed(page, base)
    seek(page, 4)
    page.locator("[data-card].on").click()
    page.wait_for_selector("dialog[open] [data-pay]")
    assert page.evaluate("document.activeElement.matches('[data-pay]')")
    assert page.locator("[data-pay]").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog:not([open])", state="attached")


def test_a_card_for_a_demo_opens_its_own_sheet(page: Page, base: str) -> None:
    open_feed(page, base)
    card = page.locator("[data-card]").nth(1)
    card.evaluate("card => card.click()")
    form = page.locator("dialog[open] form")
    form.wait_for()
    assert "/ask/demo" in str(form.get_attribute("action"))
    assert page.evaluate("document.activeElement.id") == "text"
    assert page.locator("dialog[open] #slot").is_visible()
    assert page.locator("dialog [data-pay]").count() == 0
    page.locator("dialog [data-close]").click()
    page.wait_for_selector("dialog:not([open])", state="attached")


def test_a_refused_request_stays_in_the_sheet_with_what_was_typed(page: Page, base: str) -> None:
    refused = page.request.get(
        f"{base}/products/x/ask/refused?part=sheet", headers={"Referer": f"{base}/en/feed"}
    ).text()
    page.route("**/ask/demo", lambda route: route.fulfill(status=422, content_type="text/html", body=refused))
    open_feed(page, base)
    page.locator("[data-card]").nth(1).evaluate("card => card.click()")
    page.locator("dialog[open] #text").fill("Monday?")
    before = page.url
    page.locator("dialog [data-ask-form] .act button").click()
    expect(page.locator("dialog[open] #agreed-wrong")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "agreed"
    assert page.url == before
    page.unroute("**/ask/demo")
    page.route("**/ask/**", lambda route: route.abort())
    page.locator("dialog #text").fill("Tuesday?")
    page.locator("dialog [data-ask-form] .act button").click()
    expect(page.locator("dialog[open] [data-error]")).not_to_be_empty()
    assert page.locator("dialog #text").input_value() == "Tuesday?"


def test_an_offer_is_priced_anew_at_its_own_price(page: Page, base: str) -> None:
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=409, json={"code": "offer_withdrawn", "title": "", "safe": "", "todo": "", "params": {}})

    page.route("**/v1/**/quote*", refuse)
    page.goto(f"{base}/en/buy-offer")
    assert page.locator("#quantity").count() == 0
    page.locator("#billing").select_option(index=1)
    expect(page.locator("[data-error]")).not_to_be_empty()
    assert [url.split("/v1/")[1].split("/")[0] for url in asked] == ["offers"]


def test_another_invoice_title_is_priced_anew(page: Page, base: str) -> None:
    asked: list[Any] = []

    def quote(route: Route) -> None:
        asked.append(route.request.post_data_json)
        amounts = {"net": 10_000, "tax": 600, "gross": 10_600, "unit_price": 10_000}
        line: dict[str, Any] = {name: {"amount": minor, "currency": "RSD"} for name, minor in amounts.items()}
        line |= {
            "pricing": "flat",
            "plan_name": "P",
            "plan_name_en": "P",
            "tax_included": False,
            "tax_rate_ppm": 60_000,
            "price_lines": [{"text": "开通费：¥5.00", "text_en": "Setup: ¥5.00"}],
        }
        totals = {name: line[name] for name in ("net", "tax", "gross")}
        route.fulfill(
            json={
                "id": "q-2",
                "lines": [line],
                **totals,
                "needs_approval": False,
                "approval_reasons": [],
                "approval_steps": [],
                "claims": [],
            }
        )

    page.route("**/v1/quotes", quote)
    open_feed(page, base)
    seek(page, 4)
    page.locator("[data-card].on").click()
    title = page.locator("#billing")
    title.wait_for()
    title.select_option(index=1)
    expect(page.locator("input[name=quote_id]")).to_have_value("q-2")
    expect(page.locator("[data-tax-label]")).to_contain_text("6%")
    expect(page.locator("[data-amounts] .part")).to_have_text("Setup: ¥5.00")
    assert [one["billing_profile_id"] for one in asked] == [title.input_value()]
    # Minor units are those of ISO 4217: 106.00, where everyday display has no decimals.
    assert "106.00" in page.locator("[data-gross]").inner_text()


def test_the_live_sheet_says_why_a_purchase_waits_and_who_decides(page: Page, base: str) -> None:
    def quote(route: Route) -> None:
        amounts = {"net": 10_000, "tax": 600, "gross": 10_600, "unit_price": 10_000}
        line: dict[str, Any] = {name: {"amount": minor, "currency": "CNY"} for name, minor in amounts.items()}
        line |= {
            "pricing": "flat",
            "plan_name": "P",
            "plan_name_en": "P",
            "tax_included": False,
            "tax_rate_ppm": 60_000,
            "price_lines": [],
        }
        totals = {name: line[name] for name in ("net", "tax", "gross")}
        limit, spent = ({"amount": minor, "currency": "CNY"} for minor in (500_000, 123_456))
        nothing = {"limit": None, "spent": None, "subject": None, "subject_en": None}
        reasons = [
            nothing | {"code": "seller_month_limit", "limit": limit, "spent": spent, "subject": "Direct Hire"},
            nothing | {"code": "not_on_allow_list", "subject": "招聘", "subject_en": "Hiring Pro"},
        ]
        steps = [{"who": "approver", "persons": []}, {"who": "persons", "persons": ["Li", "Wu"]}]
        approval = {"needs_approval": True, "approval_reasons": reasons, "approval_steps": steps}
        route.fulfill(json={"id": "q-3", "lines": [line], **totals, **approval, "claims": []})

    page.route("**/v1/quotes", quote)
    open_feed(page, base)
    seek(page, 4)
    page.locator("[data-card].on").click()
    page.locator("#billing").select_option(index=1)
    expect(page.locator("input[name=quote_id]")).to_have_value("q-3")
    expect(page.locator("[data-approval-reasons] li")).to_have_text(
        [
            "The month comes to more than ¥5,000 from Direct Hire; ¥1,234.56 was used before",
            "Hiring Pro is not on your organization's allow-list",
        ]
    )
    expect(page.locator("[data-approval-steps]")).to_have_text("Decided by an approver, then Li or Wu.")
    expect(page.locator("[data-pay-text]")).to_have_text("Request approval")


def test_keys_work_the_player(page: Page, base: str) -> None:
    open_feed(page, base)
    seek(page, 5)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    assert round(page.evaluate("document.querySelector('video').currentTime")) == 10
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("m")
    assert page.locator("[data-sound]").first.get_attribute("aria-pressed") == "true"
    page.keyboard.press("c")
    page.wait_for_selector("dialog[open]")


def test_captions_are_said_in_their_seconds_and_switched_by_key_and_button(page: Page, base: str) -> None:
    open_feed(page, base)
    words, button = page.locator("[data-words]").first, page.locator("[data-captions]").first
    # The sample's reader has the film's own language.
    expect(button).to_have_attribute("aria-pressed", "true")
    seek(page, 4)
    expect(words).to_have_text("用一块屏管完校招")
    assert words.get_attribute("lang") == "zh-CN"
    seek(page, 8)
    expect(words).to_be_hidden()
    seek(page, 4)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("t")
    expect(words).to_be_hidden()
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(words).to_be_visible()


def test_chapters_are_reached_by_click_and_by_keys(page: Page, base: str) -> None:
    open_feed(page, base)
    seek(page, 1)
    at = "document.querySelector('video').currentTime"
    summary = page.locator(".chapters summary").first
    if summary.is_visible():
        summary.click()
    page.locator("a[data-chapter='7']:visible").first.click()
    assert round(page.evaluate(at)) == 7
    expect(page.locator("a[data-chapter='7']").first).to_have_attribute("aria-current", "true")
    assert page.url.endswith("feed") or "?t=" not in page.url, "no page is loaded for it"
    page.evaluate("document.activeElement.blur()")
    seek(page, 8)
    page.keyboard.press("[")
    assert round(page.evaluate(at)) == 0
    page.keyboard.press("]")
    assert round(page.evaluate(at)) == 7


def test_scrubber_marks_the_card(page: Page, base: str) -> None:
    open_feed(page, base)
    mark = page.locator(".diamonds svg").first
    assert mark.get_attribute("x") == f"{3 * 100 // 14}%"


def test_without_scripts_the_card_is_a_link_to_a_form(browser: Browser, base: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{base}/en/feed")
    card = page.locator("[data-card]").first
    assert card.is_visible()
    card.click()
    assert page.locator("form button[value=pay]").is_visible()
    assert page.locator("form button.nojs-only[value=quote]").is_visible()
    context.close()


def some_of(language: Language, part: int) -> list[str]:
    """One of `PARTS` shares of the samples: to look at all of them takes longer than one test may."""
    return sorted(samples(language))[part::PARTS]


def weight_of(response: Response, known: dict[str, int]) -> int:
    """Bytes of a response as it is sent; of what is the same at its address for every page, as it was `known` before."""
    if response.url not in known or response.request.resource_type == "document":
        known[response.url] = len(encode(response.body(), "gzip", "once"))
    return known[response.url]


WIDER = "document.documentElement.scrollWidth - innerWidth"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_fits_weighs_little_and_axe_finds_no_fault(
    resized: Page, base: str, language: Language, part: int
) -> None:
    faults: dict[str, object] = {}
    known: dict[str, int] = {}
    arrived: list[Response] = []
    resized.on("response", lambda response: arrived.append(response))  # noqa: PLW0108 - Playwright marks what it is given
    for number, name in enumerate(some_of(language, part)):
        arrived.clear()
        # The preview lets nothing be kept: a page weighs all that it needs.
        resized.goto(f"{base}/{language}/{name}")
        parts = [one for one in arrived if one.request.resource_type in ("document", "stylesheet", "script", "font")]
        assert parts[1:], "styles and scripts were heard, too"
        if (weight := sum(weight_of(one, known) for one in parts)) > HEAVIEST_BYTES:
            faults[f"{name} weighs"] = weight
        for width, height in (DESK, PHONE):
            resized.set_viewport_size({"width": width, "height": height})
            if (over := resized.evaluate(WIDER)) > 1:
                faults[f"{name} is wider than {width} by"] = over
            # One language at one width, the other at the other, and with the next page the other way round. A page's colours are
            # the same in both languages: each page's are measured in one, of four pages at either width in either.
            looked_at = (number + (language == "en") + (width == PHONE[0])) % 2 == 0
            colours = (number // 2 + (language == "en")) % 2 == 0
            if looked_at and (found := find_faults(resized, colours=colours)):
                faults[f"{name} {width}"] = found
    assert faults == {}


@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_with_long_words_is_wider_than_a_phone(resized: Page, base: str, part: int) -> None:
    resized.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    wide = []
    for language in ("zh-CN", "en"):
        for name in some_of(language, part):
            resized.goto(f"{base}/{language}/{name}?long=1", wait_until="domcontentloaded")
            resized.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            if (over := resized.evaluate(WIDER)) > 1:
                wide.append((language, name, over))
    assert wide == []


def test_skip_link_comes_first(page: Page, base: str) -> None:
    page.goto(f"{base}/en/orders")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'main'")
