"""The writes of people: coming in, invoice titles and rules, a second factor, an ownership that changes hands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyotp

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.demos.calendar import free_slots
from marketplace.leads.consent_text import CONSENT_VERSION, FOLLOW_VERSION
from marketplace.parties.models import Organization
from tests.conformance.api_walk import Who, session_of
from tests.factories_marketplace import PASSWORD, make_channel, make_org, new_tax_id

if TYPE_CHECKING:
    from tests.conformance.test_writes import World

CALLER = {"X-Forwarded-For": "198.51.100.7"}
NEW_PASSWORD = "another long password"


def sign_in(world: World) -> None:
    ask, org = world.walk.ask, world.stage.buyer
    ask("POST /v1/session", CALLER, {"email": org.email, "password": PASSWORD})
    person, who, _ = world.member(org, "viewer")
    ask("PATCH /v1/session", who, {"org_id": str(org.id)})
    ask("PATCH /v1/me", who, {"name": "同事", "locale": "en"})
    with unit_of_work(world.services.db, SYSTEM) as uow:
        session_of(uow, person)
    _, other = ask("GET /v1/me/sessions", who)
    ask("DELETE /v1/me/sessions/{session_id}", who, session_id=other["id"])
    ask("DELETE /v1/me/sessions", who)
    ask("PUT /v1/me/password", who, {"current_password": PASSWORD, "password": NEW_PASSWORD})
    ask("DELETE /v1/session", who)
    made = ask("POST /v1/organizations", world.purchaser, organization())
    assert made["org_id"]
    _, leaving, _ = world.member(org, "viewer")
    ask("DELETE /v1/organizations/{org_id}/membership", leaving, org_id=org.id)


def organization() -> dict[str, Any]:
    return {"legal_name": f"新来{uuid7().hex}有限公司", "display_name": "新来", "country": "CN", "tax_id": new_tax_id()}


def sign_up(world: World) -> None:
    ask, email = world.walk.ask, f"{uuid7().hex}@firm.example"
    ask("POST /v1/sign-ups", CALLER, {"email": email})
    newcomer = {"name": "新人", "password": PASSWORD, "organization": organization(), "token": world.proof(email)}
    ask("POST /v1/sign-ups/completion", CALLER, newcomer)
    ask("POST /v1/password-resets", CALLER, {"email": email})
    ask("POST /v1/password-resets/completion", CALLER, {"password": NEW_PASSWORD, "token": world.proof(email)})


def members(world: World) -> None:
    ask, org = world.walk.ask, world.stage.buyer
    with unit_of_work(world.services.db, SYSTEM) as uow:
        owner = session_of(uow, org.owner)
    invited = [f"{uuid7().hex}@firm.example" for _ in range(3)]
    made = [
        ask("POST /v1/organizations/{org_id}/invitations", owner, {"email": to, "roles": ["viewer"]}, org_id=org.id)
        for to in invited
    ]
    ask("POST /v1/invitations/lookup", CALLER, {"token": world.proof(invited[0])})
    ask(
        "POST /v1/invitations/acceptance",
        CALLER,
        {"token": world.proof(invited[0]), "name": "同事", "password": PASSWORD},
    )
    ask("POST /v1/invitations/refusal", CALLER, {"token": world.proof(invited[1])})
    withdrawn = {"org_id": org.id, "invitation_id": made[2]["id"]}
    ask("DELETE /v1/organizations/{org_id}/invitations/{invitation_id}", owner, **withdrawn)
    _, _, member_id = world.member(org, "viewer")
    named = {"org_id": org.id, "member_id": member_id}
    ask("PATCH /v1/organizations/{org_id}/members/{member_id}", owner, {"roles": ["finance"]}, **named)
    department = {"code": "MKT", "name": "市场部", "name_en": "Marketing"}
    made_one = ask("POST /v1/departments", owner, department)
    ask("PUT /v1/departments/{department_id}", owner, department, department_id=made_one["id"])
    for verb in ("archive", "restore"):
        ask(f"POST /v1/departments/{{department_id}}/{verb}", owner, department_id=made_one["id"])
    belongs = {"department_id": made_one["id"]}
    ask("PUT /v1/organizations/{org_id}/members/{member_id}/department", owner, belongs, **named)
    ask("DELETE /v1/organizations/{org_id}/members/{member_id}", owner, **named)
    key = ask("POST /v1/api-keys", owner, {"name": "erp", "scopes": ["orders.read"]})
    ask("DELETE /v1/api-keys/{key_id}", owner, key_id=key["id"])
    profile = {"country": "CN", "email": "a@firm.example", "legal_name": "测试有限公司", "tax_id": new_tax_id()}
    saved = ask("POST /v1/billing-profiles", world.buyer, profile)
    ask("PUT /v1/billing-profiles/{profile_id}", world.buyer, profile, profile_id=saved["id"])
    other = ask("POST /v1/billing-profiles", world.buyer, profile | {"tax_id": new_tax_id()})
    for verb in ("retire", "restore", "default"):
        ask(f"POST /v1/billing-profiles/{{profile_id}}/{verb}", world.buyer, profile_id=other["id"])
    ask("PUT /v1/purchase-rules/{currency}", world.buyer, {"max_order_minor": 10_000_000}, currency="EUR")
    ask("DELETE /v1/purchase-rules/{currency}", world.buyer, currency="EUR")
    ask("PUT /v1/purchase-rules/{currency}", world.buyer, {"max_order_minor": 10_000_000}, currency="CNY")
    ask("PUT /v1/allow-list", owner, {"mode": "off", "seller_org_ids": [str(world.stage.seller.id)]})
    person, _, _ = world.member(org, "viewer")
    step = {"who": "persons", "person_ids": [str(person.person())], "above_minor": 10**9, "currency": "EUR"}
    ask("PUT /v1/approval-steps", owner, {"steps": [{"who": "approver"}, step]})
    today = clock.today("Asia/Shanghai").isoformat()
    days = {"deputy_id": str(person.person()), "starts_on": today, "ends_on": today}
    appointed = ask("POST /v1/approval-deputies", owner, days)
    ask("DELETE /v1/approval-deputies/{deputy_id}", owner, deputy_id=appointed["id"])
    ask("PUT /v1/approval-steps", owner, {"steps": []})


def second_factor(world: World) -> None:
    ask, again = world.walk.ask, {"password": PASSWORD}
    _, who, _ = world.member(world.stage.buyer, "viewer")
    begun = ask("POST /v1/me/second-factor", who, again)
    shown = {"setup": begun["setup"], "code": pyotp.TOTP(begun["secret"]).now()}
    code, *_ = ask("PUT /v1/me/second-factor", who, shown)["recovery_codes"]
    code, *_ = ask("POST /v1/me/second-factor/recovery-codes", who, again | {"code": code})["recovery_codes"]
    ask("POST /v1/me/second-factor/removal", who, again | {"code": code})


def notifications(world: World) -> None:
    ask = world.walk.ask
    notification_id, who = world.notification(world.stage.buyer)
    ask("POST /v1/notifications/{notification_id}/read", who, notification_id=notification_id)
    ask("POST /v1/notifications/read-all", who)
    chosen = {"preferences": [{"group": "orders", "level": "digest"}]}
    ask("PUT /v1/notifications/preferences", who, chosen)


def leads(world: World) -> None:
    ask, buyer = world.walk.ask, world.purchaser
    _, seller, _ = world.member(world.stage.seller, "catalog")
    with unit_of_work(world.services.db, SYSTEM) as uow:
        listing_id = uow.session.get_one(Plan, world.stage.seat_plan).listing_id
        # Who is verified may be offered something without asking.
        uow.session.get_one(Organization, world.stage.buyer.id).tax_id_verified_at = clock.now()
    contact = {"name": "王芳", "email": "wang@firm.example", "consent_version": CONSENT_VERSION, "locale": "en"}
    asked = {"kind": "quote", "listing_id": str(listing_id), "text": "20 席？", "quantity": 20, "contact": contact}
    lead = {"lead_id": ask("POST /v1/leads", buyer, asked)["id"]}
    planned = {"assigned_to": None, "due_on": "2026-12-01", "state": "working"}
    ask("PUT /v1/seller/leads/{lead_id}", seller, planned, **lead)
    for verb in ("notes", "messages"):
        ask(f"POST /v1/seller/leads/{{lead_id}}/{verb}", seller, {"text": "明天答复。"}, **lead)
    ask("POST /v1/leads/{lead_id}/messages", buyer, {"text": "谢谢。"}, **lead)
    offered = {"plan_id": str(world.stage.seat_plan), "quantity": 20, "discount_ppm": 150_000}
    offered["valid_on"] = (clock.today("UTC") + timedelta(days=30)).isoformat()
    offer = {"offer_id": ask("POST /v1/seller/leads/{lead_id}/offers", seller, offered, **lead)["id"]}
    ask("POST /v1/offers/{offer_id}/quote", buyer, {}, **offer)
    ask("POST /v1/seller/offers/{offer_id}/withdrawal", seller, **offer)
    proposed = {"lines": [{"number": 1, "quantity": 30, "unit_price": 15_000}], "text": "三十席呢？"}
    open_one = ask("POST /v1/seller/leads/{lead_id}/offers", seller, offered | {"quantity": 22}, **lead)["id"]
    ask("POST /v1/offers/{offer_id}/counter-offers", buyer, proposed, offer_id=open_one)
    declined = ask("POST /v1/seller/leads/{lead_id}/offers", seller, offered | {"quantity": 21}, **lead)["id"]
    ask("POST /v1/seller/offers", seller, offered | {"organization_id": str(world.stage.buyer.id), "terms": "含培训。"})
    ask("PUT /v1/seller/offer-floors", world.seller, {"listing_id": None, "floor_ppm": 850_000})
    cheap = {"organization_id": str(world.stage.buyer.id), "discount_ppm": 160_000}
    waits = ask("POST /v1/seller/offers", seller, offered | cheap)["id"]
    _, approver, _ = world.member(world.stage.seller, "admin")
    ask("POST /v1/seller/offers/{offer_id}/decision", approver, {"decision": "approved"}, offer_id=waits)
    why = {"reason": "price", "text": "太贵。"}
    ask("POST /v1/offers/{offer_id}/decline", buyer, why, offer_id=declined)
    ask("POST /v1/leads/{lead_id}/withdrawal", buyer, **lead)
    with unit_of_work(world.services.db, SYSTEM) as uow:
        channel_id = make_channel(uow, world.stage.seller).id
    followed = {"listing_id": str(listing_id), "contact": contact | {"consent_version": FOLLOW_VERSION}}
    ask("POST /v1/channels/{channel_id}/contact", buyer, followed, channel_id=channel_id)
    hours = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "begins": "09:00", "ends": "17:00", "length_minutes": 30}
    ask("PUT /v1/seller/demo-hours", seller, hours)
    day = {"day": (clock.today("UTC") + timedelta(days=40)).isoformat(), "begins": "18:30"}
    single = ask("POST /v1/seller/demo-days", seller, day)["id"]
    ask("DELETE /v1/seller/demo-days/{demo_day_id}", seller, demo_day_id=single)
    with unit_of_work(world.services.db, SYSTEM) as uow:
        times = [{"starts_at": one.starts_at.isoformat()} for one in free_slots(uow, world.stage.seller.id)]
    demo = {"lead_id": ask("POST /v1/leads", buyer, {"kind": "demo", "listing_id": str(listing_id)})["id"]}
    ask("PUT /v1/leads/{lead_id}/booking", buyer, times[0], **demo)
    ask("PUT /v1/seller/leads/{lead_id}/booking", seller, times[1], **demo)
    meeting = {"url": "https://meeting.tencent.com/dm/3kXhTq7Yw2Lp"}
    ask("PUT /v1/seller/demo-meeting", seller, meeting)
    ask("PUT /v1/seller/leads/{lead_id}/booking/meeting", seller, meeting, **demo)
    ask("DELETE /v1/seller/leads/{lead_id}/booking", seller, **demo)
    ask("DELETE /v1/leads/{lead_id}/booking", buyer, **demo)


def ownership(world: World) -> None:
    ask = world.walk.ask
    with unit_of_work(world.services.db, SYSTEM) as uow:
        org = make_org(uow)
        owner = session_of(uow, org.owner)

    def offer() -> tuple[Who, Any]:
        _, who, member_id = world.member(org, "viewer")
        offered = {"member_id": str(member_id), "keeps": "viewer"}
        return who, ask("POST /v1/organizations/{org_id}/ownership-transfers", owner, offered, org_id=org.id)[0]["id"]

    named = {"org_id": org.id, "transfer_id": offer()[1]}
    ask("DELETE /v1/organizations/{org_id}/ownership-transfers/{transfer_id}", owner, **named)
    for answer in ("refusal", "acceptance"):
        who, transfer_id = offer()
        ask(f"POST /v1/me/ownership-transfers/{{transfer_id}}/{answer}", who, transfer_id=transfer_id)


def own_sign_in(world: World) -> None:
    ask = world.walk.ask
    with unit_of_work(world.services.db, SYSTEM) as uow:
        org = make_org(uow)
        owner = session_of(uow, org.owner)
    domain = f"d{uuid7().hex[-12:]}.example"
    claimed, other = (ask("POST /v1/email-domains", owner, {"domain": one}) for one in (domain, f"x{domain}"))
    ask("POST /v1/operator/email-domains/{domain_id}", world.operator, {"approve": True}, domain_id=claimed["id"])
    ask("POST /v1/email-domains/{domain_id}/check", owner, domain_id=claimed["id"])
    ask("DELETE /v1/email-domains/{domain_id}", owner, domain_id=other["id"])
    client = {"issuer": world.issuer, "client_id": "market", "client_secret": "s3cret", "default_role": "viewer"}
    ask("PUT /v1/identity-provider", owner, client)
    ask("POST /v1/sign-in-providers/lookup", CALLER, {"email": f"li@{domain}"})
    ask("DELETE /v1/identity-provider", owner)


def approval_app(world: World) -> None:
    """An app by which purchases are approved outside, a member's user id there, and neither any more."""
    ask = world.walk.ask
    _, owner, _ = world.member(world.stage.buyer, "admin")
    _, _, member_id = world.member(world.stage.buyer, "approver")
    app = {
        "provider": "wecom",
        "corp_id": "wwcorp",
        "client_id": "1000002",
        "template_code": "T1",
        "form_field": "Textarea-1",
        "requester_user_id": "manager",
        "client_secret": "secret",
        "callback_token": "token",
        "callback_key": "a" * 43,
    }
    ask("PUT /v1/approval-app", owner, app)
    ask("PUT /v1/approval-app/members/{member_id}", owner, {"user_id": "u1"}, member_id=member_id)
    ask("DELETE /v1/approval-app/members/{member_id}", owner, member_id=member_id)
    ask("DELETE /v1/approval-app", owner)
