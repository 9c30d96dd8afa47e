"""What the platform sells itself: its tax, its invoice, and the seller's supply to it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from billing.charges.models import Charge
from billing.fapiao.models import Fapiao
from billing.fapiao.request_fapiao import RequestFapiao, request_fapiao
from billing.fapiao.sandbox import SandboxFapiaoIssuer
from billing.invoices.to_document import load_document
from billing.statements.models import StatementLine
from billing.statements.queries import get_statement_row
from billing.statements.supplies import supplies_to_invoice
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.parties.models import PLATFORM_ORG_ID, BillingProfile
from marketplace.parties.save_billing_profile import SaveBillingProfile, save_billing_profile
from orders.checkout.create_quote import QuoteItem
from orders.checkout.priced_line import PricedLine
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.checkout.quote_models import Quote
from orders.checkout.selling import require_separable
from orders.invoicing.correct_title import CorrectTitle, correct_invoice_title
from orders.order.models import OrderLine, Subscription
from tests.fapiao_stage import number_fapiaos
from tests.loop_stage import Stage
from tests.month_stage import choose_monthly, documents, end_month, lines_of, sweep_months
from tests.reseller_stage import offer_resold, tax_payable

if TYPE_CHECKING:
    from collections.abc import Iterator

GROSS = 398_000
NET, TAX = 375_472, 22_528


def test_from_purchase_to_statement(stage: Stage) -> None:
    plan, before = offer_resold(stage), tax_payable(stage)
    order_id = stage.buy(plan)
    stage.run()
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    assert (line.selling_model, line.supply_tax_rate_ppm, line.supply_tax_category) == ("reseller", 60_000, "S")
    assert (line.net_minor, line.tax_minor, line.gross_minor) == (NET, TAX, GROSS)
    (charge,) = stage.rows(select(Charge).where(Charge.group_reference == order_id))
    assert charge.is_resold
    assert sum(one.amount_minor for one in stage.shares(order_id).values()) == NET
    assert tax_payable(stage) - before == TAX
    (invoice,) = stage.papers(order_id)
    assert invoice.seller_org_id == PLATFORM_ORG_ID
    assert invoice.seller["legal_name"] == line.plan["issuer_name"] != line.plan["seller_name"]
    assert (invoice.net_minor, invoice.tax_minor, invoice.number is not None) == (NET, TAX, True)
    stage.refund(order_id, 98_001)
    stage.run()
    (note,) = stage.papers(order_id, "credit_note")
    assert (note.seller_org_id, note.gross_minor, note.seller) == (PLATFORM_ORG_ID, 98_001, invoice.seller)
    assert tax_payable(stage) - before == TAX - note.tax_minor
    stage.settle()
    (statement,) = stage.statements(stage.seller)
    lines = stage.rows(select(StatementLine).where(StatementLine.statement_id == statement.id))
    share = stage.shares(order_id)["seller"]
    assert {one.kind: one.net_minor for one in lines} == {
        "supply": share.amount_minor,
        "supply_refund": -share.reversed_minor,
    }
    assert (statement.commission_minor, statement.promoter_minor) == (0, 0)
    assert statement.commission_invoice_id is None, "nobody took a commission of a supply"
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        (supply,) = supplies_to_invoice(uow, get_statement_row(uow, statement.id))
    assert (supply.tax_rate_ppm, supply.gross_minor) == (60_000, statement.net_minor)
    stage.refund(order_id)
    stage.run()
    assert stage.order(order_id).state == "refunded"
    assert tax_payable(stage) == before, "to the cent"
    assert sum(one.gross_minor for one in stage.papers(order_id, "credit_note")) == GROSS


def test_a_basket_of_both_models_is_an_order_for_each_issuer(stage: Stage) -> None:
    resold = offer_resold(stage)
    quote_id = stage.quote(lines=(QuoteItem(stage.seat_plan, 1), QuoteItem(resold, 2)))
    own, platforms = stage.orders_of(stage.purchase(quote_id))
    stage.run()
    assert (own.seller_org_id, platforms.seller_org_id) == (stage.seller.id, stage.seller.id)
    assert (own.selling_model, platforms.selling_model) == ("agency", "reseller")
    (bill,), (invoice,) = stage.papers(own.id), stage.papers(platforms.id)
    assert (bill.seller_org_id, invoice.seller_org_id) == (stage.seller.id, PLATFORM_ORG_ID)
    buyer = stage.buyer.owner
    with unit_of_work(stage.services.db, buyer) as uow:
        lines = [PricedLine.model_validate(one) for one in uow.session.get_one(Quote, quote_id).lines]
    with pytest.raises(Conflict, match="selling_models_mixed"):
        require_separable(lines, of_offer=True)
    require_separable(lines, of_offer=False)
    # Whoever sees what: the seller its own invoice alone, the buyer both.
    assert not [one for one in stage.trace(stage.seller.owner, platforms.id).nodes if one.kind == "invoice"]
    assert [one.id for one in stage.trace(stage.purchaser, platforms.id).nodes if one.kind == "invoice"] == [invoice.id]
    request = RequestFapiao([invoice.id])
    asked = transact(stage.services.db, buyer, lambda uow: request_fapiao(uow, request, SandboxFapiaoIssuer()).id)
    number_fapiaos(stage, asked)
    (fapiao,) = stage.rows(select(Fapiao).where(Fapiao.request_id == asked))
    assert (fapiao.seller_org_id, fapiao.gross_minor) == (PLATFORM_ORG_ID, invoice.gross_minor)
    both = RequestFapiao([bill.id, invoice.id])
    with pytest.raises(Conflict):
        transact(stage.services.db, buyer, lambda uow: request_fapiao(uow, both, SandboxFapiaoIssuer()))


def test_a_title_is_corrected_by_whoever_issued(stage: Stage) -> None:
    order_id = stage.buy(offer_resold(stage), 3)
    stage.run()
    (invoice,) = stage.papers(order_id)
    title = SaveBillingProfile("云帆（上海）科技有限公司", "91330106MA2CF9B3RJ", "CN", "张江路 88 号", "a@b.example")
    buyer, db = stage.buyer.owner, stage.services.db
    profile = transact(db, buyer, lambda uow: save_billing_profile(uow, title).id)
    command = CorrectTitle(invoice.id, "抬头写错了", profile)
    found = transact(db, buyer, lambda uow: correct_invoice_title(uow, command))
    stage.run()
    _, second = stage.papers(order_id)
    (note,) = stage.papers(order_id, "credit_note")
    assert (second.id, note.id) == (found.invoice_id, found.note_id)
    assert {second.seller_org_id, note.seller_org_id} == {PLATFORM_ORG_ID}
    assert None not in {second.number, note.number}
    # More seats of what the platform sold are sold by it, too.
    subscription = stage.rows(select(Subscription).where(Subscription.buyer_org_id == stage.buyer.id))[0]
    more = QuoteAmendment(subscription.id, quantity=5)
    quote = transact(db, stage.purchaser, lambda uow: quote_amendment(uow, more).id)
    changed = stage.place(quote)
    stage.run()
    (paper,) = stage.papers(changed)
    assert (stage.order(changed).selling_model, paper.seller_org_id) == ("reseller", PLATFORM_ORG_ID)


def test_a_month_is_invoiced_by_issuer(stage: Stage) -> None:
    choose_monthly(stage)
    other, plan, _ = stage.second_seller()
    of_other = offer_resold(stage, other, connector_id=stage.get(Plan, plan).connector_id)
    orders = [stage.buy(one, 2) for one in (offer_resold(stage), of_other, stage.seat_plan)]
    stage.run()
    end_month(stage, orders[0])
    sweep_months(stage)
    stage.run()
    papers = {one.seller_org_id: one for one in documents(stage)}
    assert set(papers) == {PLATFORM_ORG_ID, stage.seller.id}
    lines = lines_of(stage, papers[PLATFORM_ORG_ID])
    assert [one.order_id for one in lines] == orders[:2], "of whichever seller it bought them"
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        assert load_document(uow, papers[PLATFORM_ORG_ID].id, public_url="").seller.tax_id
    stage.refund(orders[1])
    stage.run()
    (note,) = documents(stage, "credit_note")
    assert (note.seller_org_id, note.original_invoice_id) == (PLATFORM_ORG_ID, papers[PLATFORM_ORG_ID].id)


@contextmanager
def nameless(stage: Stage) -> Iterator[None]:
    """The platform has no default profile for a while."""
    of_platform = BillingProfile.org_id == PLATFORM_ORG_ID
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        was = uow.session.scalars(select(BillingProfile.id).where(of_platform, BillingProfile.is_default)).one()
        uow.session.execute(update(BillingProfile).where(of_platform).values(is_default=False))
    try:
        yield
    finally:
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            uow.session.execute(update(BillingProfile).where(BillingProfile.id == was).values(is_default=True))


def test_a_platform_without_an_address_sells_nothing(stage: Stage) -> None:
    plan = offer_resold(stage)
    with nameless(stage):
        with pytest.raises(Conflict, match="platform_may_not_sell"):
            stage.quote(plan)
        stage.quote(stage.seat_plan)
    stage.quote(plan)
