"""Partners are found by name or tax identifier: no identifier is told, and none is found out by trying."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.access import find_organizations
from marketplace.access.counted_limits import Limit
from marketplace.parties.models import Organization
from tests.api.marketplace.test_visibility import browser
from tests.factories_marketplace import Org, make_org, make_plans, make_published_video, make_seller

FIND = "/v1/organizations"


@pytest.fixture
def seller(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_seller(uow)


@pytest.fixture
def partners(services: Services) -> tuple[str, Org, Org]:
    """A beginning that two verified organizations share, and a third that is not verified."""
    word = f"北辰{uuid7().hex[-10:]}"
    with unit_of_work(services.db, SYSTEM) as uow:
        first = make_seller(uow, name=f"{word}甲有限公司")
        second = make_seller(uow, name=f"{word}乙有限公司")
        make_org(uow, name=f"{word}丙有限公司")
    return word, first, second


def tax_id_of(services: Services, org: Org) -> str:
    with unit_of_work(services.db, SYSTEM) as uow:
        found = uow.session.scalars(select(Organization.tax_id).where(Organization.id == org.id)).one()
    assert found
    return found


def test_by_name_or_whole_identifier(services: Services, seller: Org, partners: tuple[str, Org, Org]) -> None:
    word, first, second = partners
    owner = browser(services, seller.email)

    def ids(asked: str) -> list[str]:
        answer = owner.get(FIND, params={"q": asked})
        assert answer.status_code == 200, answer.text
        assert all(set(one) == {"id", "legal_name", "display_name", "country"} for one in answer.json()["items"])
        return sorted(one["id"] for one in answer.json()["items"])

    both = sorted((str(first.id), str(second.id)))
    assert ids(word) == both, "the one that nobody verified is not told of"
    assert ids(f"  {word.upper()} ") == both
    assert ids(f"{word}甲有限公司") == [str(first.id)]
    assert ids(word[1:]) == [], "a name begins as its organization's does"
    tax_id = tax_id_of(services, first)
    assert ids(tax_id) == ids(tax_id.lower()) == [str(first.id)]
    assert ids(tax_id[:-1]) == [], "an identifier is known whole, or not at all"
    assert owner.get(FIND, params={"q": "%"}).json()["code"] == "text_too_short"
    assert ids("%%") == ids("__") == []
    assert ids(tax_id_of(services, seller)) == [], "one's own organization is nobody's partner"


def test_lookups_are_counted_found_or_not(
    services: Services, seller: Org, partners: tuple[str, Org, Org], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_organizations, "LOOKUPS", Limit(3, timedelta(hours=1)))
    owner = browser(services, seller.email)
    for asked in (partners[0], "91330106MA2CF9B3RJ", "nobody at all"):
        assert owner.get(FIND, params={"q": asked}).status_code == 200
    # What is refused is counted by nobody; the count itself outlives the refusals before.
    refused = owner.get(FIND, params={"q": partners[0]})
    assert (refused.status_code, refused.json()["code"]) == (429, "lookups_too_often")
    assert int(refused.headers["Retry-After"]) > 0


def test_the_page_takes_names_identifiers_and_numbers(
    services: Services, seller: Org, partners: tuple[str, Org, Org]
) -> None:
    word, first, second = partners
    with unit_of_work(services.db, SYSTEM) as uow:
        video = make_published_video(uow, seller, make_plans(uow, seller)[0])[0]
    owner = browser(services, seller.email)
    page, path = {"Accept": "text/html", "Accept-Language": "en"}, f"/seller/videos/{video.id}"

    def send(partners: str) -> Any:
        form = {"visibility": "partners", "partners": partners, "csrf": owner.headers["X-CSRF-Token"]}
        return owner.post(f"{path}/visibility", data=form, headers=page, follow_redirects=False)

    several = send(f"{word}\n{second.id}")
    assert several.status_code == 422
    assert f"{word}甲有限公司 ({first.id})" in several.text, "which are meant can be chosen from"
    assert f"{word}\n{second.id}</textarea>" in several.text, "what was typed is still there"
    assert send(f"{word}丙有限公司").status_code == 422, "nobody verified it"
    assert send(f"{word}甲有限公司\n {tax_id_of(services, second)} \n{first.id}").status_code == 303
    kept = owner.get(f"/v1/seller/videos/{video.id}").json()["partners"]
    assert {one["id"] for one in kept} == {str(first.id), str(second.id)}
