"""The report of a training as CSV and as a workbook: what the API says, row by row, and nobody else's to read."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

from litestar.testing import TestClient
from python_calamine import CalamineWorkbook

from api.context import Services
from api.v1.trainings import REPORT_NAMES
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from marketplace.access.authenticate import hash_token
from marketplace.access.models import Person, SignInSession
from marketplace.training.assign_training import AssignTraining, assign_training
from marketplace.training.report_watched import ReportWatched, report_watched
from marketplace.videos.models import VIDEO
from tests.api_server import application
from tests.factories_marketplace import Org, acting, make_member, make_org, make_ready_video

EVIL = "=1+1"
"""A name that a spreadsheet would compute."""
LENGTH_MS = 4_000
"""Of the film: shorter than what a first report may say was played."""


def signed_in(services: Services, who: Principal) -> TestClient[Any]:
    token = str(uuid7())
    with unit_of_work(services.db, SYSTEM) as uow:
        uow.session.add(
            SignInSession(
                token_hash=hash_token(token),
                person_id=who.person(),
                org_id=who.organization(),
                expires_at=clock.now() + timedelta(days=1),
            )
        )
    client: TestClient[Any] = TestClient(application(services), base_url="https://market.example")
    client.cookies.set("session", token)
    return client


def trained(services: Services) -> tuple[Org, UUID]:
    """Three members: one has seen it all, one a part of it, one nothing."""
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow, seller=True)
        whole, part, nothing = (make_member(uow, org, "viewer") for _ in range(3))
        uow.session.get_one(Person, part.person()).name = EVIL
        film = make_ready_video(uow, org, visibility="internal", duration_ms=LENGTH_MS)
        with acting(uow, org.owner):
            VIDEO.move(uow, film, "published", org_ids=[org.id])
            film.published_at = clock.now()
            uow.flush()
        film_id = film.id
    people = tuple(one.person() for one in (whole, part, nothing))
    command = AssignTraining("数据安全", clock.today("Asia/Shanghai") + timedelta(days=9), (film_id,), people)
    training_id = transact(services.db, org.owner, lambda uow: assign_training(uow, command).id)
    for who, end in ((whole, LENGTH_MS), (part, LENGTH_MS // 4)):
        watched = ReportWatched(training_id, film_id, ((0, end),))
        transact(services.db, who, lambda uow: report_watched(uow, watched))  # noqa: B023
    return org, training_id


def plain(name: str, cell: Any) -> Any:
    """A cell of either file, or a field of the API, as one value."""
    if cell in ("", None):
        return None
    if name in ("videos_completed", "watched_ms", "percent"):
        return int(cell)
    if name in ("is_late", "is_member"):
        return str(cell).lower()
    return datetime.fromisoformat(cell) if name == "completed_at" else str(cell)


def test_the_files_say_what_the_api_says(services: Services) -> None:
    org, training_id = trained(services)
    where = f"/v1/managed-trainings/{training_id}"
    with signed_in(services, org.owner) as manager:
        said = manager.get(where).json()["rows"]
        text = manager.get(f"{where}/csv").content.decode("utf-8-sig")
        book = manager.get(f"{where}/xlsx").content
    wanted = [[plain(name, row[name]) for name in REPORT_NAMES] for row in said]
    assert sorted(row["percent"] for row in said) == [0, 25, 100]
    assert [row["name"] for row in said].count(EVIL) == 1
    head, *from_csv = csv.reader(StringIO(text))
    assert head == list(REPORT_NAMES)
    # A quotation mark of its own keeps it text in the CSV; in a workbook the cell's type does.
    name = REPORT_NAMES.index("name")
    assert [row[name] for row in from_csv].count(f"'{EVIL}") == 1
    for row in from_csv:
        row[name] = row[name].removeprefix("'")
    top, *from_book = CalamineWorkbook.from_filelike(BytesIO(book)).get_sheet_by_index(0).to_python()
    assert top == list(REPORT_NAMES)
    for rows in (from_csv, from_book):
        assert [[plain(*one) for one in zip(REPORT_NAMES, row, strict=True)] for row in rows] == wanted


def test_nobody_else_reads_them(services: Services) -> None:
    """Neither another organization, nor a member who does not look after members."""
    org, training_id = trained(services)
    with unit_of_work(services.db, SYSTEM) as uow:
        stranger, viewer = make_org(uow, seller=True), make_member(uow, org, "viewer")
    for who, status in ((stranger.owner, 404), (viewer, 403)):
        with signed_in(services, who) as client:
            for form in ("", "/csv", "/xlsx"):
                assert client.get(f"/v1/managed-trainings/{training_id}{form}").status_code == status
