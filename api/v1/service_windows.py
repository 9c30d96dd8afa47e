"""A seller's hours of service (服务窗), and what it has answered when nobody does."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import get, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import Out, StrictInt, Wire
from api.v1.demos import Clock, clock_of, minute_of
from marketplace.service_windows.save_window import (
    MANAGE,
    MAX_ANSWER,
    MOST_DAYS_OFF,
    SaveServiceWindow,
    ServiceWindowView,
    save_service_window,
    service_window_of,
)

AnswerText = Annotated[str, Field(max_length=MAX_ANSWER)]


class ServiceWindowIn(Wire):
    """Weekdays (Monday is 1), hours by the seller's clocks, days off, and what is answered by itself outside them."""

    weekdays: Annotated[
        list[Annotated[StrictInt, Field(ge=1, le=7)]], Field(min_length=1, max_length=7, examples=[[1, 2, 3, 4, 5]])
    ]
    begins: Clock = "09:00"
    ends: Clock = "18:00"
    days_off: Annotated[list[date], Field(max_length=MOST_DAYS_OFF, default_factory=list, examples=[["2027-01-01"]])]
    answer: Annotated[AnswerText, Field(examples=["现在不在服务时间，我们会在下一个工作日答复。"])] = ""
    answer_en: Annotated[AnswerText, Field(examples=["We are closed now and answer on the next working day."])] = ""


class ServiceWindowOut(Out):
    """When a seller's people answer, in its time zone."""

    org_id: UUID
    weekdays: list[int]
    begins: str
    ends: str
    time_zone: str
    days_off: list[date]
    answer: Annotated[
        str, Meta(description="What is answered by itself outside the hours; nothing where both are empty")
    ]
    answer_en: str
    is_own: Annotated[bool, Meta(description="The seller said them; else they are the usual ones")]

    @classmethod
    def of(cls, row: ServiceWindowView) -> ServiceWindowOut:
        """From the query's row."""
        return cls.of_row(
            row,
            weekdays=list(row.weekdays),
            begins=clock_of(row.from_minute),
            ends=clock_of(row.to_minute),
            days_off=list(row.days_off),
        )


@get("/v1/organizations/{org_id:uuid}/service-window", permission=SIGNED_IN, sync_to_thread=True, tags=["catalogue"])
def get_service_window(org_id: FromPath[UUID], request: ApiRequest) -> ServiceWindowOut:
    """When a seller's people answer."""
    with request.transaction() as uow:
        return ServiceWindowOut.of(service_window_of(uow, org_id))


@get("/v1/seller/service-window", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_own_service_window(request: ApiRequest) -> ServiceWindowOut:
    """The acting seller's own."""
    with request.transaction() as uow:
        return ServiceWindowOut.of(service_window_of(uow, request.principal.organization()))


@put("/v1/seller/service-window", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["seller"])
def put_service_window(data: JSONBody[ServiceWindowIn], request: ApiRequest) -> ServiceWindowOut:
    """Say when the seller's people answer. Clocks of tickets that run already keep their end."""
    return request.transact(lambda uow: ServiceWindowOut.of(save_service_window(uow, window_command(data))))


def window_command(data: ServiceWindowIn) -> SaveServiceWindow:
    """For the JSON route and the page alike."""
    return SaveServiceWindow(
        data.weekdays, minute_of(data.begins), minute_of(data.ends), data.days_off, data.answer, data.answer_en
    )


routes = [get_service_window, get_own_service_window, put_service_window]
