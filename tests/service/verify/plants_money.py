"""One corruption for every rule about money and documents: what it names, and nothing else, is wrong afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from kernel import clock
from kernel.ids import uuid7
from tests.service.verify.planting import PLATFORM, Planter
from tests.verify_world import World

FAILED_PAYMENT = "SELECT id FROM billing.payment WHERE state = 'failed' LIMIT 1"
REVERSED = "(SELECT id FROM billing.share WHERE state = 'reversed' AND kind = '{kind}' LIMIT 1)"
UNREFUNDED = "SELECT * FROM billing.charge WHERE reserved_minor = 0 AND captured_at IS NOT NULL"


def ledger_balanced(p: Planter, _: World) -> None:
    p.book((PLATFORM, "gateway_fee", 5), (PLATFORM, "gateway_fee", -4))


def ledger_complete(p: Planter, _: World) -> None:
    p.book((PLATFORM, "gateway_fee", 5), (PLATFORM, "gateway_fee", -5), postings=3)


def ledger_no_zero(p: Planter, _: World) -> None:
    p.define("ALTER TABLE billing.posting DROP CONSTRAINT ck_posting_amount")
    p.book((PLATFORM, "gateway_fee", 5), (PLATFORM, "gateway_fee", -5), (PLATFORM, "gateway_fee", 0))


def ledger_parties(p: Planter, world: World) -> None:
    p.book((PLATFORM, "gateway_fee", 5), (PLATFORM, "gateway_fee", -5), org_ids=[PLATFORM, world.buyer.id])


def ledger_sealed(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.ledger_transaction SET effective_at = effective_at - interval '1 day'
           WHERE id = (SELECT transaction_id FROM billing.ledger_seal_entry LIMIT 1)"""
    )


def ledger_facts(p: Planter, _: World) -> None:
    p.book((PLATFORM, "gateway_fee", 5), (PLATFORM, "gateway_fee", -5), key=f"payment:{uuid7()}", kind="payment")


def ledger_cash(p: Planter, _: World) -> None:
    p.book((PLATFORM, "gateway_cash", 5), (PLATFORM, "gateway_fee", -5))


def gateway_balances_booked(p: Planter, _: World) -> None:
    legs = (PLATFORM, "gateway_cash", 5), (PLATFORM, "gateway_cash", -5)
    p.book(*legs, key=f"balance:{uuid7()}:fee", kind="gateway_fee")


def gateway_balances_known(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.gateway_balance_entry
           SET booked_as = NULL, booked_at = NULL, created_at = created_at - interval '2 days'
           WHERE id = (SELECT id FROM billing.gateway_balance_entry WHERE kind = 'refund' AND booked_as = 'own' LIMIT 1)"""
    )


def ledger_suspense(p: Planter, _: World) -> None:
    p.book((PLATFORM, "suspense", 5), (PLATFORM, "gateway_fee", -5))


def ledger_buyer_credit(p: Planter, world: World) -> None:
    p.book((world.buyer.id, "buyer_credit", -5), (PLATFORM, "gateway_fee", 5))


def ledger_pending(p: Planter, world: World) -> None:
    p.book((world.seller.id, "party_pending", -5), (PLATFORM, "gateway_fee", 5))


def ledger_available(p: Planter, world: World) -> None:
    p.book((world.promoter.id, "party_available", -5), (PLATFORM, "gateway_fee", 5))


def ledger_commission(p: Planter, _: World) -> None:
    p.book((PLATFORM, "commission", -5), (PLATFORM, "gateway_fee", 5))


def ledger_payout_clearing(p: Planter, _: World) -> None:
    p.book((PLATFORM, "payout_clearing", -5), (PLATFORM, "gateway_fee", 5))


def payments_allocated(p: Planter, _: World) -> None:
    p.change(
        f"UPDATE billing.payment_allocation SET amount_minor = amount_minor + 1 WHERE payment_id = ({FAILED_PAYMENT})"
    )


def _begin_payment(p: Planter, **changes: Any) -> UUID:
    first = p.find(FAILED_PAYMENT)
    values = {
        "state": "processing",
        "error_code": None,
        "gateway_reference": None,
        "next_check_at": clock.now(),
        **changes,
    }
    payment_id = p.copy("billing.payment", first, **values)
    allocation = p.find("SELECT id FROM billing.payment_allocation WHERE payment_id = :id", id=first)
    p.copy("billing.payment_allocation", allocation, payment_id=payment_id)
    p.remember("payment", payment_id, None, "processing")
    return payment_id


def payments_one_alive(p: Planter, _: World) -> None:
    p.define("DROP INDEX billing.uq_payment_live")
    _begin_payment(p)
    _begin_payment(p)


def payments_captured(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.payment SET gateway_reference = NULL
           WHERE id = (SELECT id FROM billing.payment WHERE state = 'succeeded' LIMIT 1)"""
    )


def payments_arrived(p: Planter, world: World) -> None:
    payment_id = _begin_payment(p, state="succeeded", gateway_reference="sbx_pay_late", captured_at=clock.now())
    p.remember("payment", payment_id, "processing", "succeeded")
    attempt = p.find(f"SELECT id FROM billing.payment_attempt WHERE payment_id = ({FAILED_PAYMENT})")
    p.copy("billing.payment_attempt", attempt, payment_id=payment_id, outcome="answered")
    minor = p.find("SELECT amount_minor FROM billing.payment WHERE id = :id", id=payment_id)
    legs = (PLATFORM, "gateway_cash", minor), (world.buyer.id, "buyer_credit", -minor)
    p.book(*legs, key=f"payment:{payment_id}", kind="payment")


def gateway_pursued(p: Planter, _: World) -> None:
    _begin_payment(p, next_check_at=clock.now() - timedelta(hours=1))


def charges_of_the_line(p: Planter, _: World) -> None:
    p.change(
        "UPDATE billing.charge SET tax_rate_ppm = tax_rate_ppm + 1 WHERE id = (SELECT id FROM billing.charge LIMIT 1)"
    )


def charges_within_payment(p: Planter, world: World) -> None:
    p.change(
        """UPDATE billing.charge SET allocation_id = (
               SELECT id FROM billing.payment_allocation WHERE reference <> :order AND refunded_minor > 0 LIMIT 1)
           WHERE id = (SELECT id FROM billing.charge WHERE group_reference = :order LIMIT 1)""",
        order=world.order_id,
    )


def charges_shared(p: Planter, _: World) -> None:
    p.change(f"UPDATE billing.share SET amount_minor = amount_minor + 1 WHERE id = {REVERSED.format(kind='seller')}")


def shares_delivered(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.share SET delivered_at = NULL, releasable_at = NULL
           WHERE id = (SELECT id FROM billing.share WHERE state = 'paid' AND part_reference IS NULL LIMIT 1)"""
    )


def shares_pinned(p: Planter, _: World) -> None:
    p.change(f"UPDATE billing.share SET policy_version = 2 WHERE id = {REVERSED.format(kind='seller')}")


def shares_computed(p: Planter, _: World) -> None:
    p.define("ALTER TABLE billing.share DROP CONSTRAINT ck_share_reversed")
    charge_id = p.find("SELECT charge_id FROM billing.share WHERE state = 'reversed' AND kind = 'promoter' LIMIT 1")
    for kind, by in (("seller", -1), ("promoter", 1)):
        p.change(
            "UPDATE billing.share SET amount_minor = amount_minor + :by WHERE charge_id = :charge AND kind = :kind",
            by=by,
            charge=charge_id,
            kind=kind,
        )


def shares_held(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.share SET releasable_at = releasable_at - interval '1 day'
           WHERE id = (SELECT id FROM billing.share WHERE state = 'paid' LIMIT 1)"""
    )


def _request_refund(p: Planter, allocation_id: UUID, **changes: Any) -> UUID:
    first = p.find("SELECT id FROM billing.refund WHERE state = 'succeeded' LIMIT 1")
    values: dict[str, Any] = {"state": "requested", "allocation_id": allocation_id, "next_check_at": clock.now()}
    refund_id = p.copy(
        "billing.refund", first, **(values | {"amount_minor": 1, "ended_at": None, "gateway_reference": None} | changes)
    )
    p.remember("refund", refund_id, None, "requested")
    p.change(
        "UPDATE billing.payment_allocation SET reserved_minor = reserved_minor + 1 WHERE id = :id", id=allocation_id
    )
    return refund_id


def refunds_within_capture(p: Planter, _: World) -> None:
    p.define("ALTER TABLE billing.payment_allocation DROP CONSTRAINT ck_payment_allocation_reserved")
    _request_refund(p, p.find("SELECT id FROM billing.payment_allocation WHERE refunded_minor = amount_minor LIMIT 1"))


def refunds_reserved(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.payment_allocation SET reserved_minor = 1
           WHERE id = (SELECT id FROM billing.payment_allocation WHERE reserved_minor = 0 LIMIT 1)"""
    )


def refunds_charges(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.charge SET reserved_minor = 1
           WHERE id = (SELECT id FROM billing.charge WHERE reserved_minor = 0 LIMIT 1)"""
    )


def refunds_lines(p: Planter, _: World) -> None:
    charge_id = p.find("SELECT id FROM billing.charge WHERE reserved_minor = 0 LIMIT 1")
    refund_id = _request_refund(p, p.find("SELECT allocation_id FROM billing.charge WHERE id = :id", id=charge_id))
    line_id = p.find("SELECT id FROM billing.refund_line LIMIT 1")
    amounts = {"net_minor": 2, "tax_minor": 0, "gross_minor": 2}
    p.copy("billing.refund_line", line_id, refund_id=refund_id, charge_id=charge_id, **amounts)
    p.change("UPDATE billing.charge SET reserved_minor = 2, reserved_net_minor = 2 WHERE id = :id", id=charge_id)


def refunds_reversed(p: Planter, _: World) -> None:
    share_id = p.find(
        """SELECT v.share_id FROM billing.share_reversal v JOIN billing.share s ON s.id = v.share_id
           WHERE s.kind = 'commission' GROUP BY v.share_id HAVING count(*) = 2"""
    )
    for order, by in (("ASC", -1), ("DESC", 1)):
        p.change(
            f"""UPDATE billing.share_reversal SET amount_minor = amount_minor + :by WHERE id = (
                    SELECT id FROM billing.share_reversal WHERE share_id = :share
                    ORDER BY created_at {order}, id {order} LIMIT 1)""",
            by=by,
            share=share_id,
        )


def shares_reversed(p: Planter, _: World) -> None:
    p.define("ALTER TABLE billing.share DROP CONSTRAINT ck_share_reversed")
    p.change(
        f"UPDATE billing.share SET reversed_minor = reversed_minor + 1 WHERE id = {REVERSED.format(kind='seller')}"
    )


def statements_lines(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.statement SET gross_minor = gross_minor + 1, promoter_minor = promoter_minor - 1
           WHERE id = (SELECT id FROM billing.statement LIMIT 1)"""
    )


def statements_shares(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.share SET statement_id = (
               SELECT s.id FROM billing.statement s WHERE s.state = 'paid' AND s.org_id <> share.org_id LIMIT 1)
           WHERE id = (SELECT id FROM billing.share WHERE state = 'paid' AND kind = 'seller' LIMIT 1)"""
    )


def statements_sequence(p: Planter, _: World) -> None:
    p.change("UPDATE billing.statement SET starts_at = starts_at + interval '1 hour' WHERE state = 'carried'")


def statements_settled(p: Planter, _: World) -> None:
    # The last of its party: what follows one repeats what it carried.
    statement_id = p.find(
        """SELECT id FROM billing.statement s WHERE state = 'carried' AND NOT EXISTS (
           SELECT 1 FROM billing.statement n WHERE (n.org_id, n.currency) = (s.org_id, s.currency) AND n.ends_at > s.ends_at)
           LIMIT 1"""
    )
    p.change("UPDATE billing.statement SET state = 'closed' WHERE id = :id", id=statement_id)
    p.forget("statement", statement_id, "closed", "carried")


def shares_settled(p: Planter, _: World) -> None:
    share_id = p.find("SELECT id FROM billing.share WHERE state = 'paid' AND kind = 'seller' LIMIT 1")
    p.change("UPDATE billing.share SET state = 'in_statement' WHERE id = :id", id=share_id)
    p.forget("share", share_id, "in_statement", "paid")


def payouts_amount(p: Planter, _: World) -> None:
    first = p.find("SELECT id FROM billing.payout WHERE state = 'paid' AND gateway = 'sandbox' LIMIT 1")
    org_id = p.find("SELECT org_id FROM billing.payout WHERE id = :id", id=first)
    minor = p.find("SELECT amount_minor + 1 FROM billing.payout WHERE id = :id", id=first)
    payout_id = p.copy(
        "billing.payout", first, state="failed", amount_minor=minor, paid_at=None, gateway_reference=None
    )
    p.remember("payout", payout_id, None, "scheduled", "failed")
    for word, sign in (("scheduled", 1), ("failed", -1)):
        legs = ((org_id, "party_available", sign * minor), (PLATFORM, "payout_clearing", -sign * minor))
        p.book(*legs, key=f"payout:{payout_id}:{word}", kind=f"payout_{word}")


def payouts_one_alive(p: Planter, _: World) -> None:
    p.change("UPDATE billing.payout SET gateway_reference = NULL WHERE id = (SELECT id FROM billing.payout LIMIT 1)")


def commission_invoiced(p: Planter, _: World) -> None:
    p.change("UPDATE billing.statement SET commission_invoice_id = NULL WHERE commission_invoice_id IS NOT NULL")


def numbers_gapless(p: Planter, _: World) -> None:
    p.change("UPDATE billing.number_series SET next_number = next_number + 1 WHERE kind = 'invoice'")


def numbers_dated(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.invoice SET issued_at = issued_at + interval '90 days' WHERE kind = 'invoice' AND sequence = 1"""
    )


def numbers_spelled(p: Planter, _: World) -> None:
    p.change(
        "UPDATE billing.invoice SET number = 'INV-1' WHERE id = (SELECT id FROM billing.invoice WHERE kind = 'invoice' LIMIT 1)"
    )


def invoices_lines(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.invoice_line SET net_minor = net_minor + 1, gross_minor = gross_minor + 1
           WHERE invoice_id = (SELECT id FROM billing.invoice WHERE kind = 'commission_invoice' LIMIT 1)"""
    )


def invoices_orders(p: Planter, world: World) -> None:
    p.change(
        """UPDATE billing.invoice_line SET tax_rate_ppm = tax_rate_ppm + 1
           WHERE invoice_id = (SELECT id FROM billing.invoice WHERE kind = 'invoice' AND reference = :order)""",
        order=world.order_id,
    )


def invoices_per_order(p: Planter, world: World) -> None:
    p.change('UPDATE orders."order" SET active_at = NULL WHERE id = :order', order=world.order_id)


def credit_notes_within_original(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.invoice_line SET reference = id
           WHERE invoice_id = (SELECT id FROM billing.invoice WHERE kind = 'credit_note' LIMIT 1)"""
    )


def credit_notes_per_refund(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.invoice SET refund_id = NULL
           WHERE id = (SELECT id FROM billing.invoice WHERE kind = 'credit_note' LIMIT 1)"""
    )


def documents_produced(p: Planter, _: World) -> None:
    p.change("UPDATE billing.invoice SET pdf_sha256 = NULL WHERE kind = 'invoice' AND sequence = 1")


def statements_adjustments(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.statement SET adjustments_minor = adjustments_minor + 1, commission_tax_minor = commission_tax_minor - 1
           WHERE id = (SELECT id FROM billing.statement LIMIT 1)"""
    )


def incidents_followed(p: Planter, _: World) -> None:
    p.change(
        "DELETE FROM kernel.state_history WHERE subject_id = (SELECT id FROM billing.incident WHERE kind = 'refund_returned')"
    )
    p.change("DELETE FROM billing.incident WHERE kind = 'refund_returned'")


def incidents_covered(p: Planter, _: World) -> None:
    p.change("UPDATE billing.incident SET amount_minor = amount_minor + 1 WHERE kind = 'payment_reversed'")


def shares_frozen(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.dispute SET created_at = created_at - interval '30 days', ended_at = ended_at + interval '30 days'
           WHERE state = 'won'"""
    )
    p.change("UPDATE billing.dispute_part SET created_at = created_at - interval '30 days'")


def disputes_parts(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.dispute_part SET amount_minor = amount_minor - 1
           WHERE id = (SELECT id FROM billing.dispute_part LIMIT 1)"""
    )


def disputes_borne(p: Planter, _: World) -> None:
    p.change("UPDATE billing.dispute SET loss_minor = loss_minor + 1 WHERE state = 'lost'")


def disputes_answered(p: Planter, _: World) -> None:
    p.change("UPDATE billing.dispute SET submission_id = gen_random_uuid() WHERE state = 'open'")


def refund_cases_granted(p: Planter, _: World) -> None:
    p.change("UPDATE orders.refund_case SET granted_minor = granted_minor - 1 WHERE state = 'granted'")


def refund_cases_waiting(p: Planter, _: World) -> None:
    p.change(
        "UPDATE orders.refund_case SET deadline_at = :at WHERE state = 'asked'", at=clock.now() - timedelta(hours=1)
    )


def ledger_store_credit(p: Planter, world: World) -> None:
    p.book((world.buyer.id, "store_credit", -5), (PLATFORM, "gateway_fee", 5))


def store_credit_balance(p: Planter, _: World) -> None:
    p.change("UPDATE billing.store_credit SET reserved_minor = reserved_minor + 1")


def store_credit_moved(p: Planter, _: World) -> None:
    p.change("UPDATE billing.store_credit_movement SET subject_id = gen_random_uuid() WHERE kind = 'used'")


def store_credit_paid(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.payment_allocation SET credit_back_minor = credit_back_minor + 1
           WHERE id = (SELECT id FROM billing.payment_allocation WHERE reserved_minor > credit_back_minor LIMIT 1)"""
    )
