"""Wire models: strict in, explicit out. Money is minor units and a currency; time RFC 3339 in UTC; ids UUID version 7."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from litestar import Response
from litestar.params import Parameter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kernel.money import Money
from kernel.paging import MAX_LIMIT, Page

T = TypeVar("T")
W = TypeVar("W", bound="Wire")


class Wire(BaseModel):
    """A body as it may come in: no unknown fields, no coercion of numbers out of strings or booleans."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=20_000)

    @classmethod
    def model_validate(cls, obj: Any, *, strict: bool | None = None, **options: Any) -> Self:
        """Litestar passes `strict=False`, which would overrule the fields that say they are strict; None respects them."""
        return super().model_validate(obj, strict=strict or None, **options)


class Out(BaseModel):
    """A body as it goes out. Every field is always present."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class MoneyOut(Out):
    """An amount in minor units of an ISO 4217 currency."""

    amount: int = Field(description="Minor units, e.g. fen or cents", examples=[398000])
    currency: str = Field(examples=["CNY"])

    @classmethod
    def of(cls, amount_minor: int, currency: str) -> MoneyOut:
        """From a column pair."""
        return cls(amount=amount_minor, currency=currency.strip())

    @classmethod
    def of_money(cls, money: Money) -> MoneyOut:
        """From the value object."""
        return cls(amount=money.amount_minor, currency=money.currency)


class PageOut(Out, Generic[T]):
    """One page of a list and the cursor of the next."""

    items: Sequence[T]
    next_cursor: str | None


def page_out(page: Page[Any], out: Callable[[Any], T]) -> PageOut[T]:
    """A page with each row turned into its wire form."""
    return PageOut(items=[out(row) for row in page.items], next_cursor=page.next_cursor)


def linked(body: PageOut[T], path: str, **query: str | int | None) -> Response[PageOut[T]]:
    """A page with the `Link` header (RFC 8288) of the next one."""
    headers: dict[str, str] = {}
    if body.next_cursor:
        kept = "".join(f"&{name}={value}" for name, value in query.items() if value is not None)
        headers["Link"] = f'<{path}?cursor={body.next_cursor}{kept}>; rel="next"'
    return Response(body, headers=headers)


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        msg = "an instant needs its time zone offset"
        raise ValueError(msg)
    return value.astimezone(UTC)


UtcIn = Annotated[datetime, AfterValidator(_utc)]
StrictInt = Annotated[int, Field(strict=True)]
CursorParameter = Annotated[str | None, Parameter(query="cursor", max_length=200, required=False)]
LimitParameter = Annotated[int, Parameter(query="limit", ge=1, le=MAX_LIMIT)]
KeyHeader = Annotated[
    str | None,
    Parameter(header="Idempotency-Key", required=False, description="One effect per key; kept 30 days."),
]
StateParameter = Annotated[
    str | None,
    Parameter(query="state", max_length=40, required=False, description="Only rows in this state"),
]
