"""Who of an organization that promotes brought what: its members by their links, its channels by their videos."""

from __future__ import annotations

import csv
from datetime import date
from io import StringIO
from typing import Annotated, Final, Literal
from uuid import UUID

from litestar import Response, get
from msgspec import Meta

from api.request import ApiRequest
from api.schema import MoneyOut, Out
from kernel import clock
from kernel.spreadsheets import inert
from orders.promoter_earnings import BroughtBy, EarnedIn, earnings_by_bringer

PERMISSION: Final = "money.read"
COLUMNS: Final = (
    "kind",
    "subject_id",
    "name",
    "views",
    "visits",
    "orders",
    "currency",
    "earned_minor",
    "paid_minor",
    "taken_back_minor",
)


class EarnedInOut(Out):
    """What was earned in one currency."""

    currency: str
    earned: Annotated[MoneyOut, Meta(description="Less what was taken back")]
    paid: Annotated[MoneyOut, Meta(description="Of it what was paid out")]
    taken_back: MoneyOut

    @classmethod
    def of(cls, row: EarnedIn) -> EarnedInOut:
        """From the query's row."""
        return cls(
            currency=row.currency,
            earned=MoneyOut.of(row.earned_minor, row.currency),
            paid=MoneyOut.of(row.paid_minor, row.currency),
            taken_back=MoneyOut.of(row.taken_back_minor, row.currency),
        )


class BroughtByOut(Out):
    """What one of them brought. Names no buyer and no order."""

    kind: Annotated[
        Literal["person", "channel", "chain", "earlier"],
        Meta(
            description="`person`: a member by their share links; `channel`: without one; `chain`: as distributor or service "
            "provider; `earlier`: by a link of which it is not known whose it was"
        ),
    ]
    subject_id: Annotated[UUID | None, Meta(description="The person or the channel")]
    name: str
    name_en: str
    views: Annotated[
        int, Meta(description="Views of others that the link led to; of a channel those that no link led to")
    ]
    visits: Annotated[int, Meta(description="How often others, signed in, opened the links of products and channels")]
    orders: int
    earned: Annotated[
        list[EarnedInOut], Meta(description="One a currency; all rows together are the shares of promotion")
    ]

    @classmethod
    def of(cls, row: BroughtBy) -> BroughtByOut:
        """From the query's row."""
        return cls.of_row(row, earned=[EarnedInOut.of(one) for one in row.earned])


@get("/v1/promoter/earnings", permission=PERMISSION, sync_to_thread=True, tags=["money"])
def get_promoter_earnings(request: ApiRequest) -> list[BroughtByOut]:
    """What each member with a share link and each channel brought the organization, the best first."""
    with request.transaction() as uow:
        return [BroughtByOut.of(row) for row in earnings_by_bringer(uow)]


@get("/v1/promoter/earnings/csv", permission=PERMISSION, sync_to_thread=True, media_type="text/csv", tags=["money"])
def get_promoter_earnings_csv(request: ApiRequest) -> Response[bytes]:
    """The same as CSV in UTF-8, a line for each currency; who earned nothing has one without a currency."""
    with request.transaction() as uow:
        rows = earnings_by_bringer(uow)
    headers = {
        "Content-Disposition": f'attachment; filename="earnings-{_today()}.csv"',
        "Cache-Control": "private, no-store",
    }
    return Response(written(rows), media_type="text/csv", headers=headers)


def written(rows: list[BroughtBy]) -> bytes:
    """With the mark by which a spreadsheet knows UTF-8."""
    out = StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for row in rows:
        who = (row.kind, row.subject_id or "", inert(row.name), row.views, row.visits, row.orders)
        for one in row.earned or (None,):
            money = (one.currency, one.earned_minor, one.paid_minor, one.taken_back_minor) if one else ("", "", "", "")
            table.writerow((*who, *money))
    return out.getvalue().encode("utf-8-sig")


def _today() -> date:
    return clock.now().date()


routes = [get_promoter_earnings, get_promoter_earnings_csv]
