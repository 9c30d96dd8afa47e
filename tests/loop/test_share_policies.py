"""Published policies: which rule a sale gets, who earns nothing, what renewals keep, and what a draft would change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.embedded.engines import Addresses
from app.verify.share_policies import RULES
from billing.shares.draft_policy import SaveDraft, discard_draft, save_draft, start_draft
from billing.shares.policy_queries import published_policy
from billing.shares.publish_policy import LEAD, publish_policy
from billing.shares.rules import PolicyRule
from billing.shares.split import ShareTerms, split
from kernel import clock
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.errors import Conflict, DomainError, Invalid
from kernel.principal import SYSTEM
from marketplace.parties.models import Organization
from marketplace.videos.models import Video
from orders.order.models import SaleTerms
from orders.share_policy.simulate import simulate_rules
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.emptied import empty
from tests.factories_billing import OPERATOR
from tests.loop.test_renewals import line_of, renewals, subscribed, until
from tests.loop_stage import Stage


@pytest.fixture(autouse=True)
def _policies_and_sales_of_its_own(addresses: Addresses) -> Iterator[None]:
    """A policy in force from noon on would be missing from what other tests sold at later hours of their clocks."""
    empty(addresses)
    yield
    empty(addresses)


def publish(stage: Stage, *rules: PolicyRule) -> int:
    """These rules beside those in force, from the soonest instant on, to which the clock is moved."""

    def work(uow: UnitOfWork) -> int:
        draft = start_draft(uow)
        before = tuple(PolicyRule.read(stored) for stored in draft.rules)
        save_draft(uow, draft.id, SaveDraft((*before, *rules), "试行", "A trial"))
        version = publish_policy(uow, draft.id).version
        assert version is not None
        return version

    version = transact(stage.services.db, OPERATOR, work)
    clock.advance(LEAD)
    return version


def own_rule(stage: Stage, **changes: Any) -> PolicyRule:
    """A rule for the stage's seller alone, so that no other test's sales get it."""
    return replace(PolicyRule("saas", 100_000, 80_000, 14, seller_id=stage.seller.id), **changes)


def terms_of(stage: Stage, order_id: UUID) -> SaleTerms:
    (found,) = stage.rows(select(SaleTerms).where(SaleTerms.order_line_id == line_of(stage, order_id).id))
    assert isinstance(found, SaleTerms)
    return found


def rates(stage: Stage, order_id: UUID) -> tuple[int, int, int]:
    found = terms_of(stage, order_id)
    return found.commission_ppm, found.promoter_ppm, found.hold_days


def violations(stage: Stage) -> list[str]:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return [rule.name for rule in RULES if rule.find(uow).violations]


def test_the_most_specific_rule_is_pinned_with_its_version(stage: Stage) -> None:
    first = stage.buy()
    assert rates(stage, first) == (150_000, 50_000, 7)
    (channel_id,) = stage.rows(select(Video.channel_id).where(Video.id == stage.video))
    version = publish(stage, own_rule(stage))
    second = stage.buy()
    assert (rates(stage, second), terms_of(stage, second).policy_version) == ((100_000, 80_000, 14), version)
    publish(stage, own_rule(stage, channel_id=channel_id, commission_ppm=90_000), own_rule(stage, deal_type="renewal"))
    assert rates(stage, stage.buy()) == (90_000, 80_000, 14)
    # What was ordered before keeps its terms, and the shares of it are those.
    assert rates(stage, first) == (150_000, 50_000, 7)
    stage.run()
    found = stage.shares(second)
    line = line_of(stage, second)
    parts = split(line.net_minor, line.tax_minor, ShareTerms(version, 100_000, 80_000, 14))
    assert tuple(found[kind].amount_minor for kind in ("seller", "commission", "promoter")) == parts.parts()
    assert violations(stage) == []


def test_bought_again_after_it_ended_is_a_renewal(stage: Stage) -> None:
    publish(stage, own_rule(stage, deal_type="renewal", commission_ppm=20_000))
    order_id, subscription = subscribed(stage)
    assert (terms_of(stage, order_id).deal_type, rates(stage, order_id)) == ("new", (150_000, 50_000, 7))
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    (renewed,) = renewals(stage, subscription)
    # It renewed by itself: the terms of the sale that began it.
    assert rates(stage, renewed.id) == (150_000, 50_000, 7)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(
            update(type(subscription)).where(type(subscription).id == subscription.id).values(state="ended")
        )
    # On no video: no promoter.
    again = stage.buy(line_of(stage, order_id).plan_id)
    assert (terms_of(stage, again).deal_type, rates(stage, again)) == ("renewal", (20_000, 0, 14))


def test_a_promoter_with_the_buyers_tax_id_earns_nothing_and_it_is_said(stage: Stage) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        same = uow.session.get_one(Organization, stage.buyer.id).tax_id
        uow.session.execute(update(Organization).where(Organization.id == stage.promoter.id).values(tax_id=same))
    order_id = stage.buy()
    stage.run()
    found, line = stage.shares(order_id), line_of(stage, order_id)
    promoter = found["promoter"]
    assert (promoter.amount_minor, promoter.rate_ppm, promoter.conflict) == (0, 0, "same_tax_id")
    assert found["seller"].amount_minor == line.gross_minor - found["commission"].amount_minor
    stage.refund(order_id)
    stage.run()
    assert {share.state for share in stage.shares(order_id).values()} == {"reversed"}
    assert violations(stage) == []


def test_a_simulation_says_what_each_party_would_have_got(stage: Stage) -> None:
    starts_at = clock.now()
    orders = [stage.buy(), stage.buy(quantity=7), stage.buy(stage.service_plan, 1)]
    stage.run()
    drafted = (
        PolicyRule("saas", 123_457, 33_333, 7),
        PolicyRule("service", 1_000_000, 0, 7),
        own_rule(stage, deal_type="renewal"),
    )
    with unit_of_work(stage.services.db, OPERATOR) as uow:
        found = simulate_rules(uow, drafted, starts_at, clock.now() + timedelta(seconds=1))
    lines = [line_of(stage, order_id) for order_id in orders]
    terms = [ShareTerms(1, 123_457, 33_333, 7), ShareTerms(1, 123_457, 33_333, 7), ShareTerms(1, 1_000_000, 0, 7)]
    then = [split(line.net_minor, line.tax_minor, one) for line, one in zip(lines, terms, strict=True)]
    was = [stage.shares(order_id) for order_id in orders]
    for org, role, part in ((stage.seller, "seller", 0), (stage.promoter, "promoter", 2)):
        (party,) = [one for one in found if (one.org_id, one.role) == (org.id, role)]
        assert party.lines == sum(1 for one in was if role in one)
        assert party.now_minor == sum(one[role].amount_minor for one in was if role in one)
        assert party.then_minor == sum(one.parts()[part] for one in then)
    for currency in {one.currency for one in found}:
        sums = [one for one in found if one.org_id is None and one.currency == currency]
        assert sum(one.now_minor for one in sums) == sum(one.then_minor for one in sums) > 0


def test_what_may_not_be_published(stage: Stage) -> None:
    def refused(work: Callable[[UnitOfWork], object]) -> DomainError:
        with pytest.raises(DomainError) as found:
            transact(stage.services.db, OPERATOR, work)
        return found.value

    draft_id = transact(stage.services.db, OPERATOR, lambda uow: start_draft(uow).id)
    unsaid = refused(lambda uow: publish_policy(uow, draft_id))
    assert (unsaid.code, isinstance(unsaid, Invalid)) == ("text_required", True)
    transact(
        stage.services.db,
        OPERATOR,
        lambda uow: save_draft(uow, draft_id, SaveDraft((own_rule(stage),), "说明", "Said")).id,
    )
    for at in (clock.now() - timedelta(days=1), clock.now(), clock.now() + LEAD - timedelta(microseconds=1)):
        assert refused(partial(publish_policy, version_id=draft_id, effective_at=at)).code == "share_policy_in_past"
    assert refused(lambda uow: publish_policy(uow, draft_id)).code == "share_rules_incomplete"
    stranger = replace(own_rule(stage), seller_id=stage.buyer.id)
    assert refused(lambda uow: save_draft(uow, draft_id, SaveDraft((stranger,)))).code == "share_rule_unknown"
    transact(stage.services.db, OPERATOR, lambda uow: discard_draft(uow, draft_id).id)
    transact(stage.services.db, OPERATOR, lambda uow: discard_draft(uow, draft_id).id)
    for error in (
        refused(lambda uow: publish_policy(uow, draft_id)),
        refused(lambda uow: save_draft(uow, draft_id, SaveDraft(()))),
    ):
        assert (error.code, isinstance(error, Conflict)) == ("share_policy_not_draft", True)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        assert {row.version for row in published_policy(uow)} >= {1}
