"""An organization brings others by its link: attributed once, when they register, never its own and never who was here before."""

from __future__ import annotations

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from api.context import Services
from app.verify.referrals import BROUGHT
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.jobs.models import EventRow
from kernel.principal import SYSTEM
from marketplace.parties.models import Organization
from marketplace.referrals.events import OrganizationReferred
from marketplace.referrals.models import Referral
from marketplace.referrals.refer import attribute_referral, get_referrer, own_referral_link
from orders.notifications.about_referrals import organization_referred
from orders.notifications.notifiers import RecordedEvent
from orders.referrals import ReferralRow, list_referrals
from tests.api.marketplace.test_dealer_links import PAGE, dealer
from tests.api.marketplace.test_visibility import browser
from tests.api.pages.test_mail_links import FORM, asked, send
from tests.api.test_accounts import SITE
from tests.api_server import application
from tests.factories_marketplace import Org, new_tax_id


def link(services: Services, org: Org) -> str:
    code: str = transact(services.db, org.owner, own_referral_link)
    return code


def brought(services: Services, org: Org, code: str) -> bool:
    """Whether it is attributed now that was not before."""
    with unit_of_work(services.db, SYSTEM) as uow:
        return attribute_referral(uow, org.id, org.owner.person(), code) is not None


def referrer_of(services: Services, org: Org) -> list[UUID]:
    with unit_of_work(services.db, SYSTEM) as uow:
        return list(uow.session.scalars(select(Referral.referrer_org_id).where(Referral.referred_org_id == org.id)))


def rows(services: Services, org: Org) -> list[ReferralRow]:
    with unit_of_work(services.db, org.owner) as uow:
        return list(list_referrals(uow).items)


def test_the_link_is_one_and_attributes_once(services: Services) -> None:
    first, second, supplier = (dealer(services) for _ in range(3))
    with ThreadPoolExecutor(2) as pool:
        codes = set(pool.map(lambda _: link(services, first), range(2)))
    (code,) = codes
    other = link(services, second)
    assert brought(services, supplier, code)
    assert not brought(services, supplier, other)
    assert not brought(services, supplier, code)
    assert referrer_of(services, supplier) == [first.id]
    assert [(one.state, one.first_bought_at) for one in rows(services, first)] == [("registered", None)]
    assert rows(services, second) == []
    with unit_of_work(services.db, SYSTEM) as uow:
        (event,) = uow.session.scalars(
            select(EventRow).where(EventRow.topic == OrganizationReferred.topic, EventRow.org_ids.contains([first.id]))
        )
        (told,) = organization_referred(uow, [RecordedEvent(event.id, event.topic, event.payload, event.occurred_at)])
        assert (told.org_id, told.path) == (first.id, "/referrals")
        assert BROUGHT.find(uow).violations == 0


def test_two_at_once_bring_an_organization_once(services: Services) -> None:
    codes = [link(services, dealer(services)) for _ in range(2)]
    for _ in range(3):
        supplier = dealer(services)
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(lambda code, org=supplier: brought(services, org, code), codes))
        assert sorted(told) == [False, True]
        assert len(referrer_of(services, supplier)) == 1


def test_nobody_brings_itself_nor_who_was_here_before(services: Services) -> None:
    referrer = dealer(services)
    code = link(services, referrer)
    twin, known, again = (dealer(services) for _ in range(3))
    with unit_of_work(services.db, SYSTEM) as uow:
        for one, like in ((twin, referrer), (again, known)):
            row, same = (uow.session.get_one(Organization, org.id) for org in (one, like))
            same.tax_id = same.tax_id or new_tax_id()
            row.tax_id, row.country = same.tax_id, same.country
    assert not any(brought(services, one, code) for one in (referrer, twin, again))
    with unit_of_work(services.db, SYSTEM) as uow:
        # Its owner is a member of the referrer.
        assert attribute_referral(uow, dealer(services).id, referrer.owner.person(), code) is None
    assert not brought(services, dealer(services), "nothing")
    assert rows(services, referrer) == []
    with pytest.raises(DomainError, match="referral_link_not_found"), unit_of_work(services.db, SYSTEM) as uow:
        get_referrer(uow, "nothing")


def test_whoever_signs_up_after_following_links_is_the_first_ones(services: Services) -> None:
    first, second = (dealer(services) for _ in range(2))
    owner = browser(services, first.email)
    page, csrf = "/referrals", {"csrf": owner.headers["X-CSRF-Token"]}
    assert "Make the link" in owner.get(page, headers=PAGE).text
    assert owner.post(page, data=csrf, headers=PAGE, follow_redirects=False).status_code == 303
    code = owner.post("/v1/referrals/link").json()["code"]
    assert f"/referral-links/{code}" in owner.get(page, headers=PAGE).text
    assert "is here already" in owner.get(f"/referral-links/{code}", headers=PAGE).text
    assert browser(services).get(f"/v1/referral-links/{code}").json()["org_id"] == str(first.id)

    newcomer: TestClient[Any] = TestClient(application(services), base_url=SITE)
    newcomer.headers.update(PAGE | {"Sec-Fetch-Site": "same-origin"})
    shown = newcomer.get(f"/referral-links/{code}")
    assert (shown.status_code, shown.headers["x-robots-tag"]) == (200, "noindex")
    newcomer.get(f"/referral-links/{link(services, second)}")
    token, _ = asked(services, newcomer, f"new-{secrets.token_hex(6)}@firm.example")
    company = {"token": token, **FORM, "country": "CN", "tax_id": new_tax_id(), "is_seller": ""}
    done = send(newcomer, "/sign-up/complete", company)
    assert done.status_code == 303, done.text
    (row,) = rows(services, first)
    assert row.state == "registered"
    assert rows(services, second) == []
    assert row.name in owner.get(page, headers=PAGE).text
    assert re.search(r'"state":\s*"registered"', owner.get("/v1/referrals").text)
