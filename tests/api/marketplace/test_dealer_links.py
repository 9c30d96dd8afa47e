"""A seller's dealers become its partners by a link: once each, never more than it is good for, and straight from signing up."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select

from api.context import Services
from app.verify.partners import INVITED
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.principal import SYSTEM
from marketplace.parties.models import Organization
from marketplace.relations.invitation_models import MOST_USES, PartnerInvitation
from marketplace.relations.partner_invitations import (
    MOST_DAYS,
    InviteDealers,
    PartnerInvitationRow,
    accept_invitation,
    invite_dealers,
    read_invitation,
    revoke_invitation,
)
from marketplace.relations.partner_links import AskPartner, ask_partner
from marketplace.relations.partner_models import PartnerLink
from marketplace.relations.save_tier import SaveTier, save_tier
from tests.api.marketplace.test_visibility import browser
from tests.api.pages.test_mail_links import FORM, asked, send
from tests.api.test_accounts import SITE
from tests.api_server import application
from tests.factories_marketplace import Org, acting, make_org, make_seller, new_tax_id

PAGE = {"Accept": "text/html", "Accept-Language": "en"}


@dataclass(frozen=True)
class Shop:
    """A seller with two tiers."""

    seller: Org
    gold: UUID
    silver: UUID


@pytest.fixture(scope="module")
def shop(services: Services) -> Shop:
    with unit_of_work(services.db, SYSTEM) as uow:
        seller = make_seller(uow)
        with acting(uow, seller.owner):
            gold, silver = (save_tier(uow, SaveTier(code, code, code, 1)).id for code in ("GOLD", "SILVER"))
    return Shop(seller, gold, silver)


def dealer(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


def made(services: Services, shop: Shop, **changes: Any) -> PartnerInvitationRow:
    command = InviteDealers(**{"tier_id": shop.gold, "name": "dealers", **changes})
    row: PartnerInvitationRow = transact(services.db, shop.seller.owner, lambda uow: invite_dealers(uow, command))
    return row


def accepted(services: Services, org: Org, code: str) -> str:
    """The state of the link, or the refusal's code and why."""
    try:
        return transact(services.db, org.owner, lambda uow: accept_invitation(uow, code).state)
    except DomainError as refused:
        return " ".join((refused.code, *map(str, refused.params.values())))


def uses(services: Services, row: PartnerInvitationRow) -> tuple[int, int]:
    """As counted, and as there are links."""
    with unit_of_work(services.db, SYSTEM) as uow:
        links = select(func.count()).where(PartnerLink.invitation_id == row.id)
        return uow.session.get_one(PartnerInvitation, row.id).uses, uow.session.scalar(links) or 0


def test_it_is_good_for_so_many_and_once_for_each(services: Services, shop: Shop) -> None:
    row = made(services, shop, most_uses=2)
    first, second, third = (dealer(services) for _ in range(3))
    assert [accepted(services, one, row.code) for one in (first, first, second)] == ["accepted"] * 3
    assert accepted(services, third, row.code) == "partner_invitation_over used_up"
    assert uses(services, row) == (2, 2)
    assert accepted(services, shop.seller, row.code) == "partner_invitation_own"
    assert accepted(services, third, "nothing") == "partner_invitation_not_found"
    other = made(services, shop, tier_id=shop.silver)
    assert accepted(services, first, other.code) == "partner_already"
    assert uses(services, other) == (0, 0)


def test_two_at_once_never_use_it_twice(services: Services, shop: Shop) -> None:
    """The last use is one organization's; the other is told so."""
    for _ in range(3):
        row = made(services, shop, most_uses=1)
        orgs = [dealer(services) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(lambda org, code=row.code: accepted(services, org, code), orgs))
        assert sorted(told) == ["accepted", "partner_invitation_over used_up"]
        assert uses(services, row) == (1, 1)


def test_over_revoked_and_what_either_side_asked_before(services: Services, shop: Shop) -> None:
    row, late = made(services, shop, most_uses=9), made(services, shop, lasts_days=1)
    org = dealer(services)
    with unit_of_work(services.db, SYSTEM) as uow:
        for org_id in (org.id, shop.seller.id):
            uow.session.get_one(Organization, org_id).tax_id_verified_at = clock.now()
    link_id = transact(services.db, org.owner, lambda uow: ask_partner(uow, AskPartner(shop.seller.id)).id)
    assert accepted(services, org, row.code) == "accepted"
    with unit_of_work(services.db, SYSTEM) as uow:
        link = uow.session.get_one(PartnerLink, link_id)
        assert (link.state, link.tier_id, link.invitation_id) == ("accepted", shop.gold, row.id)
    for _ in range(2):
        transact(services.db, shop.seller.owner, lambda uow: revoke_invitation(uow, row.id).id)
    assert accepted(services, dealer(services), row.code) == "partner_invitation_over revoked"
    with clock.frozen(late.expires_at + timedelta(seconds=1)):
        assert accepted(services, dealer(services), late.code) == "partner_invitation_over expired"
        with unit_of_work(services.db, SYSTEM) as uow:
            assert read_invitation(uow, late.code).state == "expired"
    with unit_of_work(services.db, SYSTEM) as uow:
        assert INVITED.find(uow).violations == 0


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(DomainError) as told:
        work()
    return told.value.code


def test_what_a_link_may_be(services: Services, shop: Shop) -> None:
    for changes, code in (
        ({"most_uses": 0}, "partner_invitation_uses"),
        ({"most_uses": MOST_USES + 1}, "partner_invitation_uses"),
        ({"lasts_days": MOST_DAYS + 1}, "partner_invitation_days"),
        ({"name": " "}, "text_required"),
        ({"tier_id": shop.seller.id}, "partner_tier_not_found"),
    ):
        assert refused(partial(made, services, shop, **changes)) == code
    row, other = made(services, shop), dealer(services)
    assert refused(lambda: transact(services.db, other.owner, lambda uow: revoke_invitation(uow, row.id).id)) in {
        "partner_invitation_not_found",
        "permission_missing",
    }


def test_who_is_new_signs_up_and_comes_back_to_the_link(services: Services, shop: Shop) -> None:
    owner = browser(services, shop.seller.email)
    form = {"name": "North", "tier_id": str(shop.gold), "most_uses": "many", "lasts_days": "14"}
    form["idempotency_key"] = secrets.token_hex(8)
    page, csrf = "/seller/partner-invitations", {"csrf": owner.headers["X-CSRF-Token"]}
    wrong = owner.post(page, data=form | csrf, headers=PAGE)
    assert (wrong.status_code, 'value="North"' in wrong.text) == (422, True)
    assert (
        owner.post(page, data=form | csrf | {"most_uses": "5"}, headers=PAGE, follow_redirects=False).status_code == 303
    )
    code = owner.get("/v1/seller/partner-invitations?limit=1").json()["items"][0]["code"]
    address = f"/partner-invitations/{code}"
    assert f"{SITE}{address}" in owner.get(page, headers=PAGE).text or address in owner.get(page, headers=PAGE).text
    assert "your own link" in owner.get(address, headers=PAGE).text

    newcomer: TestClient[Any] = TestClient(application(services), base_url=SITE)
    newcomer.headers.update(PAGE | {"Sec-Fetch-Site": "same-origin"})
    shown = newcomer.get(address)
    assert (shown.status_code, shown.headers["x-robots-tag"], "Sign in and accept" in shown.text) == (
        200,
        "noindex",
        True,
    )
    token, _ = asked(services, newcomer, f"new-{secrets.token_hex(6)}@firm.example")
    company = {"token": token, **FORM, "country": "CN", "tax_id": new_tax_id(), "is_seller": ""}
    done = send(newcomer, "/sign-up/complete", company)
    assert (done.status_code, done.headers["location"]) == (303, address), done.text
    again = newcomer.get(address)
    assert "becomes the partner" in again.text
    (own,) = set(re.findall(r'name="csrf" value="([^"]+)"', again.text))
    accepting = newcomer.post(address, data={"csrf": own}, follow_redirects=False)
    assert accepting.status_code == 303, accepting.text
    assert "In force" in newcomer.get("/partners").text
    assert (
        newcomer.get(f"/v1/partner-invitations/{code}", headers={"Accept": "application/json"}).json()["state"]
        == "open"
    )
    assert browser(services).get("/v1/partner-invitations/nothing").status_code == 404
