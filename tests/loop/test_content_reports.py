"""Whatever is published can be reported once by each person, is decided once, and everybody concerned is told why."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select, update

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.errors import TooMany
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind
from marketplace.catalog.models import Listing, Plan
from marketplace.circles.post_models import CirclePost
from marketplace.content_reports.kinds import registered_kinds
from marketplace.content_reports.models import KINDS, ContentReport
from marketplace.content_reports.report_content import MOST, WITHIN, ReportContent, report_content
from marketplace.live.question_models import LiveQuestion
from marketplace.live.questions import ask_in_room, show_in_room
from marketplace.questions.models import ProductQuestion
from marketplace.videos.models import Video
from tests.api_server import application
from tests.circle_stage import make_circle, post
from tests.factories_live import make_session
from tests.factories_marketplace import acting, make_org, make_seller
from tests.loop.test_feedback import Client, delivered, operator, signed_in, told, write
from tests.loop_stage import Stage

REASON = "违反社区规范。"


@pytest.fixture
def listing_id(stage: Stage) -> UUID:
    return stage.get(Plan, stage.seat_plan).listing_id


@pytest.fixture
def reader(stage: Stage) -> Client:
    """Somebody whom nothing here belongs to."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        org = make_org(uow)
    return signed_in(stage, org.owner)


def written(stage: Stage, kind: str, listing_id: UUID) -> str:
    """Something of the kind in everybody's sight."""
    if kind in ("video", "listing"):
        return str(stage.video if kind == "video" else listing_id)
    if kind == "review":
        return str(write(delivered(stage), listing_id).json()["id"])
    if kind == "circle_post":
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            founder = make_org(uow).owner
            return str(post(uow, make_circle(uow, founder, visibility="open"), founder, "广告"))
    client = signed_in(stage, stage.purchaser)
    if kind == "live_question":
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            session, _ = make_session(uow, make_seller(uow))
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            asked_id = ask_in_room(uow, session.id, "广告").id
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            host = Principal(PrincipalKind.PERSON, session.org_id, stage.seller.owner.person_id, label="host")
            with acting(uow, host):
                show_in_room(uow, asked_id, show=True)
        return str(asked_id)
    if kind == "comment":
        return str(client.post(f"/v1/videos/{stage.video}/comments", json={"text": "广告"}).json()["id"])
    asked = str(client.post(f"/v1/listings/{listing_id}/questions", json={"text": "能导出吗？"}).json()["id"])
    if kind == "answer":
        address = f"/v1/seller/questions/{asked}/answer"
        assert signed_in(stage, stage.seller.owner).put(address, json={"text": "自己看。"}).status_code == 204
    return asked


def hide(stage: Stage, kind: str, content_id: str) -> None:
    """So that a stranger sees it no longer, without anybody having decided."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        if kind in ("video", "comment"):
            uow.session.execute(update(Video).where(Video.id == stage.video).values(visibility="internal"))
        elif kind == "listing":
            uow.session.execute(update(Listing).where(Listing.id == UUID(content_id)).values(state="suspended"))
        elif kind == "review":
            pass
        elif kind == "circle_post":
            uow.session.execute(update(CirclePost).where(CirclePost.id == UUID(content_id)).values(state="hidden"))
        elif kind == "live_question":
            uow.session.execute(update(LiveQuestion).where(LiveQuestion.id == UUID(content_id)).values(state="hidden"))
        else:
            row = uow.session.get_one(ProductQuestion, UUID(content_id))
            row.state = "hidden"
            uow.flush()


def shown(stage: Stage, kind: str, content_id: str, listing_id: UUID) -> bool:
    nobody: Client = TestClient(application(stage.services), base_url="https://market.example")
    if kind == "circle_post":
        (circle_id,) = stage.rows(select(CirclePost.org_id).where(CirclePost.id == UUID(content_id)))
        member = signed_in(stage, stage.seller.owner)
        return content_id in {row["id"] for row in member.get(f"/v1/circles/{circle_id}/posts").json()["items"]}
    if kind == "live_question":
        (room,) = stage.rows(select(LiveQuestion.session_id).where(LiveQuestion.id == UUID(content_id)))
        return content_id in {row["id"] for row in nobody.get(f"/v1/live-sessions/{room}/questions").json()}
    one: dict[str, Callable[[], Any]] = {
        "comment": lambda: nobody.get(f"/v1/videos/{stage.video}/comments").json()["items"],
        "review": lambda: nobody.get(f"/v1/listings/{listing_id}/customer-reviews").json()["items"],
        "question": lambda: nobody.get(f"/v1/listings/{listing_id}/questions").json()["items"],
        "answer": lambda: [
            q for q in nobody.get(f"/v1/listings/{listing_id}/questions").json()["items"] if q["answer"]
        ],
        "video": lambda: [nobody.get(f"/v1/videos/{content_id}").json()],
        "listing": lambda: [nobody.get(f"/v1/listings/{content_id}").json()],
    }
    return content_id in {row.get("id") for row in one[kind]()}


def test_every_kind_of_content_can_be_reported() -> None:
    assert registered_kinds() == frozenset(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decision", ["upheld", "dismissed"])
def test_reported_decided_and_told(stage: Stage, listing_id: UUID, reader: Client, kind: str, decision: str) -> None:
    remove = decision == "upheld"
    content_id, staff = written(stage, kind, listing_id), operator(stage)
    assert shown(stage, kind, content_id, listing_id)
    report = {"kind": kind, "content_id": content_id, "reason": "spam"}
    made = reader.post("/v1/content-reports", json=report)
    assert made.status_code == 201, made.text
    assert reader.post("/v1/content-reports", json=report).json() == made.json(), "a second click is the first one"
    page = reader.get(f"/reports/{kind}/{content_id}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert reader.get("/v1/operator/content-reports").status_code == 403
    (waiting,) = [
        one for one in staff.get(f"/v1/operator/content-reports?kind={kind}").json() if one["content_id"] == content_id
    ]
    assert (waiting["id"], waiting["reports"], waiting["reasons"]) == (made.json()["id"], 1, ["spam"])
    desk = staff.get("/operator/reports", headers={"Accept": "text/html", "Accept-Language": "en"}).text
    assert "spam" in desk
    assert told(stage, "content_reported")
    address = f"/v1/operator/content-reports/{waiting['id']}"
    assert staff.post(address, json={"remove": remove, "reason": " "}).status_code == 422
    for _ in range(2):
        decided = staff.post(address, json={"remove": remove, "reason": REASON})
        assert decided.status_code == 204, decided.text
    assert staff.post(address, json={"remove": not remove, "reason": REASON}).json()["code"] == "invalid_transition"
    assert shown(stage, kind, content_id, listing_id) is not remove
    assert content_id not in {one["content_id"] for one in staff.get("/v1/operator/content-reports").json()}
    report_row = stage.get(ContentReport, UUID(waiting["id"]))
    assert report_row.state == decision
    (told_reporter,) = [one for one in told(stage, f"report_{decision}") if one.person_id == report_row.person_id]
    assert told_reporter.params["reason"] == REASON
    told_author = [one for one in told(stage, "content_removed") if one.org_id == report_row.author_org_id]
    assert {one.org_id for one in told_author} == ({report_row.author_org_id} if remove else set())
    assert reader.get(told_reporter.path, headers={"Accept": "text/html"}).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_what_one_does_not_see_is_as_good_as_none(stage: Stage, listing_id: UUID, reader: Client, kind: str) -> None:
    content_id = written(stage, kind, listing_id)
    if kind == "review":
        signed_in(stage, stage.purchaser).delete(f"/v1/listings/{listing_id}/customer-review")
    hide(stage, kind, content_id)
    answers = []
    for one in (content_id, str(uuid7())):
        answer = reader.post("/v1/content-reports", json={"kind": kind, "content_id": one})
        answers.append((answer.status_code, answer.json()["code"], answer.json()["detail"]))
        assert reader.get(f"/reports/{kind}/{one}", headers={"Accept": "text/html"}).status_code == 404
    assert answers[0] == answers[1]
    assert answers[0][:2] == (404, "content_not_found")
    assert reader.get(f"/reports/nothing/{content_id}", headers={"Accept": "text/html"}).status_code == 404


def test_several_reports_are_one_thing_to_decide(stage: Stage, listing_id: UUID, reader: Client) -> None:
    content_id, staff = written(stage, "comment", listing_id), operator(stage)
    for client in (reader, signed_in(stage, stage.seller.owner), signed_in(stage, stage.promoter.owner)):
        client.post("/v1/content-reports", json={"kind": "comment", "content_id": content_id})
    (one,) = [row for row in staff.get("/v1/operator/content-reports").json() if row["content_id"] == content_id]
    assert one["reports"] == 3
    form = {"action": "remove", "reason": "", "csrf": staff.headers["X-CSRF-Token"]}
    refused = staff.post(f"/operator/reports/{one['id']}", data=form, headers={"Accept": "text/html"})
    assert refused.status_code == 422
    assert shown(stage, "comment", content_id, listing_id)
    form["reason"] = REASON
    assert staff.post(f"/operator/reports/{one['id']}", data=form, follow_redirects=False).status_code == 303
    assert not shown(stage, "comment", content_id, listing_id)
    assert {row.org_id for row in told(stage, "report_upheld")} >= {stage.seller.id, stage.promoter.id}
    about = ContentReport.content_id == UUID(content_id)
    assert stage.rows(select(ContentReport.state).where(about)) == ["upheld"] * 3


def test_a_removed_video_is_not_published_again(stage: Stage, listing_id: UUID, reader: Client) -> None:
    made = reader.post("/v1/content-reports", json={"kind": "video", "content_id": str(stage.video)}).json()
    staff = operator(stage)
    staff.post(f"/v1/operator/content-reports/{made['id']}", json={"remove": True, "reason": REASON})
    owner = signed_in(stage, stage.promoter.owner)
    refused = owner.post(f"/v1/videos/{stage.video}/publish")
    assert (refused.status_code, stage.get(Video, stage.video).state) == (409, "removed")
    page = owner.get(f"/seller/videos/{stage.video}", headers={"Accept": "text/html", "Accept-Language": "en"})
    assert (page.status_code, "Removed by the platform" in page.text) == (200, True)


def test_a_person_reports_so_much_and_no_more_even_all_at_once(stage: Stage, listing_id: UUID) -> None:
    author, reader = signed_in(stage, stage.purchaser), stage.seller.owner
    with clock.frozen(clock.now() - WITHIN - timedelta(seconds=1)):
        wanted = [
            UUID(author.post(f"/v1/videos/{stage.video}/comments", json={"text": f"{n}"}).json()["id"])
            for n in range(6)
        ]
    wanted += [
        UUID(author.post(f"/v1/videos/{stage.video}/comments", json={"text": f"{n}"}).json()["id"]) for n in range(6)
    ]
    barrier, outcomes = threading.Barrier(len(wanted)), []

    def one(content_id: UUID) -> None:
        barrier.wait()
        try:
            with unit_of_work(stage.services.db, reader) as uow:
                report_content(uow, ReportContent("comment", content_id))
            outcomes.append("reported")
        except TooMany:
            outcomes.append("too many")

    threads = [threading.Thread(target=one, args=(content_id,)) for content_id in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["reported"] * MOST + ["too many"] * (len(wanted) - MOST)
    answer = signed_in(stage, reader).post(
        "/v1/content-reports", json={"kind": "video", "content_id": str(stage.video)}
    )
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_reports")
    assert answer.headers["retry-after"] == "600"


def test_rows_of_reports_stay_with_whoever_made_them(stage: Stage, listing_id: UUID) -> None:
    content_id = written(stage, "comment", listing_id)
    signed_in(stage, stage.seller.owner).post("/v1/content-reports", json={"kind": "comment", "content_id": content_id})
    counted = select(func.count()).select_from(ContentReport).where(ContentReport.content_id == UUID(content_id))
    for principal, seen in ((stage.seller.owner, 1), (stage.purchaser, 0), (stage.promoter.owner, 0)):
        with unit_of_work(stage.services.db, principal) as uow:
            assert uow.session.scalar(counted) == seen
