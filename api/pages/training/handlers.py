"""Internal training: members watch, managers assign and read the report."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.media_addresses import media_address
from api.pages.frame import addresses, training_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import failure, reason
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.training.views import (
    LessonItem,
    ManagedItem,
    ManagedView,
    ToLearnItem,
    ToLearnView,
    TrainingFormView,
    TrainingView,
)
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from kernel.ids import parse_uuid
from marketplace.access.members import list_members
from marketplace.departments.queries import list_departments
from marketplace.training.assign_training import (
    TRAIN,
    AssignTraining,
    ChangeTraining,
    assign_training,
    change_training,
    end_training,
)
from marketplace.training.queries import (
    TrainingVideoView,
    get_own_training,
    get_report,
    list_own_trainings,
    list_trainings,
)
from marketplace.training.trainable import trainable_videos

Answer = Response[str] | Response[bytes]
TYPED = ("title", "title_en", "due_on")
_FIELDS = {"person_ids": "people", "video_ids": "videos"}


@page(training_addresses.OWN, SIGNED_IN)
def show_to_learn(page_request: Given[PageRequest]) -> Answer:
    """What the member is to watch."""
    with page_request.work() as uow:
        found = list_own_trainings(uow)
        manages = uow.principal.may(TRAIN)
    rows = tuple(
        ToLearnItem(training_addresses.own(row.id), page_request.pick(row.title, row.title_en), row) for row in found
    )
    return page_request.render(ToLearnView(rows, training_addresses.MANAGED if manages else ""))


@page("/training/{training_id:uuid}", SIGNED_IN)
def show_training(training_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """A training at one of its videos: the one that is asked for, else the first that is not done."""
    with page_request.work() as uow:
        found = get_own_training(uow, training_id)
    lessons = tuple(_lesson(page_request, training_id, one) for one in found.videos)
    asked = page_request.query("video", most=36)
    openable = [one for one in lessons if one.is_open]
    shown = next((one for one in openable if one.video_id == asked), None)
    shown = shown or next((one for one in openable if not one.completed), None) or next(iter(openable), None)
    src = report = ""
    if shown is not None:
        video = next(one for one in found.videos if str(one.video_id) == shown.video_id)
        src = media_address(page_request.services, video.video_id, video.media_version, is_public=video.is_public)
        report = training_addresses.watched(training_id, shown.video_id)
    row = found.training
    title = page_request.pick(row.title, row.title_en)
    return page_request.render(TrainingView(title, row, found.complete_percent, lessons, shown, src, report))


@page(training_addresses.MANAGED, TRAIN)
def show_managed(page_request: Given[PageRequest]) -> Answer:
    """What the organization has its members watch."""
    with page_request.work() as uow:
        found = list_trainings(uow, cursor=page_request.query("cursor", most=200) or None)
    rows = tuple(
        ManagedItem(training_addresses.managed(row.id), page_request.pick(row.title, row.title_en), row)
        for row in found.items
    )
    more = addresses.next_page(training_addresses.MANAGED, found.next_cursor)
    return page_request.render(ManagedView(rows, training_addresses.NEW, more))


@page(training_addresses.NEW, TRAIN)
def show_new(page_request: Given[PageRequest]) -> Answer:
    """The form of a new training."""
    return page_request.render(_new(page_request, {}, frozenset()))


@form_post(training_addresses.NEW, TRAIN)
def create(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Assign it."""
    chosen = _chosen(form)
    try:
        command = AssignTraining(
            form.text("title", most=300),
            _day(form),
            _ids(chosen, "video"),
            _ids(chosen, "person"),
            _ids(chosen, "department"),
            form.text("title_en", most=300),
        )
        made = page_request.transact(lambda uow: assign_training(uow, command).id)
    except DomainError as refused:
        view = replace(_new(page_request, _typed(form), chosen), **_refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(training_addresses.managed(made), notice="training_assigned")


@page("/organization/trainings/{training_id:uuid}", TRAIN)
def show_report(training_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """How far everybody came."""
    return page_request.render(_report(page_request, training_id))


@form_post("/organization/trainings/{training_id:uuid}", TRAIN)
def change(training_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Another title or day, and more people."""
    chosen = _chosen(form)
    try:
        command = ChangeTraining(
            training_id,
            form.text("title", most=300),
            _day(form),
            form.text("title_en", most=300),
            _ids(chosen, "person"),
            _ids(chosen, "department"),
        )
        page_request.transact(lambda uow: change_training(uow, command).id)
    except DomainError as refused:
        if refused.code == "training_not_found":
            raise
        view = _report(page_request, training_id)
        view = replace(view, typed=_typed(form), chosen=chosen, **_refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(training_addresses.managed(training_id), notice="training_saved")


@form_post("/organization/trainings/{training_id:uuid}/end", TRAIN)
def end(training_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """End it. Pressed twice, it is ended once."""
    del form
    page_request.transact(lambda uow: end_training(uow, training_id))
    return page_request.redirect(training_addresses.managed(training_id), notice="training_ended")


def _lesson(page_request: PageRequest, training_id: UUID, one: TrainingVideoView) -> LessonItem:
    percent = min(100, one.watched_ms * 100 // one.duration_ms) if one.duration_ms else 0
    return LessonItem(
        str(one.video_id),
        training_addresses.own(training_id, one.video_id),
        one.number,
        page_request.pick(one.title, one.title_en) if one.is_open else page_request.t("training.gone"),
        one.is_open,
        -(-one.duration_ms // 1000),
        percent,
        one.completed_at is not None,
    )


def _new(page_request: PageRequest, typed: dict[str, str], chosen: frozenset[str]) -> TrainingFormView:
    with page_request.work() as uow:
        people, departments = _people(page_request, uow)
        videos = tuple(
            Choice(str(one.id), page_request.pick(one.title, one.title_en), detail=one.owner_name)
            for one in trainable_videos(uow)
        )
    title = page_request.t("training.new")
    return TrainingFormView(
        training_addresses.NEW, training_addresses.MANAGED, title, typed, videos, people, departments, chosen
    )


def _report(page_request: PageRequest, training_id: UUID) -> TrainingFormView:
    with page_request.work() as uow:
        report = get_report(uow, training_id)
        people, departments = _people(page_request, uow)
    known = {str(row.person_id) for row in report.rows}
    row = report.training
    typed = {"title": row.title, "title_en": row.title_en, "due_on": row.due_on.isoformat()}
    return TrainingFormView(
        training_addresses.managed(training_id),
        training_addresses.MANAGED,
        page_request.pick(row.title, row.title_en),
        typed,
        (),
        tuple(one for one in people if one.id not in known),
        departments,
        frozenset(),
        report=report,
        csv=training_addresses.report_file(training_id, "csv"),
        xlsx=training_addresses.report_file(training_id, "xlsx"),
        end=training_addresses.managed(training_id, "/end"),
    )


def _people(page_request: PageRequest, uow: UnitOfWork) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
    members = tuple(
        Choice(str(one.person_id), one.name, detail=one.email) for one in list_members(uow) if one.state == "active"
    )
    departments = tuple(
        Choice(str(one.id), page_request.pick(one.name, one.name_en), detail=one.code) for one in list_departments(uow)
    )
    return members, departments


def _typed(form: Form) -> dict[str, str]:
    return {name: form.values.get(name, "")[:300] for name in TYPED}


def _chosen(form: Form) -> frozenset[str]:
    return frozenset(name for name, value in form.values.items() if value == "yes")


def _ids(chosen: frozenset[str], kind: str) -> tuple[UUID, ...]:
    """What was ticked of a kind: fields are named `video-…`, `person-…`, `department-…`."""
    found = (parse_uuid(name.partition("-")[2]) for name in sorted(chosen) if name.startswith(f"{kind}-"))
    return tuple(one for one in found if one is not None)


def _day(form: Form) -> date:
    try:
        return date.fromisoformat(form.text("due_on", most=10))
    except ValueError as error:
        raise Invalid("validation_failed", field="due_on") from error


def _refusal(page_request: PageRequest, refused: DomainError) -> dict[str, Any]:
    field = str(refused.params.get("field", ""))
    if field in {*TYPED, *_FIELDS} and not isinstance(refused, NotFound):
        said = reason(page_request, refused.code, refused.params)
        return {"error_field": _FIELDS.get(field, field), "field_error": said}
    return {"error": failure(page_request, refused)}


routes = [show_to_learn, show_training, show_managed, show_new, create, show_report, change, end]
