"""Every rule of `market verify` catches what it is for, and nothing is wrong with a market that is well."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text

from app.verify.check import verify
from app.verify.orders import PRICED
from app.verify.rule import Found, Outside
from app.verify.rules import EVERY, RULES
from kernel import clock
from kernel.db.uow import UnitOfWork
from tests.service.verify import (
    plants_analytics,
    plants_bank,
    plants_books,
    plants_circles,
    plants_conversations,
    plants_coupons,
    plants_courses,
    plants_end_customers,
    plants_fapiao,
    plants_forms,
    plants_groups,
    plants_halls,
    plants_instalments,
    plants_live,
    plants_methods,
    plants_milestones,
    plants_money,
    plants_months,
    plants_on_account,
    plants_outside,
    plants_papers,
    plants_partners,
    plants_payee_tax,
    plants_payers,
    plants_payout_batches,
    plants_reliability,
    plants_response_cards,
    plants_rest,
    plants_robots,
    plants_selling_models,
    plants_share_policies,
    plants_subscriptions,
    plants_training,
    plants_transfers,
)
from tests.service.verify.conftest import Market
from tests.service.verify.planting import Planter
from tests.verify_world import World

Plant = Callable[[Planter, World], None]


def _plants(module: ModuleType) -> dict[str, Plant]:
    own = {name: made for name, made in inspect.getmembers(module, inspect.isfunction) if not name.startswith("_")}
    return {name: made for name, made in own.items() if made.__module__ == module.__name__}


PLANTS = {
    name: plant
    for module in (
        *(plants_money, plants_bank, plants_methods, plants_rest, plants_subscriptions, plants_coupons),
        *(
            plants_circles,
            plants_courses,
            plants_milestones,
            plants_instalments,
            plants_partners,
            plants_payers,
            plants_end_customers,
            plants_fapiao,
            plants_halls,
            plants_groups,
        ),
        *(plants_payout_batches, plants_books, plants_share_policies, plants_transfers, plants_papers, plants_forms),
        *(
            plants_on_account,
            plants_live,
            plants_payee_tax,
            plants_months,
            plants_selling_models,
            plants_response_cards,
            plants_training,
            plants_outside,
            plants_reliability,
            plants_robots,
        ),
        plants_conversations,
        plants_analytics,
    )
    for name, plant in _plants(module).items()
}
OUTSIDE = {
    "documents.unchanged",
    "ledger.heads",
    "media.stored",
    "milestones.files",
    "conversations.files",
    "delivery.seller_log",
    "structure.enforced",
}
"""Rules with tests of their own, here and in `test_outside.py`: not a row of theirs is planted."""


def broken(uow: UnitOfWork) -> dict[str, Found]:
    found = {rule.name: rule.find(uow) for rule in RULES}
    return {name: what for name, what in found.items() if what.violations}


def test_every_rule_has_its_plant() -> None:
    names = {rule.name for rule in EVERY}
    assert len(names) == len(EVERY)
    assert {name.replace(".", "_") for name in names - OUTSIDE} == set(PLANTS)


def test_every_rule_says_what_it_means() -> None:
    for rule in EVERY:
        assert rule.en.endswith((".", ")."))
        assert rule.zh.endswith(("。", "）。"))


def test_nothing_is_wrong_with_a_market_that_is_well(market: Market) -> None:
    report = verify(market.db, Outside(market.world.storage))
    assert {outcome.name: outcome.found for outcome in report.outcomes if outcome.found.violations} == {}
    assert report.ok
    assert len(report.outcomes) == len(EVERY)


@pytest.mark.parametrize("rule", [rule.name for rule in RULES if rule.name not in OUTSIDE])
def test_a_planted_corruption_is_named_by_its_rule_alone(rule: str, market: Market, owner: UnitOfWork) -> None:
    planter = Planter(owner)
    with planter.unguarded():
        PLANTS[rule.replace(".", "_")](planter, market.world)
    found = broken(owner)
    assert set(found) == {rule}, found
    assert found[rule].violations >= len(found[rule].examples) >= 1
    assert all(found[rule].examples)


@pytest.mark.parametrize(
    ("parts", "holds"),
    [
        (({"off": 0},), True),
        (({"off": 5}, {"kind": "setup", "amount": 5}), True),
        (({"off": 5},), False),
        (({"off": 0, "brackets": [{"amount_minor": 1}]},), False),
    ],
)
def test_parts_and_their_brackets_add_up_to_the_list_price(
    owner: UnitOfWork, parts: tuple[dict[str, Any], ...], *, holds: bool
) -> None:
    planter = Planter(owner)
    line_id, list_minor = owner.session.execute(text("SELECT id, list_minor FROM orders.order_line LIMIT 1")).one()
    lines = []
    for part in parts:
        off = part.get("off", 0)
        amount = part.get("amount", list_minor - off)
        brackets = part.get("brackets", [{"amount_minor": amount + off}] if "off" in part else [])
        lines.append(
            {"kind": part.get("kind", "per_seat"), "amount_minor": amount, "rounding_off_minor": off}
            | ({"brackets": brackets} if brackets else {})
        )
    with planter.unguarded():
        planter.change(
            "UPDATE orders.order_line SET price = '{}', price_lines = CAST(:lines AS jsonb) WHERE id = :id",
            lines=json.dumps(lines),
            id=line_id,
        )
    assert (PRICED.find(owner).violations == 0) is holds


def test_a_switched_off_trigger_is_named(market: Market, owner: UnitOfWork) -> None:
    Planter(owner).define("ALTER TABLE billing.posting DISABLE TRIGGER billing_posting_append_only")
    assert set(broken(owner)) == {"structure.enforced"}


def test_a_history_whose_beginning_is_past_its_retention_is_whole_but_no_younger_one(
    market: Market, owner: UnitOfWork
) -> None:
    planter = Planter(owner)
    with planter.unguarded():
        planter.change("DELETE FROM kernel.state_history WHERE from_state IS NULL")
    walked = next(rule for rule in RULES if rule.name == "states.walked")
    assert walked.find(owner).violations > 0
    clock.advance(timedelta(days=366 * 5))
    assert walked.find(owner).violations == 0
    with planter.unguarded():
        planter.change("UPDATE fulfillment.entitlement SET state = 'suspended' WHERE state = 'active'")
    assert walked.find(owner).violations > 0


def test_examples_are_few_and_the_count_is_whole(market: Market, owner: UnitOfWork) -> None:
    planter = Planter(owner)
    with planter.unguarded():
        planter.change("UPDATE fulfillment.run SET tries = tries + 1")
    found = broken(owner)["runs.recorded"]
    assert found.violations == planter.find("SELECT count(*) FROM fulfillment.run")
    assert len(found.examples) == 5
