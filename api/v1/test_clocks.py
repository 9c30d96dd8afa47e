"""Test clocks: an organization to test with, whose time its developer moves. Sandbox only."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import (
    KeyHeader,
    Out,
    PageOut,
    Paging,
    ShortText,
    UtcIn,
    Wire,
    answered,
    linked,
    list_page,
    run_command,
)
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from marketplace.test_clocks.create_test_clock import MANAGE, CreatedTestClock, create_test_clock, replace_key
from marketplace.test_clocks.move_test_clock import advance_test_clock, delete_test_clock
from marketplace.test_clocks.queries import TestClockView, get_test_clock, list_happenings, list_test_clocks
from orders.test_clocks.due_instants import next_due_at

_ALL = "/v1/test-clocks"
_ONE = f"{_ALL}/{{clock_id:uuid}}"


class ClockMadeIn(Wire):
    """A test clock to make; its test organization is named after it."""

    name: Annotated[ShortText, Field(examples=["Renewals"])]


class ClockMoveIn(Wire):
    """Where the clock is to stand: later than its present, by two years at most."""

    to: Annotated[UtcIn, Field(examples=["2027-12-01T00:00:00Z"])]


class TestClockOut(Out):
    """A test clock and its organization. While it is `advancing`, that organization can change nothing."""

    __test__ = False  # no class of tests
    id: UUID
    name: str
    organization_id: Annotated[UUID, Meta(description="The test organization, a buyer whose time this is")]
    organization_name: str
    state: Literal["ready", "advancing", "deleting", "deleted"]
    started_at: datetime
    present_at: Annotated[datetime, Meta(description="Where it stands")]
    target_at: Annotated[datetime | None, Meta(description="Where it will stand; null unless it is advancing")]
    created_at: datetime


class CreatedClockOut(TestClockOut):
    """A new clock. `key` acts for its organization, and is shown this once."""

    key: str


class ClockKeyOut(Out):
    """The key that acts for the test organization from now on, shown this once."""

    key: str


class ClockNowOut(TestClockOut):
    """A clock as it stands."""

    next_due_at: Annotated[datetime | None, Meta(description="When something is due there next; null: nothing is")]


class HappeningOut(Out):
    """Something that happened at the test organization, as in its log of events; `at` is its own time."""

    id: UUID
    type: Annotated[str, Meta(description="As in `GET /v1/event-types`", examples=["subscription.renewed"])]
    subject_id: UUID
    at: datetime


@post(_ALL, permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["test clocks"])
def post_test_clock(
    data: JSONBody[ClockMadeIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[CreatedClockOut]:
    """Make a test organization like your own, whose time stands still from now on. Its key is in this answer alone.

    Asked again with the same Idempotency-Key it is the same clock with another key, and the former one is refused.
    """
    require_sandbox(request)
    made: list[CreatedTestClock] = []

    def work(uow: UnitOfWork) -> TestClockOut:
        made.append(create_test_clock(uow, data.name))
        return _out(get_test_clock(uow, made[-1].row.id))

    # The answer that is kept has no key: no secret is stored as it is.
    answer = run_command(request, idempotency_key, data, work)
    body = msgspec.json.decode(answer.body)
    key = request.transact(lambda uow: replace_key(uow, UUID(body["id"])).key) if answer.replayed else made[-1].key
    return answered(replace(answer, body=msgspec.json.encode(body | {"key": key})))


@get(_ALL, permission=MANAGE, sync_to_thread=True, tags=["test clocks"])
def get_test_clocks(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[TestClockOut]]:
    """The organization's test clocks, the newest first, without those that were deleted."""
    return list_page(request, paging, list_test_clocks, _out)


@get(_ONE, permission=MANAGE, sync_to_thread=True, tags=["test clocks"])
def get_one_test_clock(clock_id: FromPath[UUID], request: ApiRequest) -> ClockNowOut:
    """One test clock: ask again while it is `advancing`."""
    with request.transaction() as uow:
        found = get_test_clock(uow, clock_id)
        return ClockNowOut.of_row(found, next_due_at=next_due_at(uow, found))


@get(f"{_ONE}/events", permission=MANAGE, sync_to_thread=True, tags=["test clocks"])
def get_happenings(
    clock_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[HappeningOut]]:
    """What happened at its organization, the last first."""
    with request.transaction() as uow:
        found = list_happenings(uow, clock_id, cursor=paging.cursor, limit=paging.limit)
    return linked(found, HappeningOut.of_row, request.scope["path"], limit=paging.limit)


@post(f"{_ONE}/advance", permission=MANAGE, refuses=[409], status_code=202, sync_to_thread=True, tags=["test clocks"])
def post_advance(clock_id: FromPath[UUID], data: JSONBody[ClockMoveIn], request: ApiRequest) -> TestClockOut:
    """Let everything happen that is due until `to`, in order, each at its instant.

    It is `advancing` until then, and `ready` after. Asked again for the same instant, nothing happens twice.
    """
    require_sandbox(request)

    def work(uow: UnitOfWork) -> TestClockOut:
        advance_test_clock(uow, clock_id, data.to)
        uow.flush()
        return _out(get_test_clock(uow, clock_id))

    return request.transact(work)


@post(f"{_ONE}/keys", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["test clocks"])
def post_key(clock_id: FromPath[UUID], request: ApiRequest) -> ClockKeyOut:
    """Another key for its organization, where the first was lost. The former one is refused from now on."""
    require_sandbox(request)
    return request.transact(lambda uow: ClockKeyOut(key=replace_key(uow, clock_id).key))


@delete(_ONE, permission=MANAGE, refuses=[409], status_code=202, sync_to_thread=True, tags=["test clocks"])
def remove_test_clock(clock_id: FromPath[UUID], request: ApiRequest) -> TestClockOut:
    """End its organization's subscriptions, and let nobody act for it any more. It is `deleting` until that is done."""
    require_sandbox(request)

    def work(uow: UnitOfWork) -> TestClockOut:
        delete_test_clock(uow, clock_id)
        uow.flush()
        return _out(get_test_clock(uow, clock_id))

    return request.transact(work)


def require_sandbox(request: ApiRequest) -> None:
    """Raises Forbidden(`sandbox_only`) where real money moves: nobody has a time of their own there."""
    if not request.services.sandbox:
        raise Forbidden("sandbox_only")


def _out(row: TestClockView) -> TestClockOut:
    return TestClockOut.of_row(row)


routes = [
    post_test_clock,
    get_test_clocks,
    get_one_test_clock,
    get_happenings,
    post_advance,
    post_key,
    remove_test_clock,
]
