"""A seller's funnel by video, second, card, channel, promoter and partner tier, and its cohorts: figures, and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from litestar import Response, get
from litestar.params import QueryParameter
from msgspec import Meta

from api.request import ApiRequest
from api.schema import MoneyOut, Out
from api.v1.analytics_file import COHORT_HEADER, CSV, HEADER, XLSX, Cell, as_csv, as_xlsx, cohort_rows, table_rows
from orders.analytics.cohorts import Cohort, seller_cohorts
from orders.analytics.funnel import MOST_DAYS, By, Funnel, FunnelRow, SoldParts, seller_funnel, usual_period

READ: Final = "seller.orders.read"

FirstOn = Annotated[
    date | None,
    QueryParameter(
        name="first_on", required=False, description="First day (UTC); default: 29 days before the last one"
    ),
]
LastOn = Annotated[
    date | None,
    QueryParameter(
        name="last_on",
        required=False,
        description=f"Last day (UTC), included; default: today. At most {MOST_DAYS} days",
    ),
]
ByParameter = Annotated[
    By, QueryParameter(name="by", required=False, description="By what it is split; `second` needs `video_id`")
]
VideoParameter = Annotated[
    UUID | None, QueryParameter(name="video_id", required=False, description="Only of this video")
]

FormatParameter = Annotated[
    Literal["csv", "xlsx"], QueryParameter(name="format", required=False, description="csv, or xlsx")
]


class SoldOut(Out):
    """What was ordered in one currency. Counts are lines of paid orders that begin something.

    `retained`: in use and not ended. `renewed`: a further term was paid. `gross`: all that was charged, renewals included;
    `net`: of it without tax; `refunded`: of the gross, given back.
    """

    currency: Annotated[str, Meta(examples=["CNY"])]
    orders: Annotated[int, Meta(examples=[12])]
    trials: int
    activated: Annotated[int, Meta(examples=[11])]
    retained: Annotated[int, Meta(examples=[10])]
    renewed: int
    refunded: int
    renewals: Annotated[int, Meta(description="Further terms that were paid")]
    gross: MoneyOut
    net: MoneyOut
    refunded_amount: MoneyOut

    @classmethod
    def of(cls, one: SoldParts) -> SoldOut:
        """From the query's row."""
        amounts: dict[str, Any] = {
            "gross": MoneyOut.of(one.gross_minor, one.currency),
            "net": MoneyOut.of(one.net_minor, one.currency),
            "refunded_amount": MoneyOut.of(one.refunded_minor, one.currency),
        }
        return cls.of_row(one, **amounts)


class FunnelRowOut(Out):
    """One part. `key`: its id, day or second of the video (the first of five); empty for what belongs to none."""

    key: str
    name: str
    name_en: str
    impressions: Annotated[
        int, Meta(description="Of videos on the seller's own channels; by card, of the card", examples=[4200])
    ]
    views: Annotated[int, Meta(examples=[1300])]
    card_clicks: Annotated[int, Meta(description="On the seller's cards, on whatever channel", examples=[90])]
    leads: int
    time_to_active_s: Annotated[
        int | None, Meta(description="From order to use on the average; null where nothing was activated")
    ]
    sold: list[SoldOut]

    @classmethod
    def of(cls, row: FunnelRow) -> FunnelRowOut:
        """From the query's row."""
        seen: dict[str, Any] = {name: getattr(row.seen, name) for name in row.seen.__slots__}
        return cls.of_row(
            row, **seen, time_to_active_s=row.time_to_active_s, sold=[SoldOut.of(one) for one in row.sold]
        )


class FunnelOut(Out):
    """The total, which counts all, and its parts: those with most orders first, days and seconds in their order."""

    first_on: date
    last_on: date
    by: str
    video_id: UUID | None
    total: FunnelRowOut
    rows: list[FunnelRowOut]

    @classmethod
    def of(cls, funnel: Funnel) -> FunnelOut:
        """From the query's rows."""
        return cls(
            first_on=funnel.period.first_on,
            last_on=funnel.period.last_on,
            by=funnel.by,
            video_id=funnel.video_id,
            total=FunnelRowOut.of(funnel.total),
            rows=[FunnelRowOut.of(row) for row in funnel.rows],
        )


@get("/v1/seller/analytics/funnel", permission=READ, sync_to_thread=True, tags=["seller"])
def get_funnel(
    request: ApiRequest,
    first_on: FirstOn = None,
    last_on: LastOn = None,
    by: ByParameter = "video",
    video_id: VideoParameter = None,
) -> FunnelOut:
    """From what was shown to what is kept and paid, split in one way. Counted a minute behind; days are those of UTC."""
    with request.transaction() as uow:
        return FunnelOut.of(seller_funnel(uow, usual_period(first_on, last_on), by, video_id=video_id))


@get(
    "/v1/seller/analytics/funnel/export",
    permission=READ,
    sync_to_thread=True,
    media_type=CSV,
    tags=["seller"],
)
def export_funnel(
    request: ApiRequest,
    first_on: FirstOn = None,
    last_on: LastOn = None,
    by: ByParameter = "video",
    video_id: VideoParameter = None,
    file_format: FormatParameter = "csv",
) -> Response[bytes]:
    """The same figures as a table for a spreadsheet: one line a part and currency, the total first."""
    with request.transaction() as uow:
        funnel = seller_funnel(uow, usual_period(first_on, last_on), by, video_id=video_id)
    return _file(
        f"funnel-{by}-{funnel.period.first_on}-{funnel.period.last_on}", file_format, HEADER, table_rows(funnel)
    )


class CohortMonthOut(Out):
    """So many months after the first. `in_use`: customers with something in use at its end, or now; `renewed`: in it."""

    later: Annotated[int, Meta(examples=[1])]
    in_use: Annotated[int, Meta(examples=[11])]
    renewed: int


class CohortOut(Out):
    """Customers by the month (UTC) of their first paid order. `churned`: activated, and without use now."""

    month: Annotated[date, Meta(description="Its first day")]
    customers: Annotated[int, Meta(examples=[12])]
    activated: int
    median_s: Annotated[int | None, Meta(description="From the first order to the first use, seconds, the median")]
    churned: int
    months: list[CohortMonthOut]

    @classmethod
    def of(cls, one: Cohort) -> CohortOut:
        """From the query's row."""
        return cls.of_row(one, months=list(map(CohortMonthOut.of_row, one.months)), churned=one.churned)


@get("/v1/seller/analytics/cohorts", permission=READ, sync_to_thread=True, tags=["seller"])
def get_cohorts(request: ApiRequest) -> list[CohortOut]:
    """What became of the customers of the latest twelve months, the newest first; months without new ones are left out."""
    with request.transaction() as uow:
        return [CohortOut.of(one) for one in seller_cohorts(uow)]


@get("/v1/seller/analytics/cohorts/export", permission=READ, sync_to_thread=True, media_type=CSV, tags=["seller"])
def export_cohorts(request: ApiRequest, file_format: FormatParameter = "csv") -> Response[bytes]:
    """The same figures as a table: one line a cohort and month."""
    with request.transaction() as uow:
        found = seller_cohorts(uow)
    return _file("cohorts", file_format, COHORT_HEADER, cohort_rows(found))


def _file(name: str, kind: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response[bytes]:
    media_type, body = (
        (CSV, as_csv(header, rows)) if kind == "csv" else (XLSX, as_xlsx(name.split("-", maxsplit=1)[0], header, rows))
    )
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{kind}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return Response(body, media_type=media_type, headers=headers)


routes = [get_funnel, export_funnel, get_cohorts, export_cohorts]
