"""Wire models: strict in, explicit out. Money is minor units and a currency; time RFC 3339 in UTC; ids UUID version 7."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from functools import cache, partial
from typing import Annotated, Any, Generic, Self, TypeVar, get_args
from urllib.parse import urlencode

import msgspec
from litestar import MediaType, Response
from litestar.params import HeaderParameter, QueryParameter
from msgspec import Meta
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.request import ApiRequest
from kernel.db.uow import UnitOfWork
from kernel.idempotency import Answer, with_idempotency_key
from kernel.money import CURRENCIES, Money
from kernel.paging import MAX_LIMIT, Page
from marketplace.catalog.categories import CATEGORIES
from marketplace.parties.places import COUNTRIES

T = TypeVar("T")
R = TypeVar("R")
W = TypeVar("W", bound="Wire")

LONGEST_TEXT = 20_000
"""Characters of a text whose field does not say less."""


class Wire(BaseModel):
    """A body as it may come in: no unknown fields, no coercion of numbers out of strings or booleans."""

    # A body's validator is built when the first one comes, not while the process starts.
    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=LONGEST_TEXT, defer_build=True)

    @classmethod
    def model_validate(cls, obj: Any, *, strict: bool | None = None, **options: Any) -> Self:
        """Litestar passes `strict=False`, which would overrule the fields that say they are strict; None respects them."""
        return super().model_validate(obj, strict=strict or None, **options)


class Out(msgspec.Struct, kw_only=True):
    """A body as it goes out. Every field is always present. What comes from our own rows is not validated a second time."""

    @classmethod
    def of_row(cls, row: Any, *, currency: str | None = None, **given: Any) -> Self:
        """The fields of the same names of a row, and the `given` ones.

        An amount `x` comes from `x_minor`, in the row's currency unless another object says it.
        """
        plain, amounts = _fields_of(cls)
        values = {name: getattr(row, name) for name in plain if name not in given}
        for name in amounts:
            if name not in given:
                values[name] = MoneyOut.of(getattr(row, f"{name}_minor"), currency or row.currency)
        return cls(**values, **given)

    def as_json(self) -> dict[str, Any]:
        """The body as JSON's own types."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        return body

    def encoded(self) -> bytes:
        """The body as it is sent."""
        return msgspec.json.encode(self)


class FieldProblemOut(BaseModel):
    """What is wrong with one field."""

    model_config = ConfigDict(frozen=True)

    field: str
    code: str
    message: str


class ProblemOut(BaseModel):
    """An error (RFC 9457). Programs read `code`; `title`, `safe` and `todo` are for people, in the reader's language."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str = Field(description="What happened")
    status: int
    detail: str = Field(description="`title`, `safe` and `todo` in one")
    code: str = Field(description="Stable, never reused", examples=["quote_expired"])
    safe: str = Field(description="What is safe: whether anything was changed or charged")
    todo: str = Field(description="What to do")
    params: dict[str, str | int | bool | None] = Field(description="What the sentences were filled in with")
    errors: list[FieldProblemOut]
    request_id: str | None


class MoneyOut(Out):
    """An amount in minor units of an ISO 4217 currency."""

    amount: Annotated[int, Meta(description="Minor units, e.g. fen or cents", examples=[398000])]
    currency: Annotated[str, Meta(examples=["CNY"])]

    @classmethod
    def of(cls, amount_minor: int, currency: str) -> MoneyOut:
        """From a column pair."""
        return cls(amount=amount_minor, currency=currency.strip())

    @classmethod
    def of_money(cls, money: Money) -> MoneyOut:
        """From the value object."""
        return cls(amount=money.amount_minor, currency=money.currency)


@cache
def _fields_of(kind: type[Out]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the plain fields and of the amounts."""
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    amounts = tuple(name for name, found in types.items() if MoneyOut in {found, *get_args(found)[:1]})
    return tuple(name for name in types if name not in amounts), amounts


class PageOut(Out, Generic[T]):
    """One page of a list and the cursor of the next."""

    items: Sequence[T]
    next_cursor: str | None


def linked(page: Page[Any], out: Callable[[Any], T], path: str, **query: object) -> Response[PageOut[T]]:
    """A page with each row in its wire form, and the `Link` header (RFC 8288) of the next one under the same filters."""
    answer = PageOut(items=[out(row) for row in page.items], next_cursor=page.next_cursor)
    return Response(answer, headers=next_link(page, path, **query))


def next_link(page: Page[Any], path: str, **query: object) -> dict[str, str]:
    """The `Link` header of the next page, where there is one."""
    if not page.next_cursor:
        return {}
    kept = {name: str(value) for name, value in query.items() if value is not None}
    return {"Link": f'<{path}?{urlencode({"cursor": page.next_cursor, **kept})}>; rel="next"'}


def unchanged(row: T) -> T:
    """The wire form of a row that is answered as it is."""
    return row


def list_page(
    request: ApiRequest, paging: Paging, read: Callable[..., Page[R]], out: Callable[[R], T], **filters: object
) -> Response[PageOut[T]]:
    """What a list answers: one page of what `read` finds under `filters`, each row in its wire form.

    `read` takes the unit of work, `cursor`, `limit` and the filters; those have the names of the query's parameters.
    """
    with request.transaction() as uow:
        page = read(uow, cursor=paging.cursor, limit=paging.limit, **filters)
    return linked(page, out, request.scope["path"], **filters, limit=paging.limit)


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """An answer that comes after the command's commit (`change_answer`)."""

    is_awaited: Callable[[], bool]
    unanswered: Callable[[UnitOfWork], Out]
    """How things stand where it never came."""


def run_command(
    request: ApiRequest,
    key: str | None,
    asked: Wire,
    work: Callable[[UnitOfWork], object],
    *,
    status: int = 201,
    route: str | None = None,
    late: LateAnswer | None = None,
    ask_ahead: Callable[[UnitOfWork], None] | None = None,
) -> Answer:
    """Run `work` once per Idempotency-Key, organization and route, in the request's transaction; later calls get its answer.

    `asked` is the body by which a key used for something else is recognised; `route` is the request's own unless a page
    asks on behalf of the JSON route. `ask_ahead` asks ahead for `work`.

    Raises: as `kernel.idempotency.with_idempotency_key`, and as `work`.
    """

    def command(uow: UnitOfWork) -> Answer:
        def answer() -> Answer:
            body = msgspec.json.encode(work(uow))
            return Answer(status, body, is_last=late is None or not late.is_awaited())

        def unanswered() -> Answer:
            assert late is not None  # noqa: S101 - without it nobody asks
            return Answer(status, late.unanswered(uow).encoded())

        asked_for = asked.model_dump(mode="json")
        named = route or f"{request.method} {request.scope['path'].lower()}"
        return with_idempotency_key(
            uow,
            route=named,
            key=key,
            request=asked_for,
            work=answer,
            unanswered=unanswered if late else None,
            ask_ahead=partial(ask_ahead, uow) if ask_ahead else None,
        )

    return request.transact(command)


def idempotent_command(
    request: ApiRequest, key: str | None, asked: Wire, work: Callable[[UnitOfWork], object], *, status: int = 201
) -> Response[Any]:
    """`run_command` as the answer of its route."""
    return answered(run_command(request, key, asked, work, status=status))


def answered(answer: Answer) -> Response[Any]:
    """What a request with an Idempotency-Key is answered, now or again."""
    headers = {"Idempotency-Replayed": "true"} if answer.replayed else {}
    return Response(answer.body, status_code=answer.status, media_type=MediaType.JSON, headers=headers)


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        msg = "an instant needs its time zone offset"
        raise ValueError(msg)
    try:
        found = value.astimezone(UTC)
    except OverflowError as error:  # the first and the last hours that can be written, elsewhere
        raise ValueError(str(error)) from error
    if not MINYEAR < found.year < MAXYEAR:
        # It would be kept, and then no page of a zone in which that hour is not written any more could show it.
        msg = "an instant that is not written in every time zone"
        raise ValueError(msg)
    return found


UtcIn = Annotated[datetime, AfterValidator(_utc)]
StrictInt = Annotated[int, Field(strict=True)]
CursorParameter = Annotated[
    str | None,
    QueryParameter(
        name="cursor",
        max_length=200,
        required=False,
        description="`next_cursor` of the page before; none for the first",
    ),
]
LimitParameter = Annotated[int, QueryParameter(name="limit", ge=1, le=MAX_LIMIT, description="Most rows of a page")]


@dataclass(frozen=True, slots=True)
class Paging:
    """Where in a list to go on, and with how many rows."""

    cursor: str | None
    limit: int


def provide_paging(cursor: CursorParameter = None, limit: LimitParameter = 20) -> Paging:
    """Dependency `paging` of every list."""
    return Paging(cursor, limit)


KeyHeader = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", required=False, description="One effect per key; kept 30 days."),
]


def refused_unless(pattern: re.Pattern[str]) -> Any:
    """A text's field that the domain refuses, in its own words, unless all of it matches: the contract says so beforehand."""
    return Field(json_schema_extra={"pattern": f"^{pattern.pattern}$"})


def refused_unless_in(codes: Sequence[str]) -> Any:
    """As `refused_unless`, for a code list."""
    return Field(json_schema_extra={"enum": list(codes)})


CurrencyIn = Annotated[str, Field(max_length=3), refused_unless_in(CURRENCIES)]
CategoryIn = Annotated[str, Field(max_length=40), refused_unless_in(CATEGORIES)]
CountryIn = Annotated[str, Field(max_length=2), refused_unless_in(COUNTRIES)]
TimeZoneIn = Annotated[
    str, Field(max_length=60, description="Name in the IANA time zone database", examples=["Asia/Shanghai"])
]


ShortText = Annotated[str, Field(max_length=200)]
