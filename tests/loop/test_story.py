"""The demo's story: one purchase from the second of a video to the cents of a payout, then the money back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from billing.charges.models import Charge
from billing.ledger.queries import balance_minor
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.parties.models import PLATFORM_ORG_ID
from orders.order.models import Subscription, SubscriptionTerm
from orders.tracing.model import Trace
from tests.factories_marketplace import OPERATOR_PRINCIPAL
from tests.loop_stage import Stage

GROSS, NET, TAX = 398_000, 375_472, 22_528
"""20 seats of ¥199, 6 % tax included: 3980.00 = 3754.72 + 225.28."""
COMMISSION, PROMOTER = 56_321, 18_774
"""15 % and 5 % of the net, rounded half up; the seller keeps the rest of the gross."""
SELLER = GROSS - COMMISSION - PROMOTER

BOUGHT = [
    "orders.purchase_placed",
    "billing.payment_succeeded",
    "orders.order_paid",
    "billing.charge_recorded",
    "fulfillment.entitlement_activated",
    "orders.order_activated",
    "billing.invoice_issued",
]
PAID_OUT = ["billing.statement_closed", "billing.payout_paid"]


def kinds(found: Trace) -> set[str]:
    return {node.kind for node in found.nodes}


class TestSubscriptionBoughtFromVideo:
    def test_from_the_second_of_a_video_to_the_cent_of_a_payout(self, stage: Stage) -> None:
        touched = stage.touch()
        order_id = stage.buy()
        stage.run(documents=True)
        self._is_active(stage, order_id)
        assert stage.topics() == [*BOUGHT, "billing.invoice_rendered"]
        self._is_invoiced(stage, order_id)
        stage.settle()
        for org, net_minor in ((stage.seller, SELLER), (stage.promoter, PROMOTER)):
            (statement,) = stage.statements(org)
            assert (statement.state, statement.net_minor, statement.currency) == ("closed", net_minor, "CNY")
            payout = stage.pay_out(statement.id)
            assert (payout.state, payout.amount_minor) == ("paid", net_minor)
        # The buyer took part in no settlement; the seller's bill for the commission is its own.
        assert stage.topics() == [*BOUGHT, "billing.invoice_rendered"]
        sold = [topic for topic in BOUGHT if not topic.startswith(("orders.purchase", "billing.payment"))]
        settled = ["billing.statement_closed", "billing.invoice_issued", "billing.payout_paid"]
        assert stage.topics(stage.seller) == [*sold, "billing.invoice_rendered", *settled]
        assert stage.topics(stage.promoter) == PAID_OUT
        self._commission_is_invoiced(stage)
        self._books_are_even(stage)
        self._every_side_sees_its_own(stage, order_id)
        # The touchpoint is on the path even though the purchase itself said where it was made.
        (attribution,) = [n for n in stage.trace(stage.purchaser, order_id).nodes if n.kind == "attribution"]
        assert (attribution.facts["rule"], attribution.facts["second_ms"]) == ("context", 7_000)
        assert attribution.facts["touchpoints"] == 1
        assert touched is not None

    def _is_active(self, stage: Stage, order_id: UUID) -> None:
        order = stage.order(order_id)
        assert (order.state, order.gross_minor, order.net_minor, order.tax_minor) == ("active", GROSS, NET, TAX)
        assert stage.purchase_of(order.id).state == "paid"
        entitlement = stage.entitlement(order.id)
        assert (entitlement.state, entitlement.seats, entitlement.seats_used) == ("active", 20, 0)
        assert stage.effects(order.id) == ["instance_created"]
        log = stage.seller_log(order.id)
        assert log["effects"][0]["tenant_id"] == entitlement.external_id
        (subscription,) = stage.rows(select(Subscription).where(Subscription.buyer_org_id == stage.buyer.id))
        assert (subscription.state, subscription.quantity) == ("active", 20)
        (term,) = stage.rows(select(SubscriptionTerm).where(SubscriptionTerm.subscription_id == subscription.id))
        assert (term.number, term.starts_at, term.ends_at) == (1, entitlement.valid_from, entitlement.valid_to)
        assert term.ends_at.year == term.starts_at.year + 1
        shares = {kind: (share.org_id, share.amount_minor) for kind, share in stage.shares(order.id).items()}
        assert shares == {
            "seller": (stage.seller.id, SELLER),
            "commission": (PLATFORM_ORG_ID, COMMISSION),
            "promoter": (stage.promoter.id, PROMOTER),
        }
        held = {share.releasable_at for share in stage.shares(order.id).values()}
        assert held == {clock.now() + timedelta(days=7)}

    def _is_invoiced(self, stage: Stage, order_id: UUID) -> None:
        (invoice,) = stage.papers(order_id)
        assert (invoice.net_minor, invoice.tax_minor, invoice.gross_minor) == (NET, TAX, GROSS)
        assert invoice.number == f"INV-{clock.now().year}-000001"
        assert (invoice.buyer_org_id, invoice.seller_org_id) == (stage.buyer.id, stage.seller.id)
        assert invoice.po_number == "PO-7"
        pdf = stage.services.storage.get_bytes(invoice.pdf_key or "")
        assert pdf.startswith(b"%PDF-1.7")
        assert (invoice.number or "").encode() in stage.services.storage.get_bytes(invoice.xml_key or "")

    def _commission_is_invoiced(self, stage: Stage) -> None:
        (statement,) = stage.statements(stage.seller)
        assert (statement.gross_minor, statement.commission_minor, statement.promoter_minor) == (
            GROSS,
            -COMMISSION,
            -PROMOTER,
        )
        (bill,) = stage.papers(statement.id, "commission_invoice")
        # The commission contains its tax: 563.21 = 531.33 + 31.88.
        assert (bill.net_minor, bill.tax_minor, bill.gross_minor) == (53_133, 3_188, COMMISSION)
        assert (bill.buyer_org_id, bill.seller_org_id) == (stage.seller.id, PLATFORM_ORG_ID)
        assert statement.commission_invoice_id == bill.id
        assert {share.state for share in stage.shares(bill_order(stage)).values()} == {"paid"}

    def _books_are_even(self, stage: Stage) -> None:
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            for org in (stage.seller, stage.promoter):
                assert balance_minor(uow, org.id, "party_pending", "CNY") == 0
                assert balance_minor(uow, org.id, "party_available", "CNY") == 0
            assert balance_minor(uow, stage.buyer.id, "buyer_credit", "CNY") == 0

    def _every_side_sees_its_own(self, stage: Stage, order_id: UUID) -> None:
        charge = stage.rows(select(Charge).where(Charge.group_reference == order_id))[0]
        whole = stage.trace(OPERATOR_PRINCIPAL, charge.id)
        buyer = stage.trace(stage.purchaser, charge.id)
        seller = stage.trace(stage.seller.owner, charge.id)
        share = stage.shares(charge.group_reference)["promoter"]
        promoter = stage.trace(stage.promoter.owner, share.id)
        for found in (whole, buyer, seller, promoter):
            assert found.is_whole, found.gaps
        money_out = {"share", "statement", "payout", "commission_invoice"}
        assert kinds(whole) >= money_out | {"video", "placement", "attribution", "quote", "purchase", "order"}
        assert kinds(whole) >= {"order_line", "payment", "charge", "entitlement", "run", "subscription", "invoice"}
        assert not kinds(buyer) & money_out
        assert kinds(buyer) >= {"video", "attribution", "quote", "purchase", "payment", "entitlement", "invoice"}
        assert kinds(seller) >= money_out | {"order", "order_line", "charge", "run", "invoice"}
        assert not kinds(seller) & {"quote", "purchase", "payment", "touchpoint"}
        assert kinds(promoter) == {"video", "share", "statement", "payout", "ledger_transaction"}
        for stranger in (stage.buyer.id, stage.seller.id, order_id, self._name(stage)):
            assert str(stranger) not in stage.plain(promoter)
        for amount in (COMMISSION, PROMOTER, SELLER):
            assert str(amount) not in stage.plain(buyer)
        assert str(stage.purchaser.person_id) not in stage.plain(seller)

    def _name(self, stage: Stage) -> str:
        return str(stage.order(bill_order(stage)).buyer_name)


def bill_order(stage: Stage) -> UUID:
    (charge,) = stage.rows(select(Charge).where(Charge.buyer_org_id == stage.buyer.id))
    return UUID(str(charge.group_reference))
