"""Every page renders in both languages, and keeps the promises of markup: no inline code, labels, one h1, escaping."""

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest

from api import headers
from api.language import LANGUAGES, Language
from api.pages.feed.views import FeedView
from api.pages.frame import assets
from api.pages.frame.navigation import BOTTOM_BAR_SIZE, Area, bottom_bar, rail
from api.pages.frame.rendering import render
from api.pages.seller_start.views import ChannelsView
from kernel import clock
from kernel.ids import uuid7
from marketplace.channels.queries import ChannelView
from tests.browser.preview.catalogue import EVERYTHING, chrome, samples

PAGES = tuple(samples("en"))
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Reading(HTMLParser):
    """What a page consists of, and whether its elements close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.words: dict[str, str] = {}
        self._open_ids: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self._open_ids.append(dict(attrs).get("id"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._open_ids[-1:] = []
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        for open_id in filter(None, self._open_ids):
            self.words[open_id] = self.words.get(open_id, "") + data

    def name_of(self, attributes: dict[str, str | None]) -> str:
        """What a screen reader calls the element: by its label, else by the words of the elements that name it."""
        named_by = (attributes.get("aria-labelledby") or "").split()
        return attributes.get("aria-label") or " ".join(self.words.get(one, "").strip() for one in named_by)

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        """Attributes of all elements with one of these names."""
        return [attributes for tag, attributes in self.elements if tag in tags]


@cache
def read(html: str) -> Reading:
    """A page that several tests look at."""
    return Reading(html)


def named_landmarks(page: Reading) -> list[tuple[str, str]]:
    """Role and name of every landmark; a section without a name is none."""
    roles = {"nav": "navigation", "aside": "complementary", "main": "main", "section": "region", "form": "form"}
    found = []
    for tag, attributes in page.elements:
        role = attributes.get("role") or roles.get(tag, "")
        name = page.name_of(attributes)
        if role in {*roles.values(), "search"} and (name or role not in {"region", "form"}):
            found.append((role, name))
    return found


@pytest.fixture(
    params=[(language, name) for language in LANGUAGES for name in PAGES], ids=lambda one: f"{one[0]}-{one[1]}"
)
def html(request: pytest.FixtureRequest) -> str:
    """One page in one language."""
    return rendered(*request.param)


@cache
def rendered(language: Language, name: str) -> str:
    """Drawn once for all that is asked of it."""
    sample = samples(language)[name]
    return render(sample.view, chrome(language, sample, f"/{name}", nonce="N0NCE"))


def test_markup_closes_and_ids_are_unique(html: str) -> None:
    page = read(html)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert page.wrong == []
    assert page.open == []
    assert len(ids) == len(set(ids))


def test_every_landmark_of_a_kind_has_its_own_name(html: str) -> None:
    landmarks = named_landmarks(read(html))
    assert len(landmarks) == len(set(landmarks)), landmarks


def test_landmarks_keep_their_names_when_titles_are_the_same() -> None:
    for language in LANGUAGES:
        sample = samples(language)["feed"]
        assert isinstance(sample.view, FeedView)
        first = sample.view.videos[0]
        view = replace(sample.view, videos=(first, replace(first, id="another")))
        landmarks = named_landmarks(Reading(render(view, chrome(language, sample, "/"))))
        assert len(landmarks) == len(set(landmarks)), landmarks


def test_channels_of_one_name_keep_theirs() -> None:
    org_id, now = uuid7(), clock.now()
    first = ChannelView(uuid7(), org_id, "one", "频道", "Channel", "", "", followed=False, created_at=now)
    another = replace(first, id=uuid7(), handle="two")
    for language in LANGUAGES:
        sample = samples(language)["feed"]
        page = render(ChannelsView((first, another)), chrome(language, sample, "/seller/channel"))
        landmarks = named_landmarks(Reading(page))
        assert len(landmarks) == len(set(landmarks)), landmarks


def test_no_inline_code_and_every_script_has_the_nonce(html: str) -> None:
    page = read(html)
    inline = [
        (tag, name)
        for tag, attributes in page.elements
        for name in attributes
        if name == "style" or name.startswith("on")
    ]
    assert inline == []
    assert page.of("style") == []
    assert page.of("script")
    assert all(script.get("nonce") == "N0NCE" for script in page.of("script"))


def test_nothing_comes_from_elsewhere(html: str) -> None:
    page = read(html)
    # A link that the reader follows brings nothing into the page, and hands over neither this page's address nor its window.
    followed = {"target": "_blank", "rel": "noopener noreferrer"}
    addresses = [
        attributes.get(name) or ""
        for tag, attributes in page.elements
        for name in ("src", "href", "action", "poster")
        if not (tag == "a" and followed.items() <= attributes.items())
    ]
    assert [one for one in addresses if re.match(r"(?:[a-z]+:)?//", one)] == []


def test_every_field_has_a_label(html: str) -> None:
    page = read(html)
    labelled = {label.get("for") for label in page.of("label")}
    fields = [one for one in page.of("input", "select", "textarea") if one.get("type") not in ("hidden", "radio")]
    assert [one for one in fields if one.get("id") not in labelled and "aria-label" not in one] == []


def test_every_post_carries_the_token(html: str) -> None:
    posts = re.findall(r"<form[^>]*method=\"post\".*?</form>", html, re.DOTALL)
    # A one-click link (RFC 8058) proves itself by its signature: whoever follows it may be signed in or not.
    asked = [form for form in posts if 'name="List-Unsubscribe"' not in form]
    assert all('name="csrf" value="token"' in form for form in asked)


def test_landmarks_and_language(html: str) -> None:
    page = read(html)
    assert len(page.of("main")) == 1
    assert page.of("html")[0]["lang"] in LANGUAGES
    assert 'class="tag sandbox"' in html
    assert [image for image in page.of("img") if "alt" not in image] == []


def test_desk_pages_have_one_heading(html: str) -> None:
    if 'class="channel"' not in html:
        assert len(read(html).of("h1")) == 1


def test_sandbox_mark_goes_with_the_sandbox() -> None:
    sample = samples("en")["orders"]
    assert 'class="tag sandbox"' not in render(sample.view, replace(chrome("en", sample, "/"), sandbox=False))


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_are_escaped(language: Language) -> None:
    feed = samples(language)["feed"]
    assert isinstance(feed.view, FeedView)
    attack = '"><script>alert(1)</script>{{ 7*7 }}'
    video = replace(feed.view.videos[0], title=attack, channel_name=attack)
    html = render(replace(feed.view, videos=(video,)), chrome(language, feed, f"/{attack}"))
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    assert "49" not in html.split("&lt;script&gt;alert(1)&lt;/script&gt;", 1)[1][:40]


def test_sheet_is_a_part_of_its_own() -> None:
    sample = samples("en")["buy"]
    part = render(sample.view, chrome("en", sample, "/"), part="sheet")
    assert "<html" not in part
    assert "data-buy-form" in part


def test_what_cannot_be_undone_asks_first(html: str) -> None:
    """Refusals ask by wanting a reason; everything else that takes something away asks by name."""
    form: dict[str, str | None] = {}
    silent: list[str] = []
    for tag, attributes in read(html).elements:
        if tag == "form":
            form = attributes
        takes_away = tag == "button" and "bad" in (attributes.get("class") or "").split()
        gives_money = tag == "button" and (form.get("action") or "").startswith("/operator/statements")
        reasoned = (form.get("action") or "").startswith(("/approvals/", "/operator/reviews/"))
        if (takes_away or gives_money) and not reasoned and "data-confirm" not in {**form, **attributes}:
            silent.append(f"{form.get('action')} {attributes}")
    assert silent == []


def test_empty_feed_says_what_to_do_to_whom_it_may_concern() -> None:
    def seen_by(name: str, channel: str = "") -> str:
        return render(FeedView((), channel_name=channel), chrome("en", samples("en")[name], "/"))

    assert "Upload the first video" in seen_by("seller")
    assert "Upload the first video" not in seen_by("orders")
    assert 'class="button first" href="/sign-in"' in seen_by("sign-in")
    assert "Efficiency Club has no video at present" in seen_by("seller", "Efficiency Club")


@pytest.mark.parametrize("active", ["feed", "orders", "seller_listings", "trace", ""])
def test_bottom_bar_fits_and_keeps_the_active_task(active: str) -> None:
    bar = bottom_bar(EVERYTHING, active)
    assert len(bar) <= BOTTOM_BAR_SIZE
    assert not active or active in {item.key for item in bar}


def test_rail_shows_only_what_one_may_do() -> None:
    areas: frozenset[Area] = frozenset({"finance"})
    assert [item.key for _, items in rail(areas) for item in items] == [
        "feed",
        "products",
        "live",
        "halls",
        "invoices",
        "fapiao",
        "buyer_statements",
        "spending",
    ]


def test_policy_forbids_inline_code() -> None:
    policy = headers.page_headers("abc")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "'nonce-abc'" in policy


def test_asset_addresses_change_with_content() -> None:
    assert assets.address("player.js") == f"/static/{assets.digest()}/player.js"
    with pytest.raises(KeyError):
        assets.address("no-such.js")
