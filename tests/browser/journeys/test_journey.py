"""The buyer's way through the real product in a real browser: watch, two clicks, live progress, invoice, approval."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Page, expect

from tests.browser.chromium import needs_chromium
from tests.browser.conftest import PASSWORD, Product, Visits

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    needs_chromium,
]

PHONE, DESK = 390, 1280
PLAYABLE = 2
"""`readyState` of a video whose present frame is there (HTML, HAVE_CURRENT_DATA)."""
ACTIVE_MS = 90_000
BUYERS = {"zh-CN": "buyer@xinghe.example", "en": "buyer@lakeside.example"}
APPROVERS = {"zh-CN": "approver@xinghe.example", "en": "approver@lakeside.example"}
SEATS_OVER_LIMIT = "100"
HIRING = {"zh-CN": "招聘专业版", "en": "Recruiting Pro"}
USABLE = {"zh-CN": "可用", "en": "Ready"}


def sign_in(page: Page, product: Product, email: str, path: str = "/") -> None:
    """Sign in with the page's form and land on `path`."""
    page.goto(f"{product.address}/sign-in?next={path}")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("form[action='/sign-in'] button.first")
    page.wait_for_url(f"{product.address}{path}*")


def find_faults(page: Page, *, colours: bool = True) -> list[str]:
    """What axe-core finds wrong with the page as it stands: rule, and the elements it is about.

    Without `colours` their contrast is not measured, which takes longer than all other rules together.
    """
    # What is being asked anew is dimmed meanwhile, as nobody is to read it yet.
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE_SCRIPT)
    # What it finds right comes along with `Axe().run`, and takes longer on its way than all there is to look at. Elements are
    # told by their HTML: no selector is thought out for each. Of what it would fetch beforehand, style sheets are asked for by
    # no rule that is on.
    contrast = f"rules: {{'color-contrast': {{enabled: {str(colours).lower()}}}}}"
    options = f"{{resultTypes: ['violations'], selectors: false, preload: {{assets: ['media']}}, {contrast}}}"
    found = page.evaluate(f"axe.run({options}).then(found => found.violations)")
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}" for one in found]


def fits(page: Page) -> bool:
    """Whether the page is no wider than its screen."""
    return not page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")


def open_hiring(page: Page, product: Product, language: str) -> None:
    """The video that sells the hiring software, in its own page, loaded."""
    page.goto(product.address)
    name = HIRING[language]
    post = page.locator("[data-post]").filter(has=page.locator("[data-card] .name", has_text=name)).first
    page.goto(f"{product.address}{post.get_attribute('data-address')}")
    # The policy forbids `eval`, which waiting for an expression inside the page would use.
    while page.evaluate("document.querySelector('video').readyState") < PLAYABLE:
        page.wait_for_timeout(50)


def seek(page: Page, second: float) -> None:
    """Move the first video, paused, to a second."""
    page.evaluate(
        "second => { const film = document.querySelector('video'); film.pause(); film.currentTime = second; }", second
    )


def order_by_two_clicks(page: Page) -> None:
    """The card, then the button."""
    page.locator("[data-card].on").first.click()
    page.locator("dialog[open] [data-pay]").click()
    page.wait_for_selector("dialog[open] [data-progress]:not([hidden])")


@pytest.mark.parametrize(
    ("width", "language", "scheme"),
    [(PHONE, "zh-CN", "light"), (DESK, "en", "light"), (PHONE, "en", "dark"), (DESK, "zh-CN", "dark")],
)
def test_from_a_second_of_a_video_to_an_invoice(
    product: Product, visit: Visits, tmp_path: Path, width: int, language: str, scheme: str
) -> None:
    page = visit(width, language, scheme=scheme).page
    page.goto(f"{product.address}/sign-in")
    assert find_faults(page) == []
    sign_in(page, product, BUYERS[language])
    open_hiring(page, product, language)

    card = page.locator("[data-card]").first
    shows_at = int(card.get_attribute("data-from") or "0")
    seek(page, shows_at - 0.5)
    expect(card).to_be_hidden()
    seek(page, shows_at + 0.2)
    expect(card).to_be_visible()
    assert fits(page)
    assert find_faults(page) == []

    card.click()
    page.wait_for_selector("dialog[open] [data-pay]")
    assert find_faults(page) == []
    page.locator("dialog[open] [data-pay]").click()
    opens = page.locator("dialog[open] [data-open]")
    expect(opens).to_be_visible(timeout=ACTIVE_MS)
    expect(page.locator("dialog[open] [data-headline]")).to_have_text(USABLE[language])
    assert (opens.get_attribute("href") or "").startswith(("http://", "https://"))
    assert find_faults(page) == []

    page.locator("dialog[open] [data-order]").click()
    expect(page.locator("[data-link=entitlement].done")).to_be_visible()
    invoice = page.locator("aside a[href$='/pdf']")
    expect(invoice).to_be_visible(timeout=ACTIVE_MS)
    assert fits(page)
    assert find_faults(page) == []
    with page.expect_download() as download:
        invoice.click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.suffix == ".pdf"
    assert file.read_bytes().startswith(b"%PDF-")

    for path in ("/orders", "/entitlements", "/invoices"):
        page.goto(f"{product.address}{path}")
        assert page.locator("table.table tbody tr").count() >= 1
        assert fits(page), path
        assert find_faults(page) == [], path
    assert file.stem in page.locator("table.table").inner_text()
    with page.expect_download() as archive:
        page.locator("a[href*='/v1/invoices/export']").click()
    saved = tmp_path / "month.zip"
    archive.value.save_as(saved)
    assert saved.read_bytes().startswith(b"PK")


@pytest.mark.parametrize(("width", "language"), [(DESK, "zh-CN"), (PHONE, "en")])
def test_a_large_purchase_waits_for_its_approver(product: Product, visit: Visits, width: int, language: str) -> None:
    buyer = visit(width, language).page
    sign_in(buyer, product, BUYERS[language])
    open_hiring(buyer, product, language)
    seek(buyer, int(buyer.locator("[data-card]").first.get_attribute("data-from") or "0") + 0.2)
    buyer.locator("[data-card].on").first.click()
    buyer.fill("dialog[open] #quantity", SEATS_OVER_LIMIT)
    expect(buyer.locator("dialog[open] [data-approval]")).to_be_visible()
    expect(buyer.locator("dialog[open] [data-pay]")).to_be_enabled()
    buyer.locator("dialog[open] [data-pay]").click()
    headline = buyer.locator("dialog[open] [data-headline]")
    expect(headline).to_have_text({"zh-CN": "已提交审批", "en": "Sent for approval"}[language])
    order = urlsplit(buyer.locator("dialog[open] [data-order]").get_attribute("href") or "").path

    approver = visit(width, language).page
    sign_in(approver, product, APPROVERS[language], "/approvals")
    assert fits(approver)
    assert find_faults(approver) == []
    approver.locator("article.approval form[action$='/approve'] button").first.click()
    expect(approver.locator(".note.good")).to_be_visible()

    expect(headline).to_have_text(USABLE[language], timeout=ACTIVE_MS)
    buyer.goto(f"{product.address}{order}")
    expect(buyer.locator("[data-link=approval].done")).to_be_visible()


def test_buys_without_scripts(product: Product, visit: Visits) -> None:
    visitor = visit(PHONE, "en", scripts=False)
    page, visitor.allowed = visitor.page, ["/buy/"]
    sign_in(page, product, BUYERS["en"])
    page.locator("[data-card]").filter(has_text=HIRING["en"]).first.click()
    before = page.locator("[data-gross]").inner_text()
    page.fill("#quantity", "21")
    # Paying a changed quantity never buys the old price nor an unseen one: the new price is shown first.
    page.click("button[value=pay]")
    expect(page.locator(".note.bad")).to_be_visible()
    assert page.locator("[data-gross]").inner_text() != before
    page.click("button[value=pay]")
    page.wait_for_url(f"{product.address}/orders/*")
    # Without scripts the page reloads itself while something is under way.
    page.wait_for_selector("aside a[href$='/pdf']", timeout=ACTIVE_MS)


def test_enter_in_a_changed_quantity_buys_nothing_unseen(product: Product, visit: Visits) -> None:
    page = visit(PHONE, "en").page
    sign_in(page, product, BUYERS["en"])
    open_hiring(page, product, "en")
    seek(page, int(page.locator("[data-card]").first.get_attribute("data-from") or "0") + 0.2)
    page.locator("[data-card].on").first.click()
    bought: list[str] = []
    page.on("request", lambda sent: bought.append(sent.url) if sent.url.endswith("/v1/purchases") else None)
    before = page.locator("dialog[open] [data-gross]").inner_text()
    page.locator("dialog[open] #quantity").select_text()
    page.keyboard.type("22")
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open] [data-gross]")).not_to_have_text(before)
    expect(page.locator("dialog[open] [data-pay]")).to_be_enabled()
    assert bought == []
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open] [data-progress]")).to_be_visible()
    assert len(bought) == 1


def test_a_failed_payment_says_so_and_can_be_paid_another_way(product: Product, visit: Visits) -> None:
    page = visit(DESK, "zh-CN").page
    sign_in(page, product, BUYERS["zh-CN"])
    open_hiring(page, product, "zh-CN")
    seek(page, int(page.locator("[data-card]").first.get_attribute("data-from") or "0") + 0.2)
    page.locator("[data-card].on").first.click()
    page.select_option("dialog[open] #pay-with", "sandbox:sbx_declined")
    page.locator("dialog[open] [data-pay]").click()
    expect(page.locator("dialog[open] [data-headline]")).to_have_text("付款未完成", timeout=ACTIVE_MS)
    page.locator("dialog[open] [data-order]").click()
    page.select_option("#pay-with", "sandbox:sbx_ok")
    page.locator("form[action$='/pay'] button").click()
    expect(page.locator("[data-link=entitlement].done")).to_be_visible(timeout=ACTIVE_MS)


def test_what_goes_wrong_is_said_on_a_page(product: Product, visit: Visits) -> None:
    visitor = visit(PHONE, "zh-CN")
    page = visitor.page
    visitor.allowed = ["/sign-in", "/nowhere", "/orders/00000000-0000-7000-8000-000000000001", "/operator"]
    page.goto(f"{product.address}/sign-in")
    page.fill("#email", BUYERS["zh-CN"])
    page.fill("#password", "not this one")
    page.click("form[action='/sign-in'] button.first")
    assert "没有变化" in page.locator("[role=alert]").inner_text()
    page.goto(f"{product.address}/orders")
    assert urlsplit(page.url).path == "/sign-in"
    sign_in(page, product, BUYERS["zh-CN"], "/orders")
    for path, status in (("/nowhere", 404), (visitor.allowed[2], 404), ("/operator", 403)):
        answer = page.goto(f"{product.address}{path}")
        assert answer is not None
        assert answer.status == status
        assert fits(page)
        assert find_faults(page) == [], path


def test_a_forged_form_changes_nothing(product: Product, visit: Visits) -> None:
    page = visit(PHONE, "en").page
    sign_in(page, product, BUYERS["en"], "/orders")
    ours = {"Origin": product.address, "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    forms: tuple[dict[str, str | float | bool], ...] = ({}, {"csrf": "forged"})
    for form in forms:
        answer = page.request.post(f"{product.address}/sign-out", headers=ours, form=form, max_redirects=0)
        assert answer.status == 403
        assert "csrf_refused" in answer.text()
    token = page.locator("meta[name=csrf]").get_attribute("content") or ""
    theirs = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
    refused = page.request.post(f"{product.address}/sign-out", headers=theirs, form={"csrf": token}, max_redirects=0)
    assert refused.status == 403
    page.goto(f"{product.address}/orders")
    assert urlsplit(page.url).path == "/orders"


def test_language_and_sign_out_stay_on_this_site(product: Product, visit: Visits) -> None:
    page = visit(DESK, "zh-CN").page
    sign_in(page, product, BUYERS["zh-CN"], "/orders")
    page.locator(".rail button[value=en]").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert urlsplit(page.url).path == "/orders"
    token = page.locator("meta[name=csrf]").get_attribute("content") or ""
    for bad in ("//elsewhere.example/", "https://elsewhere.example/", "/\\elsewhere.example"):
        answer = page.request.post(
            f"{product.address}/language",
            headers={"Origin": product.address, "Sec-Fetch-Site": "same-origin"},
            form={"csrf": token, "language": "en", "next": bad},
            max_redirects=0,
        )
        assert (answer.status, answer.headers["location"]) == (303, "/")
    page.locator(".rail details summary").click()
    page.locator(".rail form[action='/sign-out'] button").click()
    page.wait_for_url(f"{product.address}/sign-in*")
    page.goto(f"{product.address}/orders")
    assert urlsplit(page.url).path == "/sign-in"
