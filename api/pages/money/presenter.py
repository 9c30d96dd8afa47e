"""Money of sellers and promoters: figures, shares with their forecast, statements, payouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from api.context import Services
from api.media_addresses import Thumbnail, thumbnail
from api.pages.frame.codes import in_words
from api.pages.frame.phrases import money
from api.pages.frame.site import PageRequest
from api.pages.money import views
from api.pages.money.views import MoneyFigures, SupplyItem
from billing.invoices.queries import InvoiceRow
from billing.payouts.balances import Balance, balances
from billing.payouts.queries import NextPayout, PayoutRow, next_payouts
from billing.shares.queries import ShareRow, VideoEarning
from billing.statements.queries import StatementLineRow, StatementRow
from billing.statements.supplies import SupplyToInvoice
from kernel.db.uow import UnitOfWork
from marketplace.attribution.reach import Reach
from marketplace.parties.lookups import get_party
from marketplace.videos.queries import VideoSummary
from orders.seller_queries import SoldLine

SHARE_STATES = ("pending", "releasable", "in_statement", "paid", "reversed")
HOME_CURRENCY = "CNY"
"""What an empty dashboard shows zero of."""
_PPM = 1_000_000


def figures(balances: Sequence[Balance], upcoming: Mapping[str, NextPayout]) -> tuple[MoneyFigures, ...]:
    """Pending, releasable, paid and the next payout, for each currency; zeros where nothing was ever sold."""
    return tuple(_figures(one, upcoming.get(one.currency)) for one in balances) or (
        _figures(Balance(HOME_CURRENCY, 0, 0, 0, ()), None),
    )


def forecast(balances: Sequence[Balance]) -> tuple[views.ForecastDay, ...]:
    """The days on which holds end, soonest first, with bars scaled within each currency."""
    days: list[views.ForecastDay] = []
    for one in balances:
        most = max((minor for _, minor in one.forecast), default=0)
        days += [
            views.ForecastDay(on, money(minor, one.currency), minor * _PPM // most if most > 0 else 0)
            for on, minor in one.forecast
        ]
    return tuple(sorted(days, key=lambda day: day.on))


def share_row(
    page_request: PageRequest, row: ShareRow, line: SoldLine | None, video: VideoSummary | None
) -> views.ShareItem:
    """One share of one's own in the list of the seller's dashboard."""
    return views.ShareItem(
        id=str(row.id),
        order_id=str(row.group_reference),
        order_number=line.order_number if line else str(row.group_reference)[-8:],
        listing_name=page_request.pick(line.title, line.title_en) if line else "",
        video_title=page_request.pick(video.title, video.title_en) if video else "",
        gross=money(row.gross_minor, row.currency),
        amount=money(row.left_minor, row.currency),
        rate_ppm=row.rate_ppm,
        state="disputed" if row.disputed else row.state,
        forecast_on=_forecast_on(page_request, row),
    )


def statement_row(page_request: PageRequest, row: StatementRow) -> views.StatementItem:
    """A closed period in the list."""
    zone = _zone(page_request)
    last = row.ends_at.astimezone(zone)
    return views.StatementItem(
        id=str(row.id),
        number=row.number,
        starts_on=row.starts_at.astimezone(zone).date(),
        ends_on=last.date(),
        carried=money(row.carried_minor, row.currency),
        gross=money(row.gross_minor, row.currency),
        refunds=money(row.refunds_minor, row.currency),
        commission=money(row.commission_minor + row.commission_tax_minor, row.currency),
        promoter=money(row.promoter_minor, row.currency),
        net=money(row.net_minor, row.currency),
        state=row.state,
        adjustments=money(row.adjustments_minor, row.currency) if row.adjustments_minor else None,
        held=money(row.held_minor, row.currency) if row.held_minor else None,
        commission_invoice_id=str(row.commission_invoice_id) if row.commission_invoice_id else None,
    )


def statement_line(
    page_request: PageRequest, row: StatementLineRow, currency: str, line: SoldLine | None, *, as_promoter: bool
) -> views.StatementItemLine:
    """One line of a statement; a promoter learns neither order nor buyer."""
    named = line is not None and not as_promoter
    return views.StatementItemLine(
        kind=row.kind,
        share_id=str(row.share_id),
        order_number=line.order_number if line is not None and named else "",
        listing_name=page_request.pick(line.title, line.title_en) if line is not None and named else "",
        occurred_at=row.occurred_at,
        gross=money(row.gross_minor, currency),
        refunds=money(row.refunds_minor, currency),
        commission=money(row.commission_minor, currency),
        promoter=money(row.promoter_minor, currency),
        net=money(row.net_minor, currency),
    )


def payout_row(page_request: PageRequest, row: PayoutRow) -> views.PayoutItem:
    """Money that went out, or is about to."""
    return views.PayoutItem(
        id=str(row.id),
        statement_number=row.statement_number,
        amount=money(row.amount_minor, row.currency),
        state=row.state,
        destination=row.destination,
        scheduled_on=(row.paid_at or row.created_at).astimezone(_zone(page_request)).date(),
        reference=row.gateway_reference or "",
        error=in_words(page_request.language, row.error_code) if row.error_code else "",
    )


def commission_invoice(row: InvoiceRow) -> views.CommissionInvoice:
    """The platform's bill for its commission."""
    return views.CommissionInvoice(
        id=str(row.id),
        number=row.number or "–",
        issued_on=row.issued_on,
        gross=money(row.gross_minor, row.currency),
        has_pdf=row.has_pdf,
    )


def promoted_video(
    page_request: PageRequest, row: VideoEarning, videos: Mapping[UUID, VideoSummary], reach: Mapping[UUID, Reach]
) -> views.PromotedVideo:
    """What one video earned for its promoter."""
    video = videos.get(row.video_id)
    seen = reach.get(row.video_id, Reach(0, 0, 0, 0))
    return views.PromotedVideo(
        video_id=str(row.video_id),
        title=page_request.pick(video.title, video.title_en) if video else str(row.video_id)[-8:],
        poster=_poster(page_request.services, video),
        views=seen.views,
        card_clicks=seen.card_clicks,
        orders=row.lines,
        sold=money(row.sold_minor, row.currency),
        earned=money(row.earned_minor, row.currency),
    )


def _figures(balance: Balance, upcoming: NextPayout | None) -> MoneyFigures:
    currency = balance.currency
    return MoneyFigures(
        pending=money(balance.pending_minor, currency),
        releasable=money(balance.available_minor, currency),
        paid=money(balance.paid_minor, currency),
        next_payout=money(upcoming.amount_minor, currency) if upcoming else None,
        next_payout_on=upcoming.on if upcoming else None,
    )


def _forecast_on(page_request: PageRequest, row: ShareRow) -> date | None:
    if row.state != "pending" or row.releasable_at is None or row.disputed:
        return None
    return row.releasable_at.astimezone(_zone(page_request)).date()


def _poster(services: Services, video: VideoSummary | None) -> Thumbnail | None:
    if video is None or not video.has_cover:
        return None
    return thumbnail(services, video.id, video.media_version, is_public=video.is_public)


def _zone(page_request: PageRequest) -> ZoneInfo:
    return ZoneInfo(page_request.time_zone)


def own_figures(page_request: PageRequest, uow: UnitOfWork, kind: str) -> tuple[MoneyFigures, ...]:
    """The acting organization's figures as `seller` or `promoter`, per currency."""
    zone = get_party(uow, page_request.principal.organization()).time_zone
    found = balances(uow, kind, time_zone=zone)
    upcoming = next_payouts(uow, {one.currency: one.available_minor for one in found})
    return figures(found, upcoming)


def supply(one: SupplyToInvoice, currency: str) -> SupplyItem:
    """What the platform was supplied at one rate of tax."""
    net, tax, gross = (money(minor, currency) for minor in (one.net_minor, one.tax_minor, one.gross_minor))
    return SupplyItem(one.tax_rate_ppm, net, tax, gross)
