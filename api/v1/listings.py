"""Listings: to buy from, and to work on as a seller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import Field

from api.answer_cache import answer_anew, catalogue_answer
from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import CategoryIn, CurrencyIn, PageOut, Paging, Wire, linked, refused_unless
from api.v1.listing_out import ListingOut
from api.v1.plan_bodies import PlanIn
from fulfillment.connectors.queries import get_connector
from kernel.db.uow import UnitOfWork
from marketplace.catalog.draft_listing import (
    MAX_DATA_KEPT_DAYS,
    MAX_DESCRIPTION,
    SLUG,
    DraftListing,
    ReviseListing,
    VersionText,
    draft_listing,
    revise_listing,
)
from marketplace.catalog.listing_filter import ListingFilter
from marketplace.catalog.plan_terms import MAX_PRICE_MINOR
from marketplace.catalog.queries import (
    get_listing,
    get_own_listing,
    list_listings,
    list_own_listings,
    list_versions,
)
from marketplace.catalog.review_listing import (
    connect_plan,
    retire_listing,
    withdraw_plan,
)
from marketplace.catalog.selling_model import SellingModel
from marketplace.catalog.submit_listing import submit_listing
from marketplace.pricing.shapes import Shape

Line = Annotated[str, Field(max_length=200)]
Markdown = Annotated[str, Field(max_length=MAX_DESCRIPTION)]


class VersionIn(Wire):
    """What a version says, in both languages; descriptions are restricted Markdown."""

    title: Line
    title_en: Line
    summary: Line
    summary_en: Line
    description: Markdown = ""
    description_en: Markdown = ""
    tax_category: Literal["service", "software"] = "service"
    selling_model: Annotated[
        SellingModel,
        Field(
            description="Who sells to the buyer and invoices it: `agency`, the seller; `reseller`, the platform, to which the "
            "seller supplies it. Agreed to with the review of the version"
        ),
    ] = "agency"
    refund_window_days: Annotated[int, Field(strict=True, ge=0, le=365)] = 7
    data_kept_days: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=MAX_DATA_KEPT_DAYS,
            description="After the end, for what a customer left with the seller",
        ),
    ] = 30
    plans: Annotated[list[PlanIn], Field(default_factory=list, max_length=10)]

    def text(self) -> VersionText:
        """The words alone."""
        return VersionText(**{name: getattr(self, name) for name in VersionText.__dataclass_fields__})


class RevisionIn(VersionIn):
    """Another version.

    `base`: that of the listing as its seller read it; what was changed since is not overwritten (409 `draft_changed`).
    """

    base: Annotated[str | None, Field(max_length=60)] = None


class ListingIn(VersionIn):
    """A new listing with its first version."""

    kind: Literal["saas", "service"]
    category: CategoryIn
    slug: Annotated[str, Field(max_length=60), refused_unless(SLUG)]


class ConnectIn(Wire):
    """One of the seller's connectors."""

    connector_id: UUID


PriceParameter = Annotated[
    int | None,
    QueryParameter(
        ge=0,
        le=MAX_PRICE_MINOR,
        required=False,
        description="For one unit, in minor units of `currency`, which it needs",
    ),
]


@get("/v1/listings", permission=PUBLIC, tags=["catalogue"])
async def get_listings(  # noqa: PLR0913, PLR0917 - one of them each for what the address may say
    request: ApiRequest,
    paging: Given[Paging],
    category: Annotated[
        CategoryIn | None, QueryParameter(required=False, description="Only listings of this category")
    ] = None,
    q: Annotated[
        str | None,
        QueryParameter(max_length=100, required=False, description="Words of the title, the summary or the seller"),
    ] = None,
    seller: Annotated[UUID | None, QueryParameter(required=False, description="Only listings of this seller")] = None,
    pricing: Annotated[
        Shape | None,
        QueryParameter(required=False, description="With a plan on sale that is priced so"),
    ] = None,
    currency: Annotated[
        CurrencyIn | None, QueryParameter(required=False, description="With a plan on sale in this currency")
    ] = None,
    min_price_minor: PriceParameter = None,
    max_price_minor: PriceParameter = None,
) -> Response[PageOut[ListingOut]]:
    """Listings on sale, newest first. What is asked of plans, one and the same plan has to meet."""
    only = ListingFilter(category, seller, pricing, currency, min_price_minor, max_price_minor, q)

    def read(uow: UnitOfWork) -> Response[PageOut[ListingOut]]:
        page = list_listings(uow, cursor=paging.cursor, limit=paging.limit, only=only)
        return linked(
            page,
            ListingOut.of,
            "/v1/listings",
            limit=paging.limit,
            category=category,
            q=q,
            seller=str(seller) if seller else None,
            pricing=pricing,
            currency=currency,
            min_price_minor=min_price_minor,
            max_price_minor=max_price_minor,
        )

    # What is put together freely is rarely asked for twice, and would displace the pages that everybody asks for.
    kept = only == ListingFilter(category)
    return await (catalogue_answer(request, read, paging, category) if kept else answer_anew(request, read))


@get("/v1/listings/{listing_id:uuid}", permission=PUBLIC, sync_to_thread=True, tags=["catalogue"])
def get_one(listing_id: FromPath[UUID], request: ApiRequest) -> ListingOut:
    """A listing on sale."""
    with request.transaction() as uow:
        return ListingOut.of(get_listing(uow, listing_id))


@get("/v1/seller/listings", permission="catalog.write", sync_to_thread=True, tags=["seller"])
def get_own_listings(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[ListingOut]]:
    """The organization's listings with their latest versions."""
    with request.transaction() as uow:
        page = list_own_listings(uow, cursor=paging.cursor, limit=paging.limit)
    return linked(page, ListingOut.of, "/v1/seller/listings", limit=paging.limit)


@get("/v1/seller/listings/{listing_id:uuid}", permission="catalog.write", sync_to_thread=True, tags=["seller"])
def get_own(listing_id: FromPath[UUID], request: ApiRequest) -> ListingOut:
    """One of the organization's listings with its latest version."""
    with request.transaction() as uow:
        return ListingOut.of(get_own_listing(uow, listing_id))


@get("/v1/seller/listings/{listing_id:uuid}/versions", permission="catalog.write", sync_to_thread=True, tags=["seller"])
def get_versions(listing_id: FromPath[UUID], request: ApiRequest) -> list[ListingOut]:
    """Every version of a listing, newest first."""
    with request.transaction() as uow:
        return [ListingOut.of(row) for row in list_versions(uow, listing_id)]


@post("/v1/listings", permission="catalog.write", refuses=[404], sync_to_thread=True, tags=["catalogue"])
def create_listing(data: JSONBody[ListingIn], request: ApiRequest) -> ListingOut:
    """Draft a listing with its first version and plans."""
    plans = tuple(plan.drafted() for plan in data.plans)
    command = DraftListing(data.kind, data.category, data.slug, data.text(), plans)

    def work(uow: UnitOfWork) -> UUID:
        _check_connectors(uow, data)
        return draft_listing(uow, command).id

    return _changed(request, work)


@post("/v1/listings/{listing_id:uuid}/versions", permission="catalog.write", sync_to_thread=True, tags=["catalogue"])
def create_version(listing_id: FromPath[UUID], data: JSONBody[RevisionIn], request: ApiRequest) -> ListingOut:
    """Write a new version, or the present draft anew; what is published stays as it is."""
    command = ReviseListing(listing_id, data.text(), tuple(plan.drafted() for plan in data.plans), data.base)

    def work(uow: UnitOfWork) -> UUID:
        _check_connectors(uow, data)
        return revise_listing(uow, command).listing_id

    return _changed(request, work)


@post(
    "/v1/listings/{listing_id:uuid}/submit",
    permission="catalog.write",
    sync_to_thread=True,
    status_code=200,
    tags=["catalogue"],
)
def submit(listing_id: FromPath[UUID], request: ApiRequest) -> ListingOut:
    """Hand the draft in for review; handed in already, it stays as it is. In the sandbox a job approves at once what passes the
    automatic checks, unless `LISTING_REVIEW` leaves it to a person.
    """
    return _changed(request, lambda uow: submit_listing(uow, listing_id).listing_id)


@post(
    "/v1/listings/{listing_id:uuid}/retire",
    permission="catalog.write",
    sync_to_thread=True,
    status_code=200,
    tags=["catalogue"],
)
def retire(listing_id: FromPath[UUID], request: ApiRequest) -> ListingOut:
    """Take it off sale for good; customers keep what they bought."""
    return _changed(request, lambda uow: retire_listing(uow, listing_id).id)


@put(
    "/v1/plans/{plan_id:uuid}/connector",
    permission="connectors.write",
    sync_to_thread=True,
    status_code=204,
    tags=["catalogue"],
)
def connect(plan_id: FromPath[UUID], data: JSONBody[ConnectIn], request: ApiRequest) -> None:
    """Say how the plan's purchases reach the seller's system."""

    def work(uow: UnitOfWork) -> None:
        get_connector(uow, data.connector_id)
        connect_plan(uow, plan_id, data.connector_id)

    request.transact(work)


@post(
    "/v1/plans/{plan_id:uuid}/withdraw",
    permission="catalog.write",
    sync_to_thread=True,
    status_code=204,
    tags=["catalogue"],
)
def withdraw(plan_id: FromPath[UUID], request: ApiRequest) -> None:
    """Stop selling a plan; its cards disappear at once."""
    request.transact(lambda uow: withdraw_plan(uow, plan_id))


def _changed(request: ApiRequest, work: Callable[[UnitOfWork], UUID]) -> ListingOut:
    """Change a listing and answer what became of it, in one transaction."""

    def change(uow: UnitOfWork) -> ListingOut:
        listing_id = work(uow)
        uow.flush()
        return ListingOut.of(get_own_listing(uow, listing_id))

    return request.transact(change)


def _check_connectors(uow: UnitOfWork, data: VersionIn) -> None:
    for connector_id in {plan.connector_id for plan in data.plans if plan.connector_id is not None}:
        get_connector(uow, connector_id)


routes = [
    get_listings,
    get_one,
    get_own_listings,
    get_own,
    get_versions,
    create_listing,
    create_version,
    submit,
    retire,
    connect,
    withdraw,
]
