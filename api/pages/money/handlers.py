"""Where the seller's and the promoter's money is, and when it comes."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import PageRequest, page
from api.pages.money import presenter
from api.pages.money.presenter import own_figures
from api.pages.money.views import PromoterView, SellerMoneyView, StatementView
from api.pages.money.views import ShareItem as ShownShare
from billing.invoices.files import files_of_documents
from billing.invoices.queries import (
    InvoiceFilter,
    list_invoices,
)
from billing.payouts.balances import balances
from billing.payouts.queries import list_payouts
from billing.shares.queries import ShareRow, earnings_by_video, list_shares
from billing.statements.queries import get_statement, list_statements
from billing.statements.supplies import supplies_to_invoice
from kernel.db.uow import UnitOfWork
from marketplace.attribution.reach import reach_of_videos
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID
from marketplace.videos.queries import summaries_of
from orders.seller_queries import sold_lines

READ = "money.read"
_PAGE = 20
_VIDEOS = 50


@page(addresses.SELLER_MONEY, READ)
def show_money(page_request: Given[PageRequest]) -> Response[str]:
    """Figures, forecast, shares by state, statements, payouts, the platform's bills."""
    require_seller(page_request)
    asked = page_request.query("state", most=30)
    state = asked if asked in presenter.SHARE_STATES else None
    org_id = page_request.principal.organization()
    with page_request.work() as uow:
        zone = get_party(uow, org_id).time_zone
        cursor = page_request.query("cursor", most=200) or None
        shares = list_shares(uow, "seller", state=state, cursor=cursor, limit=_PAGE)
        bills = list_invoices(uow, InvoiceFilter(kind="commission_invoice"), limit=_PAGE).items
        view = SellerMoneyView(
            figures=own_figures(page_request, uow, "seller"),
            forecast=presenter.forecast(balances(uow, "seller", time_zone=zone)),
            shares=_shares(page_request, uow, list(shares.items)),
            statements=tuple(
                presenter.statement_row(page_request, row)
                for row in list_statements(uow, org_id=org_id, limit=_PAGE).items
            ),
            payouts=tuple(presenter.payout_row(page_request, row) for row in list_payouts(uow, org_id=org_id).items),
            commission_invoices=tuple(presenter.commission_invoice(row) for row in bills),
            states=presenter.SHARE_STATES,
            state=state or "",
            next_address=addresses.next_page(addresses.SELLER_MONEY, shares.next_cursor, state=state),
        )
    return page_request.render(view)


@page("/seller/statements/{statement_id:uuid}", READ)
def show_statement(statement_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """A closed period of the seller with every line."""
    require_seller(page_request)
    return page_request.render(_statement(page_request, statement_id, as_promoter=False))


@page("/promoter/statements/{statement_id:uuid}", READ)
def show_promoter_statement(statement_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """A closed period of the promoter; names no order."""
    return page_request.render(_statement(page_request, statement_id, as_promoter=True))


@page(addresses.PROMOTER, READ)
def show_promoter(page_request: Given[PageRequest]) -> Response[str]:
    """What each video earned for the organization that promotes. Names no buyer."""
    org_id = page_request.principal.organization()
    with page_request.work() as uow:
        earned = earnings_by_video(uow, limit=_VIDEOS)
        ids = [row.video_id for row in earned]
        videos, reach = summaries_of(uow, ids), reach_of_videos(uow, ids)
        view = PromoterView(
            figures=own_figures(page_request, uow, "promoter"),
            videos=tuple(presenter.promoted_video(page_request, row, videos, reach) for row in earned),
            statements=tuple(
                presenter.statement_row(page_request, row)
                for row in list_statements(uow, org_id=org_id, limit=_PAGE).items
            ),
            payouts=tuple(presenter.payout_row(page_request, row) for row in list_payouts(uow, org_id=org_id).items),
        )
    return page_request.render(view)


def _shares(page_request: PageRequest, uow: UnitOfWork, rows: list[ShareRow]) -> tuple[ShownShare, ...]:
    lines = sold_lines(uow, [row.reference for row in rows])
    sold_by = {line.line_id: line.video_id for line in lines.values() if line.video_id is not None}
    videos = summaries_of(uow, set(sold_by.values()))
    return tuple(
        presenter.share_row(page_request, row, lines.get(row.reference), videos.get(sold_by.get(row.reference, row.id)))
        for row in rows
    )


def _statement(page_request: PageRequest, statement_id: UUID, *, as_promoter: bool) -> StatementView:
    with page_request.work() as uow:
        row, found = get_statement(uow, statement_id)
        lines = {} if as_promoter else sold_lines(uow, {line.reference for line in found})
        name = get_party(uow, row.org_id).legal_name
        bill_id = row.commission_invoice_id
        supplies = [] if as_promoter else supplies_to_invoice(uow, row)
        platform_name = get_party(uow, PLATFORM_ORG_ID).legal_name
        bill_drawn = bill_id is not None and bool(files_of_documents(uow, [bill_id]).files)
    return StatementView(
        row=presenter.statement_row(page_request, row),
        lines=tuple(
            presenter.statement_line(
                page_request, line, row.currency, lines.get(line.reference), as_promoter=as_promoter
            )
            for line in found
        ),
        party=name,
        back=addresses.PROMOTER if as_promoter else addresses.SELLER_MONEY,
        as_promoter=as_promoter,
        bill_drawn=bill_drawn,
        supplies=tuple(presenter.supply(one, row.currency) for one in supplies),
        platform_name=platform_name,
    )


routes = [show_money, show_statement, show_promoter_statement, show_promoter]
