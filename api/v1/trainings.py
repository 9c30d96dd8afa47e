"""Internal training: what one is to watch, what was watched, and the report for whoever manages members."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO, StringIO
from typing import Annotated
from uuid import UUID

import xlsxwriter
from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import SIGNED_IN
from api.context import Services
from api.media_addresses import media_address
from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, StrictInt, Wire, list_page, unchanged
from api.v1.statement_workbook import XLSX
from kernel.db.uow import UnitOfWork
from kernel.spreadsheets import inert
from marketplace.training.assign_training import (
    MOST_PEOPLE,
    MOST_VIDEOS,
    TRAIN,
    AssignTraining,
    ChangeTraining,
    assign_training,
    change_training,
    end_training,
)
from marketplace.training.queries import (
    ManagedTraining,
    OwnTraining,
    OwnTrainingDetail,
    ReportRow,
    TrainingReport,
    TrainingVideoView,
    get_own_training,
    get_report,
    list_own_trainings,
    list_trainings,
)
from marketplace.training.report_watched import MOST_SPANS, ReportWatched, WatchedKept, report_watched

REPORT_NAMES = (
    *("person_id", "name", "email", "department", "videos_completed", "watched_ms", "percent"),
    *("completed_at", "is_late", "is_member"),
)
"""The columns of the files, by the API's names."""
TAGS = ["courses"]
Day = Annotated[date, Field(examples=["2027-01-31"])]
Ids = Annotated[list[UUID], Field(default_factory=list, max_length=MOST_PEOPLE)]
Millisecond = Annotated[StrictInt, Field(ge=0, le=86_400_000)]


class TrainingIn(Wire):
    """What is to be watched by whom until when: members by themselves, and those who are in departments today."""

    title: Annotated[str, Field(max_length=100, examples=["数据安全必修"])] = ""
    title_en: Annotated[str, Field(max_length=100, examples=["Data security"])] = ""
    due_on: Day
    video_ids: Annotated[list[UUID], Field(max_length=MOST_VIDEOS)]
    person_ids: Ids
    department_ids: Ids


class TrainingChange(Wire):
    """Another title or day, and people who are to watch it as well."""

    title: Annotated[str, Field(max_length=100, examples=["数据安全必修"])] = ""
    title_en: Annotated[str, Field(max_length=100, examples=["Data security"])] = ""
    due_on: Day
    person_ids: Ids
    department_ids: Ids


# A list of two, not a tuple: generators of clients want to know of a list what is in it.
Span = Annotated[list[Millisecond], Field(min_length=2, max_length=2)]


class WatchedIn(Wire):
    """Spans that were played since the last report: pairs of milliseconds, the second exclusive."""

    spans: Annotated[list[Span], Field(max_length=MOST_SPANS, examples=[[[0, 9_800]]])]


class TrainingVideoOut(Out):
    """One of its videos. `is_open` false: one may not watch it any more, and its title is not told."""

    video_id: UUID
    number: int
    is_open: bool
    title: str
    title_en: str
    duration_ms: int
    watched_ms: int
    completed_at: datetime | None
    media_url: str | None

    @classmethod
    def of(cls, services: Services, row: TrainingVideoView) -> TrainingVideoOut:
        """From the query's row, with its address."""
        url = media_address(services, row.video_id, row.media_version, is_public=row.is_public) if row.is_open else None
        return cls.of_row(row, media_url=url)


class OwnTrainingOut(Out):
    """What one is to watch: so many per cent of each video, by what was really played."""

    training: OwnTraining
    complete_percent: int
    videos: list[TrainingVideoOut]

    @classmethod
    def of(cls, services: Services, row: OwnTrainingDetail) -> OwnTrainingOut:
        """From the query's row."""
        videos = [TrainingVideoOut.of(services, one) for one in row.videos]
        return cls(training=row.training, complete_percent=row.complete_percent, videos=videos)


@get("/v1/trainings", permission=SIGNED_IN, sync_to_thread=True, tags=TAGS)
def get_own_trainings(request: ApiRequest) -> Sequence[OwnTraining]:
    """What the acting member is to watch, and has watched: what is open first, by its last day."""
    with request.transaction() as uow:
        return list_own_trainings(uow)


@get("/v1/trainings/{training_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=TAGS)
def get_one_of_own(training_id: FromPath[UUID], request: ApiRequest) -> OwnTrainingOut:
    """One of them with its videos and how much of each was watched."""
    with request.transaction() as uow:
        return OwnTrainingOut.of(request.services, get_own_training(uow, training_id))


@put(
    "/v1/trainings/{training_id:uuid}/videos/{video_id:uuid}/watched",
    permission=SIGNED_IN,
    sync_to_thread=True,
    tags=TAGS,
)
def put_watched(
    training_id: FromPath[UUID], video_id: FromPath[UUID], data: JSONBody[WatchedIn], request: ApiRequest
) -> WatchedKept:
    """Say what was played. The first report, without a span, begins; more than time allows since the last is not counted."""
    command = ReportWatched(training_id, video_id, tuple((span[0], span[1]) for span in data.spans))
    return request.transact(lambda uow: report_watched(uow, command))


@get("/v1/managed-trainings", permission=TRAIN, sync_to_thread=True, tags=TAGS)
def get_trainings(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[ManagedTraining]]:
    """What the organization has its members watch, the newest first."""
    return list_page(request, paging, list_trainings, unchanged)


@post("/v1/managed-trainings", permission=TRAIN, refuses=[404], sync_to_thread=True, tags=TAGS)
def create_training(data: JSONBody[TrainingIn], request: ApiRequest) -> ManagedTraining:
    """Have members watch videos by a day: internal ones, others of the organization, or any that it may watch."""
    command = AssignTraining(
        data.title,
        data.due_on,
        tuple(data.video_ids),
        tuple(data.person_ids),
        tuple(data.department_ids),
        data.title_en,
    )
    return request.transact(lambda uow: get_report(uow, assign_training(uow, command).id).training)


@get("/v1/managed-trainings/{training_id:uuid}", permission=TRAIN, sync_to_thread=True, tags=TAGS)
def get_training_report(training_id: FromPath[UUID], request: ApiRequest) -> TrainingReport:
    """How far everybody came."""
    with request.transaction() as uow:
        return get_report(uow, training_id)


@put("/v1/managed-trainings/{training_id:uuid}", permission=TRAIN, refuses=[404, 409], sync_to_thread=True, tags=TAGS)
def update_training(
    training_id: FromPath[UUID], data: JSONBody[TrainingChange], request: ApiRequest
) -> ManagedTraining:
    """Another title or day, and more people. Of another day members are reminded anew."""
    command = ChangeTraining(
        training_id, data.title, data.due_on, data.title_en, tuple(data.person_ids), tuple(data.department_ids)
    )
    return request.transact(lambda uow: get_report(uow, change_training(uow, command).id).training)


@post("/v1/managed-trainings/{training_id:uuid}/end", permission=TRAIN, status_code=200, sync_to_thread=True, tags=TAGS)
def end_one_training(training_id: FromPath[UUID], request: ApiRequest) -> ManagedTraining:
    """Nobody is to watch it any more; the report stays. Done already, nothing changes."""

    def work(uow: UnitOfWork) -> ManagedTraining:
        end_training(uow, training_id)
        return get_report(uow, training_id).training

    return request.transact(work)


@get(
    "/v1/managed-trainings/{training_id:uuid}/csv",
    permission=TRAIN,
    sync_to_thread=True,
    media_type="text/csv",
    tags=TAGS,
)
def get_report_csv(training_id: FromPath[UUID], request: ApiRequest) -> Response[bytes]:
    """The report's rows as CSV in UTF-8, with the fields' names."""
    with request.transaction() as uow:
        rows = get_report(uow, training_id).rows
    written = StringIO()
    table = csv.writer(written)
    table.writerow(REPORT_NAMES)
    table.writerows([inert(_cell(row, name)) for name in REPORT_NAMES] for row in rows)
    headers = {"Content-Disposition": 'attachment; filename="training.csv"', "Cache-Control": "private, no-store"}
    # With the mark by which a spreadsheet knows UTF-8.
    return Response(written.getvalue().encode("utf-8-sig"), media_type="text/csv", headers=headers)


@get("/v1/managed-trainings/{training_id:uuid}/xlsx", permission=TRAIN, sync_to_thread=True, media_type=XLSX, tags=TAGS)
def get_report_xlsx(training_id: FromPath[UUID], request: ApiRequest) -> Response[bytes]:
    """The same as a workbook."""
    with request.transaction() as uow:
        rows = get_report(uow, training_id).rows
    file = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet("training")
        sheet.write_row(0, 0, REPORT_NAMES)
        for number, row in enumerate(rows, 1):
            for column, name in enumerate(REPORT_NAMES):
                value = getattr(row, name)
                if isinstance(value, int) and not isinstance(value, bool):
                    sheet.write_number(number, column, value)
                else:
                    sheet.write_string(number, column, _cell(row, name))
    headers = {"Content-Disposition": 'attachment; filename="training.xlsx"', "Cache-Control": "private, no-store"}
    return Response(file.getvalue(), media_type=XLSX, headers=headers)


def _cell(row: ReportRow, name: str) -> str:
    value = getattr(row, name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


routes = [
    get_own_trainings,
    get_one_of_own,
    put_watched,
    get_trainings,
    create_training,
    get_training_report,
    update_training,
    end_one_training,
    get_report_csv,
    get_report_xlsx,
]
