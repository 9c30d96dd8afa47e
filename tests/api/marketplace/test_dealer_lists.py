"""A list of dealers is sent once every line is right or left out: all are invited or none, each once, and accept in one step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from api.context import Services
from app.verify.partners import INVITED, LISTED
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.jobs.models import EventRow
from kernel.principal import SYSTEM
from marketplace.mail.models import Mail
from marketplace.parties.models import Organization
from marketplace.relations.dealer_list_queries import DealerListDetail, get_dealer_list, list_invitations_to_me
from marketplace.relations.dealer_lists import (
    MAILED_AGAIN_AFTER,
    MakeDealerList,
    correct_dealers,
    discard_dealer_list,
    leave_out_wrong_dealers,
    mail_list_again,
    make_dealer_list,
    send_dealer_list,
)
from marketplace.relations.dealer_rows import DealerChange, DealerRow
from marketplace.relations.events import DealerInvited
from marketplace.relations.invitation_models import PartnerInvitation
from marketplace.relations.mail_invitations import mail_invitation_again, mail_lines
from marketplace.relations.partner_invitations import list_invitations, revoke_invitation
from orders.notifications.about_partners import dealer_invited
from orders.notifications.notifiers import RecordedEvent
from tests.api.marketplace.test_dealer_links import PAGE, Shop, accepted, dealer, shop
from tests.api.marketplace.test_visibility import browser
from tests.factories_marketplace import Org, new_tax_id

__all__ = ["shop"]


def drafted(services: Services, shop: Shop, *rows: DealerRow) -> UUID:
    command = MakeDealerList("dealers", rows)
    made: UUID = transact(services.db, shop.seller.owner, lambda uow: make_dealer_list(uow, command).id)
    return made


def done(services: Services, shop: Shop, work: Any, *args: Any) -> str:
    """The list's state, or the refusal's code."""
    try:
        return str(transact(services.db, shop.seller.owner, lambda uow: getattr(work(uow, *args), "state", "done")))
    except DomainError as refused:
        return refused.code


def shown(services: Services, shop: Shop, list_id: UUID) -> DealerListDetail:
    with unit_of_work(services.db, shop.seller.owner) as uow:
        return get_dealer_list(uow, list_id)


def mailed(services: Services, list_id: UUID) -> None:
    """As the list's jobs do it."""
    with unit_of_work(services.db, SYSTEM) as uow:
        mail_lines(uow, list_id, range(1, 100))


def mails(services: Services, address: str) -> list[Mail]:
    with unit_of_work(services.db, SYSTEM) as uow:
        return list(uow.session.scalars(select(Mail).where(Mail.to_address == address).order_by(Mail.id)))


def with_tax_id(services: Services) -> tuple[Org, str]:
    """An organization whose identifier the platform saw."""
    org, tax_id = dealer(services), new_tax_id()
    with unit_of_work(services.db, SYSTEM) as uow:
        row = uow.session.get_one(Organization, org.id)
        row.tax_id, row.tax_id_verified_at, row.country = tax_id, clock.now(), "CN"
    return org, tax_id


def row(number: int, tier: str = "gold", tax_id: str = "", email: str = "") -> DealerRow:
    return DealerRow(number, f"Dealer {number}", tax_id, email, tier)


def test_nobody_is_invited_before_every_line_is_right_or_left_out(services: Services, shop: Shop) -> None:
    lines = row(1, email="one@list.example"), row(2, email="two@list.example"), row(3, "none", email="no@list.example")
    list_id = drafted(services, shop, *lines)
    assert done(services, shop, send_dealer_list, list_id) == "dealer_list_wrong"
    assert (shown(services, shop, list_id).item.wrong, shown(services, shop, list_id).invited) == (1, ())
    assert done(services, shop, correct_dealers, list_id, [DealerChange(9)]) == "dealer_line_unknown"
    assert done(services, shop, correct_dealers, list_id, [DealerChange(1, email="wrong")]) == "draft"
    assert done(services, shop, leave_out_wrong_dealers, list_id) == "draft"
    assert done(services, shop, send_dealer_list, list_id) == "sent"
    (invited,) = shown(services, shop, list_id).invited
    assert (invited.line, invited.email, invited.state) == (2, "two@list.example", "open")
    assert [done(services, shop, work, list_id) for work in (send_dealer_list, discard_dealer_list)] == [
        "sent",
        "dealer_list_ended",
    ]
    for _ in range(2):
        mailed(services, list_id)
    assert [one.kind for one in mails(services, "two@list.example")] == ["partner_invitation"] * 2
    assert mails(services, "one@list.example") == []
    empty = drafted(services, shop, replace(lines[0], left_out=True))
    assert done(services, shop, send_dealer_list, empty) == "dealer_list_no_lines"
    assert done(services, shop, discard_dealer_list, empty) == "discarded"
    with unit_of_work(services.db, shop.seller.owner) as uow:
        assert invited.id not in {one.id for one in list_invitations(uow).items}


def test_sent_twice_at_once_and_by_two_lists_everybody_is_invited_once(services: Services, shop: Shop) -> None:
    line = row(1, email="twice@list.example")
    first, second = drafted(services, shop, line), drafted(services, shop, line)
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(lambda list_id: done(services, shop, send_dealer_list, list_id), (first, first, second)))
    with unit_of_work(services.db, SYSTEM) as uow:
        wanted = select(PartnerInvitation.list_id).where(PartnerInvitation.email == "twice@list.example")
        (sent,) = uow.session.scalars(wanted)
        assert sent is not None
        assert LISTED.find(uow).violations == 0
    assert sorted(told) in (["dealer_list_wrong", "sent", "sent"], ["dealer_list_wrong", "dealer_list_wrong", "sent"])
    other = second if sent == first else first
    assert shown(services, shop, other).rows[0].faults[0].code == "dealer_line_invited"
    invited = shown(services, shop, sent).invited[0]
    assert done(services, shop, revoke_invitation, invited.id) == "revoked"
    assert shown(services, shop, other).item.wrong == 0


def test_who_has_the_identifier_is_told_and_accepts_and_nobody_else(services: Services, shop: Shop) -> None:
    org, tax_id = with_tax_id(services)
    list_id = drafted(services, shop, row(1, tax_id=tax_id.lower()))
    assert done(services, shop, send_dealer_list, list_id) == "sent"
    mailed(services, list_id)
    with unit_of_work(services.db, SYSTEM) as uow:
        (event,) = uow.session.scalars(
            select(EventRow).where(EventRow.topic == DealerInvited.topic, EventRow.org_ids.contains([org.id]))
        )
        recorded = RecordedEvent(event.id, event.topic, event.payload, event.occurred_at)
        (told,) = dealer_invited(uow, [recorded])
    code = shown(services, shop, list_id).invited[0].code
    assert (told.org_id, told.path) == (org.id, f"/partner-invitations/{code}")
    with unit_of_work(services.db, org.owner) as uow:
        assert [one.code for one in list_invitations_to_me(uow)] == [code]
    assert "Invitations to you" in browser(services, org.email).get("/partners", headers=PAGE).text
    assert accepted(services, dealer(services), code) == "partner_invitation_for_another"
    assert accepted(services, org, code) == "accepted"
    with unit_of_work(services.db, org.owner) as uow:
        assert list_invitations_to_me(uow) == []
    assert shown(services, shop, list_id).counts == {"used_up": 1}
    again = drafted(services, shop, row(1, tax_id=tax_id))
    assert shown(services, shop, again).rows[0].faults[0].code == "dealer_line_partner"
    with unit_of_work(services.db, SYSTEM) as uow:
        assert INVITED.find(uow).violations == 0


def test_who_did_not_answer_is_mailed_again_within_limits(services: Services, shop: Shop) -> None:
    lines = row(1, email="late@list.example"), row(2, email="said@list.example"), row(3, tax_id=new_tax_id())
    list_id = drafted(services, shop, *lines)
    assert done(services, shop, mail_list_again, list_id) == "dealer_list_not_sent"
    done(services, shop, send_dealer_list, list_id)
    late, said, unmailed = shown(services, shop, list_id).invited
    assert accepted(services, dealer(services), said.code) == "accepted"
    assert done(services, shop, mail_list_again, list_id) == "dealer_list_mailed_lately"
    told = [done(services, shop, mail_invitation_again, late.id) for _ in range(3)]
    assert told == ["done", "done", "partner_invitation_mailed_too_often"]
    assert done(services, shop, mail_invitation_again, said.id) == "partner_invitation_over"
    assert done(services, shop, mail_invitation_again, unmailed.id) == "partner_invitation_no_mail"
    with clock.frozen(late.expires_at + MAILED_AGAIN_AFTER):
        assert shown(services, shop, list_id).invited[0].state == "expired"
        assert done(services, shop, mail_list_again, list_id) == "sent"
        mailed(services, list_id)
        assert shown(services, shop, list_id).invited[0].state == "open"
        assert done(services, shop, mail_list_again, list_id) == "dealer_list_mailed_lately"
    with clock.frozen(clock.now() + timedelta(days=400)):
        assert [done(services, shop, mail_list_again, list_id) for _ in range(2)] == [
            "sent",
            "dealer_list_mailed_enough",
        ]
    assert (len(mails(services, "late@list.example")), mails(services, "said@list.example")) == (3, [])


@pytest.mark.usefixtures("shop")
def test_a_list_is_pasted_corrected_and_sent_on_pages(services: Services, shop: Shop) -> None:
    owner = browser(services, shop.seller.email)
    csrf = {"csrf": owner.headers["X-CSRF-Token"]}
    page = "/seller/dealer-lists"
    assert page in owner.get("/seller/partners", headers=PAGE).text
    assert owner.get(f"{page}/template", headers=PAGE).content[:2] == b"PK"
    empty = owner.post(page, data=csrf | {"name": "", "lines": " "}, headers=PAGE)
    assert (empty.status_code, "There is no line in it" in empty.text) == (422, True)
    lines = "North,north@pages.example,Gold\nSouth,south@pages.example,lead\n<b>,east@pages.example,GOLD\n"
    made = owner.post(page, data=csrf | {"name": "Autumn", "lines": lines}, headers=PAGE, follow_redirects=False)
    assert made.status_code == 303, made.text
    address = made.headers["location"]
    text = owner.get(address, headers=PAGE).text
    assert all(said in text for said in ("Line 2", "You have no tier called", 'value="lead"'))
    assert owner.post(f"{address}/send", data=csrf, headers=PAGE).status_code == 409
    typed = {"line-2": "1", "name-2": "South", "tax_id-2": "", "email-2": "south@pages.example", "tier-2": "SILVER"}
    saved = owner.post(f"{address}/lines", data=csrf | typed, headers=PAGE)
    assert ("Invite 3 dealers" in saved.text, saved.status_code) == (True, 200)
    sent = owner.post(f"{address}/send", data=csrf, headers=PAGE)
    assert all(said in sent.text for said in ("/partner-invitations/", "&lt;b&gt;", "No answer")), sent.text
    (north, *_) = owner.get(f"/v1{address}").json()["invited"]
    revoked = owner.post(f"{address}/invitations/{north['id']}/revoke", data=csrf, headers=PAGE)
    assert "Revoked" in revoked.text
    only = owner.get(f"{address}?state=revoked", headers=PAGE).text
    assert ("North" in only, "South" in only) == (True, False)
    assert browser(services, dealer(services).email).get(f"/v1{address}").status_code in (403, 404)
