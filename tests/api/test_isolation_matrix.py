"""No organization sees another's: every JSON route with an id, generated from the routes, asked by everybody else.

A stranger's answer for an object that exists must be the answer for one that does not, byte for byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient

from api.context import Services
from api.v1.uploads import CONTENT_TYPE
from app.embedded.engines import Addresses
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.response_cards.consent_text import CARD_CONSENT_VERSION
from tests.adapters.seller_process import Seller
from tests.api_server import application
from tests.every_object import KINDS, make_objects
from tests.factories_marketplace import PASSWORD, Org, make_org, make_seller
from tests.loop_stage import Stage, services_for, set_stage

Route = tuple[str, str]

SHOWN = {
    ("GET", "/v1/channels/{channel_id}"),
    ("GET", "/v1/channels/{channel_id}/poster"),
    ("GET", "/v1/channels/{channel_id}/videos"),
    ("PUT", "/v1/channels/{channel_id}/follow"),
    ("DELETE", "/v1/channels/{channel_id}/follow"),
    ("POST", "/v1/channels/{channel_id}/contact"),
    ("POST", "/v1/channels/{channel_id}/share"),
    ("POST", "/v1/listings/{listing_id}/share"),
    ("GET", "/v1/courses/{listing_id}"),
    ("GET", "/v1/listings/{listing_id}"),
    ("GET", "/v1/listings/{listing_id}/customer-reviews"),
    ("GET", "/v1/listings/{listing_id}/poster"),
    ("GET", "/v1/listings/{listing_id}/promotions"),
    ("GET", "/v1/listings/{listing_id}/partner-prices"),
    ("GET", "/v1/listings/{listing_id}/questions"),
    ("POST", "/v1/listings/{listing_id}/questions"),
    ("GET", "/v1/listings/{listing_id}/demo-slots"),
    ("GET", "/v1/organizations/{org_id}"),
    ("GET", "/v1/organizations/{org_id}/service-window"),
    ("GET", "/v1/organizations/{org_id}/response-time"),
    ("POST", "/v1/promoter/plans/{promoter_plan_id}/application"),
    ("GET", "/v1/sandbox/mails/{mail_id}"),
}
"""Published by their nature: channels, published listings, what courses among them consist of, and what is said and asked about
them, sellers' legal names, hours, response and free times, a sandbox's mails. Each has tests of its own."""

WORDS = {
    "language": "en",
    "dimension": "calls",
    "format_name": "datev",
    "account_kind": "commission",
    "month": "2026-10",
}
"""Parameters beside the ids."""
BODIES: dict[str, dict[str, Any]] = {
    "PUT /v1/billing-profiles/{profile_id}": {
        "legal_name": "某公司",
        "country": "CN",
        "tax_id": "91330106MA2CF9B3RJ",
        "address": "某路 1 号",
        "email": "a@example.test",
    },
    "PUT /v1/live-sessions/{live_session_id}": {
        "video_id": str(uuid7()),
        "title": "x",
        "starts_at": "2099-01-01T00:00:00Z",
    },
    "PUT /v1/live-sessions/{live_session_id}/recording": {"video_id": str(uuid7())},
    "POST /v1/live-sessions/{live_session_id}/items": {"plan_id": str(uuid7())},
    "PUT /v1/live-sessions/{live_session_id}/shelf": {"item_ids": []},
    "PUT /v1/live-sessions/{live_session_id}/items/{live_item_id}/price": {"percent_ppm": 1},
    "POST /v1/live-sessions/{live_session_id}/questions": {"text": "x"},
    "PUT /v1/seller/live-questions/{live_question_id}/answer": {"text": "x"},
    "PUT /v1/live-sessions/{live_session_id}/explained": {"item_id": str(uuid7())},
    "PUT /v1/circles/{circle_id}": {"name": "x"},
    "PUT /v1/circles/{circle_id}/directory": {"listed": True},
    "POST /v1/circles/{circle_id}/posts": {"text": "x"},
    "POST /v1/circles/{circle_id}/offers": {
        "listing_id": str(uuid7()),
        "name": "x",
        "starts_on": "2099-01-01",
        "ends_on": "2099-01-02",
    },
    "POST /v1/circle-members/{circle_member_id}/answer": {"accept": True},
    "PUT /v1/circle-members/{circle_member_id}/role": {"role": "owner"},
    "POST /v1/circle-posts/{circle_post_id}/decision": {"show": True},
    "PUT /v1/circle-posts/{circle_post_id}/mark": {"marked": True},
    "PUT /v1/halls/{hall_id}/badge": {"name": "x", "company": "x"},
    "POST /v1/booths/{booth_id}/badges": {},
    "POST /v1/badge-exchanges/{badge_exchange_id}/answer": {"give": True},
    "PUT /v1/organizer/halls/{hall_id}": {
        "title": "x",
        "opens_at": "2099-01-01T00:00:00Z",
        "closes_at": "2099-01-02T00:00:00Z",
    },
    "PUT /v1/organizer/halls/{hall_id}/agenda": {"items": []},
    "POST /v1/organizer/halls/{hall_id}/booths": {"organization_id": str(uuid7())},
    "PUT /v1/seller/booths/{booth_id}": {},
    "POST /v1/seller/booths/{booth_id}/answer": {"accept": True},
    "POST /v1/seller/booths/{booth_id}/scans": {"code": "X"},
    "PUT /v1/seller/partner-tiers/{partner_tier_id}": {"name": "x"},
    "POST /v1/seller/partner-tiers/{partner_tier_id}/prices": {"listing_id": str(uuid7()), "discount_ppm": 1},
    "PUT /v1/seller/partners/{partner_link_id}/territory": {"regions": ["CN"]},
    "PUT /v1/seller/partners/{partner_link_id}/tier": {"tier_id": str(uuid7())},
    "POST /v1/partners/{partner_link_id}/acceptance": {},
    "POST /v1/payer-agreements/{payer_agreement_id}/acceptance": {},
    "PUT /v1/payer-agreements/{payer_agreement_id}/limits": {},
    "POST /v1/group-memberships/{group_membership_id}/acceptance": {},
    "PUT /v1/group-memberships/{group_membership_id}/rights": {"rights": []},
    "PUT /v1/payer-agreements/{payer_agreement_id}/method": {},
    "POST /v1/payer-charges/{payer_charge_id}/approval": {"payment_method": "sbx_ok"},
    "POST /v1/payer-charges/{payer_charge_id}/decline": {"reason": "x"},
    "PUT /v1/entitlements/{entitlement_id}/allocations/{group_membership_id}": {"seats": 1},
    "POST /v1/seat-allocations/{seat_allocation_id}/seats": {"person_id": str(uuid7())},
    "POST /v1/seller/promoter-plans/{promoter_plan_id}/promoters": {"organization_id": str(uuid7())},
    "POST /v1/promoter-memberships/{promoter_membership_id}/answer": {"accept": True},
    "PUT /v1/approval-app/members/{member_id}": {"user_id": "x"},
    "PUT /v1/departments/{department_id}": {"code": "X", "name": "x"},
    "PUT /v1/organizations/{org_id}/members/{member_id}/department": {"department_id": None},
    "PUT /v1/purchases/{purchase_id}/department": {"department_id": None},
    "PUT /v1/subscriptions/{subscription_id}/department": {"department_id": None},
    "PUT /v1/channels/{channel_id}": {"name": "其他", "name_en": "other"},
    "PUT /v1/courses/{listing_id}/episodes/{video_id}/progress": {"position_ms": 1},
    "PUT /v1/seller/courses/{listing_id}": {"episodes": []},
    "PUT /v1/listings/{listing_id}/customer-review": {"stars": 1, "text": "x"},
    "PUT /v1/listings/{listing_id}/image": {"alt": "x"},
    "PUT /v1/listings/{listing_id}/terms": {"version": "x", "text": "x"},
    "PUT /v1/listings/{listing_id}/visibility": {"visibility": "public"},
    "PUT /v1/subscriptions/{subscription_id}/auto-renew": {"auto_renew": True},
    "PUT /v1/subscriptions/{subscription_id}/payment-method": {"payment_method": "sbx_ok"},
    "PUT /v1/subscriptions/{subscription_id}/next-term": {},
    "POST /v1/subscriptions/{subscription_id}/amendment-quotes": {"quantity": 2},
    "POST /v1/subscriptions/{subscription_id}/conversion": {"payment_method": "sbx_ok"},
    "POST /v1/seller/subscriptions/{subscription_id}/trial-extension": {"days": 1},
    "PUT /v1/seller/customer-reviews/{review_id}/answer": {"text": "x"},
    "PUT /v1/seller/questions/{question_id}/answer": {"text": "x"},
    "POST /v1/videos/{video_id}/comments": {"text": "x"},
    "POST /v1/videos/{video_id}/cover": {"at_ms": 1_000},
    "POST /v1/videos/{video_id}/response-cards": {"kind": "apply", "start_ms": 0, "end_ms": 5_000, "title": "x"},
    "PUT /v1/seller/response-cards/{response_card_id}": {"kind": "apply", "start_ms": 0, "end_ms": 5_000, "title": "x"},
    "POST /v1/response-cards/{response_card_id}/sights": {"sight": "click"},
    "POST /v1/response-cards/{response_card_id}/answers": {
        "consent_version": CARD_CONSENT_VERSION,
        "name": "x",
        "email": "x@example.test",
    },
    "PUT /v1/trainings/{training_id}/videos/{video_id}/watched": {"spans": []},
    "PUT /v1/managed-trainings/{training_id}": {"title": "x", "due_on": "2099-01-01"},
    "PUT /v1/seller/card-responses/{card_response_id}": {"state": "working"},
    "PUT /v1/videos/{video_id}/schedule": {"publish_at": "2099-01-01T00:00:00Z"},
    "PUT /v1/videos/{video_id}/visibility": {"visibility": "internal"},
    "PUT /v1/videos/{video_id}/chapters": {"chapters": [{"at_ms": 0, "title": "x"}]},
    "PUT /v1/videos/{video_id}/captions/{language}": {"content": "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nx\n"},
    "POST /v1/conversations/{conversation_id}/messages": {"text": "x"},
    "POST /v1/tickets/{ticket_id}/messages": {"text": "x"},
    "POST /v1/tickets/{ticket_id}/closing": {"rating": 1},
    "PUT /v1/seller/tickets/{ticket_id}/assignee": {"person_id": None},
    "PUT /v1/conversations/{conversation_id}/reading": {"number": 1},
    "PUT /v1/seller/conversations/{conversation_id}/assignee": {"person_id": None},
    "POST /v1/leads/{lead_id}/messages": {"text": "x"},
    "POST /v1/seller/leads/{lead_id}/messages": {"text": "x"},
    "POST /v1/seller/leads/{lead_id}/notes": {"text": "x"},
    "PUT /v1/seller/leads/{lead_id}": {"state": "lost"},
    "POST /v1/seller/leads/{lead_id}/offers": {"plan_id": str(uuid7()), "discount_ppm": 1, "valid_on": "2026-12-31"},
    "POST /v1/seller/offers/{offer_id}/decision": {"decision": "approved"},
    "POST /v1/seller/tier-offers/{tier_offer_id}/decision": {"decision": "approved"},
    "POST /v1/offers/{offer_id}/quote": {},
    "PUT /v1/seller/dealer-lists/{dealer_list_id}/lines": {"lines": [{"number": 1, "tier": "GOLD"}]},
    "PUT /v1/order-sheets/{order_sheet_id}/lines": {"lines": [{"number": 1, "quantity": "20"}]},
    "POST /v1/order-sheets/{order_sheet_id}/quotes": {},
    "POST /v1/order-sheets/{order_sheet_id}/order": {"billing_profile_id": str(uuid7()), "payment_method": "sbx_ok"},
    "POST /v1/offers/{offer_id}/decline": {},
    "POST /v1/offers/{offer_id}/counter-offers": {"lines": [{"number": 1, "quantity": 1, "unit_price": 1}]},
    "PUT /v1/leads/{lead_id}/booking": {"starts_at": "2026-12-01T02:00:00Z"},
    "PUT /v1/seller/leads/{lead_id}/booking": {"starts_at": "2026-12-01T02:00:00Z"},
    "PUT /v1/seller/leads/{lead_id}/booking/meeting": {"url": None},
    "PATCH /v1/connectors/{connector_id}": {"name": "other"},
    "PUT /v1/entitlements/{entitlement_id}/usage/caps/{dimension}": {"kind": "hard", "quantity": "1"},
    "POST /v1/usage/lines/{usage_line_id}/challenge": {"question": "x"},
    "POST /v1/seller/usage/challenges/{usage_challenge_id}/answer": {"credit": 1, "answer": "x"},
    "PATCH /v1/group-robots/{robot_id}": {"name": "other"},
    "PATCH /v1/webhook-endpoints/{endpoint_id}": {"name": "other"},
    "POST /v1/test-clocks/{clock_id}/advance": {"to": "2099-01-01T00:00:00Z"},
    "POST /v1/webhook-endpoints/{endpoint_id}/replay": {
        "since": "2026-01-01T00:00:00Z",
        "until": "2026-01-02T00:00:00Z",
    },
    "POST /v1/entitlements/{entitlement_id}/seats": {"person_id": str(uuid7())},
    "POST /v1/milestones/{milestone_id}/acceptance": {"version": 1},
    "POST /v1/milestones/{milestone_id}/rework": {"version": 1, "words": "x"},
    "POST /v1/seller/milestones/{milestone_id}/deliveries": {"version": 1, "words": "x"},
    "POST /v1/seller/orders/{order_id}/refusal": {"reason": "x"},
    "POST /v1/orders/{order_id}/refunds": {"reason": "mine now"},
    "POST /v1/orders/{order_id}/refund-cases": {"reason": "mine now"},
    "POST /v1/refund-cases/{case_id}/escalate": {"appeal": "mine now"},
    "POST /v1/refund-cases/{case_id}/credit": {"accept": True},
    "POST /v1/seller/refund-cases/{case_id}/decide": {"decision": "grant"},
    "POST /v1/gateway-accounts": {"gateway": "sandbox"},
    "POST /v1/gateway-accounts/ask": {"gateway": "sandbox"},
    "POST /v1/operator/gateway-balances/read": {"gateway": "sandbox"},
    "POST /v1/operator/held-refunds/{refund_id}/release": {"reason": "x"},
    "POST /v1/operator/refund-cases/{case_id}/decide": {"decision": "grant"},
    "POST /v1/fapiao-requests/{fapiao_request_id}/retry": {"remarks": "mine now"},
    "POST /v1/invoices/{invoice_id}/correction": {"reason": "mine now", "legal_name": "x"},
    "POST /v1/red-letters/{red_letter_id}/decision": {"decision": "confirm"},
    "PUT /v1/disputes/{dispute_id}/words": {"words": "mine now"},
    "PUT /v1/seller/disputes/{dispute_id}/words": {"words": "mine now"},
    "POST /v1/operator/disputes/{dispute_id}/lines": {"lines": [{"line_id": str(uuid7()), "amount_minor": 1}]},
    "PUT /v1/operator/share-policies/{share_policy_version_id}": {"rules": []},
    "POST /v1/operator/share-policies/{share_policy_version_id}/publish": {},
    "POST /v1/operator/disputes/{dispute_id}/evidence": {"text": "mine now"},
    "POST /v1/organizations/{org_id}/invitations": {"email": "x@example.test", "roles": ["viewer"]},
    "POST /v1/operator/email-domains/{domain_id}": {"approve": True},
    "PUT /v1/organizations/{org_id}/tax-id": {"tax_id": "91330106MA2CF9B3RJ"},
    "POST /v1/organizations/{org_id}/ownership-transfers": {"member_id": str(uuid7()), "keeps": "admin"},
    "PATCH /v1/organizations/{org_id}/members/{member_id}": {"roles": ["viewer"]},
    "PATCH /v1/placements/{placement_id}": {"start_ms": 1, "end_ms": 9_000},
    "POST /v1/placements/{placement_id}/claims": {
        "kind": "included_seats",
        "at_ms": 4_000,
        "text": "x",
        "value_int": 1,
    },
    "PUT /v1/plans/{plan_id}/connector": {"connector_id": str(uuid7())},
    "POST /v1/listings/{listing_id}/versions": {"title": "x", "title_en": "x", "summary": "x", "summary_en": "x"},
    "POST /v1/videos/{video_id}/placements": {"plan_id": str(uuid7()), "start_ms": 0, "end_ms": 5_000},
    "POST /v1/purchases/{purchase_id}/approve": {"reason": None},
    "POST /v1/purchases/{purchase_id}/reject": {"reason": "no"},
    "POST /v1/purchases/{purchase_id}/cancel": {},
    "POST /v1/purchases/{purchase_id}/pay": {"payment_method": "sbx_ok"},
    "POST /v1/sandbox/payments/{payment_id}/authentication": {"approve": True},
    "PUT /v1/operator/bank/accounts/{account_id}": {
        "code": "x1",
        "currency": "CNY",
        "holder": "x",
        "bank_name": "x",
        "account_number": "12345",
    },
    "POST /v1/operator/credit-lines/{credit_line_id}/decline": {"reason": "x"},
    "POST /v1/operator/credit-lines/{credit_line_id}/close": {"reason": "x"},
    "POST /v1/operator/bank/lines/{line_id}/assign": {"remark_code": "x", "amount": 1, "reason": "x"},
    "POST /v1/operator/bank/lines/{line_id}/return": {"amount": 1, "reason": "x"},
    "POST /v1/operator/bank/lines/{line_id}/write-off": {"amount": 1, "reason": "x"},
    "POST /v1/operator/bank/lines/{line_id}/match": {"remark_code": "x", "reason": "x"},
    "POST /v1/operator/bank/outgoing/{outgoing_id}/confirm": {"outcome": "sent", "bank_reference": "x"},
    "POST /v1/payment-methods/{method_id}/remove": {},
}


@pytest.fixture(scope="module")
def seller_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seller]:
    seller = Seller(tmp_path_factory.mktemp("seller"))
    yield seller
    seller.stop()


@pytest.fixture(scope="module")
def stage(addresses: Addresses, seller_app: Seller, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    home = tmp_path_factory.mktemp("house")
    return set_stage(services_for(addresses, home, sample_seller_port=seller_app.port), seller_app)


@pytest.fixture(scope="module")
def ids(stage: Stage) -> dict[str, UUID]:
    """One object of every kind that belongs to the stage's buyer, seller or promoter, by the name of its parameter."""
    with clock.frozen(clock.now()):
        return make_objects(stage)


@pytest.fixture(scope="module")
def app_routes(services: Services) -> list[Route]:
    """Every JSON route with an id in its path."""
    found: set[Route] = set()
    for route in application(services).routes:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
        for handler in getattr(route, "route_handlers", []):
            if path.startswith("/v1/") and "_id}" in path and isinstance(handler, HTTPRouteHandler):
                found |= {(str(method), path) for method in handler.http_methods if method != "OPTIONS"}
    return sorted(found)


def session(services: Services, email: str) -> TestClient[Any]:
    client: TestClient[Any] = TestClient(application(services), base_url="https://market.example")
    opened = client.post("/v1/session", json={"email": email, "password": PASSWORD})
    assert opened.status_code == 201, opened.text
    client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


@pytest.fixture(scope="module")
def strangers(services: Services) -> dict[str, TestClient[Any]]:
    """A buyer and a seller of other organizations, both owners of theirs: they hold every permission there."""
    with unit_of_work(services.db, SYSTEM) as uow:
        others: dict[str, Org] = {"other buyer": make_org(uow), "other seller": make_seller(uow)}
    return {name: session(services, org.email) for name, org in others.items()}


def ask(client: TestClient[Any], route: Route, ids: dict[str, UUID]) -> tuple[int, dict[str, Any]]:
    method, path = route
    address = re.sub(r"\{(\w+)\}", lambda match: WORDS.get(match.group(1)) or str(ids[match.group(1)]), path)
    body = BODIES.get(f"{method} {path}")
    headers = {"Idempotency-Key": str(uuid7())}
    is_sent_file = method == "POST" and path.endswith(("/upload", "/verification", "/evidence", "/documents", "/files"))
    if (is_sent_file and body is None) or (method == "PUT" and path.endswith(("/cover", "/file"))):
        answer = client.request(method, address, files={"file": ("x.mp4", b"x", "video/mp4")}, headers=headers)
    elif path.endswith("/upload"):
        answer = client.request(method, address, content=b"x", headers=headers | {"Content-Type": "video/mp4"})
    elif path.endswith("/uploads") or path.startswith("/v1/uploads/"):
        tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "1", "Upload-Offset": "0", "Content-Type": CONTENT_TYPE}
        answer = client.request(method, address, content=b"x" if method == "PATCH" else b"", headers=headers | tus)
    else:
        answer = client.request(method, address, json=body, headers=headers)
    try:
        content = answer.json() if answer.content else {}
    except json.JSONDecodeError:
        content = {"text": answer.text}
    content.pop("request_id", None)
    return answer.status_code, content


def private(app_routes: list[Route]) -> list[Route]:
    return [route for route in app_routes if route not in SHOWN and "/operator/" not in route[1]]


def test_every_parameter_of_the_routes_has_an_object(app_routes: list[Route], ids: dict[str, UUID]) -> None:
    named = {name for _, path in private(app_routes) for name in re.findall(r"\{(\w+_id)\}", path)}
    assert named <= set(ids)


def test_every_object_is_there(services: Services, ids: dict[str, UUID]) -> None:
    """A row of the matrix that names nothing could not fail."""
    with unit_of_work(services.db, SYSTEM) as uow:
        missing = [name for name, id_ in ids.items() if uow.session.get(KINDS[name], id_) is None]
    assert missing == []


@pytest.mark.parametrize("who", ["other buyer", "other seller"])
def test_a_stranger_cannot_tell_a_foreign_object_from_none(
    who: str, strangers: dict[str, TestClient[Any]], app_routes: list[Route], ids: dict[str, UUID]
) -> None:
    nothing = {name: uuid7() for name in ids}
    told: list[str] = []
    for route in private(app_routes):
        foreign, missing = ask(strangers[who], route, ids), ask(strangers[who], route, nothing)
        if foreign != missing or foreign[0] not in {403, 404}:
            told.append(
                f"{route}: foreign {foreign[0]} {foreign[1].get('code')}, missing {missing[0]} {missing[1].get('code')}"
            )
    assert told == [], "\n".join(told)


def test_the_operators_desk_is_closed_to_organizations(
    strangers: dict[str, TestClient[Any]], app_routes: list[Route], ids: dict[str, UUID]
) -> None:
    dashboard = [route for route in app_routes if "/operator/" in route[1]]
    operators_own = (
        "job_id incident_id line_id outgoing_id return_id period_id difference_id",
        "ledger_account_id ledger_transaction_id",
    )
    known = ids | {name: uuid7() for name in " ".join(operators_own).split()}
    assert dashboard
    assert {ask(client, route, known)[0] for client in strangers.values() for route in dashboard} == {403}


def test_nobody_signed_in_gets_past_the_door(services: Services, app_routes: list[Route], ids: dict[str, UUID]) -> None:
    anonymous: TestClient[Any] = TestClient(application(services), base_url="https://market.example")
    answers = {route: ask(anonymous, route, ids)[0] for route in private(app_routes)}
    public = {route: status for route, status in answers.items() if status not in {401, 404}}
    assert public == {}


def test_an_organizations_own_people_reach_their_objects(
    services: Services, stage: Stage, ids: dict[str, UUID]
) -> None:
    """The matrix would hold for a house with every door nailed shut; this one opens."""
    owner = session(services, stage.buyer.email)
    for path in ("orders/{order_id}", "invoices/{invoice_id}", "entitlements/{entitlement_id}", "trace/{any_id}"):
        assert ask(owner, ("GET", f"/v1/{path}"), ids)[0] == 200, path


def test_buyer_and_seller_never_share_a_route(
    services: Services, stage: Stage, app_routes: list[Route], ids: dict[str, UUID]
) -> None:
    seller, buyer = session(services, stage.seller.email), session(services, stage.buyer.email)
    assert ask(seller, ("GET", "/v1/orders/{order_id}"), ids)[0] == 404
    assert ask(buyer, ("GET", "/v1/seller/orders/{order_id}"), ids)[0] == 404
    assert ask(buyer, ("GET", "/v1/statements/{statement_id}"), ids)[0] == 404
    assert ask(seller, ("GET", "/v1/purchases/{purchase_id}"), ids)[0] == 404
    assert ask(seller, ("GET", "/v1/leads/{lead_id}"), ids)[0] == 404
    assert ask(buyer, ("GET", "/v1/seller/leads/{lead_id}"), ids)[0] in {403, 404}
    assert ask(seller, ("GET", "/v1/seller/leads/{lead_id}"), ids)[0] == 200
    assert ask(seller, ("GET", "/v1/offers/{offer_id}"), ids)[0] == 404
    assert ask(buyer, ("GET", "/v1/offers/{offer_id}"), ids)[0] == 200
    assert ask(buyer, ("POST", "/v1/seller/offers/{offer_id}/withdrawal"), ids)[0] in {403, 404}
    assert ask(buyer, ("GET", "/v1/seller/coupons/{coupon_id}"), ids)[0] in {403, 404}
    assert ask(seller, ("GET", "/v1/seller/coupons/{coupon_id}"), ids)[0] == 200
    assert ask(seller, ("GET", "/v1/seller/coupons/{coupon_id}/uses"), ids)[0] == 200
    assert ask(buyer, ("GET", "/v1/seller/customers/{customer_id}"), ids)[0] in {403, 404}
    assert ask(seller, ("GET", "/v1/seller/customers/{customer_id}"), ids)[0] == 200
