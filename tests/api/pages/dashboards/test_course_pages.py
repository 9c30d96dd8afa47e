"""Pages of courses: a seller puts one together, a member watches, an administrator follows."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from fulfillment.courses.report_progress import ReportProgress, report_progress
from fulfillment.entitlements.seats import revoke_seat
from fulfillment.provisioning.end_entitlement import end_entitlement
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM, Principal
from marketplace.courses.queries import episodes_of
from marketplace.notifications.models import Notification
from orders.notifications.notify_of_events import NOTIFY
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, sign_in, text_of
from tests.factories_courses import LONG, Taught, make_course, seat, sell
from tests.factories_fulfillment import Delivery
from tests.factories_marketplace import make_member, make_plans, make_ready_video


class Class:
    """A course that was sold, its people's browsers, and a member with a seat."""

    def __init__(self, dashboards: Dashboards) -> None:
        self.dashboards, stage = dashboards, dashboards.stage
        self.db = stage.services.db
        with unit_of_work(self.db, SYSTEM) as uow:
            self.course: Taught = make_course(uow, stage.seller)
            self.sold: Delivery = sell(uow, self.course, buyer=stage.buyer)
            self.person: Principal = make_member(uow, stage.buyer, "finance")
            self.seat_id = seat(uow, self.sold, self.person)
        self.member = sign_in(stage.services, dashboards.seller.client, self.person)
        self.page = f"/courses/{self.course.id}"
        self.editor = f"/seller/listings/{self.course.id}/course"


@pytest.fixture
def room(dashboards: Dashboards) -> Class:
    return Class(dashboards)


def fields_of(visitor: Visitor, path: str) -> dict[str, str]:
    """The editor's form as a browser would send it back."""
    html = visitor.get(path).text
    found = dict(re.findall(r'<input [^>]*name="((?:number|title|title_en)_\d+)"[^>]*value="([^"]*)"', html))
    found |= dict(re.findall(r'<input type="hidden" name="(base)" value="([^"]*)"', html))
    for name, options in re.findall(r'<select [^>]*name="(video_\d+)">(.*?)</select>', html):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    found |= dict.fromkeys(re.findall(r'name="(preview_\d+)" value="1" checked', html), "1")
    return found


class TestWatching:
    def test_a_member_finds_the_course_and_goes_on_where_it_was(self, room: Class) -> None:
        assert f"/courses/{room.course.id}" in room.member.get("/courses").text
        assert "Begin" in text_of(room.member.get("/courses"))
        with unit_of_work(room.db, room.person) as uow:
            report_progress(uow, ReportProgress(room.course.id, room.course.preview, LONG))
            report_progress(uow, ReportProgress(room.course.id, room.course.paid, 61_000))
        page = room.member.get(room.page)
        assert f"/episodes/{room.course.paid}/media#t=61" in page.text, (
            "the first that is not completed, where it was left"
        )
        assert f'data-progress="/v1/courses/{room.course.id}/episodes/{room.course.paid}/progress"' in page.text
        assert "1 of 3 completed" in text_of(page)
        chosen = room.member.get(f"{room.page}?episode={room.course.videos[2]}")
        assert f"/episodes/{room.course.videos[2]}/media" in chosen.text

    def test_strangers_meet_previews_and_the_way_to_buy(self, room: Class) -> None:
        for visitor in (room.dashboards.nobody, room.dashboards.promoter, room.dashboards.buyer):
            page = visitor.get(room.page)
            assert f"/episodes/{room.course.preview}/media" in page.text
            assert "data-progress" not in page.text
            assert str(room.course.paid) not in page.text, "what is closed has no address"
            closed = visitor.get(f"{room.page}?episode={room.course.paid}")
            assert "not open to you" in text_of(closed)
            assert "<video" not in closed.text
            product = visitor.get(f"/products/{room.course.id}")
            assert "Free preview" in text_of(product)
            assert "Lesson 3" in text_of(product)

    def test_what_ended_is_closed_on_the_next_page(self, room: Class) -> None:
        with unit_of_work(room.db, SYSTEM) as uow:
            end_entitlement(uow, room.sold.id, reason="refunded")
        assert str(room.course.paid) not in room.member.get(room.page).text
        assert str(room.course.id) not in room.member.get("/courses").text

    def test_a_member_is_told_of_the_seat(self, room: Class) -> None:
        room.dashboards.stage.tick(NOTIFY)
        with unit_of_work(room.db, SYSTEM) as uow:
            told = uow.session.scalars(
                select(Notification).where(
                    Notification.kind == "course_ready", Notification.person_id == room.person.person()
                )
            ).all()
        assert [one.path for one in told] == [room.page]
        assert "is ready" in text_of(room.member.get("/notifications"))


class TestFollowing:
    def test_an_administrator_sees_how_far_members_came(self, room: Class) -> None:
        address = f"/entitlements/{room.sold.id}/progress"
        with unit_of_work(room.db, room.person) as uow:
            report_progress(uow, ReportProgress(room.course.id, room.course.paid, LONG))
        buyer = room.dashboards.buyer
        entitlement = buyer.get(f"/entitlements/{room.sold.id}")
        assert address in entitlement.text
        assert room.page in entitlement.text
        assert "1 / 3" in text_of(buyer.get(address))
        assert "33%" in text_of(buyer.get(address))
        with unit_of_work(room.db, room.dashboards.stage.buyer.owner) as uow:
            revoke_seat(uow, room.sold.id, room.seat_id)
        assert "Taken back" in text_of(buyer.get(address))
        assert room.member.get(address).status_code == 403
        for visitor in (room.dashboards.seller, room.dashboards.promoter):
            assert visitor.get(address).status_code == 404

    def test_what_is_no_course_has_no_progress(self, dashboards: Dashboards) -> None:
        found = dashboards.stage.entitlement(dashboards.order_id)
        assert dashboards.buyer.get(f"/entitlements/{found.id}/progress").status_code == 404
        assert f"{found.id}/progress" not in dashboards.buyer.get(f"/entitlements/{found.id}").text


class TestEditing:
    def test_a_seller_puts_episodes_in_another_order(self, room: Class) -> None:
        seller = room.dashboards.seller
        assert room.editor in seller.get(f"/seller/listings/{room.course.id}/edit").text
        fields = fields_of(seller, room.editor)
        assert [fields[f"video_{n}"] for n in (1, 2, 3)] == [str(one) for one in room.course.videos]
        sent = fields | {"number_3": "1", "number_1": "2", "title_3": "新的开头", "title_en_3": ""}
        assert seller.post(room.editor, None, **sent).status_code == 303
        with unit_of_work(room.db, SYSTEM) as uow:
            found = episodes_of(uow, room.course.id)
        first, second, third = room.course.videos
        assert [one.video_id for one in found] == [third, first, second], "by number, then by line"
        assert found[0].title == "新的开头"
        again = seller.post(room.editor, None, **sent)
        assert again.status_code in {303, 409}

    def test_another_window_is_not_overwritten(self, room: Class) -> None:
        seller = room.dashboards.seller
        fields = fields_of(seller, room.editor)
        assert seller.post(room.editor, None, **(fields | {"title_1": "甲"})).status_code == 303
        late = seller.post(room.editor, None, **(fields | {"title_1": "乙"}))
        assert late.status_code == 409
        assert "乙" in late.text, "what was typed is kept"

    def test_what_is_refused_keeps_what_was_typed(self, room: Class) -> None:
        seller = room.dashboards.seller
        with unit_of_work(room.db, SYSTEM) as uow:
            public = make_ready_video(uow, room.dashboards.stage.seller).id
        fields = fields_of(seller, room.editor)
        for changed, status, words in (
            ({"video_4": str(public), "number_4": "4"}, 422, "seen by others"),
            ({"video_4": fields["video_1"], "number_4": "4"}, 422, "in the course twice"),
            ({"video_1": ""}, 409, "cannot have fewer"),
            ({"number_1": "soon"}, 422, "number"),
        ):
            refused = seller.post(room.editor, None, **(fields | changed | {"title_2": "保留我"}))
            assert refused.status_code == status, text_of(refused)
            assert words in text_of(refused)
            assert "保留我" in refused.text
        assert seller.post(room.editor, None, **(fields | {"video_1": "x"})).status_code == 404
        with unit_of_work(room.db, SYSTEM) as uow:
            assert [one.video_id for one in episodes_of(uow, room.course.id)] == list(room.course.videos)

    def test_only_its_seller_edits_a_course(self, room: Class) -> None:
        _, other = room.dashboards.new_organization(seller=True)
        for visitor in (other, room.dashboards.buyer, room.dashboards.promoter):
            assert visitor.get(room.editor).status_code == 404
            assert visitor.post(room.editor, None, base="").status_code == 404

    def test_software_is_no_course(self, room: Class) -> None:
        with unit_of_work(room.db, SYSTEM) as uow:
            (plan,) = make_plans(uow, room.dashboards.stage.seller)
        page = room.dashboards.seller.get(f"/seller/listings/{plan.listing_id}/course")
        assert page.status_code == 200
        assert "Only a service product" in text_of(page)
