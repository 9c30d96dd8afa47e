"""The catalogue, and a product's page, from which it can be bought without a video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath
from markupsafe import Markup

from api.auth import PUBLIC
from api.pages.frame import addresses
from api.pages.frame.choices import COMMON_CURRENCIES, Choice
from api.pages.frame.followed import arrive
from api.pages.frame.prices import parse_amount
from api.pages.frame.site import PageRequest, page
from api.pages.frame.translations import translations
from api.pages.products.presenter import product_items, product_view
from api.pages.products.views import Facets, ProductsView, TermsView
from api.pages.sign_up.remembered import keep_link
from kernel.db.uow import UnitOfWork
from kernel.money import CURRENCIES
from kernel.text import render_markdown
from marketplace.catalog.categories import CATEGORIES
from marketplace.catalog.edit_terms import get_terms
from marketplace.catalog.listing_filter import ListingFilter
from marketplace.catalog.queries import get_listing, list_listings, list_sellers_on_sale
from marketplace.pricing.shapes import SHAPES

_PAGE = 20
_SELLERS = 100
_FIELDS = ("category", "pricing", "seller", "currency", "from", "to")


@page(addresses.PRODUCTS, PUBLIC)
def show_products(page_request: Given[PageRequest]) -> Response[str]:
    """Everything on sale, newest first, narrowed by what the address says."""
    chosen = {name: page_request.query(name, most=40) for name in _FIELDS}
    only, wrong = _filter(page_request, chosen)
    with page_request.work() as uow:
        found = list_listings(uow, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE, only=only)
        rows = product_items(page_request, uow, found.items)
        facets = _facets(page_request, uow)
    view = ProductsView(
        rows,
        facets,
        chosen,
        wrong,
        next_address=addresses.next_page(addresses.PRODUCTS, found.next_cursor, **chosen),
        may_sell=page_request.principal.may("catalog.write"),
    )
    return page_request.render(view)


@page("/products/{listing_id:uuid}", PUBLIC)
def show_product(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """A product on sale, or one's own that once was."""
    with page_request.work() as uow:
        share = page_request.query("share", most=64) or None
        view = product_view(page_request, uow, get_listing(uow, listing_id), share)
        followed = arrive(uow, page_request.request, "listing", listing_id, share)
    answer = page_request.render(view)
    keep_link(page_request, answer, followed, addresses.with_query(addresses.product(str(listing_id)), share=share))
    return answer


@page("/products/{listing_id:uuid}/terms", PUBLIC)
def show_terms(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The terms of a product on sale, or of the version that an order names."""
    with page_request.work() as uow:
        terms = get_terms(uow, listing_id, _identifier(page_request.query("version", most=40)))
    texts = sorted((("zh-CN", terms.text), ("en", terms.text_en)), key=lambda one: one[0] != page_request.language)
    view = TermsView(
        str(listing_id),
        str(terms.version_id),
        page_request.pick(terms.title, terms.title_en),
        terms.version,
        tuple((language, Markup(render_markdown(text))) for language, text in texts if text),  # noqa: S704 - cleaned
        terms.pdf.file_name if terms.pdf else None,
        draft=not terms.published,
    )
    return page_request.render(view)


def _filter(page_request: PageRequest, chosen: Mapping[str, str]) -> tuple[ListingFilter, dict[str, str]]:
    """What was chosen, and what is said at fields that are left out of it: an amount that is none, of no currency, or two that
    nothing can lie between.
    """
    found: dict[str, Any] = {"org_id": _identifier(chosen["seller"])}
    if chosen["category"] in CATEGORIES:
        found["category"] = chosen["category"]
    if chosen["pricing"] in SHAPES:
        found["pricing"] = chosen["pricing"]
    currency = chosen["currency"] if chosen["currency"] in CURRENCIES else None
    found["currency"] = currency
    wrong: dict[str, str] = {}
    for name, bound in (("from", "least_minor"), ("to", "most_minor")):
        if not chosen[name]:
            continue
        if currency is None:
            wrong["currency"] = page_request.t("products.currency_first")
        elif (amount := parse_amount(chosen[name], currency)) is None:
            wrong[name] = page_request.t("products.no_amount")
        else:
            found[bound] = amount
    if {"least_minor", "most_minor"} <= found.keys() and found["least_minor"] > found["most_minor"]:
        del found["least_minor"], found["most_minor"]
        wrong["to"] = page_request.t("products.limits_swapped")
    return ListingFilter(**found), wrong


def _identifier(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _facets(page_request: PageRequest, uow: UnitOfWork) -> Facets:
    words = translations(page_request.language)
    names = words.locale.currencies
    return Facets(
        categories=tuple(Choice(one, words.word("category", one)) for one in CATEGORIES),
        pricings=tuple(Choice(one, words.word("pricing", one)) for one in SHAPES),
        currencies=tuple(Choice(code, f"{code} · {names.get(code, code)}") for code in COMMON_CURRENCIES),
        sellers=tuple(Choice(str(one), name) for one, name in list_sellers_on_sale(uow, most=_SELLERS)),
    )


routes = [show_products, show_product, show_terms]
