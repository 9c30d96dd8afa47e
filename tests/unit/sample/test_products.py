"""The sample market keeps its word: every promise spoken in a sample video is one its plan holds."""

from __future__ import annotations

import pytest
from stdnum.cn import uscc

from app.sample.catalogue import sign_ins, spoken
from app.sample.organizations import ORGANIZATIONS
from app.sample.products import PRODUCTS, SampleProduct
from app.sample.scenes.facts import STORIES
from kernel.ids import uuid7
from marketplace.access.permissions import ROLES
from marketplace.catalog.plan_terms import checked_plan
from marketplace.placements.claim_checks import ClaimValue, Terms, find_contradiction, price_unit


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.scene)
def test_everyspoken_claim_is_kept(product: SampleProduct) -> None:
    plan = checked_plan(product.plan)
    terms = Terms(
        plan["unit_price_minor"],
        plan["currency"],
        price_unit(plan["pricing"], plan["interval"]),
        plan["included_seats"],
        plan["trial_days"],
        {feature["key"]: feature["value"] for feature in plan["features"]},
    )
    (story,) = [story for story in STORIES if story.key == product.scene]
    for claim in story.claims:
        entered = spoken(uuid7(), story.key, claim)
        said = ClaimValue(entered.kind, entered.value_int, entered.value_text, entered.currency, entered.unit)
        assert find_contradiction(said, terms) is None, claim


def test_every_scene_sells_something() -> None:
    assert {product.scene for product in PRODUCTS} == {story.key for story in STORIES}


def test_organizations_could_be_real() -> None:
    for organization in ORGANIZATIONS:
        assert uscc.is_valid(organization.tax_id)
        assert organization.people[0].role == "owner"
        assert {person.role for person in organization.people} <= ROLES.keys()
    emails = [sign_in.email for sign_in in sign_ins()]
    assert len(set(emails)) == len(emails)
