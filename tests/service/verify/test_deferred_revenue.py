"""The report of deferred revenue is the sum of its terms, and each term is recognised as the pure function says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from kernel.money import net_of_included
from kernel.principal import SYSTEM, Principal, PrincipalKind
from orders.deferred_revenue.queries import DeferredLine, Whose, deferred_lines, deferred_months
from orders.deferred_revenue.recognition import recognised_in
from tests.service.verify.conftest import Market


def lines(owner: UnitOfWork, whose: Whose, month: object) -> list[DeferredLine]:
    found: list[DeferredLine] = []
    after = None
    while True:
        page = deferred_lines(owner, whose, month, after=after, limit=2)  # type: ignore[arg-type]  # a date of the report
        found += page.items
        after = page.next_after
        if after is None:
            return found


@pytest.mark.parametrize("whose", ["seller", "platform"])
def test_months_are_the_sums_of_their_terms(whose: Whose, market: Market, owner: UnitOfWork) -> None:
    may = frozenset({"money.read", "operator.read"})
    owner.principal = replace(SYSTEM, org_id=market.world.seller.id, permissions=may)
    months = deferred_months(owner, whose)
    assert len(months) >= 12
    for row in months:
        own = [line for line in lines(owner, whose, row.month) if line.currency == row.currency]
        assert len({line.order_line_id for line in own}) == len(own) == row.terms
        assert sum(line.recognised_minor for line in own) == row.recognised_minor
        following = row.month.replace(year=row.month.year + row.month.month // 12, month=row.month.month % 12 + 1)
        for line in own:
            expected = recognised_in(line.amount_minor, line.starts_on, line.ends_on, row.month, following)
            assert line.recognised_minor == expected
            until = recognised_in(line.amount_minor, line.starts_on, line.ends_on, line.starts_on, following)
            assert line.deferred_minor == line.amount_minor - until
    paid = owner.session.scalar(
        text("""SELECT sum(c.net_minor - coalesce(r.net, 0)) FROM billing.charge c LEFT JOIN (
                    SELECT charge_id, sum(net_minor) AS net FROM billing.refund_line l JOIN billing.refund r ON r.id = l.refund_id
                    WHERE r.state <> 'failed' GROUP BY 1) r ON r.charge_id = c.id
                WHERE c.seller_org_id = :org AND c.selling_model = 'agency' AND EXISTS (
                    SELECT 1 FROM orders.subscription_term t WHERE t.order_line_id = c.reference)"""),
        {"org": market.world.seller.id},
    )
    supplied = owner.session.execute(
        text("""SELECT s.amount_minor - s.reversed_minor AS minor, c.supply_tax_rate_ppm AS ppm
                FROM billing.share s JOIN billing.charge c ON c.id = s.charge_id
                WHERE c.seller_org_id = :org AND s.kind = 'seller' AND c.selling_model = 'reseller'"""),
        {"org": market.world.seller.id},
    ).all()
    assert supplied
    if whose == "seller":
        ended = min(row.month for row in months)
        of_supplies = sum(net_of_included(row.minor, row.ppm) for row in supplied)
        assert sum(row.recognised_minor for row in months) + months[0].deferred_minor == paid + of_supplies, ended


def test_only_whoever_reads_money_reads_it(market: Market, owner: UnitOfWork) -> None:
    owner.principal = Principal(PrincipalKind.PERSON, org_id=market.world.seller.id)
    for whose in ("seller", "platform"):
        with pytest.raises(Forbidden):
            deferred_months(owner, whose)
