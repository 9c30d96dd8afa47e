"""A group from the first question to its end, on the pages of both sides: seats of a purchase are used in a subsidiary."""

from __future__ import annotations

import csv
import re
from io import StringIO

from sqlalchemy import select

from fulfillment.entitlements.allocation_models import SeatAllocation
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM, Principal
from marketplace.groups.models import GroupMembership
from marketplace.notifications.models import Notification
from marketplace.parties.models import Organization
from marketplace.webhooks.models import OutgoingEvent
from orders.notifications.notify_of_events import NOTIFY
from orders.outgoing_events.publish_events import PUBLISH
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.api.pages.dashboards.test_offer_pages import value
from tests.factories_marketplace import Org, make_member


def test_a_headquarters_buys_and_its_subsidiary_uses_until_it_leaves(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    org, member = dashboards.new_organization()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.get_one(Organization, org.id).tax_id_verified_at = clock.now()
        person = make_member(uow, org, "viewer")
        name = uow.session.get_one(Organization, org.id).legal_name
    row = _joined(dashboards, org, member, name)
    entitlement = stage.entitlement(dashboards.order_id)
    one = f"/group/{row.id}"
    shown = text_of(dashboards.buyer.get(one))
    assert "does not show this to its headquarters" in shown, "orders were asked for and not given"
    assert "20 left" in shown
    assert member.get(one).status_code == 404
    sent = {"product": str(entitlement.id)}
    for number in ("21", "many"):
        refused = dashboards.buyer.post(f"{one}/allocations", number=number, **sent)
        assert refused.status_code in (409, 422)
        assert f'value="{number}"' in refused.text
    assert dashboards.buyer.post(f"{one}/allocations", number="15", **sent).status_code == 303
    stage.run()
    assert stage.seller_log(dashboards.order_id)["counts"]["deliveries"] == 2, "the seller's system was told"
    (said,) = stage.entitlement(dashboards.order_id).context["allocations"]
    assert (said["organization"]["id"], said["seats"]) == (str(org.id), 15)
    (allocation,) = stage.rows(select(SeatAllocation).where(SeatAllocation.org_id == org.id))
    seats = f"/allocated-seats/{allocation.id}"
    assert seats in member.get("/entitlements").text
    given = member.post(f"{seats}/seats", member_id=str(person.person()), action="assign")
    assert given.status_code == 303
    assert "already" in text_of(member.post(f"{seats}/seats", member_id=str(person.person()), action="assign"))
    assert member.get(f"{seats}/launch").status_code == 303
    assert "1 / 15" in text_of(member.get(seats))
    assert "15 of the seats are allocated" in text_of(dashboards.buyer.get(f"/entitlements/{entitlement.id}"))
    _report_and_file_agree(dashboards)
    assert member.post(f"{one}/end").status_code == 303
    stage.run()
    assert "seats with it" in text_of(member.get(seats))
    assert "does not show" in text_of(dashboards.buyer.get(one))
    assert dashboards.buyer.get("/v1/group-report").json() == []
    assert stage.entitlement(dashboards.order_id).seats_allocated == 0
    _told(dashboards, org, person)


def _report_and_file_agree(dashboards: Dashboards) -> None:
    report = dashboards.buyer.get("/v1/group-report").json()
    lines = list(csv.DictReader(StringIO(dashboards.buyer.get("/v1/group-report/csv").content.decode("utf-8-sig"))))
    assert [(one["member_name"], int(one["seats"]), int(one["seats_used"])) for one in lines] == [
        (one["member_name"], one["seats"], one["seats_used"]) for one in report
    ]
    assert [(one["seats"], one["seats_used"]) for one in report] == [(15, 1)]
    assert dashboards.buyer.get("/v1/group-report/xlsx").content[:2] == b"PK"


def _told(dashboards: Dashboards, org: Org, person: Principal) -> None:
    """The member of its seat and of its end, the administrators of all, and systems whose member has it."""
    stage = dashboards.stage
    stage.tick(NOTIFY)
    stage.tick(PUBLISH)
    kinds = stage.rows(select(Notification.kind).where(Notification.person_id == person.person()))
    assert sorted(kinds) == ["allocated_seat_ended", "allocated_seat_given"]
    own = stage.rows(select(Notification.kind).where(Notification.person_id == org.owner.person()))
    assert {"group_requested_by_hq", "seats_allocated", "allocation_ended"} <= set(own)
    events = stage.rows(
        select(OutgoingEvent).where(
            OutgoingEvent.type == "seat.given", OutgoingEvent.org_id.in_([org.id, stage.seller.id])
        )
    )
    assert {event.org_id for event in events} == {org.id, stage.seller.id}
    for event in events:
        assert event.data["organization_id"] == str(org.id)
        assert ("person_id" in event.data) is (event.org_id == org.id), "whose it is stays its organization's own"


def _joined(dashboards: Dashboards, org: Org, member: Visitor, name: str) -> GroupMembership:
    """Asked by its legal name, and accepted with other rights than were asked for."""
    stage = dashboards.stage
    page = dashboards.buyer.get("/group")
    assert "Your organization is in no group" in text_of(page)
    unknown = dashboards.buyer.post("/group", partners="nobody at all", **{"as": "hq"})
    assert unknown.status_code == 422
    form = {"as": "hq", "partners": name, "right_see_orders": "yes", "right_allocate_seats": "yes"}
    key = value(page, "idempotency_key")
    for _ in range(2):
        assert dashboards.buyer.post("/group", idempotency_key=key, **form).status_code == 303, "pressed twice"
    row: GroupMembership
    (row,) = stage.rows(select(GroupMembership).where(GroupMembership.org_id == org.id))
    asked = member.get("/group")
    assert re.search(r'name="right_see_orders" value="yes" checked', asked.text)
    assert not re.search(r'name="right_pay" value="yes" checked>', asked.text.split('id="ask"')[0])
    rights = {"right_see_seat_holders": "yes", "right_allocate_seats": "yes"}
    assert member.post(f"/group/{row.id}/accept", **rights).status_code == 303
    return row
